"""One event that asks for more than fits into a transaction."""

from postroad.definitions import plan_publication
from postroad_aws import books
from postroad_aws.storage import definitions, messages
from postroad_aws.usecases.wake_contacts import wake_event
from tests.account import ANA, Account

EMAIL = f"email:{ANA}"


def publish_journeys(account: Account, names: list[str]) -> None:
    """Journeys that a download starts, each with two mails."""
    head = {"kind": "journey", "trigger": {"event": "File Downloaded"}}
    mails = [{"id": step, "send": {"template": "welcome"}} for step in ("one", "two")]
    entering = {f"journey/{name}": {**head, "id": name, "steps": mails} for name in names}
    book = books.newest()
    plan = plan_publication(entering, book, definitions.load_versions(book.manifest.loaded), account.now())
    definitions.publish(plan.versions, plan.manifest, account.now())


def test_an_event_that_starts_very_many_journeys_is_committed_and_all_their_messages_follow(account):
    publish_journeys(account, [f"j{number:02d}" for number in range(60)])
    account.fold(account.event("File Downloaded", EMAIL))
    assert account.rejects() == []
    contact = account.contact(EMAIL)
    while contact.wake_at is not None and contact.wake_at <= account.now() + 60.0:
        account.advance(60.0)
        account.fold(wake_event(contact.contact_id, account.now()))
        contact = account.contact(EMAIL)
    found = messages.list_by_contact((contact.contact_id,), limit=200).items
    assert len({message.message_id for message in found}) == 120
    assert not contact.active


def test_busy_contacts_that_turn_out_to_be_one_person_are_joined(account):
    who = ["user:u", EMAIL, "phone:+351912345678", "anon:a"]
    for identity in who:
        for _ in range(3):
            account.fold(*[account.event("Ping", identity) for _ in range(100)])
    many = [account.event("Pong", identity) for identity in who for _ in range(40)]
    account.fold(*many, account.event("Identified", *who))
    assert account.contact("user:u").events_folded == 4 * 340 + 1
    assert account.contact("anon:a").contact_id == account.contact("user:u").contact_id
