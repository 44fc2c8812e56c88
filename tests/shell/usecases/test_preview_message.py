"""A message is shown as it would look, and looking counts as nothing."""

from dataclasses import replace

from postroad_aws import clock, runs
from postroad_aws.storage import contacts, definitions, timeline
from postroad_aws.usecases.preview_message import preview_message
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.account import ANA


def _preview(account, message):
    return preview_message(contacts, timeline, account.ports.templates, account.ports.books, message)


def test_a_mail_is_rendered_for_its_contact_without_our_links(account):
    preview = _preview(account, account.sign_up(first_name="Ana"))
    assert preview.subject == "Welcome aboard, Ana"
    assert "Good to have you, Ana." in preview.html
    assert account.ports.base_url not in preview.html
    assert preview.problem == ""


def test_what_the_starting_event_said_is_there(account):
    account.fold(account.event("Product Added", f"email:{ANA}", name="Espresso No. 4"))
    contact = account.contact(f"email:{ANA}")
    trigger = contact.active["abandoned-cart"].trigger_key
    message = replace(account.sign_up(), template="cart-reminder", template_version=1, trigger_key=trigger)
    assert _preview(account, message).subject == "Espresso No. 4 is waiting for you"


def test_a_contact_that_is_gone_and_a_template_that_never_was_are_said(account):
    message = account.sign_up(first_name="Ana")
    assert "does not exist" in _preview(account, replace(message, contact_id="nobody")).problem
    assert "cannot be shown" in _preview(account, replace(message, template_version=99)).problem


def test_of_another_channel_its_title_and_its_document_are_shown(account):
    banner = {"channel": "web", "topic": "offers", "title": "Hello {{ contact.first_name }}", "text": "Look at this."}
    hook = {"channel": "webhook", "to": "crm", "body": {"name": "{{ contact.first_name }}"}}
    documents = {f"template/{name}": {"kind": "template", "id": name, **each} for name, each in
                 (("banner", banner), ("hook", hook))}  # fmt: skip
    publish_definitions(definitions, runs, clock, documents)
    message = replace(account.sign_up(first_name="Ana"), template_version=1)
    shown = _preview(account, replace(message, channel="web", template="banner"))
    assert (shown.subject, shown.html, shown.text) == ("Hello Ana", "", "Look at this.")
    assert _preview(account, replace(message, channel="webhook", template="hook")).text == '{"name":"Ana"}'
