"""What the envelope of any channel is made from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.content.links import Signer
from postroad.policy import Policy
from postroad.sending.messages import Message

if TYPE_CHECKING:
    from postroad.content.rendering import CompiledMessage, Rendered


@dataclass(frozen=True, slots=True)
class Draft:
    """A rendered message and where it goes. `now` is epoch seconds."""

    message: Message
    template: "CompiledMessage"
    rendered: "Rendered"
    address: str
    policy: Policy
    signer: Signer
    base_url: str
    unsubscribe_url: str
    now: float
    # Links of ours that lead where they lead: nobody's click on them is counted.
    own_urls: tuple[str, ...] = ()
