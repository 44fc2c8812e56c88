"""Where the emulator would differ from AWS without its changes (infra/localcloud/emulator.py)."""

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def aws(cloud):
    endpoint = f"http://127.0.0.1:{(cloud.store / 'state' / 'port').read_text()}"
    session = boto3.Session(aws_access_key_id="000000000000", aws_secret_access_key="x", region_name="us-east-1")
    return lambda service: session.client(service, endpoint_url=endpoint)


@pytest.fixture
def table(aws):
    """Three items of about six kilobytes each."""
    dynamodb = aws("dynamodb")
    name = next(name for name in dynamodb.list_tables()["TableNames"] if "Heard" in name)
    for number in range(3):
        dynamodb.put_item(TableName=name, Item={"id": {"S": f"big-{number}"}, "text": {"S": "x" * 6000}})
    yield name
    for number in range(3):
        dynamodb.delete_item(TableName=name, Key={"id": {"S": f"big-{number}"}})


def test_a_read_costs_by_the_bytes_it_reads(aws, table):
    dynamodb, asked = aws("dynamodb"), {"ReturnConsumedCapacity": "INDEXES"}
    keys = [{"id": {"S": f"big-{number}"}} for number in range(3)]
    one = dynamodb.get_item(TableName=table, Key=keys[0], ProjectionExpression="id", **asked)
    sure = dynamodb.get_item(TableName=table, Key=keys[0], ConsistentRead=True, **asked)
    none = dynamodb.get_item(TableName=table, Key={"id": {"S": "missing"}}, **asked)
    batch = dynamodb.batch_get_item(RequestItems={table: {"Keys": [*keys, {"id": {"S": "missing"}}]}}, **asked)
    transaction = dynamodb.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": key}} for key in keys], **asked
    )
    assert [each["ConsumedCapacity"]["CapacityUnits"] for each in (one, sure, none)] == [1.0, 2.0, 0.5]
    assert batch["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 3.5}]
    assert transaction["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 12.0}]
    everything = dynamodb.scan(TableName=table, **asked)["ConsumedCapacity"]["CapacityUnits"]
    filtered = dynamodb.scan(
        TableName=table,
        FilterExpression="begins_with(id, :b)",
        ExpressionAttributeValues={":b": {"S": "big"}},
        **asked,
    )
    assert everything >= 2.5
    assert filtered["ConsumedCapacity"]["CapacityUnits"] >= 2.5


def test_a_write_costs_by_the_larger_of_what_was_there_and_what_is_and_twice_in_a_transaction(aws, table):
    """Six kilobytes each; counters are added up by UpdateItem, mostly in transactions with a small mark beside them."""
    dynamodb, asked = aws("dynamodb"), {"ReturnConsumedCapacity": "INDEXES"}
    add = {
        "TableName": table,
        "UpdateExpression": "ADD sent :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }
    keys = [{"id": {"S": f"big-{number}"}} for number in range(3)]
    alone = dynamodb.update_item(Key=keys[0], **add, **asked)["ConsumedCapacity"]
    mark = {"Put": {"TableName": table, "Item": {"id": {"S": "mark"}}}}
    together = dynamodb.transact_write_items(
        TransactItems=[{"Update": {**add, "Key": key}} for key in keys[:2]] + [mark], **asked
    )["ConsumedCapacity"]
    batch = dynamodb.batch_write_item(
        RequestItems={table: [{"DeleteRequest": {"Key": keys[2]}}, {"PutRequest": {"Item": mark["Put"]["Item"]}}]},
        **asked,
    )["ConsumedCapacity"]
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "mark"}})
    assert alone["CapacityUnits"] == 6.0
    assert [each["CapacityUnits"] for each in together] == [2 * (6 + 6 + 1)]
    assert [each["CapacityUnits"] for each in batch] == [6 + 1]


@pytest.mark.parametrize("group", ["grüße", "a b", "x" * 129])
def test_a_group_id_that_aws_refuses_is_refused(aws, group):
    sqs = aws("sqs")
    url = next(url for url in sqs.list_queues()["QueueUrls"] if "postroad-In-" in url)
    with pytest.raises(ClientError, match="MessageGroupId"):
        sqs.send_message(QueueUrl=url, MessageBody="{}", MessageGroupId=group, MessageDeduplicationId="1")
    entry = {"Id": "1", "MessageBody": "{}", "MessageGroupId": group, "MessageDeduplicationId": "1"}
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=[entry])["Failed"]) == 1


def test_what_the_template_says_of_schedules_and_of_time_to_live_holds(aws):
    schedule = aws("scheduler").get_schedule(Name="DailyMorning")
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Paris"
    things = next(name for name in aws("dynamodb").list_tables()["TableNames"] if "Things" in name)
    found = aws("dynamodb").describe_time_to_live(TableName=things)["TimeToLiveDescription"]
    assert found == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_schedules_are_listed_page_by_page(aws):
    scheduler, names = aws("scheduler"), {f"page-{number}" for number in range(120)}
    once = {"ScheduleExpression": "at(2099-01-01T00:00:00)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    for name in names:
        target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:nowhere", "RoleArn": "arn:aws:iam::000000000000:role/r"}
        scheduler.create_schedule(Name=name, Target=target, **once)
    pages = [page["Schedules"] for page in scheduler.get_paginator("list_schedules").paginate()]
    assert names <= {each["Name"] for page in pages for each in page}
    assert [len(page) for page in pages][:-1] == [100] * (len(pages) - 1)
    for name in names:
        scheduler.delete_schedule(Name=name)
