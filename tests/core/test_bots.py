"""Who fetched a pixel or a link."""

import pytest

from postroad.bots import actor_of, is_prefetch


@pytest.mark.parametrize(
    ("agent", "actor"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36", "human"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile", "human"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", "human"),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/100 Mobile Safari/537.36", "human"),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.14326; Pro)", "human"),
        ("Mozilla/5.0", "machine"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "machine"),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", "machine"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/130.0 Safari/537.36", "machine"),
        ("BarracudaSentinel", "machine"),
        ("python-requests/2.32", "machine"),
        ("curl/8.9.1", "machine"),
        ("Go-http-client/1.1", "machine"),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "unknown"),
        ("YahooMailProxy; https://help.yahoo.com/", "unknown"),
        ("", "unknown"),
        ("SomethingNew/1.0", "unknown"),
    ],
)  # fmt: skip
def test_the_user_agent_tells_people_from_machines(agent, actor):
    assert actor_of({"user-agent": agent}) == actor


@pytest.mark.parametrize(
    ("headers", "ahead"),
    [
        ({"sec-purpose": "prefetch"}, True),
        ({"sec-purpose": "prefetch;prerender"}, True),
        ({"purpose": "prefetch"}, True),
        ({"x-purpose": "preview"}, True),
        ({"x-moz": "prefetch"}, True),
        ({"sec-fetch-mode": "navigate"}, False),
        ({}, False),
    ],
)
def test_a_prefetch_is_known_by_its_headers(headers, ahead):
    assert is_prefetch(headers) is ahead
