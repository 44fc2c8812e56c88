"""Bring back what tables have lost, from copies of them as they were at an instant before the damage.

Nothing that is there is overwritten by something older, so what has come since stays: messages that left, refusals,
merges. RULES say of each table what may come back. What a contact that comes back has done since is folded again from
its live timeline. Each step may be killed and done again: what is back counts as there, and a journal keeps what is
still to be folded.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from postroad.commits import Commit, MembershipChange, Row
from postroad.consent.rule import ERASED, later
from postroad.contacts.contact import Consent, Contact
from postroad.contacts.places import places_of
from postroad.events import Event
from postroad.sending.holds import ALL, PAUSE, Hold
from postroad.sending.messages import QUEUED, SENDING, UNKNOWN
from postroad_aws.ports import Forward, Outcome, Ports
from postroad_aws.storage import contacts, holds, memberships, restores, timeline
from postroad_aws.storage.refusals import LIFTED
from postroad_aws.storage.restores import Copies, Item, find_live, put_back
from postroad_aws.usecases.process_events import fold_cluster
from postroad_aws.usecases.wake_contacts import wake_event

HELD_BY = "restore"
RESTORED = "restored"
# How many events of a contact are folded again at once.
_AT_ONCE = 25

# What becomes of a row of a copy.
THERE, BACK, UNDONE, CHANGED = "there", "brought back", "undone since", "changed meanwhile"
BEGUN = "begun since"


class Journal(Protocol):
    """What outlives a kill: the contacts that came back, each with the keys of the rows to be folded again."""

    def begin(self, contact_id: str, keys: Sequence[tuple[str, str]]) -> None: ...

    def finish(self, contact_id: str) -> None: ...

    def list_open(self) -> Mapping[str, Sequence[tuple[str, str]]]: ...


@dataclass
class Restore:
    """One restore: `at` is the instant of the copies, `erased` are all ids of those who were erased since."""

    ports: Ports
    copies: Copies
    journal: Journal
    at: float
    erased: Collection[str]
    is_dry: bool = False
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    foreseen: set[str] = field(default_factory=set)  # who would come back, when it is dry

    def put(self, table: str, item: Item, instead: Item | None = None) -> str:
        if self.is_dry or put_back(table, item, instead):
            return BACK
        return CHANGED

    def count(self, table: str, verdict: str) -> None:
        self.counts.setdefault(table, Counter())[verdict] += 1


def restore_tables(restore: Restore, tables: Collection[str]) -> dict[str, Counter[str]]:
    """Bring back rows of these tables (by their settings, of RULES) while sending is held; how many had which fate."""
    if not restore.is_dry:
        note = "tables are being restored"
        holds.save_hold(Hold(ALL, PAUSE, restore.ports.clock.now(), HELD_BY, note))
    for table, rule in RULES.items():
        if table not in tables:
            continue
        for old, live in restore.copies.scan_pairs(table):
            restore.count(table, rule(restore, table, old, live))
        if table == "consents_table":
            _say_no_again(restore)
        if table == "contacts_table":
            _find_begun_since(restore)
            _fold_again(restore, "messages_table" in tables)
    if not restore.is_dry:
        holds.lift_hold(ALL, HELD_BY)
    return restore.counts


# ------------------------------------------------------------------------------------------------------------- rules


def _as_it_was(restore: Restore, table: str, old: Item, live: Item | None) -> str:
    return THERE if live else restore.put(table, old)


def _unless_lifted(restore: Restore, table: str, old: Item, live: Item | None) -> str:
    """A suppression, but for one that somebody has lifted since: that left a proof."""
    if live:
        return THERE
    proofs = restores.list_proofs(f"{old['address_hash']['S']}#{LIFTED}")
    return UNDONE if any(_time(proof) >= restore.at for proof in proofs) else restore.put(table, old)


def _last_word(restore: Restore, table: str, old: Item, live: Item | None) -> str:
    """An answer, unless a later one stands; not the yes of somebody who was erased."""
    answers = [_consent(proof) for proof in restores.list_proofs(old["address_topic"]["S"])]
    last = later(_consent(old), *answers)
    if live and (last == _consent(live) or later(_consent(live), last) == _consent(live)):
        return THERE
    if last and last.granted and _is_erased(old):
        return UNDONE
    return restore.put(table, _answer(old["address_topic"], last) if last else old, live)


def _unsent(restore: Restore, table: str, old: Item, live: Item | None) -> str:
    """A message. What waited to be sent may have left since, and is never sent again blindly."""
    if live or old["contact_id"]["S"] in restore.erased:
        return THERE if live else UNDONE
    if old["state"]["S"] in (QUEUED, SENDING):
        kept = {name: value for name, value in old.items() if name not in ("pending_shard", "pending_at", "owner")}
        times = {"M": {**old["times"]["M"], UNKNOWN: {"N": repr(restore.ports.clock.now())}}}
        old = {**kept, "state": {"S": UNKNOWN}, "reason": {"S": RESTORED}, "times": times}
    return restore.put(table, old)


def _of_whom_it_is(restore: Restore, table: str, old: Item, live: Item | None) -> str:
    """A row of a person, unless they were erased or its time is over."""
    if live:
        return THERE
    is_over = "expires_at" in old and float(old["expires_at"]["N"]) <= restore.ports.clock.now()
    return UNDONE if is_over or old["contact_id"]["S"] in restore.erased else restore.put(table, old)


def _where_they_are(restore: Restore, table: str, old: Item, live: Item | None) -> str:
    """A membership, if its contact is still there."""
    if live:
        return THERE
    place, contact_id = old["place_shard"]["S"].rpartition("#")[0], old["contact_id"]["S"]
    if contact_id in restore.foreseen:
        return BACK
    contact = contacts.find_items([contact_id], consistent=True).get(contact_id)
    is_there = isinstance(contact, Contact) and place in places_of(contact)
    return restore.put(table, old) if is_there else UNDONE


def _actor(restore: Restore, table: str, old: Item, live: Item | None) -> str:
    """A contact, or a forward. One that began anew since, because nobody was there, is the same person: what it has
    done is folded again. One that became one with another has a forward that the other knows of."""
    contact_id, was = old["contact_id"]["S"], contacts.parse_item(old)
    now = contacts.parse_item(live) if live else None
    if contact_id in restore.erased:
        return UNDONE
    if not isinstance(was, Contact):
        return THERE if live else restore.put(table, old)
    if isinstance(now, Contact) and now.created_at <= max(restore.at, was.created_at):
        return THERE
    if isinstance(now, Forward) and _knows(now.contact_id, contact_id):
        return THERE
    if now is not None and not isinstance(now, Contact | Forward):
        return UNDONE
    version = max(was.version, now.version if isinstance(now, Contact) else 0) + 1
    if restore.is_dry:
        restore.foreseen.add(contact_id)
        return BACK
    ids = (contact_id, *was.merged_from)
    known = restore.copies.list_keys(ids)
    later_rows = [(row.contact_id, row.key) for row in _rows(ids) if (row.contact_id, row.key) not in known]
    restore.journal.begin(contact_id, later_rows)
    if not put_back(table, {**old, "version": {"N": str(version)}}, live):
        restore.journal.finish(contact_id)
        return CHANGED
    if isinstance(now, Contact):
        left = places_of(now).keys() - places_of(was).keys()
        memberships.apply([MembershipChange(place, contact_id, None) for place in sorted(left)])
    return BACK


Rule = Callable[[Restore, str, Item, Item | None], str]

# By the setting of the table, in the order in which they come back: refusals first, contacts when all is there that
# folding asks for, and memberships when it is known who is where.
RULES: Mapping[str, Rule] = {
    "keys_table": _as_it_was,
    "definitions_table": _as_it_was,
    "accounts_table": _as_it_was,
    "products_table": _as_it_was,
    "suppressions_table": _unless_lifted,
    "consent_proof_table": _as_it_was,
    "consents_table": _last_word,
    "messages_table": _unsent,
    "tasks_table": _of_whom_it_is,
    "events_table": _of_whom_it_is,
    "contacts_table": _actor,
    "memberships_table": _where_they_are,
}


def _knows(winner: str, loser: str) -> bool:
    """Whether the contact to which a forward leads says that it has become one with it."""
    for _ in range(10):
        item = contacts.find_items([winner], consistent=True).get(winner)
        if not isinstance(item, Forward):
            return isinstance(item, Contact) and loser in item.merged_from
        winner = item.contact_id
    return False


def _say_no_again(restore: Restore) -> None:
    """A no that was said since, and whose row is lost, from its proof."""
    for proof in restores.scan_live("consent_proof_table"):
        name = proof["address_topic"]["S"]
        if _time(proof) < restore.at or proof["granted"]["BOOL"] or "#?" in name or name.endswith(LIFTED):
            continue
        live = find_live("consents_table", {"address_topic": {"S": name}})
        answers = [_consent(each) for each in restores.list_proofs(name)]
        last = later(_consent(live) if live else None, *answers)
        if last and not last.granted and (live is None or last != _consent(live)):
            restore.count("consents_table", restore.put("consents_table", _answer({"S": name}, last), live))


# ------------------------------------------------------------------------------------------------------ folding again


def _find_begun_since(restore: Restore) -> None:
    """Who began after the instant, and is lost, is in no copy: their timeline is all that is left of them."""
    for contact_ids in restores.scan_owners():
        there = contacts.find_items(contact_ids, consistent=True)
        for contact_id in contact_ids:
            if contact_id in there or contact_id in restore.erased or contact_id in restore.foreseen:
                continue
            if not restore.is_dry:
                restore.journal.begin(contact_id, [(row.contact_id, row.key) for row in _rows([contact_id])])
            restore.count("contacts_table", BEGUN)


class _Unfolded:
    """The timeline without rows whose events are still to be folded."""

    def __init__(self, rows: Mapping[tuple[str, str], Row]) -> None:
        self.rows = dict(rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(timeline, name)

    def find_keys(self, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        return {key for key in timeline.find_keys(keys) if key not in self.rows}

    def list_history(self, contact_ids: Sequence[str]) -> list[Event]:
        hidden = {event.key for row in self.rows.values() for event in (row.event, *row.caused)}
        return [event for event in timeline.list_history(contact_ids) if event.key not in hidden]


class _Unasked:
    """The table of contacts, where a message that a fold asks for may have left already: nobody knows, so none does."""

    def __getattr__(self, name: str) -> Any:
        return getattr(contacts, name)

    def commit(self, commit: Commit) -> Outcome:
        unknown = {"state": UNKNOWN, "reason": RESTORED}
        messages = tuple(each.with_(**unknown, times={UNKNOWN: each.created_at}) for each in commit.messages)
        return contacts.commit(replace(commit, messages=messages))


def _fold_again(restore: Restore, is_ledger_lost: bool) -> None:
    """What contacts that came back have done since; and what is due by now, when the ledger may not know of it."""
    for contact_id, keys in restore.journal.list_open().items():
        ids = tuple(dict.fromkeys((contact_id, *(owner for owner, _ in keys))))
        rows = {(row.contact_id, row.key): row for row in _rows(ids)}
        unfolded: Any = _Unfolded({key: rows[key] for key in keys if key in rows})
        unasked: Any = _Unasked()
        ports = replace(restore.ports, timeline=unfolded, **({"contacts": unasked} if is_ledger_lost else {}))
        left = sorted(unfolded.rows, key=lambda key: key[1])
        while left:
            folded, left = left[:_AT_ONCE], left[_AT_ONCE:]
            fold_cluster(ports, [rows[key].event for key in folded])
            for key in folded:
                del unfolded.rows[key]
                restore.count("contacts_table", "events folded again")
        fold_cluster(ports, [wake_event(contact_id, restore.ports.clock.now())])
        restore.journal.finish(contact_id)


def _rows(contact_ids: Sequence[str]) -> Iterator[Row]:
    cursor = None
    while True:
        page = timeline.list_rows(contact_ids, cursor=cursor, limit=500, newest_first=False)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


# --------------------------------------------------------------------------------------------------------- refusals


def _consent(item: Item) -> Consent:
    """The answer of a row of the answers, or of one of the proofs, in which its end is evidence."""
    until = item["until"]["N"] if "until" in item else json.loads(item.get("evidence", {"S": "{}"})["S"]).get("until")
    return Consent(item["granted"]["BOOL"], _time(item), None if until is None else float(until))


def _answer(address_topic: Item, answer: Consent) -> Item:
    until = {} if answer.until is None else {"until": {"N": repr(answer.until)}}
    said = {"granted": {"BOOL": answer.granted}, "time": {"N": repr(answer.time)}}
    return {"address_topic": address_topic, **said, **until}


def _is_erased(old: Item) -> bool:
    address_hash = old["address_topic"]["S"].partition("#")[0]
    found = find_live("suppressions_table", {"address_hash": {"S": address_hash}})
    return found is not None and found["reason"]["S"] == ERASED


def _time(item: Item) -> float:
    return float(item["time"]["N"])
