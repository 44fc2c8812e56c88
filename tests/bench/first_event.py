"""How long from starting a process to its first handled event, with AWS stubbed.

The code is what ships: the layers as their Makefiles build them (for this machine), with byte code and pruned SDK data,
and the function's folder beside them. One run against the emulator keeps AWS's answers; the timed runs replay them
through botocore's `before-send`, so everything but the network and AWS itself is in the time: the interpreter, imports,
clients, signing, parsing, compiling the book, the fold. Lambda's own start of a sandbox is not. Nothing is waited for,
so the time is the process's own processor time: what it would take on a machine that does nothing else.
"""

import hashlib
import marshal
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.cloud import ROOT

CHILD = Path(__file__).with_name("first_event_child.py")
LAYERS = {"core": "CoreLayer", "shell": "ShellLayer"}


def build(folder: Path) -> list[str]:
    """The folders to put on the path: both layers and the functions. Built again only when their sources changed."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted((ROOT / "layers").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    target = folder / digest.hexdigest()[:16]
    if not (target / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        for layer, name in LAYERS.items():
            command = ["make", "--silent", "-C", str(ROOT / "layers" / layer), f"build-{name}"]
            settings = {"ARTIFACTS_DIR": str(target / layer), "LAYER_PLATFORM": "host", "PYTHON": sys.executable}
            (target / layer).mkdir(parents=True)
            subprocess.run(command, env={**os.environ, **settings}, check=True, capture_output=True, text=True)
        (target / "done").touch()
    # `sam build` writes no byte code for the few lines of a function.
    shutil.copytree(
        ROOT / "functions",
        target / "task" / "functions",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return [str(target / "task"), *(str(target / layer / "python") for layer in LAYERS)]


def record(
    function: str, event: Any, path: list[str], environment: dict[str, str], scratch: Path
) -> Callable[[], float]:
    """Have one fresh process keep the answers of AWS; what starts another that is given them, and says its ms."""
    tape = scratch / f"{environment['EVENTS_TABLE']}.{function}.tape"
    given = tape.with_suffix(".given")

    def start(replay: bool) -> float:
        given.write_bytes(marshal.dumps((function, event, str(tape), replay)))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
        done = subprocess.run(
            # -S: the layers are all there is, as in Lambda; what else this machine has installed would be found.
            [getattr(sys, "_base_executable", sys.executable), "-S", str(CHILD), str(given)],
            env={**kept, **environment, "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{function} did not handle its first event: {done.stderr[-2000:]}")
        return float(done.stdout.split()[-1]) * 1e3

    start(replay=False)
    return lambda: start(replay=True)
