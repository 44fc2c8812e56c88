from typing import Any

import pytest

import templatecheck


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template as written."""
    return templatecheck.load()


@pytest.fixture(scope="session")
def translated(template: dict[str, Any]) -> dict[str, Any]:
    """What CloudFormation makes of it."""
    return templatecheck.translate(template)
