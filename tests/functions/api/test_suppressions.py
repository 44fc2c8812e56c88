"""Suppressions and consents: written before they are answered, heard of by the contact, lifted by rules."""

import json
from urllib.parse import quote

import pytest

from postroad.sending.feedback import REPORTED
from postroad_aws.clients import get_client
from postroad_aws.storage import refusals
from tests.account import ANA, PHONE
from tests.functions.api.client import EMAIL, MARKUP, call, paths, problem
from tests.shell import faults

BOB = "email:bob@example.com"


@pytest.fixture(autouse=True)
def on_ses_list(account):
    """SES's own list of suppressed addresses has none of ours."""
    yield faults.answer_calls(get_client("sesv2"), "DeleteSuppressedDestination", 404, "NotFoundException")
    faults.mend()


def suppress(address=EMAIL, reason="asked us by telephone"):
    return call("POST", "/api/v1/suppressions", body={"address": address, "reason": reason})


def lift(address=EMAIL, because="the mailbox works again"):
    return call("POST", "/api/v1/suppressions/lift", body={"address": address, "because": because})


def answer(topic="offers", granted=True, address=EMAIL, because=MARKUP):
    body = {"address": address, "topic": topic, "granted": granted, "because": because}
    return call("POST", "/api/v1/consents", body=body)


def answers(address=EMAIL):
    status, page = call("GET", "/api/v1/consents", {"address": address})
    assert status == 200
    return {item["topic"]: item for item in page["items"]}


def test_a_suppressed_address_gets_nothing_and_its_contact_knows(account, ana):
    status, made = suppress(f"email: {ANA.upper()}", MARKUP)
    assert status == 200
    assert (made["reason"], made["evidence"]) == (MARKUP, {"by": "api", "source": "demo-api"})
    assert refusals.find_suppression(EMAIL) == MARKUP
    assert call("GET", "/api/v1/suppressions", {"address": EMAIL})[1]["items"] == [made]
    account.fold_arrived()
    assert call("GET", f"/api/v1/contacts/{ana.contact_id}")[1]["suppressions"] == {EMAIL: MARKUP}


def test_the_first_reason_stays(account):
    first = suppress(reason="bounced")
    assert suppress(reason="changed our mind") == first


def test_an_address_that_nobody_has_is_suppressed_and_makes_no_contact(account):
    assert suppress(BOB)[0] == 200
    assert account.arrived() == []
    assert call("GET", "/api/v1/contacts", {"identity": BOB})[1]["items"] == []


def test_suppressions_are_listed_in_pages_and_no_address_is_among_them(account):
    for number in range(5):
        suppress(f"email:p{number}@example.com")
    found, query = [], {"limit": "2"}
    while True:
        page = call("GET", "/api/v1/suppressions", query)[1]
        found += page["items"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len({each["address_hash"] for each in found}) == len(found) == 5
    assert "example.com" not in json.dumps(found)
    assert call("GET", "/api/v1/suppressions", {"address": BOB})[1] == {"items": [], "next": None}


def test_a_lifted_suppression_leaves_a_proof_and_the_contact_knows(account, ana, on_ses_list):
    suppress()
    account.fold_arrived()
    assert lift() == (200, {"address": EMAIL})
    assert [asked["url_path"].rpartition("/")[2] for asked in on_ses_list] == [quote(ANA)]
    assert refusals.find_suppression(EMAIL) is None
    account.fold_arrived()
    assert call("GET", f"/api/v1/contacts/{ana.contact_id}")[1]["suppressions"] == {}
    (proof,) = get_client("dynamodb").scan(TableName="ConsentProof")["Items"]
    evidence = json.loads(proof["evidence"]["S"])
    assert (evidence["because"], evidence["source"]) == ("the mailbox works again", "demo-api")
    assert evidence["suppression"]["reason"] == "asked us by telephone"
    assert problem(lift())[0] == 404


def test_who_reported_a_mail_as_spam_must_have_said_yes_since(account):
    answer(granted=True)
    account.advance(60)
    refusals.save_suppression(EMAIL, REPORTED, account.now(), {"message_id": "m"})
    status, sentence = problem(lift())
    assert (status, "said yes" in sentence) == (409, True)
    assert refusals.find_suppression(EMAIL) == REPORTED
    account.advance(60)
    answer(granted=False)
    assert problem(lift())[0] == 409
    account.advance(60)
    answer(granted=True)
    assert lift()[0] == 200


def test_an_answer_is_in_force_at_once_and_leaves_a_proof(account, ana):
    assert answers()["offers"] == {
        "topic": "offers", "name": "Offers and reminders", "granted": None, "time": None, "obstacle": None,
    }  # fmt: skip
    status, said = answer(granted=False)
    assert status == 200
    assert (said["granted"], said["obstacle"]) == (False, "the contact unsubscribed from Offers and reminders")
    assert answers()["offers"] == said
    (proof,) = refusals.list_proof(EMAIL, "offers")
    assert proof.evidence == {"by": "api", "source": "demo-api", "because": MARKUP}
    account.fold_arrived()
    shown = call("GET", f"/api/v1/contacts/{ana.contact_id}")[1]
    assert shown["consents"]["offers"]["granted"] is False
    assert "Unsubscribed" in account.names(EMAIL)


def test_a_refusal_of_everything_is_an_obstacle_to_every_topic(account):
    answer("*", granted=False)
    assert all("unsubscribed from every" in each["obstacle"] for each in answers().values())
    suppress()
    assert {each["obstacle"] for each in answers().values()} == {"the address is suppressed: asked us by telephone"}


def test_an_answer_about_texts_says_nothing_about_mails(account):
    account.fold(account.event("Identified", EMAIL, f"phone:{PHONE}", attributes={"email": ANA, "phone": PHONE}))
    answer(address=f"phone:{PHONE}", granted=False)
    account.fold_arrived()
    contact = call("GET", "/api/v1/contacts", {"identity": EMAIL})[1]["items"][0]
    assert {key: said["granted"] for key, said in contact["consents"].items()} == {"sms:offers": False}
    assert answers()["offers"]["granted"] is None


@pytest.mark.parametrize("address", ["ana", "user:ana", "anon:x", "email:", "email:a b@c", "phone:1", "", "fax:1"])
def test_what_is_no_address_is_refused_everywhere(account, address):
    for found in (suppress(address), lift(address), answer(address=address)):
        assert problem(found)[0] == 422
        assert paths(found) == ["address"]
    for path in ("suppressions", "consents"):
        found = call("GET", f"/api/v1/{path}", {"address": address})
        assert (problem(found)[0], paths(found)) == (400, ["address"])


@pytest.mark.parametrize(
    ("body", "path"),
    [({"topic": "nothing"}, "topic"), ({"granted": "yes"}, "granted"), ({"granted": None}, "granted"),
     ({"because": ""}, "because"), ({"because": "x" * 501}, "because"), ({"because": 7}, "because"),
     ({"time": 1}, "time")],
)  # fmt: skip
def test_an_answer_with_a_mistake_is_not_recorded(account, body, path):
    wanted = {"address": EMAIL, "topic": "offers", "granted": True, "because": "said so"}
    found = call("POST", "/api/v1/consents", body={**wanted, **body})
    assert (problem(found)[0], paths(found)) == (422, [path])
    assert refusals.list_proof(EMAIL, "offers") == []
