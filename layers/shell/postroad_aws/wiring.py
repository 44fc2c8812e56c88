"""The ports of production: every port is the module that does it.

What only some functions need is imported when it is first touched, so that a cold start loads no more than its job.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postroad.sending.channels import CHANNELS
from postroad_aws import books, clock, holds, ids, queues, runs
from postroad_aws.links import signer
from postroad_aws.ports import Channel, KeylessPorts, Ports
from postroad_aws.settings import settings
from postroad_aws.storage import contacts, keys, messages, quarantine, refusals, tasks, timeline

if TYPE_CHECKING:
    from postroad_aws.usecases.import_contacts import ImportPorts
    from postroad_aws.usecases.record_reply import ReplyPorts
    from postroad_aws.usecases.remove_demo import RemovalPorts
    from postroad_aws.usecases.run_broadcast import RunPorts
    from postroad_aws.usecases.schedule_broadcast import BroadcastPorts
    from postroad_aws.usecases.serve_privacy import PrivacyPorts
    from postroad_aws.usecases.try_journey import TrialPorts


class _Late:
    """A module that is imported when something of it is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


class _Channels(Mapping[str, Channel]):
    """The channels by key: each is the module of its name in `postroad_aws.channels`."""

    def __getitem__(self, key: str) -> Channel:
        return import_module(f"postroad_aws.channels.{CHANNELS[key].key}")

    def __iter__(self) -> Iterator[str]:
        return iter(CHANNELS)

    def __len__(self) -> int:
        return len(CHANNELS)


class _LateSigner:
    """The signer of the moment, made when it first signs or reads: the fold never does."""

    def __getattr__(self, attribute: str) -> Any:
        return getattr(signer(), attribute)


_OPEN: dict[str, Any] = {
    "contacts": contacts,
    "timeline": timeline,
    "accounts": _Late("postroad_aws.storage.accounts"),
    "messages": messages,
    "tasks": tasks,
    "refusals": refusals,
    "quarantine": quarantine,
    "books": books,
    "templates": _Late("postroad_aws.templates"),
    "catalogue": _Late("postroad_aws.catalogue"),
    "holds": holds,
    "queues": queues,
    "channels": _Channels(),
    "clock": clock,
    "ids": ids,
    "runs": runs,
}


@cache
def keyless() -> KeylessPorts:
    """The ports of a function that may not read the stack's secret."""
    return KeylessPorts(**_OPEN)


@cache
def broadcast_ports() -> "BroadcastPorts":
    """What scheduling, cancelling and showing broadcasts touches."""
    from postroad_aws.storage import broadcasts, definitions, stats
    from postroad_aws.usecases.schedule_broadcast import BroadcastPorts

    return BroadcastPorts(definitions, broadcasts, books, runs, stats, clock)


@cache
def trial_ports() -> "TrialPorts":
    """What trying a journey or a contact touches; it writes nothing."""
    from postroad_aws.storage import definitions, stats
    from postroad_aws.usecases.try_journey import TrialPorts

    return TrialPorts(definitions, contacts, timeline, stats, clock)


@cache
def removal_ports() -> "RemovalPorts":
    """What removing demo data touches."""
    from postroad_aws.storage import accounts, broadcasts, definitions, memberships, stats, web_messages
    from postroad_aws.usecases.remove_demo import RemovalPorts

    return RemovalPorts(
        contacts, timeline, messages, web_messages, tasks,
        memberships, accounts, refusals, quarantine, broadcasts, definitions, stats, books, clock,
        contact_key=keys.derive_key("contacts"),
    )  # fmt: skip


@cache
def reply_ports() -> "ReplyPorts":
    """What taking in a reply to a text touches."""
    from postroad_aws.storage import requests
    from postroad_aws.usecases.record_reply import ReplyPorts

    return ReplyPorts(production(), requests)


@cache
def privacy_ports() -> "PrivacyPorts":
    """What serving a privacy request touches."""
    from postroad_aws.storage import privacy, requests, web_messages
    from postroad_aws.usecases.serve_privacy import PrivacyPorts

    return PrivacyPorts(
        contacts, timeline, messages, web_messages, tasks, refusals, quarantine, requests, privacy, books, clock,
        contact_key=keys.derive_key("contacts"),
    )  # fmt: skip


@cache
def import_ports() -> "ImportPorts":
    """What taking an import touches."""
    from postroad_aws.storage import imports
    from postroad_aws.usecases.import_contacts import ImportPorts

    return ImportPorts(contacts, refusals, imports, queues, clock, contact_key=keys.derive_key("contacts"))


@cache
def run_ports() -> "RunPorts":
    """What running a broadcast touches."""
    from postroad_aws import quotas
    from postroad_aws.storage import broadcasts, memberships, stats
    from postroad_aws.usecases.run_broadcast import RunPorts

    return RunPorts(production(), broadcasts, memberships, messages, queues, quotas, stats, runs)


@cache
def production() -> Ports:
    """All ports of this process."""
    late: Any = _LateSigner()
    return Ports(**_OPEN, contact_key=keys.derive_key("contacts"), signer=late, base_url=settings().base_url)
