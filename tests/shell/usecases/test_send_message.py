"""One message from the queue to the channel: every reason not to send, and what becomes of it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from demo.documents import load_definitions
from postroad.commits import Commit
from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.fetches import TRAP
from postroad.content.links import Click, Open, Unsubscribe
from postroad.sending.messages import Message
from postroad_aws import books
from postroad_aws.ports import Accepted, Ports, Refused, Unclear
from postroad_aws.storage import contacts, definitions, messages, refusals
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.record_feedback import record_feedback
from postroad_aws.usecases.send_message import FRESH, send_message, send_messages
from tests.account import ANA, PHONE, Account, Channel, waiting

EMAIL = f"email:{ANA}"
NEW = "ana.marker@new.example"


def queue(account: Account, message: Message, **changes: Any) -> Message:
    """A message like this one, newly queued beside it."""
    made = message.with_(message_id=f"{message.enrollment_id}.{changes.get('step', 'other')}", **changes)
    contact = account.contact(EMAIL)
    contacts.commit(Commit(contact, messages=(made,)))
    return made


def find(message: Message) -> Message:
    found = messages.find_message(message.message_id)
    assert found is not None
    return found


@pytest.fixture
def welcome(account: Account) -> Message:
    return account.sign_up(first_name="Ana")


@pytest.fixture
def email() -> Channel:
    return Channel()


@pytest.fixture
def ports(account: Account, email: Channel) -> Ports:
    return account.with_channels(email=email, sms=Channel())


# --- what leaves


def test_a_queued_message_leaves_once_and_the_ledger_knows_where_it_went(account, welcome, ports, email):
    assert send_message(ports, welcome.message_id) == "sent"
    assert send_message(ports, welcome.message_id) is None
    (sent,) = email.sent
    assert (sent.to, sent.message_id) == (ANA, welcome.message_id)
    stored = find(welcome)
    assert (stored.state, stored.address, stored.provider_id) == ("sent", ANA, "provider-1")
    assert not stored.is_pending
    assert set(stored.times) == {"queued", "sent"}


def test_a_mail_carries_the_headers_of_one_click_unsubscribing_and_a_text_part(welcome, ports, email):
    send_message(ports, welcome.message_id)
    mail = message_from_bytes(email.sent[0].raw, policy=policy.SMTP)
    assert mail["from"] == "Tidewater Coffee <hello@tidewater.example>"
    assert mail["to"] == ANA
    assert mail["subject"] == "Welcome aboard, Ana"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    (url,) = re.findall(r"<(https://[^>]+)>", mail["list-unsubscribe"])
    prefix = "https://post.tidewater.example/u/"
    assert url.startswith(prefix)
    link = ports.signer.find(Unsubscribe, url.removeprefix(prefix))
    assert link == Unsubscribe(welcome.contact_id, "email", "offers", welcome.message_id)
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "FIRSTBAG" in text
    assert "<" not in text
    assert url in html
    assert "Rua do Cais 12" in html


def test_links_and_pixel_are_signed_for_this_message_and_contact(welcome, ports, email):
    send_message(ports, welcome.message_id)
    html = message_from_bytes(email.sent[0].raw, policy=policy.SMTP).get_body(("html",)).get_content()
    tokens = re.findall(r'"https://post\.tidewater\.example/(c|o)/([^"]+)"', html)
    kinds = {"c": Click, "o": Open}
    found = [ports.signer.find(kinds[kind], token) for kind, token in tokens]
    clicks = [link for link in found if isinstance(link, Click)]
    assert [(link.number, link.message_id, link.contact_id) for link in clicks] == [
        (number, welcome.message_id, welcome.contact_id) for number in (*range(1, len(clicks)), TRAP)
    ]
    assert "https://tidewater.example/sampler" in [link.url for link in clicks]
    assert [link for link in found if isinstance(link, Open)] == [Open(welcome.message_id, welcome.contact_id)]
    assert html.count("tidewater.example/sampler") == 0


def test_ses_gets_the_raw_mail_and_the_message_id_as_a_tag(account, welcome):
    from moto.backends import get_backend

    assert send_message(account.ports, welcome.message_id) == "sent"
    (sent,) = get_backend("ses")["123456789012"]["us-east-1"].sent_messages
    assert "List-Unsubscribe-Post" in sent.raw_data
    assert find(welcome).provider_id == sent.id


def test_a_template_sees_the_event_that_started_its_journey(account, ports, email):
    account.fold(account.event("Product Added", EMAIL, name="Harbour <Blend>", price=12.5, currency="EUR"))
    account.advance(3_601)
    account.fold(account.event("Page Viewed", EMAIL, path="/"))
    reminder = account.messages(EMAIL)["reminder"]
    assert send_message(ports, reminder.message_id) == "sent"
    mail = message_from_bytes(email.sent[0].raw, policy=policy.SMTP)
    assert mail["subject"] == "Harbour <Blend> is waiting for you"
    html = mail.get_body(("html",)).get_content()
    assert "Harbour &lt;Blend&gt;" in html
    assert "<Blend>" not in html


def test_an_event_whose_row_is_gone_leaves_a_template_to_its_defaults(account, ports, email):
    account.fold(account.event("Product Added", EMAIL, name="Harbour"))
    account.advance(3_601)
    account.fold(account.event("Page Viewed", EMAIL, path="/"))
    message = account.messages(EMAIL)["reminder"]
    lost = queue(account, message, step="reminder-lost", trigger_key="2020-01-01T00:00:00.000Z#gone")
    assert send_message(ports, lost.message_id) == "sent"
    assert message_from_bytes(email.sent[0].raw, policy=policy.SMTP)["subject"] == "Your coffee is waiting for you"


def test_a_text_goes_to_the_phone_without_links_of_ours(account, welcome, email):
    account.fold(account.event("Signed Up", EMAIL, f"phone:{PHONE}"))
    sms = Channel()
    text = queue(account, welcome, step="text", channel="sms", template="cart-text")
    assert send_message(account.with_channels(email=email, sms=sms), text.message_id) == "sent"
    (sent,) = sms.sent
    assert (sent.to, sent.sender_id) == (PHONE, "Tidewater")
    assert "post.tidewater.example" not in sent.body
    assert find(text).address == PHONE


# --- what is not ours to send


@pytest.mark.parametrize("message_id", ["nobody.welcome", "x", "a" * 300, "ü.~"])
def test_a_message_that_does_not_exist_is_not_sent(account, ports, email, message_id):
    assert send_message(ports, message_id) is None
    assert email.sent == []


def test_of_two_deliveries_at_once_the_second_finds_the_claim(account, welcome, ports, email):
    assert messages.claim(welcome.message_id, "somebody", account.now()) is not None
    assert send_message(ports, welcome.message_id) is None
    assert email.sent == []
    assert find(welcome).owner == "somebody"


# --- what will not be sent


def skipped(account: Account, message: Message, ports: Ports, channel: Channel) -> str:
    """The reason, after all that a skipped message must leave behind has been checked."""
    assert send_message(ports, message.message_id) == "skipped"
    assert channel.sent == []
    stored = find(message)
    assert stored.state == "skipped"
    assert not stored.is_pending
    (event,) = [event for event in account.arrived() if event.name == "Message Skipped"]
    assert event.properties["message_id"] == message.message_id
    assert event.properties["reason"] == stored.reason
    assert (event.contact_id, event.trusted) == (message.contact_id, True)
    assert ANA not in stored.reason
    return stored.reason


def test_an_expired_message_is_skipped(account, welcome, ports, email):
    late = queue(account, welcome, expires_at=account.now() - 1)
    assert "expired" in skipped(account, late, ports, email)


def test_a_message_of_a_contact_who_is_gone_is_skipped(account, welcome, ports, email):
    lost = queue(account, welcome, contact_id="nobody-there")
    assert "does not exist" in skipped(account, lost, ports, email)


def test_a_message_of_an_enrollment_that_a_merge_dropped_is_skipped(account, welcome, ports, email):
    contact = account.contact(EMAIL)
    contact.dropped = (welcome.enrollment_id,)
    contacts.commit(Commit(contact))
    assert "another journey" in skipped(account, welcome, ports, email)


@pytest.mark.parametrize(("state", "says"), [("sent", "same step"), ("unknown", "same step"), ("queued", None)])
def test_a_step_that_left_for_a_dropped_enrollment_does_not_leave_again(account, welcome, ports, email, state, says):
    twin = welcome.with_(message_id="dropped.welcome", enrollment_id="dropped", state=state)
    contact = account.contact(EMAIL)
    contact.dropped = ("dropped",)
    contacts.commit(Commit(contact, messages=(twin,)))
    if says is None:
        assert send_message(ports, welcome.message_id) == "sent"
    else:
        assert says in skipped(account, welcome, ports, email)


def test_whoever_has_no_address_for_the_channel_is_skipped(account, welcome, ports):
    text = queue(account, welcome, step="text", channel="sms", template="cart-text")
    assert "no address for sms" in skipped(account, text, ports, ports.channels["sms"])


def test_a_suppressed_address_is_skipped_even_with_consent(account, welcome, ports, email):
    refusals.save_consent(EMAIL, "offers", True, account.now(), {})
    refusals.save_suppression(EMAIL, "bounced (General)", account.now(), {})
    assert skipped(account, welcome, ports, email) == "the address is suppressed: bounced (General)"


@pytest.mark.parametrize(
    ("topic", "says"),
    [("offers", "unsubscribed from Offers and reminders"), (EVERY_TOPIC, "unsubscribed from everything")],
)
def test_a_refusal_written_after_the_message_was_queued_holds(account, welcome, ports, email, topic, says):
    refusals.save_consent(EMAIL, topic, False, account.now(), {"by": "page"})
    assert says in skipped(account, welcome, ports, email)


def test_a_yes_after_a_no_to_everything_opens_its_topic_again(account, welcome, ports):
    refusals.save_consent(EMAIL, EVERY_TOPIC, False, account.now() - 10, {})
    refusals.save_consent(EMAIL, "offers", True, account.now(), {})
    assert send_message(ports, welcome.message_id) == "sent"


def test_a_topic_that_needs_an_opt_in_is_skipped_without_one_and_sent_with_it(account, welcome, ports, email):
    letter = queue(account, welcome, step="letter", topic="newsletter")
    assert "needs an opt-in" in skipped(account, letter, ports, email)
    refusals.save_consent(EMAIL, "newsletter", True, account.now(), {"by": "form"})
    again = queue(account, welcome, step="again", topic="newsletter")
    assert send_message(ports, again.message_id) == "sent"


def test_a_topic_that_the_policy_does_not_know_needs_an_opt_in(account, welcome, ports, email):
    odd = queue(account, welcome, step="odd", topic="nobody-declared-it")
    assert "needs an opt-in" in skipped(account, odd, ports, email)


def refuse_elsewhere(account: Account, message: Message) -> None:
    """The person refuses everything at the address that the message was queued for, and then has a new one."""
    refusals.save_consent(EMAIL, EVERY_TOPIC, False, account.now(), {"by": "page"})
    heard = replace(account.event("Unsubscribed", channel="email"), contact_id=message.contact_id)
    account.fold(heard, account.event("Identified", EMAIL, f"email:{NEW}", attributes={"email": NEW}))


def test_a_refusal_from_one_address_holds_for_every_address_of_the_person(account, welcome, ports, email):
    refuse_elsewhere(account, welcome)
    assert skipped(account, welcome, ports, email) == "the contact unsubscribed from everything"


def test_a_newer_yes_at_the_address_opens_its_topic_again(account, welcome, ports, email):
    refuse_elsewhere(account, welcome)
    refusals.save_consent(f"email:{NEW}", "offers", True, account.now() + 1, {"by": "form"})
    assert send_message(ports, welcome.message_id) == "sent"
    assert [sent.to for sent in email.sent] == [NEW]


def test_an_older_yes_at_the_address_does_not(account, welcome, ports, email):
    refusals.save_consent(f"email:{NEW}", "offers", True, account.now() - 1, {"by": "form"})
    refuse_elsewhere(account, welcome)
    assert "everything" in skipped(account, welcome, ports, email)


# --- where it goes


def address_of(account: Account, ports: Ports, channel: Channel) -> str:
    """Where a welcome mail to the user "u" goes."""
    account.fold(account.event("Signed Up", "user:u"))
    assert send_message(ports, account.messages("user:u")["welcome"].message_id) == "sent"
    return str(channel.sent[-1].to)


def test_an_address_that_comes_back_is_written_to_again(account, ports, email):
    for address in (ANA, NEW, ANA):
        account.fold(account.event("Identified", "user:u", f"email:{address}", attributes={"email": address}))
    assert address_of(account, ports, email) == ANA


@pytest.mark.parametrize("days_ago", [0, 300])
def test_a_servers_address_wins_over_an_earlier_one_of_a_browser(account, ports, email, days_ago):
    browser = account.event("Identified", "user:u", f"email:{NEW}", attributes={"email": NEW})
    server = account.event("Identified", "user:u", f"email:{ANA}", attributes={"email": ANA})
    account.fold(replace(browser, trusted=False), replace(server, time=server.time - days_ago * 86_400))
    assert address_of(account, ports, email) == ANA


def test_a_browser_cannot_turn_the_mails_of_a_known_person_to_another_address(account, ports, email):
    account.fold(account.event("Identified", "user:u", f"email:{ANA}", attributes={"email": ANA}))
    browser = account.event("Identified", "user:u", f"email:{NEW}", attributes={"email": NEW})
    account.fold(replace(browser, trusted=False))
    assert address_of(account, ports, email) == ANA


def test_a_topic_that_was_published_a_moment_ago_is_known(account, welcome, ports, email):
    ports.books.current()  # what this process knows from then on, for some seconds
    policy = load_definitions()["policy/policy"]
    topics = [*policy["topics"], {"id": "events", "name": "Events", "opt_in": False}]
    published = publish_definitions(
        definitions, ports.runs, ports.clock, {"policy/policy": {**policy, "topics": topics}}
    )
    contact = account.contact(EMAIL)
    contact.revision = published.revision  # whoever folded it has the new book already
    made = welcome.with_(message_id=f"{welcome.enrollment_id}.events", topic="events")
    contacts.commit(Commit(contact, messages=(made,)))
    assert send_message(ports, made.message_id) == "sent"


# --- what fails


def failed(account: Account, message: Message, ports: Ports) -> str:
    assert send_message(ports, message.message_id) == "failed"
    stored = find(message)
    assert (stored.state, stored.is_pending) == ("failed", False)
    (event,) = [event for event in account.arrived() if event.name == "Message Failed"]
    assert event.properties["reason"] == stored.reason
    assert ANA not in stored.reason
    return stored.reason


def publish_template(account: Account, **parts: Any) -> None:
    """Store a version of a template as an older program may have let it through."""
    document = {"kind": "template", "id": "odd", "channel": "email", "topic": "offers", "html": "<p>x</p>", **parts}
    manifest = definitions.find_manifest()
    version = {("template", "odd", 1): {"subject": "s", **document}}
    definitions.publish(version, replace(manifest, revision=manifest.revision + 1), account.now())
    books.forget()


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"html": "<p>{{ contact.first_name / 0 }}</p>"}, "rendered: "),
        ({"html": "<p>{{ no such thing }}</p>"}, "cannot be used: html"),
        ({"subject": "{{ contact.nobody }}"}, "rendered: "),
        ({"from": "not an address at all"}, "composed: "),
    ],
)
def test_a_template_that_cannot_be_rendered_fails_that_message_with_a_reason(account, welcome, ports, parts, says):
    publish_template(account, **parts)
    message = queue(account, welcome, step="odd", template="odd")
    assert says in failed(account, message, ports)


def test_a_template_that_was_never_published_fails_the_message(account, welcome, ports, email):
    message = queue(account, welcome, step="odd", template="nobody", template_version=7)
    assert "version 7" in failed(account, message, ports)
    assert email.sent == []


def test_a_template_of_another_channel_fails_the_message_and_sends_no_empty_mail(account, welcome, ports, email):
    message = queue(account, welcome, step="odd", template="cart-text")
    assert "one for sms" in failed(account, message, ports)
    assert email.sent == []


def test_an_address_that_no_mail_can_go_to_fails_the_message(account, ports):
    message = account.sign_up("jürgen.marker@example.com")
    assert send_message(ports, message.message_id) == "failed"
    reason = str(find(message).reason)
    assert "composed" in reason
    assert "marker" not in reason


def test_what_the_channel_refuses_for_good_fails(account, welcome):
    ports = account.with_channels(email=Channel(Refused("MessageRejected", None)))
    assert failed(account, welcome, ports) == "MessageRejected"


def test_the_journey_hears_of_a_message_that_failed_and_goes_on_by_its_own_rule(account, welcome):
    send_message(account.with_channels(email=Channel(Refused("MessageRejected", None))), welcome.message_id)
    account.fold_arrived()
    assert account.contact(EMAIL).active["welcome"].marks == {"welcome": ("failed",)}
    assert "Message Failed" in account.names(EMAIL)


# --- what waits


def test_a_message_that_is_not_due_is_put_back_with_a_delay(account, welcome, ports, email):
    early = queue(account, welcome, not_before=account.now() + 100)
    assert send_message(ports, early.message_id) == "queued"
    assert email.sent == []
    stored = find(early)
    assert (stored.state, stored.owner, stored.not_before) == ("queued", None, early.not_before)
    assert waiting(account.sends_queue) == (0, 1)


def test_what_is_due_later_than_a_queue_can_wait_is_left_to_the_sweep(account, welcome, ports):
    at = account.now() + 5_000
    assert send_message(ports, queue(account, welcome, not_before=at).message_id) == "queued"
    assert waiting(account.sends_queue) == (0, 0)
    pending = [m for shard in messages.SHARDS for m in messages.list_pending(shard, at, 10)]
    assert f"{welcome.enrollment_id}.other" in [message.message_id for message in pending]


def close(account, **calendar):
    """The account is closed for three days from today on; whoever folded Ana knows it already."""
    policy, day = load_definitions()["policy/policy"], datetime.fromtimestamp(account.now(), UTC).date()
    closed = [{"name": "Stocktaking", "date": str(day), "to": str(day + timedelta(days=2))}]
    document = {**policy, "calendar": {"closed": closed, **calendar}}
    ports = account.ports
    published = publish_definitions(definitions, ports.runs, ports.clock, {"policy/policy": document})
    contact = account.contact(EMAIL)
    contact.revision = published.revision
    contacts.commit(Commit(contact))
    return datetime.combine(day + timedelta(days=3), time(), UTC).timestamp()


def test_a_message_that_comes_late_into_closed_hours_is_put_back_until_it_opens(account, welcome, ports, email):
    opens_at = close(account)
    assert send_message(ports, welcome.message_id) == "queued"
    stored = find(welcome)
    assert email.sent == []
    assert "it is closed: Stocktaking" in stored.reason
    assert abs(stored.not_before - opens_at) <= 14 * 3_600  # on the clock of whoever gets it
    assert stored.state == "queued"


def test_what_may_leave_at_any_time_leaves_while_it_is_closed(account, welcome, ports, email):
    close(account)
    assert send_message(ports, queue(account, welcome, hours="any").message_id) == "sent"


def test_where_closed_means_skipped_a_late_message_is_given_up(account, welcome, ports, email):
    close(account, when_closed="skip")
    assert "it is closed: Stocktaking" in skipped(account, welcome, ports, email)


def test_a_throttled_channel_gives_the_message_back_and_it_leaves_later(account, welcome):
    channel = Channel(Refused("TooManyRequestsException", 10.0), Accepted("second"))
    ports = account.with_channels(email=channel)
    assert send_message(ports, welcome.message_id) == "queued"
    stored = find(welcome)
    assert (stored.state, stored.reason) == ("queued", "TooManyRequestsException")
    assert waiting(account.sends_queue) == (0, 1)
    assert account.arrived() == []
    account.advance(16)
    assert send_message(ports, welcome.message_id) == "sent"
    assert find(welcome).reason == ""
    assert len(channel.sent) == 2


# --- what nobody knows


def test_a_call_without_an_answer_is_unknown_and_is_never_made_again(account, welcome):
    channel = Channel(Unclear("no answer came: ReadTimeoutError"), Accepted("never"))
    ports = account.with_channels(email=channel)
    assert send_message(ports, welcome.message_id) == "unknown"
    assert send_message(ports, welcome.message_id) is None
    assert len(channel.sent) == 1
    stored = find(welcome)
    assert (stored.state, stored.is_pending, stored.address) == ("unknown", False, ANA)


@pytest.mark.parametrize(("kind", "state"), [("Send", "sent"), ("Delivery", "delivered")])
def test_the_channels_own_event_settles_what_was_unknown(account, welcome, kind, state):
    from postroad.sending.feedback import find_feedback
    from tests.account import ses_event

    send_message(account.with_channels(email=Channel(Unclear("no answer came"))), welcome.message_id)
    feedback = find_feedback(ses_event(welcome, kind, {})["detail"], account.now())
    record_feedback(account.ports, feedback)
    stored = find(welcome)
    assert (stored.state, stored.reason, stored.provider_id) == (state, "", "ses-1")


def test_a_delivery_that_is_known_before_our_own_receipt_stays(account, welcome):
    class Fast(Channel):
        def send(self, envelope, /):
            messages.settle(welcome.message_id, "delivered", account.now(), provider_id="ses-1")
            return super().send(envelope)

    assert send_message(account.with_channels(email=Fast()), welcome.message_id) == "sent"
    assert find(welcome).state == "delivered"


# --- when AWS fails


class Broken:
    """A port that AWS does not answer for; everything else is as in production."""

    def __init__(self, real: Any, *broken: str) -> None:
        self.real, self.broken = real, broken

    def __getattr__(self, name: str) -> Any:
        if name in self.broken:
            raise ConnectionError("AWS does not answer")
        return getattr(self.real, name)


@pytest.mark.parametrize(
    ("port", "broken"),
    [("contacts", "find_items"), ("refusals", "find_answers"), ("books", "current_policy"), ("timeline", "find_row")],
)
def test_when_aws_fails_before_the_channel_the_claim_is_given_back(account, email, port, broken):
    account.fold(account.event("Product Added", EMAIL, name="Harbour"))
    account.advance(3_601)
    account.fold(account.event("Page Viewed", EMAIL, path="/"))
    message = account.messages(EMAIL)["reminder"]
    ports = account.with_channels(email=email)
    with pytest.raises(ConnectionError):
        send_message(replace(ports, **{port: Broken(getattr(ports, port), broken)}), message.message_id)
    assert email.sent == []
    assert find(message).state == "queued"
    assert send_message(ports, message.message_id) == "sent"


def test_a_message_is_not_given_up_before_the_contact_can_hear_of_it(account, welcome, ports, email):
    refusals.save_suppression(EMAIL, "complained", account.now(), {})
    with pytest.raises(ConnectionError):
        send_message(replace(ports, queues=Broken(ports.queues, "send_events")), welcome.message_id)
    assert find(welcome).state == "queued"
    assert "suppressed" in skipped(account, welcome, ports, email)


def test_nobody_shows_in_the_log_whatever_goes_wrong(account, welcome, capsys):
    channel = Channel(ValueError(f"no such mailbox {ANA}"))
    with pytest.raises(ValueError, match="no such mailbox"):
        send_message(account.with_channels(email=channel), welcome.message_id)
    publish_template(account, html=f"<p>{{{{ contact.{ANA.split('.')[0]} / 0 }}}}</p>")
    send_message(account.ports, queue(account, welcome, step="odd", template="odd").message_id)
    printed = capsys.readouterr()
    assert "marker" not in printed.out + printed.err


# --- batches


class Counted:
    """A port that remembers which of its functions were called."""

    def __init__(self, real: Any, calls: list[str]) -> None:
        self.real, self.calls = real, calls

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self.real, name)


def always() -> bool:
    return True


def test_people_and_refusals_of_a_batch_are_read_at_once(account, ports, email):
    ids = [account.sign_up(f"person{number}@example.com").message_id for number in range(4)]
    calls: list[str] = []
    counted = {port: Counted(getattr(ports, port), calls) for port in ("contacts", "refusals")}
    assert send_messages(replace(ports, **counted), ids, always) == set()
    assert [sent.message_id for sent in email.sent] == ids
    assert sorted(calls) == ["find_answers", "find_items"]


class Slow(Channel):
    """While it works, time passes, and something happens."""

    def __init__(self, happens: Any) -> None:
        super().__init__()
        self.happens = happens

    def send(self, envelope: Any) -> Any:
        answer = super().send(envelope)
        self.happens()
        return answer


def test_a_refusal_that_came_while_a_batch_was_slow_counts(account):
    ids = [account.sign_up(f"person{number}@example.com").message_id for number in range(3)]

    def refuse() -> None:
        account.advance(FRESH + 0.1)
        refusals.save_suppression("email:person2@example.com", "complained", account.now(), {})

    slow = Slow(refuse)
    assert send_messages(account.with_channels(email=slow), ids, always) == set()
    assert [sent.to for sent in slow.sent] == ["person0@example.com", "person1@example.com"]


def test_a_batch_that_cannot_be_read_ahead_is_sent_one_by_one(account, ports, email):
    ids = [account.sign_up(f"person{number}@example.com").message_id for number in range(2)]
    broken = replace(ports, messages=Broken(ports.messages, "find_messages"))
    assert send_messages(broken, [*ids, "nobody.here"], always) == set()
    assert [sent.message_id for sent in email.sent] == ids


def test_of_a_batch_only_what_failed_or_found_no_time_comes_again(account, ports, email):
    ids = [account.sign_up(f"person{number}@example.com").message_id for number in range(3)]
    time_left = iter((True, True, False))
    assert send_messages(ports, ids, lambda: next(time_left)) == {ids[2]}
    assert [find(Message(each, *[""] * 7, 0, "", 0.0)).state for each in ids] == ["sent", "sent", "queued"]


def test_what_ses_throttles_goes_back_and_not_all_comes_again_at_once(account, welcome):
    ports = account.with_channels(email=Channel(Refused("TooManyRequestsException", 10.0)))
    pauses = []
    for number in range(8):
        throttled = queue(account, welcome, step=f"step{number}")
        assert send_message(ports, throttled.message_id) == "queued"
        pauses.append((find(throttled).not_before or 0.0) - account.now())
    assert all(9.0 < pause <= 15.0 for pause in pauses)
    assert max(pauses) - min(pauses) > 0.5
