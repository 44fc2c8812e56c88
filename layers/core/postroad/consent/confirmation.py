"""Confirming a consent: who fills in a form is not proven to own the address, so a mail asks, and a page's button says.

Until then the yes counts nowhere. What asks is a message like any other: it passes the gates, stands in the ledger, and
comes once more when nobody has answered. It holds nothing of what was typed, so nobody can have us send their words to
somebody else.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from postroad.consent.rule import consent_key
from postroad.contacts.contact import Candidate, Contact
from postroad.events import Event
from postroad.instants import DAY
from postroad.sending.channels import USUAL

# The id of the template; a published one of this id takes the place of DOCUMENT.
TEMPLATE = "confirmation"
# Seconds for which a link is good, and after which we ask once more.
GOOD_FOR, REMIND_AFTER = 7 * DAY, 2 * DAY
# So many mails that ask go to one address in a day.
MOST_A_DAY = 3

DOCUMENT: Mapping[str, Any] = {
    "kind": "template",
    "id": TEMPLATE,
    "name": "Confirm your subscription",
    "channel": USUAL,
    "subject": "Please confirm your subscription to {{ account.name }}",
    "html": """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ account.name }}</title>
</head>
<body style="margin:0;background:#f4f5f7;font-family:Helvetica,Arial,sans-serif;color:#1d2733">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" \
style="padding:24px 12px">
<table role="presentation" width="560" cellpadding="0" cellspacing="0" \
style="max-width:560px;width:100%;background:#ffffff;border-radius:8px">
<tr><td style="padding:28px 32px;font-size:16px;line-height:1.55">
<p style="margin:0 0 16px">Somebody, we think it was you, asked {{ account.name }} to write to this address about:</p>
<ul style="margin:0 0 16px;padding-left:20px">{% for topic in topics %}<li>{{ topic.name }}</li>{% endfor %}</ul>
<p style="margin:0 0 24px">We do so once you have confirmed it.</p>
<p style="margin:0 0 24px"><a href="{{ confirm_url }}" style="background:#1f5fbf;color:#ffffff;padding:12px 20px;\
border-radius:6px;text-decoration:none;font-weight:bold">Confirm</a></p>
<p style="margin:0;color:#5b6672;font-size:14px">The link works for seven days. If it was not you, there is nothing to \
do: without your word you get nothing from us.</p>
</td></tr>
<tr><td style="padding:18px 32px;border-top:1px solid #e4e7eb;font-size:13px;line-height:1.5;color:#5b6672">
<a href="{{ unsubscribe_url }}" style="color:#5b6672">Do not ask again</a><br>{{ account.postal_address }}
</td></tr>
</table>
</td></tr></table>
</body>
</html>
""",
}


def candidates_of(event: Event, now: float) -> tuple[Candidate, Candidate]:
    """The message that asks, and the one that asks once more."""
    name = "confirm-" + hashlib.sha256(event.event_id.encode(errors="surrogatepass")).hexdigest()[:24]
    ask = Candidate(
        message_id=name,
        origin=event.source,
        step=",".join(event.properties["topics"]),
        enrollment_id="",
        template=TEMPLATE,
        channel=USUAL,
        trigger_key=event.key,
        since=now,
        at=now,
        expires_at=now + GOOD_FOR,
    )
    return ask, ask._replace(message_id=f"{name}-again", at=now + REMIND_AFTER)


def topics_of(step: str) -> list[str]:
    """The topics about which a message of this step asks."""
    return [topic for topic in step.split(",") if topic]


def find_open(contact: Contact, step: str, since: float) -> list[str]:
    """Of these topics those that were neither confirmed nor refused since then."""
    answers = {topic: contact.consents.get(consent_key(USUAL, topic)) for topic in topics_of(step)}
    return [topic for topic, answer in answers.items() if answer is None or answer.time < since]


def values_of(topics: Iterable[tuple[str, str]], account: Mapping[str, str], **urls: str) -> dict[str, Any]:
    """What a template that asks may speak of: nothing that a stranger may have typed. `topics` are (id, name)."""
    return {"account": dict(account), "topics": [{"id": key, "name": name} for key, name in topics], **urls}
