"""A local cloud that runs a small product of its own (fixtures/product): these tests know nothing of the real one."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import local_cloud

PRODUCT = Path(__file__).parent / "fixtures" / "product"


class Cloud(local_cloud.LocalCloud):
    """One that runs the small product, and how to talk to that."""

    def start_thing(self, thing: str, **more: Any) -> None:
        assert self.call("POST", "/start", {"id": thing, **more}).status == 202

    def mails(self, thing: str) -> list[dict[str, Any]]:
        items = self.call("GET", "/_local/inbox").json["items"]
        return [item for item in items if item["headers"].get("X-Thing") == thing]

    def thing(self, thing: str) -> dict[str, str] | None:
        return next((row for row in self.call("GET", "/state").json["things"] if row["id"] == thing), None)

    def heard(self, start: str) -> set[str]:
        return {row["id"] for row in self.call("GET", "/state").json["heard"] if row["id"].startswith(start)}


def make_cloud(folder: Path, *arguments: str) -> Cloud:
    """A copy of the product that a test may change. What is installed is shared with the checkout's own .postroad."""
    store = local_cloud.make_store(folder / "store")
    shutil.copytree(PRODUCT, folder / "product", ignore=shutil.ignore_patterns("__pycache__"))
    return Cloud(folder / "product", store, local_cloud.free_port(), list(arguments))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory):
    """One local cloud for all tests that leave it as they found it (things have names of their own)."""
    running = make_cloud(tmp_path_factory.mktemp("localcloud"))
    running.start()
    yield running
    running.throw_away()


@pytest.fixture
def own(tmp_path: Path):
    """A local cloud of the test's own, not yet started."""
    cloud = make_cloud(tmp_path)
    yield cloud
    if cloud.is_running:
        cloud.throw_away()
