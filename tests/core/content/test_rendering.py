import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.content.rendering import (
    MAX_OUTPUT,
    Compiled,
    RenderError,
    TemplateError,
    compile_message_template,
    compile_template,
)
from postroad.errors import DefinitionError


class Account:
    """What no template may ever reach."""

    deleted = False

    def delete(self) -> str:
        Account.deleted = True
        return "deleted"


BIG = "a" * 20_000
DATA = {
    "user": {"name": "Ana", "email": "ana@example.com", "tags": ["a", "b"], "age": 41},
    "big": BIG,
    "many": list(range(5_000)),
    "words": ["word"] * 2_000,
}


def text(source: str, **values: object) -> str:
    return compile_template(source, html=False).render(values)


def html(source: str, **values: object) -> str:
    return compile_template(source, html=True).render(values)


def refused(source: str, *, as_html: bool = False) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        compile_template(source, html=as_html)
    return caught.value


# ---------------------------------------------------------------------------------------------------------- dialect


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hi {{ name }}", "Hi Ana"),
        ("{{ user.address.city }}", "Gijón"),
        ("{{ user['address']['city'] }}", "Gijón"),
        ("{{ tags[0] }}{{ tags[-1] }}", "ab"),
        ("{{ tags[key] }}", ""),
        ("{{ missing }}{{ missing.deeper.still }}{{ user.nope }}{{ name.upper }}", ""),
        ("{% if missing > 3 %}yes{% else %}no{% endif %}", "no"),
        ("{% if none < 3 or 'x' > 2 %}yes{% else %}no{% endif %}", "no"),
        ("{{ missing == none }}", "true"),
        ("{{ 'Ana' == name }} {{ 1 != 1.0 }}", "true false"),
        ("{{ age is gt(40) }} {{ age is le(40) }}", "true false"),
        ("{{ 'b' in tags }} {{ 'z' not in tags }} {{ 'n' in name }} {{ 'x' in missing }}", "true true true false"),
        ("{% if age >= 18 and not minor %}adult{% endif %}", "adult"),
        ("{% if a %}1{% elif name %}2{% else %}3{% endif %}", "2"),
        ("{{ 'x' if missing else 'y' }}{{ 'z' if missing }}", "y"),
        ("{{ missing or 'friend' }}", "friend"),
        ("{% for tag in tags %}{{ loop.index }}{{ tag }}{% if not loop.last %}, {% endif %}{% endfor %}", "1a, 2b"),
        ("{% for tag in missing %}x{% else %}none{% endfor %}", "none"),
        ("{% for key, value in user.address | items %}{{ key }}={{ value }};{% endfor %}", "city=Gijón;zip=33201;"),
        ("{% for tag in tags if tag != 'a' %}{{ tag }}{% endfor %}", "b"),
        ("{{ 'Dear ' ~ name ~ ' ' ~ age }}", "Dear Ana 41"),
        ("{{ age + 1 }} {{ age - 1 }} {{ 3 / 2 }} {{ -age }} {{ 'a' + 'b' }} {{ missing + 1 }}", "42 40 1.5 -41 ab 1"),
        ("{{ price | times(3) | money('EUR') }}", "€37.50"),
        ("{{ 2.0 }} {{ 0.5 }} {{ true }} {{ none }}|", "2 0.5 true |"),
        ("{{ minor | default('no') }} {{ empty | default('there') }} {{ 0 | default(5) }}", "no there 0"),
        ("{# a remark #}{% raw %}{{ as it is }}{% endraw %}", "{{ as it is }}"),
        ("{{ template }}", "{{ 7 * 7 }}{% for %}"),
        ("{{ self_made }}{{ env }}{{ config }}", ""),
    ],
)
def test_a_template_reads_data_and_nothing_more(source: str, expected: str) -> None:
    values = {
        "name": "Ana",
        "user": {"address": {"city": "Gijón", "zip": 33201}},
        "tags": ["a", "b"],
        "age": 41,
        "price": 12.5,
        "empty": " ",
        "template": "{{ 7 * 7 }}{% for %}",
    }
    assert text(source, **values) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ 'aNA maría' | upper }}|{{ 'ANA' | lower }}|{{ 'aNA r' | capitalize }}", "ANA MARÍA|ana|Ana r"),
        ("{{ \"o'neil it's me\" | title }}", "O'neil It's Me"),
        ("{{ '  x ' | trim }}", "x"),
        ("{{ 'the quick brown fox' | truncate(12) }}", "the quick…"),
        ("{{ 'abcdef' | truncate(4, '') }}{{ 'ab' | truncate(4) }}", "abcdab"),
        ("{{ 'a-b-c' | replace('-', ' ') }}", "a b c"),
        ("{{ ['a', 'b', 1] | join(' & ') }} {{ items | join(', ', 'name') }}", "a & b & 1 boots, socks"),
        ("{{ 'abc' | length }} {{ items | count }} {{ nothing | length }}", "3 2 0"),
        ("{{ [1, 2] | first }}{{ [1, 2] | last }}{{ 'ab' | first }}{{ [] | first }}", "12a"),
        ("{{ [1, 2, 3] | take(2) | join }} {{ [1, 2] | reverse | join }}", "1, 2 2, 1"),
        ("{{ ['b', 'A', 2, none] | sort | join }}", ", 2, A, b"),
        ("{{ items | sort('price') | map('name') | join }}", "socks, boots"),
        ("{{ [3, 1] | sort(reverse=true) | join }}", "3, 1"),
        ("{{ [1, 'a', 1, 'a'] | unique | join }}", "1, a"),
        ("{{ items | sum('price') }}", "129.5"),
        ("{{ 2.5 | round }} {{ 2.675 | round(2) }} {{ '7.4' | round }}", "3 2.68 7"),
        ("{{ '12' | int + 1 }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ -2 | abs }}", "13 0 7 1.5 2"),
        ("{{ 1234.5 | money('EUR') }} {{ 1234.5 | money }} {{ -3 | abs | money('USD') }}", "€1,234.50 1,234.50 $3.00"),
        ("{{ 0.125 | money('GBP') }} {{ 1200 | money('jpy') }} {{ 5 | money('CHF') }}", "£0.13 ¥1,200 5.00 CHF"),
        ("{{ 1793610840 | date }} {{ 1793610840000 | date('%H:%M') }}", "2 November 2026 09:14"),
        (
            "{{ '2026-11-02T09:14:00Z' | date('%A %-d %b %Y, %I:%M %p', 'Europe/Madrid') }}",
            "Monday 2 Nov 2026, 10:14 AM",
        ),
        ("{{ '2026-11-02' | date('%d/%m/%y %j %%') }}{{ nothing | date }}", "02/11/26 306 %"),
        ("{{ 'a b&c/é' | urlencode }}", "a%20b%26c%2F%C3%A9"),
        ("{{ 4 is even }} {{ 4 is odd }} {{ 9 is divisibleby(3) }} {{ 9 is divisibleby(0) }}", "true false true false"),
        (
            "{{ x is defined }} {{ x is undefined }} {{ x is none }} {{ 1 is number }} {{ '' is string }}",
            "false true true true true",
        ),
    ],
)
def test_each_filter_and_test_does_what_it_says(source: str, expected: str) -> None:
    values = {"items": [{"name": "boots", "price": 120}, {"name": "socks", "price": 9.5}]}
    assert text(source, **values) == expected


def test_html_is_escaped_and_line_breaks_can_be_kept() -> None:
    assert html("<p>{{ x }}</p>", x="<script>alert('1')</script>") == (
        "<p>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;</p>"
    )
    assert html("<p>{{ x | nl2br }}</p>", x="a<b\nc") == "<p>a&lt;b<br>\nc</p>"
    assert html("<p>{{ x | escape }} {{ x | escape | upper }}</p>", x="<") == "<p>&lt; &amp;LT;</p>"
    assert text("{{ x | escape }}{{ x | nl2br }}", x="<\n") == "<\n<\n"


def test_the_names_read_are_listed_and_those_printed_without_a_fallback() -> None:
    compiled = compile_template(
        "{{ contact.first_name | default('you') }} {{ contact.city }} {{ order['total'] | money }}"
        "{% if contact.plan %}{{ contact.plan }}{% endif %}{{ contact.nick or contact.name }}"
        "{% for item in order.items %}{{ item.name }} {{ loop.index }} {{ shop.name | upper }}{% endfor %}",
        html=False,
    )
    assert compiled.variables == {
        *("contact.first_name", "contact.city", "contact.plan", "contact.nick", "contact.name"),
        *("order.total", "order.items", "shop.name"),
    }
    assert compiled.unguarded == {"contact.city", "order.total", "contact.name", "order.items", "shop.name"}


# ----------------------------------------------------------------------------------------------------------- attacks

ATTACKS = {
    # Escapes
    "T1 class of a text": "{{ ''.__class__.__mro__ }}",
    "T1b by a bracket": "{{ ''['__class__'] }}",
    "T1c by a joined name": "{{ ''['__cla' ~ 'ss__'] }}",
    "T2 attr filter": "{{ ''|attr('__class__') }}",
    "T3 format kept in a name": "{% set f = '{0.__class__}'.format %}{{ f(user) }}",
    "T3b format called": "{{ '{0.__class__}'.format(user) }}",
    "T4 lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "T5 cycler": "{{ cycler.__init__.__globals__ }}",
    "T6 a method": "{{ account.delete() }}",
    "T6b a method unseen": "{{ account.delete }}{{ user.items }}{{ user.pop }}",
    "T7 include": "{% include '/etc/passwd' %}",
    "T7b import": "{% import 'os' as os %}",
    "T7c from import": "{% from 'os' import path %}",
    "T7d extends": "{% extends 'base.html' %}",
    "T8 settings": "{{ config }}{{ env }}{{ request }}{{ settings.SECRET }}",
    "T9 percent format": "{{ '%s'|format(user) }}",
    "T9b percent operator": "{{ '%s' % user }}",
    "self": "{{ self }}{{ self.__init__ }}",
    "super": "{{ super() }}",
    "context": "{{ _budget }}{{ _budget.steps }}",
    "namespace": "{% set ns = namespace(x=1) %}{{ ns.x }}",
    "block": "{% block x %}{{ self.x() }}{% endblock %}",
    "safe": "{{ user.name|safe }}",
    "autoescape off": "{% autoescape false %}{{ user.name }}{% endautoescape %}",
    "hidden operator": "{{ user['~'] }}{{ user|loop(1) }}",
    "globals of a loop": "{% for x in many %}{{ loop.__class__ }}{% endfor %}",
    "loop called": "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "loop cycle": "{% for x in [1, 2] %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "do": "{% do user.clear() %}",
    "debug": "{% debug %}",
    "assign a name": "{% for user.name in [1] %}{% endfor %}",
    "call block": "{% call(x) foo() %}{{ x }}{% endcall %}",
    "spread": "{{ user.name|replace(*many) }}",
    "spread named": "{{ user.name|replace(**user) }}",
    # Bombs
    "B1 nested ranges": "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "B1b nested lists": "{% for i in many %}{% for j in many %}x{% endfor %}{% endfor %}",
    "B1c three loops": "{% for i in many %}{% for j in many %}{% for k in many %}x{% endfor %}{% endfor %}{% endfor %}",
    "B1d a silent loop": "{% for i in many %}{% for j in many %}{% if i == j %}{% endif %}{% endfor %}{% endfor %}",
    "B1e an empty loop": "{% for i in many %}{% for j in many %}{% endfor %}{% endfor %}",
    "B2 power": "{{ 9**(9**9) }}",
    "B3 times": "{{ 'a'*10**10 }}",
    "B3b times alone": "{{ 'a'*400000000 }}",
    "B3c list times": "{{ [0]*400000000 }}",
    "B4 center": "{{ 'x'|center(10**10) }}",
    "B4b indent": "{{ 'x'|indent(1000000000) }}",
    "B4c width": "{{ '%1000000000d'|format(1) }}",
    "B4d wordwrap": "{{ big|wordwrap(1) }}",
    "B5 lipsum": "{{ lipsum(n=100000) }}",
    "B6 macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "B7 parentheses": "{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}",
    "B7b nots": "{{ " + "not " * 3_000 + "1 }}",
    "B7c filters": "{{ 'x'" + "|upper" * 3_000 + " }}",
    "B7d ifs": "{% if 1 %}" * 500 + "x" + "{% endif %}" * 500,
    "B7e brackets": "{{ user" + "['a']" * 3_000 + " }}",
    "B7f lists": "{{ " + "[" * 3_000 + "]" * 3_000 + " }}",
    "B7g ors": "{{ 1" + " or 1" * 3_000 + " }}",
    "B7h elifs": "{% if a %}x" + "{% elif a %}x" * 3_000 + "{% endif %}",
    "B7i placeholders": "{{ a }}" * 30_000,
    "B7j a long expression": "{{ 1" + " or 1" * 50_000 + " }}",
    "B7k openings": "{{ " * 80_000,
    "B7l tags": "<p a='" * 40_000,
    "B7m quotes": "<a " + "'" * 200_000,
    "B7n comments": "<!--" * 60_000,
    "B8 replace": "{{ big|replace('a', big) }}",
    "B8b replace each": "{{ big|replace('', big) }}",
    "B8c replace again": "{{ big|replace('a', 'aaaa')|replace('a', big) }}",
    "B9 a long loop": "{% for i in many %}{{ big }}{% endfor %}",
    "B9b a long join": "{{ words|join(big) }}",
    "B9c joined again": "{{ big ~ big ~ big ~ big ~ big ~ big ~ big }}",
    "B9d search in a loop": "{% for i in many %}{% if 'b' in big %}x{% endif %}{% endfor %}",
    "B9e sort in a loop": "{% for i in many %}{{ words|sort|first }}{% endfor %}",
    "B9f capitals in a loop": "{% for i in many %}{% if big|upper == 'x' %}{% endif %}{% endfor %}",
    "B10 huge number": "{{ " + "9" * 5_000 + " }}",
    "B10b rounding": "{{ 1.5|round(1000000000) }}",
    "B10c digits": "{{ ('9' ~ '9' ~ big)|int }}{{ '1e400'|int }}{{ 1e400|round }}{{ 1e308|money }}",
    "B11 great source": "x" * 300_000,
    "B12 divide by nothing": "{{ 1 / 0 }}",
    "B13 date": "{{ 1e300|date }}",
    "B13b date pattern": "{{ 0|date(big) }}",
    "B13c zone": "{{ 0|date('%Y', '../../etc/passwd') }}",
    "B14 unclosed": "{{ user.name",
    "B14b unopened": "{% endif %}",
    "B14c nothing": "{{ }}",
    "B15 compare objects": "{{ many == words }}",
    "B16 NUL": "a\x00b",
}


@pytest.mark.parametrize("source", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("as_html", [False, True], ids=["text", "html"])
def test_an_attack_is_refused_or_harmless_and_quick(source: str, as_html: bool) -> None:
    started = time.process_time()
    try:
        out = compile_template(source, html=as_html).render(DATA)
    except (TemplateError, RenderError) as refusal:
        out = refusal.sentence
    spent = time.process_time() - started
    assert 0 < len(out) + source.startswith("{") <= MAX_OUTPUT
    for leak in ("<class", "object at", "function", "method", "root:", "deleted", "built-in"):
        assert leak not in out
    assert not Account.deleted
    # A bomb takes minutes or all memory; what is harmless takes 50 ms at most on a quiet machine.
    assert spent < 10


def test_an_object_is_never_taken_for_data() -> None:
    for value in (Account(), Decimal(1), ("a",), {"a": {"b": Account()}}, [Account()], {1: 2}, 10**31, {"a": b"x"}):
        with pytest.raises(RenderError):
            text("{{ x }}", x=value)
    assert not Account.deleted


def test_data_that_contains_itself_or_is_enormous_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    for value in (loop, "a" * 600_000, list(range(30_000))):
        with pytest.raises(RenderError, match="larger"):
            text("x", x=value)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("a\n{{ f() }}", "line 2: nothing can be called in a template"),
        ("{{ a * b }}", "times(quantity)"),
        ("{{ a | uper }}", "did you mean upper?"),
        ("{{ a is evn }}", "did you mean even?"),
        ("{{ a | truncate(1, 2, 3, 4) }}", "wrong arguments"),
        ("{{ a | replace('b') }}", "missing a required argument: 'new'"),
        ("{{ a[1:2] }}", "take(3)"),
        ("{{ 1 < a < 3 }}", "a < b and b < c"),
        ("\n\n{% if a %}", "line 3: "),
        ("{% for a in x %}" * 3 + "{% endfor %}" * 3, "no more than 2 loops"),
        ("{{ _x }}", "'_x' is not allowed"),
        ("{{ {'a': 1} }}", "an object cannot be written"),
    ],
)
def test_a_refusal_says_where_and_what_to_write(source: str, sentence: str) -> None:
    assert sentence in str(refused(source))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("a\n\n{{ user }}", "line 3: an object cannot be printed"),
        ("\n{{ tags }}", "line 2: a list cannot be printed"),
        ("{% for x in name %}{% endfor %}", "'Ana' is not a list"),
        ("{{ name + 1 }}", "'Ana' is not a number"),
        ("{{ name | date }}", "'Ana' is not a date"),
        ("{{ 0 | date('%Q') }}", "knows no '%Q'"),
        ("{{ 0 | date('%Y', 'Mars/Base') }}", "not a time zone"),
        ("{% for a, b in tags %}{% endfor %}", "cannot work with these values"),
    ],
)
def test_a_failing_render_says_why_in_a_sentence(source: str, sentence: str) -> None:
    with pytest.raises(RenderError) as caught:
        text(source, name="Ana", user={}, tags=["a", 1])
    assert sentence in str(caught.value)


NAMES = st.sampled_from(["a", "b", "user", "items", "x1"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from(
    [
        *("{{ a }}", "{{ b.a | upper }}", "{% if a > b %}x{% endif %}", "{% for x in items %}{{ x }}{% endfor %}"),
        *("{{ a | money(b) }}", "{{ a | date }}", "{{ items | sort | join }}", "{{ user.a ~ b }}", "<p>", " & "),
        *("{{ a | int + b | float }}", "{{ a in items }}", "{{ items | unique('a') | length }}", "{{ a[b] }}"),
        *("{{ a | truncate(b | int) }}", "{{ a == b }}", "{{ user | items | length }}", "{{ a | round(2) }}"),
        *("{{ a | urlencode }}", "{{ a | nl2br }}", "{{ a | title }}", "{{ items | sum }}", "{{ b | abs | times(a) }}"),
    ]
)
COMPILED: dict[tuple[str, bool], Compiled] = {}


@given(st.lists(PIECES, max_size=3), st.dictionaries(NAMES, JSON), st.booleans())
def test_any_data_gives_a_text_or_a_render_error(pieces: list[str], values: dict[str, object], as_html: bool) -> None:
    source = "".join(pieces)
    compiled = COMPILED.setdefault((source, as_html), compile_template(source, html=as_html))
    try:
        out = compiled.render(values)
    except RenderError as refusal:
        out = refusal.sentence
    assert "cannot work with these values" not in out
    out.encode("utf-8")


@given(st.text(alphabet="{}%|()[]<>\"'=/ .ab1-~!#\n", max_size=60), st.booleans())
def test_any_source_compiles_or_is_refused_with_a_line(source: str, as_html: bool) -> None:
    line: int | None = 1
    try:
        compile_template(source, html=as_html).render({"a": 1, "b": ["x"]})
    except (TemplateError, RenderError) as refusal:
        line = refusal.line
    assert line
    assert 1 <= line <= source.count("\n") + 1


def test_a_lone_surrogate_does_not_leave_the_template() -> None:
    assert text("{{ x }}", x="a\ud800b") == "a?b"


def test_a_warm_render_of_a_usual_mail_is_quick() -> None:
    row = (
        '<td style="color:#333333;font-family:Arial">{{ contact.first_name | default("you") }}, {{ item.price }}</td>\n'
    )
    compiled = compile_template(f"<table><tr>{row * 43}</tr></table>", html=True)
    values = {"contact": {"first_name": "Ana", **{f"a{i}": i for i in range(40)}}, "item": {"price": 12.5}}
    compiled.render(values)
    best = min(_timed(lambda: [compiled.render(values) for _ in range(20)]) for _ in range(5)) / 20
    assert best < 0.002  # 0.1 ms here; wide, for slower and shared machines


def _timed(work: object) -> float:
    started = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - started


# ------------------------------------------------------------------------------------------------- placeholders in HTML


@pytest.mark.parametrize(
    "source",
    [
        "<a href={{ x }}>a</a>",
        "<a href=https://x/{{ x }}>a</a>",
        "<a href= {{ x }}>a</a>",
        "<script>var a = '{{ x }}'</script>",
        "<style>p { color: {{ x }} }</style>",
        '<p onclick="{{ x }}">a</p>',
        "<p ONCLICK='go({{ x }})'>a</p>",
        '<p style="color: {{ x }}">a</p>',
        '<iframe srcdoc="{{ x }}"></iframe>',
        '<img srcset="{{ x }}">',
        "<{{ x }}>a",
        "</{{ x }}>a",
        "<p {{ x }}>a</p>",
        "<p {{ x }}='a'>a</p>",
        '<p da{{ x }}="a">a</p>',
        "<h{{ x }}>a</h1>",
        '<a href="java{{ x }}">a</a>',
        '<a href="javascript:go({{ x }})">a</a>',
        '<a href="&#106;avascript:{{ x }}">a</a>',
        '<a href="java\tscript:{{ x }}">a</a>',
        '<a href="data:{{ x }}">a</a>',
        '<meta http-equiv="refresh" content="0;url={{ x }}">',
        '<base href="{{ x }}">',
        '<svg><animate to="{{ x }}"></svg>',
        "<p {% if y %}title={% else %}class={% endif %}{{ x }}>a</p>",
        '<p title="{% if y %}">{% endif %}{{ x }}',
        '{% for y in z %}<p title="{% endfor %}',
        '<p title="{{ x }}>a</p>',
        "<style>p { }",
        "<!-- never closed",
        "<scr{% if y %}ipt>{% endif %}{{ x }}",
        "<{% if y %}script{% endif %}>{{ x }}",
        '<a {% if y %}href{% else %}onclick{% endif %}="{{ x }}">a</a>',
        '<a href="{% if y %}https://a/{% endif %}{{ x }}">a</a>',
        '<a href="{% for x in y %}{{ x }}{% endfor %}">a</a>',
    ],
)
def test_a_placeholder_in_an_unsafe_place_is_refused(source: str) -> None:
    refusal = refused(source, as_html=True)
    assert refusal.line == 1
    assert len(refusal.sentence) > 15


@pytest.mark.parametrize(
    "source",
    [
        "<p>{{ x }}</p>",
        "<p title=\"{{ x }}\" class='{{ x }}'>a</p>",
        "<title>{{ x }}</title><textarea>{{ x }}</textarea>",
        '<a href="https://shop.example/?a={{ x | urlencode }}&amp;b={{ x }}">a</a>',
        '<a href="{{ x }}">a</a>',
        '<a href=" {{ x }}?y={{ x }}">a</a>',
        '<a href="mailto:{{ x }}">a</a>',
        '<a href="#{{ x }}">a</a>',
        "<!-- {{ x }} --><p>{{ x }}</p>",
        '<!--[if mso]><v:rect href="{{ x }}">{{ x }}</v:rect><![endif]--><p>{{ x }}</p>',
        '<!--[if !mso]><!--><p title="{{ x }}">{{ x }}</p><!--<![endif]-->',
        "<!DOCTYPE html><html><head><style>a > b { color: red }</style></head><body>{{ x }}</body></html>",
        "<td{% if x %} class='a'{% endif %}>{{ x }}</td>",
        "<td{% for y in z %} {% if y %}a='1'{% else %}b='2'{% endif %}{% endfor %}>{{ x }}</td>",
        "{% if x %}<p>{{ x }}</p>{% elif y %}<b>{{ x }}</b>{% else %}{{ x }}{% endif %}",
        "<td width=10>{{ x }}</td><br/><img src='{{ x }}' alt=\"{{ x }}\"/>",
        "3 < 4 and <3 {{ x }} </3 >",
        '<script>if (a < b) {"</p>"}</script>{{ x }}',
        '<a href="{% if x %}{{ x }}{% else %}https://a.example/{% endif %}?b={{ x }}">a</a>',
    ],
)
@pytest.mark.parametrize(
    "value",
    ["x", '"><script>alert(1)</script>', "' onmouseover='a", "javascript:alert(1)", "--><img src=x>", "x onclick=a"],
)
def test_a_value_never_leaves_its_place(source: str, value: str) -> None:
    compiled = compile_template(source, html=True)
    with_value, without = compiled.render({"x": value}), compiled.render({"x": "x"})
    # The markup around the values is the same whatever they say.
    for sign in "<>\"'":
        assert with_value.count(sign) == without.count(sign)
    assert 'href="javascript' not in with_value
    assert 'href=" javascript' not in with_value
    assert "src='javascript" not in with_value


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://shop.example/a?b=1&c=2", "https://shop.example/a?b=1&amp;c=2"),
        ("HTTP://shop.example", "HTTP://shop.example"),
        ("  https://shop.example\n", "https://shop.example"),
        ("mailto:ana@example.com", "mailto:ana@example.com"),
        ("tel:+34600000000", "tel:+34600000000"),
        ("javascript:alert(1)", "#"),
        (" JaVaScRiPt:alert(1)", "#"),
        ("java\tscript:alert(1)", "#"),
        ("&#106;avascript:alert(1)", "#"),
        ("data:text/html,<script>", "#"),
        ("vbscript:x", "#"),
        ("file:///etc/passwd", "#"),
        ("//evil.example", "#"),
        ("/path", "#"),
        ("https:evil.example", "#"),
        ("https://a.example/\r\nx", "#"),
        ("https://good.example\\@evil.example", "#"),
        ("https://good.example@evil.example/", "#"),
        ("https://good.example/@ana", "https://good.example/@ana"),
        ("", "#"),
        (None, "#"),
        (5, "#"),
    ],
)
def test_a_url_from_a_value_has_a_safe_scheme_or_leads_nowhere(url: object, shown: str) -> None:
    assert html('<a href="{{ x }}">a</a>', x=url) == f'<a href="{shown}">a</a>'
    assert html("<img src='{{ x }}'>", x=url) == f"<img src='{shown}'>"


@pytest.mark.parametrize(
    ("begun", "value", "shown"),
    [
        ("https://shop.example/", "New York", "https://shop.example/New%20York"),
        ("https://shop.example/", "a/b?c=d&e#f%20", "https://shop.example/a/b?c=d&amp;e#f%20"),
        ("https://shop.example/s?q=", "café", "https://shop.example/s?q=caf%C3%A9"),
        ("https://shop.example/", "\\\\evil.example", "https://shop.example/%5C%5Cevil.example"),
        (
            "mailto:hello@shop.example?subject=",
            "About my order",
            "mailto:hello@shop.example?subject=About%20my%20order",
        ),
    ],
)
def test_behind_the_host_of_a_url_a_value_is_a_part_of_it(begun: str, value: str, shown: str) -> None:
    assert html(f'<a href="{begun}{{{{ x }}}}">a</a>', x=value) == f'<a href="{shown}">a</a>'


@pytest.mark.parametrize(
    "url", ["https://{{ x }}", "https://shop.example{{ x }}", "https:{{ x }}", "//{{ x }}/a", "/{{ x }}",
            "{{ x }}{{ y }}", "{% if x %}https://a.example{% else %}https://b.example/{% endif %}{{ x }}",
            "https://ana@{{ x }}/"],
)  # fmt: skip
def test_no_value_is_a_part_of_a_urls_host(url: str) -> None:
    with pytest.raises(TemplateError, match="URL's host"):
        html(f'<a href="{url}">a</a>')


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("{{ x }}/cart?id={{ y }}", "https://shop.example/cart?id=1"),
        ("{{ x }}&id={{ y }}", "https://shop.example&amp;id=1"),
        ("{% if x %}{{ x }}{% else %}https://other.example{% endif %}/cart/{{ y }}", "https://shop.example/cart/1"),
        ("{% if x %}{{ x }}{% else %}https://other.example/{% endif %}", "https://shop.example"),
    ],
)
def test_what_begins_a_url_may_go_on(url: str, shown: str) -> None:
    assert (
        html(f'<a href="{url}">a</a>', x="https://shop.example", y="1").replace("&id", "&amp;id")
        == f'<a href="{shown}">a</a>'
    )


# ------------------------------------------------------------------------------------------------- message templates

WELCOME = {
    "kind": "template",
    "id": "welcome",
    "name": "Welcome",
    "channel": "email",
    "topic": "news",
    "from": "Shop <hello@shop.example>",
    "subject": "Welcome, {{ contact.first_name | default('friend') }}",
    "preheader": "Your {{ gift }} & more",
    "html": '<html><body class="a"><h1>Hi {{ contact.first_name }}</h1><p>Go to <a href="https://shop.example/">'
    "our shop</a>.</p></body></html>",
}


def test_a_mail_template_renders_its_parts_and_makes_its_text() -> None:
    message = compile_message_template(WELCOME)
    assert (message.id, message.channel, message.topic) == ("welcome", "email", "news")
    assert message.from_ == "Shop <hello@shop.example>"
    assert message.variables == {"contact.first_name", "gift"}
    assert message.unguarded == {"contact.first_name", "gift"}
    rendered = message.render({"contact": {"first_name": "Ana <3"}, "gift": "<gift>"})
    assert rendered.subject == "Welcome, Ana <3"
    assert '<body class="a"><div style="display:none' in rendered.html
    assert "Your &lt;gift&gt; &amp; more</div><h1>Hi Ana &lt;3</h1>" in rendered.html
    assert rendered.text == "Hi Ana <3\n\nGo to our shop (https://shop.example/)."


def test_a_text_part_that_is_given_is_used() -> None:
    assert compile_message_template({**WELCOME, "text": "Hi {{ x }}"}).render({"x": "<"}).text == "Hi <"


def test_a_text_message_has_only_text() -> None:
    message = compile_message_template({"kind": "template", "id": "code", "channel": "sms", "text": " Hi {{ name }} "})
    rendered = message.render({"name": "Ana & co"})
    assert (rendered.subject, rendered.html, rendered.text) == ("", "", "Hi Ana & co")
    with pytest.raises(RenderError, match="text: the text is empty"):
        compile_message_template({"kind": "template", "id": "code", "channel": "sms", "text": "{{ name }}"}).render({})


@pytest.mark.parametrize("noise", ["\r\nBcc: evil@example.com", "\x0b", "\x1c", "\x85", "\u2028", "\x00", "\t", "\x7f"])
def test_a_subject_stays_one_line(noise: str) -> None:
    message = compile_message_template({**WELCOME, "subject": "Hi {{ x }}!"})
    subject = message.render({"x": f"A{noise}B", "gift": "x"}).subject
    assert subject.isprintable()
    assert subject.startswith("Hi A ")


def test_a_failing_part_is_named() -> None:
    message = compile_message_template({**WELCOME, "html": "<p>\n{{ contact }}</p>"})
    with pytest.raises(RenderError, match="html, line 2: an object") as caught:
        message.render({"contact": {"first_name": "Ana"}, "gift": 1})
    assert caught.value.part == "html"
    with pytest.raises(RenderError, match="subject: a subject has 1 to 500"):
        compile_message_template({**WELCOME, "subject": "{{ x }}"}).render({})


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"channel": "pigeon"}, "channel", "email, sms"),
        ({"channel": None}, "channel", "is missing"),
        ({"kind": "journey"}, "kind", "must be one of template"),
        ({"subject": ""}, "subject", "not empty"),
        ({"html": None}, "html", "is missing"),
        ({"html": "a\n<p {{ x }}>"}, "html", "line 2: no placeholder"),
        ({"subject": "{{ x() }}"}, "subject", "line 1: nothing can be called"),
        ({"text": "{% if %}"}, "text", "line 1: "),
        ({"text": 5}, "text", "must be a text"),
        ({"subjet": "a"}, "subjet", "did you mean 'subject'?"),
        ({"id": ""}, "id", "must not be empty"),
        ({"id": "Welcome!"}, "id", "such as 'welcome'"),
        ({"stage": "<b>\nWon"}, "stage", "is not an id"),
        ({"sales": "yes"}, "sales", "must be true or false"),
        ({"description": 5}, "description", "must be text"),
        ({"from": "a\nBcc: b"}, "from", "one line"),
    ],
)
def test_a_mistake_in_a_template_is_refused_with_its_path(change: dict[str, object], path: str, sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_message_template({**WELCOME, **change})
    assert [where for where, _ in caught.value.mistakes] == [path]
    assert sentence in caught.value.mistakes[0][1]


def test_all_mistakes_of_a_template_are_told_at_once() -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_message_template({**WELCOME, "subject": "{{ f() }}", "html": "<p {{ x }}>", "kind": "x"})
    assert [where for where, _ in caught.value.mistakes] == ["kind", "subject", "html"]


# Documents


HOOK = {"kind": "template", "id": "tell", "channel": "webhook", "to": "crm"}


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"to": None}, "to", "is missing"),
        ({"body": {}}, "body", "must be an object or a list that is not empty"),
        ({"body": "{}"}, "body", "must be an object or a list"),
        ({"body": {"a": [{"b": "{{ f() }}"}]}}, "body", "a[0].b: line 1: nothing can be called"),
        ({"body": {"a": float("nan")}}, "body", "a: 'nan' is no JSON value"),
        ({"body": {"a": object()}}, "body", "is no JSON value"),
        ({"body": {"a": ["{{ x }} "] * 501}}, "body", "more than 500 texts"),
        ({"subject": "Hello"}, "subject", "unknown key"),
    ],
)
def test_a_mistake_in_a_document_is_refused_with_its_path(change: dict[str, Any], path: str, sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_message_template({**HOOK, "body": {"a": 1}, **change})
    assert [where for where, _ in caught.value.mistakes] == [path]
    assert sentence in caught.value.mistakes[0][1]


def test_a_document_that_is_nested_without_end_is_refused() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(DefinitionError, match="nested more than 40 deep"):
        compile_message_template({**HOOK, "body": deep})


def test_a_document_that_becomes_too_long_fails_its_message() -> None:
    message = compile_message_template({**HOOK, "body": {"all": "{{ contact }}"}})
    with pytest.raises(RenderError, match="body: the document has"):
        message.render({"contact": {"note": "x" * 70_000}})


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(), lambda inner: st.lists(inner)))
def test_whatever_a_value_holds_it_never_changes_the_shape_of_a_document(value: Any) -> None:
    message = compile_message_template(
        {**HOOK, "body": {"text": "<{{ contact.name }}>", "whole": "{{ contact.name }}"}}
    )
    value = json.loads(json.dumps(value).encode("utf-8", "replace"))
    if isinstance(value, list):
        with pytest.raises(RenderError):
            message.render({"contact": {"name": value}})
        return
    said = json.loads(message.render({"contact": {"name": value}}).parts["body"])
    assert said.keys() == {"text", "whole"}
    if isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value):
        assert said == {"text": f"<{value}>", "whole": value}
