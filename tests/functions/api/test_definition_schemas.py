"""The JSON Schemas of definitions, open to editors."""

import json

import pytest

from postroad.definitions import KINDS
from postroad.schemas import build_schema
from tests.functions.api.client import ask, call, problem


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_schema_without_a_key(kind):
    answer = ask("GET", f"/api/v1/schemas/{kind}.json", key=None)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "application/schema+json")
    assert json.loads(answer["body"]) == build_schema(kind)


def test_what_is_no_kind_has_none(account):
    assert problem(call("GET", "/api/v1/schemas/robot.json"))[0] == 404
