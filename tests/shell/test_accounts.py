"""The accounts table."""

import pytest

from postroad.accounts import Account, Suppression, Word, begin
from postroad_aws.storage import CursorError, VersionConflictError, accounts
from postroad_aws.usecases.change_account import change_account, suppress_account, tell_account

NOW = 1_793_610_000.0


def stored(account: Account) -> Account:
    assert accounts.save_account(account)
    found = accounts.find_account(account.account_id)
    assert found is not None
    return found


def full() -> Account:
    return begin("Acme & Sons", NOW).with_(
        attributes={"plan": Word("pro", NOW), "tags": Word(["a", 1, {"b": True}], NOW + 1), "gone": Word(None, NOW)},
        suppression=Suppression("in talks", NOW),
        is_target=True,
        edition=2,
        members=3,
        engaged={"buyer": 2},
    )


def test_an_account_comes_back_as_it_was_stored_one_version_later(aws):
    account = full()
    assert stored(account) == account.with_(version=1)
    assert stored(begin("acme", NOW)) == begin("acme", NOW).with_(version=1)
    assert accounts.find_account("nobody") is None


def test_an_account_from_before_editions_were_counted_has_the_one_that_its_members_carry():
    item = accounts._item(begin("acme", NOW).with_(version=6))
    item["document"]["S"] = item["document"]["S"].replace(',"edition":1', "")
    assert accounts.parse_item(item) == begin("acme", NOW).with_(version=7, edition=7)


def test_the_model_reads_what_is_stored(aws):
    from postroad_aws.storage.rows import AccountRow

    stored(full())
    row = AccountRow.get(full().account_id)
    assert (row.version, row.listed.partition("#")[0]) == (1, "target")


def test_only_who_has_read_the_latest_version_may_write(aws):
    account = stored(begin("acme", NOW))
    assert accounts.save_account(account.with_(members=1))
    assert accounts.save_account(account.with_(members=1)), "an answer was lost"
    assert not accounts.save_account(account.with_(members=2))
    assert not accounts.save_account(begin("acme", NOW).with_(members=5))


def test_accounts_are_listed_by_their_ids_and_targets_apart(aws):
    for number in range(7):
        stored(begin(f"a{number}", NOW).with_(is_target=number % 3 == 0))
    first = accounts.list_accounts(limit=4)
    rest = accounts.list_accounts(limit=4, cursor=first.next)
    assert [a.account_id for a in (*first.items, *rest.items)] == [f"a{number}" for number in range(7)]
    assert rest.next is None
    assert [a.account_id for a in accounts.list_accounts(target=True).items] == ["a0", "a3", "a6"]
    with pytest.raises(CursorError):
        accounts.list_accounts(cursor="nonsense")


def test_who_is_slower_decides_again_by_what_is_there(aws):
    stored(begin("acme", NOW))
    seen = []

    def change(before):
        seen.append(before.members)
        if len(seen) == 1:
            accounts.save_account(before.with_(members=5))
        return before.with_(members=before.members + 1)

    assert change_account(accounts, "acme", change, NOW).members == 6
    assert seen == [0, 5]


def test_an_account_that_others_write_all_the_time_is_given_up(aws):
    stored(begin("acme", NOW))

    def change(before):
        accounts.save_account(before.with_(members=before.members + 1))
        return before.with_(is_target=True)

    with pytest.raises(VersionConflictError):
        change_account(accounts, "acme", change, NOW)


def test_what_changes_nothing_is_not_written(aws):
    tell_account(accounts, "acme", "acme", {"plan": "pro"}, NOW, NOW)
    assert tell_account(accounts, "acme", "acme", {"plan": "pro"}, NOW + 9, NOW + 9).account.version == 1
    assert suppress_account(accounts, "acme", "x", NOW).version == 2
    assert suppress_account(accounts, "acme", "x", NOW + 5).version == 2
    assert suppress_account(accounts, "acme", None, NOW).version == 3
    assert suppress_account(accounts, "acme", None, NOW).version == 3
