"""Transfers: what becomes of the people under way when a new version is published."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad import events as names
from postroad.book import parse_manifest
from postroad.contacts.contact import Enrollment
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import begin, fold, needs_history
from postroad.journeys import parse_journey
from postroad.journeys.transfers import Fate, Transfer, foresee, read_transfer
from postroad.sending.messages import QUEUED, SKIPPED
from tests.books import FOOTER, Shelf, by_key

NOW = 1_793_610_000.0
HOUR = 3_600.0
POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "news", "opt_in": False}],
}
LETTER = {
    "kind": "template",
    "id": "letter",
    "channel": "email",
    "topic": "news",
    "subject": "Hi",
    "html": "<p>Hi</p>" + FOOTER,
}


def wait(step_id, length="P1D"):
    return {"id": step_id, "wait": {"for": length}}


def send(step_id):
    return {"id": step_id, "send": {"template": "letter"}}


def tour(*steps, **more):
    return {"kind": "journey", "id": "tour", "trigger": {"event": "Signed Up"}, **more, "steps": list(steps)}


OLD = tour(send("hello"), wait("think"), send("more"), wait("rest", "P5D"))


def publish(shelf, document, **wish):
    """Publish with a wish for those under way, as the product does."""
    from postroad.definitions import plan_publication

    entering = by_key(document)
    publication = plan_publication(entering, shelf.book, shelf.documents, None, dict.fromkeys(entering, wish))
    shelf.documents |= publication.versions
    shelf.manifest = parse_manifest(publication.manifest.to_document())
    return shelf.book


class Walker:
    """Somebody under way, with all that happened to them."""

    def __init__(self, shelf):
        self.book, self.now, self.number = shelf.book, NOW, 0
        self.contact = begin("ana", self.book, NOW)
        self.contact.identities = {"email:ana@example.com": NOW}
        self.sent, self.verdicts, self.messages = [], [], set()

    def does(self, name, later=0.0, **parts):
        self.now += later
        self.number += 1
        event = Event(f"e-{self.number}", name, self.now, self.now, trusted=True, **parts)
        history = () if needs_history(self.contact, self.book) else None
        outcome = fold(self.contact, event, self.book, self.now, history=history)
        self.contact = replace(outcome.contact, version=outcome.contact.version + 1)
        self.sent += [m.step for m in outcome.messages if m.state == QUEUED]
        self.messages |= {m.message_id for m in outcome.messages}
        self.verdicts = [(d.definition, d.step, d.verdict) for d in outcome.decisions]
        self.last = outcome
        return self

    def wakes(self):
        return self.does(names.WAKE, max(0.0, self.contact.wake_at - self.now))

    def runs_out(self):
        for _ in range(100):
            if not self.contact.active:
                return self
            self.wakes()
        raise AssertionError(f"still under way: {self.contact.active}")

    @property
    def enrollment(self):
        return self.contact.active["tour"]


@pytest.fixture
def shelf():
    return Shelf(POLICY, LETTER, OLD)


def under_way(shelf, steps=0):
    ana = Walker(shelf).does("Signed Up")
    for _ in range(steps):
        ana.wakes()
    return ana


def after(ana, book):
    """What the rebuild run makes of somebody."""
    ana.book = book
    return ana.does(names.WAKE, HOUR)


def test_who_stays_finishes_the_version_that_they_entered(shelf):
    ana = under_way(shelf)
    after(ana, publish(shelf, tour(send("hello"), wait("think"), send("other"))))
    assert ana.enrollment.version == 1
    ana.runs_out()
    assert ana.sent == ["hello", "more"]


def test_who_moves_goes_on_waiting_and_then_follows_the_new_version(shelf):
    ana = under_way(shelf)
    due = ana.enrollment.due
    after(ana, publish(shelf, tour(send("hello"), wait("think", "P9D"), send("other")), under_way="move"))
    assert (ana.enrollment.version, ana.enrollment.step, ana.enrollment.due) == (2, "think", due)
    assert ana.verdicts == [("journey/tour@2", "think", "moved")]
    ana.runs_out()
    assert ana.sent == ["hello", "other"]


def test_going_over_twice_changes_nothing(shelf):
    ana = under_way(shelf)
    after(ana, publish(shelf, tour(send("hello"), wait("think"), send("other")), under_way="move"))
    before = ana.contact
    ana.does(names.WAKE)
    assert ana.last.changed is False
    ana.contact = replace(before, revision=1)  # as after a merge with somebody who has not gone over
    ana.does(names.WAKE)
    assert ana.contact.active == before.active


def test_whose_step_is_gone_goes_to_the_step_named_for_it(shelf):
    ana = under_way(shelf)
    new = tour(send("hello"), wait("pause"), send("other"), wait("rest"))
    after(ana, publish(shelf, new, under_way="move", gone={"think": "other"}))
    assert (ana.enrollment.version, ana.enrollment.step) == (2, "rest")
    assert ana.sent == ["hello", "other"]


def test_whose_step_is_gone_ends_with_a_reason_and_its_messages_are_called_off():
    shelf = Shelf(
        {**POLICY, "caps": [{"per": "P2D", "at_most": 1}]}, LETTER, tour(send("hello"), send("twice"), wait("think"))
    )
    ana = under_way(shelf)
    assert len(ana.contact.postponed) == 1
    after(ana, publish(shelf, tour(send("hello"), wait("pause")), under_way="move"))
    assert ana.contact.active == {}
    assert ana.contact.passages["tour"].last_state == "exited"
    assert ("journey/tour@2", "think", "exited") in ana.verdicts
    assert [(m.step, m.state) for m in ana.last.messages] == [("twice", SKIPPED)]
    assert ana.contact.postponed == {}


def test_nobody_gets_a_message_again_by_moving(shelf):
    ana = under_way(shelf, 1)
    assert ana.enrollment.step == "rest"
    new = tour(wait("first"), send("hello"), send("more"), wait("fresh"), send("last"))
    after(ana, publish(shelf, new, under_way="move", gone={"rest": "hello"}))
    assert ana.enrollment.step == "fresh"
    ana.runs_out()
    assert ana.sent == ["hello", "more", "last"]


def test_a_step_that_has_become_another_is_entered_anew(shelf):
    ana = under_way(shelf)
    new = tour(send("hello"), {"id": "think", "update": {"set": {"plan": "pro"}}}, wait("rest"))
    after(ana, publish(shelf, new, under_way="move"))
    assert ana.contact.find_value("plan") == "pro"
    assert ana.enrollment.step == "rest"


def test_who_moves_is_asked_the_new_goal_and_exit_at_once(shelf):
    ana = under_way(shelf).does(names.IDENTIFIED, attributes={"plan": "pro"})
    after(ana, publish(shelf, {**OLD, "exit_if": {"attribute": "plan", "is": "pro"}}, under_way="move"))
    assert ana.contact.active == {}
    assert ("journey/tour@2", "think", "exited") in ana.verdicts


BRANCHED = tour(
    send("hello"),
    {
        "id": "who",
        "branch": {
            "cases": [{"name": "pro", "if": {"attribute": "plan", "is": "pro"}, "then": [send("deal"), wait("sleep")]}],
            "else": [wait("think")],
        },
    },
    send("more"),
)


def test_who_is_asked_again_goes_the_way_that_holds_now_and_is_not_sent_again_what_they_have(shelf):
    pro, free = under_way(shelf).does(names.IDENTIFIED, attributes={"plan": "pro"}), under_way(shelf)
    book = publish(shelf, BRANCHED, under_way="reevaluate")
    for ana in (pro, free):
        due = ana.enrollment.due
        after(ana, book)
        assert ana.enrollment.version == 2
        if ana is free:
            assert (ana.enrollment.step, ana.enrollment.due) == ("think", due)
    assert (pro.enrollment.step, pro.sent) == ("sleep", ["hello", "deal"])
    assert free.runs_out().sent == ["hello", "more"]
    assert pro.runs_out().sent == ["hello", "deal", "more"]


@pytest.mark.parametrize("end", [{"exit": {"reason": "is pro"}}, {"goal": {"name": "is pro"}}])
def test_who_is_asked_again_and_would_have_left_before_gets_nothing_more(shelf, end):
    fork = {"name": "pro", "if": {"attribute": "plan", "is": "pro"}, "then": [{"id": "out", **end}]}
    journey = tour(send("hello"), {"id": "fork", "branch": {"cases": [fork]}}, wait("think"), send("more"))
    pro = under_way(shelf).does(names.IDENTIFIED, attributes={"plan": "pro"})
    after(pro, publish(shelf, journey, under_way="reevaluate"))
    assert pro.runs_out().sent == ["hello"]


def test_who_stands_in_an_arm_whose_beginning_is_new_stays_in_it():
    def bought(*then):
        wait_for = {"event": "Bought", "timeout": "P2D", "then": list(then), "else": [send("nag")]}
        return tour({"id": "bought", "wait": wait_for}, wait("rest", "P5D"))

    shelf = Shelf(POLICY, LETTER, bought(wait("think"), send("thanks")))
    ana = under_way(shelf, 0).does("Bought")
    assert ana.enrollment.step == "think"
    marked = bought({"id": "mark", "tag": {"add": ["buyer"]}}, wait("think"), send("thanks"))
    after(ana, publish(shelf, marked, under_way="reevaluate"))
    assert ana.enrollment.step == "think"
    assert ana.runs_out().sent == ["thanks"]


LOOP = (send("hello"), wait("think"), {"id": "again", "goto": {"step": "hello", "most": 3}}, send("last"))


@pytest.mark.parametrize("way", ["move", "reevaluate"])
@pytest.mark.parametrize("walked", range(4))
def test_who_goes_round_a_loop_goes_on_going_round_in_the_new_version(way, walked):
    """A word was mended, and everybody taken along: nobody is spared a round for that."""
    shelf = Shelf(POLICY, LETTER, tour(*LOOP))
    ana = under_way(shelf, walked)
    after(ana, publish(shelf, tour(*LOOP, description="Without the typo"), under_way=way)).runs_out()
    assert ana.sent == ["hello"] * 4 + ["last"]
    assert len(ana.messages) == 5


def test_a_round_of_a_loop_that_was_used_up_does_not_come_again():
    shelf = Shelf(POLICY, LETTER, tour(*LOOP[:2], {"id": "again", "goto": {"step": "hello"}}))
    ana = under_way(shelf, 1)
    after(ana, publish(shelf, tour(wait("think"), send("hello"), send("last")), under_way="move")).runs_out()
    assert ana.sent == ["hello", "hello", "last"]


BY_PLAN = {"name": "pro", "if": {"attribute": "plan", "is": "pro"}, "then": [wait("long", "P5D")]}
BY_ANY_PLAN = {**BY_PLAN, "if": {"attribute": "plan", "is_not": "pro"}}


def led_anew(*steps):
    """Steps, and a branch after them that leads elsewhere in the next version."""
    return [tour(*steps, {"id": "fork", "branch": {"cases": [case], "else": [wait("think")]}}, LOOP[2], send("last"))
            for case in (BY_PLAN, BY_ANY_PLAN)]  # fmt: skip


def test_a_message_of_a_later_round_has_an_id_of_its_own_also_for_who_began_anew():
    old, new = led_anew(send("hello"))
    shelf = Shelf(POLICY, LETTER, old)
    ana = under_way(shelf)
    after(ana, publish(shelf, new, under_way="reevaluate")).runs_out()
    assert ana.sent == ["hello"] * 4 + ["last"]
    assert len(ana.messages) == 5


def test_who_begins_anew_goes_by_the_way_that_a_wait_has_led_to():
    bought = {
        "id": "hello",
        "wait": {"event": "Bought", "timeout": "P2D", "then": [send("thanks")], "else": [send("nag")]},
    }
    old, new = led_anew(bought)
    shelf = Shelf(POLICY, LETTER, old)
    ana = under_way(shelf).does("Bought")
    assert ana.enrollment.step == "think"
    after(ana, publish(shelf, new, under_way="reevaluate"))
    assert (ana.enrollment.step, ana.sent) == ("long", ["thanks"])


def test_nobody_is_asked_for_a_task_again_of_who_begins_anew():
    call = {"id": "hello", "task": {"kind": "call", "title": "Call", "timeout": "P2D", "else": [send("missed")]}}
    old, new = led_anew({"update": {"set": {"x": 1}}}, call)
    shelf = Shelf(POLICY, LETTER, old)
    ana = under_way(shelf, 1)
    assert (ana.enrollment.step, ana.sent) == ("think", ["missed"])
    after(ana, publish(shelf, new, under_way="reevaluate"))
    assert (ana.enrollment.step, ana.sent, ana.last.tasks) == ("long", ["missed"], ())


def test_two_publications_before_anybody_was_folded_lead_to_the_newest(shelf):
    ana = under_way(shelf)
    publish(shelf, tour(send("hello"), wait("think"), send("other")), under_way="move")
    book = publish(shelf, tour(send("hello"), wait("think"), send("third")), under_way="move")
    assert after(ana, book).enrollment.version == 3
    assert ana.runs_out().sent == ["hello", "third"]


def test_who_missed_a_publication_that_took_people_along_is_taken_along_though_the_next_one_did_not(shelf):
    ana = under_way(shelf)
    publish(shelf, tour(send("hello"), wait("think"), send("other")), under_way="move")
    book = publish(shelf, tour(send("hello"), wait("think"), send("third")))
    assert after(ana, book).enrollment.version == 2
    assert ana.runs_out().sent == ["hello", "other"]


# What is wished


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        ({"under_way": "teleport"}, "under_way"),
        ({"under_way": "move", "gone": {"think": "nowhere"}}, "gone.think"),
        ({"under_way": "move", "gone": {"pause": "hello"}}, "gone.pause"),
        ({"gone": {"think": "pause"}}, "gone"),
        ({"under_way": "reevaluate", "gone": {"think": "pause"}}, "gone"),
        ({"under_way": "move", "people": "all"}, "people"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_with_its_path(wish, path):
    with pytest.raises(DefinitionError) as caught:
        read_transfer(wish, parse_journey(tour(send("hello"), wait("pause")), version=2))
    assert [found for found, _ in caught.value.mistakes] == [path]


def test_what_would_become_of_everybody_is_told_beforehand():
    new = parse_journey(tour(send("hello"), wait("pause")), version=2)
    here = [("think", 1_200), ("pause", 3), ("rest", 1), ("hello", 0)]
    assert foresee(new, Transfer(2, "move", {"think": "pause"}), here) == (
        Fate("think", 1_200, "moves", "pause"),
        Fate("pause", 3, "goes on", "pause"),
        Fate("rest", 1, "ends"),
    )
    assert {fate.fate for fate in foresee(new, Transfer(2), here)} == {"stays"}
    assert {fate.fate for fate in foresee(new, Transfer(2, "reevaluate"), here)} == {"is asked"}
    told = [fate.describe() for fate in foresee(new, Transfer(2, "move", {"think": "pause"}), here)]
    assert told == [
        "1200 people at 'think' go to 'pause'",
        "3 people at 'pause' go on at the same step of the new version",
        "1 person at 'rest' ends: the new version has no such step",
    ]


# The law

STEPS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True)


@st.composite
def journeys(draw):
    """A tour whose steps are drawn from a few ids, each of any type, some in a branch."""
    steps = []
    for step_id in draw(STEPS):
        kind = {"a": "send", "b": "send", "c": "send", "d": "update"}.get(step_id, "wait")
        body = {"wait": {"for": "P1D"}, "send": {"template": "letter"}, "update": {"set": {"x": step_id}}}
        steps.append({"id": step_id, kind: body[kind]})
    cut = draw(st.integers(0, len(steps)))
    if draw(st.booleans()) and cut:
        case = {"name": "pro", "if": {"attribute": "plan", "is": "pro"}, "then": steps[:cut]}
        steps = [{"id": "fork", "branch": {"cases": [case]}}, *steps[cut:]]
    return tour(*steps)


@settings(max_examples=80, deadline=None)
@given(
    journeys(), journeys(), st.integers(0, 4), st.sampled_from(["stay", "move", "reevaluate"]), st.booleans(), st.data()
)
def test_moving_people_between_versions_loses_no_one(old, new, walked, wish, is_pro, data):
    shelf = Shelf(POLICY, LETTER, old)
    ana = Walker(shelf)
    if is_pro:
        ana.does(names.IDENTIFIED, attributes={"plan": "pro"})
    ana.does("Signed Up")
    for _ in range(walked):
        if ana.contact.active:
            ana.wakes()
    before: Enrollment | None = ana.contact.active.get("tour")
    parsed = parse_journey(new, version=2)
    missing = [step for step in "abcdefgh" if step not in parsed.steps]
    targets = st.none() | st.sampled_from(sorted(parsed.steps))
    gone = data.draw(st.dictionaries(st.sampled_from(missing), targets)) if missing and wish == "move" else {}
    after(ana, publish(shelf, new, under_way=wish, gone=gone))
    now = ana.contact.active.get("tour")
    if before is None:
        assert now is None
    elif now is None:
        assert ana.contact.passages["tour"].last_enrollment == before.enrollment_id
        assert ana.contact.passages["tour"].last_state in ("completed", "exited")
    else:
        assert now.enrollment_id == before.enrollment_id
        assert now.version == (1 if wish == "stay" else 2)
        assert now.due is not None
    ana.runs_out()
    assert len(ana.sent) == len(set(ana.sent))  # nobody gets a step twice
    assert ana.contact.passages.get("tour") is None or ana.contact.passages["tour"].last_state != "failed"


@st.composite
def loops(draw):
    """A tour that goes back to one of its steps, with a wait before."""
    steps = [step for step in draw(journeys())["steps"] if "branch" not in step]
    steps.insert(draw(st.integers(0, len(steps))), wait("pause"))
    either = draw(st.sampled_from([wait("either"), {"id": "either", "split": {"ways": [{"percent": 100}]}}]))
    steps.insert(draw(st.integers(0, len(steps))), either)
    back = draw(st.sampled_from(steps[: steps.index(wait("pause")) + 1]))
    again = {"id": "again", "goto": {"step": back["id"], "most": draw(st.integers(1, 3))}}
    cut = draw(st.integers(steps.index(wait("pause")) + 1, len(steps)))
    return tour(*steps[:cut], again, *steps[cut:])


@settings(max_examples=80, deadline=None)
@given(loops(), loops(), st.integers(0, 5), st.sampled_from(["move", "reevaluate"]))
def test_moving_people_in_loops_loses_no_one_and_makes_no_message_twice(old, new, walked, wish):
    shelf = Shelf(POLICY, LETTER, old)
    ana = Walker(shelf).does("Signed Up")
    for _ in range(walked):
        if ana.contact.active:
            ana.wakes()
    after(ana, publish(shelf, new, under_way=wish))
    ana.runs_out()
    assert ana.contact.passages["tour"].last_state in ("completed", "exited")
    assert len(ana.messages) == len(ana.sent)
