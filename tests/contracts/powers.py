"""Whether a function's role would let it make the AWS calls that it was seen making."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

SERVICES = {"sesv2": "ses", "stepfunctions": "states"}
# A mail or a text: which identity it is from is in its content.
ANYTHING = "anything"
TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


def list_needs(service: str, operation: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The (IAM action, resource) pairs that one call needs; a resource is a physical name, or "table/index/wake"."""
    if operation == "TransactWriteItems":
        for action in parameters["TransactItems"]:
            ((kind, item),) = action.items()
            yield f"dynamodb:{TRANSACTED[kind]}", item["TableName"]
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in parameters["RequestItems"]:
            yield f"dynamodb:{operation}", table
    elif service == "dynamodb":
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        yield f"dynamodb:{operation}", parameters["TableName"] + index
    elif service == "sqs":
        yield f"sqs:{operation.removesuffix('Batch')}", parameters["QueueUrl"]
    elif service == "stepfunctions":
        yield f"states:{operation}", parameters["stateMachineArn"]
    elif service == "lambda":
        yield "lambda:InvokeFunction", ANYTHING
    else:
        yield f"{SERVICES.get(service, service)}:{operation}", ANYTHING


def list_powers(translated: Mapping[str, Any], function: str) -> Iterator[tuple[str, str]]:
    """The (IAM action, resource) pairs that a role allows; a resource is a logical id, or "Contacts/index/wake"."""
    role = translated["Resources"][f"{function}Role"]["Properties"]
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] != "Allow":
                continue
            actions, resources = (
                each if isinstance(each, list) else [each]
                for each in (statement["Action"], statement.get("Resource", "*"))
            )
            for resource in resources:
                yield from ((action, _name(resource)) for action in actions)


def _name(resource: Any) -> str:
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    if "Ref" in resource:
        return str(resource["Ref"])
    text = resource["Fn::Sub"] if isinstance(resource, dict) else str(resource)
    return re.sub(r"\$\{(\w+)(?:\.Arn)?\}", r"\1", text)


def find_missing(
    translated: Mapping[str, Any], function: str, calls: list[list[Any]], physical: Mapping[str, str]
) -> set[tuple[str, str]]:
    """What the calls need and the role does not allow. `physical` tells the logical id of a physical name."""
    powers = set(list_powers(translated, function))
    missing = set()
    for service, operation, parameters in calls:
        for action, resource in list_needs(service, operation, parameters):
            name, *index = resource.split("/index/")
            logical = "/index/".join([physical.get(name, name), *index])
            allowed = {resource for allowed, resource in powers if allowed == action}
            if not allowed & {logical, "*"} and not (logical == ANYTHING and allowed):
                missing.add((action, logical))
    return missing
