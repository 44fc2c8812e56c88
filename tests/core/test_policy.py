"""The policy: what holds for the whole account."""

import pytest

from postroad.errors import DefinitionError
from postroad.policy import Policy, parse_policy

DOCUMENT = {
    "kind": "policy",
    "id": "policy",
    "name": "Tidewater",
    "timezone": "Europe/Lisbon",
    "from": "Tidewater <hello@tidewater.example>",
    "sms_from": "Tidewater",
    "postal_address": "Rua do Cais 12",
    "topics": [{"id": "offers", "name": "Offers", "opt_in": False}, {"id": "letter"}],
}


def test_a_policy_says_what_holds_for_all():
    policy = parse_policy(DOCUMENT)
    assert (policy.name, policy.timezone, policy.sms_sender) == ("Tidewater", "Europe/Lisbon", "Tidewater")
    assert policy.find_topic("offers").name == "Offers"
    assert policy.assumed == {"offers"}


def test_a_topic_needs_an_opt_in_unless_it_says_otherwise():
    assert parse_policy(DOCUMENT).find_topic("letter").opt_in
    assert parse_policy(DOCUMENT).find_topic("letter").name == "letter"


def test_a_topic_that_nobody_declared_needs_an_opt_in():
    assert Policy().find_topic("odd").opt_in
    assert Policy().assumed == frozenset()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": 1}, "timezone"),
        ({"topics": []}, "topics"),
        ({"topics": [{"id": "a"}, {"id": "a"}]}, "topics[1].id"),
        ({"topics": [{"id": "A b"}]}, "topics[0].id"),
        ({"topics": [{"id": "a", "opt_in": "yes"}]}, "topics[0].opt_in"),
        ({"topics": [{"id": "a", "optin": True}]}, "topics[0].optin"),
        ({"form": "x"}, "form"),
        ({"id": "other"}, "id"),
        ({"kind": "journey"}, "kind"),
    ],
)
def test_a_mistake_is_told_with_its_path(changes, path):
    with pytest.raises(DefinitionError) as caught:
        parse_policy({**DOCUMENT, **changes})
    assert [found for found, _ in caught.value.mistakes] == [path]


@pytest.mark.parametrize("document", [None, [], "policy", 5, {}])
def test_what_is_no_policy_is_refused(document):
    with pytest.raises(DefinitionError):
        parse_policy(document)


def test_a_policy_names_the_addresses_to_which_webhooks_may_go():
    webhooks = [
        {"id": "crm", "url": "https://hooks.example.com/a/b?c=d&e"},
        {"id": "erp", "url": "https://erp.example.com"},
    ]
    policy = parse_policy({**DOCUMENT, "webhooks": webhooks})
    assert policy.webhooks == {entry["id"]: entry["url"] for entry in webhooks}


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "https://hooks.example.com:8443/", "https://ana:secret@hooks.example.com/",
        "https://127.0.0.1/", "https://2130706433/", "https://0x7f000001/", "https://[::1]/", "https://localhost/",
        "https://hooks.example.com\\@evil.example/", "https://hooks.example.com/#part", "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX: y", "//hooks.example.com/", "file:///proc/self/environ", "https://", "", 5,
        "https://①②⑦.⓪.⓪.①/", "https://hooks.example.com/" + "x" * 1_000,
    ],
)  # fmt: skip
def test_an_address_that_no_webhook_should_go_to_is_refused(url):
    with pytest.raises(DefinitionError) as caught:
        parse_policy({**DOCUMENT, "webhooks": [{"id": "crm", "url": url}]})
    assert [path for path, _ in caught.value.mistakes] == ["webhooks[0].url"]


def test_two_webhooks_have_two_ids():
    twins = [{"id": "crm", "url": "https://hooks.example.com/"}] * 2
    with pytest.raises(DefinitionError, match=r"webhooks\[1\]\.id"):
        parse_policy({**DOCUMENT, "webhooks": twins})


def test_what_is_about_no_topic_is_owed_and_needs_no_consent():
    topic = parse_policy(DOCUMENT).find_topic("")
    assert topic.transactional
    assert not topic.opt_in


def test_a_policy_names_the_functions_that_are_channels():
    functions = [{"id": "whatsapp", "function": "postroad-channel-whatsapp"}]
    assert parse_policy({**DOCUMENT, "functions": functions}).functions == {"whatsapp": "postroad-channel-whatsapp"}


@pytest.mark.parametrize("name", ["whatsapp", "postroad-channel-", "arn:aws:lambda:x", "postroad-channel-a:1", "", 5])
def test_a_function_that_no_sender_may_call_is_refused(name):
    with pytest.raises(DefinitionError) as caught:
        parse_policy({**DOCUMENT, "functions": [{"id": "whatsapp", "function": name}]})
    assert [path for path, _ in caught.value.mistakes] == ["functions[0].function"]
