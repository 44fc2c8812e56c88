"""Who is who: from anonymous to known, people who share a device, aliases, and what a page's public key may say."""

from tests.books import FOOTER
from tests.stories.client import BROWSER_KEY, fresh


def test_what_an_anonymous_visitor_did_belongs_to_whom_they_turn_out_to_be(shop):
    device, user = fresh("device"), fresh("ana")
    shop.page("/", anonymous=device)
    shop.page("/plans/home", anonymous=device)
    before = shop.find(f"anon:{device}")
    assert (before["identities"], before["stage"]) == ([f"anon:{device}"], "visitor")
    assert before["scores"]["engagement"] == 4.0
    shop.advance("PT5M")
    shop.identify(user, anonymous=device, email=f"{user}@example.com")
    shop.track(user, "Signed Up")
    ana = shop.find(f"email:{user}@example.com")
    assert ana["identities"] == [f"anon:{device}", f"email:{user}@example.com", f"user:{user}"]
    assert ana["stage"] == "lead"
    timeline = shop.items(f"/contacts/{ana['contact_id']}/timeline")
    paths = [item["properties"].get("path") for item in timeline if item["name"] == "Page Viewed"]
    assert paths == ["/plans/home", "/"]
    assert shop.find(f"anon:{device}")["contact_id"] == ana["contact_id"]
    assert [mail.subject for mail in shop.inbox(f"{user}@example.com")] == ["Welcome aboard"]


def test_a_history_that_was_its_own_contact_follows_into_the_known_one(shop):
    """The user is known already, from another device; the visitor of this device turns out to be that user."""
    device, user = fresh("device"), fresh("ana")
    shop.identify(user, email=f"{user}@example.com")
    shop.track(None, "Product Added", anonymous=device, name="Mug")
    visitor = shop.find(f"anon:{device}")
    assert visitor["journeys"][0]["journey"] == "abandoned-cart"
    shop.identify(user, anonymous=device)
    ana = shop.find(f"user:{user}")
    assert visitor["contact_id"] != ana["contact_id"]
    assert shop.get(f"/contacts/{visitor['contact_id']}")["contact_id"] == ana["contact_id"]
    assert visitor["contact_id"] in ana["merged_from"]
    assert "Product Added" in [item["name"] for item in shop.items(f"/contacts/{ana['contact_id']}/timeline")]
    assert ana["scores"]["engagement"] == 15.0
    shop.advance("PT61M")
    assert [mail.subject for mail in shop.inbox(f"{user}@example.com")] == ["Mug is waiting for you"]


def test_two_people_who_share_a_device_stay_two_people(shop):
    device, ana, bob = fresh("device"), fresh("ana"), fresh("bob")
    shop.page("/", anonymous=device)
    shop.identify(ana, anonymous=device, email=f"{ana}@example.com")
    shop.identify(bob, anonymous=device, email=f"{bob}@example.com")
    shop.track(bob, "Product Viewed", anonymous=device)
    first, second = shop.find(f"user:{ana}"), shop.find(f"user:{bob}")
    assert first["contact_id"] != second["contact_id"]
    assert f"user:{bob}" not in first["identities"]
    assert f"email:{ana}@example.com" not in second["identities"]
    assert [i["name"] for i in shop.items(f"/contacts/{second['contact_id']}/timeline")] == [
        "Product Viewed",
        "Identified",
    ]
    assert shop.find(f"anon:{device}")["contact_id"] == first["contact_id"]
    kept = [d for d in shop.items(f"/contacts/{second['contact_id']}/decisions") if d["definition"] == "identity"]
    assert kept[0]["because"] == "an identity of this event belongs to another contact"


def test_an_alias_makes_two_users_one(shop):
    old, new = fresh("old"), fresh("new")
    shop.identify(old, email=f"{old}@example.com", city="Porto")
    shop.track(old, "Order Completed")
    shop.identify(new, plan="home")
    shop.send("alias", {"userId": new, "previousId": old})
    one = shop.find(f"user:{new}")
    assert shop.find(f"user:{old}")["contact_id"] == one["contact_id"]
    assert one["identities"] == sorted([f"user:{new}", f"user:{old}", f"email:{old}@example.com"])
    assert (one["attributes"]["city"], one["attributes"]["plan"], one["stage"]) == ("Porto", "home", "customer")
    assert "customers" in one["segments"]
    names = [item["name"] for item in shop.items(f"/contacts/{one['contact_id']}/timeline")]
    assert sorted(names) == ["Aliased", "Identified", "Identified", "Order Completed"]
    shop.send("alias", {"userId": new, "previousId": old})
    assert shop.find(f"user:{new}")["scores"] == one["scores"]


def test_junk_ids_make_nobody_one(shop):
    device, word = fresh("device"), fresh("word")
    for junk in ("null", "undefined", "0", "00000000-0000-0000-0000-000000000000"):
        answer = shop.post("/v1/track", {"userId": junk, "event": word})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        assert answer.json()["message"].startswith("The event names nobody")
        shop.track("null", word, anonymous=device)
    assert shop.find(f"anon:{device}")["identities"] == [f"anon:{device}"]


def test_a_public_key_adds_and_never_overwrites_what_a_server_confirmed(shop):
    ana = shop.person("ana", plan="office")
    shop.identify(ana.user, key=BROWSER_KEY, plan="free", nickname="Annie")
    attributes = ana.contact()["attributes"]
    assert (attributes["plan"], attributes["nickname"]) == ("office", "Annie")
    shop.identify(ana.user, key=BROWSER_KEY, nickname="An")
    shop.identify(ana.user, nickname="Anita")
    shop.identify(ana.user, key=BROWSER_KEY, nickname="Annie")
    assert ana.contact()["attributes"]["nickname"] == "Anita"


def test_a_public_key_joins_no_known_people_and_takes_nobodys_address(shop):
    ana, bob = shop.person("ana"), shop.person("bob")
    elsewhere = f"{fresh('thief')}@example.com"
    shop.identify(ana.user, key=BROWSER_KEY, email=bob.email)
    shop.identify(ana.user, key=BROWSER_KEY, email=elsewhere)
    shop.send("alias", {"userId": ana.user, "previousId": bob.user}, BROWSER_KEY)
    first, second = ana.contact(), bob.contact()
    assert first["contact_id"] != second["contact_id"]
    assert first["identities"] == [f"email:{ana.email}", f"user:{ana.user}"]
    assert first["attributes"]["email"] == ana.email
    assert second["identities"] == [f"email:{bob.email}", f"user:{bob.user}"]
    assert shop.find(f"email:{elsewhere}") is None
    ana.track("Signed Up")
    assert shop.inbox(elsewhere) == []


def test_a_public_key_may_tell_which_device_is_whose(shop):
    ana, device = shop.person("ana"), fresh("device")
    shop.page("/", anonymous=device)
    shop.identify(ana.user, anonymous=device, key=BROWSER_KEY)
    assert f"anon:{device}" in ana.contact()["identities"]
    assert "Page Viewed" in [item["name"] for item in ana.timeline()]


def test_no_event_and_no_trait_grants_a_consent(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    assert ana.latest().unsubscribe_one_click().status_code == 200
    for key in (BROWSER_KEY, "demo-write-key"):
        answer = shop.post(
            "/v1/track", {"userId": ana.user, "event": "subscribed", "properties": {"topic": "offers"}}, key
        )
        assert answer.status_code == 400
        assert "Only Postroad itself says 'Subscribed'" in answer.json()["message"]
        shop.identify(ana.user, key=key, consent={"offers": True}, consents=["offers"])
    contact = ana.contact()
    assert contact["consents"]["offers"]["granted"] is False
    assert not {"consent", "consents"} & set(contact["attributes"])
    ana.track("Product Added", name="Mug")
    shop.advance("PT61M")
    assert len(ana.inbox()) == 1


def test_a_topic_that_needs_a_yes_is_not_sent_without_one(shop):
    topic = fresh("letter")
    shop.publish(
        {
            "kind": "template",
            "id": topic,
            "channel": "email",
            "topic": "newsletter",
            "subject": "News",
            "html": "<p>New</p>" + FOOTER,
        },
        {
            "kind": "journey",
            "id": topic,
            "trigger": {"event": topic},
            "steps": [{"id": "news", "send": {"template": topic}}],
        },
    )
    ana = shop.person("ana")
    ana.track(topic)
    assert ana.inbox() == []
    message = ana.messages()["news"]
    assert (message["state"], message["reason"]) == ("skipped", "The monthly letter needs an opt-in, and there is none")
