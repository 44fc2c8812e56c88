"""The files that pages load. Each has its content's hash in its address, so a browser keeps it for ever."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from functions.console.responses import SECURITY, Response
from postroad.errors import PostroadError

# Our own files, and what `infra/assets.py` has fetched.
FOLDERS = (Path(__file__).with_name("assets"), Path(__file__).parent / "assets" / "vendor")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class AssetMissingError(PostroadError):
    """A page names a file that is not there."""


def url(name: str) -> str:
    """The address of an asset. Raises AssetMissingError."""
    return f"/console/assets/{_hash(name)}/{name}"


def serve(name: str, digest: str) -> Response | None:
    """The asset, compressed; None when there is none of that name. An old page's address gets the newest, unkept."""
    if _find(name) is None:
        return None
    headers = {
        **SECURITY,
        "content-type": TYPES[Path(name).suffix],
        "cache-control": _FOR_EVER if digest == _hash(name) else "no-cache",
        "content-encoding": "gzip",
        "cross-origin-resource-policy": "same-origin",
    }
    return Response(200, _compressed(name), headers)


def _find(name: str) -> Path | None:
    if Path(name).suffix not in TYPES or "/" in name or "\\" in name or not name.isprintable():
        return None
    return next((folder / name for folder in FOLDERS if (folder / name).is_file()), None)


@cache
def _read(name: str) -> bytes:
    path = _find(name)
    if path is None:
        raise AssetMissingError(f"There is no asset {name}; python infra/assets.py fetches those that are not ours.")
    return path.read_bytes()


@cache
def _hash(name: str) -> str:
    return hashlib.sha256(_read(name)).hexdigest()[:12]


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_read(name), 9, mtime=0)
