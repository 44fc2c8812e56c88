"""Compiled templates in a process."""

import pytest

from postroad_aws.storage import NotFoundError, definitions
from postroad_aws.templates import get_template


def test_a_published_template_is_compiled_once(account):
    template = get_template("welcome", 1)
    assert (template.id, template.channel, template.topic) == ("welcome", "email", "offers")
    definitions_table_is_not_needed_again = get_template("welcome", 1)
    assert definitions_table_is_not_needed_again is template


@pytest.mark.parametrize(("name", "version"), [("welcome", 2), ("welcome", 0), ("nobody", 1)])
def test_a_version_that_was_never_published_is_not_found(account, name, version):
    with pytest.raises(NotFoundError, match=f"version {version} of template/{name}"):
        get_template(name, version)


def test_a_draft_is_no_template_yet(account):
    definitions.save_draft("template", "fresh", {"kind": "template"}, edit=0, now=account.now())
    with pytest.raises(NotFoundError):
        get_template("fresh", 1)
