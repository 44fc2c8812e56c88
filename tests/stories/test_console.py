"""What a marketer does and sees in the console, by hand: the same forms and links, without a browser."""

import re
import time
from datetime import timedelta
from html import unescape
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import pytest
import requests

from tests.local_cloud import PATIENCE
from tests.stories.client import fresh

LISBON = ZoneInfo("Europe/Lisbon")  # where the demo brand is


class Marta:
    """A marketer at the console."""

    def __init__(self, shop):
        self.shop, self.http = shop, requests.Session()
        # By the name under which the console knows itself: cookies belong to a host.
        self.url = shop.url.replace("127.0.0.1", "localhost")
        self.open("")

    def open(self, path):
        """The words of a page; whose session is over signs in first, with a click."""
        self.shop.settle()
        answer = self.http.get(f"{self.url}/console{path}", timeout=PATIENCE)
        link = re.search(r'href="([^"]+)"[^>]*>Continue as Marta', answer.text)
        if link:
            answer = self.http.get(urljoin(answer.url, unescape(link[1])), timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return words(answer.text)

    def post(self, path, **form):
        """Send a form; answers where it leads."""
        self.shop.is_quiet = False
        origin = {"origin": self.url, "sec-fetch-site": "same-origin"}
        answer = self.http.post(
            f"{self.url}/console{path}", data=form, headers=origin, timeout=PATIENCE, allow_redirects=False
        )
        assert answer.status_code == 303, words(answer.text)
        return answer.headers["location"].removeprefix("/console")


def words(text):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def wait_until(holds):
    """The console's own book may be a few seconds old."""
    for _ in range(240):
        if holds():
            return
        time.sleep(0.5)
    raise AssertionError("it did not come true in two minutes")


@pytest.fixture
def marta(shop):
    return Marta(shop)


def test_a_broadcast_is_written_scheduled_and_followed_until_its_numbers_add_up(shop, marta):
    club = fresh("club")
    shop.publish({"kind": "segment", "id": club, "if": {"event": "Joined", "where": {"property": "club", "is": club}}})
    ana, ben = shop.person("ana"), shop.person("ben")
    for person in (ana, ben):
        person.track("Order Completed", total=20)
        person.track("Joined", club=club)
    ben.track("Signed Up")
    assert ben.latest().unsubscribe_one_click().status_code == 200
    audience = f"/broadcasts/_audience?segment={club}"
    wait_until(lambda: f"2 people in {club} now" in marta.open(audience))
    tomorrow = (shop.now() + timedelta(days=1)).astimezone(LISBON)
    letter = marta.post(
        "/broadcasts", name=fresh("Letter"), segment=club, template="second-offer", when="later",
        date=tomorrow.date().isoformat(), time=f"{tomorrow:%H:%M}",
    )  # fmt: skip
    assert "Schedule it for 2 people" in marta.open(letter)
    marta.post(f"{letter}/schedule", edit="1")
    assert "scheduled" in marta.open(letter)
    before = ana.subjects()
    shop.advance("P2D")
    page = marta.open(letter)
    assert "done" in page
    assert "1 delivered 1 not sent = 2 people" in page
    assert "Why some got nothing" in page
    assert ana.email in marta.open(f"{letter}/people?who=delivered")
    assert ben.email in marta.open(f"{letter}/people?who=skipped")
    assert ana.subjects().count("How was the first cup?") == before.count("How was the first cup?") + 1


def test_a_cancelled_broadcast_sends_nothing(shop, marta):
    club = fresh("club")
    shop.publish({"kind": "segment", "id": club, "if": {"event": "Joined", "where": {"property": "club", "is": club}}})
    ana = shop.person("ana")
    ana.track("Joined", club=club)
    tomorrow = (shop.now() + timedelta(days=1)).astimezone(LISBON)
    letter = marta.post(
        "/broadcasts", name=fresh("Letter"), segment=club, template="second-offer", when="later",
        date=tomorrow.date().isoformat(), time=f"{tomorrow:%H:%M}",
    )  # fmt: skip
    marta.post(f"{letter}/schedule", edit="1")
    marta.post(f"{letter}/cancel")
    shop.advance("P2D")
    assert "cancelled" in marta.open(letter)
    assert ana.subjects() == []


def test_the_numbers_on_a_journey_are_people_who_can_be_found(shop, marta):
    tour = fresh("tour")
    marks = {"event": "Toured", "where": {"property": "tour", "is": tour}}
    steps = [{"id": "rest", "wait": {"for": "P1D"}}, {"id": "left", "exit": {"reason": "seen it"}}]
    shop.publish({"kind": "journey", "id": tour, "trigger": marks, "steps": steps})
    ana = shop.person("ana")
    ana.track("Toured", tour=tour)
    assert "Rest Wait for 1 day 1 waiting" in marta.open(f"/journeys/{tour}")
    people = marta.open(f"/journeys/{tour}/people?at=rest")
    assert ana.email in people
    assert "1 here now" in people
    shop.advance("P2D")
    page = marta.open(f"/journeys/{tour}")
    assert "Rest Wait for 1 day 0 waiting 1 have waited" in page
    assert "Left Exit: seen it 1 left here 100 % of all" in page
    assert ana.email in marta.open(f"/journeys/{tour}/people?at=left")
    marta.post(f"/journeys/{tour}/withdraw")
    assert "withdrawn" in marta.open(f"/journeys/{tour}")
