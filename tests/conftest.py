"""What every test may rely on: no AWS account, no endpoint, no local setting of the person who runs them."""

import gc
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings

# A busy machine is no failure of a law; and the tests of one commit give the same answer each time. New examples are
# drawn by `make test ARGS="--hypothesis-profile soak -k …"`.
settings.register_profile("postroad", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("soak", deadline=None, derandomize=False, max_examples=1_000)
settings.load_profile("postroad")

ROOT_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


# What shares a cloud, an emulator or a history stays in one process of several. Here is what takes long, the longest
# first, so that all processes have work to the end.
TOGETHER = (
    tuple(
        f"tests/browser/test_{name}.py"
        for name in ("pages", "journeys", "journey_editor", "template_editor", "tour", "api_page")
    ),
    ("tests/stories/test_restarts.py",),
    ("tests/stories/test_broadcasts.py",),
    ("tests/stories/test_clock.py",),
    ("tests/stories/test_once.py",),
    ("tests/localcloud/test_life.py", "tests/localcloud/test_runs.py"),
    ("tests/browser/",),
    ("tests/contracts/test_artifacts.py",),
    ("tests/localcloud/",),
    ("tests/stories/test_api_page.py",),
)
# A file of these stays together; each process makes a cloud of its own for the stories that fall to it.
BY_FILE = ("tests/stories/", "tests/contracts/", "tests/demo/", "tests/faults/test_machines.py")


def scope_of(nodeid: str) -> str:
    """What must run in one process with this test."""
    path = nodeid.partition("::")[0]
    for group in TOGETHER:
        if path.startswith(group):
            return group[0]
    return path if path.startswith(BY_FILE) else nodeid


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    firsts = {group[0]: number for number, group in enumerate(TOGETHER)}

    def turn(item: pytest.Item) -> int:
        scope = scope_of(item.nodeid)
        return firsts.get(scope, len(TOGETHER) + (not scope.startswith(BY_FILE)))

    items.sort(key=turn)


def pytest_xdist_auto_num_workers() -> int:
    """Two processes more than there are processors: most of the time one waits for a cloud, another for a browser."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is imported and collected by now stays: no test has to look through it for garbage, and rarely for more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    twice = [nodeid for nodeid, times in Counter(item.nodeid for item in session.items).items() if times > 1]
    if twice:
        raise pytest.UsageError(f"Of tests with one name, several processes run only one: {', '.join(twice)}")


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
