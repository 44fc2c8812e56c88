"""What people call what stands in no book: the templates of messages as they were sent, and broadcasts."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from functions.console import telling
from postroad.book import Book
from postroad.broadcasts.broadcast import KIND
from postroad.sending.messages import Message
from postroad_aws.storage import broadcasts, definitions


class Names(NamedTuple):
    """Names of templates by (id, version), and of broadcasts by id."""

    templates: Mapping[tuple[str, int], str]
    broadcasts: Mapping[str, str]

    def template_of(self, message: Message) -> str:
        return self.templates.get((message.template, message.template_version), message.template)

    def sender_of(self, message: Message, book: Book) -> str:
        """The journey or broadcast that has sent it."""
        kind, definition_id = split_origin(message.origin)
        return (
            self.broadcasts.get(definition_id, definition_id)
            if kind == KIND
            else telling.name_of(book, kind, definition_id)
        )


def split_origin(origin: str) -> tuple[str, str]:
    """("journey", "welcome") of "journey/welcome@3"."""
    kind, _, rest = origin.partition("/")
    return kind, rest.partition("@")[0]


def find_names(messages: Collection[Message]) -> Names:
    """What these messages are called, and what has sent them. What was never published has no name."""
    sent = {(message.template, message.template_version) for message in messages if message.template_version}
    documents = definitions.load_versions([("template", *each) for each in sorted(sent)]) if sent else {}
    origins = {split_origin(message.origin) for message in messages}
    runs = broadcasts.find_runs(sorted(definition_id for kind, definition_id in origins if kind == KIND))
    return Names(
        {key[1:]: str(document.get("name") or key[1]) for key, document in documents.items()},
        {broadcast_id: run.broadcast.name for broadcast_id, run in runs.items()},
    )
