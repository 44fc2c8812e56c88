"""Keys: found by their hash, remembered for a while; and the stack's secret."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

import link_keys
from postroad.content.link_keys import LinkKey, add_key
from postroad.content.links import Open
from postroad_aws import links
from postroad_aws.clients import forget_clients, get_client
from postroad_aws.settings import settings
from postroad_aws.storage import CursorError, NotFoundError, VersionConflictError, keys
from postroad_aws.storage.keys import Key, StackSecretError


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("KEYS_TABLE", "keys")
    with mock_aws():
        settings.cache_clear()
        forget_clients()
        keys.forget_keys()
        client = get_client("dynamodb")
        client.create_table(
            TableName="keys",
            KeySchema=[{"AttributeName": "key_hash", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key_hash", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client
    settings.cache_clear()
    forget_clients()
    keys.forget_keys()


@pytest.fixture
def tick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The process's stopwatch, in our hands."""
    reading = [1_000.0]
    monkeypatch.setattr("postroad_aws.storage.keys.time.monotonic", lambda: reading[0])
    return reading


SHOP = Key("write", "shop", trusted=True, name="The shop's server", created_at=1_762_074_840.0)


def test_a_saved_key_is_found_as_it_was_saved():
    keys.save_key("demo-write-key", SHOP)
    keys.save_key("api-1", Key("api", "console"))
    assert keys.find_key("demo-write-key") == SHOP
    assert keys.find_key("api-1") == Key("api", "console")
    assert keys.find_key("nobody's") is None


def test_only_the_hash_of_a_key_is_stored(table):
    keys.save_key("demo-write-key", SHOP)
    assert "demo-write-key" not in str(table.scan(TableName="keys")["Items"])


def test_a_disabled_key_opens_nothing():
    keys.save_key("old", Key("write", "shop", disabled_at=1_762_074_840.5))
    assert keys.find_key("old") is None
    assert keys.list_keys().items[0].key.disabled_at == 1_762_074_840.5


def test_a_found_key_is_remembered_for_a_minute(table, tick):
    keys.save_key("k", SHOP)
    assert keys.find_key("k")
    table.delete_item(TableName="keys", Key={"key_hash": {"S": keys.hash_key("k")}})
    tick[0] += keys.KNOWN_SECONDS - 1
    assert keys.find_key("k")
    tick[0] += 2
    assert keys.find_key("k") is None


def test_an_unknown_key_is_asked_for_again_after_ten_seconds(table, tick):
    assert keys.find_key("k") is None
    item = {"key_hash": {"S": keys.hash_key("k")}, "kind": {"S": "write"}, "source": {"S": "shop"}}
    table.put_item(TableName="keys", Item=item)
    assert keys.find_key("k") is None
    tick[0] += keys.UNKNOWN_SECONDS + 1
    assert keys.find_key("k") == Key("write", "shop")


def test_guessing_keys_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(keys, "_CACHE_LIMIT", 20)
    for number in range(50):
        keys.find_key(f"guess-{number}")
    assert len(keys._cache) <= 20


def test_keys_are_listed_in_pages_and_the_secret_is_not_among_them():
    keys.create_stack_secret(b"s" * 32)
    for number in range(5):
        keys.save_key(f"k{number}", Key("write", f"source-{number}"))
    found, cursor = [], None
    while True:
        page = keys.list_keys(cursor=cursor, limit=2)
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    assert sorted(key.source for _, key in found) == [f"source-{number}" for number in range(5)]


def test_a_cursor_of_keys_that_nobody_gave_out_is_refused():
    for cursor in ("x", "e30", "WyIiXQ", "WzFd"):
        with pytest.raises(CursorError):
            keys.list_keys(cursor=cursor)


def test_a_disabled_key_opens_nothing_from_its_first_disabling_on():
    key_hash = keys.save_key("k", SHOP)
    assert keys.find_key("k")
    assert keys.disable_key(key_hash, 100.0).disabled_at == 100.0
    assert keys.disable_key(key_hash, 200.0).disabled_at == 100.0
    assert keys.find_key("k") is None


def test_what_is_no_key_is_not_disabled():
    keys.create_stack_secret(b"s" * 32)
    for key_hash in ("secret", keys.hash_key("nobody")):
        with pytest.raises(NotFoundError):
            keys.disable_key(key_hash, 100.0)
    assert keys.get_stack_secret() == b"s" * 32


def test_the_secret_is_made_once_and_never_replaced():
    assert keys.create_stack_secret(b"a" * 32) == b"a" * 32
    assert keys.create_stack_secret(b"b" * 32) == b"a" * 32
    assert keys.get_stack_secret() == b"a" * 32


def test_without_a_secret_the_error_says_what_to_do():
    with pytest.raises(StackSecretError, match="make keys"):
        keys.get_stack_secret()


def test_each_purpose_has_a_key_of_its_own():
    keys.create_stack_secret(b"a" * 32)
    assert len({keys.derive_key("contacts"), keys.derive_key("links"), keys.get_stack_secret()}) == 3
    assert keys.derive_key("links") == keys.derive_key("links")


def test_links_have_one_key_until_there_is_another():
    keys.create_stack_secret(b"a" * 32)
    (first,) = keys.list_link_keys()
    assert first == LinkKey("1", keys.derive_key("links"))
    keys.save_link_keys(add_key([first], b"b" * 32, 1_000.0), [first])
    assert keys.list_link_keys() == (first, LinkKey("2", b"b" * 32, 1_140.0))
    assert keys.get_stack_secret() == b"a" * 32


def test_of_two_who_change_the_keys_of_links_one_is_told():
    keys.create_stack_secret(b"a" * 32)
    first = keys.list_link_keys()
    keys.save_link_keys(add_key(first, b"b" * 32, 1_000.0), first)
    with pytest.raises(VersionConflictError, match="look at them again"):
        keys.save_link_keys(add_key(first, b"c" * 32, 1_000.0), first)
    assert [key.kid for key in keys.list_link_keys()] == ["1", "2"]


def test_a_process_looks_for_new_keys_of_links_every_minute(monkeypatch):
    keys.create_stack_secret(b"a" * 32)
    links.forget()
    tick = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: tick[0])
    assert links.signer().sign(Open("m")).startswith("1.")
    first = keys.list_link_keys()
    keys.save_link_keys(add_key(first, b"b" * 32, 1_000.0), first)
    assert links.signer().sign(Open("m")).startswith("1.")
    tick[0] += keys.KNOWN_SECONDS
    assert links.signer().sign(Open("m")).startswith("2.")


def test_links_lead_on_while_the_table_of_keys_does_not_answer(monkeypatch):
    keys.create_stack_secret(b"a" * 32)
    links.forget()
    tick = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: tick[0])
    token = links.signer().sign(Open("m"))
    tick[0] += keys.KNOWN_SECONDS
    monkeypatch.setattr(keys, "get_client", lambda name: pytest.fail("no answer"))
    assert links.signer().find(Open, token) == Open("m")


def test_the_command_makes_a_key_of_links_and_withdraws_one_that_has_leaked(monkeypatch, capsys):
    keys.create_stack_secret(b"a" * 32)
    monkeypatch.setattr(link_keys, "find_table", lambda stack: "keys")
    now = [1_793_610_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def run(*arguments):
        status = link_keys.main(list(arguments))
        return status, capsys.readouterr()

    assert run() == (0, ("key 1   signs\n", ""))
    assert run("new") == (0, ("key 1   signs\nkey 2   signs from 2026-11-02 09:02 UTC on\n", ""))
    status, (_, told) = run("withdraw", "1")
    assert (status, "Key 1 is the one that signs" in told) == (1, True)
    now[0] += 120
    assert run() == (0, ("key 1   reads the links that it has signed\nkey 2   signs\n", ""))
    assert run("withdraw", "1")[1].out == "key 1   is withdrawn: its links do nothing\nkey 2   signs\n"
    for wrong in (["withdraw"], ["new", "1"], ["lose", "1"]):
        with pytest.raises(SystemExit):
            link_keys.main(wrong)
