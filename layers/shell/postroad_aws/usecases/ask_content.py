"""What a template asks for beside the contact: what somebody sees of its choices, and products for them.

Only a template that asks pays.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.contacts.contact import Contact
from postroad.content.built import RECOMMENDED
from postroad_aws.ports import Books, Catalogue

if TYPE_CHECKING:
    from postroad.content.rendering import CompiledMessage


class Asked(NamedTuple):
    """Values for the template, and why they are these: one sentence each."""

    values: dict[str, Any]
    reasons: tuple[str, ...] = ()


def ask_content(
    books: Books, template: "CompiledMessage", contact: Contact, now: float, catalogue: Catalogue | None = None
) -> Asked:
    """Decide what this contact sees of the template, as they are now. Without a catalogue there are no products."""
    values: dict[str, Any] = {}
    reasons: list[str] = []
    if template.choices:
        from postroad.content.choices import decide  # loads predicates, which few templates need

        chosen = decide(template.choices, books.current(at_least=contact.revision).view(contact, now))
        values["choice"] = {name: found.case for name, found in chosen.items()}
        reasons += [f"{name}: {found.case or 'nothing'}, because {found.because}" for name, found in chosen.items()]
    if catalogue is not None and template.asks:
        from postroad_aws.usecases.recommend_products import recommend_products, show_viewed

        for name in template.asks:
            picks = (recommend_products if name == RECOMMENDED else show_viewed)(catalogue, contact)
            values[name] = [each.product.to_document() for each in picks]
            reasons += [f"{name}: {each.product.name}, because {each.because}" for each in picks]
    return Asked(values, tuple(reasons))
