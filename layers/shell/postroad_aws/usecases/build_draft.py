"""Build a draft of a template as publishing it would: with the live brand and the saved blocks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from postroad.book import Book
from postroad.definitions import find_kit, live_ids
from postroad_aws.ports import Books

if TYPE_CHECKING:
    from postroad.content.building import Kit
    from postroad.content.rendering import CompiledMessage

Key = tuple[str, str, int]


class Definitions(Protocol):
    """Where the published blocks are."""

    def load_versions(self, wanted: Sequence[Key], /) -> Mapping[Key, Mapping[str, Any]]: ...


def build_draft(books: Books, definitions: Definitions, document: Mapping[str, Any]) -> "CompiledMessage":
    """The template that this document would make now. Raises DefinitionError with every mistake."""
    from postroad.content.building import build_template  # loads MJML
    from postroad.content.rendering import compile_message_template

    return compile_message_template(build_template(document, load_kit(books.current(), definitions)))


def load_kit(book: Book, definitions: Definitions) -> "Kit":
    """The live brand, and the saved blocks that are live."""
    blocks = [("block", name, book.manifest.live[f"block/{name}"].version) for name in live_ids(book, "block")]
    return find_kit({}, book, definitions.load_versions(blocks) if blocks else {})
