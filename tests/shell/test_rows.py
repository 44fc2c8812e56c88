"""The models are the schema that the template makes."""

from typing import Any

import pytest

MODELS = {
    "Contacts": "ContactRow",
    "Events": "EventRow",
    "Memberships": "MembershipRow",
    "Messages": "MessageRow",
    "Tasks": "TaskRow",
    "Definitions": "DefinitionRow",
    "Suppressions": "SuppressionRow",
    "Consents": "ConsentRow",
    "ConsentProof": "ConsentProofRow",
    "Keys": "KeyRow",
    "Quarantine": "QuarantineRow",
    "Stats": "StatsRow",
    "Requests": "RequestRow",
    "WebMessages": "WebMessageRow",
    "Products": "ProductRow",
    "Broadcasts": "BroadcastRow",
    "Accounts": "AccountRow",
    "Holds": "HoldRow",
    "PrivacyRequests": "PrivacyRequestRow",
    "Imports": "ImportRow",
}


def test_every_table_has_its_model(table_properties: dict[str, Any]) -> None:
    assert set(table_properties) == set(MODELS)


@pytest.mark.parametrize("table", sorted(MODELS))
def test_a_models_keys_and_indexes_are_those_of_the_template(
    aws: Any, table_properties: dict[str, Any], table: str
) -> None:
    from postroad_aws.storage import rows

    made = getattr(rows, MODELS[table])._get_schema()
    properties = table_properties[table]

    def keys(schema: list[dict[str, str]]) -> dict[str, str]:
        return {key["KeyType"]: key["AttributeName"] for key in schema}

    assert getattr(rows, MODELS[table]).Meta.table_name == table
    assert keys(made["key_schema"]) == keys(properties["KeySchema"])
    types = {a["AttributeName"]: a["AttributeType"] for a in made["attribute_definitions"]}
    assert types == {a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]}
    indexes = {index["index_name"]: index for index in made["global_secondary_indexes"]}
    wanted = {index["IndexName"]: index for index in properties.get("GlobalSecondaryIndexes", ())}
    assert set(indexes) == set(wanted)
    for name, index in wanted.items():
        assert keys(indexes[name]["key_schema"]) == keys(index["KeySchema"])
        assert indexes[name]["projection"] == index["Projection"]
