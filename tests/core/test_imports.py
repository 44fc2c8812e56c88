"""People who come from elsewhere in a table."""

import json

import pytest

from postroad.consent.rule import ERASED, EVERY_TOPIC
from postroad.contacts.contact import Attribute, Consent, Contact
from postroad.errors import DefinitionError
from postroad.imports import (
    MOST_ROWS,
    Agreement,
    Import,
    People,
    Person,
    Problem,
    Stood,
    check_agreement,
    check_targets,
    find_obstacles,
    guess_targets,
    parse_import,
    read_people,
    read_table,
    settle,
)
from postroad.instants import parse_instant
from postroad.spreadsheets import SpreadsheetError

TODAY = "2026-11-02"
NOW = parse_instant("2026-11-02T09:14:00Z")
AGREED = Agreement("newsletter", "email", "the form on our site", "Yes, send me the letter.", "2025-03-01")
JOB = Import("20261102-x", "Porto", NOW, "marta@tidewater.example", AGREED, 1, (), 0, 1)
ANA = Person(2, ("email:ana@example.com",), {"first_name": "Ana", "city": "Porto"}, "2025-03-01")
NOTHING = {"email:ana@example.com": Stood(None, {})}


def read(text, agreement=None):
    sheet = read_table(text)
    return read_people(sheet, guess_targets(sheet), agreement, TODAY)


def answered(*, topic=None, every=None):
    said = {"newsletter": topic, EVERY_TOPIC: every}
    return {"email:ana@example.com": Stood(None, {key: each for key, each in said.items() if each})}


def test_c73_columns_are_taken_for_what_their_names_and_cells_say():
    sheet = read_table(
        "E-Mail;Phone number;User ID;First name;Orders;Zip;Opted out\nana@example.com;;42;Ana;3;10115;no\n"
    )
    assert guess_targets(sheet) == (
        "email", "phone", "user", "text:first_name", "number:orders", "text:zip", "left",
    )  # fmt: skip
    (person,) = read_people(sheet, guess_targets(sheet), None, TODAY).people
    assert person == Person(2, ("user:42", "email:ana@example.com"), {"first_name": "Ana", "orders": 3, "zip": "10115"})


def test_pinpoints_endpoints_are_taken_as_they_are_as_csv_and_as_json():
    csv = (
        "ChannelType,Id,Address,Location.Country,Attributes.interests,Attributes.interests,Metrics.orders,OptOut,"
        "EndpointStatus,User.UserId,User.UserAttributes.FirstName\n"
        "EMAIL,ep-1,ana@example.com,PT,shoes,bags,3,NONE,ACTIVE,u-42,Ana\n"
        "SMS,ep-2,+351912345678,PT,,,,ALL,INACTIVE,u-42,Ana\n"
        "GCM,ep-3,token,PT,,,,NONE,ACTIVE,u-42,Ana\n"
    )
    known = {"country": "PT", "FirstName": "Ana"}
    mail = Person(2, ("user:u-42", "email:ana@example.com"), {**known, "interests": ["shoes", "bags"], "orders": 3})
    text = Person(3, ("user:u-42", "phone:+351912345678"), known, "", True, True)
    found = read(csv)
    assert found.people == (mail, text)
    assert found.problems == (Problem(4, ("its kind of address is none of EMAIL, SMS and VOICE",)),)
    endpoint = {
        "Id": "ep-1", "ChannelType": "EMAIL", "Address": "ana@example.com", "OptOut": "NONE", 
        "EndpointStatus": "ACTIVE",
        "Attributes": {"interests": ["shoes", "bags"]}, "Metrics": {"orders": 3.0}, "Location": {"Country": "PT"},
        "Demographic": {"Platform": "web"}, "EffectiveDate": "2026-06-30T10:11:12.345Z",
        "User": {"UserId": "u-42", "UserAttributes": {"FirstName": ["Ana"]}},
    }  # fmt: skip
    (person,) = read(json.dumps(endpoint)).people
    assert person == mail._replace(line=1, attributes={**mail.attributes, "interests": "shoes; bags"})


def test_a_bad_line_is_told_with_all_that_is_wrong_and_repeats_nothing_of_it():
    found = read(
        "email,phone,orders,agreed_on\n"
        "ana@example.com,,1,2025-01-01\n"
        "not an address,12345,2,2030-01-01\n"
        ",,3,\n"
        "ANA@example.com,,4,\n",
        AGREED,
    )
    assert [person.line for person in found.people] == [2]
    assert found.problems == (
        Problem(
            3,
            (
                "the address is no e-mail address",
                "the phone number needs its country, such as +351 912 345 678",
                "the day on which they agreed must be one such as 2024-05-31, and not to come",
            ),
        ),
        Problem(4, ("names nobody",)),
        Problem(5, ("has an address of line 2",)),
    )


def test_who_agreed_is_who_says_so_and_nobody_without_an_agreement():
    text = "email,agreed,agreed_on\na@example.com,yes,2024-02-29\nb@example.com,no,\nc@example.com,,\n"
    assert [person.agreed_on for person in read(text, AGREED).people] == ["2024-02-29", "", ""]
    assert [person.agreed_on for person in read(text).people] == ["", "", ""]
    assert [person.agreed_on for person in read("email\na@example.com\n", AGREED).people] == ["2025-03-01"]


def test_an_agreement_without_a_whole_proof_is_none():
    assert check_agreement({"topic": "", "where": "x"}, ["newsletter"], TODAY) is None
    assert check_agreement(AGREED._asdict(), ["newsletter"], TODAY) == AGREED
    with pytest.raises(DefinitionError) as refused:
        check_agreement({"topic": "else", "channel": "web", "on": "2027-01-01"}, ["newsletter"], TODAY)
    assert [path for path, _ in refused.value.mistakes] == ["topic", "channel", "where", "text", "on"]


def test_a_table_needs_a_column_by_which_people_are_known():
    sheet = read_table("name,city\nAna,Porto\n")
    with pytest.raises(DefinitionError, match="an e-mail address, a phone number or a user id"):
        check_targets(sheet, ("text:name", "-"))
    with pytest.raises(DefinitionError, match="as many as the table has columns: 2"):
        check_targets(sheet, ("email",))
    with pytest.raises(DefinitionError, match="a way to take a column"):
        check_targets(sheet, ("email", "text:"))


def test_too_many_rows_and_what_is_no_endpoint_are_refused():
    with pytest.raises(SpreadsheetError, match="more than 20,000 lines"):
        read_table("\n".join(['{"Address": "a"}'] * (MOST_ROWS + 1)))
    for wrong in ('{"Address": 1}\nno', "{" * 5_000):
        with pytest.raises(SpreadsheetError, match="is no JSON object"):
            read_table(wrong)


def test_c73_a_list_that_looks_bought_is_refused_as_a_whole():
    bought = read("email\n" + "\n".join(["spamtrap@firm.example", *(f"p{n}@firm{n}.example" for n in range(50))]))
    assert find_obstacles(bought, AGREED) == (
        "1 of these addresses never ask for mail: such lists are gathered or bought.",
    )
    assert find_obstacles(read("email\nana@example.com\n"), None) == ()
    assert find_obstacles(read("user id\nu-1\n"), None) == ()
    assert find_obstacles(People((), ()), None) == ("There is nobody in it who can be taken.",)


def test_what_is_not_known_is_added_and_the_yes_gets_its_proof():
    settled = settle(ANA, JOB, None, NOTHING, was_erased=False)
    (answer,) = settled.answers
    assert (answer.address, answer.topic, answer.granted) == ("email:ana@example.com", "newsletter", True)
    assert answer.time == parse_instant("2025-03-01T00:00:00Z")
    assert answer.evidence == {
        "by": "import", "import": "20261102-x", "list": "Porto", "source": "marta@tidewater.example",
        "where": "the form on our site", "text": "Yes, send me the letter.", "on": "2025-03-01",
    }  # fmt: skip
    assert [(event.name, event.event_id) for event in settled.events] == [
        ("Identified", "20261102-x-2"), ("Subscribed", "20261102-x-2-yes"),
    ]  # fmt: skip
    assert settled.events[0].attributes == ANA.attributes
    assert settled.outcomes == ("added", "agreed")
    assert settled == settle(ANA, JOB, None, NOTHING, was_erased=False)


def test_what_was_confirmed_stays_and_what_a_browser_said_does_not():
    known = Contact("c1", 1.0)
    known.attributes = {"first_name": Attribute("Anna", 1.0, True), "city": Attribute("Lisboa", 1.0, False)}
    settled = settle(ANA, JOB, known, NOTHING, was_erased=False)
    assert settled.events[0].attributes == {"city": "Porto"}
    assert settled.outcomes == ("known", "agreed")


@pytest.mark.parametrize(
    ("answers", "copies"),
    [
        (answered(topic=Consent(False, 1.0)), {}),
        (answered(every=Consent(False, NOW - 1)), {}),
        (answered(every=Consent(False, NOW - 1, NOW + 60)), {}),
        (NOTHING, {"newsletter": Consent(False, 5.0)}),
    ],
)
def test_a_refusal_is_never_lifted(answers, copies):
    known = Contact("c1", 1.0)
    known.consents = copies
    settled = settle(ANA, JOB, known, answers, was_erased=False)
    assert settled.answers == ()
    assert settled.outcomes == ("known", "refused")
    assert [event.name for event in settled.events] == ["Identified"]


def test_a_yes_after_a_no_to_everything_still_counts():
    answers = answered(topic=Consent(True, 9.0), every=Consent(False, 5.0))
    assert settle(ANA, JOB, None, answers, was_erased=False).outcomes == ("added", "agreed")


def test_who_was_erased_stays_so():
    assert settle(ANA, JOB, None, NOTHING, was_erased=True).events == ()
    gone = {"email:ana@example.com": Stood(ERASED, {})}
    assert settle(ANA, JOB, None, gone, was_erased=False) == settle(ANA, JOB, None, NOTHING, was_erased=True)


def test_who_had_left_elsewhere_has_left_here():
    left = Person(3, ("user:u-42", "phone:+351912345678"), {}, "", True, True)
    stood = {"phone:+351912345678": Stood(None, {})}
    settled = settle(left, JOB, None, stood, was_erased=False)
    assert [(each.topic, each.granted) for each in settled.answers] == [(EVERY_TOPIC, False)]
    assert settled.suppressed == ("phone:+351912345678",)
    assert [event.name for event in settled.events] == ["Identified", "Unsubscribed", "Address Suppressed"]
    assert settled.events[1].properties == {"topic": "*", "channel": "sms", "import": "20261102-x"}


def test_an_import_is_read_back_as_it_was_written():
    job = Import("i", "n", 1.0, "m", AGREED, 3, (Problem(4, ("names nobody",)),), 1, 2)
    half = job.after(0, {"added": 2}, 5.0)
    assert (half.state, half.counts["added"], half.taken) == ("running", 2, 1)
    done = half.after(1, {"added": 1}, 6.0)
    assert (done.state, done.counts["added"], done.finished_at) == ("done", 3, 6.0)
    assert parse_import(json.loads(json.dumps(done.to_document()))) == done
