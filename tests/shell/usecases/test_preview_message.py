"""A message is shown as it would look, and looking counts as nothing."""

from dataclasses import replace

from postroad_aws.storage import contacts, timeline
from postroad_aws.usecases.preview_message import preview_message
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
