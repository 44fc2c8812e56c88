"""Journeys: published, versioned automations; `interpreter` walks contacts through what `definition` read."""

from postroad.journeys.changes import Update
from postroad.journeys.definition import Goal, Journey, Reentry, Step, describe_journey, parse_journey
from postroad.journeys.interpreter import (
    Advance,
    Entry,
    advance,
    end,
    enroll,
    enrollment_id_of,
    may_enter,
    off_mark,
    on_mark,
    starts,
)
from postroad.journeys.reading import Happening, Reference
from postroad.journeys.stepping import Effect
from postroad.journeys.steps import STEP_TYPES, Send
from postroad.journeys.triggers import TRIGGERS, Alarm, Trigger
from postroad.journeys.validation import validate_references
from postroad.journeys.waits import WAITS

__all__ = [
    "STEP_TYPES",
    "TRIGGERS",
    "WAITS",
    "Advance",
    "Alarm",
    "Effect",
    "Entry",
    "Goal",
    "Happening",
    "Journey",
    "Reentry",
    "Reference",
    "Send",
    "Step",
    "Trigger",
    "Update",
    "advance",
    "describe_journey",
    "end",
    "enroll",
    "enrollment_id_of",
    "may_enter",
    "off_mark",
    "on_mark",
    "parse_journey",
    "starts",
    "validate_references",
]
