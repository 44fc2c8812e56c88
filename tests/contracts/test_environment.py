"""What the code reads from its environment is what the template puts there, and one module reads it."""

import ast
import re
from dataclasses import fields

import templatecheck
from postroad_aws.settings import Settings

READERS = {
    "layers/shell/postroad_aws/settings.py",
    # The function's own name, which Lambda sets, in every line of the log.
    "layers/shell/postroad_aws/observability.py",
}
# The local cloud alone moves the clock, and keeps webhooks from leaving.
LOCAL = {"POSTROAD_CLOCK", "POSTROAD_WEBHOOKS"}


def _list_variables(template):
    variables = set(template["Globals"]["Function"]["Environment"]["Variables"])
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            variables |= set(resource["Properties"].get("Environment", {}).get("Variables", {}))
    return variables


def test_every_variable_that_is_read_is_set_and_every_one_set_is_read(template):
    read = {field.metadata["variable"] for field in fields(Settings)}
    assert read - LOCAL == _list_variables(template)


def test_every_variable_says_what_it_is():
    assert all(field.metadata["description"] for field in fields(Settings))


def test_only_the_settings_read_the_environment():
    for folder in ("functions", "layers"):
        for path in (templatecheck.ROOT / folder).rglob("*.py"):
            name = path.relative_to(templatecheck.ROOT).as_posix()
            if name in READERS:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                assert not (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}), name


def test_what_refers_to_the_api_is_not_behind_it(template):
    # A function behind the HTTP API that refers to it would be a circle, which only a deployment would notice.
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        events = properties.get("Events", {}).values()
        if any(event["Type"] == "HttpApi" for event in events):
            assert not re.search(r"\bHttpApi\b", str(properties.get("Environment", {}))), name
