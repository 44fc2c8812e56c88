"""`postroad doctor`: what SES and DNS say together, and how the command ends."""

import pytest

from postroad.deliverability.doctor import CHECKS
from postroad_command import __main__ as command
from postroad_command.doctor import examine_stack, tell_checks
from postroad_command.domain_records import find_dmarc


class Told:
    """A stack whose checks are these."""

    def __init__(self, identity="tide.co", mail_from="bounce.tide.co", **states):
        checks = [
            {"id": check, "state": states.get(check, "ok"), "finding": "as it should be", "mend": "Mend it."}
            for check in CHECKS
        ]
        self.document = {"healthy": True, "identity": identity, "mail_from": mail_from, "checks": checks}

    def call(self, method, path):
        assert (method, path) == ("GET", "/deliverability/checks")
        return self.document


RECORDS = {
    "_dmarc.tide.co": ("v=DMARC1; p=none",),
    "bounce.tide.co": ("v=spf1 include:amazonses.com ~all", "something else"),
}


def ask(name):
    return RECORDS.get(name, ())


def test_what_dns_says_takes_its_place_among_what_the_stack_says():
    found = {check.id: check for check in examine_stack(Told(), ask)}
    assert tuple(found) == CHECKS
    assert (found["dmarc"].state, found["dmarc"].finding) == ("ok", "DMARC asks for none")
    assert found["spf"].state == "ok"
    missing = {check.id: check for check in examine_stack(Told(), lambda name: ())}
    assert (missing["dmarc"].state, missing["spf"].state) == ("bad", "bad")


def test_a_domain_below_stands_under_the_record_of_the_one_above():
    assert find_dmarc("mail.tide.co", ask) == ("v=DMARC1; p=none",)
    assert find_dmarc("tide.co", lambda name: None) is None
    assert find_dmarc("nobody.co", ask) == ()


@pytest.mark.parametrize("identity", ["example.com.localhost", "tide.example", "me@shop.test", ""])
def test_domains_that_are_nobodys_are_not_asked_for(identity):
    def never(name):
        pytest.fail(f"{name} was asked for")

    found = {check.id: check for check in examine_stack(Told(identity, ""), never)}
    assert (found["dmarc"].state, found["spf"].state) == ("unknown", "unknown")


@pytest.mark.parametrize(("states", "code"), [({}, 0), ({"sandbox": "unknown"}, 0), ({"sandbox": "bad"}, 1)])
def test_the_command_ends_with_one_when_something_is_wrong(states, code, monkeypatch, capsys):
    monkeypatch.setattr(command, "_connect", lambda given: Told(**states))
    monkeypatch.setattr(command, "find_texts", ask)
    assert command.main(["doctor", "--url", "http://localhost:1", "--key", "k"]) == code
    said = capsys.readouterr().out
    assert "good     dmarc: DMARC asks for none" in said
    assert ("wrong    sandbox: as it should be\n         Mend it." in said) is bool(code)


def test_each_check_is_a_line_and_what_to_do_another():
    lines = list(tell_checks(examine_stack(Told(), lambda name: ())))
    dmarc = next(number for number, line in enumerate(lines) if "dmarc:" in line)
    assert lines[dmarc] == "wrong    dmarc: the domain has no DMARC record"
    assert lines[dmarc + 1].strip().startswith("Publish a TXT record at _dmarc")
