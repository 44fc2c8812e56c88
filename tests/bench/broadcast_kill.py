"""A broadcast to 10,000 people on a local cloud that is killed three times: `python -m tests.bench.broadcast_kill
[PEOPLE]`. Once while hardly anybody is addressed, once in the middle, and once shortly before the end.

It tells how soon the first mail left, how many got the mail, and how many got it twice; it fails when somebody is lost.
A message that was being sent at the moment of a kill may be `unknown`: then nobody knows whether it left, and it is not
sent again.
"""

import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.local_cloud import LocalCloud
from tests.stories.client import Shop
from tests.stories.conftest import make_cloud, shop_of

CLUB = {
    "kind": "segment",
    "id": "multitude",
    "if": {"event": "Joined", "where": {"property": "club", "is": "multitude"}},
}
LETTER = {"segment": "multitude", "template": "second-offer"}
ORIGIN = "broadcast/multitude"
AT_ONCE = 40
# It is killed when so large a share of the people have a message, and when so large ones have been sent it.
ADDRESSED, SENT = 0.02, (0.5, 0.97)


def fill(shop: Shop, people: int) -> None:
    """So many people join."""
    shop.publish(CLUB)
    for start in range(0, people, AT_ONCE):
        batch: list[dict[str, Any]] = []
        for number in range(start, min(people, start + AT_ONCE)):
            user, email = f"one-{number}", f"one-{number}@example.com"
            who = {"userId": user, "type": "identify", "messageId": f"who-{number}"}
            batch.append({**who, "traits": {"email": email, "firstName": f"Ana {number}"}})
            joined = {"userId": user, "type": "track", "event": "Joined", "messageId": f"joined-{number}"}
            batch.append({**joined, "properties": {"club": "multitude"}})
        shop.send("batch", {"batch": batch})
    wait(lambda: count_members(shop) >= people, 3_600)


def count_members(shop: Shop) -> int:
    return int(shop.get("/segments/multitude/counts")["here"])


def wait(is_so: Any, seconds: float, every: float = 1.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError("it takes too long")
        time.sleep(every)


def list_mails(shop: Shop) -> list[str]:
    """Whom the mail came to, each as often as it did."""
    mails = shop.call("GET", "/_local/inbox", headers={"accept": "application/json"}).json()["items"]
    return [mail["to"] for mail in mails if str(mail["to"]).startswith("one-")]


def has_come(shop: Shop, counter: str, number: float) -> bool:
    return bool(shop.get("/broadcasts/multitude/counts")[counter] >= number)


def kill(cloud: LocalCloud, began: float, when: str) -> Shop:
    """End every process of the local cloud at once, and start it again."""
    cloud.stop(signal.SIGKILL)
    print(f"killed after {time.monotonic() - began:.0f} s, {when}", flush=True)
    cloud.start()
    return shop_of(cloud)


def main() -> int:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    folder = Path(tempfile.mkdtemp(prefix="postroad-kill-"))
    cloud = make_cloud(folder)
    try:
        cloud.start()
        shop = shop_of(cloud)
        began = time.monotonic()
        fill(shop, people)
        print(f"{people} people are in the segment after {time.monotonic() - began:.0f} s", flush=True)
        shop.api("PUT", "/definitions/broadcast/multitude", LETTER)
        began = time.monotonic()
        assert shop.api("POST", "/broadcasts/multitude/schedule", {}).status_code == 200
        wait(lambda: list_mails(shop), 3_600, every=0.2)
        print(f"the first mail came after {time.monotonic() - began:.1f} s", flush=True)
        wait(lambda: has_come(shop, "total", people * ADDRESSED), 3_600, every=0.2)
        shop = kill(cloud, began, "while people are being addressed")
        for share in SENT:
            wait(lambda: has_come(shop, "sent", people * share), 3_600)  # noqa: B023
            shop = kill(cloud, began, f"when {share:.0%} had been sent it")
        while shop.get("/broadcasts/multitude")["state"] != "done":
            shop.advance("PT10M")
        got = Counter(list_mails(shop))
        run = shop.get("/broadcasts/multitude")["run"]
        print(
            f"done after {time.monotonic() - began:.0f} s: {run['tally']['audience']} messages {run['tally']['states']}"
        )
        twice, unknown = sum(number > 1 for number in got.values()), run["tally"]["states"].get("unknown", 0)
        print(f"{len(got)} people got it, {twice} twice; of {unknown} nobody knows")
        return int(bool(twice) or run["tally"]["audience"] != people or len(got) < people - unknown)
    finally:
        if cloud.is_running:
            cloud.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
