"""Finds what `sam validate` lets through: cfn-lint and the house rules look at the translated template.

`python infra/templatecheck.py [TEMPLATE]` prints the mistakes and exits with 1 if there are any.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Rule = Callable[[Document], Iterator[str]]

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "template.yaml"
LOCAL_PATHS = ("CodeUri", "ContentUri", "DefinitionUri")
FOURTEEN_DAYS = 1_209_600

# Powers over everything, each with its reason.
POWERS_OVER_ALL = {
    ("SendMessageRole", "sns:Publish"): "a phone number has no ARN, and what has one is named",
    ("RecordFeedbackRole", "sns:Publish"): "a phone number has no ARN; a second statement denies every topic",
    ("ApiRole", "ses:GetAccount"): "what SES says of the whole account has no ARN",
    ("ApiRole", "ses:DeleteSuppressedDestination"): "SES's list of suppressed addresses has no ARN",
    ("ConsoleRole", "ses:GetAccount"): "what SES says of the whole account has no ARN",
    ("RunBroadcastRole", "ses:GetAccount"): "the account itself has no ARN",
}
# What SAM attaches by itself: writing one's own log.
MANAGED_POLICIES = {"AWSLambdaBasicExecutionRole"}
# Rows that may go by themselves; all others stay until somebody deletes them.
TABLES_WITH_TTL = {"Events", "Imports", "PrivacyRequests", "Quarantine", "Requests", "Stats", "WebMessages"}


def load(path: Path = TEMPLATE) -> Document:
    """The template as written, with `!Ref X` as `{"Ref": "X"}`."""
    from samtranslator.yaml_helper import yaml_parse

    document: Document = yaml_parse(path.read_text())
    return document


def translate(document: Document) -> Document:
    """What CloudFormation makes of the SAM template. Local paths stand for what `sam package` would have uploaded."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    document = json.loads(json.dumps(document))
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        for name in LOCAL_PATHS:
            if isinstance(properties.get(name), str):
                properties[name] = "s3://bucket/key"
    translated: Document = Translator({}, Parser()).translate(document, {})
    return translated


def lint(translated: Document) -> Iterator[str]:
    """What cfn-lint says, one sentence each."""
    from cfnlint import api

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(translated, file)
        file.flush()
        for match in api.lint_file(Path(file.name)):
            yield f"{match.rule.id} at {'.'.join(str(part) for part in match.path or [])}: {match.message}"


# ---------------------------------------------------------------- the house rules


def _of_type(translated: Document, type_: str) -> Iterator[tuple[str, Document]]:
    for name, resource in translated["Resources"].items():
        if resource["Type"] == type_:
            yield name, resource.get("Properties", {})


def _refers_to(value: Any) -> str:
    """The logical id that a Ref or GetAtt names; empty for anything else."""
    if isinstance(value, dict):
        if "Ref" in value:
            return str(value["Ref"])
        if "Fn::GetAtt" in value:
            target = value["Fn::GetAtt"]
            return str(target[0] if isinstance(target, list) else target.partition(".")[0])
    return ""


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def check_powers(translated: Document) -> Iterator[str]:
    """Every function has a role of its own, no statement allows every action, and few reach every resource."""
    names = [_refers_to(function["Role"]) for _, function in _of_type(translated, "AWS::Lambda::Function")]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is shared by several functions"
    for name, role in _of_type(translated, "AWS::IAM::Role"):
        for arn in role.get("ManagedPolicyArns", []):
            if str(arn).rpartition("/")[2] not in MANAGED_POLICIES:
                yield f"{name} has the managed policy {arn}; write a statement instead"
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = _as_list(statement["Action"])
                if any("*" in action for action in actions):
                    yield f"{name} allows {actions}; name the actions"
                reach = {(name, action) for action in actions} - set(POWERS_OVER_ALL)
                if statement["Effect"] == "Allow" and "*" in _as_list(statement.get("Resource", "*")) and reach:
                    yield f"{name} allows {actions} on every resource"


def check_queues(translated: Document) -> Iterator[str]:
    """A queue that feeds a function waits six timeouts and has a dead-letter queue of its kind."""
    queues = dict(_of_type(translated, "AWS::SQS::Queue"))
    functions = dict(_of_type(translated, "AWS::Lambda::Function"))
    for name, queue in queues.items():
        if queue.get("MessageRetentionPeriod") != FOURTEEN_DAYS:
            yield f"{name} does not keep its messages for fourteen days"
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
    for name, mapping in _of_type(translated, "AWS::Lambda::EventSourceMapping"):
        if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
            yield f"{name} does not report partial failures"
        source = queues.get(_refers_to(mapping["EventSourceArn"]))
        if source is None:
            continue
        timeout = functions[_refers_to(mapping["FunctionName"])]["Timeout"]
        if source.get("VisibilityTimeout", 30) < 6 * timeout:
            yield f"{name}: the queue shows a message again before six timeouts of its function"
        redrive = source.get("RedrivePolicy", {})
        dead_letters = queues.get(_refers_to(redrive.get("deadLetterTargetArn")))
        if dead_letters is None or redrive.get("maxReceiveCount") != 5:
            yield f"{name}: the queue has no dead-letter queue after five tries"
        elif dead_letters.get("FifoQueue", False) != source.get("FifoQueue", False):
            yield f"{name}: the dead-letter queue is not of the queue's kind"


def _dead_letters_of(target: Document) -> str:
    return _refers_to(target.get("DeadLetterConfig", {}).get("Arn")) if "RetryPolicy" in target else ""


def _list_dead_letter_paths(translated: Document) -> Iterator[tuple[str, str]]:
    """Every asynchronous path as (name, logical id of its dead-letter queue or empty)."""
    asynchronous = set()
    for name, queue in _of_type(translated, "AWS::SQS::Queue"):
        if "RedrivePolicy" in queue:
            yield name, _refers_to(queue["RedrivePolicy"].get("deadLetterTargetArn"))
    for name, mapping in _of_type(translated, "AWS::Lambda::EventSourceMapping"):
        if "StartingPosition" in mapping:
            yield name, _refers_to(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
    for name, schedule in _of_type(translated, "AWS::Scheduler::Schedule"):
        target = schedule["Target"]
        asynchronous.add(_refers_to(target["Arn"]))
        yield name, _dead_letters_of(target)
    for name, rule in _of_type(translated, "AWS::Events::Rule"):
        for target in rule["Targets"]:
            asynchronous.add(_refers_to(target["Arn"]))
            yield name, _dead_letters_of(target)
    for name, subscription in _of_type(translated, "AWS::SNS::Subscription"):
        if subscription["Protocol"] == "lambda":
            asynchronous.add(_refers_to(subscription["Endpoint"]))
            yield name, _refers_to(subscription.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
    configured = {
        _refers_to(config["FunctionName"]): _refers_to(config["DestinationConfig"]["OnFailure"]["Destination"])
        for _, config in _of_type(translated, "AWS::Lambda::EventInvokeConfig")
    }
    for name, _ in _of_type(translated, "AWS::Lambda::Function"):
        if name in asynchronous:
            yield name, configured.get(name, "")


def check_dead_letters(translated: Document) -> Iterator[str]:
    """Every asynchronous path ends in a dead-letter queue with an alarm that tells somebody."""
    alarms = {
        _refers_to(dimension["Value"])
        for _, alarm in _of_type(translated, "AWS::CloudWatch::Alarm")
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible" and alarm.get("AlarmActions")
        for dimension in alarm["Dimensions"]
    }
    for name, dead_letters in _list_dead_letter_paths(translated):
        if not dead_letters:
            yield f"{name} has no dead-letter queue (and retry policy)"
        elif dead_letters not in alarms:
            yield f"{name}: no alarm watches {dead_letters}"


def check_tables(translated: Document) -> Iterator[str]:
    """Tables are on demand, restorable to any second, outlive the stack, and forget only what may be forgotten."""
    for name, table in _of_type(translated, "AWS::DynamoDB::Table"):
        resource = translated["Resources"][name]
        if table.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{name} is not on demand"
        if table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") is not True:
            yield f"{name} has no point-in-time recovery"
        if resource.get("DeletionPolicy") != "Retain" or resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{name} goes with the stack"
        if table.get("DeletionProtectionEnabled") != {"Fn::If": ["IsProtected", True, False]}:
            yield f"{name} is not protected by the parameter"
        if (table.get("TimeToLiveSpecification", {}).get("Enabled") is True) != (name in TABLES_WITH_TTL):
            yield f"{name}: time to live is {'missing' if name in TABLES_WITH_TTL else 'not wanted'}"


def check_logs(translated: Document) -> Iterator[str]:
    """Every function logs JSON into a group that forgets."""
    groups = dict(_of_type(translated, "AWS::Logs::LogGroup"))
    for name, function in _of_type(translated, "AWS::Lambda::Function"):
        config = function.get("LoggingConfig", {})
        if "RetentionInDays" not in groups.get(_refers_to(config.get("LogGroup")), {}):
            yield f"{name} has no log group with a retention"
        if config.get("LogFormat") != "JSON":
            yield f"{name} does not log JSON"


RULES: tuple[Rule, ...] = (
    lint,
    check_powers,
    check_queues,
    check_dead_letters,
    check_tables,
    check_logs,
)


def find_mistakes(document: Document, rules: Iterable[Rule] = RULES) -> list[str]:
    """Every mistake that the rules find in a template as written, one sentence each; empty when all is well."""
    try:
        translated = translate(document)
    except Exception as error:  # the translator has no common base for what it refuses
        return [f"the SAM translator refuses the template: {error}"]
    return [mistake for rule in rules for mistake in rule(translated)]


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TEMPLATE
    mistakes = find_mistakes(load(path))
    for mistake in mistakes:
        print(mistake)
    print(f"{path.name}: {len(mistakes) or 'no'} mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
