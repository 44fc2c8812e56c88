"""Exposures: a contact's parts in experiments, and whether it has converted."""

from collections.abc import Mapping

from postroad.contacts.contact import Contact, Exposure
from postroad.events import Event
from postroad.journeys.experiments import Experiment

# A contact remembers so many of its parts in experiments, the latest.
MOST_EXPOSURES = 30


def expose(contact: Contact, key: str, exposure: Exposure) -> bool:
    """Make a contact part of an experiment; false when it is already, with whatever variant."""
    if key in contact.exposures:
        return False
    contact.exposures[key] = exposure
    while len(contact.exposures) > MOST_EXPOSURES:
        del contact.exposures[min(contact.exposures, key=lambda key: (contact.exposures[key].at, key))]
    return True


def convert(contact: Contact, experiments: Mapping[str, Experiment], event: Event, now: float) -> None:
    """Take in an event that may be what experiments are about; the first within the window counts, by its own time."""
    key, at = event.name.lower(), min(event.time, now)
    for name, exposure in contact.exposures.items():
        if not exposure.at <= at <= exposure.until or (exposure.converted is not None and at >= exposure.converted):
            continue
        if _is_conversion(exposure, experiments.get(name), event, key):
            contact.exposures[name] = exposure._replace(converted=at)


def _is_conversion(exposure: Exposure, experiment: Experiment | None, event: Event, key: str) -> bool:
    if exposure.goal:
        return exposure.goal.lower() == key and event.properties.get("actor") != "machine"
    return experiment is not None and experiment.goal.key == key and experiment.counts(event)


def forget(contact: Contact, experiments: Mapping[str, Experiment], now: float) -> None:
    """Let go of parts in experiments that nobody knows any more, and in tests that are over."""
    contact.exposures = {
        key: exposure
        for key, exposure in contact.exposures.items()
        if key in experiments or (exposure.goal and now <= exposure.until)
    }
