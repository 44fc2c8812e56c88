"""The book in a process: a few seconds old at most, and never older than a contact."""

import pytest

from demo.documents import load_definitions
from postroad.policy import Policy
from postroad_aws import books, clock, runs
from postroad_aws.clients import get_client
from postroad_aws.storage import NotFoundError, definitions
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.account import Account

VIP = {"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "vip"}}


def test_nothing_published_is_an_empty_book(bare_account):
    book = books.current()
    assert (book.revision, dict(book.segments), book.policy.name) == (0, {}, "Postroad")


def test_a_publication_is_in_force_after_a_few_seconds(account: Account):
    first = books.current()
    publish_definitions(definitions, runs, clock, {"segment/vip": VIP})
    assert books.current() is first
    account.advance(books.FRESH_SECONDS + 1)
    assert "vip" in books.current().segments


def test_who_asks_for_a_newer_revision_gets_it_at_once(account):
    first = books.current()
    publish_definitions(definitions, runs, clock, {"segment/vip": VIP})
    assert books.current(at_least=1) is first
    assert books.current(at_least=2).revision == 2


def test_a_book_that_has_not_changed_is_not_compiled_again(account):
    first = books.current()
    account.advance(3_600)
    assert books.current() is first


def test_a_clock_that_was_moved_back_does_not_freeze_the_book(account):
    account.advance(90_000)
    books.current()
    account.advance(-90_000)
    publish_definitions(definitions, runs, clock, {"segment/vip": VIP})
    assert books.current().revision == 2


def test_a_manifest_that_names_what_is_not_there_says_so(account):
    get_client("dynamodb").delete_item(
        TableName="Definitions", Key={"kind": {"S": "segment"}, "id_version": {"S": "customers#000001"}}
    )
    with pytest.raises(NotFoundError, match="segment/customers"):
        books.current()


def test_the_policy_is_known_without_the_rest_of_the_book(account, monkeypatch):
    monkeypatch.setattr("postroad.book.compile_book", None)
    assert books.current_policy().timezone == "Europe/Lisbon"


def test_a_policy_that_was_published_is_in_force_after_a_few_seconds(account: Account):
    before = books.current_policy()
    document = {**load_definitions()["policy/policy"], "timezone": "Asia/Tokyo"}
    publish_definitions(definitions, runs, clock, {"policy/policy": document})
    assert books.current_policy() is before
    assert books.current_policy(at_least=2).timezone == "Asia/Tokyo"
    assert books.current().policy == books.current_policy()


def test_without_a_policy_there_is_the_plain_one(bare_account):
    assert books.current_policy() == Policy()
