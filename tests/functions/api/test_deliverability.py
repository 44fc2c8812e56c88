"""Deliverability by the API: who receives mail and how, what holds it, whether all is set up, and lists."""

import pytest

from postroad.deliverability.breakers import BREAKER
from postroad.deliverability.list_check import MOST_BYTES
from postroad.sending.holds import MARKETING, PAUSE, Hold
from postroad.stats import DOMAINS, MESSAGES, Cell, Increments, hour_of
from postroad_aws.storage import holds, stats
from tests.functions.api.client import call, problem


@pytest.fixture
def mails(account):
    def count(provider: str, **numbers: int) -> None:
        hour = hour_of(account.now())
        stats.add(Increments({Cell(DOMAINS, MESSAGES, hour, provider, name): n for name, n in numbers.items()}))

    count("gmail", delivered=90, bounced=10, opened=30, machine_opened=40, clicked=9, machine_clicked=1)
    count("other", delivered=50, complained=1, unsubscribed=2)


def test_c74_mails_are_told_by_provider_with_raw_and_corrected_rates(account, mails):
    status, found = call("GET", "/api/v1/deliverability")
    assert status == 200
    assert [each["provider"] for each in found["providers"]] == ["gmail", "other"]
    gmail = found["providers"][0]
    assert (gmail["messages"]["sent"], gmail["rates"]["bounced"]) == (100, 0.1)
    assert (gmail["rates"]["opened"], gmail["rates"]["raw_opened"]) == (0.3, 0.7)
    assert (gmail["rates"]["clicked"], gmail["rates"]["raw_clicked"]) == (0.09, 0.1)
    assert found["together"]["messages"]["sent"] == 151
    assert (found["holds"], found["warm_up"]) == ([], None)


def test_c56_marketing_that_a_breaker_holds_goes_on_with_a_note(account, mails):
    assert call("POST", "/api/v1/deliverability/resume", body={"note": "nothing is held"})[1]["holds"] == []
    holds.save_hold(Hold(MARKETING, PAUSE, account.now(), BREAKER, "too many bounced"))
    (held,) = call("GET", "/api/v1/deliverability")[1]["holds"]
    assert (held["scope"], held["kind"], held["by"], held["note"]) == (MARKETING, PAUSE, BREAKER, "too many bounced")
    left = call("POST", "/api/v1/deliverability/resume", body={"note": "the bad list is gone"})[1]["holds"]
    assert [(each["scope"], each["note"]) for each in left] == [("breaker/resumed", "the bad list is gone")]


def test_c82_the_list_is_rated_and_a_sunset_is_counted_before_it_is_turned_on(account, ana, mails):
    found = call("GET", "/api/v1/deliverability/list")[1]
    assert (found["looked_at"], found["total"], found["is_on"]) == (1, 1, False)
    assert found["sunset"] == {"lively": 1, "fewer": 0, "ask": 0, "stop": 0}
    quality = found["quality"]
    assert (quality["active"], quality["bounced"]) == (1.0, pytest.approx(10 / 151))
    assert quality["number"] == 60
    assert quality["formula"].startswith("60 for the share of people")


def test_the_checks_say_what_is_wrong_and_what_cannot_be_known_here(account):
    found = call("GET", "/api/v1/deliverability/checks")[1]
    checks = {each["id"]: each for each in found["checks"]}
    assert checks["postal_address"]["state"] == "ok"
    assert checks["dmarc"] == {
        "id": "dmarc",
        "state": "unknown",
        "finding": "this cannot be checked here",
        "mend": "",
    }


def a_list(csv: str, **more: object) -> dict[str, object]:
    return {"csv": csv, "consent": "the form on our site", **more}


def test_c73_a_list_is_looked_at_before_it_is_taken_in(account):
    body = a_list("email,name\nana@example.com,Ana\nben@gmial.com,Ben\n", days_since_mail=20)
    status, found = call("POST", "/api/v1/imports/check", body=body)
    assert status == 200
    assert (found["accepted"], found["rows"], found["good"], found["ramp"]) == (True, 2, 1, False)
    assert found["remarks"] == [{"row": 2, "kind": "typo", "address": "ben@gmial.com", "suggestion": "ben@gmail.com"}]
    assert call("GET", "/api/v1/contacts")[1]["items"] == []


def test_c73_a_suspicious_list_and_one_without_a_source_of_consent_are_refused(account):
    found = call("POST", "/api/v1/imports/check", body=a_list("email\nspamtrap@a.example\n"))[1]
    assert found["accepted"] is False
    assert found["obstacles"] == ["1 of these addresses never ask for mail: such lists are gathered or bought."]
    assert call("POST", "/api/v1/imports/check", body=a_list("email\na@a.example\n", consent=" "))[0] == 422


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (a_list("name\nAna"), "names no column 'email'"),
        (a_list("email\na@b.example", column="mail"), "names no column 'mail'"),
        ({"csv": "email\n"}, "consent"),
        (a_list("x" * (MOST_BYTES + 1)), "csv"),
    ],
)
def test_what_is_no_list_is_refused_with_the_place(account, body, said):
    status, document = call("POST", "/api/v1/imports/check", body=body)
    assert status == 422
    assert said in str(document)


def test_only_so_many_days_are_shown(account):
    assert problem(call("GET", "/api/v1/deliverability", {"days": "36"}))[0] == 400
