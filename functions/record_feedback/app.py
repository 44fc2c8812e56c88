"""Takes what SES says about mails, and what people answer to texts."""

from typing import Any

from postroad.instants import parse_instant
from postroad.sending.feedback import find_feedback
from postroad_aws import clock
from postroad_aws.usecases.record_feedback import record_feedback
from postroad_aws.usecases.record_reply import record_reply
from postroad_aws.wiring import production, reply_ports


def handler(event: dict[str, Any], context: object) -> None:
    """An event of EventBridge, or records of the SNS topic that texts are answered to."""
    for record in event.get("Records", ()):
        sns = record["Sns"]
        record_reply(reply_ports(), sns["Message"], sns["MessageId"], parse_instant(sns["Timestamp"]))
    if "detail" in event:
        feedback = find_feedback(event["detail"], clock.now())
        if feedback:
            record_feedback(production(), feedback)
