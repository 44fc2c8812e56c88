"""The steps of a journey in sentences, in which templates have their names."""

import re
from collections.abc import Collection, Mapping

from postroad.book import Book
from postroad.journeys import Journey
from postroad.journeys.steps import SendStep
from postroad_aws.storage import definitions


def name_templates(template_ids: Collection[str], book: Book) -> dict[str, str]:
    """What these templates are called as they are live; one that is not has its id."""
    live = [("template", each, book.templates[each].version) for each in template_ids if each in book.templates]
    documents = definitions.load_versions(sorted(live)) if live else {}
    names = {key[1]: str(document.get("name") or key[1]) for key, document in documents.items()}
    return {each: names.get(each, each) for each in template_ids}


def describe_steps(journey: Journey, book: Book) -> dict[str, str]:
    """The sentence of each step, in which a template has its name."""
    sends = {step.id: step.body for step in journey.steps.values() if isinstance(step.body, SendStep)}
    sent = {
        step_id: {*body.templates.values(), body.template} & book.templates.keys() for step_id, body in sends.items()
    }
    names = name_templates(set().union(*sent.values()), book)
    return {step.id: _name(step.body.describe(), sent.get(step.id, ()), names) for step in journey.steps.values()}


def _name(sentence: str, ids: Collection[str], names: Mapping[str, str]) -> str:
    """A sentence with names in place of these ids."""
    if not ids:
        return sentence
    # No id within a longer one.
    either = rf"(?<![\w-])({'|'.join(map(re.escape, ids))})(?![\w-])"
    return re.sub(either, lambda found: f"\u201c{names[found[1]]}\u201d", sentence)
