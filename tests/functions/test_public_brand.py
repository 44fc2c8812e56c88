"""Our own pages look like the brand, as far as it can be read."""

from base64 import b64encode
from hashlib import sha256
from html import unescape
from re import DOTALL, search

import pytest

from functions.public.pages import page
from postroad.policy import parse_policy


def policy(**brand):
    topics = [{"id": "offers", "opt_in": False}]
    head = {"kind": "policy", "id": "policy", "name": "Tidewater <Coffee>", "topics": topics}
    return parse_policy({**head, "brand": brand})


def shown(**brand):
    answer = page(200, "Hello", "<p>Words</p>", policy=policy(**brand))
    return answer["body"], answer["headers"]["content-security-policy"]


def test_c87_a_page_has_the_brands_colours_fonts_and_logo():
    logo = {"url": "https://pictures.tidewater.example/logo.png", "alt": "Tidewater", "width": 180}
    colors = {"primary": "#1f3b4d", "text": "#2b2320", "muted": "#6a5f58", "background": "#f3efe9"}
    body, security = shown(logo=logo, colors=colors, fonts={"heading": "Georgia, serif"}, corners=6)
    assert "--accent: #1f3b4d; --on-accent: #ffffff;" in body
    assert "--paper: #ffffff; --ground: #f3efe9; --ink: #2b2320; --quiet: #6a5f58;" in body
    assert "h1, h2 { font-family: Georgia, serif; }" in body
    assert '<img class="logo" src="https://pictures.tidewater.example/logo.png" alt="Tidewater" width="180">' in body
    assert "img-src https://pictures.tidewater.example;" in security
    assert unescape(search("<title>(.*)</title>", body)[1]) == "Hello | Tidewater <Coffee>"


def test_the_style_is_the_only_one_that_a_page_may_have():
    body, security = shown(colors={"primary": "#1f3b4d"}, fonts={"body": "Georgia, 'Times New Roman', serif"})
    style = search("<style>(.*)</style>", body, DOTALL)[1]
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in security
    assert "script-src" not in security


@pytest.mark.parametrize("letters", ["#ffffff", "#ffe066"])
def test_letters_that_could_not_be_read_are_black(letters):
    body, _ = shown(colors={"primary": "#ffd400", "on_primary": letters})
    assert "--accent: #ffd400; --on-accent: #000000;" in body


def test_colours_in_which_words_could_not_be_read_are_left_out():
    body, _ = shown(colors={"text": "#bbbbbb", "surface": "#ffffff"})
    assert "--ink: #bbbbbb" not in body
    assert "<p>Words</p>" in body


def test_a_host_that_would_change_the_policy_of_a_page_shows_no_logo():
    body, security = shown(logo={"url": "https://a;script-src/x.png", "alt": "x", "width": 100})
    assert "a;script-src" not in security
    assert "Tidewater &lt;Coffee&gt;" in body
    assert "<img" not in body


def test_without_a_brand_a_page_has_a_look_of_its_own():
    plain = page(200, "Hello", "")["body"]
    assert "--accent: #1f5fbf; --on-accent: #fff;" in plain
    assert "font-family" not in plain.split("color-scheme: dark")[1].split("</style>")[0]
