"""What starts a journey besides events: a date of the contact, and a request."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.books import FOOTER
from tests.stories.client import fresh


def _journey(shop, trigger, **document):
    name = fresh("by-itself")
    shop.publish(
        {"kind": "template", "id": name, "channel": "email", "topic": "offers", "subject": name,
         "html": "<p>Hi</p>" + FOOTER},
        {
            "kind": "journey", "id": name, "trigger": trigger, "reentry": "always",
            "steps": [{"id": "mail", "send": {"template": name}}], **document,
        },
    )  # fmt: skip
    return name


def test_the_clock_brings_the_day_of_somebody_who_was_there_before_the_journey(shop):
    born = shop.now().date() + timedelta(days=5)
    ana = shop.person("ana", birthday=f"1990-{born:%m-%d}", country="JP")
    nobody = shop.person("nobody", country="JP")
    name = _journey(shop, {"date": "birthday", "yearly": True, "before": "P3D", "at": "09:00"})
    shop.advance("P3D")
    [mail] = ana.inbox()
    local = mail.at.astimezone(ZoneInfo("Asia/Tokyo"))
    assert (mail.subject, f"{local:%m-%d %H:%M}") == (name, f"{born - timedelta(days=3):%m-%d} 09:00")
    assert nobody.inbox() == []


def test_a_request_of_the_api_starts_a_journey_within_seconds(shop):
    name = _journey(shop, {"api": True})
    ana = shop.person("ana")
    answer = shop.api("POST", f"/journeys/{name}/enroll", {"contact": f"email:{ana.email}", "properties": {"order": 7}})
    shop.settle()
    assert ana.subjects() == [name]
    requested = next(row for row in ana.timeline() if row["name"] == "Enrollment Requested")
    assert requested["properties"] == {"journey": name, "order": 7}
    assert answer
