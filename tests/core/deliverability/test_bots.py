"""Who fetched a pixel or a link, by what one request says."""

import pytest

from postroad.deliverability.bots import Throng, find_gateway, is_prefetch, judge_fetch

T0 = 1_793_610_000.0
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "actor"),
    [
        (BROWSER, "human"),
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
    verdict = judge_fetch({"user-agent": agent})
    assert verdict.actor == actor
    assert bool(verdict.because) is (actor != "human")


@pytest.mark.parametrize(
    ("address", "gateway"),
    [
        ("40.94.27.11", ""),
        ("40.93.255.255", "Microsoft"),
        ("104.47.127.1", "Microsoft"),
        ("104.47.128.1", ""),
        ("67.231.152.4", "Proofpoint"),
        ("205.139.111.3", "Mimecast"),
        ("209.222.82.4", "Barracuda"),
        ("17.58.97.12", "Apple"),
        ("203.0.113.9", ""),
        ("2a00:1450:4001::1", ""),
        ("17.58.97", ""),
        ("no address", ""),
        ("", ""),
    ],
)
def test_gateways_are_known_by_their_networks(address, gateway):
    assert find_gateway(address) == gateway


def test_a_browser_out_of_a_gateways_network_is_a_machine():
    verdict = judge_fetch({"user-agent": BROWSER}, "67.231.152.4")
    assert (verdict.actor, verdict.because) == ("machine", "it came out of the network of Proofpoint")


def test_an_address_that_follows_the_links_of_more_than_twenty_people_is_a_machines():
    throng = Throng()
    office = [throng.is_machine("203.0.113.9", f"c{number}", T0 + number) for number in range(20)]
    assert not any(office)
    assert not throng.is_machine("203.0.113.9", "c3", T0 + 30)
    assert throng.is_machine("203.0.113.9", "c20", T0 + 40)
    assert not throng.is_machine("198.51.100.1", "c20", T0 + 41)


def test_an_office_whose_people_click_over_the_day_is_no_machine():
    throng = Throng()
    assert not any(throng.is_machine("203.0.113.9", f"c{number}", T0 + 60.0 * number) for number in range(60))


def test_what_is_remembered_of_addresses_is_bounded():
    throng = Throng()
    for number in range(2 * Throng.MOST_ADDRESSES):
        throng.is_machine(f"203.0.{number // 250}.{number % 250}", "c", T0)
    assert len(throng._seen) == Throng.MOST_ADDRESSES


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
