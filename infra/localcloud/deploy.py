"""Deploys a SAM template to an AWS endpoint: translate, upload, create or update the stack, read back what it holds.

Translated here and not by the endpoint, because the gateway needs the routes that SAM writes.
"""

import copy
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from localcloud.packaging import Say, package_function, package_layer

BUCKET = "localcloud-artifacts"
BROKEN = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"}
RUNTIME = Path(__file__).parent / "worker"


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs: the template as written and as translated, and the physical names by logical id."""

    source: dict[str, Any]
    translated: dict[str, Any]
    names: dict[str, str]
    outputs: dict[str, str]
    is_new: bool

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {
            key: each
            for key, each in self.translated["Resources"].items()
            if each["Type"] == kind and key in self.names
        }


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


class Deployer:
    def __init__(self, clients: Any, template: Path, settings: Mapping[str, Any], store: Path, python: Path, say: Say):
        self.clients, self.template, self.settings = clients, template, settings
        self.store, self.python, self.say = store, python, say
        self.uploads: dict[str, Path] = {}

    def prepare(self, fill: Mapping[str, str], meter: int | None = None) -> None:
        """Package the code and translate the template. Needs no endpoint.

        With the meter's port, functions get the settings' environment and report what they do; without, they stay as
        the template has them. Raises ValueError with the template's mistakes.
        """
        self.source = yaml_parse(self.template.read_text())
        declared = self.source.get("Parameters", {})
        wanted = self.settings.get("parameters", {}).items()
        self.parameters = {key: str(value).format(**fill) for key, value in wanted if key in declared}
        values = {key: each["Default"] for key, each in declared.items() if "Default" in each} | self.parameters
        os.environ.setdefault("AWS_DEFAULT_REGION", self.settings["region"])  # the translator looks nowhere else
        try:
            self.translated = transform(self._packaged(copy.deepcopy(self.source)), values, _NoManagedPolicies())
        except InvalidDocumentException as problem:
            causes = "\n".join(str(cause.message) for cause in problem.causes)
            raise ValueError(f"The template has mistakes.\n{causes}") from problem
        if meter is None:
            return
        environment = {key: str(value).format(**fill) for key, value in self.settings.get("environment", {}).items()}
        for logical, resource in self.translated["Resources"].items():
            if resource["Type"] == "AWS::Lambda::Function":
                properties = resource["Properties"]
                properties.setdefault("Environment", {}).setdefault("Variables", {}).update(
                    environment,
                    LOCALCLOUD_HANDLER=properties["Handler"],
                    LOCALCLOUD_FUNCTION=logical,
                    LOCALCLOUD_METER=str(meter),
                    PYTHONPATH=str(RUNTIME),
                )
                properties["Handler"] = "localcloud_runtime.handler"

    def _packaged(self, template: dict[str, Any]) -> dict[str, Any]:
        root = self.template.parent
        defaults = template.get("Globals", {}).get("Function", {})
        for name, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            match resource["Type"]:
                case "AWS::Serverless::Function":
                    code = properties.get("CodeUri", defaults.get("CodeUri", "."))
                    handler = properties.get("Handler", defaults.get("Handler"))
                    properties["CodeUri"] = self._upload(package_function(name, root / code, handler, self.store))
                case "AWS::Serverless::LayerVersion":
                    content = package_layer(name, root / properties["ContentUri"], self.store, self.python, self.say)
                    properties["ContentUri"] = self._upload(content)
                case "AWS::Serverless::StateMachine" if "DefinitionUri" in properties:
                    properties["Definition"] = yaml.safe_load((root / properties.pop("DefinitionUri")).read_text())
        return template

    def _upload(self, path: Path) -> str:
        self.uploads[path.name] = path
        return f"s3://{BUCKET}/{path.name}"

    def deploy(self) -> Stack:
        """Create or update the stack. Raises RuntimeError with the reasons when that fails."""
        s3, cloudformation, name = self.clients("s3"), self.clients("cloudformation"), self.settings["stack"]
        s3.create_bucket(Bucket=BUCKET)
        for key, path in self.uploads.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
        s3.put_object(Bucket=BUCKET, Key=f"{name}.json", Body=json.dumps(self.translated).encode())
        status = self._status(name)
        if status in BROKEN:
            cloudformation.delete_stack(StackName=name)
            self._wait(name)
            status = None
        arguments = {
            "StackName": name,
            "TemplateURL": f"{s3.meta.endpoint_url}/{BUCKET}/{name}.json",
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        try:
            (cloudformation.update_stack if status else cloudformation.create_stack)(**arguments)
            done = self._wait(name)
        except ClientError as problem:
            if "No updates are to be performed" not in str(problem):
                raise
            done = status
        if done not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [
                f"{each['LogicalResourceId']}: {each['ResourceStatusReason']}"
                for each in events
                if "FAILED" in each["ResourceStatus"] and each.get("ResourceStatusReason")
            ]
            raise RuntimeError("The template could not be deployed.\n" + "\n".join(reasons or [str(done)]))
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        names = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
        }
        outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
        self._switch_on_ttl(names)
        return Stack(
            self.source,
            self.translated,
            names,
            {each["OutputKey"]: each["OutputValue"] for each in outputs},
            status is None,
        )

    def _switch_on_ttl(self, names: dict[str, str]) -> None:
        """MiniStack's CloudFormation leaves a table's time to live off."""
        dynamodb = self.clients("dynamodb")
        for logical, resource in self.translated["Resources"].items():
            wanted = resource.get("Properties", {}).get("TimeToLiveSpecification")
            if resource["Type"] == "AWS::DynamoDB::Table" and wanted and logical in names:
                found = dynamodb.describe_time_to_live(TableName=names[logical])["TimeToLiveDescription"]
                if found["TimeToLiveStatus"] == "DISABLED":
                    dynamodb.update_time_to_live(TableName=names[logical], TimeToLiveSpecification=wanted)

    def _status(self, name: str) -> str | None:
        try:
            status: str = self.clients("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        except ClientError:
            return None
        return None if status == "DELETE_COMPLETE" else status

    def _wait(self, name: str) -> str | None:
        while (status := self._status(name)) and status.endswith("IN_PROGRESS"):
            time.sleep(0.02)
        return status
