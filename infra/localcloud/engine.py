"""The emulator as a child process, and clients for whatever endpoint is given."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config

ACCOUNT = "000000000000"


def clients_for(endpoint: str, region: str) -> Callable[[str], Any]:
    """A function that gives the client of a service; clients are shared by all threads."""
    session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="local", region_name=region)
    config = Config(
        max_pool_connections=128,
        retries={"total_max_attempts": 1},
        read_timeout=900,
        s3={"addressing_style": "path"},
        user_agent_appid="localcloud",
    )
    made: dict[str, Any] = {}
    lock = threading.Lock()

    def client(service: str) -> Any:
        with lock:
            if service not in made:
                made[service] = session.client(service, endpoint_url=endpoint, config=config)
            return made[service]

    return client


def _take_port() -> socket.socket:
    """A port that is nobody else's from now on; whoever gets the socket listens."""
    taken = socket.socket()
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    taken.bind(("127.0.0.1", 0))
    return taken


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# An emulator may take so many seconds to save what it holds: tens of thousands of people are hundreds of megabytes.
SAVING = 300.0


def only_user(state: Path, port: int = 0) -> IO[str]:
    """Take the state for a run that serves `port`. Raises RuntimeError when another run keeps it."""
    state.mkdir(parents=True, exist_ok=True)
    lock = (state / "lock").open("a+")
    deadline = time.monotonic() + SAVING  # an emulator whose parent was killed may still be at it
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = find_user(state)
            if other not in (None, port) and _answers(other):
                raise RuntimeError(
                    f"The state in {state} is in use by the run at http://localhost:{other}; stop that first."
                ) from None
            if time.monotonic() > deadline:
                raise RuntimeError(f"The state in {state} is in use by another run.") from None
            time.sleep(0.1)
        else:
            lock.truncate(0)
            lock.write(str(port))
            lock.flush()
            return lock


def find_user(state: Path) -> int | None:
    """The port of the run that keeps this state now."""
    try:
        with (state / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        port = (state / "lock").read_text()
        return int(port) if port.isdigit() else None
    return None


def _throw_away(folder: Path) -> None:
    """Delete a folder of thousands of files without waiting for it; also what an earlier run did not finish."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}.{time.time_ns()}.old"))
    for old in folder.parent.glob(f"{folder.name}.*.old"):
        threading.Thread(target=shutil.rmtree, args=(old, True), daemon=True).start()


class Engine:
    """MiniStack, bound to 127.0.0.1, its state kept in `state` when it ends in order."""

    def __init__(self, python: Path, state: Path, region: str, offset: float, serves: int = 0):
        """`serves` is the port of the local cloud itself, for whoever finds the state in use."""
        self.lock = only_user(state, serves)
        scratch = state.parent / "scratch"
        _throw_away(scratch)
        scratch.mkdir(parents=True)
        door = _take_port()
        self.port: int = door.getsockname()[1]
        (state / "port").write_text(str(self.port))  # for people and tools
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = state.parent / "emulator.log"
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTHON", "LAMBDA_"))}
        environment = kept | {
            "GATEWAY_PORT": str(self.port),
            "LOCALCLOUD_DOOR": str(door.fileno()),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state / "aws"),
            "TMPDIR": str(scratch),
            "MINISTACK_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "LOG_LEVEL": os.environ.get("LOCALCLOUD_LOG_LEVEL", "WARNING"),
            "LOCALCLOUD_OFFSET": repr(offset),
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent/no-docker",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with door, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                # -P: the modules beside it are ours, not its.
                [str(python), "-P", str(Path(__file__).with_name("emulator.py"))],
                env=environment,
                cwd=scratch,
                # The state stays taken until the emulator has saved it.
                pass_fds=[self.lock.fileno(), door.fileno()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the local cloud, which ends its child in order
            )

    def wait_until_ready(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"The AWS emulator ended at once; its last words:\n{self.log.read_text()[-2000:]}")
            if _answers(self.port):
                return
            time.sleep(0.02)
        raise RuntimeError(f"The AWS emulator did not start within {seconds:.0f} s; see {self.log}")

    def ask(self, path: str, body: dict[str, Any] | None = None, timeout: float = 120) -> Any:
        """Call one of the emulator's own addresses (not AWS's API)."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.endpoint + path, data=data), timeout=timeout) as answer:
            return json.loads(answer.read() or b"null")

    def stop(self) -> None:
        """End it; it saves its state first."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SAVING)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
