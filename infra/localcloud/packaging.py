"""Functions and layers as zips, the way `sam build` would lay them out, in a fraction of a second.

A layer's own code goes into its zip; what its requirements.txt names is installed once, for this machine's interpreter,
and the zip only points there (a .pth file), so that a cold start does not unpack the SDK again.
"""

import fcntl
import hashlib
import io
import py_compile
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Say = Callable[[str], None]
SKIPPED = {"__pycache__", "Makefile", "requirements.txt"}


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and not any(part in SKIPPED or part.startswith(".") for part in inside):
            yield path


def _zip(entries: dict[str, bytes]) -> bytes:
    """A zip whose bytes depend on nothing but the entries, with byte code for the Python files."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        tempfile.TemporaryDirectory() as scratch,
    ):
        for name, data in sorted(entries.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
            if name.endswith(".py"):
                folder, _, file = name.rpartition("/")
                source, target = Path(scratch, "source.py"), Path(scratch, "code.pyc")
                source.write_bytes(data)
                mode = py_compile.PycInvalidationMode.UNCHECKED_HASH  # the zip changes every file's time
                if py_compile.compile(
                    str(source), str(target), dfile=name, doraise=False, quiet=2, invalidation_mode=mode
                ):
                    compiled = f"{folder}/__pycache__/{file[:-3]}.{sys.implementation.cache_tag}.pyc".lstrip("/")
                    archive.writestr(zipfile.ZipInfo(compiled, (1980, 1, 1, 0, 0, 0)), target.read_bytes())
    return out.getvalue()


def _stored(entries: dict[str, bytes], name: str, store: Path) -> Path:
    """The zip of these entries, made only when no zip of the same content is kept."""
    digest = hashlib.sha256(sys.implementation.cache_tag.encode())
    for path, data in sorted(entries.items()):
        digest.update(f"\0{path}\0{len(data)}\0".encode() + data)
    kept = store / "zips" / f"{name}-{digest.hexdigest()[:20]}.zip"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        for older in kept.parent.glob(f"{name}-*.zip"):
            older.unlink()
        kept.write_bytes(_zip(entries))
    return kept


def package_function(name: str, code: Path, handler: str, store: Path) -> Path:
    """Zip the handler's folder under the package path that the handler names (SAM's ParentPackageMode).

    Raises ValueError when the handler's module is not there.
    """
    package = Path(*handler.split(".")[:-2])
    module = package / f"{handler.split('.')[-2]}.py"
    folder = code / package if (code / module).is_file() else code
    if folder == code and not str(code.resolve()).endswith(str(package)) and str(package) != ".":
        raise ValueError(f"{name}: its handler {handler} names {module}, which is not in {code}")
    if not (folder / module.name).is_file():
        raise ValueError(f"{name}: its handler {handler} needs {folder / module.name}, which does not exist")
    return _stored({str(package / path.relative_to(folder)): path.read_bytes() for path in _files(folder)}, name, store)


def package_layer(name: str, content: Path, store: Path, python: Path, say: Say) -> Path:
    """Zip a layer's packages under python/, with a pointer to its installed requirements."""
    entries = {f"python/{path.relative_to(content)}": path.read_bytes() for path in _files(content)}
    requirements = content / "requirements.txt"
    if requirements.is_file():
        installed = install(requirements, store, python, say)
        pointer = f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        entries["python/lib/python3/site-packages/requirements.pth"] = pointer.encode()
    return _stored(entries, name, store)


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Only one process installs into a store at a time; the others wait and find it done."""
    store.mkdir(parents=True, exist_ok=True)
    with (store / "install.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(requirements: Path, store: Path, python: Path, say: Say) -> Path:
    """Install requirements into a folder named by their content; an interrupted try is done again."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:20]
    folder = (store / "packages" / digest).resolve()
    done = folder / ".done"
    with _alone(folder.parent):  # which several stores may share
        if not done.exists():
            say(f"Installing the packages of {requirements.parent.name} (once)")
            pip(python, "install", "--quiet", "--upgrade", "--target", str(folder), "-r", str(requirements))
            done.touch()
    return folder


def pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"pip could not install: {(done.stderr or done.stdout).strip()[-2000:]}\nRun the same command to try again."
        )


def emulator_python(store: Path, say: Say) -> Path:
    """The emulator's own environment, made once for each content of requirements.txt."""
    requirements = Path(__file__).with_name("requirements.txt")
    stamp = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    folder = store / "emulator"
    python, done = folder / "bin" / "python", folder / ".done"
    with _alone(store):
        if not done.exists() or done.read_text() != stamp:
            say("Installing the AWS emulator (once, about half a minute)")
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip(python, "install", "--quiet", "-r", str(requirements))
            done.write_text(stamp)
    return python
