"""`make redrive` on an emulated AWS: what failed gets another try, and nothing is lost on the way."""

import io
import json
import time
import zipfile

import boto3
import pytest

import redrive

KEEP_EVENT = (
    "import json, os\ndef handler(event, context):\n    open(os.environ['OUT'], 'w').write(json.dumps(event))\n"
)
ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.fixture(scope="module")
def clients(endpoint):
    names = ("sqs", "lambda", "stepfunctions")
    return redrive.Clients(*(boto3.client(name, endpoint_url=endpoint) for name in names))


def _make_queues(sqs, name, suffix="", **attributes):
    """A queue that gives up after one try, and its dead-letter queue: (url, url)."""
    letters = sqs.create_queue(QueueName=f"{name}-letters{suffix}", Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    queue = sqs.create_queue(
        QueueName=f"{name}{suffix}", Attributes={**attributes, "RedrivePolicy": policy, "VisibilityTimeout": "0"}
    )["QueueUrl"]
    return queue, letters


def _fail_all(sqs, queue, letters, count):
    """Receives and never deletes, until the queue has given up on `count` messages."""
    for _ in range(1_000):
        sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
        if _count(sqs, letters) == count:
            return
        time.sleep(0.05)
    raise AssertionError("the emulator moved nothing")


def _count(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(each) for each in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
    )


def test_letters_of_a_standard_queue_go_back_to_it(clients):
    queue, letters = _make_queues(clients.sqs, "sends")
    for number in range(25):
        clients.sqs.send_message(QueueUrl=queue, MessageBody=f"message-{number}")
    _fail_all(clients.sqs, queue, letters, 25)
    assert redrive.redrive(clients, letters) == {"sends": 25}
    assert (_count(clients.sqs, queue), _count(clients.sqs, letters)) == (25, 0)


def test_letters_of_a_fifo_queue_go_back_in_their_order_and_group(clients):
    queue, letters = _make_queues(clients.sqs, "events", ".fifo", FifoQueue="true")
    for number in range(12):
        clients.sqs.send_message(
            QueueUrl=queue, MessageBody=str(number), MessageGroupId=f"g{number % 2}", MessageDeduplicationId=str(number)
        )
    _fail_all(clients.sqs, queue, letters, 12)
    clients.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": "", "VisibilityTimeout": "60"})
    # Well within the five minutes in which the queue remembers the first deduplication ids.
    assert redrive.redrive(clients, letters) == {"events.fifo": 12}
    found = {"g0": [], "g1": []}
    while messages := clients.sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"]
    ).get("Messages"):
        for message in messages:
            found[message["Attributes"]["MessageGroupId"]].append(int(message["Body"]))
            clients.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert found == {"g0": [0, 2, 4, 6, 8, 10], "g1": [1, 3, 5, 7, 9, 11]}


@pytest.fixture(scope="module")
def function(clients, tmp_path_factory):
    """A function that writes down the event it was called with: (arn, path)."""
    path = tmp_path_factory.mktemp("function") / "event.json"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", KEEP_EVENT)
    created = clients.lambda_.create_function(
        FunctionName="record",
        Runtime="python3.13",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"OUT": str(path)}},
    )
    return created["FunctionArn"], path


def _wait_for(path):
    for _ in range(600):
        if path.exists() and path.read_text():
            content = json.loads(path.read_text())
            path.unlink()
            return content
        time.sleep(0.1)
    raise AssertionError("the function was not called")


def test_a_failed_invocation_is_made_again(clients, function):
    arn, path = function
    letters = clients.sqs.create_queue(QueueName="invocations")["QueueUrl"]
    record = {"version": "1.0", "requestContext": {"functionArn": arn}, "requestPayload": {"detail": "bounce"}}
    clients.sqs.send_message(QueueUrl=letters, MessageBody=json.dumps(record))
    assert redrive.redrive(clients, letters) == {"record": 1}
    assert _wait_for(path) == {"detail": "bounce"}
    assert _count(clients.sqs, letters) == 0


def test_an_event_that_was_not_delivered_is_delivered(clients, function):
    arn, path = function
    letters = clients.sqs.create_queue(QueueName="rules")["QueueUrl"]
    target = {"TARGET_ARN": {"DataType": "String", "StringValue": arn}}
    clients.sqs.send_message(QueueUrl=letters, MessageBody='{"source": "aws.ses"}', MessageAttributes=target)
    assert redrive.redrive(clients, letters) == {"record": 1}
    assert _wait_for(path) == {"source": "aws.ses"}


@pytest.mark.parametrize("wraps", [True, False], ids=["the call", "the input alone"])
def test_a_run_that_its_schedule_could_not_start_is_started(clients, wraps):
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    name = f"broadcast-{wraps}"
    arn = clients.states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    letters = clients.sqs.create_queue(QueueName=f"schedules-{wraps}")["QueueUrl"]
    given = {"broadcast_id": "autumn", "number": 1}
    body = {"StateMachineArn": arn, "Input": json.dumps(given)} if wraps else given
    target = {"TARGET_ARN": {"DataType": "String", "StringValue": arn}}
    clients.sqs.send_message(QueueUrl=letters, MessageBody=json.dumps(body), MessageAttributes=target)
    assert redrive.redrive(clients, letters) == {name: 1}
    (execution,) = clients.states.list_executions(stateMachineArn=arn)["executions"]
    assert json.loads(clients.states.describe_execution(executionArn=execution["executionArn"])["input"]) == given


def test_a_failed_run_starts_again_with_what_it_was_given(clients):
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    arn = clients.states.create_state_machine(name="rebuild", definition=definition, roleArn=ROLE)["stateMachineArn"]
    letters = clients.sqs.create_queue(QueueName="runs")["QueueUrl"]
    run = {"state_machine_arn": arn, "input": {"revision": 7, "shards": ["00"], "error": {"Error": "Timeout"}}}
    clients.sqs.send_message(QueueUrl=letters, MessageBody=json.dumps(run))
    assert redrive.redrive(clients, letters) == {"rebuild": 1}
    (execution,) = clients.states.list_executions(stateMachineArn=arn)["executions"]
    described = clients.states.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {"revision": 7}


def test_what_nobody_can_take_stays_in_the_queue(clients):
    letters = clients.sqs.create_queue(QueueName="odd")["QueueUrl"]
    for body in ("not JSON", '{"DDBStreamBatchInfo": {}}', "[]"):
        clients.sqs.send_message(QueueUrl=letters, MessageBody=body)
    gone = {"state_machine_arn": "arn:aws:states:us-east-1:000000000000:stateMachine:gone", "input": {}}
    clients.sqs.send_message(QueueUrl=letters, MessageBody=json.dumps(gone))
    counts = redrive.redrive(clients, letters)
    assert counts["left in the queue: read them there"] == 3
    assert counts.total() == 4
    received = clients.sqs.receive_message(QueueUrl=letters, MaxNumberOfMessages=10)["Messages"]
    assert len(received) == 4
