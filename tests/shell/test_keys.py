"""Keys: found by their hash, remembered for a while; and the stack's secret."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from postroad_aws.clients import forget_clients, get_client
from postroad_aws.settings import settings
from postroad_aws.storage import CursorError, NotFoundError, keys
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
