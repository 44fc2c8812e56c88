"""A running `python -m localcloud run` that tests start, talk to and stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# What a busy machine may add to an instant, in seconds, and how long it may take for whatever takes a moment.
SLACK = 20.0
PATIENCE = 360.0


_reserved: list[socket.socket] = []


def free_port() -> int:
    """One that nobody else gets while this process lives: it stays bound, and only servers may share it."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    port: int = taken.getsockname()[1]
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        with socket.create_server(("127.0.0.1", port)):
            _reserved.append(taken)
    except OSError:  # not every system lets a server share
        taken.close()
    return port


def make_store(store: Path) -> Path:
    """A folder for what a local cloud keeps. What is installed is shared with the checkout's own .postroad."""
    from localcloud.packaging import emulator_python

    emulator_python(ROOT / ".postroad", print)
    store.mkdir(parents=True)
    for name in ("emulator", "packages"):
        (ROOT / ".postroad" / name).mkdir(exist_ok=True)
        (store / name).symlink_to(ROOT / ".postroad" / name)
    return store


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class LocalCloud:
    """One local cloud for the product in the folder `product`, and how to talk to it."""

    product: Path
    store: Path
    port: int
    arguments: list[str] = field(default_factory=list)
    path: tuple[Path, ...] = (ROOT / "infra",)
    process: Any = None
    output: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, self.path))}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, seconds: float = PATIENCE) -> float:
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
        rest, _ = self.process.communicate(timeout=PATIENCE)
        self.output += rest
        return self.process.returncode

    def throw_away(self) -> None:
        """End it without its state, which takes seconds to save, and which nobody reads any more."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in children.read_text().split() if children.exists() else ():
            with suppress(ProcessLookupError):
                os.killpg(int(child), signal.SIGKILL)  # the emulator, which leads a group of its own
        self.stop()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        asked = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
        request = urllib.request.Request(f"{self.url}{path}", data, asked, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            return Answer(answer.code, answer.headers, answer.read())

    def advance(self, duration: str) -> dict[str, Any]:
        answer = self.call("POST", "/_local/clock", {"advance": duration})
        assert answer.status == 200, answer.body
        return answer.json
