"""The product from outside, so that a story reads like one: a shop that sends events, people, the inbox, the clock."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import requests

from tests import local_cloud

WRITE_KEY, BROWSER_KEY, API_KEY = "demo-write-key", "demo-browser-key", "demo-api-key"
READER = {
    "user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Mail/16.0"
}
# Nothing may come early.
SLACK = timedelta(seconds=local_cloud.SLACK)

_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """A name that no other test of this run has."""
    return f"{name}-{next(_numbers)}"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def passed(after: datetime, expected: timedelta, at: datetime) -> bool:
    """Whether `at` is `expected` later than `after`, but for what a slow machine explains: either may be late."""
    return -SLACK <= at - after - expected <= SLACK


class Shop:
    """Everything that the shop's servers, pages and developers can do over HTTP."""

    def __init__(self, url: str, aws: Callable[[str], Any] | None = None) -> None:
        self.url, self.aws = url, aws
        self.http = requests.Session()
        self.is_quiet = False

    # Plain HTTP

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        if not path.startswith(("/api/v1/", "/_local/")) or method != "GET":
            self.is_quiet = False
        return self.http.request(
            method, self.url + path, timeout=local_cloud.PATIENCE, allow_redirects=False, **options
        )

    def post(self, path: str, document: Any, key: str | None = WRITE_KEY) -> requests.Response:
        """A call of the tracking API, whatever comes back."""
        return self.call("POST", path, json=document, auth=(key, "") if key else None)

    def api(
        self, method: str, path: str, document: Any = None, *, read: object = None, **query: Any
    ) -> requests.Response:
        """A call of the JSON API, whatever comes back; `read` is the edit that was read, "*" for any."""
        headers = {"authorization": f"Bearer {API_KEY}", **({} if read is None else {"if-match": str(read)})}
        return self.call(method, f"/api/v1{path}", json=document, params=query, headers=headers)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.api("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All items of a list, page after page."""
        items, cursor = [], None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            assert set(page) == {"items", "next"}
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    # Events

    def send(self, kind: str, document: dict[str, Any], key: str = WRITE_KEY) -> None:
        # As every SDK does; without it the same words within an hour are taken for a retry. What says no time of its
        # own stands in the timeline by its hour and its id, so the ids are in order.
        answer = self.post(f"/v1/{kind}", {"messageId": f"story-{next(_numbers):06}", **document}, key)
        assert (answer.status_code, answer.json()) == (200, {"success": True}), answer.text

    def identify(
        self, user: str | None = None, *, anonymous: str | None = None, key: str = WRITE_KEY, **traits: Any
    ) -> None:
        self.send("identify", {**_who(user, anonymous), "traits": traits}, key)

    def track(
        self, user: str | None, event: str, *, anonymous: str | None = None, key: str = WRITE_KEY, **properties: Any
    ) -> None:
        self.send("track", {**_who(user, anonymous), "event": event, "properties": properties}, key)

    def page(
        self,
        path: str,
        *,
        user: str | None = None,
        anonymous: str | None = None,
        key: str = BROWSER_KEY,
        **properties: Any,
    ) -> None:
        self.send("page", {**_who(user, anonymous), "properties": {"path": path, **properties}}, key)

    # Definitions

    def publish(self, *documents: dict[str, Any]) -> dict[str, int]:
        """Save and publish together; answers the versions, which are in force for every event from now on."""
        for document in documents:
            path = f"/definitions/{document['kind']}/{document['id']}"
            known = self.api("GET", path).status_code == 200
            saved = self.api("PUT", path, document, read="*" if known else None)
            assert saved.status_code == 200, saved.text
        keys = [f"{document['kind']}/{document['id']}" for document in documents]
        answer = self.api("POST", "/definitions/publish", {"definitions": keys})
        assert answer.status_code == 200, answer.text
        return answer.json()["versions"]

    # The local cloud

    def advance(self, duration: str) -> dict[str, Any]:
        """Let time pass; everything due until then has happened when this returns."""
        answer = self.call("POST", "/_local/clock", json={"advance": duration})
        assert answer.status_code == 200, answer.text
        self.is_quiet = True
        return answer.json()

    def settle(self) -> None:
        """Wait until everything that this shop has caused has happened."""
        if not self.is_quiet:
            self.advance("PT0S")

    def now(self) -> datetime:
        return instant(self.call("GET", "/_local/clock").json()["now"])

    def inbox(self, *addresses: str) -> list["Mail"]:
        """What arrived at these addresses, the oldest first."""
        items = self.call("GET", "/_local/inbox", headers={"accept": "application/json"}).json()["items"]
        return [Mail(self, item) for item in reversed(items) if item["to"] in addresses]

    def mail_account(self, **changes: Any) -> None:
        """Set the limits and troubles of the mail account."""
        answer = self.call("POST", "/_local/inbox/account", json=changes)
        assert answer.status_code == 200, answer.text

    def quarantine(self) -> list[dict[str, Any]]:
        """What could not be taken lately, the latest first."""
        self.settle()
        return list(self.get("/quarantine")["items"])

    # People

    def find(self, identity: str) -> dict[str, Any] | None:
        """The contact with this identity, once all is quiet."""
        self.settle()
        items = self.get("/contacts", identity=identity)["items"]
        assert len(items) <= 1
        return items[0] if items else None

    def person(self, name: str, **traits: Any) -> "Person":
        """Somebody new whom the shop's server knows by a user id and an e-mail address."""
        user = fresh(name)
        traits = {"email": f"{user}@example.com", "firstName": name.capitalize(), **traits}
        self.identify(user, **traits)
        return Person(self, user, traits["email"], traits.get("phone"))


def _who(user: str | None, anonymous: str | None) -> dict[str, str]:
    return {name: value for name, value in (("userId", user), ("anonymousId", anonymous)) if value}


@dataclass(frozen=True)
class Mail:
    """A mail or a text in somebody's inbox."""

    shop: Shop
    item: dict[str, Any]

    @property
    def subject(self) -> str:
        return str(self.item["subject"])

    @property
    def text(self) -> str:
        return str(self.item["text"])

    @property
    def html(self) -> str:
        return str(self.item["html"])

    @property
    def channel(self) -> str:
        return str(self.item["channel"])

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.item["headers"])

    @property
    def at(self) -> datetime:
        return instant(self.item["time"])

    def links(self) -> dict[str, str]:
        """Where each link leads, by its words."""
        reader = _Links()
        reader.feed(self.html)
        return reader.links

    def click(self, words: str, **headers: str) -> str:
        """Follow a link as a person does, who reads the mail before; answers where it leads."""
        self.shop.advance("PT11S")
        answer = self.shop.call("GET", self._path(self.links()[words]), headers={**READER, **headers})
        assert answer.status_code == 302, answer.text
        self.shop.settle()
        return answer.headers["location"]

    def open(self, **headers: str) -> None:
        """Show the images, as a person's mail program does."""
        pixels = re.findall(r'<img[^>]+src="([^"]+/o/[^"]+)"', self.html)
        assert len(pixels) == 1
        answer = self.shop.call("GET", self._path(pixels[0]), headers={**READER, **headers})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        self.shop.settle()

    @property
    def unsubscribe_path(self) -> str:
        """What the header for mail programs says; the link in the mail itself leads to the same page."""
        address = re.fullmatch(r"<(http[^>]+)>(, <mailto:[^>]+>)?", self.headers["List-Unsubscribe"])
        assert address
        assert self.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        return self._path(address[1])

    def unsubscribe_one_click(self, **form: Any) -> requests.Response:
        """What a mail program posts (RFC 8058); pass `files=` for a multipart form."""
        return self.shop.call("POST", self.unsubscribe_path, **(form or {"data": {"List-Unsubscribe": "One-Click"}}))

    def _path(self, address: str) -> str:
        return re.sub(r"^https?://[^/]+", "", address)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.address, self.words = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.address, self.words = dict(attrs).get("href") or "", ""

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.links[" ".join(self.words.split())] = self.address


@dataclass(frozen=True)
class Person:
    """Somebody the shop knows. Everything that is read is read when all is quiet."""

    shop: Shop
    user: str
    email: str
    phone: str | None = None

    def track(self, event: str, **properties: Any) -> datetime:
        """Something the shop's server saw; answers when, by the product's clock."""
        self.shop.track(self.user, event, **properties)
        return self.happened(event)

    def visits(self, path: str) -> datetime:
        self.shop.page(path, user=self.user)
        return self.happened("Page Viewed")

    def happened(self, event: str) -> datetime:
        """When it happened last."""
        return next(instant(item["time"]) for item in self.timeline() if item["name"] == event)

    def contact(self) -> dict[str, Any]:
        found = self.shop.find(f"user:{self.user}")
        assert found, f"{self.user} is nobody"
        return found

    def timeline(self, **query: Any) -> list[dict[str, Any]]:
        """The latest first."""
        return self.shop.items(f"/contacts/{self.contact()['contact_id']}/timeline", **query)

    def decisions(self, definition: str = "") -> list[dict[str, Any]]:
        """The oldest first; of one definition ("journey/welcome"), or all."""
        items = self.shop.items(f"/contacts/{self.contact()['contact_id']}/decisions")
        return [d for d in _oldest_first(items) if d["definition"].partition("@")[0] == definition or not definition]

    def verdicts(self, definition: str) -> list[tuple[str, str]]:
        """(step, verdict) of each decision, the oldest first."""
        return [(decision["step"], decision["verdict"]) for decision in self.decisions(definition)]

    def why(self, definition: str, step: str) -> str:
        """The reason of the latest decision at a step."""
        return [d["because"] for d in self.decisions(definition) if d["step"] == step][-1]

    def messages(self) -> dict[str, dict[str, Any]]:
        """What was, or was not, sent, by step."""
        items = self.shop.items("/messages", contact=self.contact()["contact_id"])
        ids = [item["message_id"] for item in items]
        assert len(ids) == len(set(ids))
        return {item["step"]: item for item in items}

    def inbox(self) -> list[Mail]:
        """All mails and texts, the oldest first."""
        self.shop.settle()
        return self.shop.inbox(self.email, *([self.phone] if self.phone else []))

    def latest(self) -> Mail:
        return self.inbox()[-1]

    def subjects(self) -> list[str]:
        """What arrived, the oldest first: a mail's subject, a text's first words. Twice would stand here twice."""
        return [mail.subject or mail.text.partition(":")[0] for mail in self.inbox()]

    def is_in(self, journey: str) -> str | None:
        """The step at which they stand, None when they are not in the journey."""
        return next((each["step"] for each in self.contact()["journeys"] if each["journey"] == journey), None)


def _oldest_first(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A list of rows turned round; the decisions of one row keep their order."""
    rows = [list(group) for _, group in itertools.groupby(items, key=lambda item: (item["time"], item["event_id"]))]
    for row in reversed(rows):
        yield from row


def dumps(document: Any) -> bytes:
    """JSON as a careless client writes it: NaN and halves of surrogate pairs go out as they are."""
    return json.dumps(document).encode()
