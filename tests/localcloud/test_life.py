"""Starting, stopping, starting again, and changing the product in between."""

import json
import signal
import socket
import subprocess
import sys
import time
from typing import Any, cast

import pytest

from localcloud.engine import SAVING
from localcloud.server import serve
from tests.local_cloud import PATIENCE, free_port

EXTRA = """
import json, os
from toolbox import put, say

def handler(event, context):
    if "routeKey" in event:
        say("EXTRA", {"route": "ran"})
        return {"statusCode": 202}
    for record in event.get("Records", [{"body": json.dumps(event)}]):
        put("HEARD", id=f"extra {record['body']}")
"""

SEED = """
import json, os
from urllib.request import Request, urlopen

assert "ThingsTable" in json.loads(os.environ["STACK_OUTPUTS"])
body = json.dumps({"id": "seeded"}).encode()
urlopen(Request(os.environ["POSTROAD_URL"] + "/start", body, {"content-type": "application/json"}))
"""


def test_the_state_survives_a_restart_and_changed_code_is_deployed(own):
    own.start()
    own.start_thing("kept", mail_to="kept@example.com")
    own.advance("P3D")
    own.start_thing("waiting", wake_in=7_200)
    own.advance("PT0S")
    now = own.call("GET", "/_local/clock").json["now"]
    assert own.stop(signal.SIGINT) == 0
    app = own.product / "functions" / "front" / "app.py"
    app.write_text(app.read_text().replace("    return event\n", '    return {"changed": True}\n'))
    own.start()
    assert own.call("GET", "/echo/x").json == {"changed": True}
    assert own.thing("kept")["mail_to"] == "kept@example.com"
    assert own.call("GET", "/_local/clock").json["now"] >= now
    assert len(own.mails("kept")) == 1
    own.advance("P1D")
    assert len(own.mails("waiting")) == 1
    own.start_thing("after", mail_to="after@example.com")
    own.advance("PT0S")
    assert len(own.mails("after")) == 1
    assert own.stop(signal.SIGTERM) == 0


def test_what_is_under_way_when_it_is_stopped_is_done_once(own):
    """The small product claims nothing: what is cut off in the middle would be mailed twice, or not told."""
    own.start()
    names = [f"slow-{count}" for count in range(4)] + [f"rush-{count}" for count in range(40)]
    for name in names:
        own.start_thing(name, mail_to=f"{name}@example.com")
    until(lambda: own.mails("slow-0"))  # and whoever sent it is still at it
    assert own.stop(signal.SIGTERM) == 0
    own.start()
    assert not (own.store / "errors.log").exists()
    own.advance("PT10M")
    assert {name: len(own.mails(name)) for name in names} == dict.fromkeys(names, 1)
    told = {f"{name} Email {what}" for name in names for what in ("Sent", "Delivered")}
    assert told <= own.heard("slow-") | own.heard("rush-")


def until(happened, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_new_function_route_queue_schedule_and_state_machine_work_with_no_change_to_the_local_cloud(own):
    template = own.product / "template.yaml"
    added = """
  Extra:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {ParentPackageMode: auto}}
    Properties:
      CodeUri: functions/extra
      Handler: functions.extra.app.handler
      Environment: {Variables: {EXTRA: !Ref ExtraWork}}
      Events:
        Route: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: /extra}}
        Queue: {Type: SQS, Properties: {Queue: !GetAtt ExtraWork.Arn}}
  ExtraWork:
    Type: AWS::SQS::Queue
  ExtraMachine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {StartAt: Call, States: {Call: {Type: Task, Resource: !GetAtt Extra.Arn, End: true}}}
      Events:
        Weekly: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(7 days), Input: '{"machine": "ran"}'}}
  ExtraPlan:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(2 days)
      FlexibleTimeWindow: {Mode: "OFF"}
      Target: {Arn: !GetAtt ExtraWork.Arn, RoleArn: !GetAtt ExtraRole.Arn, Input: '{"queue": "ran"}'}
"""
    template.write_text(template.read_text().replace("\nOutputs:", added + "\nOutputs:"))
    folder = own.product / "functions" / "extra"
    folder.mkdir()
    (folder / "app.py").write_text(EXTRA)
    own.start()
    assert own.call("POST", "/extra", {}).status == 202
    own.advance("PT0S")
    assert own.heard("extra ") == {'extra {"route": "ran"}'}
    ran = own.advance("P15D")["ran"]
    assert own.heard("extra ") == {'extra {"route": "ran"}', 'extra {"queue": "ran"}', 'extra {"machine": "ran"}'}
    assert (ran["ExtraPlan"], ran["ExtraMachineWeekly"]) == (7, 2)


def test_the_seeding_command_runs_once_for_each_new_state(own, tmp_path):
    seed = tmp_path / "seed.py"
    seed.write_text(SEED)
    own.arguments = ["--seed", f"{sys.executable} {seed}"]
    own.start()
    own.advance("P1D")
    first = own.thing("seeded")["kept_at"]
    own.stop()
    own.start()
    assert own.thing("seeded")["kept_at"] == first
    own.start_thing("mine", mail_to="mine@example.com")
    own.advance("PT0S")
    assert own.call("POST", "/_local/reset", {}).status == 200
    own.advance("PT0S")
    assert own.thing("mine") is None
    assert own.thing("seeded") is not None
    assert own.call("GET", "/_local/inbox").json == {"items": []}
    now = own.call("GET", "/state").json["now"]
    assert now == pytest.approx(time.time(), abs=30)
    own.start_thing("again", mail_to="again@example.com")
    own.advance("PT0S")
    assert len(own.mails("again")) == 1


def test_a_mistake_in_the_template_is_told_in_a_sentence_and_the_next_try_works(own):
    template = own.product / "template.yaml"
    right = template.read_text()
    template.write_text(right.replace("Handler: functions.front.app.handler", "Handler: functions.front.gone.handler"))
    with pytest.raises(AssertionError, match=r"Front: its handler functions\.front\.gone\.handler needs .*gone\.py"):
        own.start()
    assert own.process.wait(PATIENCE) == 1
    template.write_text(right)
    own.start()
    assert own.call("GET", "/state").status == 200


def test_deploy_alone_puts_the_stack_into_the_emulator_that_the_environment_names(own):
    own.start()
    endpoint = f"http://127.0.0.1:{(own.store / 'state' / 'port').read_text()}"
    settings = own.store / "settings.yaml"
    settings.write_text("{name: Other, stack: other, region: us-east-1}")
    command = [sys.executable, "-m", "localcloud", "deploy", "--state", str(own.store), "--settings", str(settings)]
    done = subprocess.run(
        command,
        cwd=own.product,
        env={**own.environment, "AWS_ENDPOINT_URL": endpoint},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith(f"resources to {endpoint}\n")


def test_a_port_that_is_taken_is_told_and_nothing_stays_behind(cloud, own):
    own.port = cloud.port
    with pytest.raises(AssertionError, match="in use"):
        own.start()
    assert own.process.wait(PATIENCE) == 1


def test_nobody_gets_through_to_a_run_that_still_waits_for_the_one_before_to_end():
    """Functions of a run that was killed would find the mailbox of the next one there, and wait for an answer."""
    port = free_port()
    waiting = serve(port, cast(Any, None))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    waiting.server_activate()
    socket.create_connection(("127.0.0.1", port)).close()
    waiting.server_close()


def test_a_second_run_is_told_where_the_first_one_is_and_leaves_it_alone(own):
    own.start()
    other = free_port()
    for port, sentence in (
        (own.port, f"Postroad is already running at http://localhost:{own.port}\n"),
        (other, f"is in use by the run at http://localhost:{own.port}; stop that first.\n"),
    ):
        command = [sys.executable, "-m", "localcloud", "run", "--port", str(port), "--state", str(own.store)]
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=own.product, env=own.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert done.stderr.endswith(sentence)
        assert time.monotonic() - began < SAVING / 2  # it does not wait for the other to end
    assert own.call("GET", "/state").status == 200


def test_the_emulator_ends_in_order_even_when_the_local_cloud_is_killed(own):
    own.start()
    own.start_thing("survives")
    own.advance("PT0S")
    own.process.kill()
    own.process.wait()
    own.start()
    assert own.thing("survives") is not None


def test_reset_from_the_command_line_forgets_the_state(own):
    own.start()
    own.start_thing("forgotten")
    own.advance("P1D")
    own.stop()
    command = [sys.executable, "-m", "localcloud", "reset", "--state", str(own.store)]
    subprocess.run(command, check=True, env=own.environment, capture_output=True)
    own.start()
    assert own.call("GET", "/state").json["things"] == []
    assert json.loads(own.call("GET", "/_local/inbox").body) == {"items": []}
