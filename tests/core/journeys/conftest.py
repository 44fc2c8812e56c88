import pytest

from postroad.contacts.contact import Attribute, Contact, Stage
from postroad.events import Event
from postroad.instants import parse_instant
from postroad.journeys import Send, Update, advance, enroll, on_mark, parse_journey
from postroad.predicates.behaviour import combine_trackers
from postroad.predicates.predicate import View

MONDAY = parse_instant("2026-11-02T09:00:00Z")


class Traveller:
    """One contact in one journey, moved by events, marks and wakes as the fold would move it.

    `heard` are events, as (name, time), whose news came before that of the trigger; `late` is how long that was under
    way.
    """

    def __init__(self, steps, *, start=MONDAY, attributes=None, heard=(), late=0.0, **document):
        head = {"kind": "journey", "id": "tour", "trigger": {"event": "Product Added"}}
        self.journey = parse_journey({**head, **document, "steps": steps}, version=3)
        self.contact = Contact("contact-ana")
        for name, value in (attributes or {}).items():
            self.contact.attributes[name] = Attribute(value, start, True)
        self.effects, self.decisions, self.now, self.number = [], [], start + late, 0
        for name, time in heard:
            self.remember(self.make_event(name, time))
        trigger = self.make_event("Product Added", start)
        self.remember(trigger)
        self.enrollment = enroll(self.journey, self.contact.contact_id, trigger, self.now)
        self.advance(trigger)

    def make_event(self, name, time, **properties):
        self.number += 1
        return Event(f"event-{self.number}", name, time, time, properties=properties)

    def remember(self, event):
        behaviour = self.contact.behaviour
        for tracker in combine_trackers(self.journey.trackers).values():
            if event.name.lower() in tracker.events and tracker.matches(event):
                behaviour[tracker.tracker_id] = tracker.update(behaviour.get(tracker.tracker_id), event, self.now)

    def advance(self, event=None):
        """One call of `advance`, and more while an update step has made it stop for a moment."""
        while True:
            result = advance(self.journey, self.enrollment, View(self.contact, self.now, event=event), self.now)
            self.enrollment, event = result.enrollment, None
            self.effects += result.effects
            self.decisions += result.decisions
            for effect in result.effects:
                if isinstance(effect, Update):
                    for name, value in effect.set.items():
                        self.contact.attributes[name] = Attribute(value, self.now, True)
                    for name in effect.unset:
                        self.contact.attributes.pop(name, None)
                    self.contact.stage = Stage(effect.stage, self.now) if effect.stage else self.contact.stage
            if self.enrollment.state != "active" or self.enrollment.due > self.now:
                return self

    def wake(self, time):
        self.now = time
        return self.advance()

    def wake_when_due(self):
        return self.wake(self.enrollment.due)

    def event(self, name, time, *, arrives=None, **properties):
        self.now = time if arrives is None else arrives
        event = self.make_event(name, time, **properties)
        self.remember(event)
        return self.advance(event)

    def mark(self, step, mark, time, *, arrives=None):
        """Feedback on a message of that step comes in."""
        self.now = time if arrives is None else arrives
        self.enrollment = on_mark(self.enrollment, step, mark)
        return self.advance(self.make_event("Email " + mark.capitalize(), time))

    @property
    def sent(self):
        return [effect.step_id for effect in self.effects if isinstance(effect, Send)]

    @property
    def ended(self):
        return self.enrollment.state, self.enrollment.reason


@pytest.fixture
def travel():
    """Start a contact on a journey of these steps, on Monday 2026-11-02 at 09:00 UTC."""
    return Traveller
