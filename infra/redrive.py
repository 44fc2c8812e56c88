"""Gives dead letters another try: receive, hand on to where they came from, delete.

`python infra/redrive.py [--stack postroad] QUEUE`, where QUEUE is a logical id of the stack (EventsDeadLetters,
DeadLetters) or a queue's URL. Asks nothing and prints counts. A letter is deleted only after it was handed on, so a run
that is cut short loses nothing; one that was handed on twice is folded, or sent, once all the same.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

Letter = dict[str, Any]


class Clients(NamedTuple):
    """The three services that a letter can be handed to."""

    sqs: Any
    lambda_: Any
    states: Any


class Kind(NamedTuple):
    """One sort of dead letter: how it is known, and what hands it on. `hand_on` returns where it went."""

    matches: Callable[[Letter, Any], bool]
    hand_on: Callable[[Clients, Letter, Any], str]


def _attribute(letter: Letter, name: str) -> str:
    return str(letter.get("MessageAttributes", {}).get(name, {}).get("StringValue", ""))


def _is_from_a_queue(letter: Letter, _: Any) -> bool:
    return "DeadLetterQueueSourceArn" in letter["Attributes"]


def _send_to_its_queue(clients: Clients, letter: Letter, _: Any) -> str:
    name = letter["Attributes"]["DeadLetterQueueSourceArn"].rpartition(":")[2]
    request: dict[str, Any] = {
        "QueueUrl": clients.sqs.get_queue_url(QueueName=name)["QueueUrl"],
        "MessageBody": letter["Body"],
    }
    if attributes := letter.get("MessageAttributes"):
        request["MessageAttributes"] = attributes
    if name.endswith(".fifo"):
        request["MessageGroupId"] = letter["Attributes"]["MessageGroupId"]
        # Not its first deduplication id: the queue may still remember that one, and would drop the letter.
        request["MessageDeduplicationId"] = f"redrive-{letter['MessageId']}"
    clients.sqs.send_message(**request)
    return name


def _is_a_failed_invocation(_: Letter, body: Any) -> bool:
    return isinstance(body, dict) and "requestPayload" in body and "functionArn" in body.get("requestContext", {})


def _invoke_again(clients: Clients, _: Letter, body: Any) -> str:
    arn = body["requestContext"]["functionArn"]
    clients.lambda_.invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(body["requestPayload"]))
    return str(arn).split(":function:")[-1]


def _is_an_undelivered_event(letter: Letter, _: Any) -> bool:
    return ":function:" in _attribute(letter, "TARGET_ARN")


def _deliver_event(clients: Clients, letter: Letter, _: Any) -> str:
    arn = _attribute(letter, "TARGET_ARN")
    clients.lambda_.invoke(FunctionName=arn, InvocationType="Event", Payload=letter["Body"])
    return arn.split(":function:")[-1]


def _is_a_failed_run(_: Letter, body: Any) -> bool:
    return isinstance(body, dict) and "state_machine_arn" in body and "input" in body


def _start_again(clients: Clients, _: Letter, body: Any) -> str:
    given = {name: value for name, value in body["input"].items() if name not in ("answer", "error", "shards")}
    clients.states.start_execution(stateMachineArn=body["state_machine_arn"], input=json.dumps(given))
    return str(body["state_machine_arn"]).rpartition(":")[2]


def _is_an_unheard_schedule(letter: Letter, body: Any) -> bool:
    return isinstance(body, dict) and ":stateMachine:" in _attribute(letter, "TARGET_ARN")


def _start_as_scheduled(clients: Clients, letter: Letter, body: Any) -> str:
    arn = _attribute(letter, "TARGET_ARN")
    # EventBridge Scheduler keeps the call that it could not make, with the input as text.
    given = body["Input"] if isinstance(body.get("Input"), str) else letter["Body"]
    clients.states.start_execution(stateMachineArn=arn, input=given)
    return arn.rpartition(":")[2]


# A stream's failed batch is not among them: the hourly sweep has queued its messages again.
KINDS = (
    Kind(_is_from_a_queue, _send_to_its_queue),
    Kind(_is_a_failed_invocation, _invoke_again),
    Kind(_is_an_undelivered_event, _deliver_event),
    Kind(_is_a_failed_run, _start_again),
    Kind(_is_an_unheard_schedule, _start_as_scheduled),
)


def _parse(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _receive_all(sqs: Any, url: str) -> Iterator[Letter]:
    while letters := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=1,
        VisibilityTimeout=120,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    ).get("Messages"):
        yield from letters


def redrive(clients: Clients, url: str) -> Counter[str]:
    """Hands on every letter of the queue at `url`, counted by where it went. What nobody can take is left there."""
    counts: Counter[str] = Counter()
    left = []
    for letter in _receive_all(clients.sqs, url):
        body = _parse(letter["Body"])
        kind = next((kind for kind in KINDS if kind.matches(letter, body)), None)
        try:
            place = kind.hand_on(clients, letter, body) if kind else "left in the queue: read them there"
        except ClientError as error:
            kind, place = None, f"left in the queue: {error}"
        counts[place] += 1
        if kind:
            clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
        else:
            left.append(letter["ReceiptHandle"])
    for handle in left:
        clients.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return counts


def find_queue(stack: str, queue: str) -> str:
    """The URL of a queue given as a URL or as a logical id of the stack."""
    if queue.startswith(("http://", "https://")):
        return queue
    resource = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=queue)
    return str(resource["StackResourceDetail"]["PhysicalResourceId"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Gives dead letters another try.")
    parser.add_argument("--stack", default="postroad")
    parser.add_argument("queue", metavar="QUEUE", help="EventsDeadLetters, DeadLetters, or a queue's URL")
    given = parser.parse_args()
    clients = Clients(boto3.client("sqs"), boto3.client("lambda"), boto3.client("stepfunctions"))
    counts = redrive(clients, find_queue(given.stack, given.queue))
    for place, count in sorted(counts.items()):
        print(f"{count:6}  → {place}")
    print(f"{counts.total():6}  letters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
