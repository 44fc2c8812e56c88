"""The preference centre: what a contact wants to get, how often, and a pause. A GET changes nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from functions.public.bodies import BodyError, read_inputs
from functions.public.dead_links import show_dead_link
from functions.public.pages import Answer, page
from postroad.consent.preferences import FREQUENCIES, PAUSES, Choice, mask, read_wish
from postroad.content.links import Preferences
from postroad_aws.links import signer
from postroad_aws.observability import logger
from postroad_aws.usecases.change_preferences import Shown, change_preferences, show_preferences
from postroad_aws.wiring import production


def answer(event: Mapping[str, Any], token: str) -> Answer:
    """`GET /p/{token}` shows it; what `POST /p/{token}` says is in force when it is answered."""
    link = signer().find(Preferences, token)
    if link is None:
        return show_dead_link(token, "<p>It may have been cut off. Try that of a newer message.</p>")
    try:
        ports = production()
        policy, shown = ports.books.current_policy(), show_preferences(ports, link)
        is_post = event["requestContext"]["http"]["method"] == "POST"
        if shown and is_post:
            wish = read_wish(read_inputs(event), [choice.topic_id for choice in shown.choices])
            change_preferences(ports, link, wish, {"by": "preferences"})
            shown = show_preferences(ports, link)
            if shown and wish.frequency is not None:
                shown = shown._replace(frequency=wish.frequency)  # the contact hears of it in a moment
    except BodyError as error:
        return page(error.status, "This could not be read", f"<p>{escape(str(error))}</p>")
    except Exception:
        logger.exception("preferences could not be shown or changed", message_id=link.message_id)
        again = "<p>We could not finish this just now. Please try it once more.</p>"
        return page(503, "Please try again", again)
    if shown is None:
        return page(410, "There is nothing to choose", "<p>We hold nothing about this address any more.</p>")
    return page(200, "What may we write to you?", _body(shown, saved=is_post), policy=policy, wide=True)


def _body(shown: Shown, *, saved: bool) -> str:
    address = escape(mask(shown.address))
    parts = [
        '<p class="done" role="status">Saved. It counts from now on.</p>' if saved else "",
        f"<p>For {address}.</p>",
        f"<p>You asked for a pause until <b>{_day(shown.paused_until)}</b>.</p>" if shown.paused_until else "",
        '<form method="post">',
        f'<input type="hidden" name="shown" value="{escape(",".join(each.topic_id for each in shown.choices))}">',
        '<fieldset class="field"><legend>Topics</legend>',
        *map(_topic, shown.choices),
        "</fieldset>",
        '<div class="field"><label for="frequency">How often</label><select id="frequency" name="frequency">',
        *(_option(key, text, key == shown.frequency) for key, text in FREQUENCIES.items()),
        "</select></div>",
        '<div class="field"><label for="pause">A pause</label><select id="pause" name="pause">',
        *_pauses(shown.paused_until),
        "</select></div>",
        '<button name="do" value="save">Save</button>',
        '<button class="quiet" name="do" value="nothing">Unsubscribe from everything</button>',
        "</form>",
        '<p class="foot">A pause does not stop what you asked for yourself, such as a receipt.</p>',
    ]
    return "\n".join(part for part in parts if part)


def _topic(choice: Choice) -> str:
    own = f"topic-{choice.topic_id}"
    note = ' <span class="quiet">(waits for your confirmation)</span>' if choice.pending else ""
    ticked = " checked" if choice.wanted else ""
    return (
        f'<div class="tick"><input type="checkbox" id="{own}" name="topic.{choice.topic_id}" value="yes"{ticked}>'
        f'<label for="{own}">{escape(choice.name)}{note}</label></div>'
    )


def _pauses(until: float | None) -> list[str]:
    now = [_option("", f"Until {_day(until)}, as now", True)] if until else []
    none = "No pause any more" if until else "No pause"
    return [*now, _option("0", none, not until), *(_option(str(days), f"{days} days", False) for days in PAUSES)]


def _option(value: str, text: str, chosen: bool) -> str:
    return f'<option value="{value}"{" selected" if chosen else ""}>{escape(text)}</option>'


def _day(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%-d %B %Y}"
