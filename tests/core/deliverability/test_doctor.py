"""The doctor: what is found about an account's mail, and how to mend it."""

from dataclasses import replace
from typing import Any

import pytest

from postroad.deliverability.doctor import (
    BAD,
    CHECKS,
    NEEDED_EVENTS,
    OK,
    UNKNOWN,
    Facts,
    examine,
    is_healthy,
    read_dmarc,
)
from postroad.policy import Policy

POLICY = Policy(sender="Tide <hello@tide.example>", postal_address="Tide & Co, Quay 4, Lisbon")
WELL = Facts(
    identity="tide.example",
    is_verified=True,
    dkim="SUCCESS",
    dkim_bits="RSA_2048_BIT",
    mail_from="bounce.tide.example",
    mail_from_state="SUCCESS",
    is_in_production=True,
    is_sending=True,
    enforcement="HEALTHY",
    quota=50_000.0,
    rate=14.0,
    suppresses=frozenset({"BOUNCE", "COMPLAINT"}),
    events=NEEDED_EVENTS,
    dmarc=("v=DMARC1; p=quarantine; rua=mailto:dmarc@tide.example",),
    spf=("v=spf1 include:amazonses.com ~all",),
)


def test_an_account_that_is_set_up_passes_every_check():
    checks = examine(WELL, POLICY)
    assert [check.state for check in checks] == [OK] * len(CHECKS)
    assert is_healthy(checks)
    assert not any(check.mend for check in checks)


@pytest.mark.parametrize(
    ("check", "facts", "finding"),
    [
        ("identity", {"is_verified": False}, "tide.example is not verified"),
        ("dkim", {"dkim": "PENDING"}, "DKIM is pending, with a key of 2048 bits"),
        ("dkim", {"dkim_bits": "RSA_1024_BIT"}, "DKIM is success, with a key of 1024 bits"),
        ("mail_from", {"mail_from": ""}, "bounces go to a domain of Amazon's"),
        ("mail_from", {"mail_from_state": "FAILED"}, "bounces go to bounce.tide.example, which is failed"),
        ("spf", {"spf": ()}, "bounce.tide.example has no SPF record"),
        ("spf", {"spf": ("v=spf1 -all",)}, "bounce.tide.example says v=spf1 -all"),
        ("dmarc", {"dmarc": ()}, "the domain has no DMARC record"),
        ("dmarc", {"dmarc": ("v=DMARC1; p=none", "v=DMARC1; p=none")}, "the domain has no one DMARC record"),
        ("dmarc", {"dmarc": ("v=DMARC1; rua=mailto:a@b.c",)}, "DMARC asks for nothing"),
        ("sandbox", {"is_in_production": False}, "the account is in the sandbox, 50,000 mails a day, 14 a second"),
        ("health", {"is_sending": False}, "sending is off, and SES calls the account healthy"),
        ("health", {"enforcement": "PROBATION"}, "sending is on, and SES calls the account probation"),
        ("events", {"events": NEEDED_EVENTS - {"DELIVERY_DELAY"}}, "SES does not tell of delivery delay"),
        ("suppression", {"suppresses": frozenset({"BOUNCE"})}, "the account's own list does not keep complaints"),
    ],
)
def test_what_is_wrong_is_found_with_the_way_to_mend_it(check: str, facts: dict[str, Any], finding: str):
    checks = {each.id: each for each in examine(replace(WELL, **facts), POLICY)}
    wrong = [each.id for each in checks.values() if each.state != OK]
    assert wrong == [check] if check != "mail_from" or facts != {"mail_from": ""} else check in wrong
    assert (checks[check].state, checks[check].finding) == (BAD, finding)
    assert checks[check].mend.endswith(".") or "put-account" in checks[check].mend
    assert not is_healthy(checks.values())


@pytest.mark.parametrize(
    ("policy", "check", "finding"),
    [
        (replace(POLICY, postal_address=""), "postal_address", "the policy has no postal address"),
        (replace(POLICY, sender=""), "sender", "the policy names no sender"),
        *(
            (
                replace(POLICY, sender=f"a@{domain}"),
                "sender",
                f"mails come from {domain}, and tide.example is what SES knows",
            )
            for domain in ("other.example", "nottide.example")
        ),
    ],
)
def test_what_the_policy_lacks_is_found(policy: Policy, check: str, finding: str):
    found = {each.id: each for each in examine(WELL, policy)}[check]
    assert (found.state, found.finding) == (BAD, finding)


def test_mail_may_come_from_below_the_domain_that_is_verified():
    checks = examine(WELL, replace(POLICY, sender="Tide <news@mail.tide.example>"))
    assert is_healthy(checks)


def test_what_could_not_be_found_out_is_told_and_is_no_fault():
    checks = examine(Facts(), POLICY)
    assert {check.id: check.state for check in checks} == {
        **dict.fromkeys(CHECKS, UNKNOWN),
        "postal_address": OK,
    }
    assert is_healthy(checks)


def test_a_dmarc_record_is_read_by_its_tags():
    assert read_dmarc(["other", "V=DMARC1 ; P=reject; pct=50"]) == {"v": "DMARC1", "p": "reject", "pct": "50"}
    assert read_dmarc(["v=spf1"]) is None
