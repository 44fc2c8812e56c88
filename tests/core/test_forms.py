"""Forms: what may be asked, how answers are read, and what they become."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.book import Manifest, compile_book
from postroad.contacts.identities import Identity
from postroad.definitions import plan_publication
from postroad.errors import DefinitionError
from postroad.forms import (
    FIELD_TYPES,
    LONGEST_ANSWER,
    LONGEST_TEXT,
    MOST_FIELDS,
    Field,
    Form,
    Mistakes,
    Submission,
    events_of,
    parse_form,
    read_submission,
)

NOW = 1_793_610_000.0
OFFERS = "Yes, send me one letter a month. I can end it at any time."
NEWSLETTER: dict[str, Any] = {
    "kind": "form",
    "id": "newsletter",
    "title": "The monthly letter",
    "fields": [
        {"id": "email", "type": "email", "label": "E-mail address", "required": True},
        {"id": "first_name", "label": "First name"},
        {"id": "drink", "type": "choice", "label": "What do you drink?", "options": ["Espresso", "Filter"]},
        {"id": "wish", "type": "long_text", "label": "A wish"},
    ],
    "consents": [{"topic": "newsletter", "text": OFFERS, "required": True}],
    "sites": ["tidewater.example", "Localhost:8080"],
    "redirect": "https://tidewater.example/thanks",
}


def form(**changes: Any) -> Form:
    return parse_form({**NEWSLETTER, **changes}, version=3)


def mistakes_of(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as error:
        form(**changes)
    return list(error.value.mistakes)


TICKED = {"consent.newsletter": form().consents[0].version}


def submit(form: Form, **values: str) -> Submission:
    read = read_submission(form, {**TICKED, **values})
    assert isinstance(read, Submission), read
    return read


# ---------------------------------------------------------------- the definition


def test_a_form_says_what_it_asks_in_words():
    assert form().describe() == (
        "asks for E-mail address (required), First name, What do you drink?, A wish",
        f"asks for consent to newsletter: {OFFERS}",
        "becomes the event Form Submitted",
    )


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"fields": []}, "fields", "1 to 30"),
        ({"fields": [{"id": "name"}]}, "fields", "who answers must be known"),
        ({"fields": [{"id": "email", "type": "email"}]}, "fields", "required"),
        ({"fields": [{"id": "mail", "type": "email", "required": True}]}, "fields[0].id", "has the id email"),
        ({"fields": [*NEWSLETTER["fields"], {"id": "phone"}]}, "fields[4].type", "of the type phone"),
        ({"fields": [*NEWSLETTER["fields"], {"id": "homepage"}]}, "fields[4].id", "another id"),
        ({"fields": [*NEWSLETTER["fields"], {"id": "wish"}]}, "fields[4].id", "one before"),
        ({"fields": [*NEWSLETTER["fields"], {"id": "a", "type": "choice"}]}, "fields[4].options", "offers options"),
        ({"fields": [*NEWSLETTER["fields"], {"id": "a", "options": ["x", "y"]}]}, "fields[4].options", "nothing else"),
        ({"fields": [*NEWSLETTER["fields"], {"id": "a", "type": "emial"}]}, "fields[4].type", "did you mean 'email'"),
        ({"consents": [{"topic": "newsletter", "text": "Yes", "channel": "sms"}]}, "consents[0].channel", "phone"),
        ({"consents": [{"topic": "a", "text": "Yes"}] * 2}, "consents[1].topic", "twice"),
        ({"event": "Unsubscribed"}, "event", "only Postroad itself"),
        ({"sites": ["https://tidewater.example"]}, "sites", "is no host"),
        ({"redirect": "https://elsewhere.example/"}, "redirect", "none of the form's sites"),
        ({"redirect": "javascript:alert(1)"}, "redirect", "https://"),
        ({"color": "#ffee00"}, "color", "too light"),
        ({"colour": "#000000"}, "colour", "did you mean 'color'"),
    ],
)
def test_a_mistake_is_told_with_its_path_and_how_to_mend_it(changes, path, words):
    found = dict(mistakes_of(**changes))
    assert path in found, found
    assert words in found[path]


def test_a_form_has_at_most_thirty_fields():
    assert MOST_FIELDS == 30
    many = [{"id": f"f{n}"} for n in range(MOST_FIELDS)]
    assert "fields" in dict(mistakes_of(fields=[NEWSLETTER["fields"][0], *many]))


def test_a_topic_that_the_policy_lacks_is_refused_also_later():
    policy = {"kind": "policy", "id": "policy", "topics": [{"id": "newsletter"}]}
    empty = compile_book(Manifest(), {})
    with pytest.raises(DefinitionError, match="newsletter"):
        plan_publication({"form/newsletter": NEWSLETTER}, empty, {})
    plan = plan_publication({"policy/policy": policy, "form/newsletter": NEWSLETTER}, empty, {})
    book = compile_book(plan.manifest, plan.versions)
    assert book.forms["newsletter"] == ("newsletter", 1, ("newsletter",))
    with pytest.raises(DefinitionError, match="it is live"):
        plan_publication({"policy/policy": {**policy, "topics": [{"id": "other"}]}}, book, plan.versions)


# ---------------------------------------------------------------- the way back


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("https://tidewater.example/welcome?a=1", "https://tidewater.example/welcome?a=1"),
        ("http://localhost:8080/_local/site", "http://localhost:8080/_local/site"),
        ("https://post.tidewater.example/f/newsletter", "https://post.tidewater.example/f/newsletter"),
        ("https://evil.example/", "https://tidewater.example/thanks"),
        ("https://tidewater.example.evil.example/", "https://tidewater.example/thanks"),
        ("https://tidewater.example@evil.example/", "https://tidewater.example/thanks"),
        ("https://tidewater.example:8443/", "https://tidewater.example/thanks"),
        ("https://evil.example/\\@tidewater.example", "https://tidewater.example/thanks"),
        ("//tidewater.example/", "https://tidewater.example/thanks"),
        ("/thanks", "https://tidewater.example/thanks"),
        ("javascript://tidewater.example/%0aalert(1)", "https://tidewater.example/thanks"),
        ("", "https://tidewater.example/thanks"),
    ],
)
def test_a_form_leads_back_only_to_places_that_it_allows(wanted, leads_to):
    assert form().find_way_back(wanted, ["post.tidewater.example"]) == leads_to


def test_without_an_allowed_place_it_leads_nowhere():
    assert form(redirect=None, sites=[]).find_way_back("https://evil.example/", ["post.tidewater.example"]) is None


# ---------------------------------------------------------------- answers


GOOD = {
    "text": [("  Ana   Marques ", "Ana Marques"), ("<script>alert(1)</script>", "<script>alert(1)</script>")],
    "long_text": [("One\r\ntwo\x00", "One\ntwo")],
    "email": [(" Ana@Example.com", "ana@example.com")],
    "phone": [("00351 912 345 678", "+351912345678")],
    "number": [("3", 3), ("2,5", 2.5), ("-1e3", -1000)],
    "date": [("2026-11-23", "2026-11-23")],
    "choice": [("Filter", "Filter")],
    "tick": [("on", True), ("no", False)],
}
BAD = {
    "text": ["x" * (LONGEST_ANSWER + 1)],
    "long_text": ["x" * (LONGEST_TEXT + 1)],
    "email": ["ana@", "a b@example.com", "ana@example"],
    "phone": ["912345678", "call me"],
    "number": ["three", "nan", "inf", "1_000", "1e99"],
    "date": ["23.11.2026", "2026-02-30"],
    "choice": ["Tea", "filter"],
    "tick": ["maybe"],
}


@pytest.mark.parametrize("kind", FIELD_TYPES)
def test_a_type_of_field_reads_what_it_should_and_refuses_the_rest_with_a_sentence(kind):
    field = Field("a", kind, "A", "", False, ("Espresso", "Filter"))
    for raw, value in GOOD[kind]:
        assert FIELD_TYPES[kind].parse(raw, field) == value
    for raw in BAD[kind]:
        with pytest.raises(ValueError, match=r"\.$"):
            FIELD_TYPES[kind].parse(raw, field)


def test_a_tick_that_is_required_is_required():
    with pytest.raises(ValueError, match="tick"):
        FIELD_TYPES["tick"].parse("no", Field("a", "tick", "A", "", True, ()))


def test_every_mistake_is_told_at_once_by_its_input():
    read = read_submission(form(), {"email": "ana@", "drink": "Tea"})
    assert isinstance(read, Mistakes)
    assert read.by_input.keys() == {"email", "drink", "consent.newsletter"}
    assert "ana@example.com" in read.by_input["email"]


def test_answers_become_attributes_and_long_texts_stay_with_the_event():
    read = submit(form(), email="Ana@Example.com", first_name="Ana", wish="More beans", unknown="?")
    assert read.attributes == {"email": "ana@example.com", "first_name": "Ana"}
    assert read.answers == {"first_name": "Ana", "wish": "More beans"}
    assert read.identities == (Identity("email", "ana@example.com"),)


def test_the_visitor_of_the_site_is_known_by_the_hidden_field():
    read = submit(form(), email="ana@example.com", _anonymous_id="device-1")
    assert read.identities == (Identity("email", "ana@example.com"), Identity("anon", "device-1"))
    assert submit(form(), email="ana@example.com", _anonymous_id="undefined").identities == read.identities[:1]


def test_a_tick_counts_for_the_text_that_was_read():
    read = read_submission(form(), {"email": "ana@example.com", "consent.newsletter": "on"})
    assert isinstance(read, Mistakes)
    assert "changed" in read.by_input["consent.newsletter"]
    reworded = form(consents=[{"topic": "newsletter", "text": "Yes, a letter a day."}])
    assert isinstance(read_submission(reworded, {**TICKED, "email": "ana@example.com"}), Mistakes)


def test_a_consent_that_is_not_required_may_be_left():
    optional = form(consents=[{"topic": "newsletter", "text": OFFERS}])
    read = read_submission(optional, {"email": "ana@example.com"})
    assert isinstance(read, Submission)
    assert read.consents == ()


def test_a_consent_to_texts_needs_the_number():
    fields = [*NEWSLETTER["fields"], {"id": "phone", "type": "phone", "label": "Phone"}]
    both = form(fields=fields, consents=[{"topic": "offers", "channel": "sms", "text": "Text me."}])
    box = both.consents[0]
    assert box.name == "consent.sms.offers"
    read = read_submission(both, {"email": "ana@example.com", box.name: box.version})
    assert isinstance(read, Mistakes)
    assert "phone" in read.by_input
    read = read_submission(both, {"email": "ana@example.com", "phone": "+351912345678", box.name: box.version})
    assert isinstance(read, Submission)
    assert read.consents[0].address == "phone:+351912345678"


@given(st.dictionaries(st.sampled_from(["email", "first_name", "drink", "wish", "consent.newsletter"]), st.text()))
def test_no_answer_makes_the_reader_fail(values):
    assert isinstance(read_submission(form(), values), Submission | Mistakes)


# ---------------------------------------------------------------- events


def test_a_submission_becomes_a_yes_and_then_the_event_of_the_form():
    read = submit(form(), email="ana@example.com", first_name="Ana", wish="Beans")
    events = events_of(form(), read, submission_id="s1", key_time=NOW, now=NOW, page="https://t.example/", refused=())
    assert [(event.event_id, event.name) for event in events] == [
        ("s1-email-newsletter", "Subscribed"),
        ("s1", "Form Submitted"),
    ]
    version = form().consents[0].version
    assert events[0].properties == {
        "topic": "newsletter",
        "channel": "email",
        "form": "newsletter",
        "text_version": version,
    }
    assert events[1].properties == {
        "first_name": "Ana",
        "wish": "Beans",
        "form": "newsletter",
        "form_name": "newsletter",
        "form_version": 3,
        "consents": [{"topic": "newsletter", "channel": "email", "text_version": version}],
    }
    for event in events:
        assert event.trusted is False
        assert event.source == "form/newsletter"
        assert event.attributes == {"email": "ana@example.com", "first_name": "Ana"}
        assert event.context == {"page": {"url": "https://t.example/"}}


def test_a_yes_that_does_not_count_is_told_by_the_event_alone():
    read = submit(form(), email="ana@example.com")
    events = events_of(form(), read, submission_id="s1", key_time=NOW, now=NOW, page="", refused=read.consents)
    assert [event.name for event in events] == ["Form Submitted"]
    assert events[0].properties["consents"][0]["kept"] == "an earlier refusal"


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "//[x", "null", ""])
def test_an_origin_that_is_no_address_is_no_site(origin):
    assert not parse_form(NEWSLETTER).is_site(origin, ["tidewater.example"])
