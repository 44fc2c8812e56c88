"""Consents: what the owner of an address has answered to each topic."""

from typing import Annotated, TypedDict

from functions.api.routes.suppressions import Because, read_address
from functions.api.routing import Caller, Routes
from functions.api.schemas import Address, BodyError, Example, Instant, Listed, ParameterError, Text
from postroad.consent.rule import EVERY_TOPIC, Topic, find_obstacle
from postroad.contacts.identities import Identity
from postroad.instants import format_instant
from postroad.policy import Policy
from postroad_aws import books
from postroad_aws.storage import refusals
from postroad_aws.usecases.record_consent import record_consent
from postroad_aws.wiring import production

routes = Routes("Consents")

TopicId = Annotated[str, Text(64), Example("offers"), "A topic of the policy; `*` is every topic."]


class AnswerView(TypedDict):
    """The latest answer of an address to a topic, and what follows from it."""

    topic: TopicId
    name: str
    granted: Annotated[bool | None, "Null when there is no answer."]
    time: Annotated[Instant | None, "When it was given."]
    obstacle: Annotated[str | None, "Why nothing about this topic may go to the address; null when it may."]


class AnswerBody(TypedDict):
    """What the owner of an address has answered."""

    address: Address
    topic: TopicId
    granted: bool
    because: Annotated[Because, Example("ticked the box at the till, form of 2026-11")]


@routes.get("/consents")
def list_consents(address: Address) -> Listed[AnswerView]:
    """What the owner of an address has answered to each topic, and whether it may be written to."""
    return {"items": _list_answers(read_address(address, ParameterError), books.newest().policy), "next": None}


@routes.post("/consents")
def record_answer(body: AnswerBody, caller: Caller) -> AnswerView:
    """Record what somebody has answered to a topic.

    It is in force when this is answered, and leaves a proof that nothing can change. Record only what they said
    themselves.
    """
    policy, address = books.newest().policy, read_address(body["address"])
    if body["topic"] not in (*policy.topics, EVERY_TOPIC):
        topics = ", ".join([*sorted(policy.topics), EVERY_TOPIC])
        raise BodyError(("topic", f"the policy has no such topic; it has {topics}"))
    record_consent(production(), address, body["topic"], body["granted"], body["because"], caller.source)
    return next(each for each in _list_answers(address, policy) if each["topic"] == body["topic"])


def _list_answers(address: Identity, policy: Policy) -> list[AnswerView]:
    topics = [*policy.topics.values(), Topic(EVERY_TOPIC, "every topic", opt_in=False)]
    answers = refusals.find_answers({str(address): [topic.topic_id for topic in topics]})[str(address)]
    every, now = answers.consents.get(EVERY_TOPIC), production().clock.now()
    items: list[AnswerView] = []
    for topic in topics:
        consent = answers.consents.get(topic.topic_id)
        items.append(
            {
                "topic": topic.topic_id,
                "name": topic.name,
                "granted": consent.granted if consent else None,
                "time": format_instant(consent.time) if consent else None,
                "obstacle": find_obstacle(topic, answers.suppression, consent, every, now),
            }
        )
    return items
