import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.content.markup import START, MarkupError, advance, html_to_text, link_tags, tags

HTML = st.lists(
    st.sampled_from(
        [
            *(
                "<p>",
                "</p>",
                "<a href='x'>",
                '<a b="c>d">',
                "<br/>",
                "text",
                " ",
                "<",
                ">",
                "'",
                '"',
                "=",
                "<!--",
                "-->",
            ),
            *(
                "<!--[if mso]>",
                "<![endif]-->",
                "<style>",
                "</style>",
                "<title>",
                "</title>",
                "<td a=b",
                "/",
                "<p/ a",
                "é",
            ),
            *(
                "<!-->",
                "<!DOCTYPE html>",
                "</3",
                "<script",
                "a = 'b'",
                "<a\nb\n=\n'c'\nd>",
                "<p it's>",
                "<a =b>",
                "<AREA href=y>",
                "<abbr a='<a href=z>'>",
                "</a>",
            ),
        ]
    ),
    max_size=12,
).map("".join)


@given(HTML, st.integers(0, 200))
def test_a_place_is_the_same_however_the_text_is_cut(source: str, cut: int) -> None:
    try:
        whole, parts = advance(START, source), advance(advance(START, source[:cut]), source[cut:])
    except MarkupError:
        return  # what no author means, such as a cut inside `<!`, is refused, never misread
    if cut_is_clean(source, cut):
        assert parts == whole


def cut_is_clean(source: str, cut: int) -> bool:
    """A comment's or a raw element's end that is cut in two is read as not there, which only refuses more."""
    around = source[max(cut - 14, 0) : cut + 14]
    return not any(sign in around for sign in ("-->", "--!>", "</", "<!--"))


@given(HTML)
def test_tags_stand_in_order_and_apart(source: str) -> None:
    end = 0
    for tag in tags(source):
        assert end <= tag.start < tag.end
        assert source[tag.start] == "<"
        assert tag.start < tag.attributes_start <= tag.attributes_end <= tag.end
        for attribute in tag.attributes(source):
            assert tag.start < attribute.start <= attribute.end <= tag.end
        end = tag.end


@given(HTML)
def test_passing_over_other_tags_finds_the_links_that_stand_among_all(source: str) -> None:
    found = [tag for tag in tags(source) if tag.name in ("a", "area") and not tag.closing]
    assert list(link_tags(source)) == found


def test_links_are_found_behind_any_number_of_other_tags() -> None:
    assert [tag.name for tag in link_tags("<b>x</b>" * 3_000 + "<a href=x>y</a>" + "<i>" * 3_000 + "<area>")] == [
        "a",
        "area",
    ]


def test_links_are_found_in_linear_time() -> None:
    """Each of these would take minutes if what was passed over could be tried in another way."""
    for piece in ("<", "<b ", "<b '", "<b a=", '<b a="', "</", "x<a", "<td a='b'", "<a ", "<!--"):
        assert len(list(link_tags(piece * 50_000))) <= 50_000


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain &amp; simple", "plain & simple"),
        ("<p>One\n  two</p><p>Three</p>", "One two\n\nThree"),
        ("<h1>Title</h1>Text<br>more<br><br>end", "Title\n\nText\nmore\n\nend"),
        ("a<b>b</b>c <i> d</i> e", "abc d e"),
        ('<a href="https://x.example/?a=1&amp;b=2">Shop</a> now', "Shop (https://x.example/?a=1&b=2) now"),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/"),
        ('<a href="mailto:a@x.example">a@x.example</a> <a href="tel:+34">Call</a>', "a@x.example Call (+34)"),
        ('<a href="#top">Up</a> <a name="x">here</a>', "Up here"),
        ('<a href="https://x.example/"><img src="x" alt="Our shop"></a>', "Our shop (https://x.example/)"),
        ('<a href="https://x.example/"><img src="x" alt=""></a>', "https://x.example/"),
        ("<ul><li>One</li><li>Two<ul><li>Deep</li></ul></li></ul>End", "- One\n- Two\n  - Deep\n\nEnd"),
        ("<ol><li>One</li><li>Two</li></ol>", "1. One\n2. Two"),
        (
            "<table><tr><th>Item</th><th>Price</th></tr><tr><td>Boots</td><td>€5</td></tr></table>",
            "Item  Price\nBoots  €5",
        ),
        ("<table><tr><td><p>A</p></td></tr><tr><td><p>B</p></td></tr></table>", "A\n\nB"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("<head><title>T</title><style>p{}</style></head><body>B<script>s('</p>')</script></body>", "B"),
        ('<div style="display:none">Preheader <div>x</div></div><p>Body</p>', "Body"),
        ("<span hidden>no</span>yes<p style='DISPLAY : NONE'>no</p>", "yes"),
        ('<img src="p" alt="pixel" style="display:none">x', "x"),
        ("a<!-- no -->b<!--[if mso]>no<![endif]-->c<!--[if !mso]><!-->d<!--<![endif]-->", "abcd"),
        ("1 < 2 & 3 > 2 <3", "1 < 2 & 3 > 2 <3"),
        ("<p>never closed <b", "never closed"),
        ("a&nbsp;b", "a\xa0b"),
        ("", ""),
    ],
)
def test_the_text_of_a_page_is_what_its_reader_sees(source: str, expected: str) -> None:
    assert html_to_text(source) == expected


@given(HTML)
def test_any_html_has_a_text_without_blank_ends(source: str) -> None:
    text = html_to_text(source)
    assert text == text.strip("\n")
    assert "\n\n\n" not in text
