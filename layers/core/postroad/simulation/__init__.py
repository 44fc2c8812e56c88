"""Simulation: a journey, or one contact, in time that is not: over the fold itself, and nothing is stored.

forecast = simulate(definitions, "welcome", people=500, habits=Habits(Response(opened=0.5)))
assert not forecast.never_taken
"""

from postroad.simulation.dry_run import dry_run
from postroad.simulation.forecast import Forecast, Sent, StepForecast, Way
from postroad.simulation.habits import (
    CLICKED,
    DELIVERED,
    OPENED,
    START,
    Deed,
    Habits,
    Response,
    learn_habits,
    parse_habits,
    read_habits,
)
from postroad.simulation.lives import Life, Moment
from postroad.simulation.people import Cast, Person, cast_of, make_people, start_event, usual_deeds
from postroad.simulation.simulate import Shelf, Trial, simulate

__all__ = [
    "CLICKED",
    "DELIVERED",
    "OPENED",
    "START",
    "Cast",
    "Deed",
    "Forecast",
    "Habits",
    "Life",
    "Moment",
    "Person",
    "Response",
    "Sent",
    "Shelf",
    "StepForecast",
    "Trial",
    "Way",
    "cast_of",
    "dry_run",
    "learn_habits",
    "make_people",
    "parse_habits",
    "read_habits",
    "simulate",
    "start_event",
    "usual_deeds",
]
