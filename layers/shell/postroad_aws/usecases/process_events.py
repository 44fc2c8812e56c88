"""Fold what came from the events queue into its contacts: load, fold, commit, then the timeline rows.

Deliveries that touch the same contacts or the same message group form a *cluster*; a cluster is folded in order, by
itself, and fails by itself. Whatever goes wrong, folding a cluster again is safe: an event that a contact's ring holds
is not folded twice, and its row is healed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from postroad.accounts import COPY, copy_of, find_account_id, traits_of
from postroad.commits import MAX_ACTIONS, Commit, MembershipChange, Row
from postroad.consent.erasure import begins_anew
from postroad.contacts.contact import Contact, latest_identities
from postroad.contacts.fetches import MACHINE, by_machine, fetch_of, judge_by_ledger, key_of, unmask, unmask_together
from postroad.contacts.identities import Identity, contact_id_of
from postroad.contacts.merging import merge, order
from postroad.contacts.places import membership_changes, places_of
from postroad.contacts.resolution import Resolution, identities_of, resolve, row_of
from postroad.decisions import Decision
from postroad.events import ACCOUNT_JOINED, WAKE, Event
from postroad.fold import Outcome as Folded
from postroad.fold import begin, fold, needs_history, postpone
from postroad.sending.messages import CONVERTED, Message, find_conversion, find_engagement, name_message
from postroad.tasks import Settled, Task, applies, cancel_dropped, combine
from postroad.tracking.packing import unpack
from postroad.tracking.quarantine import Reject, reject_event, reject_text
from postroad_aws.observability import logger
from postroad_aws.ports import Forward, Outcome, Ports, Stored, Tombstone
from postroad_aws.usecases.change_account import tell_account
from postroad_aws.usecases.wake_contacts import wake_event

MAX_TRIES = 5


class Delivery(NamedTuple):
    """One message of the events queue: its receipt names it when it must come again."""

    receipt: str
    group: str
    body: str


class _Conflict(Exception):
    """Somebody else wrote a contact of this cluster first."""


class Work(NamedTuple):
    """An event, and the delivery that brought it."""

    receipt: str
    group: str
    event: Event


def process_events(ports: Ports, deliveries: Sequence[Delivery]) -> list[str]:
    """Fold the deliveries; returns the receipts of those that must come again.

    Never raises for what an event says: that ends in quarantine. When AWS fails, the deliveries of that cluster fail.
    """
    now = ports.clock.now()
    rejects: list[Reject] = []
    work: list[Work] = []
    for receipt, group, body in deliveries:
        try:
            envelope = unpack(body)
        except Exception as error:  # a body that we did not write, or wrote wrongly, must not block its group
            logger.exception("unreadable queue message", receipt=receipt, error=type(error).__name__)
            rejects.append(reject_text(body, "this queue message could not be read", now))
            continue
        rejects.extend(envelope.rejects)
        work.extend(Work(receipt, group, event) for event in envelope.events)
    if rejects:
        ports.quarantine.save_rejects(rejects)
    clusters = list(_clusters(work, ports.contact_key))
    try:
        failing = fold_apart(ports, [[item.event for item in cluster] for cluster in clusters])
    except Exception as error:
        logger.exception("the book could not be read", error=type(error).__name__)
        return [receipt for receipt, _, _ in deliveries]
    failed = {item.receipt for number in failing for item in clusters[number]}
    return [receipt for receipt, _, _ in deliveries if receipt in failed]


def fold_apart(ports: Ports, clusters: Sequence[Sequence[Event]]) -> list[int]:
    """Fold clusters that have nothing to do with one another, by the newest book; returns the numbers of those that
    AWS did not let through, to be folded again. Raises when the book cannot be read."""
    batch = _Batch(ports, ports.books.newest().revision)
    if len(clusters) > 1:
        batch.load([event for cluster in clusters for event in cluster])
    failed = []
    for number, cluster in enumerate(clusters):
        try:
            batch.fold(cluster)
        except Exception as error:  # this cluster comes again, others go on
            logger.exception("a cluster of events failed", events=len(cluster), error=type(error).__name__)
            failed.append(number)
    try:
        batch.save_rows()
        batch.catch_up_begun()
    except Exception as error:  # nobody knows whose rows are missing: all come again, and those rows are healed
        logger.exception("the rows of a batch failed", error=type(error).__name__)
        return list(range(len(clusters)))
    return failed


def _clusters(work: Sequence[Work], key: bytes) -> Iterator[list[Work]]:
    """Group what shares a message group, an identity or a contact; each cluster keeps the order of arrival."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    names = [
        [f"group {item.group}", *([item.event.contact_id] if item.event.contact_id else _ids_of(item.event, key))]
        for item in work
    ]
    for found in names:
        for name in found[1:]:
            parent[root(name)] = root(found[0])
    clusters: dict[str, list[Work]] = {}
    for item, found in zip(work, names, strict=True):
        clusters.setdefault(root(found[0]), []).append(item)
    yield from clusters.values()


def _ids_of(event: Event, key: bytes) -> list[str]:
    """The ids under which the contacts that an event names may be stored."""
    return [contact_id_of(identity, key) for identity in identities_of(event)]


def fold_cluster(ports: Ports, events: Sequence[Event], *, revision: int = 0) -> None:
    """Fold events of related contacts in order. Raises when AWS fails, or when five tries met five conflicts.

    The book that folds them is of this revision or newer.
    """
    batch = _Batch(ports, revision)
    batch.fold(events)
    batch.save_rows()


class _Batch:
    """Clusters that are folded one after the other, and what they share because a call costs more than an item: one
    read before all of them, and one write of their rows after all of them."""

    def __init__(self, ports: Ports, revision: int) -> None:
        self.ports = ports
        self.revision = revision
        self.items: dict[str, Stored | None] = {}
        self.rows_found: dict[tuple[str, str], bool] = {}
        self.rows: list[Row] = []
        self.heals: list[tuple[Row, Sequence[str]]] = []
        self.begun: list[str] = []

    def load(self, events: Sequence[Event]) -> None:
        """Read what all these events name. When that fails, each cluster reads for itself, and fails by itself."""
        with suppress(Exception):
            cluster = _Cluster(self.ports, consistent=False, at_least=self.revision)
            cluster.load_all(events)
            self.items, self.rows_found = cluster.items, cluster.rows_found

    def fold(self, events: Sequence[Event]) -> None:
        """Fold one cluster: at first as it was read before, and after a conflict as it is now."""
        events = [self.note_account(self.note_engagement(event)) for event in unmask_together(events)]
        revision = self.revision
        for attempt in range(MAX_TRIES):
            cluster = _Cluster(self.ports, consistent=attempt > 0, at_least=revision)
            cluster.rows = list(self.rows)
            if attempt == 0:
                cluster.items, cluster.rows_found = dict(self.items), dict(self.rows_found)
            try:
                cluster.run(events)
            except _Conflict as conflict:
                revision = max(revision, *conflict.args, 0)
                if attempt + 1 < MAX_TRIES:
                    self.ports.clock.sleep((0.02 + 0.08 * self.ports.ids.jitter()) * 2**attempt)
                continue
            finally:
                # Also after a conflict or a fault: what was committed before it keeps its rows, with their decisions.
                self.rows = cluster.rows
                self.begun += cluster.begun
            # Another cluster of the batch may be forwarded to a contact of this one: it finds it as it is now.
            self.items |= cluster.items
            self.heals += cluster.heals
            return
        raise TimeoutError(f"the contacts of {len(events)} events were written by others {MAX_TRIES} times in a row")

    def note_engagement(self, event: Event) -> Event:
        """Tell the ledger of an open or a click, and the event of what message that was."""
        engagement = find_engagement(event)
        message = self.ports.messages.note_engagement(*engagement, event.time) if engagement else None
        if message is None or engagement is None:
            return event
        event = name_message(event, message)
        because = judge_by_ledger(event, message)
        if because:
            self.ports.messages.take_off_engagement(*engagement, event.time)
        return by_machine(event, because) if because else event

    def note_account(self, event: Event) -> Event:
        """Tell an account what a server says of it, and the event what the account says then."""
        account_id = find_account_id(event.properties.get("group_id")) if event.name == ACCOUNT_JOINED else None
        if account_id is None or not event.trusted:
            return event
        account, refused = tell_account(
            self.ports.accounts,
            account_id,
            event.properties["group_id"],
            traits_of(event),
            event.time,
            self.ports.clock.now(),
        )
        copy = {**copy_of(account), **({"not_kept": refused} if refused else {})}
        return replace(event, properties={**event.properties, COPY: copy})

    def save_rows(self) -> None:
        if self.rows:
            self.ports.timeline.save_rows(self.rows, self.ports.clock.now())
        lost = self.find_lost() if self.heals else []
        if lost:
            self.ports.timeline.heal_rows(lost, self.ports.clock.now())

    def catch_up_begun(self) -> None:
        """A contact that began while a book was published may be too new for the rebuild, which listed the others."""
        newest = self.ports.books.newest().revision if self.begun else self.revision
        if newest > self.revision:
            now = self.ports.clock.now()
            fold_cluster(self.ports, [wake_event(contact_id, now) for contact_id in self.begun], revision=newest)

    def find_lost(self) -> list[Row]:
        """Those rows to heal that are nowhere. A merge leaves rows under the other contact's id, and an event that a
        client sends again without a time of its own comes with another key."""
        timeline = self.ports.timeline
        found = timeline.find_keys(sorted({(contact_id, row.key) for row, ids in self.heals for contact_id in ids}))
        missing = [
            (row, ids) for row, ids in self.heals if not any((contact_id, row.key) in found for contact_id in ids)
        ]
        known = {
            row.contact_id: {event.short_hash for event in timeline.list_history(ids)}
            for row, ids in {row.contact_id: (row, ids) for row, ids in missing}.values()
        }
        return [row for row, _ in missing if row.event.short_hash not in known[row.contact_id]]


@dataclass(slots=True)
class _Pending:
    """One contact as this try has changed it so far, and what its next commit has to carry.

    `places` are those that are stored, by contact id: its own, and those of contacts that have become one with it.
    """

    contact: Contact
    is_new: bool = False
    attach: list[str] = field(default_factory=list)
    absorbed: list[tuple[str, int]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    tasks: list[Task | Settled] = field(default_factory=list)
    places: dict[str, Mapping[str, float]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    mended: list[Row] = field(default_factory=list)
    changed: bool = False

    @property
    def memberships(self) -> tuple[MembershipChange, ...]:
        return membership_changes(self.contact, self.places)

    @property
    def actions(self) -> int:
        kept = (self.attach, self.absorbed, self.messages, self.tasks, self.memberships, self.rejects)
        return 1 + sum(len(part) for part in (*kept, self.rows, self.mended))


class _Cluster:
    """One try at folding a cluster: the contacts that it has loaded, as it has changed them."""

    def __init__(self, ports: Ports, *, consistent: bool, at_least: int) -> None:
        self.ports = ports
        self.consistent = consistent
        self.now = ports.clock.now()
        self.book = ports.books.current(at_least=at_least)
        self.items: dict[str, Stored | None] = {}
        self.gone: set[str] = set()
        self.erased: set[float] = set()
        self.rows_found: dict[tuple[str, str], bool] = {}
        self.open: dict[str, _Pending] = {}
        self.events: Sequence[Event] = ()
        self.rows: list[Row] = []
        self.heals: list[tuple[Row, Sequence[str]]] = []
        self.begun: list[str] = []

    def run(self, events: Sequence[Event]) -> None:
        self.events = events
        self.load_all(events)
        for event in events:
            self.take(event)
        for pending in list(self.open.values()):
            self.commit(pending)

    # Loading

    def id_of(self, identity: Identity) -> str:
        return contact_id_of(identity, self.ports.contact_key)

    def ids_of(self, event: Event) -> list[str]:
        return [event.contact_id] if event.contact_id else _ids_of(event, self.ports.contact_key)

    def load_all(self, events: Sequence[Event]) -> None:
        """Read the contacts that these events name and, at once, those of their rows that rings may have forgotten."""
        self.load([contact_id for event in events for contact_id in self.ids_of(event)])
        self.look_up(
            {key for event in events for i in self.ids_of(event) for key in self.forgotten(self.find(i), event)}
        )

    def load(self, ids: Sequence[str]) -> None:
        """Read these and all that they forward to."""
        while missing := sorted({contact_id for contact_id in ids if contact_id not in self.items}):
            found = self.ports.contacts.find_items(missing, consistent=self.consistent)
            self.items.update({contact_id: found.get(contact_id) for contact_id in missing})
            ids = [item.contact_id for item in found.values() if isinstance(item, Forward)]

    def find(self, contact_id: str) -> Contact | None:
        """The contact that is stored under an id, wherever it has been forwarded to, as it stands in this try."""
        seen: set[str] = set()
        while contact_id not in seen:
            seen.add(contact_id)
            item = self.items.get(contact_id)
            is_there = isinstance(item, Contact | Forward)
            if not is_there and len(seen) > 1 and contact_id not in self.open:
                if not self.consistent:
                    raise _Conflict  # as below; else a forward that was left behind when its contact was erased
                self.gone.add(contact_id)
            if not isinstance(item, Forward):
                pending = self.open.get(contact_id)
                return pending.contact if pending else item if isinstance(item, Contact) else None
            contact_id = item.contact_id
        raise RecursionError("the forwards of a contact go in a circle")

    # Folding

    def take(self, event: Event) -> None:
        """Resolve whose event it is, join who turns out to be one person, and fold it, once."""
        if event.contact_id:
            contact = self.find(event.contact_id)
            if contact is None and self.find_erasure([event.contact_id]) is not None:
                return  # word of a person who is to be forgotten
            if contact is None and not self.consistent:
                raise _Conflict  # it may only be too new for an eventually consistent read
            if contact is None:
                self.ports.quarantine.save_rejects([reject_event(event, "its contact does not exist", self.now)])
                return
            resolution = Resolution(contact, None)
        elif not event.identities:
            self.ports.quarantine.save_rejects([reject_event(event, "it names nobody", self.now)])
            return
        else:
            self.make_room(event)
            owners = {identity: self.find(self.id_of(identity)) for identity in identities_of(event)}
            erased_at = self.find_erasure(self.ids_of(event))
            resolution = resolve(event, {identity: owner for identity, owner in owners.items() if owner})
            if resolution.contact is None and erased_at is not None and not begins_anew(event, erased_at):
                return
        known = resolution.contact
        if known and known.erased_at is not None and event.time < known.erased_at:
            return
        if any(self.has_folded(self.opened(Resolution(other, None)), event) for other in resolution.apart):
            return  # by who claimed an address of it then, and has lost it since
        for claimant, identity in resolution.release:
            self.release(self.opened(Resolution(claimant, None)), identity)
        pending = self.opened(resolution, event)
        if not pending.is_new and self.has_folded(pending, event):
            if pending.contact.revision < self.book.revision:
                # A crash may have come between beginning a contact and catching it up.
                self.fold(pending, wake_event(pending.contact.contact_id, self.now), (), everything=False)
            return
        decisions = list(resolution.decisions)
        for other in resolution.absorb:
            pending, why = self.join(pending, self.opened(Resolution(other, None)))
            decisions += why
        erased = {identity for identity in resolution.attach if self.stays_erased(identity, event)}
        for identity in resolution.attach:
            if identity not in erased:
                self.attach(pending, identity, event)
        pending.contact.identities = latest_identities(pending.contact.identities)
        pending.contact.claims -= {str(identity) for identity in resolution.confirm if identity not in erased}
        if self.has_folded(pending, event):  # by a contact that has become one with it
            return
        self.fold(pending, event, decisions, everything=bool(resolution.absorb))
        if pending.actions >= MAX_ACTIONS // 2:
            self.commit(pending)

    def make_room(self, event: Event) -> None:
        """Commit what was gathered for the contacts that this event may join: together it might not fit."""
        contacts = {contact.contact_id for i in self.ids_of(event) if (contact := self.find(i))}
        gathered = [self.open[contact_id] for contact_id in sorted(contacts) if contact_id in self.open]
        if len(gathered) > 1 and sum(pending.actions for pending in gathered) > MAX_ACTIONS // 2:
            for pending in gathered:
                self.commit(pending)

    def find_erasure(self, ids: Sequence[str]) -> float | None:
        """When the last one was erased whom these ids named."""
        stones = [item.erased_at for each in ids if isinstance(item := self.items.get(each), Tombstone)]
        self.erased.update(stones)
        return max(stones, default=None)

    def stays_erased(self, identity: Identity, event: Event) -> bool:
        """Whether an identity is of somebody who was erased, and this event is no reason to know it again."""
        item = self.items.get(self.id_of(row_of(identity, event)))
        return isinstance(item, Tombstone) and not begins_anew(event, item.erased_at)

    def opened(self, resolution: Resolution, event: Event | None = None) -> _Pending:
        contact = resolution.contact
        if contact is None:
            assert resolution.first is not None
            contact = begin(self.id_of(resolution.first), self.book, self.now)
            contact.erased_at = self.find_erasure(self.ids_of(event)) if event else None
        if contact.revision > self.book.revision:
            raise _Conflict(contact.revision)
        pending = self.open.get(contact.contact_id)
        if pending is None:
            pending = _Pending(
                contact.copy(), is_new=resolution.contact is None, places={contact.contact_id: places_of(contact)}
            )
            self.open[contact.contact_id] = pending
            if pending.is_new:
                self.items[contact.contact_id] = pending.contact
        return pending

    def has_folded(self, pending: _Pending, event: Event) -> bool:
        """Whether the contact has folded this event before; then its row is healed, and nothing else is to be done."""
        contact = pending.contact
        if event.name == WAKE:
            return False
        if event.short_hash in pending.hashes:
            return True
        if event.short_hash in contact.ring:
            self.heals.append((Row(contact.contact_id, event), (contact.contact_id, *contact.merged_from)))
            return True
        keys = self.forgotten(contact, event)
        self.look_up(keys)
        return any(self.rows_found[key] for key in keys)

    def forgotten(self, contact: Contact | None, event: Event) -> set[tuple[str, str]]:
        """The keys under which a row tells whether an event was folded, when the contact's ring cannot."""
        if contact is None or event.name == WAKE or event.short_hash in contact.ring:
            return set()
        if not contact.ring.may_have_forgotten(self.now):
            return set()
        return {(contact_id, event.key) for contact_id in (contact.contact_id, *contact.merged_from)}

    def look_up(self, keys: Collection[tuple[str, str]]) -> None:
        """Ask the timeline which of these rows are there, unless that is known."""
        wanted = sorted(key for key in keys if key not in self.rows_found)
        if wanted:
            found = self.ports.timeline.find_keys(wanted)
            self.rows_found |= {key: key in found for key in wanted}

    def attach(self, pending: _Pending, identity: Identity, event: Event) -> None:
        contact, contact_id = pending.contact, self.id_of(row_of(identity, event))
        contact.identities[str(identity)] = event.time
        if not event.trusted and identity.kind != "anon":
            contact.claims |= {str(identity)}
        if contact_id != contact.contact_id:
            pending.attach.append(contact_id)
            self.items[contact_id] = Forward(contact.contact_id)

    def release(self, pending: _Pending, identity: Identity) -> None:
        """A contact loses an address that a browser had named for it, and is stored before whoever has it now."""
        pending.contact.identities.pop(str(identity), None)
        pending.contact.claims -= {str(identity)}
        pending.changed = True
        self.commit(pending)

    def join(self, a: _Pending, b: _Pending) -> tuple[_Pending, tuple[Decision, ...]]:
        """Make two contacts one; the loser becomes a forward, and what was gathered for it goes along."""
        stays, leaves = (a, b) if order(a.contact, b.contact)[0] is a.contact else (b, a)
        winner, loser = stays.contact, leaves.contact
        merged, decisions = merge(winner, loser, self.book, self.now)
        pending = _Pending(
            merged,
            is_new=stays.is_new,
            attach=[*stays.attach, *leaves.attach],
            absorbed=[*stays.absorbed, *leaves.absorbed],
            messages=[*stays.messages, *leaves.messages],
            tasks=[*stays.tasks, *leaves.tasks, *cancel_dropped((winner, loser), merged, self.now)],
            places={**stays.places, **leaves.places},
            rejects=[*stays.rejects, *leaves.rejects],
            hashes=[*stays.hashes, *leaves.hashes],
            rows=[*stays.rows, *leaves.rows],
            mended=[*stays.mended, *leaves.mended],
            changed=True,
        )
        if leaves.is_new:
            pending.attach.append(loser.contact_id)
        else:
            pending.absorbed.append((loser.contact_id, loser.version))
        del self.open[loser.contact_id]
        self.open[winner.contact_id] = pending
        self.items[winner.contact_id] = merged
        self.items[loser.contact_id] = Forward(winner.contact_id)
        return pending, decisions

    def fold(self, pending: _Pending, event: Event, decisions: Sequence[Decision], *, everything: bool) -> None:
        if event.name == WAKE:
            # One timer may wake twice, and find something due each time: each has a row and derived events of its own.
            event = replace(event, event_id=f"{event.event_id}-{pending.contact.version}")
        event, exposed = self.unmask(pending, event)
        history = self.history_of(pending) if exposed or needs_history(pending.contact, self.book) else None
        try:
            folded = fold(
                pending.contact, event, self.book, self.now, history=history, everything=everything, exposed=exposed
            )
        except Exception as error:
            logger.exception("an event could not be folded", error=type(error).__name__)
            folded = Folded(postpone(pending.contact, event, self.now))
            pending.rejects.append(reject_event(event, f"folding it failed: {type(error).__name__}", self.now))
        pending.contact = folded.contact
        pending.messages += folded.messages
        pending.tasks += folded.tasks
        pending.changed |= folded.changed
        decisions = (*decisions, *folded.decisions)
        if event.name != WAKE:
            pending.hashes.append(event.short_hash)
        if event.name != WAKE or decisions:
            pending.rows.append(Row(folded.contact.contact_id, event, folded.caused, decisions))

    def unmask(self, pending: _Pending, event: Event) -> tuple[Event, list[Event]]:
        """The event, which says so if what the contact keeps shows that a machine did it; and what else it did, as that
        was folded. The ledger and the timeline say it from now on."""
        fetch = fetch_of(event) if pending.contact.fetches else None
        found = unmask(pending.contact.fetches, fetch) if fetch else None
        if found is None:
            return event, []
        if event.properties.get("actor") != MACHINE:
            self.take_off(event)
            event = by_machine(event, found.because)
        exposed = [mended for each in found.exposed if (mended := self.mend(pending, key_of(each), found.because))]
        return event, exposed

    def mend(self, pending: _Pending, key: str, because: str) -> Event | None:
        """Have the row of an open or a click say that a machine did it; the event as it was folded, None when it has
        no row yet or says so already."""
        contact = pending.contact
        ids = (contact.contact_id, *contact.merged_from)
        for rows in (pending.rows, pending.mended, self.rows):
            for number, row in enumerate(rows):
                if row.contact_id in ids and row.key == key:
                    return self.put_right(rows, number, row, because)
        found = self.ports.timeline.find_row(ids, key)
        if found is None:
            return None
        pending.mended.append(found)
        return self.put_right(pending.mended, len(pending.mended) - 1, found, because)

    def put_right(self, rows: list[Row], number: int, row: Row, because: str) -> Event | None:
        event = row.event
        if event.properties.get("actor") == MACHINE:
            return None
        self.take_off(event)
        rows[number] = row._replace(event=by_machine(event, because))
        return event

    def take_off(self, event: Event) -> None:
        if engagement := find_engagement(event):
            self.ports.messages.take_off_engagement(*engagement, event.time)

    def history_of(self, pending: _Pending) -> list[Event]:
        """All that this contact has folded: its timeline, and what this try holds that has no row yet."""
        contact = pending.contact
        ids = (contact.contact_id, *contact.merged_from)
        history = {e.key: e for e in self.ports.timeline.list_history(ids)}
        for row in (*self.rows, *pending.rows):
            if row.contact_id in ids:
                history |= {event.key: event for event in (row.event, *row.caused)}
        history |= {event.key: event for event in self.events if event.short_hash in contact.ring}
        history |= {
            row.key: row.event
            for row in (*self.rows, *pending.rows, *pending.mended)
            if row.event.properties.get("actor_because")
        }
        missing = contact.ring.young_hashes(self.now) - {event.short_hash for event in history.values()}
        if missing:
            # A crash left rows unwritten; the deliveries that bring them again are on their way.
            raise TimeoutError(f"{len(missing)} timeline rows of a contact are outstanding")
        return list(history.values())

    # Committing

    def commit(self, pending: _Pending) -> None:
        """Write what was gathered for one contact, all or nothing; then its rows may follow."""
        contact = pending.contact
        if pending.changed:
            busy = contact.ring.is_busy(self.now)
            contact.ring = contact.ring.add(pending.hashes, self.now, rows_in_commit=busy)
            self.write(
                Commit(
                    contact,
                    attach=tuple(pending.attach),
                    absorbed=tuple(pending.absorbed),
                    messages=tuple(pending.messages),
                    tasks=combine(pending.tasks),
                    memberships=pending.memberships,
                    rejects=tuple(pending.rejects),
                    rows=(*pending.mended, *(pending.rows if busy else ())),
                    gone=tuple(sorted(self.gone)),
                    erased=tuple(sorted(self.erased)),
                )
            )
            contact.version += 1
            if pending.is_new:
                self.begun.append(contact.contact_id)
            if not busy:
                self.rows += pending.rows
            self.note_conversions(pending)
        self.items[contact.contact_id] = contact
        del self.open[contact.contact_id]

    def note_conversions(self, pending: _Pending) -> None:
        """Tell the ledger which messages led to a goal. That is for numbers alone, and no reason to fold again."""
        for row in pending.rows:
            for event in row.caused:
                if message_id := find_conversion(event):
                    try:
                        self.ports.messages.note_engagement(message_id, CONVERTED, event.time)
                    except Exception as error:
                        logger.exception("a conversion was not counted", error=type(error).__name__)

    def write(self, commit: Commit) -> None:
        outcome = self.ports.contacts.commit(commit)
        if outcome is Outcome.ALREADY_THERE:
            # After a restore the ledger knows more than the contact, and a person may just have settled a task of it.
            # What is known there stays.
            new = tuple(m for m in commit.messages if self.ports.messages.find_message(m.message_id) is None)
            tasks = tuple(task for task in commit.tasks if applies(task, self.ports.tasks.find_task(task.task_id)))
            outcome = self.ports.contacts.commit(replace(commit, messages=new, tasks=tasks))
        if outcome is not Outcome.DONE:
            raise _Conflict
