"""A dry run: what would happen to one contact, and nothing is stored."""

from demo.documents import load_definitions
from postroad.events import EMAIL_OPENED, Event
from postroad.fold import begin
from postroad.instants import DAY
from postroad.simulation import dry_run
from tests.books import Shelf

NOW = 1_793_610_000.0
SHELF = Shelf(*load_definitions().values())
BOOK = SHELF.book


def _ana() -> tuple[object, ...]:
    contact = begin("ana", BOOK, NOW)
    contact.identities["email:ana@example.com"] = NOW
    return contact, contact.copy()


def _event(name: str, after: float = 0.0, **properties: object) -> Event:
    return Event(f"if-{name}-{after}", name, NOW + after, NOW + after, trusted=True, properties=properties)


def test_an_event_and_the_time_after_it_are_told_in_order() -> None:
    ana, before = _ana()
    moments = dry_run(ana, BOOK, [_event("Product Added")], until=NOW + 4 * DAY)
    sent = [(message.step, moment.at) for moment in moments for message in moment.outcome.messages]
    assert sent == [("reminder", NOW + 3_600), ("last", NOW + 3_600 + 2 * DAY)]
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    assert ana == before


def test_what_somebody_does_meanwhile_leads_another_way() -> None:
    ana, _ = _ana()
    moments = dry_run(ana, BOOK, [_event("Product Added")], until=NOW + 4 * DAY)
    (reminder, *_) = [message for moment in moments for message in moment.outcome.messages]
    read = _event(EMAIL_OPENED, 2 * 3_600.0, message_id=reminder.message_id, actor="human")
    moments = dry_run(ana, BOOK, [_event("Product Added"), read], until=NOW + 4 * DAY)
    assert [message.step for moment in moments for message in moment.outcome.messages] == ["reminder", "offer"]


def test_time_alone_brings_nothing_to_somebody_for_whom_nothing_is_pending() -> None:
    ana, _ = _ana()
    assert dry_run(ana, BOOK, until=NOW + 30 * DAY) == ()


def test_what_the_contact_has_not_seen_yet_is_caught_up_from_its_timeline() -> None:
    shelf = Shelf(*load_definitions().values())
    ana = begin("ana", shelf.book, NOW)
    ana.version = 1
    twice = {
        "kind": "segment",
        "id": "twice",
        "name": "Twice",
        "if": {"event": "Tasting Booked", "at_least": 2, "within": "P30D"},
    }
    book = shelf.after(twice)
    (moment, *_) = dry_run(
        ana, book, [_event("Tasting Booked")], until=NOW + 1, history=[_event("Tasting Booked", -DAY)]
    )
    assert "twice" in moment.outcome.contact.segments
