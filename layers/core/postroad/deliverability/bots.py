"""Who fetched a pixel or a link, as far as one request tells: the person, or a machine on the way to the person.

What only shows when fetches are seen together is told by `fetches`.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Literal, NamedTuple

Actor = Literal["human", "machine", "unknown"]


class Verdict(NamedTuple):
    """Who it was, and by what that is told; `because` is "" for a person."""

    actor: Actor
    because: str = ""


# Link scanners, mail gateways, crawlers and HTTP libraries that give their names; the list is kept short, because a
# scanner that hides looks like a browser anyway.
_MACHINES = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|preview|scan|monitor|headless|phantomjs|lighthouse|validator"
    r"|barracuda|proofpoint|mimecast|trendmicro|forcepoint|symantec|fireeye|sophos|safelinks|url ?defen[cs]e"
    r"|curl/|wget/|python|java/|go-http-client|okhttp|libwww|apache-httpclient|axios/|node-fetch|ruby|php/",
    re.IGNORECASE,
)
# These fetch on behalf of a reader, at their own time: Gmail's and Yahoo's image proxies.
_PROXIES = re.compile(r"googleimageproxy|ggpht|yahoomailproxy", re.IGNORECASE)
_READERS = re.compile(r"Mozilla/5\.0 \(.+(?:Gecko|AppleWebKit|Trident)|Microsoft Outlook|Thunderbird|Mail/", re.I)

# From where the gateways fetch that follow links before the reader sees them, as their makers publish it. No reader
# has an address there.
_GATEWAYS: Mapping[str, tuple[str, ...]] = {
    "Microsoft": ("40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17"),
    "Proofpoint": ("67.231.144.0/20", "148.163.128.0/19", "185.132.180.0/22", "185.183.28.0/22", "205.220.160.0/19"),
    "Mimecast": ("91.220.42.0/24", "146.101.78.0/24", "195.130.217.0/24", "205.139.110.0/23", "207.211.30.0/23"),
    "Barracuda": ("64.235.144.0/20", "209.222.80.0/21"),
    "Apple": ("17.0.0.0/8",),
}


def is_prefetch(headers: Mapping[str, str]) -> bool:
    """Whether a browser fetches ahead of its user: such a fetch says nothing about the person."""
    purposes = (headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    return any(purpose.startswith(("prefetch", "preview")) for purpose in purposes)


def judge_fetch(headers: Mapping[str, str], address: str = "") -> Verdict:
    """What a request says about who fetched; header names are in lower case, `address` is the IP address.

    `Mozilla/5.0` alone is Apple's privacy proxy, which fetches every pixel at delivery.
    """
    agent = headers.get("user-agent", "").strip()
    if agent == "Mozilla/5.0":
        return Verdict("machine", "Apple's privacy proxy fetches everything at delivery")
    if found := _MACHINES.search(agent):
        return Verdict("machine", f"its agent calls itself {found[0].lower().strip(' /')}")
    if gateway := find_gateway(address):
        return Verdict("machine", f"it came out of the network of {gateway}")
    if _PROXIES.search(agent):
        return Verdict("unknown", "an image proxy fetches for its reader")
    if not _READERS.search(agent):
        return Verdict("unknown", "its agent is no mail program or browser that is known")
    return Verdict("human")


def find_gateway(address: str) -> str:
    """Whose network of link scanners an IP address is in; "" for none."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and len(part) < 4 for part in parts):
        return ""
    number = _as_number(parts)
    return next((name for first, last, name in _RANGES if first <= number <= last), "")


def _as_number(parts: list[str]) -> int:
    return sum(int(part) << shift for part, shift in zip(parts, (24, 16, 8, 0), strict=True))


def _range_of(network: str) -> tuple[int, int]:
    """The first and the last address of "40.92.0.0/15"."""
    address, _, bits = network.partition("/")
    first = _as_number(address.split("."))
    return first, first + (1 << (32 - int(bits))) - 1


_RANGES = tuple((*_range_of(network), name) for name, networks in _GATEWAYS.items() for network in networks)


class Throng:
    """Addresses from which links of many people are followed at once, as one process sees them: nobody reads the mail
    of so many. It keeps the latest addresses only, and none longer than `WITHIN`."""

    MOST_PEOPLE = 20
    WITHIN = 600.0
    MOST_ADDRESSES = 500

    def __init__(self) -> None:
        self._seen: OrderedDict[str, dict[str, float]] = OrderedDict()

    def is_machine(self, address: str, contact_id: str, now: float) -> bool:
        """Whether this is one of more people than read their mail behind one address; it notes the click. The machine
        on which all runs (127.0.0.1) is nobody's gateway."""
        if address.startswith("127."):
            return False
        before = self._seen.pop(address, {})
        people = {known: at for known, at in before.items() if 0 <= now - at <= self.WITHIN}
        if len(people) <= self.MOST_PEOPLE or contact_id in people:
            people[contact_id] = now
        self._seen[address] = people
        while len(self._seen) > self.MOST_ADDRESSES:
            self._seen.popitem(last=False)
        return len(people) > self.MOST_PEOPLE
