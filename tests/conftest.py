"""What every test may rely on: no AWS account, no endpoint, no local setting of the person who runs them."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure of a law.
settings.register_profile("postroad", deadline=None)
settings.load_profile("postroad")

ROOT_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


# What shares one emulator stays in one process of several, and begins first: it takes longest. Stories that stop and
# start a cloud of their own go apart.
TOGETHER = ("stories", "browser", "own_cloud", "localcloud", "contracts")


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        group = "own_cloud" if "own_cloud" in getattr(item, "fixturenames", ()) else folder
        if group not in TOGETHER:
            return len(TOGETHER)
        item.add_marker(pytest.mark.xdist_group(group))
        return TOGETHER.index(group)

    items.sort(key=place)


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(ROOT_SETTINGS)
