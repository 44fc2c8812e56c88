"""What somebody is interested in: the value that most of what they did lately has."""

from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import Contact
from postroad.content.choices import decide
from postroad.content.rendering import compile_message_template
from postroad.events import Event
from postroad.fold import fold
from postroad.instants import DAY, parse_instant
from postroad.predicates.behaviour import NOTED, Values, find_most
from tests.books import Shelf

NOW = parse_instant("2026-11-23T12:00:00Z")
POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "Rua do Cais 12, Lisboa",
    "topics": [{"id": "offers", "opt_in": False}],
}
TRACKER = Values("topics", ("read",), lambda event: True, NOTED, read=lambda event: [event.properties.get("topic")])


def a_case(topic: str) -> dict[str, object]:
    when = {"event": "Article Read", "most": "topic", "is": topic, "within": "P30D"}
    return {"when": when, "blocks": [{"text": {"text": f"About {topic}"}}]}


def test_c33_the_topic_that_somebody_reads_most_selects_the_article() -> None:
    blocks = [{"choice": {"cases": [a_case("espresso"), a_case("filter")], "otherwise": [{"text": {"text": "News"}}]}}]
    letter = {"kind": "template", "id": "letter", "channel": "email", "topic": "offers", "subject": "Hi"}
    shelf = Shelf(POLICY, {**letter, "blocks": blocks})
    contact = Contact("ana")
    for number, (topic, days) in enumerate((("espresso", 20), ("espresso", 12), ("filter", 5), (["a", 1.5], 8))):
        read = Event(f"r{number}", "Article Read", NOW - days * DAY, NOW, contact_id="ana", properties={"topic": topic})
        contact = fold(contact, read, shelf.book, NOW).contact
    template = compile_message_template(shelf.documents["template", "letter", 1])

    def shown(at: float) -> str:
        chosen = decide(template.choices, shelf.book.view(contact, at))
        html = template.render({"choice": {name: found.case for name, found in chosen.items()}}).html
        return next(words for words in ("About espresso", "About filter", "News") if words in html)

    assert shown(NOW) == "About espresso"
    assert shown(NOW + 20 * DAY) == "About filter"
    assert shown(NOW + 40 * DAY) == "News"


def events(*read: tuple[float, str]) -> list[Event]:
    return [Event(f"e{n}", "Read", time, NOW, properties={"topic": topic}) for n, (time, topic) in enumerate(read)]


@given(st.lists(st.tuples(st.sampled_from([1.0, 2.0, 3.0]), st.sampled_from("ab")), max_size=40), st.randoms())
def test_the_newest_values_hang_on_no_order_of_arrival(read: list[tuple[float, str]], chance: object) -> None:
    several = events(*read)
    shuffled = list(several)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    def remember(arriving: list[Event]) -> list[object]:
        memory = None
        for event in arriving:
            memory = TRACKER.update(memory, event, NOW)
        return list(memory or ())

    assert remember(several) == remember(shuffled)
    assert len(remember(several)) <= NOTED
    half = len(several) // 2
    assert TRACKER.merge(remember(several[:half]), remember(several[half:]), NOW) == remember(several)


def test_what_is_long_or_no_value_is_left_out() -> None:
    several = [Event("e", "Read", 1.0, NOW, properties={"topic": value}) for value in ("x" * 61, True, None, {}, "")]
    assert all(TRACKER.begin(event) is None for event in several)


def test_which_value_is_most_turns_as_they_leave_the_window() -> None:
    memory = [[1.0, "a"], [2.0, "a"], [3.0, "b"]]
    assert find_most(memory, None, 3.0) == [(3.0, "a")]
    assert find_most(memory, 10.0, 3.0) == [(3.0, "a"), (11.0, "b"), (13.0, None)]
    assert find_most(None, 10.0, 3.0) == [(3.0, None)]
