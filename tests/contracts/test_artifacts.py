"""What SAM builds, run as Lambda would run it: each function with nothing but its layers on the path."""

import base64
import hmac
import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import boto3
import pytest

import templatecheck
from functions.console.sessions import Session, cookie_name, seal_session
from tests.contracts import powers

pytestmark = pytest.mark.artifact

ROOT = templatecheck.ROOT
SAM = ROOT / ".postroad/sam/bin/sam"
FOREIGN = {"pytest", "moto", "hypothesis", "cfnlint", "samtranslator", "ruff"}
RUN = """
import importlib, importlib.util, json, sys
given = json.loads(sys.stdin.readline())
sys.path[:0] = given["path"]
assert not [name for name in given["foreign"] if importlib.util.find_spec(name)], "more than the layers is on the path"
module, _, name = given["handler"].rpartition(".")

import botocore.client
calls, make_call = [], botocore.client.BaseClient._make_api_call
def record(client, operation, parameters):
    calls.append([client.meta.service_model.service_name, operation, parameters])
    return make_call(client, operation, parameters)
botocore.client.BaseClient._make_api_call = record

class Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "test"
    def get_remaining_time_in_millis(self):
        return 30_000

handler = getattr(importlib.import_module(module), name)
for line in sys.stdin:
    calls.clear()
    answer = handler(json.loads(line), Context())
    outside = [name for name, each in sys.modules.items() if "site-packages" in (getattr(each, "__file__", None) or "")]
    assert not outside, outside
    print("\\n" + given["mark"] + json.dumps({"answer": answer, "calls": calls}, default=str), flush=True)
"""
# What a function itself prints stands on lines of its own.
MARK = "answered: "


def _run(*command, **variables):
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "PYTHON": sys.executable, **variables}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def _build(folder):
    """`sam build`, for Lambda."""
    _run(SAM, "build", "--parallel", "--build-dir", folder, "--cache-dir", folder.with_suffix(".cache"))
    return folder


def _build_layer(name, folder):
    """What `sam build` calls for a layer, for this machine; answers what goes onto the path."""
    _run("make", "-C", f"layers/{name}", f"build-{name.title()}Layer", LAYER_PLATFORM="host", ARTIFACTS_DIR=str(folder))
    return folder / "python"


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """The build for Lambda, and the layers for this machine, made side by side: (folder, folders)."""
    folder = tmp_path_factory.mktemp("builds")
    with ThreadPoolExecutor() as pool:
        build = pool.submit(_build, folder / "arm64")
        layers = [pool.submit(_build_layer, name, folder / name) for name in ("core", "shell")]
    return build.result(), [layer.result() for layer in layers]


@pytest.fixture(scope="module")
def arm_build(builds):
    return builds[0]


@pytest.fixture(scope="module")
def host_layers(builds):
    return builds[1]


def _list_functions(template):
    return [name for name, each in template["Resources"].items() if each["Type"] == "AWS::Serverless::Function"]


# ---------------------------------------------------------------- what is in it


def test_a_function_holds_its_folder_and_nothing_else(arm_build, template):
    for name in _list_functions(template):
        files = {
            path.relative_to(arm_build / name).parts[:2] for path in (arm_build / name).rglob("*") if path.is_file()
        }
        folder = template["Resources"][name]["Properties"]["CodeUri"].partition("/")[2]
        assert {parts for parts in files if parts[1] != "__init__.py"} == {("functions", folder)}


def test_the_arm64_build_holds_only_arm64_libraries(arm_build):
    libraries = list(arm_build.rglob("*.so"))
    assert libraries
    for library in libraries:
        assert re.search(r"\.(cpython-313-aarch64-linux-gnu|abi3)\.so$", library.name), library
        # ELF header: 64 bit at byte 4; machine 183 is AArch64, at byte 18.
        header = library.read_bytes()[:20]
        assert (header[:5], int.from_bytes(header[18:20], "little")) == (b"\x7fELF\x02", 183), library


def test_every_wheel_in_the_arm64_build_suits_lambda(arm_build):
    tags = {
        line.removeprefix("Tag: ")
        for wheel in arm_build.glob("*Layer/python/*.dist-info/WHEEL")
        for line in wheel.read_text().splitlines()
        if line.startswith("Tag: ")
    }
    assert tags
    for tag in tags:
        interpreter, _, platform = tag.split("-", 2)
        assert interpreter in {"py2", "py3", "cp313"} or interpreter.startswith("cp3"), tag
        assert platform == "any" or platform.endswith("aarch64"), tag


def test_the_layers_hold_what_their_lock_files_say_and_no_more(arm_build):
    for layer, folder in (("CoreLayer", "core"), ("ShellLayer", "shell")):
        lines = (ROOT / "layers" / folder / "requirements.txt").read_text().splitlines()
        pinned = {line.split()[0].lower().replace("-", "_") for line in lines if "==" in line}
        infos = {path.name.removesuffix(".dist-info") for path in (arm_build / layer / "python").glob("*.dist-info")}
        assert {info.lower().replace("-", "==").replace("-", "_") for info in infos} == pinned


def test_only_the_services_that_the_shell_calls_are_shipped(arm_build):
    from postroad_aws import clients

    data = arm_build / "ShellLayer/python/botocore/data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == set(clients.SERVICES)


def test_layers_stay_small(arm_build):
    size = sum(path.stat().st_size for path in arm_build.glob("*Layer/**/*") if path.is_file())
    assert size < 26_000_000


# ---------------------------------------------------------------- does it run

KEPT_TYPES = {"AWS::DynamoDB::Table", "AWS::SQS::Queue"}


@pytest.fixture(scope="module")
def stack(endpoint, translated):
    """The tables and queues of the template on the emulator: {logical id: physical id}."""
    cloudformation = boto3.client("cloudformation", endpoint_url=endpoint)
    body = {
        "Parameters": translated["Parameters"],
        "Conditions": translated["Conditions"],
        "Resources": {name: each for name, each in translated["Resources"].items() if each["Type"] in KEPT_TYPES},
    }
    parameters = [{"ParameterKey": "DeletionProtection", "ParameterValue": "false"}]
    cloudformation.create_stack(StackName="artifacts", TemplateBody=json.dumps(body), Parameters=parameters)
    for _ in range(1_200):
        status = cloudformation.describe_stacks(StackName="artifacts")["Stacks"][0]["StackStatus"]
        if status != "CREATE_IN_PROGRESS":
            break
        time.sleep(0.1)
    assert status == "CREATE_COMPLETE"
    resources = cloudformation.describe_stack_resources(StackName="artifacts")["StackResources"]
    done = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    states = boto3.client("stepfunctions", endpoint_url=endpoint)
    role = "arn:aws:iam::000000000000:role/any"
    machines = {
        name: states.create_state_machine(name=f"artifacts-{name.lower()}", definition=done, roleArn=role)
        for name in ("Rebuild", "Broadcast")
    }
    boto3.client("scheduler", endpoint_url=endpoint).create_schedule_group(Name="artifacts-broadcasts")
    return {
        **{each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources},
        **{name: machine["stateMachineArn"] for name, machine in machines.items()},
        "BroadcastSchedules": "artifacts-broadcasts",
    }


@pytest.fixture(scope="module")
def mailbox():
    """Speaks SES v2's SendEmail, and keeps what was sent: (address, requests)."""
    requests = []

    class Mailbox(BaseHTTPRequestHandler):
        def do_POST(self):
            requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"MessageId": f"ses-{len(requests)}"}).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Mailbox) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requests
        server.shutdown()


@pytest.fixture(scope="module")
def environment(endpoint, template, stack, mailbox):
    """What the template puts into each function's environment: {function: variables}."""

    def resolve(value):
        name = value.get("Ref", "") if isinstance(value, dict) else ""
        return {"ConfigurationSet": "postroad", "BaseUrl": ""}.get(name, stack.get(name, "https://mail.example"))

    common = template["Globals"]["Function"]["Environment"]["Variables"]
    return {
        name: {
            key: resolve(value)
            for key, value in {
                **common,
                **template["Resources"][name]["Properties"].get("Environment", {}).get("Variables", {}),
            }.items()
        }
        | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL_SESV2": mailbox[0],
            **{key: os.environ[key] for key in os.environ if key.startswith("AWS_")},
        }
        for name in _list_functions(template)
    }


@pytest.fixture(scope="module")
def call(arm_build, host_layers, template, translated, environment, stack, keys):
    """Calls a function of the built artifact and returns its answer. Each has a process, which stays warm."""
    physical = {value: name for name, value in stack.items()}
    running = {}

    def start(name):
        given = {
            "path": [str(arm_build / name), *map(str, host_layers)],
            "foreign": sorted(FOREIGN),
            "handler": template["Resources"][name]["Properties"]["Handler"],
            "mark": MARK,
        }
        # -I and -S: neither the environment nor site-packages add to the path.
        command = [sys.executable, "-I", "-S", "-c", RUN]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(command, env=environment[name], text=True, **pipes)
        print(json.dumps(given), file=process.stdin)
        return process

    def called(name, event):
        process = running.get(name) or running.setdefault(name, start(name))
        print(json.dumps(event), file=process.stdin, flush=True)
        late = threading.Timer(60, process.kill)
        late.start()
        lines = [process.stdout.readline()]
        while lines[-1] and not lines[-1].startswith(MARK):
            lines.append(process.stdout.readline())
        late.cancel()
        assert lines[-1], "".join(lines)[-2000:]
        said = json.loads(lines[-1].removeprefix(MARK))
        # What it called, its role must allow: an emulator would not notice.
        assert powers.find_missing(translated, name, said["calls"], physical) == set()
        return said["answer"]

    yield called
    for process in running.values():
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def keys(endpoint, stack):
    """The keys that an operator makes for the stack: {kind: key}."""
    command = [sys.executable, ROOT / "infra/keys.py", "--stack", "artifacts"]
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("layers/core", "layers/shell"))
    environment = {**os.environ, "AWS_ENDPOINT_URL": endpoint, "PYTHONPATH": paths}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


def _request(method, path, body=None, token=None):
    path, _, query = path.partition("?")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": dict(parse_qsl(query)),
        "pathParameters": {"form" if path.startswith("/f/") else "token": path.rpartition("/")[2]},
        "headers": {
            "host": "api.example",
            "content-type": "application/json",
            **({"authorization": f"Bearer {token}"} if token else {}),
        },
        "requestContext": {
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "test",
            },
            "accountId": "000000000000",
            "apiId": "api",
            "domainName": "api.example",
            "domainPrefix": "api",
            "routeKey": "$default",
            "stage": "$default",
            "time": "02/Nov/2026:09:14:00 +0000",
            "requestId": "request-1",
            "timeEpoch": 1_795_000_000_000,
        },
        "isBase64Encoded": False,
        **({"body": json.dumps(body)} if body is not None else {}),
    }


def _records(source, *bodies, **attributes):
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "r",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795000000000", **attributes},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{source}",
            }
            for number, body in enumerate(bodies)
        ]
    }


def _take(sqs, url):
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages


DEFINITIONS = {
    "policy/policy": {
        "name": "Shop",
        "timezone": "UTC",
        "from": "Shop <shop@example.com>",
        "sms_from": "Shop",
        "postal_address": "1 Harbour Road",
        "topics": [{"id": "offers", "name": "Offers", "opt_in": False}],
        "calendar": {"channels": {"sms": {"quiet": []}}},
    },
    "template/hello": {
        "name": "Hello",
        "channel": "email",
        "topic": "offers",
        "subject": "Hello {{ contact.first_name }}",
        "html": '<p><a href="https://shop.example/">{{ event.plan }}</a> <a href="{{ unsubscribe_url }}">Bye</a> '
        "{{ account.postal_address }}</p>",
    },
    "template/text": {"name": "Text", "channel": "sms", "topic": "offers", "text": "Hello {{ contact.first_name }}"},
    "form/contact": {"name": "Contact", "fields": [{"id": "email", "type": "email", "required": True}]},
    "segment/pro": {"name": "Pro", "if": {"attribute": "plan", "is": "pro"}},
    "journey/hello": {
        "name": "Hello",
        "trigger": {"event": "Signed Up"},
        "steps": [
            {"id": "mail", "send": {"template": "hello", "channel": "email"}},
            {"id": "text", "send": {"template": "text", "channel": "sms"}},
            {"id": "pause", "wait": {"for": "PT1S"}},
            {"id": "mark", "update": {"set": {"greeted": True}}},
        ],
    },
}
PERSON = {"email": "ana@example.com", "phone": "+15550100", "first_name": "Ana", "plan": "pro"}


def test_the_whole_loop_runs_on_the_built_functions(call, keys, environment, endpoint, mailbox):
    """From a definition to a mail and what the person does with it: every function, every table, every power."""
    sqs, dynamodb = (boto3.client(name, endpoint_url=endpoint) for name in ("sqs", "dynamodb"))
    names = environment["Api"]

    def ask(method, path, body=None):
        answer = call("Api", _request(method, f"/api/v1/{path}", body, token=keys["api"]))
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"])

    def track(*events):
        batch = {"batch": list(events), "writeKey": keys["write"]}
        assert call("Collect", _request("POST", "/v1/batch", batch))["statusCode"] == 200
        fold()

    def fold():
        messages = _take(sqs, names["EVENTS_QUEUE_URL"])
        assert messages
        for message in messages:
            records = _records("events.fifo", message["Body"], MessageGroupId=message["Attributes"]["MessageGroupId"])
            assert call("ProcessEvents", records) == {"batchItemFailures": []}

    # Definitions: drafts, then live, then a rebuild of who is there.
    for key, document in DEFINITIONS.items():
        ask("PUT", f"definitions/{key}", document)
    revision = ask("POST", "definitions/publish", {"definitions": list(DEFINITIONS)})["revision"]

    # A person signs up; one event of the batch is bad.
    track(
        {"type": "identify", "userId": "ana", "messageId": "loop-1", "traits": PERSON},
        {"type": "track", "event": "Signed Up", "userId": "ana", "messageId": "loop-2", "properties": {"plan": "pro"}},
        {"type": "track", "userId": "ana", "messageId": "loop-3"},
    )
    (contact,) = ask("GET", "contacts")["items"]
    assert contact["attributes"]["first_name"] == "Ana"
    assert contact["segments"]
    (rejected,) = ask("GET", "quarantine")["items"]
    assert rejected

    # Messages: from the table's stream to the channel.
    rows = dynamodb.scan(TableName=names["MESSAGES_TABLE"])["Items"]
    assert {row["state"]["S"] for row in rows} == {"queued"}
    stream = [
        {
            "eventName": "INSERT",
            "dynamodb": {
                "Keys": {"message_id": row["message_id"]},
                "NewImage": {"message_id": row["message_id"], "state": row["state"]},
                "SequenceNumber": str(number),
            },
        }
        for number, row in enumerate(rows)
    ]
    assert call("RelayMessages", {"Records": stream}) == {"batchItemFailures": []}
    sends = [message["Body"] for message in _take(sqs, names["SENDS_QUEUE_URL"])]
    assert len(sends) == 2
    assert call("SendMessage", _records("sends", *sends)) == {"batchItemFailures": []}
    (mail,) = mailbox[1]
    content = message_from_bytes(base64.b64decode(mail["Content"]["Raw"]["Data"]), policy=policy.default)
    html = content.get_body(("html",)).get_content()
    assert content["subject"] == "Hello Ana"
    assert "pro" in html
    states = {each["state"] for each in ask("GET", f"messages?contact={contact['contact_id']}")["items"]}
    assert states == {"sent"}

    # What the person does with it.
    token = {kind: re.search(rf"https://mail\.example(/{kind}/[\w.~-]+)", html)[1] for kind in "ocu"}
    assert call("Collect", _request("GET", token["o"]))["statusCode"] == 200
    assert call("Collect", _request("GET", token["c"]))["headers"]["location"] == "https://shop.example/"
    fold()
    tags = {tag["Name"]: [tag["Value"]] for tag in mail["EmailTags"]}
    sent = {"messageId": "ses-1", "destination": [PERSON["email"]], "timestamp": "2026-11-02T09:14:00.000Z"}
    for kind, part in {
        "Delivery": {"timestamp": "2026-11-02T09:14:01.000Z"},
        "Complaint": {
            "timestamp": "2026-11-02T09:15:00.000Z",
            "complainedRecipients": [{"emailAddress": PERSON["email"]}],
        },
    }.items():
        detail = {"eventType": kind, "mail": {**sent, "tags": tags}, kind.lower(): part}
        call("RecordFeedback", {"source": "aws.ses", "detail-type": f"Email {kind}", "detail": detail})
    assert call("Public", _request("GET", token["u"]))["statusCode"] == 200
    assert call("Public", _request("POST", token["u"]))["statusCode"] == 200
    reply = {"originationNumber": PERSON["phone"], "messageBody": "STOP", "destinationNumber": "+15550199"}
    record = {"Sns": {"Message": json.dumps(reply), "MessageId": "sns-1", "Timestamp": "2026-11-02T09:16:00.000Z"}}
    call("RecordFeedback", {"Records": [record]})
    fold()
    for table in ("SUPPRESSIONS", "CONSENTS", "CONSENT_PROOF"):
        assert dynamodb.scan(TableName=names[f"{table}_TABLE"])["Items"], table

    # A form, and a letter to everybody in a segment.
    assert call("Public", _request("GET", "/f/contact"))["statusCode"] == 200
    assert call("Public", _request("POST", "/f/contact", {"email": "ben@example.com"}))["statusCode"] == 200
    fold()
    ask("PUT", "definitions/broadcast/letter", {"segment": "pro", "template": "hello"})
    ask("POST", "broadcasts/letter/schedule", {})
    run = {"broadcast_id": "letter", "number": 1}
    begun = call("RunBroadcast", {"do": "begin", **run})
    assert begun["task"] == "address"
    for shard in begun["shards"]:
        addressed = call("RunBroadcast", {"do": "address", **run, "shard": shard, "cursor": None})
        assert addressed["cursor"] is None
    counted = call("RunBroadcast", {"do": "count", **run, "cursor": None, "tally": None})
    assert counted["tally"]["states"] == {"skipped": 1}
    assert ask("GET", "broadcasts/letter")["run"]["tally"]["audience"] == 1

    # Numbers: what the streams of two tables say of their rows.
    for table in ("MEMBERSHIPS", "MESSAGES"):
        rows = dynamodb.scan(TableName=names[f"{table}_TABLE"])["Items"]
        inserted = [_insert(row, number) for number, row in enumerate(rows)]
        for _ in range(2):  # it may come again
            assert call("CountStats", {"Records": inserted}) == {"batchItemFailures": []}
    assert ask("GET", "segments/pro/counts") == {"here": 1, "entered": 1}

    # Time passes, and the clock wakes the journey.
    for _ in range(300):
        if call("WakeContacts", {"time": "2026-11-02T09:15:00Z"})["woken"]:
            break
        time.sleep(0.2)
    fold()
    assert ask("GET", f"contacts/{contact['contact_id']}")["attributes"]["greeted"] is True
    ask("GET", f"contacts/{contact['contact_id']}/timeline")
    ask("GET", f"contacts/{contact['contact_id']}/decisions")

    key = {"contact_id": {"S": contact["contact_id"]}}
    shard = dynamodb.get_item(TableName=names["CONTACTS_TABLE"], Key=key)["Item"]["shard"]
    everybody = dynamodb.scan(TableName=names["CONTACTS_TABLE"])["Items"]
    there = sum(stored.get("shard") == shard for stored in everybody)
    given = {"shard": shard["S"], "revision": revision, "cursor": None}
    assert call("RebuildContacts", given) == {**given, "folded": there, "done": there, "of": there}

    # The console, for somebody who is signed in.
    secret = dynamodb.get_item(TableName=names["KEYS_TABLE"], Key={"key_hash": {"S": "secret"}})["Item"]["secret"]["B"]
    session = Session("Marta", "marta@example.com", "admin", time.time() + 600)
    token = seal_session(session, hmac.digest(bytes(secret), b"sessions", "sha256"))
    message_id = ask("GET", f"messages?contact={contact['contact_id']}")["items"][0]["message_id"]
    ours = {"origin": "https://api.example", "sec-fetch-site": "same-origin"}

    def visit(method, path):
        event = _request(method, f"/console{path}")
        event["cookies"] = [f"{cookie_name('session', True)}={token}"]
        event["headers"] |= {**ours, "content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        return call("Console", event)["statusCode"]

    for path in (
        "",
        "/contacts",
        "/contacts?q=ana@example.com",
        f"/contacts/{contact['contact_id']}",
        f"/contacts/{contact['contact_id']}?tab=messages",
        "/segments",
        "/segments/pro",
        "/messages?from=journey/hello",
        f"/messages/{message_id}",
        f"/messages/{message_id}/preview",
        "/quarantine",
        "/journeys",
        "/journeys/hello",
        "/journeys/hello/people?at=pause",
        "/broadcasts",
        "/broadcasts/letter",
        "/broadcasts/letter/people",
        "/tour",
    ):
        assert visit("GET", path) == 200, path
    assert visit("POST", "/journeys/hello/withdraw") == 303


def _insert(row, number):
    """A stream's record of a new row."""
    change = {"Keys": row, "NewImage": row, "SequenceNumber": str(number), "ApproximateCreationDateTime": 1_793_610_000}
    return {"eventName": "INSERT", "dynamodb": change}


def test_the_built_preflight_answers(call):
    answer = call("Collect", _request("OPTIONS", "/v1/track"))
    assert answer["statusCode"] in (200, 204)


def test_the_built_page_refuses_a_token_that_is_none(call):
    answer = call("Public", _request("GET", "/u/not-a-token"))
    assert 400 <= answer["statusCode"] < 500


def test_the_built_api_refuses_a_stranger(call):
    assert call("Api", _request("GET", "/api/v1/contacts"))["statusCode"] == 401


def test_the_built_console_sends_a_stranger_to_the_sign_in(call):
    answer = call("Console", _request("GET", "/console/contacts"))
    assert answer["statusCode"] == 303
    assert answer["headers"]["location"] == "/console/sign-in?back=%2Fconsole%2Fcontacts"
    answer = call("Console", _request("GET", "/console/assets/x/tabler.min.css"))
    assert answer["statusCode"] == 200


def test_the_built_clock_says_whether_more_is_due(call):
    assert call("WakeContacts", {"time": "2026-11-02T09:14:00Z"})["more"] is False


def test_the_built_rebuild_ends_on_an_empty_shard(call):
    answer = call("RebuildContacts", {"shard": "15", "revision": 0, "cursor": None})
    assert answer["cursor"] is None
    assert answer["shard"] == "15"


def test_the_built_relay_puts_a_queued_message_on_the_sends_queue(call, environment, endpoint):
    image = {"message_id": {"S": "message-1"}, "state": {"S": "queued"}, "contact_id": {"S": "c"}}
    record = {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": {"message_id": {"S": "message-1"}}, "NewImage": image, "SequenceNumber": "100"},
    }
    assert call("RelayMessages", {"Records": [record]}) == {"batchItemFailures": []}
    sqs = boto3.client("sqs", endpoint_url=endpoint)
    (message,) = _take(sqs, environment["RelayMessages"]["SENDS_QUEUE_URL"])
    assert "message-1" in message["Body"]


def test_the_built_sender_lets_an_unknown_message_go(call):
    assert call("SendMessage", _records("sends", "no-such-message")) == {"batchItemFailures": []}


def test_the_built_sweep_finds_nothing(call):
    call("SweepMessages", {})


def test_the_built_judge_finds_no_experiment(call):
    assert call("JudgeExperiments", {}) == {}


def test_the_built_learner_finds_nobody_to_learn_from(call):
    assert call("LearnRhythm", {}) == {}


def test_the_built_feedback_ignores_mail_that_is_not_ours(call):
    mail = {"messageId": "ses-1", "tags": {"ses:configuration-set": ["postroad"]}, "destination": ["a@example.com"]}
    detail = {"eventType": "Delivery", "mail": mail, "delivery": {"timestamp": "2026-11-02T09:14:00.000Z"}}
    call("RecordFeedback", {"source": "aws.ses", "detail-type": "Email Delivered", "detail": detail})
