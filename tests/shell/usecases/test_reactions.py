"""The ledger knows who left by a message, and which one led to the goal."""

from dataclasses import replace

from postroad.deliverability.reactions import reaction_of
from postroad_aws import books, clock, runs
from postroad_aws.storage import definitions
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.account import ANA, Account

EMAIL = f"email:{ANA}"
WIN = {
    "kind": "journey",
    "id": "win",
    "trigger": {"event": "Quote Asked"},
    "goal": {"event": "Order Completed"},
    "steps": [{"id": "mail", "send": {"template": "welcome"}}, {"id": "pause", "wait": {"for": "P2D"}}],
}


def test_c54_the_message_that_led_to_the_goal_is_the_one_that_converted(account: Account) -> None:
    publish_definitions(definitions, runs, clock, {"journey/win": WIN})
    books.forget()
    account.fold(account.event("Quote Asked", EMAIL, attributes={"email": ANA}))
    message = account.messages(EMAIL)["mail"]
    clicked = account.event("Email Link Clicked", message_id=message.message_id, actor="human", link=1)
    account.fold(replace(clicked, contact_id=message.contact_id))
    assert reaction_of(account.messages(EMAIL)["mail"], account.now()) == "clicked"
    account.fold(account.event("Order Completed", EMAIL, total=20))
    found = account.messages(EMAIL)["mail"]
    assert {"clicked", "converted"} <= found.times.keys()
    assert reaction_of(found, account.now()) == "converted"


def test_c54_who_buys_without_having_looked_was_won_by_no_message(account: Account) -> None:
    account.sign_up()
    account.fold(account.event("Order Completed", EMAIL, total=20))
    assert "converted" not in account.messages(EMAIL)["welcome"].times


def test_c54_a_message_knows_who_left_by_it(account: Account) -> None:
    message = account.sign_up()
    left = account.event("Unsubscribed", message_id=message.message_id, topic="onboarding", channel="email")
    account.fold(replace(left, contact_id=message.contact_id))
    assert reaction_of(account.messages(EMAIL)["welcome"], account.now()) == "unsubscribed"
