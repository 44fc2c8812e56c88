"""The whole product is stopped or killed in the middle of its work: what was taken happens, and nothing twice."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import requests

from tests.local_cloud import PATIENCE, LocalCloud
from tests.stories.client import Shop, fresh
from tests.stories.conftest import make_cloud, shop_of

SENDERS = 2  # SendConcurrency, as the template has it


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    own = make_cloud(tmp_path_factory.mktemp("restarts"))
    own.start()
    yield own
    if own.is_running:
        own.throw_away()


def restart(cloud: LocalCloud, number: signal.Signals) -> Shop:
    cloud.process.send_signal(number)
    cloud.process.communicate(timeout=PATIENCE)
    assert cloud.process.returncode == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    cloud.start()
    return shop_of(cloud)


def sign_up(shop: Shop, count: int) -> list[str]:
    """So many people at once, each of whom is to get a welcome; their addresses."""
    users = [fresh("crowd") for _ in range(count)]
    for start in range(0, count, 50):
        batch = []
        for user in users[start : start + 50]:
            ids = {"userId": user, "messageId": fresh("sign-up")}
            traits = {"email": f"{user}@example.com", "firstName": "Kim"}
            batch += [{"type": "identify", **ids, "traits": traits}]
            batch += [{"type": "track", **ids, "messageId": fresh("sign-up"), "event": "Signed Up"}]
        assert shop.post("/v1/batch", {"batch": batch}).status_code == 200
    return [f"{user}@example.com" for user in users]


def arrived(shop: Shop, addresses: list[str]) -> Counter[str]:
    return Counter(mail.item["to"] for mail in shop.inbox(*addresses))


def until(happened: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ledger(shop: Shop) -> dict[str, str]:
    """The state of every message, by its id."""
    assert shop.aws
    dynamodb = shop.aws("dynamodb")
    table = next(name for name in dynamodb.list_tables()["TableNames"] if "-Messages-" in name)
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    return {item["message_id"]["S"]: item["state"]["S"] for page in pages for item in page["Items"]}


def became(shop: Shop, before: dict[str, str]) -> Counter[str]:
    """How many messages that were not there before ended in each state."""
    return Counter(state for message_id, state in ledger(shop).items() if message_id not in before)


def test_time_that_is_passing_when_everything_dies_goes_on_where_it_was(cloud):
    shop = shop_of(cloud)
    crowd = []
    for _ in range(4):  # whose days end at different hours
        crowd += sign_up(shop, 10)
        shop.advance("PT2H")
    before = shop.now()

    def advance() -> None:
        with suppress(requests.RequestException):  # it is killed meanwhile
            Shop(shop.url).advance("P8D")

    clock = threading.Thread(target=advance)
    clock.start()
    until(lambda: (Shop(shop.url).now() - before).days >= 1)
    shop = restart(cloud, signal.SIGKILL)
    clock.join()
    gone = shop.now() - before
    assert 1 <= gone.days < 8, "it had ended before it was killed"
    shop.advance(f"PT{round(8 * 86_400 - gone.total_seconds())}S")
    # Whoever opens nothing and buys nothing goes the same way to its end.
    subjects = {address: [mail.subject for mail in shop.inbox(address)] for address in crowd}
    expected = max(subjects.values(), key=len)
    assert len(expected) == len(set(expected)) > 1
    late = [found for found in subjects.values() if found != expected]
    assert len(late) <= SENDERS, "more than a mail for each sender is missing"
    assert all(set(found) < set(expected) for found in late)


def test_a_stop_in_the_middle_of_200_mails_loses_none_and_doubts_none(cloud):
    shop = shop_of(cloud)
    before = ledger(shop)
    crowd = sign_up(shop, 200)
    until(lambda: arrived(shop, crowd))
    shop = restart(cloud, signal.SIGTERM)
    assert len(arrived(shop, crowd)) < 200, "it had ended before it was stopped"
    shop.advance("PT1H")
    assert arrived(shop, crowd) == Counter(crowd)
    assert became(shop, before) == {"delivered": 200}


def test_a_kill_in_the_middle_of_60_mails_leaves_at_most_two_for_each_sender_in_doubt(cloud):
    """In doubt is each mail that was handed over and not answered. Here SES dies as a process does, which closes its
    connections one after the other, for some ten milliseconds, and its door among them: who has lost one connection
    may still get through that door, and lose the next. So the ledger told it: a sender claims at 0.553 s, and has no
    answer at 0.661; it claims another at 0.664, on a new connection, and has no answer at 0.673, when the other sender
    lost its first connection. After that nobody gets through, and claims are given back.
    """
    shop = shop_of(cloud)
    before = ledger(shop)
    crowd = sign_up(shop, 60)
    until(lambda: arrived(shop, crowd))
    shop = restart(cloud, signal.SIGKILL)
    assert len(arrived(shop, crowd)) < 60, "it had ended before it was killed"
    shop.advance("PT2H")
    inbox = arrived(shop, crowd)
    assert set(inbox.values()) == {1}
    assert 60 - len(inbox) <= 2 * SENDERS
    states = became(shop, before)
    # SES's word of a delivery, on its way when all dies, dies with the emulator; AWS would keep it.
    assert states["sent"] <= SENDERS
    assert states == +Counter(
        {"delivered": len(inbox) - states["sent"], "sent": states["sent"], "unknown": 60 - len(inbox)}
    )


def test_a_publication_that_is_killed_reaches_everybody_all_the_same(cloud):
    """The rebuild is in the middle of its shards when everything dies."""
    shop = shop_of(cloud)
    crowd = sign_up(shop, 30)
    shop.settle()
    segment = {"kind": "segment", "id": "kims", "name": "Kims", "if": {"attribute": "first_name", "is": "Kim"}}
    shop.publish(segment)
    shop = restart(cloud, signal.SIGKILL)
    shop.advance("PT10M")
    for address in crowd[::5]:
        (contact,) = shop.get("/contacts", identity=f"email:{address}")["items"]
        assert "kims" in contact["segments"]
