"""Who may import whom, and a proof that the core needs no AWS."""

import os
import subprocess
import sys
import textwrap

import pytest

import templatecheck

CORE = templatecheck.ROOT / "layers/core"
MODULES = sorted(
    ".".join(path.relative_to(CORE).with_suffix("").parts).removesuffix(".__init__")
    for path in CORE.glob("postroad/**/*.py")
)
IMPORT_THE_CORE_ALONE = """
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"boto3", "botocore", "pynamodb", "aws_lambda_powertools", "moto", "postroad_aws"}:
            raise ImportError(f"the core imports {name}")

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
for module in sys.argv[2:]:
    importlib.import_module(module)
print("imported", len(sys.argv) - 2)
"""


def _lint_imports(root, folders=(".",)):
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(root / folder) for folder in folders)}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_import_contracts_hold():
    answer = _lint_imports(templatecheck.ROOT, (".", "layers/core", "layers/shell", "infra"))
    assert answer.returncode == 0, answer.stdout
    assert " 0 broken" in answer.stdout


WRONG_LINES = {
    "functions/beta/app.py": ("import functions.alpha.app", "Functions do not import one another"),
    "functions/alpha/app.py": ("import botocore", "Functions reach AWS only through the shell"),
    "postroad/contacts.py": ("import botocore", "The core does not know AWS"),
    "postroad/errors.py": ("import postroad_aws", "the core uses neither"),
    "postroad_aws/settings.py": ("import localcloud", "The product does not know that it runs locally"),
    "postroad_aws/usecases/fold.py": ("import pynamodb", "PynamoDB stays in storage"),
    "postroad_aws/storage/rows.py": ("import postroad_aws.usecases.fold", "Inside the shell"),
    "localcloud/run.py": ("import postroad", "The local cloud knows only the template"),
    "postroad_command/stack.py": ("import postroad_aws", "The command speaks to a stack by its JSON API alone"),
}


@pytest.fixture
def small_tree(tmp_path):
    """Packages with the names of ours, few and empty, under our contracts."""
    for name in [*WRONG_LINES, "functions/gamma/app.py", "postroad_aws/channels/mail.py"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        for parent in path.parents:
            if parent == tmp_path:
                break
            (parent / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_bytes((templatecheck.ROOT / "pyproject.toml").read_bytes())
    return tmp_path


def test_a_tree_without_wrong_lines_passes(small_tree):
    answer = _lint_imports(small_tree)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("name", WRONG_LINES)
def test_a_wrong_line_is_found(small_tree, name):
    line, contract = WRONG_LINES[name]
    (small_tree / name).write_text(line + "\n")
    answer = _lint_imports(small_tree)
    broken = [each for each in answer.stdout.splitlines() if each.endswith("BROKEN")]
    assert answer.returncode == 1
    assert any(contract in each for each in broken), answer.stdout


# What a cold start leaves alone: its first event comes sooner without it.
SPARED = {
    "collect": (
        "pynamodb",
        "jinja2",
        "postroad.content.markup",
        "postroad.book",
        "postroad.predicates.predicate",
        "postroad.journeys",
    ),
    "send_message": (
        "pynamodb",
        "postroad.book",
        "postroad.predicates.predicate",
        "postroad.journeys",
        "postroad.envelopes.sms",
    ),
    "process_events": (
        "pynamodb",
        "jinja2",
        "postroad.envelopes",
        "postroad.content.links",
        "postroad.content.rendering",
        "postroad.definitions",
    ),
}


@pytest.mark.parametrize("function", SPARED)
def test_a_function_starts_without_what_it_may_never_need(function):
    path = os.pathsep.join(str(templatecheck.ROOT / folder) for folder in (".", "layers/core", "layers/shell"))
    told = f"import sys, functions.{function}.app; print(*sorted(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": path}
    answer = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
    loaded = answer.stdout.split()
    assert "postroad.events" in loaded
    assert not [name for name in SPARED[function] if name in loaded]


def test_a_cold_start_looks_for_no_garbage_and_leaves_room_for_clients_and_book():
    path = os.pathsep.join(str(templatecheck.ROOT / folder) for folder in (".", "layers/core", "layers/shell"))
    told = (
        "import gc, postroad_aws; before = gc.get_stats()[0]['collections']; import functions.process_events.app; "
        "print(gc.get_stats()[0]['collections'] - before, gc.get_count()[0] / gc.get_threshold()[0])"
    )
    environment = {**os.environ, "PYTHONPATH": path}
    answer = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
    collections, filled = answer.stdout.split()
    assert collections == "0"
    assert float(filled) < 0.5


def test_the_core_imports_without_aws():
    command = [sys.executable, "-c", IMPORT_THE_CORE_ALONE, str(CORE), *MODULES]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.stdout == f"imported {len(MODULES)}\n", answer.stderr


@pytest.mark.parametrize(
    "line",
    [
        "import time; NOW = time.time()",
        "from datetime import datetime; NOW = datetime.now()",
        "import random",
        "import os; HOME = os.environ['HOME']",
        "from uuid import uuid4",
        "import secrets",
    ],
)
def test_clock_chance_and_environment_are_refused_in_the_core(line):
    path = CORE / "postroad" / "planted.py"
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--select",
        "TID251",
        "--stdin-filename",
        str(path),
        "-",
    ]
    answer = subprocess.run(
        command, input=textwrap.dedent(line), capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 1, answer.stdout
    assert "TID251" in answer.stdout
