import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

import templatecheck
from localcloud.packaging import emulator_python
from tests.local_cloud import free_port


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template as written."""
    return templatecheck.load()


@pytest.fixture(scope="session")
def translated(template: dict[str, Any]) -> dict[str, Any]:
    """What CloudFormation makes of it."""
    return templatecheck.translate(template)


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an emulated AWS, empty at first, that the tests of this folder share."""
    python = emulator_python(templatecheck.ROOT / ".postroad", print)
    folder = tmp_path_factory.mktemp("emulator")
    address = f"http://127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "GATEWAY_PORT": address.rpartition(":")[2],
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([python, "-m", "ministack"], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        sqs = boto3.client("sqs", endpoint_url=address)
        for _ in range(300):
            try:
                sqs.list_queues()
                break
            except EndpointConnectionError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(60)
