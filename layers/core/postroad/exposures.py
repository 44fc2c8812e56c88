"""Exposures: a contact's parts in experiments, and whether it has converted."""

from collections.abc import Mapping

from postroad.contacts import Contact, Exposure
from postroad.events import Event
from postroad.journeys.experiments import Experiment

# A contact remembers so many of its parts in experiments, the latest.
MOST_EXPOSURES = 30


def expose(contact: Contact, experiment: Experiment, variant: str, now: float) -> bool:
    """Make a contact part of an experiment; false when it is already, with whatever variant."""
    if experiment.key in contact.exposures:
        return False
    contact.exposures[experiment.key] = Exposure(variant, now, now + experiment.within)
    while len(contact.exposures) > MOST_EXPOSURES:
        del contact.exposures[min(contact.exposures, key=lambda key: (contact.exposures[key].at, key))]
    return True


def convert(contact: Contact, experiments: Mapping[str, Experiment], event: Event, now: float) -> None:
    """Take in an event that may be what experiments are about; the first within the window counts, by its own time."""
    key, at = event.name.lower(), min(event.time, now)
    for name, exposure in contact.exposures.items():
        experiment = experiments.get(name)
        if experiment is None or experiment.goal.key != key or not exposure.at <= at <= exposure.until:
            continue
        if (exposure.converted is None or at < exposure.converted) and experiment.counts(event):
            contact.exposures[name] = exposure._replace(converted=at)


def forget(contact: Contact, experiments: Mapping[str, Experiment]) -> None:
    """Let go of parts in experiments that nobody knows any more."""
    contact.exposures = {key: exposure for key, exposure in contact.exposures.items() if key in experiments}
