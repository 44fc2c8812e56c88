"""The hand-over: one rule decides whether somebody goes to sales or is nurtured, so nobody is ever both.

Who is ready and fits goes to sales, gets an owner, and stays there however the score fades, until `back_if` holds. Of
the others those are nurtured for whom that rule holds. Whose fit is poor is not handed over, and gets no messages that
push for a sale.
"""

import hashlib
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from postroad.contacts.contact import Contact
from postroad.documents import Reader, parse_text, quote, read_head
from postroad.events import TASK_COMPLETED
from postroad.instants import DAY, describe_duration
from postroad.predicates.predicate import CONTACT, Predicate, Ruled, View, parse_predicate, read_predicate
from postroad.predicates.verdicts import TRUE, Verdict, decide, deny
from postroad.tasks import LONGEST_TITLE

KIND = "handover"
SALES, NURTURE = "sales", "nurture"
# A hand-over that reads itself could run in circles.
READS_HANDOVERS = frozenset(("handed_to",))
# Whom sales has sent back is left alone for so long, unless the definition says otherwise.
_SENT_BACK = {
    "event": TASK_COMPLETED,
    "where": {"all": [{"property": "kind", "is": KIND}, {"property": "outcome", "is": "rejected"}]},
    "within": "P30D",
}


class Asked(NamedTuple):
    """The task that a hand-over makes for the owner: what it is called, and how many seconds it may take."""

    title: str
    due: float


class Choice(NamedTuple):
    """Where somebody belongs (`sales`, `nurture` or ""), why, and when time alone may change that."""

    to: str
    because: str
    turns_at: float = inf


@dataclass(frozen=True, slots=True)
class HandOver(Ruled):
    """The rule of an account. `fits` (None: everybody does) also keeps back messages that push for a sale."""

    id: str
    name: str
    description: str
    ready: Predicate
    fits: Predicate | None
    back: Predicate
    owners: tuple[str, ...]
    task: Asked | None
    nurtured: Predicate | None
    journey: str | None

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        return tuple(filter(None, (self.ready, self.fits, self.back, self.nurtured)))

    def choose(self, view: View) -> Choice:
        """Where the contact belongs now."""
        back = self.back.evaluate(view)
        if view.contact.handed and view.contact.handed.to == SALES and not back.truth:
            return Choice(SALES, "was handed over", back.turns_at)
        ready, fits = self.ready.evaluate(view), self._fits(view)
        sells, turns_at = decide((ready, fits, deny(back)), decisive=False)
        if sells:
            # From now on only what sends somebody back counts.
            fitting = f", and {self.fits.describe()}" if self.fits else ""
            return Choice(SALES, f"{self.ready.describe()}{fitting}", back.turns_at)
        why = (
            f"sales has sent it back: {self.back.describe()}"
            if back.truth
            else f"not ready yet, which means: {self.ready.describe()}"
            if not ready.truth
            else self._describe_poor_fit()
        )
        nurtured = self.nurtured.evaluate(view) if self.nurtured else Verdict(False)
        return Choice(NURTURE if nurtured.truth else "", why, min(turns_at, nurtured.turns_at))

    def find_obstacle(self, view: View) -> str | None:
        """Why the contact gets no message that pushes for a sale, or None."""
        return None if self._fits(view).truth else self._describe_poor_fit()

    def find_owner(self, contact_id: str) -> str:
        """Whose turn it is: owners get equal shares, by a hash, so it is always the same one for a contact, and few
        contacts change hands when the list does."""

        def weight(owner: str) -> bytes:
            return hashlib.sha256(f"{owner}\0{contact_id}".encode(errors="surrogatepass")).digest()

        return max(self.owners, key=weight)

    def describe(self) -> tuple[str, ...]:
        """What it does, line by line."""
        fits = f", if {self.fits.describe()}" if self.fits else ""
        due = f"; they have {describe_duration(self.task.due)} for: {self.task.title}" if self.task else ""
        lines = [f"to sales when {self.ready.describe()}{fits}", f"owners in turn: {', '.join(self.owners)}{due}"]
        lines.append(f"back when {self.back.describe()}")
        if self.nurtured:
            journey = f", in the journey {self.journey}" if self.journey else ""
            lines.append(f"else nurtured when {self.nurtured.describe()}{journey}")
        return tuple(lines)

    def _fits(self, view: View) -> Verdict:
        return self.fits.evaluate(view) if self.fits else TRUE

    def _describe_poor_fit(self) -> str:
        return f"does not fit well enough: not {self.fits.describe()}" if self.fits else "fits"


def is_kept_from(model: HandOver | None, journey_id: str, contact: Contact) -> bool:
    """Whether a journey is the one that nurtures, and the contact is at sales."""
    is_sold = contact.handed is not None and contact.handed.to == SALES
    return model is not None and model.journey == journey_id and is_sold


def parse_handover(document: object) -> HandOver:
    """The hand-over of a document `{kind, id: handover, if, fit?, back_if?, owners, task?: {title, due?}, nurture?:
    {if, journey?}}`. Raises DefinitionError with all its mistakes."""
    reader = Reader(document)
    head = read_head(reader, KIND)
    if head.id and head.id != KIND:
        reader.mistake("one rule decides for the whole account, and its id is handover", "id")
    allowed = CONTACT - READS_HANDOVERS
    ready = read_predicate(reader.child("if"), allowed)
    fit, back, task, nurture = (reader.find_child(key) for key in ("fit", "back_if", "task", "nurture"))
    handover = HandOver(
        *head,
        ready,
        read_predicate(fit, allowed) if fit else None,
        read_predicate(back, allowed) if back else parse_predicate(_SENT_BACK),
        reader.read("owners", _parse_owners, ("",)),
        Asked(task.text("title", longest=LONGEST_TITLE), task.duration("due", DAY)) if task else None,
        read_predicate(nurture.child("if"), allowed) if nurture else None,
        nurture.id("journey", None) if nurture else None,
    )
    reader.finish()
    return handover


def _parse_owners(raw: object) -> tuple[str, ...]:
    items = raw if isinstance(raw, list | tuple) else (raw,)
    owners = tuple(parse_text(item, LONGEST_TITLE).strip() for item in items)
    if not 1 <= len(owners) <= 200:
        raise ValueError(f"must be a list of 1 to 200 people; there are {len(owners)}")
    twins = [owner for number, owner in enumerate(owners) if owner in owners[:number]]
    if twins:
        raise ValueError(f"names {quote(twins[0])} twice")
    return owners
