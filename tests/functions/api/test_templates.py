"""A template is looked at as somebody would get it, and tried by a test."""

from functions.api.routes import templates
from tests.account import ANA, Channel
from tests.functions.api.client import call, problem

PREVIEW, TEST = "/api/v1/templates/grinder/preview", "/api/v1/templates/grinder/test"
MAIL = {
    "channel": "email",
    "topic": "offers",
    "subject": 'For {{ contact.first_name | default("you") }}',
    "blocks": [{"text": {"text": "Hello **you**"}}],
}


def test_a_template_is_shown_for_a_contact_and_for_anybody(account):
    account.sign_up(first_name="Ana")
    ana = account.contact(f"email:{ANA}").contact_id
    assert call("PUT", "/api/v1/definitions/template/grinder", body=MAIL)[0] == 200
    status, anybody = call("POST", PREVIEW)
    assert (status, anybody["subject"], anybody["missing"]) == (200, "For you", ["contact.first_name"])
    shown = call("POST", PREVIEW, body={"contact": ana})[1]
    assert (shown["subject"], shown["missing"], shown["problem"]) == ("For Ana", [], "")
    assert "<b>you</b>" in shown["html"] or "<strong>you</strong>" in shown["html"]
    other = call("POST", PREVIEW, body={"contact": ana, "definition": {**MAIL, "subject": "Other"}})[1]
    assert other["subject"] == "Other"


def test_what_cannot_be_shown_says_why(account):
    assert problem(call("POST", PREVIEW))[0] == 404
    assert problem(call("POST", PREVIEW, body={"definition": {"channel": "email"}}))[0] == 422
    assert problem(call("POST", PREVIEW, body={"definition": MAIL, "contact": "nobody"}))[0] == 404


def test_a_test_goes_to_people_of_the_account_alone(account, monkeypatch):
    channel = Channel()
    ports = account.with_channels(email=channel)
    monkeypatch.setattr(templates, "production", lambda: ports)
    status, tried = call("POST", TEST, body={"definition": MAIL, "to": ["marta@tidewater.example"]})
    assert (status, tried) == (200, {"tests": [{"address": "marta@tidewater.example", "problem": ""}]})
    assert [mail.to for mail in channel.sent] == ["marta@tidewater.example"]
    status, sentence = problem(call("POST", TEST, body={"definition": MAIL, "to": ["ana@elsewhere.example"]}))
    assert (status, "Tests go to addresses at tidewater.example" in sentence) == (400, True)
