"""Who fetched a pixel or a link: the person, or a machine on the way to the person."""

import re
from collections.abc import Mapping
from typing import Literal

Actor = Literal["human", "machine", "unknown"]

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


def is_prefetch(headers: Mapping[str, str]) -> bool:
    """Whether a browser fetches ahead of its user: such a fetch says nothing about the person."""
    purposes = (headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    return any(purpose.startswith(("prefetch", "preview")) for purpose in purposes)


def actor_of(headers: Mapping[str, str]) -> Actor:
    """What the user agent says about who fetched; header names are in lower case.

    `Mozilla/5.0` alone is Apple's privacy proxy, which fetches every pixel at delivery.
    """
    agent = headers.get("user-agent", "").strip()
    if agent == "Mozilla/5.0" or _MACHINES.search(agent):
        return "machine"
    if _PROXIES.search(agent) or not _READERS.search(agent):
        return "unknown"
    return "human"
