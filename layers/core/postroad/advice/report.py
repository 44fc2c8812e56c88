"""All advice about one person."""

from collections.abc import Mapping
from typing import NamedTuple

from postroad.advice.channels import Way, rank
from postroad.advice.send_times import USUAL_WAIT, Choice, SendTime, choose, recommend
from postroad.contacts.contact import Contact
from postroad.contacts.zones import clock_of
from postroad.policy import Policy
from postroad.sending.channels import ADDRESSED


class Advice(NamedTuple):
    """When to write to somebody on each channel that has an address of theirs, with when a message would leave that
    wants to leave now, and all ways to reach them, the best first."""

    send_times: Mapping[str, tuple[SendTime, Choice]]
    ways: tuple[Way, ...]

    @property
    def best_channel(self) -> str | None:
        """The way that ranks first; None when nothing reaches the contact."""
        return None if self.ways[0].obstacle else self.ways[0].channel


def advise(contact: Contact, policy: Policy, now: float) -> Advice:
    """What is known of when and how to reach a contact."""
    zone = clock_of(contact, policy.timezone).zone
    reached = [channel for channel in ADDRESSED if contact.find_address(channel)]
    times = {}
    for channel in reached:
        sents = contact.engagement.get(channel, ())
        following = choose(sents, policy.rhythm, zone, now, USUAL_WAIT, now)
        times[channel] = (recommend(sents, policy.rhythm, zone, now), following)
    return Advice(times, rank(contact, None, now))
