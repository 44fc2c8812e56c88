"""People behind the number of a message step: all of them once, page by page, however rare they are."""

import pytest

from postroad.commits import Commit
from postroad.sending.messages import FAILED
from postroad_aws.storage import CursorError, contacts, messages
from postroad_aws.storage.paging import encode_cursor
from postroad_aws.usecases.list_recipients import MOST_LOOKED_AT, list_recipients
from tests.account import Account
from tests.shell.port_contract import a_contact, a_message

ORIGINS = ["journey/tour@3", "journey/tour@2", "journey/tour@1"]


def store(account: Account, origin: str, count: int, failed: int) -> set[str]:
    """So many messages of an origin; the ids of those that failed."""
    made = [a_message(f"{origin[-1]}-{n:03d}.step", origin=origin, contact_id=f"c-{n}") for n in range(count)]
    for number, message in enumerate(made):
        messages_of = (message.with_(state=FAILED, reason="no address") if number < failed else message,)
        contacts.commit(Commit(a_contact(message.contact_id + origin[-1]), messages=messages_of))
    return {message.message_id for message in made[:failed]}


def pages(wanted, enough=25):
    found, cursor = [], None
    while True:
        page = list_recipients(messages, ORIGINS, wanted, cursor=cursor, enough=enough)
        found.append([message.message_id for message in page.items])
        cursor = page.next
        if cursor is None:
            return found


def test_those_of_every_version_are_listed_once(account):
    expected = store(account, "journey/tour@3", 70, 70) | store(account, "journey/tour@1", 30, 30)
    store(account, "journey/other@3", 5, 5)
    found = [message_id for page in pages(lambda message: True) for message_id in page]
    assert len(found) == 100
    assert set(found) == expected


def test_a_rare_state_is_found_however_far_back_and_no_page_looks_at_too_many(account, monkeypatch):
    rare = store(account, "journey/tour@1", 130, 3)
    monkeypatch.setattr("postroad_aws.usecases.list_recipients.MOST_LOOKED_AT", 60)
    found = pages(lambda message: message.state == FAILED)
    assert {message_id for page in found for message_id in page} == rare
    assert len(found) > 1


def test_no_more_is_read_than_is_shown_where_everything_is_wanted(account):
    store(account, "journey/tour@3", 70, 70)
    assert [len(page) for page in pages(lambda message: True)] == [25, 25, 20]


def test_nobody_is_an_empty_list(account):
    assert pages(lambda message: True) == [[]]
    assert list_recipients(messages, [], lambda message: True) == ([], None)


@pytest.mark.parametrize("cursor", ["", "junk", encode_cursor(3, None), encode_cursor(-1, None), encode_cursor(0, 7)])
def test_a_cursor_of_another_list_is_refused(account, cursor):
    with pytest.raises(CursorError):
        list_recipients(messages, ORIGINS, lambda message: True, cursor=cursor)


def test_an_empty_origin_counts_so_that_many_versions_cost_little(account):
    asked = []

    class Counting:
        def list_newest(self, origin, *, cursor, limit):
            asked.append(origin)
            return messages.list_newest(origin, cursor=cursor, limit=limit)

    many = [f"journey/none@{version}" for version in range(300)]
    page = list_recipients(Counting(), many, lambda message: True)
    assert page.items == []
    assert page.next is not None
    assert len(asked) == MOST_LOOKED_AT / 20
