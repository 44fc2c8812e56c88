import json
import re
from typing import NamedTuple

import pytest

from postroad.errors import DefinitionError
from postroad.journeys import describe_journey, parse_journey, validate_references
from tests.core.journeys.test_steps import ENDS, ROWS

HELLO = {"id": "hello", "send": {"template": "welcome"}}
HEAD = {"kind": "journey", "id": "tour", "trigger": {"event": "Signed Up"}}
NESTED = {
    **HEAD,
    "name": "The tour",
    "trigger": [{"event": "Signed Up", "where": {"property": "plan", "is": "pro"}}, {"segment": "vip"}],
    "reentry": {"after": "P7D"},
    "goal": {"event": "Order Completed", "within": "P14D"},
    "exit_if": {"segment": "staff"},
    "steps": [
        HELLO,
        {"id": "look", "wait": {
            "opened": "hello", "timeout": "P2D",
            "then": [{"wait": {"for": "PT1H"}}, {"id": "more", "send": {"template": "more", "expires": "P1D"}}],
            "else": [{"branch": {"cases": [
                {"if": {"attribute": "country", "is": "FR"}, "name": "French", "then": [{"exit": {"reason": "later"}}]},
                {"if": {"score": "engagement", "gte": 60}, "then": [{"update": {"stage": "mql"}}]},
            ]}}],
        }},
        {"wait": {"until": "09:00", "weekdays": ["mon", "tue"]}},
        {"id": "last", "send": {"template": "last", "channel": "sms"}},
    ],
}  # fmt: skip


def mistakes_of(document):
    with pytest.raises(DefinitionError) as caught:
        parse_journey(document)
    return caught.value.mistakes


def steps(*steps):
    return {**HEAD, "steps": list(steps)}


def nested(levels):
    step = HELLO
    for _ in range(levels):
        step = {"wait": {"event": "X", "timeout": "P1D", "then": [step]}}
    return steps(step)


MISTAKES = [
    ("no object", [], "", "must be an object with keys, not a list"),
    ("another kind", {**steps(HELLO), "kind": "segment"}, "kind", "must be one of journey"),
    ("no id", {"kind": "journey", "trigger": {"event": "X"}, "steps": [HELLO]}, "id", "is missing"),
    ("no trigger", {"kind": "journey", "id": "a", "steps": [HELLO]}, "trigger", "is missing"),
    ("a trigger of nothing", {**steps(HELLO), "trigger": {}}, "trigger", "what happens is one of event, segment"),
    ("a trigger of both", {**steps(HELLO), "trigger": {"event": "X", "segment": "a"}}, "trigger",
     "this one has event and segment"),
    ("where about a contact", {**steps(HELLO), "trigger": {"event": "X", "where": {"attribute": "a", "is": 1}}},
     "trigger.where.attribute", "not known in this place"),
    ("no steps", {**HEAD, "steps": []}, "steps", "1 to 200"),
    ("steps that are no list", {**HEAD, "steps": "send"}, "steps", "must be a list of objects, not text"),
    ("a step that is no object", steps(7), "steps[0]", "must be an object with keys, not a number"),
    ("a step of no type", steps({"id": "a"}), "steps[0]", "a step is one of send, .*; this one has none"),
    ("a step of two types", steps({**HELLO, "exit": {}}), "steps[0]", "this one has send and exit"),
    ("a misspelt type", steps({"id": "a", "sned": {}}), "steps[0].sned", "unknown key 'sned'; did you mean 'send'"),
    ("a send without an id", steps({"send": {"template": "a"}}), "steps[0].id", "a send step needs an id"),
    ("a send without a template", steps({"id": "a", "send": {}}), "steps[0].send.template", "is missing"),
    ("an unknown channel", steps({"id": "a", "send": {"template": "a", "channel": "fax"}}), "steps[0].send.channel",
     "must be one of email, sms"),
    ("one id twice", steps(HELLO, HELLO), "steps[1].id", "two steps have the id 'hello'"),
    ("an id that is none", steps({**HELLO, "id": "Hello There"}), "steps[0].id", "such as 'hello-there'"),
    ("a derived id that is taken", steps({**HELLO, "id": "wait-2"}, {"wait": {"for": "PT1H"}}), "steps[1].id",
     "two steps have the id 'wait-2'"),
    ("a wait for nothing", steps({"wait": {}}), "steps[0].wait", "a wait is one of for, until, "),
    ("a wait for two", steps({"wait": {"for": "PT1H", "until": "09:00"}}), "steps[0].wait", "has for and until"),
    ("a wait of no time", steps({"wait": {"for": "PT0S"}}), "steps[0].wait.for", "between 1 second and"),
    ("a wait of months", steps({"wait": {"for": "P1M"}}), "steps[0].wait.for", "is not a duration; write for example"),
    ("a wait without a timeout", steps({"wait": {"event": "X"}}), "steps[0].wait.timeout", "how long to wait at most"),
    ("arms of a plain wait", steps({"wait": {"for": "P1D", "then": []}}), "steps[0].wait.then", "unknown key 'then'"),
    ("no time of day", steps({"wait": {"until": "9am"}}), "steps[0].wait.until", "is not a time of day"),
    ("no weekday", steps({"wait": {"until": "09:00", "weekdays": ["monday"]}}), "steps[0].wait.weekdays", "mon, tue"),
    ("a weekday of no kind", steps({"wait": {"until": "09:00", "weekdays": [{}]}}), "steps[0].wait.weekdays",
     "mon, tue"),
    ("no time zone", steps({"wait": {"until": "09:00", "timezone": "Mars"}}), "steps[0].wait.timezone",
     "Europe/Madrid"),
    ("no time zone at all", {**steps(HELLO), "timezone": 5}, "timezone", "is not a time zone"),
    ("an opening of nothing sent", steps({"wait": {"opened": "hello", "timeout": "P1D"}}), "steps[0].wait",
     "no send step 'hello' comes before this"),
    ("an opening before the send", steps({"wait": {"opened": "hello", "timeout": "P1D"}}, HELLO), "steps[0].wait",
     "no send step 'hello' comes before this"),
    ("an opening misspelt", steps(HELLO, {"wait": {"opened": "helo", "timeout": "P1D"}}), "steps[1].wait",
     "did you mean 'hello'"),
    ("an opening of the other arm",
     steps({"wait": {"event": "X", "timeout": "P1D", "then": [HELLO],
                     "else": [{"wait": {"opened": "hello", "timeout": "P1D"}}]}}),
     "steps[0].wait.else[0].wait", "no send step 'hello' comes before this"),
    ("a branch without cases", steps({"branch": {}}), "steps[0].branch.cases", "is missing"),
    ("a case without if", steps({"branch": {"cases": [{"then": []}]}}), "steps[0].branch.cases[0].if", "is missing"),
    ("a case on a mark of nothing", steps({"branch": {"cases": [{"if": {"clicked": "x"}}]}}),
     "steps[0].branch.cases[0].if", "no send step 'x'"),
    ("two cases of one name",
     steps({"branch": {"cases": [{"if": {"segment": "a"}, "name": "a"}, {"if": {"segment": "b"}, "name": "a"}]}}),
     "steps[0].branch.cases[1].name", "two ways are called 'a'"),
    ("a case called else", steps({"branch": {"cases": [{"if": {"segment": "a"}, "name": "else"}]}}),
     "steps[0].branch.cases[0].name", "two ways are called 'else'"),
    ("an update of nothing", steps({"update": {}}), "steps[0].update", "says nothing to change"),
    ("an update to null", steps({"update": {"set": {"a": None}}}), "steps[0].update.set.a", "name it under unset"),
    ("an update to NaN", steps({"update": {"set": {"a": float("nan")}}}), "steps[0].update.set.a", "holds a number"),
    ("set and unset", steps({"update": {"set": {"a": 1}, "unset": ["a"]}}), "steps[0].update.unset",
     "both set and unset"),
    ("unset of no name", steps({"update": {"unset": [7]}}), "steps[0].update.unset", "must be text"),
    ("what an exit hides", steps({"exit": {}}, HELLO), "steps[1]", "is never reached"),
    ("what all arms hide",
     steps({"wait": {"event": "X", "timeout": "P1D", "then": [{"exit": {}}], "else": [{"exit": {}}]}}, HELLO),
     "steps[1]", "is never reached"),
    ("an unknown reentry", {**steps(HELLO), "reentry": "twice"}, "reentry", "must be one of once, always"),
    ("a reentry after nothing", {**steps(HELLO), "reentry": {}}, "reentry.after", "is missing"),
    ("a goal of nothing", {**steps(HELLO), "goal": {"within": "P1D"}}, "goal", "what happens is one of event"),
    ("a goal within months", {**steps(HELLO), "goal": {"event": "X", "within": "P1Y"}}, "goal.within",
     "not a duration"),
    ("exit_if on a mark of nothing", {**steps(HELLO), "exit_if": {"opened": "x"}}, "exit_if", "no send step 'x'"),
    ("an unknown key", {**steps(HELLO), "gaol": {}}, "gaol", "did you mean 'goal'"),
    ("too deep", nested(12), "steps[0]" + ".wait.then[0]" * 11, "more than 10 levels deep; make it two journeys"),
    ("too many steps", steps(*[{"wait": {"event": "X", "timeout": "P1D",
     "then": [{"wait": {"for": "P1D"}}] * 2}}] * 70),
     "steps", "has 210 steps; at most 200"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "document", "path", "sentence"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_refused_at_its_path_with_a_sentence(case, document, path, sentence):
    found = mistakes_of(document)
    assert any(at == path and re.search(sentence, text) for at, text in found), found


def test_a_journey_is_the_same_after_a_round_trip_through_json():
    first, after = {"id": "first", "send": {"template": "first"}}, {"id": "after", "wait": {"for": "P1D"}}
    rows = (steps(first, row[0], *([] if name in ENDS else [after])) for name, row in ROWS.items())
    for document in (NESTED, *({**row, "goal": {"event": "Bought"}} for row in rows)):
        again = json.loads(json.dumps(document))
        assert again == document
        assert describe_journey(parse_journey(again)) == describe_journey(parse_journey(document))


def test_all_mistakes_are_told_at_once():
    document = {**steps({"send": {}}, {"wait": {"for": "soon"}}), "reentry": 7}
    paths = [path for path, _ in mistakes_of(document)]
    assert sorted(paths) == ["reentry", "steps[0].id", "steps[0].send.template", "steps[1].wait.for"]


@pytest.mark.parametrize(
    "document",
    [None, 7, "x", [], {}, {"steps": [[]]}, {"steps": [None]}, {"steps": {"a": 1}}, {**HEAD, "trigger": 7, "steps": 7},
     {**HEAD, "trigger": [7, {}], "goal": [], "exit_if": 3, "reentry": [], "steps": [{"wait": []}, {"send": 7}]},
     steps({"branch": {"cases": [{"if": 7, "then": 7}, None], "else": 7}}), steps({"update": {"set": [], "unset": {}}}),
     steps({"update": {"set": {7: 1, "": 2, "\ud800": 3}}}), steps({"wait": {"event": 7, "where": [], "timeout": []}}),
     steps({"wait": {"opened": {"a": 1}, "timeout": "P1D"}}), steps({"id": [], "exit": {"reason": {}}})],
)  # fmt: skip
def test_junk_is_refused_as_a_mistake_and_never_otherwise(document):
    assert mistakes_of(document)


def test_steps_form_a_graph_whose_arms_merge():
    journey = parse_journey(NESTED, version=4)
    assert journey.key == "journey/tour@4"
    assert journey.outline == ("hello", "look", "wait-3", "last")
    assert {step.id: (step.next, dict(step.arms)) for step in journey.steps.values()} == {
        "hello": ("look", {}),
        "look": ("wait-3", {"then": ("look-then-wait-1", "more"), "else": ("look-else-branch-1",)}),
        "look-then-wait-1": ("more", {}),
        "more": ("wait-3", {}),
        "look-else-branch-1": ("wait-3", {
            "French": ("look-else-branch-1-french-exit-1",),
            "case 2": ("look-else-branch-1-case-2-update-1",),
            "else": (),
        }),
        "look-else-branch-1-french-exit-1": ("wait-3", {}),
        "look-else-branch-1-case-2-update-1": ("wait-3", {}),
        "wait-3": ("last", {}),
        "last": (None, {}),
    }  # fmt: skip
    branch = journey.steps["look-else-branch-1"]
    assert (branch.way("French"), branch.way("else")) == ("look-else-branch-1-french-exit-1", "wait-3")


def test_a_message_of_any_arm_may_be_asked_about_after_the_block():
    arms = {"then": [{**HELLO, "id": "one"}], "else": [{**HELLO, "id": "two"}]}
    either = {"if": {"any": [{"opened": "one"}, {"opened": "two"}]}}
    journey = parse_journey(steps({"wait": {"event": "X", "timeout": "P1D", **arms}}, {"branch": {"cases": [either]}}))
    assert journey.reads == {"mark:one", "mark:two"}


def test_a_journey_knows_what_it_listens_to_and_reads():
    journey = parse_journey(NESTED)
    assert journey.starts_on == {"signed up", "segment entered"}
    assert journey.waits_for == {"order completed"}
    assert journey.watches == {"segment:staff"}
    assert journey.reads == {"segment:staff", "mark:hello", "attribute:country", "score:engagement"}
    often = {"event": "Page Viewed", "at_least": 2, "within": "P1D"}
    counting = parse_journey(steps({"branch": {"cases": [{"if": often}]}}))
    assert [tracker.events for tracker in counting.trackers] == [("page viewed",)]


DAY = 86_400.0


@pytest.mark.parametrize(
    ("document", "days"),
    [
        (steps(HELLO), 0),
        (steps(HELLO, {"wait": {"for": "P2D"}}, {"wait": {"for": "P3D"}}), 5),
        (steps({"wait": {"until": "09:00", "weekdays": ["mon"]}}), 8),
        (NESTED, 2 + 1 / 24 + 8),
        (steps({"wait": {"event": "X", "timeout": "P2D", "then": [{"wait": {"for": "P9D"}}, {"exit": {}}]}}), 11),
        (steps({"wait": {"event": "X", "timeout": "P2D", "then": [{"exit": {}}]}}, {"wait": {"for": "P4D"}}), 6),
        (nested(10), 11 - 1),
    ],
)
def test_a_journey_knows_how_long_somebody_is_under_way_at_most(document, days):
    assert parse_journey(document).longest == pytest.approx(days * DAY)


def test_a_journey_describes_itself():
    assert describe_journey(parse_journey(NESTED)) == (
        "The tour",
        "Starts with Signed Up (plan is pro) or entering segment vip",
        "Contacts enter again 1 week later",
        "Goal: Order Completed within 2 weeks",
        "Ends early if: is in the segment staff",
        "1. Send welcome by email [hello]",
        "2. Wait until: opened hello, at most 2 days [look]",
        "   If it happens:",
        "     1. Wait for 1 hour [look-then-wait-1]",
        "     2. Send more by email, unless it is older than 1 day by then [more]",
        "   If the time runs out:",
        "     1. Take the first way that holds [look-else-branch-1]",
        "        French, if: country is FR",
        "          1. Exit: later [look-else-branch-1-french-exit-1]",
        "        Case 2, if: score engagement is at least 60",
        "          1. Move to stage mql [look-else-branch-1-case-2-update-1]",
        "3. Wait until 09:00 on Mon, Tue, local time [wait-3]",
        "4. Send last by sms [last]",
    )


def test_a_case_without_steps_is_described_too():
    cases = [{"if": {"attribute": "plan", "is": "pro"}, "name": "pro"}, {"if": {"segment": "vip"}, "then": [HELLO]}]
    assert describe_journey(parse_journey(steps({"branch": {"cases": cases}})))[3:] == (
        "1. Take the first way that holds [branch-1]",
        "   Pro, if: plan is pro: goes on",
        "   Case 2, if: is in the segment vip",
        "     1. Send welcome by email [hello]",
    )


@pytest.mark.parametrize("event", ["Journey Ended", "journey started"])
@pytest.mark.parametrize(
    ("where", "is_sound"),
    [
        (None, False),
        ({"property": "state", "is": "completed"}, False),
        ({"property": "journey", "is": "welcome"}, True),
        ({"all": [{"property": "state", "is": "exited"}, {"not": {"property": "journey", "is": "tour"}}]}, True),
    ],
)
def test_a_trigger_on_journeys_says_which_one(event, where, is_sound):
    trigger = {"event": event, **({"where": where} if where else {})}
    document = {**steps(HELLO), "trigger": [{"event": "Signed Up"}, trigger], "reentry": "always"}
    if is_sound:
        assert parse_journey(document).starts_on == {"signed up", event.lower()}
    else:
        ((path, sentence),) = mistakes_of(document)
        assert path == "trigger[1].where"
        assert "must say which journey is meant, as in {property: journey, is: welcome}" in sentence


class Template(NamedTuple):
    channel: str
    topic: str


def test_broken_references_are_told_with_their_paths():
    journey = parse_journey(NESTED)
    templates = {"welcome": Template("email", ""), "more": Template("sms", "news"), "lost": Template("sms", "news")}
    known = {"segment": {"vip"}, "score": (), "stage": {"mql"}}
    assert dict(validate_references(journey, known, templates)) == {
        "steps[0].send.template": "template 'welcome' has no topic, so nobody can have consented to it; give it one",
        "steps[1].wait.then[1].send.template": "template 'more' is for sms, and this step sends by email",
        "steps[1].wait.else[0].branch.cases[1].if": "there is no score 'engagement'; publish it first",
        "steps[3].send.template": "there is no template 'last'; did you mean 'lost'?",
        "exit_if": "there is no segment 'staff'; publish it first",
    }


def test_sound_references_give_no_mistake():
    mail, text = Template("email", "news"), Template("sms", "news")
    known = {"segment": {"vip", "staff"}, "score": {"engagement": 1}, "stage": ["mql"], "topic": ()}
    assert validate_references(parse_journey(NESTED), known, {"welcome": mail, "more": mail, "last": text}) == ()


def test_consent_names_a_topic():
    journey = parse_journey(steps({"branch": {"cases": [{"if": {"consent": "offers"}}]}}))
    assert validate_references(journey, {"topic": {"news"}}, {}) == (
        ("steps[0].branch.cases[0].if", "there is no topic 'offers'; name it among the topics of your policy"),
    )


def test_a_holiday_is_named_in_the_policys_calendar():
    start = {"holiday": "Christmas", "before": "P21D", "segment": "vip"}
    journey = parse_journey({**steps(HELLO), "trigger": start, "reentry": {"after": "P300D"}})
    assert validate_references(journey, {"holiday": ()}, {"welcome": Template("email", "news")}) == (
        (
            "trigger.holiday",
            "there is no holiday 'Christmas'; name it among the closed days of your policy's calendar",
        ),
    )
