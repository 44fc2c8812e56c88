from base64 import urlsafe_b64encode
from html import escape
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.content.links import (
    Click,
    LinkError,
    Open,
    Signer,
    Unsubscribe,
    add_pixel,
    rewrite_links,
    target_is_safe,
)

KEY, OLD = b"k" * 32, b"o" * 32
SIGNER = Signer({"k1": KEY}, "k1")
CLICK = Click("01HZX", 3, "https://shop.example/sale?a=1&b=é#top")
LEAVE = Unsubscribe("c0ffee", "email", "news", "01HZX")
WORD = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30)


# ----------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("link", [CLICK, Open("01HZX"), LEAVE, Unsubscribe("c", "sms", "news", "")])
def test_a_signed_link_is_read_back(link: Click | Open | Unsubscribe) -> None:
    token = SIGNER.sign(link)
    assert SIGNER.find(type(link), token) == link
    assert SIGNER.path(link) == f"/{link.purpose}/{token}"
    assert urlsplit(f"https://x.example{SIGNER.path(link)}").path == f"/{link.purpose}/{token}"


@given(WORD, WORD, WORD, WORD)
def test_any_fields_survive_the_token(contact: str, channel: str, topic: str, message: str) -> None:
    link = Unsubscribe(contact, channel, topic, message)
    assert SIGNER.find(Unsubscribe, SIGNER.sign(link)) == link


def test_a_token_is_short_and_shows_no_address() -> None:
    assert len(SIGNER.sign(Open("01HZXW7D0M5E4T3B2A1C9F8G7H"))) <= 64
    assert len(SIGNER.sign(CLICK)) <= 100
    assert "@" not in SIGNER.sign(LEAVE)


@pytest.mark.parametrize("kind", [Click, Open, Unsubscribe])
def test_a_token_of_one_purpose_is_worth_nothing_for_another(kind: type) -> None:
    for link in (CLICK, Open("01HZX"), LEAVE):
        assert (SIGNER.find(kind, SIGNER.sign(link)) is None) == (type(link) is not kind)


def test_every_changed_character_spoils_a_token() -> None:
    for link in (CLICK, Open("01HZX"), LEAVE):
        token = SIGNER.sign(link)
        for i, sign in enumerate(token):
            for other in "AB_9.":
                if other != sign:
                    assert SIGNER.find(type(link), token[:i] + other + token[i + 1 :]) is None
            assert SIGNER.find(type(link), token[:i]) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "k1",
        "k1.",
        "k1.A",
        "k1.AAAA",
        "k2." + "A" * 60,
        "k1.é",
        "k1.====",
        "k1." + "A" * 9_000,
        "\x00",
        "k1.A B",
        "...",
    ],
)
def test_what_we_did_not_sign_is_nothing(token: str) -> None:
    for kind in (Click, Open, Unsubscribe):
        assert SIGNER.find(kind, token) is None


@given(st.text(max_size=80))
def test_no_text_makes_the_reader_fail(token: str) -> None:
    assert SIGNER.find(Click, token) is None
    assert SIGNER.find(Unsubscribe, f"k1.{token}") is None


def test_a_padded_or_otherwise_written_token_is_not_the_token() -> None:
    token = SIGNER.sign(CLICK)
    for other in (token + "=", token + "\n", token.replace(".", ".\n"), " " + token, token + ".x"):
        assert SIGNER.find(Click, other) is None


def test_an_old_key_reads_its_links_for_as_long_as_it_is_kept() -> None:
    token = Signer({"k0": OLD}, "k0").sign(LEAVE)
    rotated = Signer({"k0": OLD, "k1": KEY}, "k1")
    assert rotated.find(Unsubscribe, token) == LEAVE
    assert rotated.sign(LEAVE).startswith("k1.")
    assert SIGNER.find(Unsubscribe, token) is None
    # The same bytes under another id are another key.
    assert Signer({"k0": KEY, "k1": KEY}, "k1").find(Unsubscribe, "k0" + SIGNER.sign(LEAVE)[2:]) is None


def test_a_link_that_would_not_be_safe_is_not_signed() -> None:
    for link in (
        Click("m", 1, "javascript:alert(1)"),
        Click("m", 1, "https://good.example\\@evil.example"),
        Click("m\x1f1", 1, "https://a.example"),
        Open("a\r\nb"),
        Open("\ud800"),
        Open("x" * 5_000),
    ):
        with pytest.raises(LinkError):
            SIGNER.sign(link)


def test_an_unsafe_target_leads_nowhere_even_when_we_signed_it_once() -> None:
    def signed(url: str) -> str:
        body = f"m\x1f1\x1f{url}\x1fc".encode()
        return "k1." + urlsafe_b64encode(body + SIGNER._mac("k1", "c", body)).decode().rstrip("=")

    assert SIGNER.find(Click, signed("https://a.example")) == Click("m", 1, "https://a.example", "c")
    assert SIGNER.find(Click, signed("javascript:alert(1)")) is None


@pytest.mark.parametrize(
    ("keys", "current"), [({}, "a"), ({"a": b"short"}, "a"), ({"a.b": KEY}, "a.b"), ({"": KEY}, "")]
)
def test_keys_that_cannot_be_used_are_refused(keys: dict[str, bytes], current: str) -> None:
    with pytest.raises(LinkError):
        Signer(keys, current)


# ---------------------------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "http://shop.example/",
        "HTTPS://Shop.Example/a/b?c=d&e=%20#f",
        "https://shop.example:8443/x",
        "http://localhost:8080/x",
        "https://shop.example./",
        "https://shop.example?x=https://other.example/@a",
        "https://bücher.example/straße?q=é",
        "https://10.0.0.1/",
        "http://[2001:db8::1]:80/",
        "https://a_b.example/",
    ],
)
def test_a_plain_web_address_is_safe(url: str) -> None:
    assert target_is_safe(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "/path",
        "//evil.example",
        "https:/\\evil.example",
        "https:\\\\evil.example",
        "https:evil.example",
        "https:///evil.example",
        "https://",
        "https://?x",
        "https://good.example\\@evil.example",
        "https://good.example\\.evil.example",
        "https://good.example/\\evil.example",
        "https://good%2eevil.example/",
        "https://good.test\r\nSet-Cookie:x",
        "https://good.test/\nx",
        "https://good.test/\tx",
        "https://good.test/a b",
        " https://good.test/",
        "https://good.test/\x00",
        "https://good.test/\x85",
        "https://good.test/\u2028",
        "https://good.test/\xa0",
        "https://good.test/\u202eevil",
        "https://good.test/\ud800",
        "https://user@good.test/",
        "https://user:pass@good.test/",
        "https://good.test:99999/",
        "https://good.test:80:80/",
        "https://good.test:x/",
        "https://good..test/",
        "https://-good.test/",
        "https://good.test\uff0fevil.example/",
        "https://good\uff0etest/",
        "https://g\u2488.example/",
        "https://[::1",
        "https://exa mple/",
        "https://a,b/",
        "https://" + "a" * 64 + ".example/",
        "https://a.example/" + "a" * 3_000,
        "javascript:alert(1)",
        "JavaScript://good.test/%0aalert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://good.test/",
        "mailto:ana@example.com",
    ],
)
def test_a_trick_is_no_target(url: str) -> None:
    assert not target_is_safe(url)


# ------------------------------------------------------------------------------------------------------------- HTML


def mark(target: str, number: int) -> str:
    return f"https://t.example/{number}?u={target}&x"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="https://a.example/">x</a>', '<a href="T1">x</a>'),
        ("<A class=b HREF = 'https://a.example/' id=c>x</A>", '<A class=b HREF = "T1" id=c>x</A>'),
        ("<a href=https://a.example/>x</a>", '<a href="T1">x</a>'),
        ('<a href=" https://a.example/ ">x</a><area href="https://b.example"/>', '<a href="T1">x</a><area href="T2"/>'),
        ('<a\n title="a > b"\n href="https://a.example/">', '<a\n title="a > b"\n href="T1">'),
        ('<a href="https://a.example/" href="https://b.example/">', '<a href="T1" href="https://b.example/">'),
    ],
)
def test_a_link_is_rewritten_and_nothing_else(html: str, expected: str) -> None:
    seen: list[tuple[str, int]] = []

    def make(target: str, number: int) -> str:
        seen.append((target, number))
        return f"T{number}"

    assert rewrite_links(html, make) == expected
    assert [number for _, number in seen] == list(range(1, len(seen) + 1))
    assert {target for target, _ in seen} <= {"https://a.example/", "https://b.example"}


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:a@b.example">x</a>',
        '<a href="tel:+34">x</a>',
        '<a href="#top">x</a>',
        '<a href="/local">x</a>',
        '<a href="javascript:x">x</a>',
        '<a href="">x</a><a href>x</a><a name="y">x</a>',
        '<a href="https://a.example/" data-notrack>x</a>',
        '<a data-notrack="1" href="https://a.example/">x</a>',
        '<a href="https://t.example/u/abc">leave</a>',
        '<link href="https://a.example/x.css"><img src="https://a.example/x.png">',
        '<!-- <a href="https://a.example/">x</a> -->',
        '<!--[if mso]><a href="https://a.example/">x</a><![endif]-->',
        '<style><a href="https://a.example/"></style><title><a href="https://a.example/"></title>',
        "<p title='<a href=\"https://a.example/\">'>x</p>",
        '&lt;a href="https://a.example/"&gt;',
        '<a data-href="https://a.example/">x</a>',
        '<a href="https://user:pass@a.example/">x</a>',
        "",
    ],
)
def test_what_is_not_tracked_stays(html: str) -> None:
    assert rewrite_links(html, mark, keep={"https://t.example/u/abc"}) == html


def test_escaped_signs_in_a_link_are_read_and_written_right() -> None:
    html = '<a href="https://a.example/?a=1&amp;b=2&#38;c=3">x</a>'
    out = rewrite_links(html, lambda target, number: f"https://t.example/?u={target}&n={number}\"'")
    assert out == ('<a href="https://t.example/?u=https://a.example/?a=1&amp;b=2&amp;c=3&amp;n=1&quot;&#x27;">x</a>')


def test_a_rewritten_link_leads_to_where_it_led() -> None:
    html = f'<p><a href="{escape(CLICK.url)}">x</a></p>'
    out = rewrite_links(html, lambda url, number: "https://t.example" + SIGNER.path(Click("01HZX", number, url)))
    token = out.partition("/c/")[2].partition('"')[0]
    assert SIGNER.find(Click, token) == Click("01HZX", 1, CLICK.url)


TEXT = st.text(alphabet="abc <>\"'&;=/!-\n é", max_size=15)
LINKED = st.lists(
    st.one_of(TEXT, st.sampled_from(["<a href='§'>x</a>", '<a href="§" b>', "<p>", "<a href=§>"])), max_size=8
)


@given(LINKED.map("".join))
def test_text_outside_of_links_is_unchanged(pattern: str) -> None:
    html = pattern.replace("§", "https://a.example/")
    out = rewrite_links(html, lambda target, number: target)
    # Whatever was quoted as a link, the bytes between are the same.
    strip = str.maketrans("", "", "\"'")
    assert out.translate(strip) == html.translate(strip)


def test_the_pixel_stands_before_the_end_of_the_body() -> None:
    pixel = '<img src="https://t.example/o/x?a&amp;b" width="1" height="1" alt="" style="display:none">'
    assert add_pixel("<body>a</body></html>", "https://t.example/o/x?a&b") == f"<body>a{pixel}</body></html>"
    assert add_pixel("a</BODY >b</body>", "https://t.example/o/x?a&b") == f"a</BODY >b{pixel}</body>"
    assert add_pixel("<p>a</p>", "https://t.example/o/x?a&b") == f"<p>a</p>{pixel}"
    trap = '<a href="https://t.example/c/y" style="display:none" tabindex="-1" aria-hidden="true"></a>'
    assert add_pixel("<p>a</p>", "https://t.example/o/x?a&b", "https://t.example/c/y") == f"<p>a</p>{pixel}{trap}"
