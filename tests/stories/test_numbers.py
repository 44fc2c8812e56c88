"""Live numbers: what a marketer reads beside a journey's steps is what has happened to people."""

from tests.books import FOOTER
from tests.stories.client import Shop, fresh


def publish_journey(shop: Shop, name: str) -> None:
    """A mail, a wait until it is opened, and two ways to leave."""
    template = {
        "kind": "template",
        "id": name,
        "channel": "email",
        "topic": "offers",
        "subject": name,
        "html": '<p><a href="https://tidewater.example/">Look</a></p>' + FOOTER,
    }
    opened = [{"id": "pause", "wait": {"for": "P1D"}}, {"id": "seen", "exit": {"reason": "has seen it"}}]
    journey = {
        "kind": "journey",
        "id": name,
        "trigger": {"event": name},
        "goal": {"event": "Order Completed"},
        "steps": [
            {"id": "mail", "send": {"template": name}},
            {"id": "look", "wait": {"opened": "mail", "timeout": "P2D", "then": opened, "else": []}},
        ],
    }
    shop.publish(template, journey)


def people_at(shop: Shop, journey: str, **where: str) -> set[str]:
    return {item["contact"]["contact_id"] for item in shop.items(f"/journeys/{journey}/contacts", limit=2, **where)}


def test_the_numbers_of_a_journey_follow_its_people(shop):
    name = fresh("numbers")
    publish_journey(shop, name)
    people = [shop.person("ana") for _ in range(5)]
    for person in people:
        person.track(name)
    reader, clicker, buyer, *quiet = people
    reader.latest().open()
    reader.latest().open(**{"user-agent": "Mozilla/5.0"})  # a privacy proxy
    clicker.latest().open()
    clicker.latest().click("Look")
    buyer.track("Order Completed", total=20)
    shop.settle()

    counts = shop.get(f"/journeys/{name}/counts")
    assert (counts["started"], counts["active"], counts["ended"]) == (5, 4, 1)
    steps = {step["step"]: step for step in counts["steps"]}
    assert steps["look"]["people"] == {"here": 2, "entered": 5}
    assert steps["pause"]["people"] == {"here": 2, "entered": 2}
    mails = steps["mail"]["messages"]
    assert (mails["total"], mails["sent"], mails["delivered"]) == (5, 5, 5)
    assert (mails["opened"], mails["clicked"], mails["machine_opened"], mails["machine_clicked"]) == (2, 1, 1, 0)
    assert people_at(shop, name, step="look") == {person.contact()["contact_id"] for person in quiet}
    assert people_at(shop, name, outcome="goal") == {buyer.contact()["contact_id"]}

    shop.advance("P2DT1M")
    counts = shop.get(f"/journeys/{name}/counts")
    assert (counts["started"], counts["active"], counts["ended"]) == (5, 0, 5)
    assert {outcome: number["here"] for outcome, number in counts["outcomes"].items() if number["here"]} == {
        "goal": 1,
        "completed": 2,
        "exited.seen": 2,
    }
    assert people_at(shop, name, outcome="exited.seen") == {p.contact()["contact_id"] for p in (reader, clicker)}
    days = shop.get(f"/journeys/{name}/days")["items"]
    assert sum(day["started"] for day in days) == sum(day["ended"] for day in days) == 5


def test_the_numbers_of_a_segment_follow_its_people(shop):
    before = shop.get("/segments/customers/counts")
    for _ in range(3):
        shop.person("bob").track("Order Completed", total=5)
    shop.settle()
    after = shop.get("/segments/customers/counts")
    assert {name: after[name] - before[name] for name in ("here", "entered")} == {"here": 3, "entered": 3}
