"""Fetches: what shows a machine when several are seen together, and what is taken back then."""

from dataclasses import replace

import pytest

from postroad.contacts.fetches import (
    KEPT_FOR,
    MOST,
    PIXEL,
    TRAP,
    Fetch,
    by_machine,
    fetch_of,
    judge_by_ledger,
    keep,
    key_of,
    unmask,
    unmask_together,
)
from postroad.deliverability.bots import judge_fetch
from postroad.events import EMAIL_CLICKED, EMAIL_OPENED, MESSAGE_CLICKED, Event
from postroad.sending.messages import DELIVERED, SENT, Message
from tests.core.traces import TRACES, Trace

T0 = 1_793_610_000.0


def click(link: int, at: float, event_id: str = "", **said: object) -> Event:
    properties = {"message_id": "enr-1.welcome", "link": link, "actor": "human", **said}
    return Event(event_id or f"c-{link}-{at}", EMAIL_CLICKED, at, at, (), "c1", None, True, "postroad", {}, properties)


def opened(at: float, **said: object) -> Event:
    return replace(click(0, at, f"o-{at}", **said), name=EMAIL_OPENED)


def message(**times: float) -> Message:
    return Message(
        *("enr-1.welcome", "c1", "journey/welcome@1", "welcome", "enr-1", "email", "news", "welcome", 1, "", T0),
        times=times,
    )


def fetches(*found: tuple[int, float]) -> tuple[Fetch, ...]:
    kept: tuple[Fetch, ...] = ()
    for link, at in found:
        fetch = fetch_of(click(link, at))
        assert fetch
        kept = keep(kept, fetch)
    return kept


def at_once(event: Event) -> Fetch:
    fetch = fetch_of(event)
    assert fetch
    return fetch


def test_a_link_followed_within_ten_seconds_of_delivery_was_followed_by_a_machine():
    left = message(**{SENT: T0, DELIVERED: T0 + 3})
    assert judge_by_ledger(click(1, T0 + 12.9), left) == "a link was followed 10 s after the mail arrived"
    assert judge_by_ledger(click(1, T0 + 13), left) == ""
    assert judge_by_ledger(opened(T0 + 4), left) == ""


def test_on_a_site_people_answer_at_once():
    answered = replace(click(1, T0 + 2), name=MESSAGE_CLICKED)
    assert judge_by_ledger(answered, message(**{SENT: T0, DELIVERED: T0})) == ""
    assert fetch_of(answered) is None


def test_a_delivery_that_is_recorded_later_than_the_click_does_not_count():
    assert judge_by_ledger(click(1, T0 + 30), message(**{SENT: T0, DELIVERED: T0 + 40})) == ""
    assert judge_by_ledger(click(1, T0 + 5), message(**{SENT: T0, DELIVERED: T0 + 40}))


def test_while_the_sender_has_not_written_that_it_left_the_claim_counts():
    sending = replace(message(), claimed_at=T0)
    assert judge_by_ledger(click(1, T0 + 2), sending)
    assert judge_by_ledger(click(1, T0 + 2), message()) == ""


def test_who_was_seen_to_open_the_mail_before_may_click_at_once():
    assert judge_by_ledger(click(1, T0 + 8), message(**{DELIVERED: T0, "opened": T0 + 4})) == ""
    assert judge_by_ledger(click(1, T0 + 8), message(**{DELIVERED: T0, "opened": T0 + 7.9}))
    assert judge_by_ledger(click(1, T0 + 8), message(**{DELIVERED: T0, "machine_opened": T0 + 1}))
    assert judge_by_ledger(click(1, T0 + 8), message(**{DELIVERED: T0, "opened": T0 + 2}))


def test_three_links_within_five_seconds_unmask_each_other():
    kept = fetches((1, T0), (2, T0 + 2))
    found = unmask(kept, at_once(click(3, T0 + 4)))
    assert found
    assert found.because == "3 links were followed within 5 s"
    assert [fetch.link for fetch in found.exposed] == [1, 2]
    seen = unmask(keep(kept, at_once(opened(T0 + 1))), at_once(click(3, T0 + 4)))
    assert seen
    assert [fetch.link for fetch in seen.exposed] == [1, PIXEL, 2]
    assert unmask(kept, at_once(click(3, T0 + 6))) is None
    assert unmask(kept, at_once(click(2, T0 + 4))) is None


def test_links_of_different_mails_are_no_burst():
    kept = fetches((1, T0), (2, T0 + 1))
    assert unmask(kept, at_once(click(3, T0 + 2, message_id="enr-2.welcome"))) is None


def test_the_hidden_link_exposes_the_last_hour_and_the_next_minute():
    kept = fetches((PIXEL, T0 - KEPT_FOR - 1), (1, T0 - 3_000), (2, T0 - 5))
    found = unmask(kept, at_once(click(TRAP, T0)))
    assert found
    assert [fetch.link for fetch in found.exposed] == [1, 2]
    kept = keep(kept, at_once(click(TRAP, T0)))
    assert unmask(kept, at_once(click(3, T0 + 60)))
    assert unmask(kept, at_once(click(3, T0 + 61))) is None


def test_what_is_kept_is_bounded_in_number_and_time():
    assert len(fetches(*((1, T0 + 10 * n) for n in range(20)))) == MOST
    assert fetches((1, T0), (2, T0 + KEPT_FOR + 1)) == fetches((2, T0 + KEPT_FOR + 1))


def test_a_fetch_leads_to_the_row_of_its_event():
    event = click(2, T0)
    assert key_of(at_once(event)) == event.key


def test_what_arrives_together_is_unmasked_before_any_of_it_is_folded():
    events = [click(1, T0), opened(T0 + 0.5), click(2, T0 + 1), click(3, T0 + 2), click(1, T0 + 100)]
    found = unmask_together(events)
    assert [event.properties["actor"] for event in found] == ["machine", "machine", "machine", "machine", "human"]
    assert found[4] is events[4]


def test_a_machine_that_gave_its_name_keeps_its_reason():
    named = click(2, T0, actor="machine", actor_because="its agent calls itself curl")
    found = unmask_together([click(1, T0), named, click(3, T0)])
    assert [event.properties["actor"] for event in found] == ["machine"] * 3
    assert found[1].properties["actor_because"] == "its agent calls itself curl"


# ------------------------------------------------------------------------------------------------------------- traces


def play(trace: Trace) -> tuple[bool, bool]:
    """(a click of a person is left, an open or a click by more than a machine is left) when all has been judged, each
    fetch by itself as it comes, as the fold and the ledger see them."""
    kept: tuple[Fetch, ...] = ()
    left: dict[str, Event] = {}
    ledger = message(**{SENT: T0 - 1, DELIVERED: T0})
    for number, fetched in enumerate(trace.fetches):
        if fetched.what == "h":
            continue  # the head of a page says nothing about anybody
        verdict = judge_fetch({"user-agent": fetched.agent}, fetched.address)
        at = T0 + fetched.at
        link = {"o": PIXEL, "t": TRAP}.get(fetched.what) if fetched.what in "ot" else int(fetched.what)
        event = opened(at, actor=verdict.actor) if fetched.what == "o" else click(link or TRAP, at, actor=verdict.actor)
        event = replace(event, event_id=f"e{number}")
        because = judge_by_ledger(event, ledger)
        found = unmask(kept, at_once(event))
        for each in found.exposed if found else ():
            left.pop(each.event_id, None)
        if because or found:
            event = by_machine(event, because or (found.because if found else ""))
        if event.properties["actor"] != "machine":
            left[event.event_id] = event
            name = "opened" if event.name == EMAIL_OPENED else "clicked"
            ledger = replace(ledger, times={name: at, **ledger.times})
        if link != PIXEL or event.properties["actor"] != "machine":
            kept = keep(kept, at_once(event))
    people = [event for event in left.values() if event.properties["actor"] == "human"]
    return any(event.name == EMAIL_CLICKED for event in people), bool(left)


def test_c55_of_sixty_traces_no_click_of_a_person_is_lost_and_19_of_20_machines_are_caught():
    machines = [trace for trace in TRACES if not trace.is_person]
    people = [trace for trace in TRACES if trace.is_person]
    assert len(TRACES) >= 60
    assert len(people) >= 20
    assert [trace.name for trace in people if not play(trace)[0]] == []
    missed = [trace.name for trace in machines if play(trace)[1]]
    assert len(missed) <= 0.05 * len(machines), missed


@pytest.mark.parametrize("together", [False, True])
def test_a_person_who_looks_and_clicks_converts_however_it_arrives(together):
    events = [opened(T0 + 40), click(1, T0 + 55), click(2, T0 + 80)]
    found = unmask_together(events) if together else [each for event in events for each in unmask_together([event])]
    assert found == events
