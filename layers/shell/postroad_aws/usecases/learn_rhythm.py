"""Learn from a sample of the contacts when an account's people read, and how many of them have habits of their own."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from postroad.advice.lessons import learn
from postroad.advice.rhythm import Learned
from postroad.book import Manifest, compile_book
from postroad.contacts.zones import clock_of
from postroad.definitions import plan_lesson
from postroad.policy import Policy
from postroad.sending.channels import USUAL
from postroad_aws.ports import Clock, Sample

# Rows of the contacts table that are read.
ROWS = 1_000

Key = tuple[str, str, int]


class Contacts(Protocol):
    """What is touched of the contacts table."""

    def sample_contacts(self, rows: int) -> Sample: ...


class Definitions(Protocol):
    """What is touched of the definitions table."""

    def find_manifest(self) -> Manifest: ...

    def load_versions(self, wanted: Sequence[Key], /) -> Mapping[Key, Mapping[str, Any]]: ...

    def publish(self, versions: Mapping[Key, Mapping[str, Any]], manifest: Manifest, now: float) -> None: ...


def learn_rhythm(definitions: Definitions, contacts: Contacts, clock: Clock) -> Learned | None:
    """Let advice begin with what people have taught by now; returns it when it is news and something live asks for best
    hours.

    Raises VersionConflictError when somebody published meanwhile: then it is learned next time.
    """
    manifest = definitions.find_manifest()
    book = compile_book(manifest, definitions.load_versions(manifest.loaded))
    if not any(journey.asks_best_hour for journey in book.journeys.values()):
        return None
    now = clock.now()
    learned = look_at_people(contacts, book.policy, now)
    publication = plan_lesson(learned, book)
    if publication is None:
        return None
    definitions.publish(publication.versions, publication.manifest, now)
    return learned


def look_at_people(contacts: Contacts, policy: Policy, now: float) -> Learned:
    """What a sample of the contacts teaches by the mails they got, each on their own clock; nothing is changed."""
    known = [
        (sents, clock_of(contact, policy.timezone).zone)
        for contact in contacts.sample_contacts(ROWS).contacts
        if (sents := contact.engagement.get(USUAL))
    ]
    return learn(known, now)
