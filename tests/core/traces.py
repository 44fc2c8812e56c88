"""Traces: what was fetched of one mail, by whom, in seconds after its delivery, as gateways and people do it.

A line is `name | agent | address | fetches`. A fetch is `o` (the pixel), a link's number, `t` (the hidden link) or `h`
(a link's head), with `@` and the seconds. What a person does counts on a click; of a machine nothing may.
"""

from typing import NamedTuple

AGENTS = {
    "win": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36",
    "mac": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
    "ios": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "droid": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36",
    "fox": "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "old": "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 Chrome/41.0.2272.101 Safari/537.36",
    "outlook": "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
    "bird": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.3.0",
    "apple": "Mozilla/5.0",
    "gmail": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "yahoo": "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "barracuda": "BarracudaSentinel (EE)",
    "mimecast": "Mozilla/5.0 (compatible; Mimecast URL Protect)",
    "proofpoint": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (Gecko; Proofpoint URL Defense) Safari/537.36",
    "bing": "Mozilla/5.0 AppleWebKit/537.36 (Gecko; compatible; BingPreview/2.0) Chrome/100 Safari/537.36",
    "headless": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/130.0.0.0 Safari/537.36",
    "python": "python-requests/2.32.3",
    "go": "Go-http-client/2.0",
    "curl": "curl/8.9.1",
    "java": "Java/17.0.9",
    "slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "none": "",
}

_MACHINES = """
Apple's proxy at delivery | apple | 17.58.97.12 | o@1
Apple's proxy, hours later | apple | 104.28.31.5 | o@9000
Apple's proxy and again | apple | 172.224.240.9 | o@2 o@600
SafeLinks, one link at once | win | 40.93.4.17 | 1@2
SafeLinks, all links | old | 104.47.3.254 | 1@3 2@3 3@4 4@4
SafeLinks after a minute | win | 52.102.7.9 | 1@60
SafeLinks at the time of the click | win | 104.47.9.1 | 2@3600
Defender opens and follows | win | 40.107.22.3 | o@1 1@2 2@2
Proofpoint by its name | proofpoint | 198.51.100.4 | 1@5 2@6
Proofpoint by its network | win | 67.231.152.30 | 1@40 2@41
Proofpoint, another network | old | 148.163.149.10 | o@30 1@31
Proofpoint late in the day | mac | 205.220.177.3 | 1@20000
Mimecast by its name | mimecast | 203.0.113.80 | 1@70
Mimecast by its network | win | 207.211.30.44 | 1@900 3@905
Mimecast, British network | win | 91.220.42.10 | 2@15
Mimecast, all links | old | 205.139.110.61 | 1@1 2@1 3@1 4@2 5@2
Barracuda by its name | barracuda | 209.222.82.7 | 1@1
Barracuda by its network | win | 64.235.154.3 | o@2 1@2
Barracuda, minutes later | old | 209.222.86.2 | 1@400 2@400
a hidden scanner, every link | win | 198.51.100.9 | 1@2 2@2 3@3 4@3
a hidden scanner, after a minute | mac | 198.51.100.10 | 1@61 2@62 3@63
a hidden scanner, an hour later | win | 198.51.100.11 | 1@3600 2@3601 3@3602 4@3603
a hidden scanner, slowly at first | fox | 198.51.100.12 | 1@30 2@33 3@34
a hidden scanner, in pairs | old | 198.51.100.13 | 1@100 2@100 3@104 4@104
a hidden scanner, one link, three seconds | win | 198.51.100.14 | 1@3
a hidden scanner, one link, nine seconds | mac | 198.51.100.15 | 2@9
a hidden scanner, two links at once | old | 198.51.100.16 | 1@4 2@4
a hidden scanner that shows images at once | win | 198.51.100.17 | o@1 1@1
a hidden scanner that shows images and goes on | win | 198.51.100.18 | o@1 1@2 2@2 3@2
a hidden scanner that shows images, then follows | win | 198.51.100.18 | o@1 1@4
a hidden scanner that shows images in the midst | win | 198.51.100.18 | 1@30 o@30 2@31 3@32
a hidden scanner that shows images at last | old | 198.51.100.18 | 1@30 2@31 3@31 o@33
a hidden scanner that follows all it finds | win | 198.51.100.19 | 1@50 t@50
a hidden scanner, the hidden link first | fox | 198.51.100.20 | t@300 1@301 2@302
a hidden scanner, the hidden link last | mac | 198.51.100.21 | o@600 1@601 2@630 t@640
a hidden scanner, an hour of patience | old | 198.51.100.22 | 1@120 2@900 t@1500
a sandbox with a real browser | win | 198.51.100.23 | o@20 1@22 2@24 3@25 t@26
a sandbox on a phone's agent | droid | 198.51.100.24 | 1@6 2@7 3@8
a sandbox in the night | ios | 198.51.100.25 | 3@5
a crawler by its name | headless | 198.51.100.26 | o@5 1@6
a script in Python | python | 198.51.100.27 | 1@500
a script in Go | go | 198.51.100.28 | 1@12 2@12
a script of a shell | curl | 198.51.100.29 | 1@3000
a program in Java | java | 198.51.100.30 | 1@4 2@5
a preview of a chat | slack | 198.51.100.31 | 1@1800
a preview of a search engine | bing | 198.51.100.32 | 1@20
a scanner that asks for heads | win | 198.51.100.33 | h@2 h@2
a scanner that asks for heads, then follows | win | 198.51.100.34 | h@2 1@3
"""

_PEOPLE = """
reads at once and clicks | win | 203.0.113.1 | o@40 1@55
reads on a phone | ios | 203.0.113.2 | o@300 2@312
clicks without images | droid | 203.0.113.3 | 1@75
clicks very soon after looking | mac | 203.0.113.4 | o@4 1@8
waits for the mail, images off | win | 203.0.113.5 | 1@12
comes back three times | fox | 203.0.113.6 | o@60 1@70 1@4000 2@4100
opens two links in tabs | win | 203.0.113.7 | o@100 1@108 2@110
opens three links in tabs, one by one | mac | 203.0.113.8 | o@200 1@206 2@210 3@215
the same link twice, impatiently | droid | 203.0.113.9 | 1@90 1@91 1@92
reads in Outlook, clicks in a browser | outlook,win | 203.0.113.10 | o@600 1@620
reads in Thunderbird | bird,fox | 203.0.113.11 | o@30 3@50
behind Gmail's proxy | gmail,win | 203.0.113.12 | o@80 1@95
behind Yahoo's proxy | yahoo,win | 203.0.113.13 | o@80 1@99
behind Apple's proxy | apple,ios | 203.0.113.14 | o@1 1@4000
a day later | win | 203.0.113.15 | o@86400 1@86420
a week later, another device | droid,mac | 203.0.113.16 | o@600000 2@600300
after a scanner was there | barracuda,win | 203.0.113.17 | 1@2 o@1800 1@1830
an agent that nobody knows | none,win | 203.0.113.18 | o@100 1@140
reads long, then buys | win | 203.0.113.19 | o@50 2@400 3@900
from an old machine | old | 203.0.113.20 | o@20 1@33
"""


class Fetched(NamedTuple):
    """One fetch of a trace: `what` is "o", "t", "h" or a link's number."""

    what: str
    at: float
    agent: str
    address: str


class Trace(NamedTuple):
    """What was fetched of one mail."""

    name: str
    is_person: bool
    fetches: tuple[Fetched, ...]


def _read(line: str, is_person: bool) -> Trace:
    name, agents, address, fetches = (part.strip() for part in line.split("|"))
    first, _, last = agents.partition(",")
    found = []
    for number, fetch in enumerate(fetches.split()):
        what, _, at = fetch.partition("@")
        # Of two agents the first is that of the first fetch: of the proxy, or of the mail program.
        agent = first if number == 0 or not last else last
        found.append(Fetched(what, float(at), AGENTS[agent], address))
    return Trace(name, is_person, tuple(found))


TRACES = (
    *(_read(line, False) for line in _MACHINES.strip().splitlines()),
    *(_read(line, True) for line in _PEOPLE.strip().splitlines()),
)
