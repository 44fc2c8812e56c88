"""The page behind the link of a mail that asks to confirm a consent. A GET changes nothing: scanners follow links."""

from collections.abc import Mapping
from html import escape
from typing import Any

from functions.public.dead_links import show_dead_link
from functions.public.pages import Answer, page
from postroad.consent.confirmation import GOOD_FOR, topics_of
from postroad.content.links import Confirm
from postroad_aws.links import signer
from postroad_aws.observability import logger
from postroad_aws.usecases.confirm_consent import confirm_consent
from postroad_aws.wiring import production

_ASK = """<p>You get messages about {topics} once you press the button.</p>
<form method="post"><button>Yes, write to me</button></form>
<p class="foot">If you did not ask for this, close the page: nothing happens.</p>"""
_OVER = """<p>It works for seven days, and not once you have unsubscribed.</p>
<p>Please fill in the form once more, or choose what you get by the link in a mail of ours.</p>"""


def answer(event: Mapping[str, Any], token: str) -> Answer:
    """`GET /y/{token}` asks; what `POST /y/{token}` confirms is in force when it is answered."""
    link = signer().find(Confirm, token)
    if link is None:
        return show_dead_link(token, "<p>It may have been cut off. Copy all of it into the browser.</p>")
    ports = production()
    if ports.clock.now() > link.asked_at + GOOD_FOR:
        return page(410, "This link has run out", _OVER)
    try:
        policy = ports.books.current_policy()
        names = [f"<b>{escape(policy.find_topic(topic).name)}</b>" for topic in topics_of(link.topics)]
        topics = " and ".join((*([", ".join(names[:-1])] if names[1:] else []), names[-1]))
        if event["requestContext"]["http"]["method"] != "POST":
            return page(200, "One press to confirm", _ASK.format(topics=topics), policy=policy)
        done = confirm_consent(ports, link, {"how": "page"})
    except Exception:
        logger.exception("a consent could not be confirmed", message_id=link.message_id)
        again = "<p>We could not finish this just now. One more press of the button will do it.</p>"
        return page(503, "Please try again", again)
    if not done:
        return page(410, "This link has run out", _OVER)
    return page(200, "Thank you", f"<p>You get messages about {topics} from now on.</p>", policy=policy)
