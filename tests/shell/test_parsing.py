"""Items through botocore in fewer steps are the items that botocore reads, and the bytes that it writes."""

import json
from base64 import b64encode
from typing import Any

import botocore.session
import pytest
from botocore.parsers import JSONParser
from botocore.serialize import JSONSerializer
from hypothesis import given
from hypothesis import strategies as st

from postroad_aws.parsing import ShortParser, ShortSerializer

MODEL = botocore.session.get_session().get_service_model("dynamodb")
TEXTS = st.text(max_size=4)
PLAIN = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    st.integers().map(lambda number: {"N": str(number)}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    st.lists(TEXTS, max_size=2).map(lambda texts: {"SS": texts}),
    st.binary(max_size=4).map(lambda data: {"B": data}),
    st.lists(st.binary(max_size=4), max_size=2).map(lambda many: {"BS": many}),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: {"L": values}),
        st.dictionaries(TEXTS, inner, max_size=3).map(lambda values: {"M": values}),
    ),
    max_leaves=6,
)
ITEMS = st.dictionaries(TEXTS, VALUES, max_size=4)


def as_json(value: Any) -> bytes:
    return json.dumps(value, default=lambda data: b64encode(data).decode()).encode()


def both_parse(operation: str, answer: Any) -> Any:
    """The answer as we read it, held against what botocore reads."""
    shape = MODEL.operation_model(operation).output_shape
    response = {"status_code": 200, "headers": {"x-amzn-requestid": "1"}, "body": as_json(answer), "context": {}}
    parsed = ShortParser().parse(response, shape)
    assert parsed == JSONParser().parse(response, shape)
    return parsed


def both_write(operation: str, **call: Any) -> bytes:
    model = MODEL.operation_model(operation)
    written = ShortSerializer().serialize_to_request(call, model)
    assert written == JSONSerializer().serialize_to_request(call, model)
    return bytes(written["body"])


@given(item=ITEMS)
def test_any_item_is_read_as_botocore_reads_it(item: dict[str, Any]) -> None:
    assert both_parse("GetItem", {"Item": item})["Item"] == item
    assert both_parse("BatchGetItem", {"Responses": {"t": [item]}})["Responses"] == {"t": [item]}
    both_parse("UpdateItem", {"Attributes": item, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.0}})


@given(item=ITEMS)
def test_any_item_is_written_as_botocore_writes_it(item: dict[str, Any]) -> None:
    both_write("PutItem", TableName="t", Item=item)
    both_write("TransactWriteItems", TransactItems=[{"Put": {"TableName": "t", "Item": item}}])
    update = {"UpdateExpression": "SET #a = :a", "ExpressionAttributeNames": {"#a": "a"}}
    both_write("UpdateItem", TableName="t", Key=item, ExpressionAttributeValues=item, **update)


def test_answers_without_items_and_errors_are_botocores() -> None:
    both_parse("GetItem", {})
    assert both_parse("DescribeTable", {"Table": {"TableName": "t", "CreationDateTime": 1.5}})["Table"]["TableName"]
    error = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": {"a": {"N": "1"}}}
    response = {"status_code": 400, "headers": {}, "body": as_json(error), "context": {}}
    shape = MODEL.shape_for_error_code("ConditionalCheckFailedException")
    for parse in (ShortParser().parse, JSONParser().parse):
        assert parse(response, shape)["Item"] == {"a": {"N": "1"}}


def test_a_type_of_value_that_is_unknown_is_no_silence() -> None:
    with pytest.raises(ValueError, match="no values of the type 'Z'"):
        both_parse("GetItem", {"Item": {"a": {"Z": "1"}}})
