"""The daily look at when people read."""

from functions.learn_rhythm.app import handler
from postroad.advice.report import advise
from postroad.advice.send_times import PEOPLE as PEOPLE_READ
from postroad.commits import Commit
from postroad.contacts.engagement import HOUR, OPENED, Sent
from postroad_aws import books, clock, runs
from postroad_aws.storage import contacts, definitions
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.account import Account

PEOPLE, MAILS = 12, 24
# Hours after which a mail is read: mostly at seven in the evening, as the mails come at ten.
LATER = (9, 9, 3, 9, 10, 9, 8, 12)


def read_at_seven(account: Account) -> None:
    """Everybody reads two of three mails, mostly at seven in the evening."""
    today = int(account.now() // HOUR) // 24 * 24
    for number in range(PEOPLE):
        who = f"email:{number}@example.com"
        account.fold(account.event("Noted", who))
        contact = account.contact(who)
        sents = (
            Sent(today + 10 - 24 * day, f"{day:02d}", *((OPENED, LATER[day % 8]) if day % 3 else ()))
            for day in range(MAILS, 0, -1)
        )
        contact.engagement = {"email": tuple(sents)}
        contacts.commit(Commit(contact))


def publish(**send: object) -> None:
    trial = {"kind": "journey", "id": "trial", "trigger": {"event": "Trial Started"}}
    steps = [{"id": "mail", "send": {"template": "welcome", **send}}]
    publish_definitions(definitions, runs, clock, {"journey/trial": {**trial, "steps": steps}})


def test_c24_somebody_new_gets_the_mail_when_the_accounts_people_read(account: Account):
    publish(at="best")
    read_at_seven(account)
    told = handler({}, None)
    assert (told["openings"], told["people"]) == (PEOPLE * MAILS * 2 // 3, PEOPLE)
    # Nothing has changed since, and a later publication keeps it.
    assert handler({}, None) == {}
    publish(at="best", within="P2D")
    learned = definitions.find_manifest().learned
    assert learned is not None
    assert max(range(24), key=learned.weights.__getitem__) == 19
    books.forget()
    account.fold(account.event("Noted", "email:new@example.com"))
    at, following = advise(account.contact("email:new@example.com"), books.current().policy, account.now()).send_times[
        "email"
    ]
    assert (at.hour, at.basis) == (19, PEOPLE_READ)
    assert following.at // HOUR % 24 == 19
    assert "when the account's people read" in following.because


def test_nothing_is_learned_where_nothing_asks_for_best_hours(account: Account):
    publish()
    read_at_seven(account)
    assert handler({}, None) == {}
    assert definitions.find_manifest().learned is None


def test_there_is_nothing_to_learn_where_nobody_has_published(bare_account: Account):
    assert handler({}, None) == {}
