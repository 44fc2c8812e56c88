"""Compiled templates, kept for the life of the process: a published version never changes."""

from functools import lru_cache

from postroad.consent import confirmation
from postroad.content.rendering import CompiledMessage, compile_message_template
from postroad_aws.storage import definitions


@lru_cache(maxsize=256)
def get_template(template_id: str, version: int) -> CompiledMessage:
    """The compiled template, or the one that is built in; raises NotFoundError when there is no such version."""
    if (template_id, version) == (confirmation.TEMPLATE, 0):
        return compile_message_template(confirmation.DOCUMENT)
    return compile_message_template(definitions.get_version("template", template_id, version))
