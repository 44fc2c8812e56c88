"""The unsubscribe page. A GET changes nothing: mail scanners follow every link."""

from collections.abc import Mapping
from html import escape
from typing import Any

from functions.public.bodies import BodyError, read_inputs
from functions.public.dead_links import show_dead_link
from functions.public.pages import Answer, page
from postroad.content.links import Unsubscribe
from postroad.policy import Policy
from postroad_aws.links import signer
from postroad_aws.observability import logger
from postroad_aws.usecases.refuse import subscribe_again, unsubscribe
from postroad_aws.wiring import production

_ASK = """<p>You will get no more messages about <b>{topic}</b>.</p>
<form method="post"><button name="scope" value="topic">Unsubscribe from {topic}</button></form>
<form method="post"><button class="quiet" name="scope" value="everything">Unsubscribe from everything</button></form>
<p><small>Everything means every message, also receipts and the like.</small></p>"""
_DONE = """<p>You will not get {what}.</p>
<form method="post">
<button class="quiet" name="scope" value="again">That was a mistake: write to me about {topic}</button>
</form>"""


def answer(event: Mapping[str, Any], token: str) -> Answer:
    """`GET /u/{token}` asks; `POST /u/{token}` is in force when it is answered."""
    link = signer().find(Unsubscribe, token)
    if link is None:
        return show_dead_link(token, "<p>It may have been cut off. Try that of a newer message.</p>")
    policy = _find_policy(link)
    topic = policy.find_topic(link.topic).name if policy else link.topic
    if event["requestContext"]["http"]["method"] != "POST":
        return page(200, "Unsubscribe?", _ASK.format(topic=escape(topic)), policy=policy)
    form = _read(event)
    one_click = form.get("List-Unsubscribe") == "One-Click"
    # Whatever else is said, or nothing that can be read: the post itself is the refusal.
    scope = "topic" if one_click else form.get("scope", "topic")
    evidence = {"by": "one-click" if one_click else "page"}
    try:
        if scope == "again":
            is_back = subscribe_again(production(), link, evidence)
        else:
            unsubscribe(production(), link, evidence, everything=scope == "everything")
    except Exception:
        logger.exception("an answer could not be written", message_id=link.message_id)
        return page(
            503,
            "Please try again",
            "<p>We could not finish this just now. One more press of the button will do it.</p>",
        )
    if scope == "again":
        if not is_back:
            return page(410, "This can be taken back for a day", "<p>A newer message leads to what you get.</p>")
        return page(
            200, "Welcome back", f"<p>You will get messages about <b>{escape(topic)}</b> again.</p>", policy=policy
        )
    what = "any more messages" if scope == "everything" else f"messages about <b>{escape(topic)}</b> any more"
    return page(200, "You are unsubscribed", _DONE.format(what=what, topic=escape(topic)), policy=policy)


def _find_policy(link: Unsubscribe) -> Policy | None:
    try:
        return production().books.current_policy()
    except Exception:  # whoever wants to leave must not wait for our definitions
        logger.exception("the policy could not be read", message_id=link.message_id)
        return None


def _read(event: Mapping[str, Any]) -> dict[str, str]:
    """Mail clients send urlencoded or multipart (RFC 8058 section 3.1). What cannot be read says nothing: then the post
    itself is the refusal."""
    try:
        return read_inputs(event)
    except BodyError:
        return {}
