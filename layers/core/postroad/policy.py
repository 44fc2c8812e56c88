"""The policy: what holds for the whole account: topics, sender, postal address, time zone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from postroad.consent import Topic
from postroad.documents import Reader, read_head
from postroad.local_time import find_zone

KIND = "policy"


@dataclass(frozen=True, slots=True)
class Policy:
    """Account-wide settings. `sender` is "Name <address>"; `topics` by id."""

    name: str = "Postroad"
    timezone: str = "UTC"
    sender: str = ""
    sms_sender: str = ""
    postal_address: str = ""
    topics: Mapping[str, Topic] = field(default_factory=dict)

    def find_topic(self, topic_id: str) -> Topic:
        """The topic; one that nobody declared needs an opt-in, because then nobody said that it stands."""
        return self.topics.get(topic_id) or Topic(topic_id, topic_id, opt_in=True)

    @property
    def assumed(self) -> frozenset[str]:
        """The topics that stand until they are refused."""
        return frozenset(topic.topic_id for topic in self.topics.values() if not topic.opt_in)


def _zone(value: Any) -> str:
    if not isinstance(value, str) or find_zone(value) is None:
        raise ValueError(f"{value!r} is no time zone; write for example Europe/Madrid")
    return value


def parse_policy(document: object) -> Policy:
    """Read a policy document; raises DefinitionError with all its mistakes."""
    reader = Reader(document)
    head = read_head(reader, KIND)
    if head.id and head.id != KIND:
        reader.mistake("an account has one policy, and its id is policy", "id")
    topics = {}
    for child in reader.children("topics"):
        topic_id = child.id("id")
        if topic_id in topics:
            child.mistake(f"two topics are called {topic_id!r}; give each an id of its own", "id")
        topics[topic_id] = Topic(topic_id, child.text("name", topic_id), child.flag("opt_in", True))
    policy = Policy(
        name=head.name,
        timezone=reader.read("timezone", _zone, "UTC", "UTC"),
        sender=reader.text("from", ""),
        sms_sender=reader.text("sms_from", ""),
        postal_address=reader.text("postal_address", ""),
        topics=topics,
    )
    reader.finish()
    return policy
