"""MJML: compiled with its placeholders whole, its mistakes told with their lines."""

import subprocess
import sys

import pytest

from postroad.content.brand import PLAIN
from postroad.content.mjml import compile_mjml
from postroad.content.rendering import TemplateError, compile_template

MAIL = """<mjml>
<mj-body>
{% for product in event.products if product.price < 20 %}
  <mj-section><mj-column>
    <mj-text>Dear {{ contact.name | default("friend") }},<br> it's {{ product.name }} &nbsp; <p>for you</mj-text>
    {% if product.url %}
    <mj-button href="{{ product.url }}">Look at “{{ product.name }}”</mj-button>
    {% endif %}
    <mj-image src="https://shop.example/a.png?a=1&b=2" alt="A &lt; \\ B" />
  </mj-column></mj-section>
{% else %}
  <mj-section><mj-column><mj-text>Nothing</mj-text></mj-column></mj-section>
{% endfor %}
</mj-body>
</mjml>"""


def test_placeholders_loops_and_conditions_survive() -> None:
    made = compile_mjml(MAIL, PLAIN, "de")
    products = [{"name": "A & B", "price": 3, "url": "https://shop.example/?x=<1>"}, {"name": "C", "price": 30}]
    html = compile_template(made.html, html=True).render({"event": {"products": products}})
    assert "Dear friend,<br> it's A &amp; B" in html
    assert 'href="https://shop.example/?x=&lt;1&gt;"' in html
    assert 'alt="A &lt; \\ B"' in html
    assert 'src="https://shop.example/a.png?a=1&amp;b=2"' in html
    assert "C" not in html.partition("Dear")[2].partition("</div>")[0]
    assert 'lang="de"' in html
    text = compile_template(made.text, html=False).render({"event": {"products": products}})
    assert "it's A & B" in text
    assert "Look at “A & B” (https://shop.example/?x=<1>)" in text
    assert "Nothing" in compile_template(made.html, html=True).render({})


def test_the_brand_gives_what_the_mail_does_not_say() -> None:
    source = '<mjml><mj-body><mj-section><mj-column><mj-button href="https://a.example">{}</mj-button></mj-column></mj-section></mj-body></mjml>'
    assert f"background:{PLAIN.colors['primary']}" in compile_mjml(source, PLAIN).html
    own = source.replace("<mj-button", '<mj-button background-color="#123456"')
    assert "background:#123456" in compile_mjml(own, PLAIN).html
    assert "fonts.googleapis.com" not in compile_mjml(source, PLAIN).html


def _column(content: str) -> str:
    return f"<mjml><mj-body>\n<mj-section><mj-column>\n{content}\n</mj-column></mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    ("source", "line", "sentence"),
    [
        ("Hello", 1, "outside of <mjml>"),
        ("<mjml></mjml>", 1, "there is no <mj-body>"),
        ("<mjml><mj-body>\nHello</mj-body></mjml>", 2, "put text into <mj-text>"),
        ("<mjml><mj-body>\n<mj-sectio></mj-sectio></mj-body></mjml>", 2, "did you mean <mj-section>?"),
        ("<mjml><mj-body>\n\n<mj-text>x</mj-text></mj-body></mjml>", 3, "cannot stand in <mj-body>"),
        ("<mjml><mj-body>\n<mj-section><mj-column></mj-section></mj-body></mjml>", 2, "</mj-column> is due first"),
        ("<mjml><mj-body>\n<mj-section>{% if x %}<mj-column/>{% endif %}</mj-section></mj-body></mjml>", 2, "around"),
        (_column("<mj-text colour='red'>x</mj-text>"), 3, "did you mean color?"),
        (_column("<mj-text color=red>x</mj-text>"), 3, 'attributes as name="value"'),
        (_column('<mj-text color="{{ x }}">x</mj-text>'), 3, "cannot stand in color"),
        (_column('<mj-text align="left" align="left">x</mj-text>'), 3, "says align twice"),
        (_column("<mj-text>x"), 3, "<mj-text> is not closed"),
        (_column("{{ x }}"), 3, "stands between elements"),
        (_column("<mj-text>{{ f() }}</mj-text>"), 3, "nothing can be called"),
        (_column("<mj-text>{% if x %}</mj-text>"), 3, "Unexpected end of template"),
        (_column("<mj-text>\n{{ y }}\n<script>{{ x }}</script></mj-text>"), 5, "<script>"),
        (_column("<mj-text>a\n<b {{ x }}>b</b></mj-text>"), 4, "no placeholder may stand"),
        (_column('<mj-include path="a.mjml" />'), 3, "there is no <mj-include>"),
        (_column('<mj-image src="https://a.example/a.png"'), 3, "not closed with >"),
    ],
)
def test_a_mistake_is_told_with_its_line(source: str, line: int, sentence: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_mjml(source, PLAIN)
    assert sentence in caught.value.sentence
    assert caught.value.line == line


def test_who_sends_what_was_built_does_not_load_mjml() -> None:
    program = """
import sys
from postroad.content.rendering import compile_message_template
compile_message_template({"kind": "template", "id": "a", "channel": "email", "subject": "x", "html": "x"})
unused = {"mjml", "postroad.content.blocks", "postroad.content.mjml", "postroad.predicates.predicate"}
assert not unused & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": "layers/core"})
