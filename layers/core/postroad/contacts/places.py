"""Places: where a contact can be found by what it is in.

A place is a text: `segment/vip`, `stage/lead`, `persona/developer`, `handover/sales`, `account/acme`,
`account/acme/engaged.buyer` for who is engaged there in that role, `journey/welcome/look` for who rests at a step,
`journey/welcome/:goal` for whose last passage ended so, be they in it again or not. It is a definition or an account
(`journey/welcome`) and a *spot* of it: a step's id, or ":" and an outcome; only journeys and accounts have more than
the one called "". A journey's versions share their places.
"""

from collections.abc import Mapping

from postroad.commits import MembershipChange
from postroad.contacts.contact import Contact, Enrollment, journey_of

# How a passage through a journey can have ended: it reached the goal, came to the end, left early, or broke. Behind an
# exit that a step was stands the step: "exited.bought". Who was held out never went through it, and counts apart.
OUTCOMES = ("goal", "completed", "exited", "failed")
HELD_OUT = "held_out"


# What ended an enrollment from outside; else an exit step did.
HANDED_OVER = "handed_over"
EXIT_ON = "exit_on"
_FROM_OUTSIDE = ("exit_if", EXIT_ON, HANDED_OVER)


def outcome_of(enrollment: Enrollment) -> str:
    """How an enrollment that has ended did."""
    match enrollment.state, enrollment.reason:
        case "completed", "goal":
            return "goal"
        case "exited", "step_gone":
            return "exited"
        case "exited", reason if reason not in _FROM_OUTSIDE:
            return f"exited.{enrollment.step}"
    return enrollment.state


def segment_place(segment_id: str) -> str:
    return f"segment/{segment_id}"


def stage_place(stage: str) -> str:
    return f"stage/{stage}"


def persona_place(persona_id: str) -> str:
    return f"persona/{persona_id}"


def handover_place(to: str) -> str:
    return f"handover/{to}"


def step_place(journey_id: str, step_id: str) -> str:
    return f"journey/{journey_id}/{step_id}"


def outcome_place(journey_id: str, outcome: str) -> str:
    return f"journey/{journey_id}/:{outcome}"


def account_place(account_id: str) -> str:
    return f"account/{account_id}"


def engaged_place(account_id: str, role: str) -> str:
    """Where the engaged members of an account are, by their role."""
    return f"account/{account_id}/engaged.{role}"


def postponed_place(origin: str, step: str = "") -> str:
    """Where those are whose message of a step, or of a broadcast, waits for a gate."""
    return f"{origin.partition('@')[0]}/~postponed" + (f".{step}" if step else "")


def variant_place(experiment: str, variant: str, *, converted: bool = False) -> str:
    """Where those are who have been dealt a variant of an experiment ("welcome/subject", of a broadcast's test
    "/broadcast/autumn"), or have then converted."""
    journey_id, _, step = experiment.partition("/")
    spot = f"journey/{journey_id}/={step}" if journey_id else f"{step}/="
    return f"{spot}.{variant}" + (".converted" if converted else "")


def is_step(spot: str) -> bool:
    """Whether a spot of a journey is a step, or its door."""
    return not spot.startswith((":", "~", "="))


def is_outcome(spot: str) -> bool:
    """Whether a spot says how a journey ended."""
    return spot.startswith(":")


def split_place(place: str) -> tuple[str, str]:
    """(definition, spot)."""
    kind, _, rest = place.partition("/")
    definition_id, _, spot = rest.partition("/")
    return f"{kind}/{definition_id}", spot


def places_of(contact: Contact) -> dict[str, float]:
    """Every place at which a contact is, and since when."""
    places = {segment_place(segment_id): since for segment_id, since in contact.segments.items()}
    if contact.stage:
        places[stage_place(contact.stage.name)] = contact.stage.since
    if contact.persona:
        places[persona_place(contact.persona.name)] = contact.persona.since
    if contact.handed:
        places[handover_place(contact.handed.to)] = contact.handed.since
    for account_id, seat in contact.accounts.items():
        places[account_place(account_id)] = seat.since
        if seat.is_engaged:
            places[engaged_place(account_id, seat.role)] = seat.since
    for experiment, exposure in contact.exposures.items():
        places[variant_place(experiment, exposure.variant)] = exposure.at
        if exposure.converted is not None:
            places[variant_place(experiment, exposure.variant, converted=True)] = exposure.converted
    for candidate in contact.postponed.values():
        places[postponed_place(candidate.origin, candidate.step)] = candidate.since
    for journey_id, passage in contact.passages.items():
        if passage.last_ended is not None and journey_of(journey_id) == journey_id:
            places[outcome_place(journey_id, passage.last_state)] = passage.last_ended
    for enrollment in contact.active.values():
        place = step_place(enrollment.journey, enrollment.step)
        places[place] = min(enrollment.since, places.get(place, enrollment.since))
    return places


def membership_changes(contact: Contact, stored: Mapping[str, Mapping[str, float]]) -> tuple[MembershipChange, ...]:
    """What makes the stored memberships those of the contact as it is now.

    `stored` are the places that are written, by contact id: its own, and those of contacts that were merged into it.
    """
    now = places_of(contact)
    own = stored.get(contact.contact_id, {})
    if len(stored) == 1 and own == now:  # as after most events
        return ()
    gone = (
        MembershipChange(place, contact_id, None)
        for contact_id, places in stored.items()
        for place in places
        if contact_id != contact.contact_id or place not in now
    )
    come = (
        MembershipChange(place, contact.contact_id, since, moved=any(p.get(place) == since for p in stored.values()))
        for place, since in now.items()
        if own.get(place) != since
    )
    return (*gone, *come)
