"""Steps that change a contact, or ask something of people, proved with the fold itself."""

import pytest

from postroad import events as names
from postroad.errors import DefinitionError
from postroad.journeys import parse_journey
from postroad.tasks import Task
from tests.people import Person

READERS = {"kind": "segment", "id": "readers", "static": True}
LEADS = {"kind": "segment", "id": "leads", "static": True}
HOT = {"kind": "segment", "id": "hot", "if": {"score": "engagement", "gte": 10}}
SCORE = {
    "kind": "score",
    "id": "engagement",
    "half_life": "P30D",
    "rules": [{"id": "call", "event": "Called", "points": 1}],
}


def mail(step_id):
    return {"id": step_id, "send": {"template": "hello"}}


def journey(*steps, journey_id="tour", **document):
    return {
        "kind": "journey", "id": journey_id, "trigger": {"event": "Called"}, "steps": list(steps), "reentry": "always",
        **document,
    }  # fmt: skip


def walk(*steps, more=(), **attributes):
    return Person(*more, journey(*steps), **attributes).does("Called")


# Lists


def test_a_step_puts_somebody_into_a_static_segment_and_what_reads_it_follows_at_once():
    follows = {
        "kind": "journey", "id": "follows", "trigger": {"segment": "readers"}, "steps": [mail("followed")]
    }  # fmt: skip
    branch = {"branch": {"cases": [{"if": {"segment": "readers"}, "then": [mail("in")]}], "else": [mail("out")]}}
    ana = walk({"list": {"add": "readers"}}, branch, more=(READERS, follows))
    assert set(ana.contact.segments) == {"readers"}
    assert sorted(ana.steps) == ["followed", "in"]
    assert names.SEGMENT_ENTERED in [event.name for event in ana.caused]


def test_a_step_takes_somebody_out_of_a_static_segment():
    ana = walk({"list": {"add": ["readers", "leads"]}}, {"wait": {"for": "P1D"}},
               {"list": {"remove": "leads"}}, more=(READERS, LEADS))  # fmt: skip
    assert set(ana.contact.segments) == {"readers", "leads"}
    ana.passes("P2D")
    assert set(ana.contact.segments) == {"readers"}


def test_a_dynamic_segment_cannot_be_listed():
    with pytest.raises(DefinitionError, match="there is no static segment 'hot'"):
        Person(SCORE, HOT, journey({"list": {"add": "hot"}}))


# Tags


def test_tags_are_added_once_and_taken_away():
    ana = walk({"tag": {"add": ["vip", "fair"], "remove": "lead"}}, tags=["lead", "fair", "old"])
    assert ana.contact.find_value("tags") == ["fair", "old", "vip"]
    assert walk({"tag": {"remove": "lead"}}).contact.find_value("tags") == []
    assert walk({"tag": {"add": "vip"}}, tags="broken").contact.find_value("tags") == ["vip"]


def test_a_segment_of_a_tag_follows():
    vip = {"kind": "segment", "id": "vip", "if": {"attribute": "tags", "is": "vip"}}
    assert "vip" in walk({"tag": {"add": "vip"}}, more=(vip,)).contact.segments


# Points


def test_points_of_a_step_count_and_fade_like_others():
    ana = walk({"points": {"score": "engagement", "add": 12}}, more=(SCORE, HOT))
    assert "hot" in ana.contact.segments
    ana.passes("P30D")
    assert "hot" not in ana.contact.segments
    assert "hot" not in walk({"points": {"score": "engagement", "add": -5}}, more=(SCORE, HOT)).contact.segments


# Owner


def test_an_owner_is_drawn_by_lot_and_one_who_is_there_stays():
    step = {"owner": {"is": ["mia", "tom"]}}
    owner = walk(step).contact.find_value("owner")
    assert owner in ("mia", "tom")
    assert walk(step).contact.find_value("owner") == owner
    assert walk(step, owner="zoe").contact.find_value("owner") == "zoe"
    assert walk({"owner": {"is": "mia", "replace": True}}, owner="zoe").contact.find_value("owner") == "mia"


# Events


def test_an_event_of_a_step_starts_journeys_and_counts():
    other = {
        "kind": "journey", "id": "other", 
        "trigger": {"event": "Trial Nurtured", "where": {"property": "round", "is": 2}},
        "steps": [mail("other")],
    }  # fmt: skip
    often = {"kind": "segment", "id": "often", "if": {"event": "Trial Nurtured", "at_least": 1}}
    ana = walk({"event": {"name": "Trial Nurtured", "properties": {"round": 2}}}, more=(other, often))
    assert ana.steps == ["other"]
    assert "often" in ana.contact.segments


def test_journeys_that_start_one_another_come_to_rest():
    ping = journey({"event": {"name": "Ponged"}}, journey_id="ping", trigger={"event": "Pinged"})
    pong = journey({"event": {"name": "Pinged"}}, journey_id="pong", trigger={"event": "Ponged"})
    ana = Person(ping, pong).does("Pinged")
    assert ana.why("journey/ping")[-1][0] == "not started"
    assert ana.contact.passages["ping"].times == 1


# Tasks


CALL = {
    "id": "call",
    "task": {
        "kind": "call", "title": "Ask how it was", "note": "Has bought twice", "due": "PT4H", "timeout": "P3D",
        "outcomes": {"interested": [mail("offer")], "no_answer": [mail("sorry")]},
        "else": [mail("nobody")],
    },
}  # fmt: skip


def settle(ana, outcome):
    task_id = f"{ana.contact.active['tour'].enrollment_id}.call"
    said = {"task_id": task_id, "kind": "call", "outcome": outcome, "by": "mia", "assignee": "mia"}
    return ana.does(names.TASK_COMPLETED, **said)


class Listening(Person):
    """A person whose tasks are kept, too."""

    def __init__(self, *definitions, **keys):
        self.tasks = []
        super().__init__(*definitions, **keys)

    def hear(self, outcome):
        self.tasks += [task for task in outcome.tasks if isinstance(task, Task)]


def test_a_task_is_asked_for_with_its_owner_and_its_due_time():
    ana = Listening(journey(CALL, mail("after")), owner="mia").does("Called")
    (task,) = ana.tasks
    assert (task.kind, task.title, task.note, task.assignee) == ("call", "Ask how it was", "Has bought twice", "mia")
    assert task.due_at - task.created_at == 4 * 3_600
    assert task.task_id == f"{ana.contact.active['tour'].enrollment_id}.call"


@pytest.mark.parametrize(
    ("outcome", "steps"),
    [("interested", ["offer", "after"]), ("no_answer", ["sorry", "after"]), ("call_back", ["after"]),
     (None, ["nobody", "after"])],
)  # fmt: skip
def test_the_outcome_of_a_call_decides_the_way(outcome, steps):
    ana = Listening(journey(CALL, mail("after"))).does("Called").passes("P1D")
    assert ana.steps == []
    if outcome:
        settle(ana, outcome)
    assert ana.passes("P3D").steps == steps


def test_a_task_without_a_timeout_holds_nothing_up():
    ana = Listening(journey({"id": "call", "task": {"kind": "call", "title": "Ring"}}, mail("after"))).does("Called")
    assert (ana.steps, len(ana.tasks)) == (["after"], 1)


# What is refused


@pytest.mark.parametrize(
    ("case", "step", "path", "sentence"),
    [
        ("a list of nothing", {"list": {}}, "steps[0].list", "says nothing to change"),
        ("added and removed", {"list": {"add": "a", "remove": "a"}}, "steps[0].list.remove", "both added and removed"),
        ("a tag of nothing", {"tag": {}}, "steps[0].tag", "says nothing to change"),
        ("no tag", {"tag": {"add": [7]}}, "steps[0].tag.add", "must be text"),
        ("too many tags", {"tag": {"add": ["x"] * 21}}, "steps[0].tag.add", "1 to 20 tags"),
        ("points of nothing", {"points": {"score": "a"}}, "steps[0].points.add", "is missing"),
        ("too many points", {"points": {"score": "a", "add": 9_999}}, "steps[0].points.add", "between -1000 and 1000"),
        ("no owner", {"owner": {}}, "steps[0].owner.is", "is missing"),
        ("an event of ours", {"event": {"name": "segment entered"}}, "steps[0].event.name", "said by Postroad alone"),
        ("too much to say", {"event": {"name": "X", "properties": {"a": "x" * 3_000}}}, "steps[0].event.properties",
         "2000 characters"),
        ("a task of no kind", {"task": {"title": "x"}}, "steps[0].task.kind", "is missing"),
        ("a task without a title", {"task": {"kind": "call"}}, "steps[0].task.title", "is missing"),
        ("outcomes without a timeout", {"task": {"kind": "call", "title": "x", "outcomes": {}}},
         "steps[0].task.timeout", "is missing"),
        ("an unknown outcome", {"task": {"kind": "call", "title": "x", "timeout": "P1D", "outcomes": {"happy": []}}},
         "steps[0].task.outcomes.happy", "unknown key"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_at_its_path_with_a_sentence(case, step, path, sentence):
    with pytest.raises(DefinitionError) as caught:
        parse_journey(journey(step))
    assert any(at == path and sentence in text for at, text in caught.value.mistakes), caught.value.mistakes
