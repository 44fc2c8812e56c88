"""Experiments and holdouts, as the fold runs them."""

from collections import Counter
from dataclasses import replace

import pytest

from postroad import events as names
from postroad.book import Winner, compile_book, parse_manifest
from postroad.contacts.codec import decode_contact, encode_contact
from postroad.contacts.contact import Contact, Exposure
from postroad.contacts.merging import merge
from postroad.contacts.places import places_of
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.experiments.exposures import MOST_EXPOSURES
from postroad.fold import begin, fold
from postroad.instants import DAY
from postroad.journeys import describe_journey, parse_journey
from tests.books import FOOTER, Shelf

NOW = 1_793_610_000.0
POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "news", "opt_in": False}],
}
TEMPLATES = [
    {"kind": "template", "id": name, "channel": "email", "topic": "news", "subject": "Hi", "html": "<p>Hi</p>" + FOOTER}
    for name in ("short", "long")
]


def send(name):
    return {"id": f"send-{name}", "send": {"template": name}}


SUBJECT = {
    "id": "subject",
    "experiment": {
        "variants": [
            {"name": "short", "weight": 3, "then": [send("short")]},
            {"name": "long", "weight": 1, "then": [send("long")]},
        ]
    },
}
REST = {"id": "rest", "wait": {"for": "P1D"}}
WELCOME = {
    "kind": "journey",
    "id": "welcome",
    "trigger": {"event": "Signed Up"},
    "reentry": "always",
    "goal": {"event": "Order Completed", "within": "P7D"},
    "steps": [SUBJECT, REST],
}
SHELF = Shelf(POLICY, *TEMPLATES, WELCOME)
HELD = Shelf(POLICY, *TEMPLATES, {**WELCOME, "holdout": 20})


class Somebody:
    def __init__(self, contact_id, book):
        self.book, self.now, self.number = book, NOW, 0
        self.contact = begin(contact_id, book, NOW)
        self.contact.identities = {f"email:{contact_id}@example.com": NOW}
        self.messages, self.caused, self.verdicts = [], [], []

    def does(self, name, later=0.0, *, ago=0.0, **properties):
        self.now += later
        self.number += 1
        time = self.now - ago
        event = Event(f"e-{self.number}", name, time, time, trusted=True, properties=properties)
        outcome = fold(self.contact, event, self.book, self.now)
        body = encode_contact(outcome.contact)
        self.contact = decode_contact(self.contact.contact_id, 1, body, created_at=NOW, wake_at=outcome.contact.wake_at)
        self.messages += outcome.messages
        self.caused += outcome.caused
        self.verdicts += [(d.step, d.verdict) for d in outcome.decisions]
        return self

    @property
    def variant(self):
        return self.contact.exposures["welcome/subject"].variant


def people(count, shelf=SHELF):
    return [Somebody(f"contact-{number}", shelf.book).does("Signed Up") for number in range(count)]


def test_c34_people_are_dealt_out_by_their_weights_and_go_the_way_of_their_variant():
    crowd = people(400)
    dealt = Counter(each.variant for each in crowd)
    assert dealt["short"] == pytest.approx(300, abs=40)
    assert all([m.template for m in each.messages] == [each.variant] for each in crowd)
    assert all(("subject", each.variant) in each.verdicts for each in crowd)


def test_a_retry_and_another_passage_never_change_the_variant_and_count_once():
    for one, again in zip(people(30), people(30), strict=True):
        assert one.contact.exposures == again.contact.exposures
        before = one.contact.exposures
        one.does(names.WAKE, 2 * DAY).does("Signed Up")
        assert one.contact.exposures == before
        assert [event.name for event in one.caused].count(names.EXPERIMENT_ENTERED) == 1


def test_being_dealt_a_variant_is_an_event_and_a_place():
    (ana,) = people(1)
    (entered,) = (event for event in ana.caused if event.name == names.EXPERIMENT_ENTERED)
    said = {"experiment_id": "welcome/subject", "journey": "welcome", "step": "subject", "variant": ana.variant}
    assert entered.properties == said
    assert places_of(ana.contact)[f"journey/welcome/=subject.{ana.variant}"] == NOW


@pytest.mark.parametrize(
    ("later", "ago", "properties", "converted"),
    [
        (DAY, 0.0, {}, NOW + DAY),
        (7 * DAY, 0.0, {}, NOW + 7 * DAY),
        (7 * DAY + 60, 0.0, {}, None),
        (9 * DAY, 3 * DAY, {}, NOW + 6 * DAY),  # the news came late
        (DAY, 2 * DAY, {}, None),  # it happened before
        (DAY, 0.0, {"actor": "machine"}, None),
    ],
)
def test_a_conversion_is_a_goal_that_a_person_reaches_within_the_window(later, ago, properties, converted):
    (ana,) = people(1)
    ana.does("Order Completed", later, ago=ago, **properties)
    assert ana.contact.exposures["welcome/subject"].converted == converted
    assert (f"journey/welcome/=subject.{ana.variant}.converted" in places_of(ana.contact)) is (converted is not None)


def test_a_goal_counts_also_after_the_journey_has_ended():
    (ana,) = people(1)
    ana.does(names.WAKE, 2 * DAY)
    assert not ana.contact.active
    ana.does("Order Completed", DAY)
    assert ana.contact.exposures["welcome/subject"].converted == NOW + 3 * DAY


def test_the_first_conversion_counts_whatever_comes_first():
    (ana,) = people(1)
    ana.does("Order Completed", 3 * DAY).does("Order Completed", DAY, ago=2 * DAY).does("Order Completed", DAY)
    assert ana.contact.exposures["welcome/subject"].converted == NOW + 2 * DAY


def test_c34_once_a_variant_has_won_new_entrants_get_it_and_others_keep_theirs():
    crowd = [each for each in people(40) if each.variant == "long"]
    manifest = replace(SHELF.manifest, revision=2, winners={"welcome/subject": Winner("short", NOW, "it is better")})
    book = compile_book(parse_manifest(manifest.to_document()), SHELF.documents)
    for each in crowd:
        each.book = book
        each.does(names.WAKE, 2 * DAY).does("Signed Up")
        assert each.messages[-1].template == "long"
    for number in range(40):
        newcomer = Somebody(f"newcomer-{number}", book).does("Signed Up")
        assert [m.template for m in newcomer.messages] == ["short"]
        assert newcomer.contact.exposures == {}  # the numbers are those of the experiment
        assert ("subject", "short") in newcomer.verdicts


BUYING = {**WELCOME, "holdout": 20}


@pytest.mark.parametrize(
    ("change", "path", "refused"),
    [
        ({"holdout": 40}, "holdout", "people are held out by another share"),
        ({"goal": {"event": "Trial Started"}}, "holdout", "compared by another goal"),
        ({"goal": {"event": "Order Completed", "within": "P30D"}}, "steps", "'subject' is running with other variants"),
        ({"steps": [{**SUBJECT, "id": "other"}, REST]}, "", ""),
        ({"holdout": None}, "", ""),
        ({"name": "Welcome again"}, "", ""),
    ],
)
def test_what_is_compared_stays_what_it_was_while_it_is_compared(change, path, refused):
    shelf = Shelf(POLICY, *TEMPLATES, BUYING)
    if not refused:
        shelf.publish({**BUYING, **change})
        return
    with pytest.raises(DefinitionError) as raised:
        shelf.publish({**BUYING, **change})
    assert refused in dict(raised.value.mistakes)[path]


def test_a_winner_is_forgotten_with_its_experiment():
    shelf = Shelf(POLICY, *TEMPLATES, WELCOME)
    shelf.manifest = replace(shelf.manifest, winners={"welcome/subject": Winner("short", NOW, "it is better")})
    shelf.publish({**WELCOME, "name": "Welcome, again"})
    assert shelf.manifest.winners.keys() == {"welcome/subject"}
    shelf.publish({**WELCOME, "steps": [REST]})
    assert shelf.manifest.winners == {}


# Holdouts


def test_a_holdout_keeps_a_share_out_and_measures_both_alike():
    crowd = people(400, HELD)
    dealt = Counter(each.contact.exposures["welcome/"].variant for each in crowd)
    assert dealt["held-out"] == pytest.approx(80, abs=25)
    for each in crowd:
        is_out = each.contact.exposures["welcome/"].variant == "held-out"
        assert bool(each.messages) is not is_out
        assert bool(each.contact.active) is not is_out
        assert (("", "held out") in each.verdicts) is is_out
        each.does("Order Completed", 3 * DAY)
        assert each.contact.exposures["welcome/"].converted == NOW + 3 * DAY
    held = next(each for each in crowd if not each.messages)
    assert {place for place in places_of(held.contact) if place.startswith("journey/")} == {
        "journey/welcome/:held_out",
        "journey/welcome/=.held-out",
        "journey/welcome/=.held-out.converted",
    }


def test_who_is_held_out_stays_out():
    for each in people(60, HELD):
        if not each.messages:
            each.does("Signed Up", 10 * DAY)
            assert each.messages == []
            assert each.contact.passages["welcome"].times == 2


# What is kept


def test_two_contacts_who_are_one_keep_the_first_part():
    one, two = Contact("one", version=1), Contact("two", version=1)
    one.exposures = {"a/b": Exposure("x", NOW, NOW + DAY), "c/d": Exposure("x", NOW, NOW + DAY, NOW + 9)}
    two.exposures = {"a/b": Exposure("y", NOW - 5, NOW + DAY, NOW), "c/d": Exposure("x", NOW + 1, NOW + DAY, NOW + 5)}
    merged, _ = merge(one, two, SHELF.book, NOW)
    assert merged.exposures == merge(two, one, SHELF.book, NOW)[0].exposures
    assert merged.exposures == {
        "a/b": Exposure("y", NOW - 5, NOW + DAY, NOW),
        "c/d": Exposure("x", NOW, NOW + DAY, NOW + 5),
    }


def test_a_contact_remembers_so_many_parts_and_no_more_and_forgets_those_of_what_is_gone():
    (ana,) = people(1)
    ana.contact.exposures = {f"j{n}/s": Exposure("a", NOW - n, NOW) for n in range(1, 60)}
    ana.does(names.WAKE, 2 * DAY).does("Signed Up")
    assert len(ana.contact.exposures) == MOST_EXPOSURES
    assert "welcome/subject" in ana.contact.exposures
    ana.book = replace(SHELF.book, revision=2)
    ana.does("Page Viewed")
    assert list(ana.contact.exposures) == ["welcome/subject"]


# The document


def experiment(**changes):
    return {**WELCOME, "steps": [{"id": "subject", "experiment": {**SUBJECT["experiment"], **changes}}]}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (experiment(variants=[{"name": "alone"}]), "steps[0].experiment.variants"),
        (experiment(variants=[{"name": "a"}, {"name": "a"}]), "steps[0].experiment.variants[1].name"),
        (experiment(variants=[{"name": "A b"}, {"name": "a"}]), "steps[0].experiment.variants[0].name"),
        (experiment(variants=[{"name": "b", "weight": 0}, {"name": "a"}]), "steps[0].experiment.variants[0].weight"),
        (experiment(winner="sometimes"), "steps[0].experiment.winner"),
        (experiment(within="PT1M"), "steps[0].experiment.within"),
        ({**WELCOME, "goal": None}, "steps"),
        ({**WELCOME, "steps": [{"experiment": SUBJECT["experiment"]}]}, "steps[0].id"),
        ({**WELCOME, "goal": None, "holdout": 10, "steps": [REST]}, "holdout"),
        ({**WELCOME, "holdout": 100}, "holdout"),
    ],
)
def test_a_mistake_is_told_with_its_path(document, path):
    with pytest.raises(DefinitionError) as caught:
        parse_journey(document)
    assert [found for found, _ in caught.value.mistakes] == [path]


def test_an_experiment_says_itself():
    lines = describe_journey(parse_journey({**WELCOME, "holdout": 10}))
    assert "Holds out 10 % of those who would enter, to compare" in lines
    assert "1. Experiment: deal people out by lot [subject]" in lines
    assert "   short (75 %):" in lines


def test_an_experiment_may_be_about_something_of_its_own():
    journey = parse_journey(experiment(goal={"event": "Trial Started"}, within="P3D", winner="manual"))
    subject = journey.experiments["subject"]
    assert (subject.goal.key, subject.within, subject.is_automatic) == ("trial started", 3 * DAY, False)
