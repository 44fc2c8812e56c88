"""Several processes of one run of the tests start local clouds at the same time."""

import subprocess
import sys

from tests import local_cloud
from tests.local_cloud import ROOT, free_port


def test_a_port_that_was_given_is_given_to_nobody_else(monkeypatch):
    monkeypatch.setattr(local_cloud, "PORTS", range(29_000, 29_003))
    mine = [free_port(), free_port()]
    code = "from tests import local_cloud; local_cloud.PORTS = range(29_000, 29_003); print(local_cloud.free_port())"
    theirs = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert sorted([*mine, int(theirs.stdout)]) == [29_000, 29_001, 29_002]
