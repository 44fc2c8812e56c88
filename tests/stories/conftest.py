"""The product with its demo brand on one local cloud for the whole run; each story has people of its own."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.engine import clients_for
from tests.local_cloud import ROOT, LocalCloud, free_port, make_store
from tests.stories.client import Shop


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.story)


def make_cloud(folder: Path) -> LocalCloud:
    path = (ROOT, ROOT / "layers/core", ROOT / "layers/shell", ROOT / "infra")
    seed = ["--seed", f"{shlex.quote(sys.executable)} -m demo"]
    return LocalCloud(ROOT, make_store(folder / "store"), free_port(), seed, path)


def shop_of(cloud: LocalCloud) -> Shop:
    """How to talk to a running one. Its AWS is the emulator, whose port it keeps in its state."""
    port = (cloud.store / "state" / "port").read_text()
    return Shop(cloud.url, clients_for(f"http://127.0.0.1:{port}", "us-east-1"))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    running = make_cloud(tmp_path_factory.mktemp("stories"))
    running.start()
    yield running
    running.throw_away()


@pytest.fixture
def shop(cloud: LocalCloud) -> Shop:
    return shop_of(cloud)


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """A local cloud that a story may stop and start; not yet running."""
    own = make_cloud(tmp_path)
    yield own
    if own.is_running:
        own.throw_away()
