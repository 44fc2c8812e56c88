"""What the envelope of any channel is made from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.links import Signer
from postroad.messages import Message
from postroad.policy import Policy

if TYPE_CHECKING:
    from postroad.rendering import Rendered


@dataclass(frozen=True, slots=True)
class Draft:
    """A rendered message and where it goes. `from_` is the template's own sender or "", `now` epoch seconds."""

    message: Message
    rendered: "Rendered"
    address: str
    from_: str
    policy: Policy
    signer: Signer
    base_url: str
    unsubscribe_url: str
    now: float
