"""Compiled templates, kept for the life of the process: a published version never changes."""

from functools import lru_cache

from postroad.rendering import CompiledMessage, compile_message_template
from postroad_aws.storage import definitions


@lru_cache(maxsize=256)
def get_template(template_id: str, version: int) -> CompiledMessage:
    """The compiled template; raises NotFoundError when there is no such version."""
    return compile_message_template(definitions.get_version("template", template_id, version))
