"""The repository itself: what it says is there is there, and what may not be in it is not."""

import re
import subprocess
import tomllib

import pytest

import templatecheck

ROOT = templatecheck.ROOT
LOCKED = [
    "layers/core/requirements",
    "layers/shell/requirements",
    "infra/localcloud/requirements",
    "requirements-dev",
    "requirements-browser",
    "requirements-sam",
]
# Hosts in two halves, so that this file does not name them.
HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "deb." + "debian.org",
    "yarn" + "pkg.com",
]
MACHINE_PATHS = [
    r"(?<![\w.])/" + "root/",
    r"(?<![\w.])/" + "work/",
    r"(?<![\w.])/home/" + r"[a-z]\w*/",
    r"\.\./" + "shared",
]


def _list_files():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def _list_pins(name):
    """{package: version} of a requirements file."""
    pins = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in pins}


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine():
    forbidden = re.compile("|".join([re.escape(host) for host in HOSTS] + MACHINE_PATHS))
    found = []
    for path in _list_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in forbidden.finditer(text)]
    assert found == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "LICENSE", "Makefile", "template.yaml", ".ci/run"])
def test_the_repository_has_what_a_stranger_looks_for(name):
    assert (ROOT / name).read_text().strip()


def test_the_licence_is_apache_2():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"


@pytest.mark.parametrize("name", LOCKED)
def test_every_declared_dependency_is_locked_as_declared(name):
    declared, locked = _list_pins(f"{name}.in"), _list_pins(f"{name}.txt")
    assert declared.items() <= locked.items()
    text = (ROOT / f"{name}.txt").read_text()
    assert not re.search(r"^--|://", text, re.MULTILINE)


def test_tests_run_with_the_versions_that_are_shipped():
    tested = _list_pins("requirements-dev.txt")
    for layer in ("core", "shell"):
        assert _list_pins(f"layers/{layer}/requirements.txt").items() <= tested.items()


def test_make_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"make (\S+)", listed)) >= phony


def test_every_make_command_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for command in re.findall(
            r"^ *(?:[A-Z_]+=\S+ )*make ([a-z-]+)|`make ([a-z-]+)[^`]*`", path.read_text(), re.MULTILINE
        ):
            assert set(command) & targets, f"{path.name}: make {''.join(command)}"
