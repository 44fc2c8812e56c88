"""What the look at a mail finds, and that it is content when that has been mended."""

from typing import Any

import pytest

from postroad.content.lint import LARGEST, POINTS, RULES, Finding, Report, look_at, read_mail
from postroad.content.rendering import compile_message_template
from postroad.content.strictness import BLOCK, LEVELS, OFF, USUAL, WARN, Strictness
from postroad.definitions import check_definition, known_in, look_at_definition
from postroad.errors import DefinitionError
from tests.books import Shelf

FOOTER = '<p>{{ account.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
WORDS = "Our new grinder is here. It is quiet, grinds evenly, is cleaned in a minute and takes little room on a shelf. "
GOOD: dict[str, Any] = {
    "kind": "template",
    "id": "grinder",
    "name": "Grinder",
    "channel": "email",
    "topic": "news",
    "subject": "A quieter grinder",
    "preheader": "It takes a minute to clean.",
    "html": f'<body>\n<p>{WORDS}</p>\n<a href="https://shop.example/grinder">See the grinder</a>\n{FOOTER}</body>',
}


def report_on(
    change: dict[str, Any], *, is_marketing: bool = True, pushes_early: bool = False, strictness: Strictness = USUAL
) -> Report:
    parts = compile_message_template({**GOOD, **change}).parts
    mail = read_mail(
        {key: part.source for key, part in parts.items()},
        is_marketing=is_marketing,
        bare={key: part.unguarded for key, part in parts.items()},
        pushes_early=pushes_early,
    )
    return look_at(mail, strictness)


def look(change: dict[str, Any], *, is_marketing: bool = True, pushes_early: bool = False) -> list[Finding]:
    return list(report_on(change, is_marketing=is_marketing, pushes_early=pushes_early).findings)


def body(inside: str) -> dict[str, str]:
    return {"html": GOOD["html"].replace("<p>", f"{inside}<p>", 1)}


def test_a_good_mail_has_nothing_to_mend() -> None:
    assert look({}) == []


# Of each rule: a change that trips it, the part and the line (None: the whole part), and one that comes near.
CASES: dict[str, list[tuple[dict[str, Any], str, int | None, dict[str, Any]]]] = {
    "unsubscribe": [
        (
            {"html": GOOD["html"].replace('<a href="{{ unsubscribe_url }}">Unsubscribe</a>', "{{ unsubscribe_url }}")},
            "html",
            None,
            body("{% if contact.vip %}Hello.{% endif %}"),
        )
    ],
    "postal_address": [
        ({"html": GOOD["html"].replace("{{ account.postal_address }}", "Main Street")}, "html", None, {}),
    ],
    "false_reply": [
        ({"subject": "Re: the grinder"}, "subject", None, {"subject": "Really: the grinder"}),
        ({"subject": "FWD : our grinder"}, "subject", None, {"subject": "The grinder, re-invented"}),
        ({"subject": "AW: grinder"}, "subject", None, {"subject": "Answer: a grinder"}),
        ({"subject": "re[2]: grinder"}, "subject", None, {"subject": "[Regulars] a grinder"}),
        ({"subject": "\uff32\uff45: grinder"}, "subject", None, {"subject": "VS. the old grinder"}),
        ({"subject": "[Re] the grinder"}, "subject", None, {"subject": "Svetlana: a grinder"}),
    ],
    "broken_links": [
        (body('<a href="">a</a>'), "html", 2, body('<a href="https://shop.example">a</a>')),
        (body('<a href="#">a</a>'), "html", 2, body('<a href="#top">a</a><i id="top"></i>')),
        (body('<a href="/sale">a</a>'), "html", 2, body('<a href="{{ event.url }}">a</a>')),
        (body('<a href="https://nas.local/x">a</a>'), "html", 2, body('<a href="https://localhost:8080/x">a</a>')),
        (body('<a href="https://192.168.1.4">a</a>'), "html", 2, body('<a href="https://192.0.2.4/">a</a>')),
        (body('<a href="https://shop">a</a>'), "html", 2, body('<a href="https://shop.local.example">a</a>')),
        (body('<a href="https://">a</a>'), "html", 2, body('<a href="mailto:hello@shop.example">a</a>')),
        (body('\n\n<a href="shop.example">a</a>'), "html", 4, body('<a href="tel:+4930123">a</a>')),
    ],
    "capitals": [
        ({"subject": "A GRINDER for you"}, "subject", None, {"subject": "A grinder by NASA"}),
        ({"preheader": "It is SILENT."}, "preheader", None, {"preheader": "With code QUIET10."}),
        (body("<p>GRAND OPENING TODAY</p>"), "html", None, body("<p>Made in EUROPE for UNICEF</p>")),
    ],
    "symbols": [
        ({"subject": "A grinder!!"}, "subject", None, {"subject": "A grinder!"}),
        ({"subject": "New! A grinder!"}, "subject", None, {"subject": "Is it new? A grinder!"}),
        ({"subject": "$$$ off the grinder"}, "subject", None, {"subject": "$5 off the grinder"}),
        ({"subject": "A grinder ☕🔥🎉"}, "subject", None, {"subject": "A grinder ☕"}),
        (body("<p>**** New ****</p>"), "html", None, body("<p>New * and * quiet</p>")),
    ],
    "red": [
        (body('<b style="color:#e00000">a</b>'), "html", 2, body('<b style="background-color:#e00000">a</b>')),
        (body('<font color="red">a</font>'), "html", 2, body('<font color="black">a</font>')),
        (body('<b style="COLOR : rgb(255, 20, 0)">a</b>'), "html", 2, body('<b style="color:#a0522d">a</b>')),
        (body('<b style="color:#f00 !important">a</b>'), "html", 2, body('<b style="border-color:red">a</b>')),
    ],
    "links": [
        (
            body('<a href="https://shop.example/a">a</a>' * 6),
            "html",
            None,
            body('<a href="https://s.example">a</a>' * 4),
        ),
        (body('<a href="https://shop.example/a">word</a>' * 16 + WORDS * 30), "html", None, body(WORDS)),
    ],
    "triggers": [
        ({"subject": "Act now: the grinder"}, "subject", None, {"subject": "A grinder to enact now"}),
        (body("<p>Hurry, guaranteed, risk-free.</p>"), "html", None, body("<p>Guaranteed for ten years.</p>")),
    ],
    "promise": [
        ({"subject": "Your invoice"}, "subject", None, {"subject": "All about grinders"}),
        ({"subject": "Holiday surprise"}, "subject", None, {"subject": "Hello again"}),
    ],
    "long_subject": [
        ({"subject": "A grinder " + "that hums " * 6}, "subject", None, {"subject": "A grinder that hums"})
    ],
    "preheader": [({"preheader": None}, "preheader", None, {"preheader": "{{ contact.city | default('Here') }}"})],
    "long_body": [(body(WORDS * 20), "html", None, body(WORDS * 5))],
    "call": [
        ({"html": f"<p>{WORDS}</p>{FOOTER}"}, "html", None, {}),
        (body(f"\n<p>{WORDS * 8}</p>"), "html", 4, body(f"<p>{WORDS * 2}</p>")),
    ],
    "missing_variables": [
        (body("<p>Hi\n{{ contact.name }}</p>"), "html", 3, body('<p>Hi {{ contact.name | default("you") }}</p>')),
    ],
    "plain_links": [
        (body('<a href="http://shop.example">a</a>'), "html", 2, body('<a href="https://shop.example">a</a>')),
    ],
    "text_unsubscribe": [
        ({"text": "A grinder."}, "text", None, {"text": "A grinder. Leave: {{ unsubscribe_url }}"}),
        ({"text": "{{ unsubscribe_url | truncate(9) }}"}, "text", None, {}),
    ],
    "size": [(body(f"<!-- {'x' * LARGEST} -->"), "html", None, body(f"<!-- {'x' * 1_000} -->"))],
    "pictures": [
        (body('<img src="https://shop.example/a.png">'), "html", 2, body('<img src="https://s.example/a.png" alt="">')),
        (
            {"html": f'<img src="https://s.example/a" alt="Grinder"><a href="https://s.example">Go</a>{FOOTER}'},
            "html",
            None,
            {},
        ),
    ],
    "unsafe_html": [
        (body("<script>x()</script>"), "html", 2, body("<!-- <script></script> -->")),
        (body('<b onclick="x()">a</b>'), "html", 2, body('<b title="onclick">a</b>')),
        (body('<base href="https://other.example">'), "html", 2, body('<meta charset="utf-8">')),
        (body('<meta http-equiv="refresh" content="0;url=https://other.example">'), "html", 2, {}),
    ],
    "dropped": [
        (body("\n<form><input></form>"), "html", 3, {}),
    ],
}


LINK = '<a href="{{ unsubscribe_url }}">Unsubscribe</a>'
ADDRESS = "{{ account.postal_address }}"


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        *[
            (LINK, f"<!-- {LINK} -->"),
            (LINK, f'<div style="display:none">{LINK}</div>'),
            (LINK, LINK.replace("Unsubscribe", "")),
        ],
        *[(LINK, LINK.replace("_url", "_url | truncate(10)")), (LINK, "{% raw %}" + LINK + "{% endraw %}")],
        (LINK, LINK.replace("{{", "https://evil.example/?{{")),
        *[(ADDRESS, f"<!-- {ADDRESS} -->"), (ADDRESS, f'<p style="display:none">{ADDRESS}</p>')],
        *[
            (ADDRESS, f'<img src="https://shop.example/a.png" alt="{ADDRESS}">'),
            (ADDRESS, "{{ 'account.postal_address' }}"),
        ],
        (ADDRESS, "{% raw %}" + ADDRESS + "{% endraw %}"),
    ],
)
def test_what_the_law_asks_for_has_to_be_seen(what: str, instead: str) -> None:
    rule = "unsubscribe" if what == LINK else "postal_address"
    assert rule in [finding.rule for finding in look({"html": GOOD["html"].replace(what, instead)})]


@pytest.mark.parametrize(
    "instead", ["{{account.postal_address}}", "{{- account.postal_address | replace(',', ' · ') -}}"]
)
def test_the_postal_address_may_be_written_in_many_ways(instead: str) -> None:
    assert look({"html": GOOD["html"].replace(ADDRESS, instead)}) == []


@pytest.mark.parametrize(("rule", "case"), [(rule, case) for rule, cases in CASES.items() for case in cases])
def test_a_rule_finds_what_it_is_for_and_where(rule: str, case: tuple[dict[str, Any], str, int | None, Any]) -> None:
    change, part, line, near = case
    found = [finding for finding in look(change) if finding.rule == rule]
    assert [(each.path, each.line, each.level) for each in found] == [(part, line, RULES[rule].level)]
    assert rule not in [finding.rule for finding in look(near)]


def test_each_rule_has_its_cases() -> None:
    assert {*CASES, *TEXTS, "early_push"} == set(RULES)


# Of each rule for texts and pushes: what trips it, what is said of it, and what comes near.
TEXTS: dict[str, tuple[str, dict[str, str], str, str, dict[str, str]]] = {
    "sms_stop": (
        "sms", {"text": "Tidewater: the harvest is here."}, "text",
        "marketing that does not say how to stop it", {"text": "Tidewater: it is here. STOPP beendet das."},
    ),
    "sms_brand": (
        "sms", {"text": "The harvest is here. Reply STOP to end."}, "text",
        "it does not say who writes", {"text": "{{ account.name }}: it is here. Reply STOP to end."},
    ),
    "sms_length": (
        "sms", {"text": "Tidewater: " + "words " * 80 + "STOP"}, "text",
        "it goes in 4 parts of GSM-7, each of which is paid for", {"text": "Tidewater: " + "words " * 70 + "STOP"},
    ),
    "sms_alphabet": (
        "sms", {"text": "Tidewater: the harvest\nis “here”, and it is as good as ever, we think. Reply STOP to end."},
        "text", "for “ ” it goes in 2 parts and not in 1", {"text": "Tidewater: “here”. Reply STOP to end."},
    ),
    "push_length": (
        "push", {"title": "T" * 51, "text": "Short."}, "title",
        "51 characters; most phones show about 50", {"title": "T" * 50 + "{{ contact.first_name }}", "text": "t" * 150},
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", TEXTS)
def test_texts_and_pushes_are_looked_at_too(rule: str) -> None:
    channel, bad, part, problem, near = TEXTS[rule]

    def find(source: dict[str, str], *, is_marketing: bool = True) -> list[Finding]:
        mail = read_mail(source, is_marketing=is_marketing, channel=channel, brand="Tidewater Coffee")
        return list(look_at(mail).findings)

    assert [(each.rule, each.path, each.problem, each.level) for each in find(bad)] == [(rule, part, problem, WARN)]
    assert find(near) == []
    if rule in ("sms_stop", "sms_brand"):
        assert find(bad, is_marketing=False) == []


def test_what_is_found_in_a_text_is_told_when_it_is_saved_and_the_policy_may_let_it_block() -> None:
    text = {"kind": "template", "id": "ping", "channel": "sms", "topic": "news", "text": "It is here."}
    shelf = Shelf(POLICY)
    report = look_at_definition(text, known_in(shelf.book, {}))
    assert report is not None
    assert [each.rule for each in report.findings] == ["sms_stop", "sms_brand"]
    shelf.publish({**POLICY, "lint": {"levels": {"sms_stop": "block"}}})
    with pytest.raises(DefinitionError, match="how to stop it"):
        shelf.publish(text)


def test_c75_a_mail_that_is_too_long_or_asks_for_nothing_is_told() -> None:
    assert [each.problem for each in look(body(WORDS * 20)) if each.rule == "long_body"] == [
        "466 words; few people read more than 400"
    ]
    silent = {"html": f"<p>{WORDS}</p>{FOOTER}"}
    assert [each.problem for each in look(silent)] == ["it asks for nothing: there is no link to follow"]


def test_c76_a_push_for_a_sale_waits_for_a_later_stage() -> None:
    assert [each.rule for each in look({}, pushes_early=True)] == ["early_push"]
    stages = {
        "kind": "stages",
        "id": "life",
        "stages": [{"id": one, "if": {"attribute": one, "exists": True}} for one in ("new", "old")],
    }
    known = known_in(Shelf(POLICY, stages).book, {})
    early = {**GOOD, "sales": True, "stage": "new"}
    with pytest.raises(DefinitionError, match="push"):
        check_definition(early, known)
    check_definition({**early, "stage": "old"}, known)
    check_definition({**early, "sales": False}, known)


SPAM = {
    "subject": "URGENT!! HURRY!! A grinder",
    "html": f'<p>BREAKING NEWS ABOUT GRINDERS *****</p><b style="color:red">Act now</b>{GOOD["html"]}'
    + '<a href="https://shop.example/a">x</a>' * 12,
}


def test_c77_each_sign_of_spam_is_scored_and_the_policy_says_from_when_on_they_block() -> None:
    assert report_on({}).scores == {"capitals": 0, "symbols": 0, "red": 0, "links": 0, "triggers": 0}
    report = report_on(SPAM)
    assert report.scores == {"capitals": 20, "symbols": 15, "red": 5, "links": 20, "triggers": 10}
    assert report.total == sum(report.scores.values()) == 70
    assert report.findings[0].describe() == (
        "it looks like spam: 70 of 100 points, and the policy blocks from 60 on. "
        "Mend what is found below until there are fewer."
    )
    assert not any(each.blocks for each in report_on(SPAM, strictness=Strictness(block_at=71)).findings)
    assert report_on({"subject": "A grinder!!"}, strictness=Strictness(block_at=POINTS)).findings[0].blocks


@pytest.mark.parametrize("level", LEVELS)
def test_c77_the_policy_says_what_a_rule_does(level: str) -> None:
    report = report_on({"subject": "A grinder!!"}, strictness=Strictness({"symbols": level}))
    assert [each.level for each in report.findings] == ([] if level == OFF else [level])
    assert report.total == (0 if level == OFF else POINTS)


def test_c78_a_subject_must_keep_what_it_promises() -> None:
    assert look({"subject": "Re: a grinder"})[0].describe() == (
        "it looks like the answer to a mail that nobody has written. Begin the subject with what the mail is about."
    )
    assert [each.problem for each in look({"subject": "Your invoice"})] == ["nothing in the mail speaks of invoice"]


POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "news", "opt_in": False}, {"id": "orders", "transactional": True}],
}


def test_c79_marketing_is_not_published_without_a_postal_address() -> None:
    homeless = {**POLICY, "postal_address": None}
    with pytest.raises(DefinitionError, match="no postal_address"):
        Shelf(homeless, GOOD)
    silent = {**GOOD, "html": GOOD["html"].replace("{{ account.postal_address }}", "")}
    with pytest.raises(DefinitionError, match="the sender's postal address is missing"):
        Shelf(POLICY, silent)
    shelf = Shelf(homeless, {**silent, "topic": "orders"})
    assert shelf.publish(POLICY, GOOD)


def test_c79_the_policy_keeps_its_postal_address_while_marketing_is_live() -> None:
    shelf = Shelf(POLICY, GOOD)
    with pytest.raises(DefinitionError) as refused:
        shelf.publish({**POLICY, "postal_address": None})
    assert refused.value.mistakes == (
        (
            "template/grinder: topic",
            "it is live, and it is marketing, and the policy has no postal_address, for which the law asks",
        ),
    )


def test_c80_marketing_is_not_published_without_a_link_to_unsubscribe_by() -> None:
    stuck = {**GOOD, "html": GOOD["html"].replace("{{ unsubscribe_url }}", "https://shop.example/account")}
    shelf = Shelf(POLICY)
    with pytest.raises(DefinitionError) as refused:
        shelf.publish(stuck)
    assert refused.value.mistakes == (
        ("html", 'there is no link to unsubscribe by. Put <a href="{{ unsubscribe_url }}">Unsubscribe</a> at its end.'),
    )
    shelf.publish({**stuck, "topic": "orders"})


def test_a_topic_does_not_become_marketing_behind_the_back_of_its_mails() -> None:
    receipt = {**GOOD, "id": "receipt", "topic": "orders", "html": "<p>Your order is on its way.</p>"}
    shelf = Shelf(POLICY, receipt)
    turned = {**POLICY, "topics": [{"id": "news", "opt_in": False}, {"id": "orders"}]}
    with pytest.raises(DefinitionError, match="becomes marketing by this policy"):
        shelf.publish(turned)
    with pytest.raises(DefinitionError, match="there is no link to unsubscribe by"):
        shelf.publish(turned, receipt)
    assert shelf.publish(turned, {**receipt, "html": GOOD["html"], "subject": GOOD["subject"]})


@pytest.mark.parametrize("rule", [rule.key for rule in RULES.values() if rule.is_law])
def test_what_the_law_asks_for_cannot_be_switched_off(rule: str) -> None:
    with pytest.raises(DefinitionError, match="the law asks for it"):
        Shelf({**POLICY, "lint": {"levels": {rule: "off"}}})


def test_the_policy_can_only_speak_of_rules_that_exist() -> None:
    with pytest.raises(DefinitionError) as refused:
        Shelf({**POLICY, "lint": {"levels": {"colours": "off"}}})
    assert [path for path, _ in refused.value.mistakes] == ["lint.levels.colours"]


def test_what_only_warns_does_not_hinder() -> None:
    shelf = Shelf(POLICY, {**GOOD, "subject": "A grinder!!"})
    report = look_at_definition({**GOOD, "subject": "A grinder!!"}, known_in(shelf.book, {}))
    assert report is not None
    assert [(each.rule, each.level) for each in report.findings] == [("symbols", WARN)]
    shelf.publish({**POLICY, "lint": {"levels": {"symbols": "block"}}})
    with pytest.raises(DefinitionError, match="signs in a row"):
        shelf.publish({**GOOD, "subject": "A grinder!!", "id": "other"})


def test_only_what_can_be_read_is_looked_at() -> None:
    known = known_in(Shelf(POLICY).book, {})
    assert look_at_definition(POLICY, known) is None
    assert look_at_definition({**GOOD, "html": "{{ unclosed"}, known) is None


def test_what_somebody_asked_for_needs_no_way_out_and_no_address() -> None:
    bare = {"html": f"<p>{WORDS}</p>"}
    assert {each.rule for each in look(bare)} == {"unsubscribe", "postal_address", "call"}
    assert look(bare, is_marketing=False) == []


def test_what_blocks_comes_first_and_says_how_to_mend_it() -> None:
    found = look({"subject": "Re: a GRINDER", "preheader": None})
    assert [each.level for each in found] == [BLOCK, WARN, WARN]
    broken = look(body('\n<a href="#">a</a>'))[0]
    assert broken.describe().startswith("line 3: a link that leads nowhere: '#'. Write the whole address")


def test_lines_are_those_of_the_source_whatever_placeholders_stand_above() -> None:
    above = "{#\na note\n#}{% if contact.vip %}\n{{ contact.name\n| default('you') }}{% endif %}\n"
    assert [each.line for each in look(body(f'{above}<a href="#">a</a>')) if each.rule == "broken_links"] == [7]


def test_a_huge_mail_is_looked_at_in_moments() -> None:
    many = '<a href="https://shop.example/a" style="color:#123456">word</a>\n' * 3_000
    assert {each.rule for each in look(body(many))} >= {"links", "long_body", "size"}


def test_each_language_of_a_mail_is_looked_at() -> None:
    known = known_in(Shelf(POLICY).book, {})
    german = {"subject": "AW: Mühle", "html": GOOD["html"], "preheader": "Sie ist leise."}
    report = look_at_definition({**GOOD, "languages": {"de": german}}, known)
    assert report is not None
    assert [(each.rule, each.path) for each in report.findings if each.blocks] == [
        ("false_reply", "languages.de.subject")
    ]


def test_what_is_found_in_a_mail_of_blocks_names_the_block() -> None:
    known = known_in(Shelf(POLICY).book, {})
    blocks = [{"text": {"text": WORDS}}, {"button": {"text": "See it", "url": "http://shop.example/grinder"}}]
    mail = {key: value for key, value in GOOD.items() if key != "html"} | {"blocks": blocks}
    report = look_at_definition(mail, known)
    assert report is not None
    assert [(each.rule, each.path, each.line) for each in report.findings] == [("plain_links", "blocks[1]", None)]
