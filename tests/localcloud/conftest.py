"""A local cloud that runs a small product of its own (fixtures/product), so that these tests know nothing of the real one."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = Path(__file__).parent / "fixtures" / "product"


def free_port() -> int:
    for port in range(8100, 8151):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port between 8100 and 8150")


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Cloud:
    """One running `python -m localcloud run`, and how to talk to it."""

    product: Path
    store: Path
    port: int
    arguments: list[str] = field(default_factory=list)
    process: Any = None
    output: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT / "infra")}

    def start(self, seconds: float = 180) -> float:
        """Start and wait for the last line; how many seconds it took."""
        began = time.monotonic()
        command = [sys.executable, "-m", "localcloud", "run", "--port", str(self.port), "--state", str(self.store)]
        self.process = subprocess.Popen(
            [*command, *self.arguments],
            cwd=self.product,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line == f"Postroad is running at http://localhost:{self.port}\n":
                self.output = "".join(lines)
                return time.monotonic() - began
            assert time.monotonic() - began < seconds
        raise AssertionError("it did not start:\n" + "".join(lines))

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=40)
        self.output += rest
        return self.process.returncode

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        asked = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, asked, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            return Answer(answer.code, answer.headers, answer.read())

    def start_thing(self, thing: str, **more: Any) -> None:
        assert self.call("POST", "/start", {"id": thing, **more}).status == 202

    def advance(self, duration: str) -> dict[str, Any]:
        answer = self.call("POST", "/_local/clock", {"advance": duration})
        assert answer.status == 200, answer.body
        return answer.json

    def mails(self, thing: str) -> list[dict[str, Any]]:
        return [item for item in self.call("GET", "/_local/inbox").json["items"] if item["headers"].get("X-Thing") == thing]

    def thing(self, thing: str) -> dict[str, str] | None:
        return next((row for row in self.call("GET", "/state").json["things"] if row["id"] == thing), None)

    def heard(self, start: str) -> set[str]:
        return {row["id"] for row in self.call("GET", "/state").json["heard"] if row["id"].startswith(start)}


def make_cloud(folder: Path, *arguments: str) -> Cloud:
    """A copy of the product that a test may change. What is installed is shared with the checkout's own .postroad."""
    from localcloud.packaging import emulator_python

    emulator_python(ROOT / ".postroad", print)
    store = folder / "store"
    store.mkdir(parents=True)
    for name in ("emulator", "packages"):
        (ROOT / ".postroad" / name).mkdir(exist_ok=True)
        (store / name).symlink_to(ROOT / ".postroad" / name)
    shutil.copytree(PRODUCT, folder / "product", ignore=shutil.ignore_patterns("__pycache__"))
    return Cloud(folder / "product", store, free_port(), list(arguments))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory):
    """One local cloud for all tests that leave it as they found it (things have names of their own)."""
    running = make_cloud(tmp_path_factory.mktemp("localcloud"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def own(tmp_path: Path):
    """A local cloud of the test's own, not yet started."""
    cloud = make_cloud(tmp_path)
    yield cloud
    if cloud.process and cloud.process.poll() is None:
        cloud.stop()
