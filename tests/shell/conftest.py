"""The tables on moto, made from the template, so that the two cannot drift apart."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from moto import mock_aws

from postroad_aws.clients import get_client
from tests.account import clients, forget, make_tables, open_tables
from tests.shell.faults import mend

__all__ = ["clients"]

TEMPLATE = Path(__file__).parents[2] / "template.yaml"


class _Template(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, kept as {tag: value}."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


_Template.add_multi_constructor("!", _short_form)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return dict(yaml.load(TEMPLATE.read_text(), Loader=_Template))


@pytest.fixture(scope="session")
def table_properties(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of every table by its logical id."""
    tables = {name: r for name, r in template["Resources"].items() if r["Type"] == "AWS::DynamoDB::Table"}
    return {name: resource["Properties"] for name, resource in tables.items()}


@pytest.fixture
def aws(
    clients: None,
    monkeypatch: pytest.MonkeyPatch,
    template: dict[str, Any],
    table_properties: dict[str, dict[str, Any]],
) -> Iterator[Any]:
    """An empty account with our tables; each function's environment as the template sets it."""
    for name, value in template["Globals"]["Function"]["Environment"]["Variables"].items():
        monkeypatch.setenv(name, value["Ref"])
    with mock_aws():
        open_tables("empty", lambda: make_tables(table_properties))
        yield get_client("dynamodb")
    mend()
    forget()


@pytest.fixture
def ports(aws: Any) -> Any:
    return storage_ports()


def storage_ports() -> SimpleNamespace:
    """The storage ports as production has them: the modules themselves."""
    from postroad_aws.storage import (
        broadcasts,
        contacts,
        memberships,
        messages,
        quarantine,
        refusals,
        stats,
        tasks,
        timeline,
    )

    return SimpleNamespace(
        contacts=contacts, timeline=timeline, messages=messages, tasks=tasks, refusals=refusals,
        quarantine=quarantine, stats=stats, memberships=memberships, broadcasts=broadcasts,
    )  # fmt: skip
