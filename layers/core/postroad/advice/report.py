"""All advice about one person."""

from collections.abc import Mapping
from typing import NamedTuple

from postroad.advice.channels import Way, rank
from postroad.advice.send_times import SendTime, recommend
from postroad.channels import ADDRESSED
from postroad.contacts import Contact
from postroad.policy import Policy
from postroad.zones import clock_of


class Advice(NamedTuple):
    """When to write to somebody on each channel that has an address of theirs, and all ways to reach them, the best
    first."""

    send_times: Mapping[str, SendTime]
    ways: tuple[Way, ...]

    @property
    def best_channel(self) -> str | None:
        """The way that ranks first; None when nothing reaches the contact."""
        return None if self.ways[0].obstacle else self.ways[0].channel


def advise(contact: Contact, policy: Policy, now: float) -> Advice:
    """What is known of when and how to reach a contact."""
    zone = clock_of(contact, policy.timezone).zone
    reached = [channel for channel in ADDRESSED if contact.find_address(channel)]
    return Advice(
        {channel: recommend(contact.engagement.get(channel, ()), policy.rhythm, zone, now) for channel in reached},
        rank(contact, None, now),
    )
