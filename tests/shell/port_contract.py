"""What every set of storage ports must do: the tables (on moto) and the fault simulation's memory alike.

Nothing here knows AWS. A test module subclasses these and has a fixture `ports` with the attributes `contacts`,
`timeline`, `messages`, `tasks`, `refusals`, `quarantine` and `stats` (see `postroad_aws.ports`), `memberships` and
`broadcasts` (see the use case `run_broadcast`), empty when a test begins.
"""

import itertools
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from postroad.broadcasts.broadcast import END, Run, Tally, pause, plan_run, resume
from postroad.commits import Commit, MembershipChange, Row
from postroad.contacts.contact import Attribute, Consent, Contact, Enrollment
from postroad.contacts.identities import Identity
from postroad.contacts.ring import Ring
from postroad.decisions import Decision
from postroad.events import Event
from postroad.sending.feedback import REPORTED
from postroad.sending.messages import (
    BOUNCED,
    COMPLAINED,
    DELIVERED,
    FAILED,
    PATIENCE,
    QUEUED,
    SENDING,
    SENT,
    SKIPPED,
    STATES,
    UNKNOWN,
    Message,
    states_before,
)
from postroad.stats import Cell
from postroad.tasks import CANCELLED, DONE, Settled, Task
from postroad.tracking.quarantine import Reject
from postroad_aws.ports import Forward, Outcome, Ports
from postroad_aws.storage import VersionConflictError

T0 = 1_793_610_840.123
DAY = 86_400.0
ANA, BOB, EVE = (f"email:{name}@example.com" for name in ("ana", "bob", "eve"))


def at(seconds: float) -> float:
    """So many seconds after T0, to the millisecond."""
    return round(T0 + seconds, 3)


def a_contact(contact_id: str = "ana-4f1c", **facts: Any) -> Contact:
    return Contact(contact_id, created_at=facts.pop("created_at", T0), **facts)


def a_message(message_id: str = "enr-1.welcome", **facts: Any) -> Message:
    known: dict[str, Any] = {
        "contact_id": "ana-4f1c",
        "origin": "journey/welcome@3",
        "step": "welcome",
        "enrollment_id": "enr-1",
        "channel": "email",
        "topic": "news",
        "template": "hello",
        "template_version": 2,
        "trigger_key": "2026-11-02T09:14:00.123Z#e-1",
        "created_at": T0,
    }
    return Message(message_id, **{**known, **facts})


def a_task(task_id: str = "enr-1.ring", **facts: Any) -> Task:
    known: dict[str, Any] = {
        "contact_id": "ana-4f1c",
        "kind": "call",
        "title": "Call about the cart",
        "origin": "journey/cart@1",
        "step": "ring",
        "enrollment_id": "enr-1",
        "created_at": T0,
        "due_at": at(3_600),
        "assignee": "bo@example.com",
    }
    return Task(task_id, **{**known, **facts})


def a_row(event_id: str = "e-1", contact_id: str = "ana-4f1c", seconds: float = 0.0, **facts: Any) -> Row:
    event = Event(event_id, "Order Completed", at(seconds), at(seconds), (Identity("user", "42"),), source="shop")
    return Row(contact_id, replace(event, **facts))


def store(ports: Ports, contact: Contact, **parts: Any) -> Contact:
    """Commit a contact that must go in; returns it as it is stored."""
    assert ports.contacts.commit(Commit(contact, **parts)) is Outcome.DONE
    return find(ports, contact.contact_id)


def find(ports: Ports, contact_id: str) -> Contact:
    found = ports.contacts.find_items([contact_id], consistent=True)[contact_id]
    assert isinstance(found, Contact)
    return found


def queue(ports: Ports, *messages: Message) -> None:
    """Store messages as the fold does: with the contact that they are for."""
    stored = ports.contacts.find_items(["queuer"], consistent=True).get("queuer")
    contact = stored if isinstance(stored, Contact) else a_contact("queuer")
    assert ports.contacts.commit(Commit(contact, messages=messages)) is Outcome.DONE


def message(ports: Ports, message_id: str = "enr-1.welcome") -> Message:
    found = ports.messages.find_message(message_id)
    assert found is not None
    return found


def pending_ids(ports: Ports, until: float, limit: int = 100) -> list[str]:
    found = (m for n in range(16) for m in ports.messages.list_pending(f"{n:02d}", until, limit))
    return sorted(m.message_id for m in found)


class ContactsContract:
    def test_a_contact_is_found_as_it_was_committed_one_version_on(self, ports: Ports) -> None:
        ana = a_contact(
            revision=7,
            wake_at=at(3_600),
            last_seen=at(5),
            events_folded=3,
            identities={ANA: T0, "anon:a-1": at(1)},
            attributes={"plan": Attribute({"name": "pro", "seats": 3}, at(2), True)},
            consents={"offers": Consent(False, at(3))},
            behaviour={"t1": [2, T0, at(9), T0, at(9)]},
            segments={"vip": at(4)},
            turns={"segment/vip": at(30 * DAY)},
            active={"welcome": Enrollment("enr-1", "welcome", 3, T0, "k#e-1", "grace", at(3_600), since=T0)},
            ring=Ring(((29_893_514, b"sixbyt"),)),
        )
        assert store(ports, ana) == replace(ana, version=1)

    def test_what_is_not_there_is_left_out(self, ports: Ports) -> None:
        store(ports, a_contact())
        assert set(ports.contacts.find_items(["nobody", "ana-4f1c"], consistent=False)) == {"ana-4f1c"}
        assert ports.contacts.find_items([], consistent=True) == {}

    def test_hundreds_of_contacts_are_found_at_once_and_named_twice_does_not_matter(self, ports: Ports) -> None:
        ids = [f"c-{number}" for number in range(230)]
        for contact_id in ids:
            assert ports.contacts.commit(Commit(a_contact(contact_id))) is Outcome.DONE
        assert set(ports.contacts.find_items([*ids, *ids[:5]], consistent=True)) == set(ids)

    def test_of_two_writers_of_one_version_the_second_conflicts(self, ports: Ports) -> None:
        read = store(ports, a_contact())
        one, other = read.copy(), read.copy()
        one.events_folded, other.events_folded = 5, 6
        assert ports.contacts.commit(Commit(one)) is Outcome.DONE
        assert ports.contacts.commit(Commit(other)) is Outcome.CONFLICT
        assert find(ports, "ana-4f1c").events_folded == 5

    def test_a_new_contact_does_not_overwrite_an_old_one(self, ports: Ports) -> None:
        store(ports, a_contact(events_folded=1))
        assert ports.contacts.commit(Commit(a_contact(events_folded=9))) is Outcome.CONFLICT

    def test_a_stored_contact_that_is_gone_is_a_conflict_and_not_a_new_one(self, ports: Ports) -> None:
        assert ports.contacts.commit(Commit(a_contact(version=4))) is Outcome.CONFLICT

    def test_the_same_commit_again_after_a_lost_answer_is_done_and_changes_nothing(self, ports: Ports) -> None:
        commit = Commit(a_contact(events_folded=1))
        assert ports.contacts.commit(commit) is Outcome.DONE
        assert ports.contacts.commit(commit) is Outcome.DONE
        assert find(ports, "ana-4f1c").version == 1

    def test_a_further_identity_becomes_a_forward(self, ports: Ports) -> None:
        store(ports, a_contact(), attach=("id-of-email", "id-of-phone"))
        found = ports.contacts.find_items(["id-of-email", "id-of-phone"], consistent=True)
        assert found == {"id-of-email": Forward("ana-4f1c"), "id-of-phone": Forward("ana-4f1c")}

    def test_an_identity_that_somebody_has_taken_meanwhile_is_a_conflict(self, ports: Ports) -> None:
        store(ports, a_contact("bob"), attach=("id-of-email",))
        assert ports.contacts.commit(Commit(a_contact(), attach=("id-of-email",))) is Outcome.CONFLICT
        assert ports.contacts.commit(Commit(a_contact(), attach=("bob",))) is Outcome.CONFLICT
        found = ports.contacts.find_items(["ana-4f1c", "id-of-email"], consistent=True)
        assert found == {"id-of-email": Forward("bob")}

    def test_what_leads_to_a_contact_that_has_gone_is_free(self, ports: Ports) -> None:
        store(ports, a_contact("gone"), attach=("id-of-email", "id-of-device"))
        assert ports.contacts.commit(Commit(a_contact("id-of-email"), gone=("other",))) is Outcome.CONFLICT
        fresh = Commit(a_contact("id-of-email"), attach=("id-of-device", "id-of-phone"), gone=("gone", "other"))
        assert ports.contacts.commit(fresh) is Outcome.DONE
        assert find(ports, "id-of-email").version == 1
        forwards = ports.contacts.find_items(["id-of-device", "id-of-phone"], consistent=True)
        assert forwards == dict.fromkeys(("id-of-device", "id-of-phone"), Forward("id-of-email"))

    def test_a_forward_cannot_be_written_as_a_contact(self, ports: Ports) -> None:
        store(ports, a_contact(), attach=("id-of-email",))
        for version in (0, 1):
            assert ports.contacts.commit(Commit(a_contact("id-of-email", version=version))) is Outcome.CONFLICT

    def test_the_loser_of_a_merge_becomes_a_forward_and_its_timer_is_gone(self, ports: Ports) -> None:
        winner = store(ports, a_contact())
        loser = store(ports, a_contact("loser", wake_at=at(60)))
        store(ports, winner, absorbed=(("loser", loser.version),))
        assert ports.contacts.find_items(["loser"], consistent=True) == {"loser": Forward("ana-4f1c")}
        assert ports.contacts.list_due(loser.shard, at(DAY), 10) == []
        assert ports.contacts.list_ids(loser.shard, None, 100)[0] == (
            ["ana-4f1c"] if loser.shard == winner.shard else []
        )

    def test_a_loser_that_has_changed_since_it_was_read_makes_the_merge_a_conflict(self, ports: Ports) -> None:
        winner, loser = store(ports, a_contact()), store(ports, a_contact("loser"))
        store(ports, loser.copy())
        merge = Commit(winner, absorbed=(("loser", loser.version),))
        assert ports.contacts.commit(merge) is Outcome.CONFLICT
        assert find(ports, "loser").version == 2
        assert find(ports, "ana-4f1c").version == 1

    def test_a_stale_writer_of_a_merged_contact_conflicts(self, ports: Ports) -> None:
        winner, loser = store(ports, a_contact()), store(ports, a_contact("loser"))
        store(ports, winner, absorbed=(("loser", 1),))
        assert ports.contacts.commit(Commit(loser)) is Outcome.CONFLICT

    def test_messages_are_queued_with_the_contact_or_not_at_all(self, ports: Ports) -> None:
        read = store(ports, a_contact())
        store(ports, replace(read.copy(), events_folded=1), messages=(a_message(),))
        assert message(ports) == a_message()
        stale = Commit(read, messages=(a_message("enr-1.second"),))
        assert ports.contacts.commit(stale) is Outcome.CONFLICT
        assert ports.messages.find_message("enr-1.second") is None

    def test_a_message_that_exists_is_told_apart_from_a_conflict(self, ports: Ports) -> None:
        read = store(ports, a_contact(), messages=(a_message(),))
        again = Commit(read.copy(), messages=(a_message(), a_message("enr-1.second")))
        assert ports.contacts.commit(again) is Outcome.ALREADY_THERE
        assert ports.messages.find_message("enr-1.second") is None
        assert find(ports, "ana-4f1c").version == 1
        both = replace(again, contact=replace(read.copy(), version=9))
        assert ports.contacts.commit(both) is Outcome.CONFLICT
        taken = replace(again, attach=("ana-4f1c-2",))
        store(ports, a_contact("ana-4f1c-2"))
        assert ports.contacts.commit(taken) is Outcome.CONFLICT

    def test_everything_that_a_fold_says_is_written_with_the_contact(self, ports: Ports) -> None:
        reject = Reject("r-1", T0, "it has no name", "shop", "{}")
        changes = (
            MembershipChange("segment/vip", "ana-4f1c", T0),
            MembershipChange("segment/vip", "ana-4f1c", None),
            MembershipChange("segment/new", "ana-4f1c", T0),
        )
        store(ports, a_contact(), memberships=changes, rejects=(reject, reject), rows=(a_row(), a_row("e-2")))
        rows = {("ana-4f1c", a_row().key), ("ana-4f1c", a_row("e-2").key)}
        assert ports.timeline.find_keys(rows) == rows

    def test_ninety_actions_fit_into_a_commit(self, ports: Ports) -> None:
        messages = tuple(a_message(f"enr-{number}.welcome") for number in range(89))
        store(ports, a_contact(), messages=messages)
        assert message(ports, "enr-88.welcome").state == QUEUED

    def test_due_contacts_come_earliest_first_and_not_before_their_time(self, ports: Ports) -> None:
        # A shard is made of an id's first letters.
        mine = [a_contact(f"aaaa-{n}", wake_at=at(600 - n)) for n in range(9)]
        others = [a_contact(f"aaab-{n}", wake_at=at(600 - n)) for n in range(3)]
        for contact in (*mine, *others, a_contact("aaaa-without")):
            store(ports, contact)
        shard = mine[0].shard
        due = ports.contacts.list_due(shard, at(600), 100)
        assert due == [(contact.contact_id, contact.wake_at) for contact in reversed(mine)]
        assert ports.contacts.list_due(shard, at(600), 2) == due[:2]
        assert ports.contacts.list_due(shard, at(600), 100, after=due[1]) == due[2:]
        assert ports.contacts.list_due(shard, due[0][1], 100) == due[:1]
        assert ports.contacts.list_due(shard, at(591), 100) == []

    def test_a_timer_that_is_moved_or_taken_away_leaves_the_index(self, ports: Ports) -> None:
        ana = store(ports, a_contact(wake_at=at(60)))
        ana = store(ports, replace(ana, wake_at=at(120)))
        assert ports.contacts.list_due(ana.shard, at(60), 10) == []
        assert ports.contacts.list_due(ana.shard, at(120), 10) == [("ana-4f1c", at(120))]
        store(ports, replace(ana, wake_at=None))
        assert ports.contacts.list_due(ana.shard, at(DAY), 10) == []

    def test_a_shard_is_listed_newest_first_page_by_page(self, ports: Ports) -> None:
        mine = [a_contact(f"aaaa-{n}", created_at=at(n)) for n in range(7)]
        for contact in (*mine, a_contact("aaab-other")):
            store(ports, contact, attach=(f"{contact.contact_id}-forward",))
        expected = [contact.contact_id for contact in reversed(mine)]
        found: list[str] = []
        cursor: str | None = None
        for size in (2, 2, 2, 1):
            page, cursor = ports.contacts.list_ids(mine[0].shard, cursor, 2)
            assert len(page) == size
            found += page
        assert cursor is None
        assert found == expected
        assert ports.contacts.list_ids(mine[0].shard, None, 7) == (expected, None)


class TimelineContract:
    def test_a_row_is_found_under_any_of_a_contacts_ids(self, ports: Ports) -> None:
        caused = Event(
            "e-1/0", "Segment Entered", T0, T0, contact_id="old", trusted=True, properties={"segment": "vip"}
        )
        row = replace_row(a_row(contact_id="old"), (caused,), (Decision("segment/vip", "", "entered", "2 orders"),))
        ports.timeline.save_rows([row], at(1))
        assert ports.timeline.find_row(["ana-4f1c", "old"], row.key) == row
        assert ports.timeline.find_row(["ana-4f1c"], row.key) is None
        assert ports.timeline.find_row(["old"], a_row("e-2").key) is None

    def test_the_same_row_again_changes_nothing_not_even_within_a_batch(self, ports: Ports) -> None:
        rows = [a_row(f"e-{n}", seconds=n) for n in range(60)]
        ports.timeline.save_rows([*rows, rows[3]], at(1))
        ports.timeline.save_rows(rows[:30], at(2))
        assert [event.event_id for event in ports.timeline.list_history(["ana-4f1c"])] == [f"e-{n}" for n in range(60)]

    def test_healing_puts_what_is_missing_and_leaves_what_is_there(self, ports: Ports) -> None:
        known = replace_row(a_row(), (), (Decision("segment/vip", "", "entered", "2 orders"),))
        ports.timeline.save_rows([known], at(1))
        ports.timeline.heal_rows([a_row(), a_row("e-2")], at(2))
        assert ports.timeline.find_row(["ana-4f1c"], known.key) == known
        assert ports.timeline.find_row(["ana-4f1c"], a_row("e-2").key) == a_row("e-2")

    def test_only_keys_that_exist_are_found(self, ports: Ports) -> None:
        rows = [a_row(f"e-{n}", f"c-{n % 7}", n) for n in range(130)]
        ports.timeline.save_rows(rows[::2], at(1))
        keys = [(row.contact_id, row.key) for row in rows]
        assert ports.timeline.find_keys([*keys, *keys]) == set(keys[::2])
        assert ports.timeline.find_keys([]) == set()

    def test_history_is_all_events_of_all_ids_in_the_order_of_time(self, ports: Ports) -> None:
        late = a_row("late", "old", 5, time=at(1))
        caused = Event("e-2/0", "Stage Changed", at(2), at(2), contact_id="ana-4f1c", trusted=True)
        rows = [
            a_row("e-3", "old", 3),
            replace_row(a_row("e-2", seconds=2), (caused,), ()),
            late,
            a_row("e-0", seconds=0),
        ]
        ports.timeline.save_rows(rows, at(9))
        history = list(ports.timeline.list_history(["ana-4f1c", "old"]))
        assert [event.event_id for event in history] == ["e-0", "late", "e-2", "e-2/0", "e-3"]
        assert history[3] == caused
        assert list(ports.timeline.list_history(["nobody"])) == []


def replace_row(row: Row, caused: tuple[Event, ...], decisions: tuple[Decision, ...]) -> Row:
    return row._replace(caused=caused, decisions=decisions)


class MessagesContract:
    def test_the_first_time_of_an_open_stays_whatever_the_state(self, ports: Ports) -> None:
        queue(ports, a_message(times={QUEUED: T0}))
        assert ports.messages.note_engagement("enr-1.welcome", "machine_opened", at(5))
        assert ports.messages.note_engagement("enr-1.welcome", "machine_opened", at(9))
        assert ports.messages.settle("enr-1.welcome", DELIVERED, at(20))
        assert ports.messages.note_engagement("enr-1.welcome", "opened", at(60))
        found = message(ports)
        assert found.times == {QUEUED: T0, "machine_opened": at(5), DELIVERED: at(20), "opened": at(60)}
        assert found.state == DELIVERED

    def test_what_turns_out_to_be_a_machines_is_no_persons_any_more(self, ports: Ports) -> None:
        queue(ports, a_message(times={QUEUED: T0}))
        ports.messages.note_engagement("enr-1.welcome", "clicked", at(5))
        ports.messages.take_off_engagement("enr-1.welcome", "clicked", at(6))
        assert message(ports).times == {QUEUED: T0, "clicked": at(5), "machine_clicked": at(6)}
        ports.messages.take_off_engagement("enr-1.welcome", "clicked", at(5))
        assert message(ports).times == {QUEUED: T0, "machine_clicked": at(6)}
        ports.messages.take_off_engagement("enr-1.nowhere", "clicked", at(5))

    def test_an_open_of_no_message_makes_none(self, ports: Ports) -> None:
        assert not ports.messages.note_engagement("enr-1.nowhere", "opened", T0)
        assert ports.messages.find_message("enr-1.nowhere") is None

    def test_of_two_senders_one_gets_the_claim(self, ports: Ports) -> None:
        queue(ports, a_message())
        claimed = ports.messages.claim("enr-1.welcome", "me", at(5))
        assert claimed is not None
        assert (claimed.state, claimed.owner, claimed.claimed_at) == (SENDING, "me", at(5))
        assert ports.messages.claim("enr-1.welcome", "you", at(5)) is None
        assert message(ports).owner == "me"

    def test_a_claim_repeated_after_a_lost_answer_is_still_ours(self, ports: Ports) -> None:
        queue(ports, a_message())
        first = ports.messages.claim("enr-1.welcome", "me", at(5))
        assert ports.messages.claim("enr-1.welcome", "me", at(6)) == first

    def test_a_message_that_does_not_exist_cannot_be_claimed_nor_settled(self, ports: Ports) -> None:
        assert ports.messages.find_message("nothing") is None
        assert ports.messages.claim("nothing", "me", T0) is None
        assert not ports.messages.settle("nothing", SENT, T0)
        assert not ports.messages.release("nothing", "me", T0, "", T0)
        assert not ports.messages.postpone("nothing", T0)
        assert ports.messages.find_message("nothing") is None

    def test_several_messages_are_read_together(self, ports: Ports) -> None:
        queue(ports, a_message())
        found = ports.messages.find_messages(["enr-1.welcome", "nothing"])
        assert found == {"enr-1.welcome": ports.messages.find_message("enr-1.welcome")}

    def test_a_released_message_is_queued_again_and_free_for_others(self, ports: Ports) -> None:
        queue(ports, a_message())
        ports.messages.claim("enr-1.welcome", "me", at(5))
        assert not ports.messages.release("enr-1.welcome", "you", at(65), "throttled", at(6))
        assert ports.messages.release("enr-1.welcome", "me", at(65), "throttled", at(6))
        released = message(ports)
        assert (released.state, released.owner, released.claimed_at) == (QUEUED, None, None)
        assert (released.not_before, released.reason) == (at(65), "throttled")
        assert ports.messages.claim("enr-1.welcome", "you", at(70)) is not None

    def test_a_message_that_somebody_else_has_claimed_meanwhile_is_not_released(self, ports: Ports) -> None:
        queue(ports, a_message())
        ports.messages.claim("enr-1.welcome", "me", at(5))
        ports.messages.release("enr-1.welcome", "me", at(6), "throttled", at(6))
        ports.messages.claim("enr-1.welcome", "you", at(7))
        assert not ports.messages.release("enr-1.welcome", "me", at(6), "throttled", at(6))
        assert message(ports).owner == "you"

    def test_settling_keeps_the_time_the_reason_and_what_the_channel_said(self, ports: Ports) -> None:
        queue(ports, a_message())
        ports.messages.claim("enr-1.welcome", "me", at(5))
        assert ports.messages.settle(
            "enr-1.welcome", SENT, at(6), owner="me", address="ana@example.com", provider_id="ses-1"
        )
        assert ports.messages.settle("enr-1.welcome", BOUNCED, at(9), reason="mailbox full")
        bounced = message(ports)
        assert (bounced.state, bounced.reason) == (BOUNCED, "mailbox full")
        assert (bounced.address, bounced.provider_id) == ("ana@example.com", "ses-1")
        assert (bounced.times[SENT], bounced.times[BOUNCED]) == (at(6), at(9))

    def test_feedback_in_any_order_and_doubled_ends_in_the_same_state(self, ports: Ports) -> None:
        orders = list(itertools.permutations((SENT, DELIVERED, BOUNCED, COMPLAINED)))
        queue(ports, *(a_message(f"e{number}.step") for number in range(len(orders))))
        for number, feedback in enumerate(orders):
            message_id = f"e{number}.step"
            if number % 2:
                ports.messages.claim(message_id, "me", at(1))
            highest = message(ports, message_id).state
            for step, state in enumerate(state for state in feedback for _ in range(2)):
                moves = highest in states_before(state)
                assert ports.messages.settle(message_id, state, at(10 + step)) is moves
                highest = state if moves else highest
            assert message(ports, message_id).state == COMPLAINED == highest

    def test_a_message_only_ever_moves_to_a_higher_state(self, ports: Ports) -> None:
        pairs = list(itertools.product(STATES, STATES))
        queue(ports, *(a_message(f"e{n}.step", state=before) for n, (before, _) in enumerate(pairs)))
        for number, (before, after) in enumerate(pairs):
            moves = before in states_before(after)
            assert ports.messages.settle(f"e{number}.step", after, at(1)) is moves
            assert message(ports, f"e{number}.step").state == (after if moves else before)

    def test_only_the_owner_settles_as_the_owner(self, ports: Ports) -> None:
        queue(ports, a_message())
        assert not ports.messages.settle("enr-1.welcome", SENT, at(1), owner="me")
        ports.messages.claim("enr-1.welcome", "me", at(2))
        assert not ports.messages.settle("enr-1.welcome", SENT, at(3), owner="you")
        assert ports.messages.settle("enr-1.welcome", UNKNOWN, at(4), owner="me", reason="no answer")
        assert not ports.messages.settle("enr-1.welcome", SENT, at(5), owner="you")
        assert ports.messages.settle("enr-1.welcome", SENT, at(6), owner="me")
        assert not ports.messages.settle("enr-1.welcome", DELIVERED, at(7), owner="me")
        assert message(ports).state == SENT

    @pytest.mark.parametrize(("state", "word"), [(SKIPPED, SENT), (FAILED, DELIVERED)])
    def test_the_channels_word_corrects_what_we_believed_never_left(self, ports: Ports, state: str, word: str) -> None:
        queue(ports, a_message())
        assert ports.messages.settle("enr-1.welcome", state, at(1), reason="suppressed")
        assert ports.messages.settle("enr-1.welcome", word, at(2))

    def test_the_sweep_finds_what_is_still_queued_when_patience_ends(self, ports: Ports) -> None:
        queue(ports, a_message("a.1"), a_message("b.1", not_before=at(5_000)), a_message("c.1", created_at=at(60)))
        due = at(PATIENCE[QUEUED])
        assert pending_ids(ports, round(due - 0.001, 3)) == []
        assert pending_ids(ports, due) == ["a.1"]
        assert pending_ids(ports, at(PATIENCE[QUEUED] + 60)) == ["a.1", "c.1"]
        assert pending_ids(ports, at(5_000)) == ["a.1", "b.1", "c.1"]

    def test_what_is_pending_comes_earliest_first_and_whole(self, ports: Ports) -> None:
        messages = [a_message(f"e{n}.step", created_at=at(-n)) for n in range(60)]
        queue(ports, *messages)
        found = [ports.messages.list_pending(f"{n:02d}", at(DAY), 100) for n in range(16)]
        assert sorted(m.message_id for shard in found for m in shard) == sorted(m.message_id for m in messages)
        for shard in found:
            assert [m.created_at for m in shard] == sorted(m.created_at for m in shard)
        longest = max(found, key=len)
        shard_number = f"{found.index(longest):02d}"
        assert ports.messages.list_pending(shard_number, at(DAY), 1) == longest[:1]
        assert longest[0] in messages
        later = [ports.messages.scan_pending(f"{n:02d}", at(550), at(580)) for n in range(16)]
        expected = sorted(f"e{n}.step" for n in range(20, 51))
        assert sorted(m.message_id for shard in later for m in shard) == expected

    def test_a_claimed_message_stays_in_sight_of_the_sweep_and_a_settled_one_does_not(self, ports: Ports) -> None:
        queue(ports, a_message("a.1"), a_message("b.1"), a_message("c.1"), a_message("d.1"))
        for message_id in ("a.1", "b.1", "c.1"):
            ports.messages.claim(message_id, "me", at(1))
        ports.messages.settle("b.1", SENT, at(2), owner="me")
        ports.messages.settle("c.1", UNKNOWN, at(2), owner="me")
        ports.messages.settle("d.1", SKIPPED, at(2))
        assert pending_ids(ports, at(DAY)) == ["a.1"]

    def test_a_released_message_is_looked_at_again_when_it_may_be_sent(self, ports: Ports) -> None:
        queue(ports, a_message())
        ports.messages.claim("enr-1.welcome", "me", at(1))
        ports.messages.release("enr-1.welcome", "me", at(7_200), "quiet hours", at(2))
        assert pending_ids(ports, at(7_199)) == []
        assert pending_ids(ports, at(7_200)) == ["enr-1.welcome"]
        ports.messages.claim("enr-1.welcome", "me", at(7_200))
        ports.messages.release("enr-1.welcome", "me", at(7_210), "throttled", at(7_201))
        assert pending_ids(ports, at(7_200 + PATIENCE[QUEUED])) == []
        assert pending_ids(ports, at(7_201 + PATIENCE[QUEUED])) == ["enr-1.welcome"]

    def test_the_sweep_can_look_again_later_or_never(self, ports: Ports) -> None:
        queue(ports, a_message())
        assert ports.messages.postpone("enr-1.welcome", at(9_000))
        assert pending_ids(ports, at(8_999)) == []
        assert pending_ids(ports, at(9_000)) == ["enr-1.welcome"]
        assert ports.messages.postpone("enr-1.welcome", at(9_000), not_before=at(9_500))
        assert ports.messages.find_message("enr-1.welcome").not_before == at(9_500)
        assert ports.messages.postpone("enr-1.welcome", None)
        assert pending_ids(ports, at(DAY)) == []
        assert not ports.messages.postpone("enr-1.welcome", at(9_000))

    def test_a_sent_message_cannot_be_postponed_back_into_the_sweep(self, ports: Ports) -> None:
        queue(ports, a_message())
        ports.messages.settle("enr-1.welcome", SENT, at(1))
        assert not ports.messages.postpone("enr-1.welcome", at(2))
        assert pending_ids(ports, at(DAY)) == []

    def test_messages_of_an_origin_are_gone_through_once_each_whatever_the_size_of_a_page(self, ports: Any) -> None:
        ids = [f"m-{number:02d}" for number in range(40)]
        for start in range(0, 40, 20):
            batch = ids[start : start + 20]
            queue(ports, *(a_message(each, origin="broadcast/letter", created_at=at(start)) for each in batch))
        queue(ports, a_message("another", origin="broadcast/letter-2"))
        for limit in (7, 40, 100):
            seen, cursor = [], None
            while cursor is not None or not seen:
                page = ports.messages.list_by_origin("broadcast/letter", cursor=cursor, limit=limit)
                assert len(page.items) <= limit
                seen += [each.message_id for each in page.items]
                cursor = page.next
            assert sorted(seen) == ids
        assert ports.messages.list_by_origin("broadcast/none").items == []


class TasksContract:
    def test_tasks_are_stored_with_the_contact_or_not_at_all(self, ports: Ports) -> None:
        ana = store(ports, a_contact(), tasks=(a_task(),))
        assert ports.tasks.find_task("enr-1.ring") == a_task()
        stale = Commit(a_contact(events_folded=9), tasks=(a_task("enr-1.second"),))
        assert ports.contacts.commit(stale) is Outcome.CONFLICT
        assert ports.tasks.find_task("enr-1.second") is None
        store(ports, ana, tasks=(Settled("enr-1.ring", CANCELLED, at(60), reason="the goal is reached"),))
        assert ports.tasks.find_task("enr-1.ring") == a_task(
            state=CANCELLED, reason="the goal is reached", settled_at=at(60), edit=2
        )

    def test_a_task_that_is_there_or_has_ended_is_told_apart_from_a_conflict(self, ports: Ports) -> None:
        ana = store(ports, a_contact(), tasks=(a_task(state=DONE, outcome="no_answer"),))
        for task in (a_task(), Settled("enr-1.ring", CANCELLED, at(60)), Settled("enr-9.ring", CANCELLED, at(60))):
            again = Commit(ana.copy(), tasks=(a_task("enr-1.second"), task))
            assert ports.contacts.commit(again) is Outcome.ALREADY_THERE
            assert ports.tasks.find_task("enr-1.second") is None
        assert find(ports, "ana-4f1c").version == 1


class RefusalsContract:
    def test_an_address_is_suppressed_from_when_it_was_said_and_the_first_reason_stays(self, ports: Ports) -> None:
        assert ports.refusals.find_suppression(ANA) is None
        ports.refusals.save_suppression(ANA, "complained", T0, {"message_id": "enr-1.welcome"})
        ports.refusals.save_suppression(ANA, "bounced", at(1), {})
        assert ports.refusals.find_suppression(ANA) == "complained"
        assert ports.refusals.find_suppression("email:bob@example.com") is None

    def test_a_complaint_outranks_any_other_reason_in_whatever_order_they_come(self, ports: Ports) -> None:
        for address, reasons in ((ANA, ("bounced", REPORTED)), (BOB, (REPORTED, "bounced"))):
            for hour, reason in enumerate(reasons):
                ports.refusals.save_suppression(address, reason, at(hour), {})
            assert ports.refusals.find_suppression(address) == REPORTED

    def test_the_latest_answer_of_a_topic_counts(self, ports: Ports) -> None:
        assert ports.refusals.find_consent(ANA, "offers") is None
        ports.refusals.save_consent(ANA, "offers", True, T0, {"source": "form"})
        assert ports.refusals.find_consent(ANA, "offers") == Consent(True, T0)
        ports.refusals.save_consent(ANA, "offers", False, at(1), {"source": "link"})
        assert ports.refusals.find_consent(ANA, "offers") == Consent(False, at(1))
        assert ports.refusals.find_consent(ANA, "news") is None
        assert ports.refusals.find_consent("email:bob@example.com", "offers") is None

    def test_the_sender_sees_everything_about_an_address_at_once(self, ports: Ports) -> None:
        assert ports.refusals.find_answers({ANA: {"offers", "*"}}) == {ANA: (None, {})}
        ports.refusals.save_suppression(ANA, "complained", T0, {})
        ports.refusals.save_consent(ANA, "offers", True, T0, {})
        ports.refusals.save_consent(ANA, "*", False, at(1), {})
        ports.refusals.save_consent(ANA, "news", False, at(1), {})
        consents = {"offers": Consent(True, T0), "*": Consent(False, at(1))}
        ports.refusals.save_consent(BOB, "offers", False, T0, {})
        assert ports.refusals.find_answers({ANA: {"offers", "*"}, BOB: {"news", "*"}, EVE: {"offers"}}) == {
            ANA: ("complained", consents),
            BOB: (None, {}),
            EVE: (None, {}),
        }

    def test_an_answer_older_than_the_stored_one_does_not_count(self, ports: Ports) -> None:
        ports.refusals.save_consent(ANA, "offers", False, at(60), {})
        ports.refusals.save_consent(ANA, "offers", True, at(59), {})
        assert ports.refusals.find_consent(ANA, "offers") == Consent(False, at(60))

    @pytest.mark.parametrize("answers", [(True, False), (False, True)])
    def test_of_two_answers_of_one_instant_the_no_counts(self, ports: Ports, answers: tuple[bool, bool]) -> None:
        for granted in answers:
            ports.refusals.save_consent(ANA, "offers", granted, T0, {})
        assert ports.refusals.find_consent(ANA, "offers") == Consent(False, T0)


class MembershipsContract:
    PLACE = "segment/vip"

    def join(self, ports: Any) -> dict[str, MembershipChange]:
        changes = {f"c-{n}": MembershipChange(self.PLACE, f"c-{n}", at(n), moved=n % 7 == 0) for n in range(150)}
        for start in range(0, 150, 50):
            ports.memberships.apply(list(changes.values())[start : start + 50])
        ports.memberships.apply([MembershipChange("segment/vip-2", "somebody", T0)])
        return changes

    def test_the_members_of_a_shard_come_in_the_order_of_their_ids(self, ports: Any) -> None:
        changes, seen = self.join(ports), []
        for number in range(64):
            after: str | None = None
            while page := ports.memberships.list_shard(self.PLACE, f"{number:02d}", after=after, limit=2):
                assert len(page) <= 2
                assert after is None or page[0].contact_id > after
                after = page[-1].contact_id
                seen += page
        assert {each.contact_id: (each.since, each.moved) for each in seen} == {
            contact_id: (change.since, change.moved) for contact_id, change in changes.items()
        }
        assert len(seen) == 150

    def test_all_shards_are_gone_through_page_by_page(self, ports: Any) -> None:
        changes, seen, cursor = self.join(ports), [], None
        while cursor is not None or not seen:
            page = ports.memberships.list_members(self.PLACE, cursor=cursor, limit=40)
            seen += [each.contact_id for each in page.items]
            cursor = page.next
        assert sorted(seen) == sorted(changes)


class BroadcastsContract:
    DOCUMENT: ClassVar = {"kind": "broadcast", "id": "letter", "name": "Letter", "segment": "vip", "template": "hello"}

    def plan(self, ports: Any) -> Run:
        run = plan_run(self.DOCUMENT, 1, None, T0)
        ports.broadcasts.save_run(run, None)
        return run

    def test_a_run_is_found_as_it_was_saved(self, ports: Any) -> None:
        assert ports.broadcasts.find_run("letter") is None
        run = self.plan(ports)
        assert ports.broadcasts.find_run("letter") == run
        counted = replace(run.to("running", at(1)), tally=Tally({"sent": 2}, {}, at(2)))
        ports.broadcasts.save_run(counted, run)
        assert ports.broadcasts.find_run("letter") == counted

    def test_of_two_who_save_a_run_the_second_is_told(self, ports: Any) -> None:
        run = self.plan(ports)
        cancelled, running = run.to("cancelled", at(1)), run.to("running", at(1))
        ports.broadcasts.save_run(cancelled, run)
        for late, before in ((running, run), (plan_run(self.DOCUMENT, 2, None, at(2)), None)):
            with pytest.raises(VersionConflictError):
                ports.broadcasts.save_run(late, before)
        again = plan_run(self.DOCUMENT, 2, cancelled, at(3))
        ports.broadcasts.save_run(again, cancelled)
        with pytest.raises(VersionConflictError):
            ports.broadcasts.save_run(running, run)
        assert ports.broadcasts.find_run("letter") == again

    def test_whoever_read_a_run_before_it_was_paused_and_resumed_does_not_undo_that(self, ports: Any) -> None:
        run = self.plan(ports)
        running = run.to("running", at(1))
        ports.broadcasts.save_run(running, run)
        before = running
        for number in (1, 2):
            paused = pause(before, at(2 * number))
            ports.broadcasts.save_run(paused, before)
            resumed = resume(paused, at(2 * number + 1))
            ports.broadcasts.save_run(resumed, paused)
            with pytest.raises(VersionConflictError):
                ports.broadcasts.save_run(replace(before, tally=Tally({"sent": 2}, {}, at(9))), before)
            assert ports.broadcasts.find_run("letter") == resumed
            before = resumed

    def test_whoever_lost_an_answer_may_say_it_again(self, ports: Any) -> None:
        run = self.plan(ports)
        ports.broadcasts.save_run(run, None)
        running = run.to("running", at(1))
        ports.broadcasts.save_run(running, run)
        assert ports.broadcasts.touch(running, at(2), "07", "ana")
        ports.broadcasts.save_run(running, run)

    def test_only_the_run_that_is_meant_and_in_its_state_is_touched(self, ports: Any) -> None:
        run = self.plan(ports)
        assert not ports.broadcasts.touch(replace(run, number=2), at(1), "07", "ana")
        assert not ports.broadcasts.touch(run.to("running", at(1)), at(1), "07", "ana")
        assert ports.broadcasts.find_run("letter") == run
        assert ports.broadcasts.touch(run, at(1), "07", None)
        assert ports.broadcasts.find_run("letter") == replace(run, touched_at=at(1))
        assert ports.broadcasts.touch(run, at(2), "07", "ana")
        assert ports.broadcasts.touch(run, at(2), "held", END)
        touched = replace(run, touched_at=at(2), cursors={"07": "ana", "held": END})
        assert ports.broadcasts.find_run("letter") == touched

    def test_what_a_run_knows_is_kept(self, ports: Any) -> None:
        run = self.plan(ports)
        full = replace(
            run.to("paused", at(1)),
            before="running", note="a wrong price", rests_until=at(9), winner="hello", verdict="it was clicked most",
            attempt=3, set_going_at=at(2), cursors={"00": "~"},
        )  # fmt: skip
        ports.broadcasts.save_run(full, run)
        assert ports.broadcasts.find_run("letter") == full

    def test_who_was_missed_is_not_forgotten_by_whoever_saves_an_older_run(self, ports: Any) -> None:
        run = self.plan(ports)
        ports.broadcasts.miss("letter", 2)
        assert not ports.broadcasts.find_run("letter").is_missing
        ports.broadcasts.miss("letter", 1)
        with pytest.raises(VersionConflictError):
            ports.broadcasts.save_run(run.to("running", at(1)), run)
        missing = ports.broadcasts.find_run("letter")
        assert missing.is_missing
        running = missing.to("running", at(1))
        ports.broadcasts.save_run(running, missing)
        ports.broadcasts.make_up("letter", 1, 1)
        assert not ports.broadcasts.find_run("letter").is_missing
        ports.broadcasts.miss("letter", 1)
        assert ports.broadcasts.find_run("letter") == replace(running, missed=2, made_up=1)


class QuarantineContract:
    def test_a_reject_may_be_saved_again(self, ports: Ports) -> None:
        rejects = [Reject(f"r-{n}", at(n), "it has no name", "shop", '{"type": "track"}') for n in range(30)]
        ports.quarantine.save_rejects(rejects)
        ports.quarantine.save_rejects([*rejects, rejects[0]])
        ports.quarantine.save_rejects([])


class StatsContract:
    SENT = Cell("journey/welcome", "messages", "2026-11-02", "hello", "sent")

    def test_a_batch_that_comes_again_is_told_by_its_first_record_how_far_it_was_counted(self, ports: Any) -> None:
        assert ports.stats.add_once("messages", 5, 9, {self.SENT: 2}, T0) == 9
        assert ports.stats.add_once("messages", 5, 9, {self.SENT: 2}, T0) == 9
        assert ports.stats.add_once("messages", 5, 20, {self.SENT: 4}, T0) == 9
        assert ports.stats.add_once("messages", 10, 20, {self.SENT: 2}, T0) == 20

    def test_two_streams_know_nothing_of_each_other(self, ports: Any) -> None:
        assert ports.stats.add_once("messages", 5, 9, {self.SENT: 2}, T0) == 9
        assert ports.stats.add_once("memberships", 5, 7, {}, T0) == 7

    def test_one_number_always_fits(self, ports: Any) -> None:
        assert ports.stats.fits({self.SENT: 1})
        assert ports.stats.fits({})
