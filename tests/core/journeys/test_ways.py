"""Steps that decide the way, proved with the fold itself."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.contacts.contact import Contact
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.instants import DAY
from postroad.journeys import describe_journey, enroll, parse_journey
from postroad.journeys.drawing import draw_journey
from postroad.journeys.stepping import Here
from postroad.predicates.predicate import View
from tests.people import Person


def mail(step_id):
    return {"id": step_id, "send": {"template": "hello"}}


def journey(*steps, **document):
    return {"kind": "journey", "id": "tour", "trigger": {"event": "Called"}, "steps": list(steps), **document}


def walk(*steps, **attributes):
    return Person(journey(*steps), **attributes).does("Called")


# Match


MATCH = {
    "match": {
        "attribute": "country",
        "cases": [
            {"is": ["FR", "BE"], "name": "French", "then": [mail("fr")]},
            {"is": "DE", "then": [mail("de")]},
            {"is": 7, "then": [mail("seven")]},
        ],
        "else": [mail("other")],
    }
}


@pytest.mark.parametrize(
    ("country", "step"),
    [("FR", "fr"), ("BE", "fr"), ("DE", "de"), (7, "seven"), ("IT", "other"), (None, "other"), (["x", "DE"], "de")],
)
def test_a_match_goes_the_way_of_the_value(country, step):
    assert walk(MATCH, **({"country": country} if country else {})).steps == [step]


def test_a_match_names_its_ways_by_their_values():
    lines = describe_journey(parse_journey(journey(MATCH)))
    assert "   French, if: country is one of FR and BE" in lines or any("French, if: country" in line for line in lines)
    assert any(line.strip().startswith("DE, if: country") for line in lines)


# Language


LANGUAGE = {
    "language": {
        "cases": [
            {"is": "pt", "then": [mail("pt")]},
            {"is": "pt-BR", "then": [mail("br")]},
            {"is": ["de", "nl"], "then": [mail("de")]},
        ],
        "else": [mail("en")],
    }
}


@pytest.mark.parametrize(
    ("attributes", "step"),
    [
        ({"language": "pt"}, "pt"),
        ({"language": "pt-BR"}, "br"),
        ({"locale": "pt_br"}, "br"),
        ({"language": "pt-PT"}, "pt"),
        ({"locale": "nl_NL"}, "de"),
        ({"language": "fr", "locale": "de-DE"}, "en"),
        ({"language": "p"}, "en"),
        ({"language": 5}, "en"),
        ({}, "en"),
    ],
)
def test_a_language_goes_before_its_region_only_where_the_region_has_no_way(attributes, step):
    assert walk(LANGUAGE, **attributes).steps == [step]


# Lots


def split(*shares):
    ways = [{"percent": share, "name": f"way {n}", "then": [mail(f"way-{n}")]} for n, share in enumerate(shares)]
    return {"id": "lot", "split": {"ways": ways}}


def draw(step, number, version=1):
    tour = parse_journey(journey(step), version=version)
    contact = Contact(f"contact-{number}")
    body = tour.steps[step["id"]].body
    enrollment = enroll(tour, contact.contact_id, Event("event-1", "Called", 0.0, 0.0), 0.0)
    return body.enter(Here(step["id"], enrollment, View(contact, 0.0), 0.0, None, ()))


def test_lots_are_stable_and_fall_by_their_percentages():
    step = split(50, 30, 20, 0)
    drawn = [draw(step, number).way for number in range(4_000)]
    assert drawn == [draw(step, number, version=9).way for number in range(4_000)]
    share = Counter(drawn)
    assert share["way 3"] == 0
    for way, percent in (("way 0", 50), ("way 1", 30), ("way 2", 20)):
        # Three standard deviations of 4,000 draws are less than 2.4 percent.
        assert abs(share[way] / 40 - percent) < 2.4


def test_two_splits_of_a_journey_draw_apart():
    first, second = split(50, 50), {**split(50, 50), "id": "again"}
    pairs = Counter((draw(first, number).way, draw(second, number).way) for number in range(2_000))
    assert all(abs(count / 20 - 25) < 3 for count in pairs.values())
    assert len(pairs) == 4


def test_a_holdout_lets_all_but_its_share_go_on():
    step = {"id": "out", "holdout": {"percent": 10}}
    held = [number for number in range(4_000) if not hasattr(draw(step, number), "way")]
    assert abs(len(held) / 40 - 10) < 1.5
    everyone = walk({"id": "out", "holdout": {"percent": 100}}, mail("never"))
    assert everyone.steps == []
    assert everyone.why("journey/tour")[-1] == ("exited", "is one of the 100 % who are held out here")
    assert everyone.contact.passages["tour"].last_state == "exited.out"


# Goal


def test_c64_a_step_can_be_the_goal():
    ana = walk(mail("hello"), {"goal": {"name": "greeted"}})
    assert ana.contact.passages["tour"].last_state == "goal"
    assert ana.why("journey/tour")[-1] == ("completed", "reached the goal 'greeted'")


# Loops


REMIND = (
    mail("reminder"),
    {"id": "look", "wait": {"opened": "reminder", "timeout": "P2D", "then": [{"exit": {"reason": "read"}}]}},
    {"id": "again", "goto": {"step": "reminder", "most": 2}},
    mail("last"),
)


def test_a_loop_goes_round_so_many_times_and_then_on():
    ana = walk(*REMIND).passes("P30D")
    assert ana.sent == [
        ("reminder", "2026-11-02T09:00"),
        ("reminder", "2026-11-04T09:00"),
        ("reminder", "2026-11-06T09:00"),
        ("last", "2026-11-08T09:00"),
    ]
    assert len({message.message_id for message in ana.messages}) == 4
    assert [verdict for verdict, _ in ana.why("journey/tour") if verdict in ("again", "goes on")] == [
        "again", "again", "goes on",
    ]  # fmt: skip
    assert ana.contact.passages["tour"].last_state == "completed"


def test_what_happened_to_the_message_of_one_round_does_not_count_for_the_next():
    steps = (
        mail("reminder"),
        {"id": "look", "wait": {"opened": "reminder", "timeout": "P2D"}},
        {"id": "pause", "wait": {"for": "P1D"}},
        {"id": "again", "goto": {"step": "reminder", "most": 1}},
        {"branch": {"cases": [{"if": {"opened": "reminder"}, "then": [mail("opened")]}], "else": [mail("ignored")]}},
    )
    ana = walk(*steps).passes("PT1H").opens("reminder")
    first = ana.messages[0]
    ana.passes("P1D")
    assert ana.steps == ["reminder", "reminder"]
    # The first mail is opened once more: that says nothing about the second.
    ana.does("Email Opened", message_id=first.message_id, actor="human").passes("P5D")
    assert ana.steps == ["reminder", "reminder", "ignored"]
    ana = walk(*steps).passes("P4D").opens("reminder").passes("P5D")
    assert ana.steps == ["reminder", "reminder", "opened"]


def test_a_jump_may_lead_forward_into_another_arm():
    steps = (
        {"id": "who", "branch": {
            "cases": [{"if": {"attribute": "plan", "is": "pro"}, "then": [mail("pro"), {"goto": {"step": "end"}}]}],
            "else": [mail("free"), mail("end")],
        }},
    )  # fmt: skip
    assert walk(*steps, plan="pro").steps == ["pro", "end"]
    assert walk(*steps).steps == ["free", "end"]


def test_loops_within_loops_come_to_an_end():
    steps = (
        mail("a"),
        {"id": "short", "wait": {"for": "PT1H"}},
        {"goto": {"step": "a", "most": 3}},
        {"id": "long", "wait": {"for": "P1D"}},
        {"goto": {"step": "a", "most": 2}},
        mail("end"),
    )
    ana = walk(*steps).passes("P300D")
    # The inner jumps are those of the whole passage.
    assert ana.steps == ["a"] * 6 + ["end"]
    assert ana.contact.active == {}
    tour = parse_journey(journey(*steps))
    assert ana.contact.passages["tour"].last_ended - ana.contact.passages["tour"].last_entered <= tour.longest


def test_a_loop_with_much_to_do_at_once_goes_on_where_it_stopped():
    many = [mail(f"m{number}") for number in range(12)]
    ana = walk(*many, {"id": "pause", "wait": {"for": "PT1H"}}, {"goto": {"step": "m0", "most": 2}}).passes("P1D")
    assert Counter(ana.steps) == {f"m{number}": 3 for number in range(12)}


@pytest.mark.parametrize(
    ("case", "steps", "path", "sentence"),
    [
        ("a loop without a wait", [mail("a"), {"goto": {"step": "a"}}], "steps[1]", "comes round again without a wait"),
        ("a jump to itself", [mail("a"), {"id": "b", "goto": {"step": "b"}}], "steps[1]", "without a wait"),
        ("a wait that may pass at once",
         [mail("a"), {"wait": {"opened": "a", "timeout": "P1D"}}, {"goto": {"step": "a"}}], "steps[2]",
         "without a wait"),
        ("hours that may be now",
         [mail("a"), {"wait": {"between": {"from": "09:00", "to": "17:00"}}}, {"goto": {"step": "a"}}], "steps[2]",
         "without a wait"),
        ("a way round that does not wait",
         [mail("a"), {"branch": {"cases": [{"if": {"segment": "x"}, "then": [{"wait": {"for": "P1D"}}]}]}},
          {"goto": {"step": "a"}}], "steps[2]", "without a wait"),
        ("two jumps that make a loop",
         [mail("a"), {"id": "one", "goto": {"step": "two"}}, {"wait": {"for": "P1D"}},
          {"id": "two", "goto": {"step": "a"}}], "steps[1]", "without a wait"),
        ("a jump to nowhere", [mail("a"), {"goto": {"step": "aa"}}], "steps[1]", "no step 'aa'; did you mean 'a'"),
        ("no target", [{"goto": {}}], "steps[0].goto.step", "is missing"),
        ("too many rounds", [{"goto": {"step": "a", "most": 1_000}}], "steps[0].goto.most", "between 1 and 100"),
        ("opened before it can be sent", [{"wait": {"opened": "b", "timeout": "P1D"}}, mail("b")], "steps[0].wait",
         "no send step 'b' comes before this"),
        ("what a goal hides", [{"goal": {}}, mail("a")], "steps[1]", "is never reached"),
        ("99 percent", [{"split": {"ways": [{"percent": 50}, {"percent": 49}]}}], "steps[0].split.ways",
         "add up to 99; they must add up to 100"),
        ("101 percent", [{"split": {"ways": [{"percent": 50.5}, {"percent": 50.5}]}}], "steps[0].split.ways", "to 101"),
        ("less than nothing", [{"split": {"ways": [{"percent": -1}, {"percent": 101}]}}],
         "steps[0].split.ways[0].percent", "between 0 and 100"),
        ("no ways", [{"split": {}}], "steps[0].split.ways", "is missing"),
        ("two ways of one name", [{"split": {"ways": [{"percent": 50, "name": "a"}, {"percent": 50, "name": "a"}]}}],
         "steps[0].split.ways[1].name", "two ways are called 'a'"),
        ("nobody held out", [{"holdout": {"percent": 0}}], "steps[0].holdout.percent", "between 0.01 and 100"),
        ("no language", [{"language": {"cases": [{"is": "not one!"}]}}], "steps[0].language.cases[0].is",
         "is no language"),
        ("a match of nothing", [{"match": {"cases": [{"is": 1}]}}], "steps[0].match.attribute", "is missing"),
        ("a match without a value", [{"match": {"attribute": "a", "cases": [{"then": []}]}}],
         "steps[0].match.cases[0].is", "is missing"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_at_its_path_with_a_sentence(case, steps, path, sentence):
    with pytest.raises(DefinitionError) as caught:
        parse_journey(journey(*steps))
    assert any(at == path and sentence in text for at, text in caught.value.mistakes), caught.value.mistakes


def test_the_timeout_of_a_wait_is_a_wait_and_a_message_of_a_loop_may_be_asked_about_before_it():
    steps = (
        mail("first"),
        {"id": "top", "branch": {"cases": [{"if": {"opened": "round"}, "then": [{"exit": {}}]}]}},
        mail("round"),
        {"wait": {"event": "Bought", "timeout": "P1D", "then": [{"goal": {}}]}},
        {"goto": {"step": "top", "most": 5}},
    )
    assert parse_journey(journey(*steps)).longest == 6 * DAY
    ana = walk(*steps).passes("PT1H").opens("round").passes("P9D")
    assert ana.steps == ["first", "round"]
    assert ana.contact.passages["tour"].last_state == "exited.top-case-1-exit-1"


# Laws

waits = st.sampled_from([{"for": "PT1H"}, {"until": "09:00"}, {"event": "Bought", "timeout": "P2D"}])
pieces = st.lists(
    st.one_of(
        st.just({"send": {"template": "hello"}}),
        st.builds(lambda wait: {"wait": wait}, waits),
        st.just({"update": {"set": {"seen": True}}}),
        st.just({"tag": {"add": "seen"}}),
        st.just({"split": {"ways": [{"percent": 50, "then": [{"wait": {"for": "P1D"}}]}, {"percent": 50}]}}),
        st.builds(lambda to, most: {"goto": {"step": f"s{to}", "most": most}}, st.integers(0, 7), st.integers(1, 3)),
    ),
    min_size=2,
    max_size=8,
)


@st.composite
def tours(draw):
    """Steps, of which some lead back to one before, over a wait."""
    steps = draw(pieces)
    for most in draw(st.lists(st.integers(1, 3), max_size=2)):
        back = draw(st.integers(0, len(steps) - 1))
        steps += [{"wait": {"for": "PT1H"}}, {"goto": {"step": f"s{back}", "most": most}}]
    return steps


@given(tours(), st.lists(st.tuples(st.sampled_from(["Bought", "Called"]), st.floats(60, 9 * DAY)), max_size=5))
@settings(max_examples=80, deadline=None)
def test_without_a_declared_loop_no_step_comes_twice_and_every_passage_ends(steps, events):
    document = journey(*({"id": f"s{number}", **step} for number, step in enumerate(steps)))
    try:
        tour = parse_journey(document)
    except DefinitionError:
        return  # a loop without a wait, or a jump to nowhere
    draw_journey(tour)
    ana = Person(document).does("Called")
    rounds = 1 + sum(step["goto"]["most"] for step in steps if "goto" in step)
    for name, later in events:
        ana.until(ana.now + later).does(name)
        for enrollment in ana.contact.active.values():
            assert enrollment.due is not None
            assert ana.contact.wake_at is not None
            assert max(enrollment.visits.values()) <= rounds
    ana.until(ana.now + tour.longest + DAY)
    assert ana.contact.active == {}
    assert ana.contact.passages["tour"].last_state == "completed"
    sent = Counter(message.step for message in ana.messages)
    assert all(count <= rounds for count in sent.values())
    assert len({message.message_id for message in ana.messages}) == len(ana.messages)
