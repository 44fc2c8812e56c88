"""What every test may rely on: no AWS account, no endpoint, no local setting of the person who runs them."""

import gc
import os
from typing import Any

import pytest
from hypothesis import settings

# A busy machine is no failure of a law; and the tests of one commit give the same answer each time. New examples are
# drawn by `make test ARGS="--hypothesis-profile soak -k …"`.
settings.register_profile("postroad", deadline=None, derandomize=True)
settings.register_profile("soak", deadline=None, derandomize=False, max_examples=1_000)
settings.load_profile("postroad")

ROOT_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


# What shares one emulator, or one history, stays in one process of several, and begins first: it takes longest.
TOGETHER = ("tests/stories", "tests/browser", "tests/localcloud", "tests/contracts", "tests/demo")
# Stories that only use clouds of their own.
APART = ("tests/stories/test_restarts.py", "tests/stories/test_api_page.py")


def scope_of(nodeid: str) -> str:
    """What must run in one process with this test."""
    return next((scope for scope in (*APART, *TOGETHER) if nodeid.startswith(scope)), nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {scope: number for number, scope in enumerate((TOGETHER[0], *APART, *TOGETHER[1:]))}
    items.sort(key=lambda item: order.get(scope_of(item.nodeid), len(order)))


def pytest_collection_finish() -> None:
    """What is imported and collected by now stays: no test has to look through it for garbage again."""
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(ROOT_SETTINGS)
