"""What a link says that opens nothing."""

from html import escape

from functions.public.pages import Answer, page
from postroad.policy import Policy
from postroad_aws.links import signer
from postroad_aws.observability import logger
from postroad_aws.wiring import production

_WITHDRAWN = """<p>For your safety, links in older messages do nothing any more. The link in a newer one works.</p>
<p>Or {write}, say that you want no more, and we see to it.</p>"""


def show_dead_link(token: str, hint: str) -> Answer:
    """The page in the place of what a link would have led to; `hint` is HTML for one that may have been cut off."""
    if not signer().is_withdrawn(token):
        return page(404, "This link does not work", hint)
    policy = _find_policy()
    write = f"write to <b>{escape(policy.sender)}</b>" if policy and policy.sender else "answer any mail of ours"
    return page(410, "This link was withdrawn", _WITHDRAWN.format(write=write), policy=policy)


def _find_policy() -> Policy | None:
    try:
        return production().books.current_policy()
    except Exception:  # what to do instead must be said also when our definitions cannot be read
        logger.exception("the policy could not be read")
        return None
