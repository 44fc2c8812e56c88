"""A letter to a segment: at its time, once, to each person, with numbers that add up."""

import signal
import time
from datetime import timedelta

from tests.books import FOOTER
from tests.local_cloud import PATIENCE
from tests.stories.client import Person, fresh
from tests.stories.conftest import shop_of


def _club(shop, size):
    """A segment of this story's own with so many people, and a template for its letter."""
    club = fresh("club")
    shop.publish(
        {"kind": "segment", "id": club, "if": {"event": "Joined", "where": {"property": "club", "is": club}}},
        {
            "kind": "template",
            "id": club,
            "channel": "email",
            "topic": "offers",
            "subject": f"News of the {club}",
            "html": "<p>Hello {{ contact.first_name }}</p>" + FOOTER,
        },
    )
    people = [shop.person("ana") for _ in range(size)]
    for person in people:
        shop.track(person.user, "Joined", club=club)
    shop.settle()
    return club, people


def _schedule(shop, club, after=None):
    """Draft and schedule a letter to the club, to begin after this time; its id."""
    letter = fresh("letter")
    document = {"segment": club, "template": club, "name": f"Letter to the {club}"}
    if after:
        document["at"] = (shop.now() + after).isoformat()
    saved = shop.api("PUT", f"/definitions/broadcast/{letter}", document)
    assert saved.status_code == 200, saved.text
    scheduled = shop.api("POST", f"/broadcasts/{letter}/schedule", {})
    assert scheduled.status_code == 200, scheduled.text
    return letter


def _numbers(shop, letter):
    """The state of a broadcast, how many it has addressed, and its messages by state."""
    found = shop.get(f"/broadcasts/{letter}")
    tally = found["run"]["tally"]
    assert tally["audience"] == sum(tally["states"].values())
    return found["state"], tally["audience"], tally["states"]


def _mails(shop, people, club):
    """How many letters each of these people has got."""
    mails = shop.inbox(*(person.email for person in people))
    return [sum(mail.subject == f"News of the {club}" and mail.item["to"] == p.email for mail in mails) for p in people]


def test_c01_a_letter_leaves_at_its_time_and_each_person_gets_one(shop):
    club, people = _club(shop, 6)
    letter = _schedule(shop, club, timedelta(days=1))
    shop.advance("PT23H59M")
    assert shop.get(f"/broadcasts/{letter}")["state"] == "scheduled"
    assert _mails(shop, people, club) == [0] * 6
    shop.advance("PT2M")
    assert _mails(shop, people, club) == [1] * 6
    shop.advance("PT5M")
    assert _numbers(shop, letter) == ("done", 6, {"delivered": 6})
    event = next(item for item in people[0].timeline() if item["name"] == "Broadcast Addressed")
    assert event["properties"]["broadcast"] == letter
    assert people[0].verdicts(f"broadcast/{letter}") == [("", "queued")]
    shop.inbox(people[0].email)[0].open()
    assert shop.get(f"/broadcasts/{letter}/counts")["opened"] == 1
    shop.advance("P2D")
    assert _mails(shop, people, club) == [1] * 6


def test_the_numbers_say_why_some_got_nothing(shop):
    club, people = _club(shop, 4)
    people[0].track("Signed Up")
    people[0].latest().unsubscribe_one_click()
    gone = f"bounce-{fresh('ben')}@example.com"
    ben = shop.person("ben", email=gone)
    shop.track(ben.user, "Joined", club=club)
    phone = fresh("cleo")
    shop.identify(phone, phone="+351912000077")
    shop.track(phone, "Joined", club=club)
    shop.settle()
    letter = _schedule(shop, club)
    shop.advance("PT10M")
    assert _numbers(shop, letter) == ("done", 6, {"delivered": 3, "bounced": 1, "skipped": 2})
    assert shop.get(f"/broadcasts/{letter}")["run"]["tally"]["reasons"] == {
        "the contact unsubscribed from Offers and reminders": 1,
        "the contact has no address for email": 1,
    }
    counts = shop.get(f"/broadcasts/{letter}/counts")
    assert (counts["total"], counts["sent"], counts["bounced"], counts["skipped"]) == (6, 4, 1, 2)
    assert people[0].why(f"broadcast/{letter}", "") == "the contact unsubscribed from Offers and reminders"


def test_somebody_who_is_in_the_segment_twice_gets_one(shop):
    club, (ana, other, third) = _club(shop, 3)
    shop.send("alias", {"userId": ana.user, "previousId": other.user})
    letter = _schedule(shop, club)
    shop.advance("PT10M")
    assert sum(_mails(shop, [ana, other], club)) == 1
    assert _mails(shop, [third], club) == [1]
    assert _numbers(shop, letter)[:2] == ("done", 2)


def test_starting_it_again_sends_nothing(shop):
    club, people = _club(shop, 3)
    letter = _schedule(shop, club)
    shop.advance("PT5M")
    machine = next(
        each["stateMachineArn"]
        for each in shop.aws("stepfunctions").list_state_machines()["stateMachines"]
        if each["name"].endswith("-broadcast")
    )
    for _ in range(3):
        given = f'{{"broadcast_id": "{letter}", "number": 1}}'
        shop.aws("stepfunctions").start_execution(stateMachineArn=machine, input=given)
    shop.advance("PT5M")
    assert _mails(shop, people, club) == [1] * 3
    again = shop.api("POST", f"/broadcasts/{letter}/schedule", {})
    assert again.status_code == 409
    assert "begun already" in again.text


def test_a_letter_that_was_cancelled_does_not_leave(shop):
    club, people = _club(shop, 2)
    letter = _schedule(shop, club, timedelta(hours=1))
    assert shop.api("POST", f"/broadcasts/{letter}/cancel", {}).status_code == 200
    shop.advance("PT2H")
    assert shop.get(f"/broadcasts/{letter}")["state"] == "cancelled"
    assert _mails(shop, people, club) == [0, 0]
    late = _schedule(shop, club)
    shop.advance("PT5M")
    assert shop.api("POST", f"/broadcasts/{late}/cancel", {}).status_code == 409


def test_a_broadcast_cannot_be_published_and_says_what_to_do_instead(shop):
    club, _ = _club(shop, 0)
    letter = fresh("letter")
    shop.api("PUT", f"/definitions/broadcast/{letter}", {"segment": club, "template": club})
    refused = shop.api("POST", f"/definitions/broadcast/{letter}/publish", {})
    assert refused.status_code in (400, 422)
    assert "scheduled" in refused.text


def test_a_run_that_was_killed_in_the_middle_goes_on_and_nobody_gets_it_twice(own_cloud):
    own_cloud.start()
    shop = shop_of(own_cloud)
    club, people = _club(shop, 24)
    letter = _schedule(shop, club)
    deadline = time.monotonic() + PATIENCE
    while len(shop.items("/messages", origin=f"broadcast/{letter}")) < 5:
        assert time.monotonic() < deadline
    own_cloud.stop(signal.SIGKILL)
    own_cloud.start()
    shop = shop_of(own_cloud)
    people = [Person(shop, person.user, person.email) for person in people]
    shop.advance("PT2H")
    counts = _mails(shop, people, club)
    state, audience, states = _numbers(shop, letter)
    assert (state, audience) == ("done", 24)
    # A sender that was killed may leave a message of which nobody knows whether it left, and the word that one arrived
    # may die with the emulator.
    unknown, unheard = states.get("unknown", 0), states.get("sent", 0)
    assert unknown <= 2
    assert unheard <= 2
    assert states.get("delivered", 0) == 24 - unknown - unheard
    assert max(counts) == 1
    assert 24 - unknown <= sum(counts) <= 24
