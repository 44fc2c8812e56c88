"""Blocks, the small markup of their texts, and the mails that they become."""

from typing import Any

import pytest

from postroad.content.blocks import BLOCKS
from postroad.content.brand import read_brand
from postroad.content.building import Kit, build_template
from postroad.content.built import as_written
from postroad.content.prose import prose_html
from postroad.content.rendering import compile_message_template
from postroad.documents import Reader
from postroad.errors import DefinitionError

BRAND = {
    "logo": {"url": "https://tidewater.example/logo.png", "alt": "Tidewater Coffee", "width": 120},
    "colors": {"primary": "#1f3b4d", "background": "#f3efe9"},
    "fonts": {"heading": "Georgia, serif"},
    "footer": "You get this because you drink our coffee.",
    "social": [{"name": "Instagram", "url": "https://instagram.example/tidewater"}],
}
SAVED = {"hours": {"kind": "block", "id": "hours", "blocks": [{"text": {"text": "Open from 8 to 6"}}]}}
KIT = Kit(read_brand(Reader({"brand": BRAND})), SAVED, {"hours": 3})
VALUES = {
    "contact": {"first_name": "Ana"},
    "account": {"postal_address": "Rua do Cais 12, Lisboa"},
    "unsubscribe_url": "https://mail.example.com/u/1",
}


def mail(*blocks: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"kind": "template", "id": "harvest", "channel": "email", "subject": "Hi", "blocks": list(blocks), **rest}


def render(document: dict[str, Any], **values: Any) -> Any:
    return compile_message_template(build_template(document, KIT)).render({**VALUES, **values})


# One of each, and what a reader sees of it in the HTML.
SEEN: dict[str, tuple[dict[str, Any], str]] = {
    "heading": ({"text": 'Hello {{ contact.first_name | default("you") }}', "level": 2}, "Hello Ana</h2>"),
    "text": ({"text": "We **roast** & *ship*"}, "We <b>roast</b> &amp; <i>ship</i>"),
    "image": ({"url": "https://tidewater.example/a.png", "alt": "Bags", "width": 300}, 'alt="Bags"'),
    "button": ({"text": "See it", "url": "https://tidewater.example/"}, 'href="https://tidewater.example/"'),
    "divider": ({}, "border-top:solid 1px"),
    "spacer": ({"height": 40}, "height:40px"),
    "columns": (
        {"columns": [{"blocks": [{"text": {"text": "Left"}}]}, {"blocks": [{"text": {"text": "Right"}}]}]},
        "mj-column-per-50",
    ),
    "products": ({"from": "recommended", "count": 1}, "<b>Beans</b><br>€12.50"),
    "choice": (
        {"cases": [{"when": {"segment": "vip"}, "blocks": [{"text": {"text": "For you"}}]}]},
        "",
    ),
    "saved": ({"block": "hours"}, "Open from 8 to 6"),
    "logo": ({"align": "left"}, 'src="https://tidewater.example/logo.png"'),
    "social": ({}, "https://instagram.example/tidewater"),
    "footer": ({"text": "Bye", "link": "No more of this"}, ">No more of this</a>"),
}


@pytest.mark.parametrize("key", BLOCKS)
def test_c12_each_type_of_block_is_shown(key: str) -> None:
    body, seen = SEEN[key]
    beans = {"name": "Beans", "price": 12.5, "currency": "EUR", "url": "https://tidewater.example/beans"}
    assert seen in render(mail({key: body}), recommended=[beans, {"name": "Cup"}]).html


def test_c87_the_brand_is_applied_to_blocks_by_default() -> None:
    html = render(mail({"button": {"text": "See it", "url": "https://tidewater.example/"}})).html
    assert html.index("logo.png") < html.index("See it") < html.index("You get this because")
    assert "background:#1f3b4d" in html
    assert "background-color:#f3efe9" in html
    assert "Rua do Cais 12, Lisboa" in html
    assert 'href="https://mail.example.com/u/1"' in html


def test_the_plain_text_is_made_once_of_what_the_blocks_say() -> None:
    text = render(
        mail({"heading": {"text": "Hi"}}, {"text": {"text": "See [this](https://tidewater.example/a)."}})
    ).text
    assert "Hi\n\nSee this (https://tidewater.example/a)." in text
    assert text.endswith("Unsubscribe (https://mail.example.com/u/1)")


@pytest.mark.parametrize(
    ("choice", "seen"), [({"block_1": "case_1"}, "For you"), ({"block_1": "case_2"}, "Soon"), ({}, "For all")]
)
def test_c32_a_choice_shows_the_case_that_was_chosen(choice: dict[str, str], seen: str) -> None:
    cases = [
        {"when": {"event": "Order Completed", "sum": "revenue", "gte": 500}, "blocks": [{"text": {"text": "For you"}}]},
        {"when": {"stage": "lead"}, "blocks": [{"text": {"text": "Soon"}}]},
    ]
    shown = render(mail({"choice": {"cases": cases, "otherwise": [{"text": {"text": "For all"}}]}}), choice=choice)
    assert [words for words in ("For you", "Soon", "For all") if words in shown.html] == [seen]
    assert [words for words in ("For you", "Soon", "For all") if words in shown.text] == [seen]


def test_a_block_with_a_condition_becomes_a_choice_of_the_built_template() -> None:
    document = mail({"text": {"text": "Pro"}, "when": {"attribute": "plan", "is": "pro"}}, {"text": {"text": "All"}})
    built = build_template(document, KIT)
    assert built["choices"] == [
        {"id": "block_1", "cases": [{"id": "case_1", "when": {"attribute": "plan", "is": "pro"}}]}
    ]
    assert "Pro" in render(document, choice={"block_1": "case_1"}).html
    assert "Pro" not in render(document, choice={"block_1": ""}).html


def test_a_mail_in_html_is_stored_with_its_plain_text() -> None:
    html = "<p>Hello {{ name | default('you') }}</p><ul>{% for x in event.items %}<li>{{ x }}</li>{% endfor %}</ul>"
    document = {"kind": "template", "id": "a", "channel": "email", "subject": "Hi", "html": f"{html}<p>Bye</p>"}
    built = build_template(document, KIT)
    assert built["html"] == document["html"]
    assert as_written(built) == document
    assert (
        compile_message_template(built).render({"event": {"items": ["a", "b"]}}).text == "Hello you\n\n- a\n- b\n\nBye"
    )
    assert build_template({**document, "text": "Mine"}, KIT) == {**document, "text": "Mine"}


def test_what_was_written_comes_back_from_what_was_built() -> None:
    german = {"subject": "Hallo", "blocks": [{"heading": {"text": "Hallo"}, "when": {"segment": "vip"}}]}
    document = mail({"saved": {"block": "hours"}, "when": {"segment": "vip"}}, languages={"de": german})
    built = build_template(document, KIT)
    assert built["built_with"] == ["hours@3"]
    assert [choice["id"] for choice in built["choices"]] == ["block_1", "block_2"]
    assert "blocks" not in built
    assert built["source"]["html"] is None
    assert as_written(built) == document


@pytest.mark.parametrize(
    ("block", "path", "sentence"),
    [
        ({"headin": {"text": "Hi"}}, "blocks[0].headin", "did you mean 'heading'?"),
        ({"heading": {"text": "Hi"}, "text": {"text": "x"}}, "blocks[0]", "this one has heading and text"),
        ({"heading": {}}, "blocks[0].heading.text", "is missing"),
        ({"heading": {"text": "{{ name() }}"}}, "blocks[0].heading.text", "nothing can be called"),
        ({"button": {"text": "x", "url": "javascript:1"}}, "blocks[0].button.url", "https://example.com/offer"),
        ({"text": {"text": "x"}, "when": {"attribut": "a"}}, "blocks[0].when.attribut", "unknown key"),
        ({"columns": {"columns": [{"blocks": [{"text": {"text": "x"}}]}]}}, "blocks[0].columns.columns", "2 to 4"),
        (
            {"columns": {"columns": [{"blocks": [{"footer": {}}]}, {"blocks": [{"text": {"text": "x"}}]}]}},
            "blocks[0].columns.columns[0].blocks",
            "footer cannot stand in a column",
        ),
        ({"choice": {"cases": [{"blocks": [{"divider": {}}]}]}}, "blocks[0].choice.cases[0].when", "is missing"),
    ],
)
def test_a_mistake_in_a_block_has_its_path(block: dict[str, Any], path: str, sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_message_template(mail(block))
    assert caught.value.mistakes[0][0] == path
    assert sentence in caught.value.mistakes[0][1]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One\ntwo\n\nthree", '<p style="margin:0 0 12px">One<br>two</p><p style="margin:0 0 0px">three</p>'),
        ("- a\n- b **c**", '<ul style="margin:0 0 0px;padding-left:20px"><li>a</li><li>b <b>c</b></li></ul>'),
        ("<script>{{ x }}", '<p style="margin:0 0 0px">&lt;script&gt;{{ x }}</p>'),
        ("2 * 3 * 4 {a}", '<p style="margin:0 0 0px">2 * 3 * 4 {a}</p>'),
        ("[{{ x }}]({{ url }})", '<p style="margin:0 0 0px"><a href="{{ url }}">{{ x }}</a></p>'),
    ],
)
def test_the_markup_of_a_text_is_small_and_never_html(text: str, html: str) -> None:
    assert prose_html(text) == html
