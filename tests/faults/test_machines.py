"""Worlds in which the text of the cart journey is a webhook: it arrives at least once, whatever goes wrong."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from postroad.content.rendering import CompiledMessage, compile_message_template
from postroad_aws.ports import Accepted, Refused, Unclear
from postroad_aws.usecases import send_message, sweep_messages
from tests.faults import worlds
from tests.faults.invariants import violations
from tests.faults.worlds import CAPPED, CART, POLICY, World, changed

SEEDS = range(60)
HOOKS = [{"id": "crm", "url": "https://hooks.example.com/crm"}]
TEMPLATE = {"kind": "template", "id": "ping", "name": "ping", "channel": "webhook", "to": "crm", "topic": "offers"}
TELLING = {
    **CART,
    "steps": [*CART["steps"][:-1], {"id": "text", "send": {"template": "ping", "channel": "webhook"}}],
}


class Receiver:
    """Somebody's server: it answers, refuses for now, or is not heard of again, having taken the call or not."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.got: list[tuple[str, bytes]] = []

    def send(self, call: Any) -> Accepted | Refused | Unclear:
        world, loop = self.world, self.world.loop
        loop.calls += 1
        loop.pause(0.05)
        if world.chance(world.channel_throttle):
            loop.inject("receiver busy")
            return Refused("hooks.example.com answered 503", 10.0)
        is_lost = world.chance(world.unclear)
        if not is_lost or loop.chance() < 0.5:
            self.got.append((call.message_id, call.body))
        if is_lost:
            loop.inject("receiver silent")
            loop.pause(8.0)
            return Unclear("hooks.example.com did not answer within 8 seconds")
        return Accepted("", {"status": 200})


usual_template = worlds.Library.get_template


@cache
def get_template(template_id: str, version: int) -> CompiledMessage:
    return compile_message_template(TEMPLATE) if template_id == "ping" else usual_template(template_id, version)


@contextmanager
def telling() -> Iterator[None]:
    """Worlds that are made meanwhile tell a machine of a cart that was left."""
    usual = worlds._template
    with (
        # What is compiled is kept, so neither kind of world may see the other's.
        changed(worlds.Library, get_template=get_template),
        changed(
            worlds,
            POLICY={**POLICY, "webhooks": HOOKS},
            CAPPED={**CAPPED, "webhooks": HOOKS},
            CART=TELLING,
            _template=lambda template_id, topic: TEMPLATE if template_id == "ping" else usual(template_id, topic),
            get_shelf=worlds.get_shelf.__wrapped__,
        ),
    ):
        yield


def run(seed: int) -> tuple[World, Receiver]:
    with telling():
        world = World(seed)
        receiver = Receiver(world)
        channels = {**world.ports.channels, "webhook": receiver}
        world.ports = replace(world.ports, channels=channels)
        return world.run(), receiver


def find_wrong(world: World, receiver: Receiver) -> Iterator[str]:
    arrived = {message_id for message_id, _ in receiver.got}
    for message in world.memory.messages.values():
        if message.channel != "webhook" or message.state in ("skipped", "delivered"):
            if message.channel == "webhook" and message.state == "delivered" and message.message_id not in arrived:
                yield f"{message.message_id} is called delivered and never arrived"
            continue
        if message.state != "failed":
            yield f"{message.message_id} is {message.state}: {message.reason}"
        elif not message.reason:
            yield f"{message.message_id} has failed without a reason"


@pytest.fixture(scope="module")
def played() -> list[tuple[World, Receiver]]:
    return [run(seed) for seed in SEEDS]


def test_every_webhook_arrives_or_says_why_not_and_all_else_holds(played):
    for world, receiver in played:
        assert list(find_wrong(world, receiver)) == [], world.seed
        assert violations(world) == [], world.seed


def test_what_arrives_twice_has_the_same_id_and_the_worlds_are_not_idle(played):
    got = Counter(message_id for _, receiver in played for message_id, _ in receiver.got)
    assert len(got) > 50
    assert any(count > 1 for count in got.values())
    faults = set().union(*(world.loop.injected for world, _ in played))
    assert {"receiver busy", "receiver silent"} <= faults


@pytest.mark.parametrize("module", [send_message, sweep_messages])
def test_a_webhook_that_is_given_up_like_a_mail_is_found(module):
    """Who forgets that a webhook may be sent again leaves one in doubt."""
    known = module.CHANNELS
    once = {**known, "webhook": replace(known["webhook"], tries_for=0.0)}
    with changed(module, CHANNELS=once):
        assert any(list(find_wrong(*run(seed))) for seed in range(200))
