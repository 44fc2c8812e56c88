"""Checks of a journey against what else is published."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Protocol

from postroad.journeys.definition import Journey
from postroad.sending.channels import CHANNELS

# How to mend a name that is missing, where it is no definition of its own.
_MENDS = {
    "holiday": "name it among the closed days of your policy's calendar",
    "topic": "name it among the topics of your policy",
}


class Template(Protocol):
    """What a send step needs to be right about."""

    @property
    def channel(self) -> str: ...

    @property
    def topic(self) -> str: ...


def validate_references(
    journey: Journey, known: Mapping[str, Collection[str]], templates: Mapping[str, Template]
) -> tuple[tuple[str, str], ...]:
    """The mistakes, as (path, sentence), in what the journey names.

    `known` maps a kind (segment, score, stage, topic) to the ids there are; a kind that it lacks is not checked.
    """
    return tuple(_find_mistakes(journey, {**known, "template": templates}, templates))


def _find_mistakes(
    journey: Journey, known: Mapping[str, Collection[str]], templates: Mapping[str, Template]
) -> Iterator[tuple[str, str]]:
    for kind, name, path, channel in journey.references:
        if name not in known.get(kind, (name,)):
            close = get_close_matches(name, known[kind], 1, 0.5)
            hint = f"did you mean '{close[0]}'?" if close else _MENDS.get(kind, "publish it first")
            yield path, f"there is no {kind} '{name}'; {hint}"
        elif kind == "template":
            template = templates[name]
            if not template.topic and CHANNELS[template.channel].needs_topic:
                yield path, f"template '{name}' has no topic, so nobody can have consented to it; give it one"
            if channel != template.channel:
                yield path, f"template '{name}' is for {template.channel}, and this step sends by {channel}"
