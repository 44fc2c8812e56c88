"""Taking people who come from elsewhere, over moto: whatever dies midway, and whatever was said before."""

from itertools import count

import pytest

from functions.import_contacts import app
from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.identities import contact_id_of
from postroad.imports import Agreement, guess_targets, read_people, read_table
from postroad_aws import clock, ids, queues, runs
from postroad_aws.storage import VersionConflictError, imports, keys, privacy, refusals
from postroad_aws.usecases.ask_import import ask_import
from postroad_aws.usecases.ask_privacy import ask_privacy
from postroad_aws.usecases.serve_privacy import serve_privacy
from postroad_aws.wiring import privacy_ports
from tests.account import ANA, lambda_context

AGREED = Agreement("newsletter", "email", "the form on our site", "Yes, send me the letter.", "2025-03-01")
SHORT = lambda_context(app.RESERVE_MS - 1)


def ask(text, agreement=AGREED):
    sheet = read_table(text)
    found = read_people(sheet, guess_targets(sheet), agreement, "2026-11-02")
    return ask_import(imports, runs, clock, ids, found, agreement, "Porto", "marta@tidewater.example").import_id


def take(import_id):
    assert app.handler({"import_id": import_id}, lambda_context()) == {"import_id": import_id, "done": True}
    return {key: number for key, number in imports.get_import(import_id).counts.items() if number}


def people(number):
    return "email,first_name\n" + "".join(f"person{each}@example.com,P{each}\n" for each in range(number))


def test_people_become_contacts_with_a_proof_of_what_they_agreed_to(account):
    taken = take(ask("email,user id,first_name,orders\nlena@example.com,u-7,Lena,3\n"))
    assert taken == {"added": 1, "agreed": 1}
    account.fold_arrived()
    lena = account.contact("email:lena@example.com")
    assert set(lena.identities) == {"email:lena@example.com", "user:u-7"}
    assert {name: each.value for name, each in lena.attributes.items()} == {"first_name": "Lena", "orders": 3}
    assert lena.consents["newsletter"].granted
    (proof,) = refusals.list_proof("email:lena@example.com", "newsletter")
    assert (proof.granted, proof.evidence["where"], proof.evidence["on"]) == (True, AGREED.where, "2025-03-01")


def test_taking_it_again_adds_nothing_and_overwrites_nothing(account):
    text = "email,first_name,city\nlena@example.com,Lena,Porto\n"
    take(ask(text))
    account.fold_arrived()
    account.fold(account.event("Identified", "email:lena@example.com"))
    again = take(ask(text.replace("Lena", "Somebody else")))
    assert again == {"known": 1, "agreed": 1}
    account.fold_arrived()
    assert account.contact("email:lena@example.com").attributes["first_name"].value == "Lena"


def test_a_refusal_and_a_suppression_stay(account):
    refusals.save_consent("email:no@example.com", EVERY_TOPIC, False, account.now(), {"by": "page"})
    refusals.save_suppression("email:gone@example.com", "bounced", account.now(), {})
    taken = take(ask("email\nno@example.com\ngone@example.com\n"))
    assert taken == {"added": 2, "refused": 1, "suppressed": 1, "agreed": 1}
    assert refusals.find_consent("email:no@example.com", "newsletter") is None
    assert refusals.find_suppression("email:gone@example.com") == "bounced"


def test_who_was_erased_stays_so_after_an_import(account):
    account.sign_up()
    request = ask_privacy(privacy, runs, clock, ids, "erasure", [account.contact_id(f"email:{ANA}")], "api", "a letter")
    assert serve_privacy(privacy_ports(), request.request_id, lambda: True)
    account.advance(60)
    assert take(ask(f"email\n{ANA}\n")) == {"erased": 1}
    assert account.arrived() == []
    assert refusals.find_consent(f"email:{ANA}", "newsletter") is None


def test_a_run_that_dies_between_any_two_pages_goes_on_and_loses_nobody(account, monkeypatch):
    import_id = ask(people(250), None)
    assert app.handler({"import_id": import_id}, SHORT) == {"import_id": import_id, "done": False}
    calls, send = count(1), queues.send_events

    def die_at_third(messages):
        if next(calls) == 13:
            raise ConnectionError("the process died")
        return send(messages)

    monkeypatch.setattr(queues, "send_events", die_at_third)
    with pytest.raises(ConnectionError):
        app.handler({"import_id": import_id}, lambda_context())
    assert imports.get_import(import_id).taken == 1
    assert take(import_id) == {"added": 250}
    assert {event.identities[0].value for event in account.arrived()} == {f"person{n}@example.com" for n in range(250)}
    assert [imports.find_people(import_id, page) for page in range(3)] == [[], [], []]


def test_two_lines_of_one_user_become_one_contact(account):
    take(ask("user id,email,phone\nu-1,one@example.com,\nu-1,,+351912345678\n", None))
    account.fold_arrived()
    one = account.contact("user:u-1")
    assert set(one.identities) == {"user:u-1", "email:one@example.com", "phone:+351912345678"}
    assert one.contact_id == contact_id_of("user:u-1", keys.derive_key("contacts"))


def test_two_runs_of_one_import_take_everybody_and_count_them_once(account, monkeypatch):
    """A redrive asked for twice, or a task that Step Functions takes for failed while it is still at work."""
    import_id = ask(people(250), None)
    find_people = imports.find_people

    def overtake(job_id, number):
        found = find_people(job_id, number)
        if number < 2:  # the other run takes this very page, and is first
            imports.save_import(imports.get_import(job_id).after(number, {"added": len(found)}, account.now()))
            imports.forget_people(job_id, number)
        return found

    monkeypatch.setattr(imports, "find_people", overtake)
    assert take(import_id) == {"added": 250}
    assert {event.identities[0].value for event in account.arrived()} == {f"person{n}@example.com" for n in range(250)}


def test_a_page_is_never_taken_back(account):
    import_id = ask(people(250), None)
    late = imports.get_import(import_id)
    take(import_id)
    with pytest.raises(VersionConflictError):
        imports.save_import(late.after(0, {"added": 100}, account.now()))
    assert imports.get_import(import_id).counts["added"] == 250
