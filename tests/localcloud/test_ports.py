"""Several runs of the tests start local clouds at once, beside whatever else a machine does."""

import socket
import subprocess
import sys

import pytest

from localcloud.engine import Engine
from localcloud.packaging import emulator_python
from tests.local_cloud import ROOT, free_port


def test_a_port_that_was_given_is_given_to_nobody_else():
    mine = {free_port() for _ in range(50)}
    code = "from tests.local_cloud import free_port; print(*(free_port() for _ in range(50)))"
    theirs = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(mine | set(map(int, theirs.stdout.split()))) == 100


def test_a_port_that_was_given_waits_for_the_server_that_is_to_have_it():
    port = free_port()
    for _ in ("started", "and started again"):
        _is_taken(port)
        with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            pass


def test_nobody_takes_the_emulator_s_port_before_it_listens(tmp_path):
    python = emulator_python(ROOT / ".postroad", print)
    engine = Engine(python, tmp_path / "state", "us-east-1", 0.0)
    try:
        _is_taken(engine.port)
        engine.wait_until_ready()
        assert engine.ask("/_localcloud/executions") == {}
        _is_taken(engine.port)
    finally:
        engine.stop()


def _is_taken(port: int) -> None:
    with socket.socket() as somebody, pytest.raises(OSError, match="in use"):
        somebody.bind(("127.0.0.1", port))
