"""What must hold when a world has come to rest. Each check yields sentences about what does not.

The numbers are those of the design: 1 nothing lost, 2 nothing twice and nothing after a refusal, 3 caps hold and goals
stop journeys, 4 nothing stuck, 5 memberships equal a recomputation. (6, determinism, compares two runs.)
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import inf, isclose

from postroad import events as names
from postroad.accounts import copy_of
from postroad.broadcasts.broadcast import CANCELLED, DONE, STOPPED, message_id_of
from postroad.consent import confirmation
from postroad.contacts.contact import Contact, journey_of
from postroad.contacts.identities import claim_of, parse_identity
from postroad.contacts.places import places_of, split_place
from postroad.events import WAKE, Event
from postroad.fold import fold
from postroad.instants import DAY
from postroad.predicates.behaviour import Amounts, Different, Memory, Tracker, recompute
from postroad.sending.messages import FAILED, QUEUED, SENDING, SKIPPED, Message
from postroad.stats import ENTERED, HERE, MESSAGES, count_message
from postroad_aws.usecases.wake_contacts import wake_event
from tests.faults.broadcasting import ADDRESSING, ID, ORIGIN
from tests.faults.preferring import EXPIRES_AFTER, LETTER
from tests.faults.worlds import GARBAGE, KEY, ONCE, TIMEOUT, World, contact_id_of

# A wake may be this late when all is calm: a clock that ticks each minute, and a queue to go through.
LATE = 300.0
# A sender asks for holds at most every so many seconds.
HOLDS_FRESH = 5.0
PERSONAL = re.compile(r"@[\w.-]*example|\+?35191\d|user-\d|device-")


def ids_of(contact: Contact) -> tuple[str, ...]:
    """All ids under which something about this person may be stored."""
    return (contact.contact_id, *contact.merged_from)


def is_forgotten(world: World, event: Event) -> bool:
    """Whether an event names somebody who was erased, or happened before somebody whom it names began anew."""
    named = {contact_id_of(name, KEY) for each in event.identities for name in (each, claim_of(each))}
    if not world.erasing.ids.isdisjoint({*named, event.contact_id}):
        return True
    owners = [world.memory.load(contact_id) for contact_id in named] if world.erasing.ids else []
    return any(owner and owner.erased_at is not None and event.time < owner.erased_at for owner in owners)


def histories(world: World, contacts: list[Contact]) -> dict[str, list[Event]]:
    """What each person's timeline says that it folded: each event once, whatever number of rows say so."""
    found = {}
    for contact in contacts:
        rows = {row.key: row for row in world.memory.list_rows(ids_of(contact))}
        found[contact.contact_id] = [event for row in rows.values() for event in (row.event, *row.caused)]
    return found


def nothing_lost(world: World) -> Iterator[str]:
    """1. Each accepted event is in one person's timeline, under one key, or in quarantine."""
    owners = owners_of(world)
    places: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for contact_id, rows in world.memory.rows.items():
        for key in rows:
            event_id, owner = key.split("#")[1], owners.get(contact_id, f"nobody ({contact_id})")
            # One id for all whom an attempt of a broadcast addresses.
            is_for_all = event_id.partition("~")[0] == ADDRESSING
            places[f"{event_id} of {owner}" if is_for_all else event_id].add((owner, key))
    if world.garbage and not any(reject.raw == GARBAGE for reject in world.memory.rejects.values()):
        yield "a body that could not be read is not in quarantine"
    rejected = {reject.raw for reject in world.memory.rejects.values()}
    for event_id, event in world.log.accepted.items():
        if is_forgotten(world, event):
            continue
        if not places[event_id] and not any(f'"{event_id}"' in raw for raw in rejected):
            yield f"event {event_id} was accepted and is lost"
    for event_id in sorted(places):  # our own as well
        if len(places[event_id]) > 1:
            yield f"event {event_id} acted in {len(places[event_id])} places: {sorted(places[event_id])}"


def counts_equal_the_timeline(world: World) -> Iterator[str]:
    """1. What a contact remembers equals a recomputation from its timeline: no event acted twice, none was missed.

    Not asked of a contact with an event that was a dead letter, whose row may have come hours after its commit, if
    meanwhile its ring let go of anything, or a publication recomputed it from a timeline without that row.
    """
    contacts = world.memory.list_contacts()
    history = histories(world, contacts)
    book = world.shelf[-1]
    for contact in contacts:
        events = history[contact.contact_id]
        is_vouched_for = not contact.ring.turned and len(world.shelf) == 1
        if not is_vouched_for and any(event.event_id in world.log.buried for event in events):
            continue
        if contact.revision != book.revision:
            # Only who is the same by the newest book may still stand at an older one.
            wake = wake_event(contact.contact_id, world.loop.now)
            if fold(contact, wake, book, world.loop.now, history=events).changed:
                yield f"contact {contact.contact_id} was never folded by the book of revision {book.revision}"
            continue
        own = [e for e in events if "/" not in e.event_id and e.name not in (WAKE, names.BROADCAST_ADDRESSED)]
        if contact.erased_at is not None and any(event.time < contact.created_at for event in own):
            continue  # what happened between being asked and being erased may have been folded by who they were
        # Two contacts that became one may both have been addressed, by an event of one id: each made a message.
        addressed = sum(m.origin == ORIGIN and m.contact_id in ids_of(contact) for m in world.memory.messages.values())
        if contact.events_folded != len(own) + addressed:
            told = len(own) + addressed
            yield f"contact {contact.contact_id} folded {contact.events_folded} events; its timeline has {told}"
        for tracker in book.trackers.values():
            now = world.loop.now
            expected = within(tracker, recompute(tracker, events, now), now)
            held = within(tracker, contact.behaviour.get(tracker.tracker_id), now)
            if held != expected:
                yield f"contact {contact.contact_id} remembers {held} of {tracker.events}; its timeline says {expected}"
        for sheet in book.scores.values():
            held_points, expected_points = contact.scores.get(sheet.id, {}), sheet.recompute(events)
            for rule in sorted({*held_points, *expected_points}):
                a, b = held_points.get(rule), expected_points.get(rule)
                if a is None or b is None or not isclose(a.points, b.points, rel_tol=1e-6, abs_tol=1e-6):
                    yield f"contact {contact.contact_id} has {a} for {rule}; its timeline says {b}"


def within(tracker: Tracker, memory: Memory | None, now: float) -> Memory | None:
    """A memory without the times that its window has passed by: when they are dropped makes no difference."""
    if memory is None or tracker.window is None or isinstance(tracker, Different):
        return memory
    if isinstance(tracker, Amounts):
        return [*tracker.leaving(memory, tracker.window, now)]
    return [*memory[:3], *(time for time in memory[3:] if time > memory[2] - tracker.window)]


def nothing_twice(world: World) -> Iterator[str]:
    """2. No message leaves twice."""
    for message_id, count in Counter(mail.message_id for mail in world.log.mails).items():
        if count > 1:
            yield f"message {message_id} left {count} times"
        if message_id not in world.memory.messages and message_id not in world.log.forgotten:
            yield f"message {message_id} left and is not in the ledger"


def no_step_twice(world: World) -> Iterator[str]:
    """2. No person, as identities resolve at the end, gets the same step of a journey twice.

    Exceptions, stated exactly: a journey that allows re-entry, in another enrollment of the same contact; and mails of
    two contacts, to two addresses, or to one that one of them only claimed, of which all but one left at most 30 s
    after the commit that made them one.
    A mail of an enrollment that a merge dropped never leaves later than those 30 s, whatever the journey.
    """
    owners = owners_of(world)
    dropped: dict[str, float] = {}
    for merger in world.log.mergers:
        for enrollment_id in merger.dropped:
            dropped.setdefault(enrollment_id, merger.at)
    groups: dict[tuple[str, ...], list[tuple[float, str, str, str]]] = defaultdict(list)
    for mail in world.log.mails:
        message = world.memory.messages.get(mail.message_id)
        if message is None:
            continue
        if mail.called > dropped.get(message.enrollment_id, inf) + TIMEOUT:
            yield f"message {mail.message_id} left although a merge had dropped its enrollment"
        journey = message.origin.removeprefix("journey/").partition("@")[0]
        owner = owners.get(message.contact_id, message.contact_id)
        # A mail that asks to confirm comes once more.
        own = message.message_id if message.template == confirmation.TEMPLATE else message.enrollment_id
        once = () if journey in ONCE else (own,)
        groups[owner, journey, message.step, *once].append(
            (mail.called, message.contact_id, mail.address, mail.message_id)
        )
    for group, mails in groups.items():
        seen: list[tuple[float, str, str, str]] = []
        for mail in sorted(mails):
            for before in seen:
                one = joined(world, mail[1], before[1])
                claimed = {(mail[1], mail[2]), (before[1], mail[2])} & world.log.claimed
                is_same = mail[1] == before[1] or (mail[2] == before[2] and not claimed)
                if is_same or mail[0] > one + TIMEOUT:
                    yield f"person {group[0]} got step {group[2]} of {group[1]} twice: {before[3]} and {mail[3]}"
            seen.append(mail)


def joined(world: World, a: str, b: str) -> float:
    """When two contacts became one."""
    members = {contact_id: {contact_id} for contact_id in (a, b)}
    for merger in world.log.mergers:
        together: set[str] = set()
        for contact_id in (merger.winner, *merger.losers):
            together |= members.get(contact_id, {contact_id})
        members.update(dict.fromkeys(together, together))
        if b in members[a]:
            return merger.at
    return -inf


def only_who_has_confirmed_gets_the_letter(world: World) -> Iterator[str]:
    """2. A letter goes to who has confirmed it, by a link in time and since the last refusal, until the yes ends."""
    slack = 2 * world.troubles.skew + TIMEOUT
    owners = owners_of(world)
    for yes in world.preferring.yeses:
        if yes.taken and not world.preferring.is_good(yes):
            yield f"a yes of {yes.address} was taken {yes.began - yes.asked_at:.0f} s after it was asked for"
    for mail in world.log.mails:
        message = world.memory.messages.get(mail.message_id)
        if message is None or message.topic != LETTER or message.template == confirmation.TEMPLATE:
            continue
        owner = owners.get(message.contact_id)
        said = [yes for yes in world.preferring.yeses if owners.get(yes.contact_id) == owner]
        if not any(
            yes.taken is not False
            and world.preferring.is_good(yes)
            and yes.began - slack <= mail.called <= yes.began + TIMEOUT + EXPIRES_AFTER + slack
            for yes in said
        ):
            yield f"the letter {mail.message_id} left, and there is no yes to it"


def a_pause_holds_and_ends(world: World) -> Iterator[str]:
    """2. Nothing leaves in a pause, but what was agreed to later, and nothing is skipped by it once it has ended."""
    slack = 2 * world.troubles.skew
    owners = owners_of(world)
    for mail in world.log.mails:
        message = world.memory.messages.get(mail.message_id)
        if message is None or message.topic == LETTER or message.template == confirmation.TEMPLATE:
            continue
        for pause in world.preferring.pauses:
            if pause.address == mail.address and pause.confirmed + TIMEOUT < mail.called < pause.ends[0] - slack:
                yield f"message {mail.message_id} left {mail.called - pause.confirmed:.0f} s into a pause"
    for message in world.memory.messages.values() if world.preferring.pauses else ():
        if "asked for a pause" in message.reason and message.state == SKIPPED:
            mine = [p for p in world.preferring.pauses if owners.get(p.contact_id) == owners.get(message.contact_id)]
            if message.times[SKIPPED] > max((pause.ends[1] for pause in mine), default=inf) + slack + TIMEOUT:
                yield f"message {message.message_id} was skipped by a pause that has ended"


def how_often_holds(world: World) -> Iterator[str]:
    """3. Who wants to hear once a week has, since that was folded, no two messages within seven days."""
    slack = 2 * world.troubles.skew
    for contact_id, since in world.preferring.seldom.items():
        times = sorted(
            message.created_at
            for message in world.memory.messages.values()
            if message.contact_id == contact_id
            and message.state not in (SKIPPED, FAILED)
            and message.template != confirmation.TEMPLATE
            and message.created_at > since + slack
        )
        for first, last in pairwise(times):
            if last - first < 7 * DAY:
                yield f"contact {contact_id} wants one message a week, and has two within {last - first:.0f} s"


def owners_of(world: World) -> dict[str, str]:
    """Whose contact each id leads to."""
    return {contact_id: c.contact_id for c in world.memory.list_contacts() for contact_id in ids_of(c)}


def nothing_after_a_refusal(world: World) -> Iterator[str]:
    """2. Nothing leaves later than one timeout after a confirmed unsubscribe or suppression."""
    for mail in world.log.mails:
        message = world.memory.messages.get(mail.message_id)
        for refusal in world.log.refusals:
            about = refusal.topic is None or (message is not None and message.topic == refusal.topic)
            is_late = about and refusal.address == mail.address and mail.called > refusal.confirmed + TIMEOUT
            if is_late and not world.preferring.has_come_back(refusal):
                yield f"message {mail.message_id} left {mail.called - refusal.confirmed:.0f} s after {refusal}"


def passages_go_side_by_side(world: World) -> Iterator[str]:
    """2. Where a journey has one passage for each product, each that somebody was told of has its own, and an order of
    one ends no other's."""
    if not world.is_keyed:
        return
    contacts = world.memory.list_contacts()
    for contact_id, events in histories(world, contacts).items():
        contact = next(each for each in contacts if each.contact_id == contact_id)
        told = {each["product_id"] for event in events for each in event.properties.get("products", ())}
        ordered = {event.properties.get("product_id") for event in events if event.name == "Order Completed"}
        walked = {slot.partition("/")[2]: p for slot, p in contact.passages.items() if slot.startswith("cart/")}
        if told != walked.keys():
            yield f"contact {contact_id} was told of {sorted(told)}, and has gone through {sorted(walked)}"
        for key, passage in walked.items():
            if passage.last_state == "exited.bought" and key not in ordered:
                yield f"contact {contact_id} has left for {key}, and has only ordered {sorted(ordered)}"


def a_reply_is_answered_once(world: World) -> Iterator[str]:
    """2. Of one kind of reply a number is answered at most one a day, however often it is brought."""
    last: dict[tuple[str, str], float] = {}
    for phone, answer, at in world.log.answers:
        if at - last.get((phone, answer), -inf) < DAY - TIMEOUT:
            yield f"{phone} was answered twice: {answer}"
        last[phone, answer] = at


def quiet_hours_hold(world: World) -> Iterator[str]:
    """3. No text leaves at night, where the person may be; a sender looks at the clock no longer than a timeout before
    it calls the channel."""
    lisbon_and_azores = 9 * 3_600.0, 21 * 3_600.0  # in UTC, in winter
    for mail in world.log.mails:
        if mail.address.startswith("phone:"):
            of_day = mail.called % DAY
            if not lisbon_and_azores[0] <= of_day <= lisbon_and_azores[1] + TIMEOUT:
                yield f"text {mail.message_id} left at {of_day / 3_600:.2f} in the night"


def every_way_out_opens(world: World) -> Iterator[str]:
    """2. The link to unsubscribe by of each mail that has left works, unless the key that signed it was withdrawn."""
    for sentence in world.log.dead_links:
        yield f"a link to unsubscribe by key {sentence}"


def what_is_held_stays(world: World) -> Iterator[str]:
    """2. Nothing leaves while an operator holds everything, from a few seconds after that was said."""
    begins, ends = world.troubles.hold or (inf, inf)
    for mail in world.log.mails:
        if begins + HOLDS_FRESH + TIMEOUT < mail.called < ends:
            yield f"message {mail.message_id} left {mail.called - begins:.0f} s after everything was held"


def nobody_shows_in_a_log(world: World) -> Iterator[str]:
    """No line of a log has anything of a person."""
    for line in world.log.lines.splitlines():
        if PERSONAL.search(line):
            yield f"a log says {line[:200]}"


def nothing_is_an_orphan(world: World) -> Iterator[str]:
    """5. Whatever belongs to a contact leads to one that is there."""
    memory = world.memory
    owned = {
        "message": [(m.message_id, m.contact_id) for m in memory.messages.values()],
        "task": [(task.task_id, task.contact_id) for task in memory.tasks.values()],
        "place": list(memory.memberships),
        "row": [(key, contact_id) for (contact_id, key), _ in memory.all_rows()],
    }
    for kind, pairs in owned.items():
        for name, contact_id in pairs:
            if memory.load(contact_id) is None:
                yield f"the {kind} {name} belongs to {contact_id}, who is not there"


def caps_hold(world: World) -> Iterator[str]:
    """3. No contact has more messages within any window than the caps allow; those that did not leave do not count."""
    queued: dict[str, list[Message]] = defaultdict(list)
    for message in world.memory.messages.values():
        if message.state not in (SKIPPED, FAILED):
            queued[message.contact_id].append(message)
    for contact_id, messages in queued.items():
        for cap in world.shelf[-1].policy.caps:
            times = sorted(message.created_at for message in messages if cap.counts(message.channel))
            for first, last in zip(times, times[cap.at_most :], strict=False):
                if last - first < cap.per:
                    yield f"contact {contact_id} has {cap.at_most + 1} messages within {last - first:.0f} s"


def goals_stop_journeys(world: World) -> Iterator[str]:
    """3. Who has reached the goal of a journey is sent nothing more of it."""
    for contact in world.memory.list_contacts():
        for journey, passage in contact.passages.items():
            if passage.last_state != "goal" or passage.last_ended is None:
                continue
            for message in world.memory.messages.values():
                ended = passage.last_ended + 0.002 + 2 * world.troubles.skew
                is_late = message.created_at > ended and message.state != SKIPPED
                if message.enrollment_id == passage.last_enrollment and is_late:
                    yield f"message {message.message_id} of {journey} was made after its goal was reached"


def who_waits_is_woken(world: World) -> Iterator[str]:
    """4. A message that waits for a gate has a wake in the future, and none waits for ever."""
    now = world.loop.now
    for contact in world.memory.list_contacts():
        for message_id, candidate in contact.postponed.items():
            if contact.wake_at is None or contact.wake_at > candidate.at + 0.002:
                yield f"message {message_id} waits, and its contact is armed for {contact.wake_at}"
            elif candidate.at < now - LATE or candidate.since < now - 3 * DAY:
                yield f"message {message_id} waits since {now - candidate.since:.0f} s"


def nothing_stuck(world: World) -> Iterator[str]:
    """4. Each enrollment has ended with a reason or has a wake in the future; no commit armed a timer too late."""
    yield from world.log.late_timers
    now = world.loop.now
    for contact in world.memory.list_contacts():
        pending = [("turn of " + key, at) for key, at in contact.turns.items()]
        for enrollment in contact.active.values():
            if enrollment.state != "active" or enrollment.due is None:
                yield f"enrollment {enrollment.enrollment_id} at {enrollment.step} is {enrollment.state} without an end"
            else:
                pending.append((f"enrollment {enrollment.enrollment_id} at {enrollment.step}", enrollment.due))
        for what, at in pending:
            if contact.wake_at is None or contact.wake_at > at + 0.002:
                yield f"{what} is due {at - now:+.0f} s from now, and its contact is armed for {contact.wake_at}"
            elif at < now - LATE:
                yield f"{what} was due {now - at:.0f} s ago, and nothing happened"
        for journey, passage in contact.passages.items():
            under_way = contact.active if "/" in journey else map(journey_of, contact.active)
            if passage.last_ended is None and journey not in under_way:
                yield f"contact {contact.contact_id} has left {journey}, and its passage does not say how"


def nothing_waits_for_ever(world: World) -> Iterator[str]:
    """4. No message is left queued or sending, no queue or stream holds anything, and no state went back."""
    for message in world.memory.messages.values():
        if message.state in (QUEUED, SENDING) and (message.not_before or 0.0) < world.loop.now:
            yield f"message {message.message_id} is {message.state} for ever"
        if message.state in ("skipped", "failed") and not message.reason:
            yield f"message {message.message_id} is {message.state} without a reason"
    left = len(world.events) + len(world.sends) + len(world.events.dead) + len(world.sends.dead) + len(world.stream)
    left += sum(len(stream.left) for stream in world.counting.values())
    if left or world.dead:
        yield f"{left} letters and {len(world.dead)} calls are left over"
    yield from world.log.steps_back


def the_outbox_is_the_commit(world: World) -> Iterator[str]:
    """2. What the fold decided to send is in the ledger, and nothing is there that no commit put there."""
    for message_id in world.memory.messages:
        if message_id not in world.log.committed:
            yield f"message {message_id} is in the ledger, and no commit carried it"
    for message_id in sorted(world.log.asked - {*world.memory.messages} - world.log.forgotten):
        yield f"an enrollment has passed the step of message {message_id}, and no message is there"
    sends = {(m.origin, m.step, m.contact_id) for m in world.memory.messages.values()}
    for contact in world.memory.list_contacts():
        ids = ids_of(contact)
        for row in world.memory.list_rows(ids):
            for definition, step, verdict, *_ in row.decisions:
                decided = verdict in (QUEUED, SKIPPED) and definition.startswith(("journey/", "broadcast/"))
                if decided and not any((definition, step, contact_id) in sends for contact_id in ids):
                    yield f"{row.key} decided on {step} of {definition}; no message is there"


def decisions_are_told(world: World) -> Iterator[str]:
    """Why a message was made stands in a timeline row, unless a fault came between a commit and its rows."""
    if world.loop.injected:
        return
    for contact in world.memory.list_contacts():
        told = {(d.definition, d.step) for row in world.memory.list_rows(ids_of(contact)) for d in row.decisions}
        for message in world.memory.messages.values():
            if message.template == confirmation.TEMPLATE:
                continue  # its row is that somebody asked for it
            if message.contact_id in ids_of(contact) and (message.origin, message.step) not in told:
                yield f"message {message.message_id} is there, and no row says why"


def mails_are_in_the_ledger(world: World) -> Iterator[str]:
    """2. What left is known to have left, unless SES's own word was lost on the way."""
    for mail in world.log.mails:
        message = world.memory.messages.get(mail.message_id)
        if message and message.state in ("skipped", "failed") and message.message_id not in world.log.forgotten:
            yield f"message {mail.message_id} left and is {message.state}: {message.reason}"
        is_told = message and message.channel == "email"  # nobody says what became of a text
        if message and is_told and message.state == "unknown" and not world.log.lost_feedback:
            yield f"message {mail.message_id} left, SES said so, and it is unknown"


def memberships_equal_a_recomputation(world: World) -> Iterator[str]:
    """5. Segments are what their predicates say now, but for turns due this moment; the table says who is at which
    place."""
    now, book = world.loop.now, world.shelf[-1]
    expected: dict[tuple[str, str], float] = {}
    for contact in world.memory.list_contacts():
        view = book.view(contact, now)
        for segment_id, segment in book.segments.items():
            if contact.turns.get(f"segment/{segment_id}", inf) > now and contact.revision == book.revision:
                truth = segment.evaluate(view).truth
                if truth != (segment_id in contact.segments):
                    yield f"contact {contact.contact_id} is {'not ' * truth}in {segment_id}, which holds: {truth}"
        expected |= {(place, contact.contact_id): since for place, since in places_of(contact).items()}
    for key in sorted({*expected, *world.memory.memberships}):
        if (key in expected) != (key in world.memory.memberships):
            yield f"the table of memberships {'lacks' if key in expected else 'still has'} {key}"


def stats_equal_a_recount(world: World) -> Iterator[str]:
    """5. The numbers are those of the rows, counted now; who came to a place has been counted once."""
    expected: Counter[tuple[str, ...]] = Counter()
    found: Counter[tuple[str, ...]] = Counter()
    for message in world.memory.messages.values():
        expected.update({tuple(cell): number for cell, number in count_message(None, message).items()})
    for place, _ in world.memory.memberships:
        expected[(*split_place(place), HERE)] += 1
    for place, number in world.log.arrivals.items():
        expected[(*split_place(place), ENTERED)] += number
    for cell, number in world.memory.sums.items():
        found[tuple(cell) if cell.kind == MESSAGES else (cell.definition, cell.spot, cell.counter)] += number
    for what in sorted({*expected, *found}):
        if expected[what] != found[what]:
            yield f"of {what} there are {expected[what]}, and the numbers say {found[what]}"


def identities_lead_home(world: World) -> Iterator[str]:
    """Each identity of a contact leads to it, no two people are one, and nobody has two user ids but by an alias."""
    owners = {str(identity): person.number for person in world.people for identity in person.own}
    for contact in world.memory.list_contacts():
        for identity in contact.identities:
            row = claim_of(parse_identity(identity)) if identity in contact.claims else identity
            found = world.memory.load(contact_id_of(row, KEY))
            if found is None or found.contact_id != contact.contact_id:
                yield f"{identity} belongs to {contact.contact_id} and leads to {found and found.contact_id}"
        people = {owners[text] for text in contact.identities if text in owners}
        if len(people) > 1:
            yield f"contact {contact.contact_id} is {len(people)} people: {sorted(contact.identities)}"
        users = {text for text in contact.identities if text.startswith("user:")}
        if len(users) > 1 and not any(event.name == names.ALIASED for event in world.log.tried.values()):
            yield f"contact {contact.contact_id} has two user ids, and nobody said that they are one"
        for old in contact.merged_from:
            found = world.memory.load(old)
            if found is None or found.contact_id != contact.contact_id:
                yield f"{old} was merged into {contact.contact_id} and leads to {found and found.contact_id}"


def a_broadcast_reaches_everybody_once(world: World) -> Iterator[str]:
    """2. Who was in the segment when a broadcast began, and still was when all were addressed, has a message of it, and
    nobody else has; of one person's messages not every one gives way to another. (No person gets two:
    `no_step_twice`.)"""
    broadcast = world.broadcast
    owners = owners_of(world)
    people: dict[str, list[str]] = defaultdict(list)
    for message in world.memory.messages.values():
        if message.origin == ORIGIN and message.contact_id in owners:  # else an orphan, of which another check tells
            people[owners[message.contact_id]].append(message.reason)
    if people and broadcast.begun_at is None:
        yield "a broadcast that never began has messages"
    members, stayed, entitled = (
        {owners[each] for each in ids if each in owners and each not in world.erasing.ids}
        for ids in (broadcast.members, broadcast.stayed, broadcast.entitled)
    )
    for owner in sorted(members & stayed - people.keys()):
        yield f"contact {owner} was in the segment all the time, and has no message of the broadcast"
    for owner in sorted(people.keys() - entitled - world.erasing.ids):
        yield f"contact {owner} was not in the segment when the broadcast began, and has a message of it"
    for owner, reasons in people.items():
        if all(reason == "this person gets the broadcast as another contact" for reason in reasons):
            yield f"each message of contact {owner} gives way to another one"


def what_stands_still_does_not_leave(world: World) -> Iterator[str]:
    """2. A minute after a broadcast was paused or stopped nothing of it leaves, until it is resumed."""
    for mail in world.log.mails:
        message = world.memory.messages.get(mail.message_id)
        if message is None or message.origin != ORIGIN:
            continue
        for since, until in world.broadcast.stands:
            if since + 60.0 < mail.called < until:
                yield f"message {mail.message_id} left {mail.called - since:.0f} s after the broadcast was halted"


def a_broadcast_gives_each_what_is_theirs(world: World) -> Iterator[str]:
    """2. Out of a broadcast's test each gets the winner; a variant is its template; once more is to the failed."""
    run = world.broadcast.run
    ours = [message for message in world.memory.messages.values() if message.origin == ORIGIN]
    for message in ours:
        wanted = message.step or (run.winner if run and run.broadcast.test else message.template)
        if message.template != wanted:
            yield f"message {message.message_id} is of {message.template} instead of {wanted}"
    people = {contact.contact_id: ids_of(contact) for contact in world.memory.list_contacts()}
    firsts = {message_id_of(ID, each) for ids in people.values() for each in ids}
    for message in ours:
        ids = people.get(message.contact_id, (message.contact_id,))
        if message.message_id not in firsts and world.broadcast.failed.isdisjoint(ids):
            yield f"contact {message.contact_id} was addressed once more, and nothing had failed"


def a_broadcast_ends_and_adds_up(world: World) -> Iterator[str]:
    """4. A broadcast is done or stopped, or was called off before it began; its numbers are those of its messages."""
    yield from world.broadcast.slips
    if world.memory.holds:
        yield f"the broadcast is still held: {world.memory.holds}"
    run = world.broadcast.run
    if run is None or (run.state == CANCELLED and world.broadcast.begun_at is None):
        return
    if DONE not in run.times or run.state not in (DONE, STOPPED) or run.tally is None:
        yield f"the broadcast is still {run.state}"
        return
    if ADDRESSING in world.log.buried:  # whom the queue could not address either, a redrive did, after the last count
        return
    if world.log.forgotten:  # of those who were erased no number is told
        return
    counted = Counter(run.tally.states)
    messages = [message for message in world.memory.messages.values() if message.origin == ORIGIN]
    states = Counter(message.state for message in messages)
    # What is heard of a message after the last count is not in the numbers.
    counted_at = run.tally.counted_at - world.troubles.skew
    is_late = any(world.log.moved.get(message.message_id, 0.0) > counted_at for message in messages)
    if counted.total() != len(messages) or (counted != states and not is_late):
        yield f"the broadcast counts {dict(counted)}; its messages are {dict(states)}"
    if counted[QUEUED] or counted[SENDING]:
        yield f"the broadcast is done, and {counted[QUEUED] + counted[SENDING]} messages have no end"


def members_carry_what_their_account_says(world: World) -> Iterator[str]:
    """5. Each member has the account's own words, and the account counts who is there."""
    contacts = world.memory.list_contacts()
    for account_id, account in world.memory.accounts.items():
        seats = [contact.accounts[account_id] for contact in contacts if account_id in contact.accounts]
        for seat in seats:
            copy = copy_of(account)
            carried = {"attributes": seat.attributes, "suppressed": seat.suppressed, "roles": list(seat.roles)}
            if copy | carried != copy:
                yield f"a member of {account_id} carries {seat}, and not {account}"
        engaged = Counter(seat.role for seat in seats if seat.is_engaged)
        if account.members != len(seats) or dict(account.engaged) != engaged:
            told = f"{account.members} members, engaged {dict(account.engaged)}"
            yield f"{account_id} counts {told}; there are {len(seats)}, engaged {dict(engaged)}"
    known = world.memory.accounts.keys()
    for contact in contacts:
        if contact.accounts.keys() - known:
            yield f"contact {contact.contact_id} belongs to an account that is not there: {sorted(contact.accounts)}"


def nobody_is_written_to_in_a_suppressed_account(world: World) -> Iterator[str]:
    """2. Who carries a suppression of an account is put up for nothing any more."""
    yield from world.companies.loud


def nothing_is_left_of_the_erased(world: World) -> Iterator[str]:
    """2. An erasure comes to its end, and of what was there when it was asked for nothing is left under any id."""
    yield from (f"the erasure {request_id} has not come to its end" for request_id in world.erasing.left_over)
    slack = 2 * world.troubles.skew
    for request in world.erasing.requests.stored.values():
        asked_at = request.asked_at - slack
        for contact_id in sorted({*request.people, *request.ids}):
            for row in world.memory.list_rows([contact_id]):
                if row.event.time < asked_at:
                    yield f"{contact_id} was erased, and has the row {row.key}"
            for message in world.memory.messages.values():
                if message.contact_id == contact_id and message.created_at < asked_at:
                    yield f"{contact_id} was erased, and has the message {message.message_id}"


def who_was_erased_comes_back_by_themselves_alone(world: World) -> Iterator[str]:
    """2. No import begins anybody anew: under an id of somebody erased is a contact only if they did something."""
    for request in world.erasing.requests.stored.values():
        for contact_id in sorted({*request.people, *request.ids}):
            contact = world.memory.load(contact_id)
            if contact is None:
                continue
            events = [row.event for row in world.memory.list_rows(ids_of(contact))]
            own = [e for e in events if e.name not in (names.IDENTIFIED, names.ALIASED, names.ACCOUNT_JOINED, WAKE)]
            if not any("/" not in event.event_id for event in own):
                told = sorted({event.name for event in events})
                yield f"{contact_id} was erased, and contact {contact.contact_id} is there by {told}"


INVARIANTS: Mapping[str, Callable[[World], Iterator[str]]] = {
    check.__name__: check
    for check in (
        nothing_lost,
        counts_equal_the_timeline,
        nothing_twice,
        no_step_twice,
        passages_go_side_by_side,
        nothing_after_a_refusal,
        only_who_has_confirmed_gets_the_letter,
        a_pause_holds_and_ends,
        how_often_holds,
        the_outbox_is_the_commit,
        decisions_are_told,
        mails_are_in_the_ledger,
        a_reply_is_answered_once,
        quiet_hours_hold,
        every_way_out_opens,
        what_is_held_stays,
        nobody_shows_in_a_log,
        nothing_is_an_orphan,
        caps_hold,
        goals_stop_journeys,
        who_waits_is_woken,
        nothing_stuck,
        nothing_waits_for_ever,
        memberships_equal_a_recomputation,
        stats_equal_a_recount,
        identities_lead_home,
        a_broadcast_reaches_everybody_once,
        a_broadcast_ends_and_adds_up,
        what_stands_still_does_not_leave,
        a_broadcast_gives_each_what_is_theirs,
        members_carry_what_their_account_says,
        nobody_is_written_to_in_a_suppressed_account,
        nothing_is_left_of_the_erased,
        who_was_erased_comes_back_by_themselves_alone,
    )
}


def violations(world: World) -> list[tuple[str, str]]:
    """(invariant, sentence) of everything that does not hold."""
    return [(name, sentence) for name, check in INVARIANTS.items() for sentence in check(world)]
