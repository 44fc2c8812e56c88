"""An event acts once: the same batch twice, three times, at once, and across a crash and a restart."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.local_cloud import PATIENCE, LocalCloud
from tests.stories.client import Person, Shop, fresh
from tests.stories.conftest import shop_of


def _orders(user: str, count: int, *, with_ids: bool = True) -> dict:
    """Each order gives 30 points, so the score counts them."""
    return {
        "batch": [
            {
                "type": "track",
                "userId": user,
                "event": "Order Completed",
                "properties": {"order_id": number},
                **({"messageId": f"{user}-order-{number}"} if with_ids else {}),
            }
            for number in range(count)
        ]
    }


def _count(person: Person) -> tuple[int, int]:
    """How many orders the contact counted, and how many stand in the timeline."""
    points = person.contact()["scores"]["engagement"]
    ids = [item["event_id"] for item in person.timeline() if item["name"] == "Order Completed"]
    assert len(ids) == len(set(ids))
    return round(points / 30), len(ids)


@pytest.mark.parametrize("with_ids", [True, False], ids=["with ids", "without ids"])
def test_the_same_batch_sent_three_times_counts_once(shop, with_ids):
    ana = shop.person("ana")
    for _ in range(3):
        assert shop.post("/v1/batch", _orders(ana.user, 5, with_ids=with_ids)).status_code == 200
        shop.settle()
    assert _count(ana) == (5, 5)


def test_the_same_batch_sent_many_times_at_once_counts_once(shop):
    ana = shop.person("ana")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: Shop(shop.url).post("/v1/batch", _orders(ana.user, 8)).status_code, range(6)))
    assert answers == [200] * 6
    shop.advance("PT0S")
    assert _count(ana) == (8, 8)


def test_a_retry_that_carries_more_counts_only_what_is_new(shop):
    ana = shop.person("ana")
    for count in (3, 5, 4, 6):
        shop.post("/v1/batch", _orders(ana.user, count))
    shop.settle()
    assert _count(ana) == (6, 6)


def test_a_retry_hours_and_days_later_still_counts_once(shop):
    """The queue's own deduplication has long forgotten it."""
    ana = shop.person("ana")
    shop.post("/v1/batch", _orders(ana.user, 3))
    for pause in ("PT10M", "PT5H", "P6D"):
        shop.advance(pause)
        shop.post("/v1/batch", _orders(ana.user, 3))
        shop.settle()
    assert [item["name"] for item in ana.timeline()].count("Order Completed") == 3


def test_many_people_and_many_senders_at_once_lose_nothing(shop):
    users = [fresh("crowd") for _ in range(10)]

    def send(number: int) -> int:
        sender, codes = Shop(shop.url), set()
        for user in users:
            event = {"userId": user, "event": "Order Completed", "messageId": f"{user}-{number}"}
            codes.add(sender.post("/v1/track", event).status_code)
        assert codes == {200}
        return len(codes)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(send, range(5)))
    shop.advance("PT0S")
    assert {_count(Person(shop, user, "")) for user in users} == {(5, 5)}


def test_the_same_click_fetched_in_a_loop_is_one_event(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    mail = ana.latest()
    for _ in range(5):
        mail.click("See the sampler")
    assert [item["name"] for item in ana.timeline()].count("Email Link Clicked") <= 2  # one for each minute


def _restart(own_cloud: LocalCloud) -> Shop:
    own_cloud.start()
    return shop_of(own_cloud)


def test_a_journey_goes_on_after_a_restart_and_after_crashes(own_cloud):
    shop = _restart(own_cloud)
    ana, bob = shop.person("ana"), shop.person("bob")
    ana.track("Product Added", name="Mug")
    shop.advance("PT61M")
    ana.latest().open()
    before = (shop.now(), _known(ana))
    assert own_cloud.stop() == 0

    shop = _restart(own_cloud)
    ana, bob = Person(shop, ana.user, ana.email), Person(shop, bob.user, bob.email)
    assert _known(ana) == before[1]
    assert shop.now() >= before[0]
    shop.advance("PT4H")
    assert ana.subjects() == ["Mug is waiting for you", "We will pay the shipping"]

    # The functions' processes die in the middle of their work: what they had in hand comes again.
    crowd = [shop.person("crowd") for _ in range(4)]
    shop.post("/v1/batch", _orders(bob.user, 5))
    for number in range(5, 25):
        _insist(shop, "track", _orders(bob.user, number + 1)["batch"][number])
        if number % 5 == 0:
            newcomer = crowd[number // 5 - 1]
            _insist(shop, "track", {"userId": newcomer.user, "event": "Signed Up", "messageId": fresh("sign-up")})
            assert _kill_functions(own_cloud)
            shop.settle()  # so that no event of SES, which is tried three times, dies three times
    shop.advance("PT2H")
    assert _count(bob) == (25, 25)
    for person in crowd:
        # Whoever died between the claim and SES's answer leaves a mail of which nobody can know: it is not sent again.
        state = person.messages()["welcome"]["state"]
        assert (person.subjects(), state) in [(["Welcome aboard, Crowd"], "delivered"), ([], "unknown")]

    # The local cloud itself is killed; what it had taken is there when it runs again.
    for number in range(25, 40):
        _insist(shop, "track", _orders(bob.user, number + 1)["batch"][number])
    own_cloud.process.send_signal(signal.SIGKILL)
    own_cloud.process.communicate(timeout=PATIENCE)
    shop = _restart(own_cloud)
    bob = Person(shop, bob.user, bob.email)
    shop.advance("PT20M")
    assert _count(bob) == (40, 40)
    ana = Person(shop, ana.user, ana.email)
    assert ana.subjects() == ["Mug is waiting for you", "We will pay the shipping"]


def _known(person: Person) -> tuple:
    """All that is known of somebody, but for what fades from second to second."""
    contact = {key: value for key, value in person.contact().items() if key != "scores"}
    return contact, person.timeline(), person.subjects()


def _insist(shop: Shop, kind: str, document: dict) -> None:
    """Send as every SDK does: again, until it was taken."""
    while (answer := shop.post(f"/v1/{kind}", document)).status_code != 200:
        assert answer.status_code >= 500
        time.sleep(0.1)


def _kill_functions(cloud: LocalCloud) -> int:
    """Kill the processes in which this local cloud's functions run; answers how many there were."""
    killed = 0
    for emulator in _children(cloud.process.pid):
        for worker in _children(emulator):
            os.kill(worker, signal.SIGKILL)
            killed += 1
    return killed


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            found += [int(child) for child in (task / "children").read_text().split()]
    return found
