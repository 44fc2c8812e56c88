"""What a template asks for beside the contact: what somebody sees of its choices. Only a template that asks pays."""

from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.contacts import Contact
from postroad_aws.ports import Books

if TYPE_CHECKING:
    from postroad.rendering import CompiledMessage


class Asked(NamedTuple):
    """Values for the template, and why they are these: one sentence each."""

    values: dict[str, Any]
    reasons: tuple[str, ...] = ()


NOTHING = Asked({})


def ask_content(books: Books, template: "CompiledMessage", contact: Contact, now: float) -> Asked:
    """Decide what this contact sees of the template's choices, as they are now."""
    if not template.choices:
        return NOTHING
    from postroad.content.choices import decide  # loads predicates, which few templates need

    chosen = decide(template.choices, books.current(at_least=contact.revision).view(contact, now))
    reasons = (f"{name}: {found.case or 'nothing'}, because {found.because}" for name, found in chosen.items())
    return Asked({"choice": {name: found.case for name, found in chosen.items()}}, tuple(reasons))
