"""The JSON API of an account on moto, at an address of this machine, and a folder to keep its definitions in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from demo.documents import load_definitions
from postroad_aws.storage import definitions
from postroad_command.__main__ import main
from tests.account import Account, account, bare_account, clients
from tests.functions.api.wsgi import application
from tests.shell.conftest import table_properties, template

__all__ = ["account", "bare_account", "clients", "table_properties", "template"]

Run = Callable[..., tuple[int, str, str]]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def stack(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the API answers; the environment says it, and the key. Every live definition has its draft."""
    for key, document in load_definitions().items():
        kind, _, definition_id = key.partition("/")
        definitions.save_draft(kind, definition_id, document, edit=0, now=account.now())
    server = make_server("127.0.0.1", 0, application, handler_class=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("POSTROAD_URL", url)
    monkeypatch.setenv("POSTROAD_API_KEY", "demo-api-key")
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def postroad(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder; what it ends with, and what it said and complained of."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(arguments)
        said, complained = capsys.readouterr()
        return status, said, complained

    return run
