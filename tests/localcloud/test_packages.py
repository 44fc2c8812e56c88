"""Packages are installed once, however many local clouds of a machine begin at the same time."""

import sys
import time
from pathlib import Path
from threading import Thread

from localcloud import packaging


def test_stores_that_share_their_packages_install_them_once(tmp_path, monkeypatch):
    (tmp_path / "shared").mkdir()
    requirements = tmp_path / "core" / "requirements.txt"
    requirements.parent.mkdir()
    requirements.write_text("jinja2==3.1.6\n")
    installed = []

    def pip(python: Path, *arguments: str) -> None:
        installed.append(arguments)
        Path(arguments[arguments.index("--target") + 1]).mkdir()
        time.sleep(0.2)

    monkeypatch.setattr(packaging, "pip", pip)
    stores = [tmp_path / name for name in ("a", "b")]
    for store in stores:
        store.mkdir()
        (store / "packages").symlink_to(tmp_path / "shared")
    threads = [Thread(target=packaging.install, args=(requirements, s, Path(sys.executable), print)) for s in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(installed) == 1
