"""docs/api.md, lived through: every example with curl, and every one in Python, in the order of the page."""

import json
import re
import shlex
import subprocess
import time

import pytest

from tests.local_cloud import PATIENCE, ROOT
from tests.stories.client import Person
from tests.stories.conftest import shop_of

PAGE = (ROOT / "docs/api.md").read_text()
CURLS = re.findall(r"^    (curl .*)$", PAGE, re.MULTILINE)
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HOME = "http://localhost:8080"
CALLS = {
    "trigger": {"event": "Call Wanted"},
    "steps": [
        {"id": name, "task": {"kind": "call", "title": "Call Ana", "assignee": f"{name}@example.com"}}
        for name in ("ana", "rui")
    ],
}


@pytest.fixture
def ana(own_cloud):
    """Ana, of whom the page speaks, on a cloud of her own: the page publishes what other stories count on."""
    own_cloud.start()
    shop = shop_of(own_cloud)
    shop.identify("ana", email="ana@example.com", firstName="Ana")
    person = Person(shop, "ana", "ana@example.com")
    person.track("Signed Up")
    person.track("Order Completed", total=24)
    assert shop.api("PUT", "/definitions/journey/calls", CALLS).status_code == 200
    assert shop.api("POST", "/definitions/journey/calls/publish").status_code == 200
    person.track("Call Wanted")
    return person


def export_of(shop, contact_id):
    """An export that is done."""
    asked = shop.api("POST", f"/contacts/{contact_id}/export", {"because": "a letter"}).json()
    until = time.monotonic() + 60
    while shop.api("GET", f"/privacy-requests/{asked['request_id']}").json()["state"] != "done":
        assert time.monotonic() < until
        time.sleep(0.2)
    return asked["request_id"]


def test_every_example_of_the_page_does_what_it_says(ana):
    assert len(CURLS) > 30
    assert len(BLOCKS) > 30
    ids = {
        "CONTACT_ID": ana.contact()["contact_id"],
        "MESSAGE_ID": next(iter(ana.messages().values()))["message_id"],
        "TASK_ID": ana.shop.api("GET", "/tasks?assignee=rui@example.com").json()["items"][0]["task_id"],
        "CODE": ana.shop.api("POST", "/coupons/comeback/codes", {"contact": "email:ana@example.com"}).json()["code"],
        "KEY_ID": ana.shop.api("POST", "/keys", {"kind": "write", "name": "a page"}).json()["key_id"],
    }
    ids["IMPORT_ID"] = ana.shop.api("POST", "/imports", {"csv": "email\nben@example.com\n", "name": "Ben"}).json()[
        "import_id"
    ]
    ids["EXPORT_ID"] = export_of(ana.shop, ids["CONTACT_ID"])
    for word, name in (("LEAVER_ID", "leaver"), ("QUITTER_ID", "quitter")):
        ana.shop.identify(name, email=f"{name}@example.com")
        ids[word] = Person(ana.shop, name, f"{name}@example.com").contact()["contact_id"]
    for command in CURLS:
        for word, name in ids.items():
            command = command.replace(word, name)
        if "/pause" in command:
            _wait_for_test(ana.shop, "winter-letter")
        done = subprocess.run(
            [
                *shlex.split(command.replace(HOME, ana.shop.url)),
                "--silent",
                "--show-error",
                "--write-out",
                "%{http_code}",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        # A broadcast that has just begun has failed nobody.
        fine = ("409",) if "/resend" in command else ("200", "201", "202")
        assert done.stdout[-3:] in fine, f"{command}\n{done.stdout}"
    names: dict[str, object] = {}
    for block in BLOCKS:
        if "/pause" in block:
            _wait_for_test(ana.shop, "summer-letter")
        exec(compile(block.replace(HOME, ana.shop.url), "docs/api.md", "exec"), names)
    assert names["contact"]["contact_id"] == ids["CONTACT_ID"]
    assert names["problem"]["status"] == 400
    assert json.dumps(names["made"]["key"])


def _wait_for_test(shop, broadcast):
    deadline = time.monotonic() + PATIENCE
    while shop.get(f"/broadcasts/{broadcast}")["state"] != "testing":
        assert time.monotonic() < deadline
        time.sleep(0.2)
