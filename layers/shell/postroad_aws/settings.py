"""Every environment variable that the product reads, in one place.

The template sets them; those that begin with `POSTROAD_` are set by the local cloud alone. What is missing is noticed
when it is first needed, so that a function gets only what its job takes.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from postroad.errors import PostroadError


class SettingMissingError(PostroadError):
    """The environment lacks a variable that this function needs."""


def _variable(name: str, description: str, default: str | None = None) -> Any:
    return field(default=default, metadata={"variable": name, "description": description})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; a value that nobody set raises SettingMissingError when it is read by `require`."""

    contacts_table: str | None = _variable("CONTACTS_TABLE", "the table of contacts and forwards")
    events_table: str | None = _variable("EVENTS_TABLE", "the table of timelines")
    memberships_table: str | None = _variable("MEMBERSHIPS_TABLE", "the table of who is at which place")
    messages_table: str | None = _variable("MESSAGES_TABLE", "the table of messages")
    tasks_table: str | None = _variable("TASKS_TABLE", "the table of what people are asked to do")
    definitions_table: str | None = _variable("DEFINITIONS_TABLE", "the table of definitions and the manifest")
    suppressions_table: str | None = _variable("SUPPRESSIONS_TABLE", "the table of suppressed addresses")
    consents_table: str | None = _variable("CONSENTS_TABLE", "the table of the latest yes or no by address and topic")
    consent_proof_table: str | None = _variable("CONSENT_PROOF_TABLE", "the append-only table of consent's proofs")
    keys_table: str | None = _variable("KEYS_TABLE", "the table of write keys, API keys and the stack's secret")
    quarantine_table: str | None = _variable("QUARANTINE_TABLE", "the table of what could not be taken")
    requests_table: str | None = _variable("REQUESTS_TABLE", "the table of requests with an idempotency key")
    accounts_table: str | None = _variable("ACCOUNTS_TABLE", "the table of accounts, the companies of contacts")
    stats_table: str | None = _variable("STATS_TABLE", "the table of live numbers")
    broadcasts_table: str | None = _variable("BROADCASTS_TABLE", "the table of broadcasts that were scheduled")
    holds_table: str | None = _variable("HOLDS_TABLE", "the table of what keeps queued messages from leaving")
    products_table: str | None = _variable("PRODUCTS_TABLE", "the table of products and what goes with them")
    privacy_requests_table: str | None = _variable(
        "PRIVACY_REQUESTS_TABLE", "the table of exports and erasures that were asked for"
    )
    imports_table: str | None = _variable(
        "IMPORTS_TABLE", "the table of imports, and of their people until these are taken"
    )
    web_messages_table: str | None = _variable("WEB_MESSAGES_TABLE", "the table of messages that wait on a site")
    events_queue_url: str | None = _variable("EVENTS_QUEUE_URL", "the FIFO queue of events to fold")
    sends_queue_url: str | None = _variable("SENDS_QUEUE_URL", "the queue of messages to send")
    dead_letters_url: str | None = _variable("DEAD_LETTERS_URL", "the queue of what is kept for another try")
    configuration_set: str | None = _variable("CONFIGURATION_SET", "the SES configuration set that mail goes through")
    rebuild_state_machine: str | None = _variable("REBUILD_STATE_MACHINE_ARN", "the run that folds contacts again")
    broadcast_state_machine: str | None = _variable("BROADCAST_STATE_MACHINE_ARN", "the run that sends a broadcast")
    broadcast_schedules: str | None = _variable(
        "BROADCAST_SCHEDULES", "the group of the schedules that start broadcasts"
    )
    broadcast_schedule_role: str | None = _variable("BROADCAST_SCHEDULE_ROLE_ARN", "the role of these schedules")
    dead_letters_arn: str | None = _variable("DEAD_LETTERS_ARN", "the same queue, as schedules name it")
    removal_state_machine: str | None = _variable("REMOVAL_STATE_MACHINE_ARN", "the run that removes the demo's data")
    email_identity: str = _variable("EMAIL_IDENTITY", "the domain or address that mail is sent from", "")
    alarms_topic_arn: str = _variable("ALARMS_TOPIC_ARN", "the topic of alarms, for those who may raise one", "")
    export_state_machine: str | None = _variable("EXPORT_STATE_MACHINE_ARN", "the run that writes an export")
    erasure_state_machine: str | None = _variable("ERASURE_STATE_MACHINE_ARN", "the run that erases people")
    import_state_machine: str | None = _variable(
        "IMPORT_STATE_MACHINE_ARN", "the run that takes the people of an import"
    )
    base_url: str = _variable(
        "BASE_URL", "scheme and host of our own pages, no slash at the end; empty: as the request says", ""
    )
    sign_in_url: str = _variable("SIGN_IN_URL", "where people sign in to the console, no slash at the end", "")
    console_links: str = _variable("CONSOLE_LINKS", "further links in the console's menu: Title=address, …", "")
    webhook_gateway: str = _variable(
        "POSTROAD_WEBHOOKS", "where webhooks go instead of to their own addresses; the local cloud's", ""
    )
    clock_file: str = _variable("POSTROAD_CLOCK", "a file with seconds to add to the clock; the local cloud's", "")

    def require(self, name: str) -> str:
        """The value of a setting that this function cannot work without."""
        value = getattr(self, name)
        if not value:
            variable = next(item.metadata["variable"] for item in fields(self) if item.name == name)
            raise SettingMissingError(f"{variable} is not set; the template gives it to each function that needs it.")
        return str(value)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that an environment holds; empty counts as absent."""
    found = {item.name: environment.get(item.metadata["variable"]) for item in fields(Settings)}
    return Settings(**{name: value for name, value in found.items() if value})


@cache
def settings() -> Settings:
    """The settings of this process, read once; tests that change the environment call `settings.cache_clear()`."""
    return read_settings(os.environ)
