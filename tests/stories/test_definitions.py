"""Definitions through the API: drafts, their mistakes, publishing, and what that does to who is there already."""

import pytest

from tests.books import FOOTER
from tests.stories.client import fresh


def _template(name, **more):
    return {
        "kind": "template",
        "id": name,
        "channel": "email",
        "topic": "offers",
        "subject": name,
        "html": "<p>Hi</p>" + FOOTER,
        **more,
    }


def _journey(name, *steps, **more):
    return {
        "kind": "journey",
        "id": name,
        "trigger": {"event": name},
        "reentry": "always",
        "steps": list(steps),
        **more,
    }


def test_a_draft_may_have_mistakes_and_says_where(shop):
    name = fresh("draft")
    document = {
        "if": {"all": [{"attribute": "plan", "iss": "home"}, {"event": "Order Completed", "at_least": 0}]},
        "color": "red",
    }
    saved = shop.api("PUT", f"/definitions/segment/{name}", document)
    assert saved.status_code == 200
    assert {mistake["path"]: mistake["detail"] for mistake in saved.json()["mistakes"]} == {
        "if.all[0].iss": "unknown key 'iss'; did you mean 'is'?",
        "if.all[1].at_least": "must be a number between 1 and 1000000000",
        "color": "unknown key 'color'; known here: kind, id, name, description, static, if",
    }
    checked = shop.api("POST", f"/definitions/segment/{name}/validate").json()
    assert (checked["valid"], checked["mistakes"], checked["description"]) == (False, saved.json()["mistakes"], [])
    refused = shop.api("POST", f"/definitions/segment/{name}/publish")
    assert refused.status_code == 422
    assert refused.json()["errors"] == saved.json()["mistakes"]
    assert shop.get(f"/definitions/segment/{name}")["live_version"] is None


def test_a_journey_may_not_refer_to_what_is_not_there(shop):
    name = fresh("broken")
    steps = [
        {"id": "mail", "send": {"template": "no-such-template"}},
        {"branch": {"cases": [{"if": {"segment": "no-such-segment"}, "then": []}]}},
    ]
    shop.api("PUT", f"/definitions/journey/{name}", _journey(name, *steps))
    refused = shop.api("POST", f"/definitions/journey/{name}/publish")
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"path": "steps[0].send.template", "detail": "there is no template 'no-such-template'; publish it first"},
        {"path": "steps[1].branch.cases[0].if", "detail": "there is no segment 'no-such-segment'; publish it first"},
    ]


@pytest.mark.parametrize(
    ("step", "path"),
    [
        ({"id": "look", "wait": {"opened": "nothing", "timeout": "P1D"}}, "steps[0].wait"),
        ({"wait": {"for": "soon"}}, "steps[0].wait.for"),
        ({"wait": {"for": "PT0S"}}, "steps[0].wait.for"),
        ({"wait": {"until": "25:00"}}, "steps[0].wait.until"),
        ({"wait": {"event": "X"}}, "steps[0].wait.timeout"),
        ({"dance": {}}, "steps[0].dance"),
        ({"branch": {"cases": []}}, "steps[0].branch.cases"),
        ({"send": {"template": "welcome"}}, "steps[0]"),
        ({"id": "a", "send": {"template": "welcome", "channel": "sms"}}, "steps[0].send.template"),
        ({"id": "a", "update": {"stage": "no-such-stage"}}, "steps[0].update.stage"),
    ],
)
def test_each_mistake_in_a_step_has_its_path_and_a_sentence(shop, step, path):
    checked = shop.api("POST", "/definitions/journey/odd/validate", _journey("odd", step)).json()
    assert checked["valid"] is False
    assert checked["mistakes"][0]["path"].startswith(path), checked
    assert len(checked["mistakes"][0]["detail"]) > 8


def test_a_document_is_described_in_words_before_it_is_published(shop):
    name = fresh("words")
    document = {"if": {"event": "Order Completed", "at_least": 2, "within": "P30D"}}
    checked = shop.api("POST", f"/definitions/segment/{name}/validate", document).json()
    assert (checked["valid"], checked["mistakes"]) == (True, [])
    assert checked["description"] == ["did Order Completed at least 2 times within the last 30 days"]
    assert shop.api("GET", f"/definitions/segment/{name}").status_code == 404


def test_two_people_who_edit_one_draft_do_not_overwrite_each_other(shop):
    path = f"/definitions/segment/{fresh('edited')}"
    first = shop.api("PUT", path, {"if": {"attribute": "plan", "is": "home"}})
    read = first.headers["etag"]
    assert shop.api("PUT", path, {"if": {"attribute": "plan", "is": "a"}}, read=read).status_code == 200
    assert shop.api("PUT", path, {"if": {"attribute": "plan", "is": "b"}}, read=read).status_code == 412
    assert shop.api("PUT", path, {"if": {"attribute": "plan", "is": "b"}}).status_code == 428
    assert shop.get(path)["document"]["if"]["is"] == "a"


def test_publishing_a_segment_folds_who_is_there_already_from_their_timeline(shop):
    name, event = fresh("buyers"), fresh("Bought")
    ana, bob, eve = shop.person("ana"), shop.person("bob"), shop.person("eve")
    for _ in range(2):
        ana.track(event, total=50)
        eve.track(event, total=5)
    bob.track(event, total=50)
    shop.advance("P2D")
    condition = {"event": event, "at_least": 2, "within": "P30D", "where": {"property": "total", "gte": 10}}
    before = ana.contact()["last_seen"]
    assert shop.publish({"kind": "segment", "id": name, "name": "Buyers", "if": condition}) == {f"segment/{name}": 1}
    shop.settle()
    assert name in ana.contact()["segments"]
    assert ana.contact()["last_seen"] == before
    assert name not in bob.contact()["segments"]
    assert name not in eve.contact()["segments"]
    bob.track(event, total=50)
    assert name in bob.contact()["segments"]
    shop.advance("P29D")
    assert name not in ana.contact()["segments"]  # time alone
    assert name not in bob.contact()["segments"]  # the first of two is older than 30 days
    entered = [d["because"] for d in bob.decisions(f"segment/{name}")]
    assert len(entered) == 2


def test_publishing_a_score_counts_what_was_done_before(shop):
    name, event = fresh("heat"), fresh("Poked")
    ana = shop.person("ana")
    for _ in range(3):
        ana.track(event)
    shop.publish({"kind": "score", "id": name, "rules": [{"id": "poke", "event": event, "points": 7}]})
    assert ana.contact()["scores"][name] == 21.0
    ana.track(event)
    assert ana.contact()["scores"][name] == 28.0


def test_who_is_on_the_way_stays_with_the_version_that_they_entered(shop):
    name = fresh("pinned")
    one, two = _template(f"{name}-one"), _template(f"{name}-two")
    steps = [{"id": "day", "wait": {"for": "P1D"}}, {"id": "mail", "send": {"template": f"{name}-one"}}]
    assert shop.publish(one, two, _journey(name, *steps))[f"journey/{name}"] == 1
    ana, bob = shop.person("ana"), shop.person("bob")
    ana.track(name)
    steps[1] = {"id": "mail", "send": {"template": f"{name}-two"}}
    assert shop.publish(_journey(name, *steps)) == {f"journey/{name}": 2}
    bob.track(name)
    shop.advance("P1DT1M")
    assert (ana.subjects(), bob.subjects()) == ([f"{name}-one"], [f"{name}-two"])
    assert (ana.messages()["mail"]["origin"], bob.messages()["mail"]["origin"]) == (
        f"journey/{name}@1",
        f"journey/{name}@2",
    )
    assert [m["message_id"] for m in shop.items("/messages", origin=f"journey/{name}@1")] == [
        ana.messages()["mail"]["message_id"]
    ]
    old = shop.get(f"/definitions/journey/{name}/versions/1")
    assert old["document"]["steps"][1]["send"]["template"] == f"{name}-one"


def test_a_template_that_cannot_be_rendered_fails_that_one_mail_and_the_journey_goes_on(shop):
    name = fresh("broken")
    shop.publish(
        _template(f"{name}-bad", html="<p>{{ 100 / contact.divisor }}</p>" + FOOTER),
        _template(f"{name}-good"),
        _journey(
            name,
            {"id": "bad", "send": {"template": f"{name}-bad"}},
            {"id": "day", "wait": {"for": "P1D"}},
            {"id": "good", "send": {"template": f"{name}-good"}},
        ),
    )
    ana, bob = shop.person("ana", divisor=0), shop.person("bob", divisor=4)
    ana.track(name)
    bob.track(name)
    shop.advance("P1DT1M")
    bad = ana.messages()["bad"]
    assert bad["state"] == "failed"
    assert bad["reason"].startswith("the template could not be rendered: ")
    assert ana.subjects() == [f"{name}-good"]
    assert bob.subjects() == [f"{name}-bad", f"{name}-good"]
    assert "Message Failed" in [item["name"] for item in ana.timeline()]


def test_an_attribute_that_is_no_text_fails_the_mail_that_shows_it(shop):
    ana = shop.person("ana", firstName={"given": "Ana"})
    ana.track("Signed Up")
    message = ana.messages()["welcome"]
    assert message["state"] == "failed"
    assert "could not be rendered" in message["reason"]
    shop.advance("P4D")
    assert ana.is_in("welcome") == "first-purchase"


@pytest.mark.parametrize(
    "html",
    [
        "{{ contact.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{% include 'x' %}",
        "{{ contact.first_name",
        "{% for x in y %}",
    ],
)
def test_a_template_that_reaches_for_python_is_refused(shop, html):
    name = fresh("sneaky")
    saved = shop.api("PUT", f"/definitions/template/{name}", _template(name, html=f"<p>{html}</p>" + FOOTER)).json()
    assert [mistake["path"] for mistake in saved["mistakes"]][:1] == ["html"]
    assert shop.api("POST", f"/definitions/template/{name}/publish").status_code == 422


def test_entering_a_segment_starts_a_journey_and_publishing_it_starts_none(shop):
    name, event = fresh("arrivals"), fresh("Arrived")
    ana, bob = shop.person("ana"), shop.person("bob")
    ana.track(event)
    shop.publish(
        {"kind": "segment", "id": name, "if": {"event": event, "at_least": 1, "within": "P30D"}},
        _template(name),
        _journey(name, {"id": "mail", "send": {"template": name}}, trigger={"segment": name}),
    )
    assert name in ana.contact()["segments"]
    assert ana.inbox() == []
    bob.track(event)
    assert bob.subjects() == [name]
