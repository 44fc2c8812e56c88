"""What marketers ask of segments, over days: by score, by what has stopped, by stage, and by everything together."""

from math import inf

import pytest

from postroad.events import SEGMENT_ENTERED, WAKE, Event
from postroad.fold import begin, fold
from postroad.instants import DAY
from tests.books import Shelf

START = 1_793_577_600.0  # midnight of 2 November 2026, in UTC
MINUTE = 60.0


class Life:
    """One contact, to whom things happen at times; the clock wakes it within a minute of its timer."""

    def __init__(self, *definitions):
        self.book = Shelf(*definitions).book
        self.contact, self.now, self.seen, self.number = begin("ana", self.book, START), START, [], 0

    def does(self, name, **parts):
        self.number += 1
        self.fold(Event(f"event-{self.number}", name, self.now, self.now, trusted=True, **parts))

    def fold(self, event):
        outcome = fold(self.contact, event, self.book, self.now)
        self.contact = outcome.contact
        self.seen += [(self.now, caused.name, dict(caused.properties)) for caused in outcome.caused]

    def passes(self, seconds):
        """Time passes; whenever the timer rings, the next tick of the clock wakes the contact."""
        end = self.now + seconds
        while (self.contact.wake_at or inf) <= end:
            self.now = -(-max(self.now, self.contact.wake_at) // MINUTE) * MINUTE
            if self.now > end:
                break
            self.fold(Event(f"wake-{self.now}", WAKE, self.now, self.now, trusted=True))
        self.now = end

    @property
    def segments(self):
        return set(self.contact.segments)

    def entered(self, segment):
        return [at for at, name, said in self.seen if name == SEGMENT_ENTERED and said["segment"] == segment]


def a_segment(segment_id, **predicate):
    return {"kind": "segment", "id": segment_id, "if": predicate}


def test_c21_crossing_a_threshold_moves_a_contact_between_segments_at_once_and_back_within_a_minute():
    life = Life(
        {"kind": "score", "id": "warmth", "half_life": "P7D",
         "rules": [{"id": "demo", "event": "Demo Watched", "points": 40}]},
        a_segment("hot", score="warmth", gte=70),
        a_segment("warm", all=[{"score": "warmth", "gte": 30}, {"score": "warmth", "lt": 70}]),
    )  # fmt: skip
    life.does("Demo Watched")
    assert life.segments == {"warm"}
    life.does("Demo Watched")
    assert life.segments == {"hot"}
    # 80 points fade to 70 in 7 days times the binary logarithm of 8/7.
    faded = 7 * DAY * 0.19264507794239588
    life.passes(faded - 2 * MINUTE)
    assert life.segments == {"hot"}
    life.passes(3 * MINUTE)
    assert life.segments == {"warm"}


def test_c60_no_purchase_for_90_days_is_entered_within_a_minute_of_turning_true_though_nothing_happens():
    life = Life(a_segment("lapsed", event="Order Completed", when="last", older_than="P90D"))
    life.passes(200 * DAY)
    assert life.segments == set()
    life.does("Order Completed", properties={"total": 20})
    bought = life.now
    life.passes(40 * DAY)
    life.does("Page Viewed")
    life.passes(50 * DAY - 1)
    assert life.segments == set()
    life.passes(MINUTE + 1)
    assert life.segments == {"lapsed"}
    assert 0 <= life.entered("lapsed")[0] - (bought + 90 * DAY) <= MINUTE
    life.does("Order Completed", properties={"total": 5})
    assert life.segments == set()


def test_c65_a_stage_is_a_condition_of_segments_and_a_filter_at_the_door_of_a_journey():
    trial = {"kind": "stages", "id": "life", "stages": [
        {"id": "lead", "if": {"event": "Signed Up"}},
        {"id": "customer", "if": {"event": "Order Completed"}},
    ]}  # fmt: skip
    life = Life(
        trial,
        a_segment("prospects", all=[{"stage": "lead"}, {"attribute": "country", "is": "FR"}]),
        {"kind": "journey", "id": "nurture", "trigger": {"segment": "prospects"},
         "steps": [{"id": "day", "wait": {"for": "P30D"}}]},
    )  # fmt: skip
    life.does("Signed Up", attributes={"country": "FR"})
    assert (life.segments, set(life.contact.active)) == ({"prospects"}, {"nurture"})
    life.does("Order Completed")
    assert life.segments == set()


FINE = {
    "all": [
        {"any": [{"attribute": "role", "contains": "engineer"}, {"persona": "developer"}]},
        {"attribute": "company_size", "gte": 50},
        {"event": "Order Completed", "sum": "total", "gte": 500, "within": "P90D"},
        {"attribute": "home", "near": {"lat": 38.72, "lng": -9.14, "km": 50}},
        {"not": {"attribute": "interests", "contains": "weddings"}},
    ]
}
DEVELOPER = {"kind": "persona", "id": "developer", "rules": [{"id": "code", "if": {"event": "Code Pushed"}}]}
ANA = {
    "role": "Lead engineer",
    "company_size": 80,
    "home": {"lat": 38.70, "lng": -9.42},
    "interests": ["tea", "mugs"],
}


@pytest.mark.parametrize(
    ("changes", "spent", "is_in"),
    [
        ({}, 500, True),
        ({}, 499.99, False),
        ({"role": "Buyer"}, 500, False),
        ({"company_size": 20}, 500, False),
        ({"home": {"lat": 41.15, "lng": -8.61}}, 500, False),
        ({"home": None}, 500, False),
        ({"interests": ["weddings"]}, 500, False),
    ],
)
def test_c69_segments_ask_about_role_company_spend_and_place_together(changes, spent, is_in):
    life = Life(DEVELOPER, {"kind": "segment", "id": "fine", "if": FINE})
    life.does("Order Completed", properties={"total": spent - 100}, attributes={**ANA, **changes})
    life.passes(10 * DAY)
    life.does("Order Completed", properties={"total": 100})
    assert ("fine" in life.segments) is is_in
    life.passes(80 * DAY + MINUTE)
    assert "fine" not in life.segments, "what was spent is no longer within 90 days"


def test_a_birthday_is_entered_at_midnight_where_the_contact_lives_and_left_at_the_next():
    life = Life(a_segment("birthday", attribute="born", anniversary_in=0))
    life.does("Signed Up", attributes={"born": "1990-11-05", "timezone": "Asia/Tokyo"})
    life.passes(3 * DAY - 10 * 3_600)
    assert life.segments == set()
    life.passes(2 * 3_600)
    assert life.segments == {"birthday"}
    assert life.entered("birthday") == [START + 2 * DAY + 15 * 3_600]
    life.passes(DAY)
    assert life.segments == set()
    life.does("Moved", attributes={"born": "1990-11-06", "timezone": "America/New_York"})
    life.passes(2 * DAY)
    assert len(life.entered("birthday")) == 2
