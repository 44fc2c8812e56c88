"""Books for tests: definitions are published one revision after the other, as the product publishes them."""

from collections.abc import Mapping
from typing import Any

from postroad.book import Book, Manifest, compile_book, next_manifest, publish_version
from postroad.definitions import Publication, plan_publication, plan_withdrawal

Document = Mapping[str, Any]

# What marketing cannot be published without.
FOOTER = '<p>{{ account.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'


class Shelf:
    """What has been published so far."""

    def __init__(self, *definitions: Document, now: float | None = None) -> None:
        self.documents: dict[tuple[str, str, int], Document] = {}
        self.manifest = Manifest()
        if definitions:
            self.publish(*definitions, now=now)

    @property
    def book(self) -> Book:
        return compile_book(self.manifest, self.documents)

    def publish(
        self, *definitions: Document, now: float | None = None, transfers: Mapping[str, Any] | None = None
    ) -> Publication:
        """Publish these together. Raises DefinitionError with their mistakes, and then nothing has changed."""
        return self._take(plan_publication(by_key(*definitions), self.book, self.documents, now, transfers))

    def after(
        self, *definitions: Document, now: float | None = None, transfers: Mapping[str, Any] | None = None
    ) -> Book:
        """The book after publishing these."""
        self.publish(*definitions, now=now, transfers=transfers)
        return self.book

    def withdraw(self, key: str, now: float | None = None) -> Publication:
        """Take a definition ("journey/welcome") out of force. Raises DefinitionError."""
        return self._take(plan_withdrawal(key, self.book, self.documents, now))

    def force(self, *definitions: Document) -> Book:
        """The book after new definitions that the product would refuse."""
        entering = [publish_version(document, document["kind"], document["id"], 1) for document in definitions]
        self.documents |= {version[:3]: document for version, document in zip(entering, definitions, strict=True)}
        trackers = compile_book(next_manifest(self.manifest, entering, {}), self.documents).trackers
        self.manifest = next_manifest(self.manifest, entering, trackers)
        return self.book

    def _take(self, publication: Publication) -> Publication:
        self.documents |= publication.versions
        self.manifest = publication.manifest
        return publication


def by_key(*definitions: Document) -> dict[str, Document]:
    """Definitions as publishing takes them ("journey/welcome" → document)."""
    return {f"{document['kind']}/{document['id']}": document for document in definitions}
