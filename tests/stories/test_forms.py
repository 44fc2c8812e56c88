"""Forms, as visitors fill them in: on the form's own page and on a page of the shop."""

from html.parser import HTMLParser

from tests.books import FOOTER
from tests.stories.client import fresh


class Inputs(HTMLParser):
    """What a page's form would post, its boxes ticked."""

    def __init__(self, page):
        super().__init__()
        self.values = {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "input":
            self.values[found["name"]] = found.get("value") or ""


def _open(shop, path="/f/newsletter"):
    page = shop.call("GET", path)
    assert page.status_code == 200
    shop.advance("PT10S")
    return Inputs(page.text).values


def _newsletter(shop):
    """A mail that only those get who have said yes to the newsletter."""
    name = fresh("issue")
    shop.publish(
        {
            "kind": "template",
            "id": name,
            "channel": "email",
            "topic": "newsletter",
            "subject": f"The letter {name}",
            "html": "<p>Hello {{ contact.first_name }}</p>" + FOOTER,
        },
        {
            "kind": "journey",
            "id": name,
            "trigger": {"event": "Form Submitted", "where": {"property": "form", "is": "newsletter"}},
            "steps": [{"id": "letter", "send": {"template": name}}],
        },
    )
    return f"The letter {name}"


def test_who_signs_up_by_the_form_gets_the_letter(shop):
    subject = _newsletter(shop)
    email = f"{fresh('zoe')}@example.com"
    answer = shop.call("POST", "/f/newsletter", data={**_open(shop), "email": email, "first_name": "Zoë"})
    assert answer.status_code == 200
    assert "Welcome aboard" in answer.text
    shop.settle()
    (mail,) = shop.inbox(email)
    assert mail.subject == subject
    assert "Hello Zoë" in mail.html


def test_a_form_of_the_shop_leads_back_to_it_and_the_visitor_is_known(shop):
    email, device = f"{fresh('zoe')}@example.com", fresh("device")
    shop.page("/beans", anonymous=device)
    page = shop.call("GET", "/f/newsletter")
    box = {name: value for name, value in Inputs(page.text).values.items() if name.startswith("consent.")}
    form = {**box, "email": email, "_anonymous_id": device, "_back": f"{shop.url}/_local/inbox"}
    answer = shop.call("POST", "/f/newsletter", data=form, headers={"origin": shop.url})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/_local/inbox")
    contact = shop.find(f"anon:{device}")
    assert contact is not None
    names = [item["name"] for item in shop.items(f"/contacts/{contact['contact_id']}/timeline")]
    assert sorted(names) == ["Form Submitted", "Page Viewed", "Subscribed"]
    assert contact["consents"]["newsletter"]["granted"] is True


def test_a_form_does_not_lift_a_refusal(shop):
    subject = _newsletter(shop)
    email = f"{fresh('zoe')}@example.com"
    for expected in (1, 1):
        shop.call("POST", "/f/newsletter", data={**_open(shop), "email": email})
        shop.settle()
        mails = [mail for mail in shop.inbox(email) if mail.subject == subject]
        assert len(mails) == expected
        mails[0].unsubscribe_one_click()
        shop.advance("PT1H")


def test_whatever_is_posted_is_a_clear_no(shop):
    for body, kind in ((b"\xff" * 70_000, "text/plain"), (b"{", "application/json"), (b"--x", "multipart/form-data")):
        answer = shop.call("POST", "/f/newsletter", data=body, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500, kind
    evil = shop.call(
        "POST", "/f/newsletter", data={"email": "a@example.com"}, headers={"origin": "https://evil.example"}
    )
    assert evil.status_code == 403
