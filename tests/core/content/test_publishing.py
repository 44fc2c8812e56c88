"""Publishing what has to be built, and choosing what somebody sees of it."""

from typing import Any

import pytest

from postroad.contacts.contact import Contact
from postroad.content.choices import decide
from postroad.content.rendering import compile_message_template
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import fold
from postroad.instants import DAY, parse_instant
from tests.books import Shelf

NOW = parse_instant("2026-11-23T12:00:00Z")
POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "Rua do Cais 12, Lisboa",
    "topics": [{"id": "offers", "opt_in": False}],
}
HOURS = {"kind": "block", "id": "hours", "blocks": [{"text": {"text": "Open from 8 to 6"}}]}
SPENT = {"event": "Order Completed", "sum": "revenue", "gte": 100, "within": "P90D"}
LETTER: dict[str, Any] = {
    "kind": "template",
    "id": "letter",
    "channel": "email",
    "topic": "offers",
    "subject": "Hello",
    "blocks": [{"text": {"text": "Hello, here is our letter"}}, {"saved": {"block": "hours"}}],
}


def refused(shelf: Shelf, *documents: Any) -> str:
    with pytest.raises(DefinitionError) as caught:
        shelf.publish(*documents)
    return str(caught.value)


def sent(shelf: Shelf, template_id: str = "letter") -> Any:
    """The template as the sender reads it: of what is stored, with nothing built any more."""
    live = shelf.manifest.live[f"template/{template_id}"]
    return compile_message_template(shelf.documents[live[:3]])


def test_the_look_reads_a_mail_with_its_saved_blocks_filled_in() -> None:
    strict = {**POLICY, "lint": {"levels": {"capitals": "block"}}}
    shelf = Shelf(strict, {**HOURS, "blocks": [{"text": {"text": "WONDERFUL OFFERS EVERYWHERE"}}]})
    assert refused(shelf, LETTER).startswith("blocks: 3 words in capitals: WONDERFUL, OFFERS, EVERYWHERE.")
    for asks in ({"text": {"text": "{{ coupon.nosuch }}"}}, {**HOURS["blocks"][0], "when": {"segment": "nosuch"}}):
        shelf.publish({**HOURS, "blocks": [asks]})
        assert "nosuch" in refused(shelf, LETTER)
    shelf.publish(HOURS)
    shelf.publish(LETTER)


def test_what_a_live_mail_needs_is_not_taken_away() -> None:
    case = {"when": {"segment": "vip"}, "blocks": [{"text": {"text": "For our regulars"}}]}
    choice = {"choice": {"cases": [case], "otherwise": [{"saved": {"block": "hours"}}]}}
    coupon = {**HOURS, "blocks": [{"text": {"text": "Take {{ coupon.spring.code }}"}}]}
    segment = {"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "vip"}}
    giving = {**POLICY, "coupons": [{"id": "spring", "name": "Spring"}]}
    shelf = Shelf(giving, segment, coupon, {**LETTER, "blocks": [choice]})
    assert shelf.book.templates["letter"].reads == {"coupon:spring", "segment:vip"}
    gone = "template/letter: it is live, and it shows the coupon 'spring', which the policy does not have"
    assert gone in refused(shelf, POLICY)
    with pytest.raises(DefinitionError) as caught:
        shelf.withdraw("segment/vip")
    assert caught.value.mistakes == (("template/letter", "it goes on, and there is no published segment called 'vip'"),)
    shelf.publish(LETTER, HOURS, POLICY)
    shelf.withdraw("segment/vip")


def test_products_in_a_saved_block_are_asked_for() -> None:
    shelf = Shelf(POLICY, {**HOURS, "blocks": [{"products": {}}]}, LETTER)
    live = shelf.manifest.live["template/letter"]
    assert shelf.documents[live[:3]]["asks"] == ["recommended"]


def test_what_a_saved_block_says_is_in_the_version_that_was_published_with_it() -> None:
    shelf = Shelf(POLICY, HOURS, LETTER)
    shelf.publish({**HOURS, "blocks": [{"text": {"text": "Closed on Mondays"}}]})
    assert "Open from 8 to 6" in sent(shelf).render({}).html
    assert shelf.book.templates["letter"].built_with == "hours@1"
    shelf.publish(LETTER)
    assert "Closed on Mondays" in sent(shelf).render({}).html
    assert shelf.book.templates["letter"].built_with == "hours@2"


def test_a_saved_block_that_nobody_has_published_is_refused() -> None:
    assert "there is no published block called 'hours'" in refused(Shelf(POLICY), LETTER)
    assert "a saved block holds no footer" in refused(Shelf(POLICY), {**HOURS, "blocks": [{"footer": {}}]})


def test_the_looks_are_those_of_the_brand_when_it_was_published() -> None:
    brand = {"colors": {"background": "#f3efe9"}}
    shelf = Shelf({**POLICY, "brand": brand}, HOURS, LETTER)
    shelf.publish({**POLICY, "brand": {"colors": {"background": "#000000"}}})
    assert "#f3efe9" in sent(shelf).render({}).html


def test_nobody_but_publishing_says_what_was_built() -> None:
    written = {**LETTER, "blocks": None, "html": "<p>Hi</p>", "source": {"html": None}}
    assert "is written by publishing; leave it out" in refused(Shelf(POLICY), written)


def test_c32_what_somebody_has_spent_chooses_their_block_and_is_remembered_for_that() -> None:
    case = {"when": SPENT, "blocks": [{"text": {"text": "For our regulars"}}]}
    choice = {"choice": {"cases": [case], "otherwise": [{"text": {"text": "Your first bag"}}]}}
    shelf = Shelf(POLICY, {**LETTER, "blocks": [choice]})
    assert len(shelf.book.trackers) == 1
    contact = Contact("ana")
    for number, revenue in enumerate((60, 70)):
        event = Event(
            f"o{number}", "Order Completed", NOW - DAY, NOW, contact_id="ana", properties={"revenue": revenue}
        )
        contact = fold(contact, event, shelf.book, NOW).contact
    template = sent(shelf)
    regular = decide(template.choices, shelf.book.view(contact, NOW))
    assert "at least 100" in regular["block_1"].because
    assert "For our regulars" in template.render({"choice": {"block_1": regular["block_1"].case}}).html
    later = decide(template.choices, shelf.book.view(contact, NOW + 90 * DAY))
    assert later["block_1"] == ("", "nothing else holds")


def test_a_choice_is_named_and_read_in_any_template() -> None:
    text = '{% if choice.hello == "vip" %}Dear friend{% else %}Hello{% endif %}'
    choices = [{"id": "hello", "cases": [{"id": "vip", "when": {"attribute": "plan", "is": "vip"}}]}]
    sms = {"kind": "template", "id": "sms", "channel": "sms", "topic": "offers", "text": text}
    assert "not among its choices; it has none yet" in refused(Shelf(POLICY), sms)
    shelf = Shelf(POLICY, {**sms, "choices": choices})
    assert sent(shelf, "sms").render({"choice": {"hello": "vip"}}).text == "Dear friend"
    unknown = [{"id": "hello", "cases": [{"id": "vip", "when": {"segment": "vip"}}]}]
    assert "no published segment called 'vip'" in refused(Shelf(POLICY), {**sms, "choices": unknown})
    dashed = [{"id": "hel-lo", "cases": [{"id": "vip", "when": {"attribute": "plan", "is": "vip"}}]}]
    assert "choices[0].id" in refused(Shelf(POLICY), {**sms, "choices": dashed})
