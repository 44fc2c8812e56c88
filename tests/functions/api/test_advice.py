"""Advice about one person, and the rhythm of everybody."""

from postroad.commits import Commit
from postroad.contacts.engagement import HOUR, OPENED, Sent
from tests.functions.api.client import EMAIL, call, problem


def read_at_eight(account, whom=EMAIL):
    """Ana, or somebody else, reads her mails at eight in the evening, ten hours after they come."""
    from postroad_aws.storage import contacts

    contact, today = account.contact(whom), int(account.now() // HOUR) // 24 * 24
    contact.engagement = {
        "email": tuple(Sent(today + 10 - 24 * day, f"{day:02d}", OPENED, 10) for day in range(14, 0, -1))
    }
    contacts.commit(Commit(contact))
    return contact


def test_c24_the_api_tells_the_best_hour_in_numbers_and_in_a_sentence(account, ana):
    contact = read_at_eight(account)
    status, shown = call("GET", f"/api/v1/contacts/{contact.contact_id}/advice")
    assert status == 200
    (email,) = [time for time in shown["send_times"] if time["channel"] == "email"]
    assert (email["weekday"], email["hour"], email["openings"], email["confidence"]) == (None, 20, 14, "high")
    assert (email["minute"], email["basis"]) == (0, "habit")
    assert "20:00" in email["next_sentence"]
    assert "T20:00:00" in email["next_at"]
    assert email["sentence"].startswith("20:00 from 14 openings, 14 of them within an hour of it, confidence high (")
    assert email["gain"] > 2


def test_c25_the_api_ranks_the_ways_to_reach_somebody(account, ana):
    status, shown = call("GET", f"/api/v1/contacts/{ana.contact_id}/advice")
    assert status == 200
    assert shown["best_channel"] == "email"
    assert [way["channel"] for way in shown["channels"]] == ["email", "sms", "push", "phone"]
    assert [way["confidence"] for way in shown["channels"]] == ["high", "none", "none", "none"]
    assert shown["channels"][-1]["obstacle"] == "there is no number to call"
    account.fold(account.event("Noted", EMAIL, "phone:+351912345678", attributes={"preferred_channel": "phone"}))
    shown = call("GET", f"/api/v1/contacts/{ana.contact_id}/advice")[1]
    assert shown["best_channel"] == "phone"
    assert shown["channels"][0]["preferred"]


def test_of_somebody_new_the_usual_hour_is_told_with_no_confidence(account, ana):
    shown = call("GET", f"/api/v1/contacts/{ana.contact_id}/advice")[1]
    (email,) = shown["send_times"]
    assert (email["hour"], email["basis"], email["confidence"], email["openings"]) == (10, "usual", "none", 0)
    assert "the account's usual hour" in email["sentence"]


def test_the_rhythm_of_all_people_can_be_published_as_it_is_told(account, ana):
    read_at_eight(account)
    status, learned = call("GET", "/api/v1/advice/rhythm")
    assert (status, learned["rhythm"], learned["openings"], learned["people"]) == (200, [], 14, 1)
    for number in range(7):
        account.fold(account.event("Noted", f"email:{number}@example.com"))
        read_at_eight(account, f"email:{number}@example.com")
    learned = call("GET", "/api/v1/advice/rhythm")[1]
    assert (learned["openings"], learned["people"]) == (112, 8)
    assert max(range(24), key=learned["rhythm"].__getitem__) == 20
    assert 0 < learned["habits"] < 1
    from postroad.advice.rhythm import parse_weights

    assert len(parse_weights(learned["rhythm"])) == 24


def test_there_is_no_advice_about_nobody(account):
    assert problem(call("GET", "/api/v1/contacts/nobody/advice"))[0] == 404
