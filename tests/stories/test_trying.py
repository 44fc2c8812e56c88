"""What is tried beforehand is what happens: a dry run against the life that follows it."""

from tests.stories.client import fresh, instant, passed


def test_c19_what_a_dry_run_says_of_somebody_is_what_happens_to_them(shop):
    name = fresh("tried")
    folder = {
        f"journey/{name}": {
            "kind": "journey",
            "id": name,
            "name": "Tried before",
            "trigger": {"event": name},
            "steps": [
                {"id": "first", "send": {"template": "cart-reminder"}},
                {"id": "rest", "wait": {"for": "P2D"}},
                {"id": "second", "send": {"template": "cart-last"}},
            ],
        }
    }
    ana = shop.person("ana")
    ana.track("Page Viewed", path="/")
    shop.settle()
    contact_id = ana.contact()["contact_id"]
    supposed = {"event": name, "passes": "P3D", "definitions": folder}
    told = shop.api("POST", f"/contacts/{contact_id}/dry-run", supposed)
    assert told.status_code == 200, told.text
    predicted = [(m["step"], instant(m["time"])) for each in told.json()["moments"] for m in each["messages"]]
    assert [step for step, _ in predicted] == ["first", "second"]
    assert ana.messages() == {}

    shop.publish(*folder.values())
    began = ana.track(name)
    shop.advance("P3D")
    sent = ana.inbox()
    assert len(sent) == 2
    for (_, at), mail in zip(predicted, sent, strict=True):
        assert passed(began, at - predicted[0][1], mail.at)
    findings = shop.get(f"/contacts/{contact_id}/why", journey=name)["findings"]
    assert [f["verdict"] for f in findings if f["key"] in ("live", "trigger")] == ["yes", "yes"]
    forecast = shop.api("POST", f"/journeys/{name}/simulate", {"people": 20, "habits": {"delivered": 1}}).json()
    assert (forecast["started"], forecast["outcomes"], forecast["never_taken"]) == (20, {"completed": 20}, [])
