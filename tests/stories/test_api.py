"""The JSON API as a developer reads it: shapes, lists with pages, identities, and why things happened."""

import re

from tests.stories.client import fresh

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_a_contact_says_all_that_is_known(shop):
    ana = shop.person("ana", phone="+351912000009", plan="office")
    ana.track("Signed Up")
    ana.track("Order Completed", total=12)
    contact = ana.contact()
    assert {"contact_id", "attributes", "identities", "scores", "stage", "segments"} <= set(contact)
    assert contact["attributes"] == {"email": ana.email, "first_name": "Ana", "phone": ana.phone, "plan": "office"}
    assert contact["identities"] == [f"email:{ana.email}", f"phone:{ana.phone}", f"user:{ana.user}"]
    assert (contact["stage"], contact["segments"]) == ("customer", ["customers"])
    assert contact["scores"]["engagement"] == 30.0
    assert INSTANT.fullmatch(contact["created_at"])
    assert shop.get(f"/contacts/{contact['contact_id']}") == contact


def test_everybody_is_found_by_each_of_their_identities(shop):
    ana = shop.person("ana", phone="+351912000010")
    contact = ana.contact()
    for identity in (*contact["identities"], f"email:{ana.email.upper()}", "phone:+351 912 000 010"):
        assert shop.get("/contacts", identity=identity) == {"items": [contact], "next": None}
    assert shop.get("/contacts", identity="email:nobody@example.com") == {"items": [], "next": None}


def test_a_timeline_item_says_what_happened_when_and_what_followed(shop):
    ana = shop.person("ana")
    ana.track("Signed Up", plan="office", nested={"a": [1, 2.5, None, True]})
    signed_up, identified = ana.timeline()
    assert {"event_id", "name", "time", "properties"} <= set(signed_up)
    assert (signed_up["name"], identified["name"]) == ("Signed Up", "Identified")
    assert signed_up["properties"] == {"plan": "office", "nested": {"a": [1, 2.5, None, True]}}
    assert INSTANT.fullmatch(signed_up["time"])
    assert [caused["name"] for caused in signed_up["caused"]] == ["Journey Started"]
    assert [decision["definition"] for decision in signed_up["decisions"]] == ["journey/welcome@1"] * 3


def test_lists_come_in_pages_that_lose_and_repeat_nothing(shop):
    ana = shop.person("ana")
    for number in range(7):
        shop.track(ana.user, "Counted", number=number)
    everything = ana.timeline()
    assert len(everything) == 8
    assert ana.timeline(limit=3) == everything
    first = shop.get(f"/contacts/{ana.contact()['contact_id']}/timeline", limit=3)
    assert len(first["items"]) == 3
    assert first["next"]
    mark = [fresh("listed") for _ in range(3)]
    for user in mark:
        shop.identify(user)
    shop.settle()
    listed = [identity for contact in shop.items("/contacts", limit=2) for identity in contact["identities"]]
    assert {f"user:{user}" for user in mark} <= set(listed)
    assert len(listed) == len(set(listed))
    definitions = shop.items("/definitions", kind="template", limit=4)
    assert len(definitions) >= 12
    assert {"welcome", "cart-text", "nurture-case"} <= {each["id"] for each in definitions}
    assert all(each["kind"] == "template" for each in definitions)


def test_contacts_are_listed_the_newest_first(shop):
    users = [fresh("new") for _ in range(3)]
    for user in users:
        shop.identify(user)
        shop.advance("PT1S")
    newest = shop.get("/contacts", limit=3)["items"]
    assert [contact["identities"] for contact in newest] == [[f"user:{user}"] for user in reversed(users)]


def test_a_message_says_what_became_of_it_and_when(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    message = ana.messages()["welcome"]
    assert message["state"] == "delivered"
    assert list(message["times"]) == ["queued", "sent", "delivered"]
    assert list(message["times"].values()) == sorted(message["times"].values())
    assert (message["origin"], message["template"], message["channel"]) == ("journey/welcome@1", "welcome", "email")
    assert message["reason"] is None
    assert shop.get(f"/messages/{message['message_id']}") == message


def test_why_something_did_not_happen_is_written_down(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    ana.track("Signed Up")
    [refused] = [decision for decision in ana.decisions("journey/welcome") if decision["verdict"] == "not started"]
    assert set(refused) >= {"time", "event_id", "event", "definition", "step", "verdict", "because"}
    assert refused["event"] == "Signed Up"
    assert refused["because"].startswith("is in this journey since ")


def test_a_mail_is_one_that_mail_programs_and_people_can_read(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    mail = ana.latest()
    assert mail.headers["From"] == "Tidewater Coffee <hello@tidewater.example>"
    assert mail.headers["To"] in (ana.email, f"<{ana.email}>")
    assert mail.headers["MIME-Version"] == "1.0"
    assert mail.headers["Content-Type"].startswith("multipart/alternative")
    assert "Good to have you, Ana." in mail.text
    assert "FIRSTBAG" in mail.text
    assert "<" not in mail.text.replace("<http", "").replace("<https", "")
    assert "Rua do Cais 12" in mail.html
    assert all(link.startswith(("http://localhost:", "mailto:")) for link in mail.links().values())
