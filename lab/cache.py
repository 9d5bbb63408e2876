"""The cache folder: where it is, who may write to it, which file is good.

A cached file is trusted only while it is the file whose SHA-256 was recorded.
Hashing hundreds of megabytes on every call would make a warm `up` slow, so
the record also holds size, mtime and inode: only a file whose stat changed is
read again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def root() -> Path:
    """The cache folder, from LAB_CACHE or below the user's home."""
    return Path(os.environ.get("LAB_CACHE") or Path.home() / ".cache" / "prometheus_ha_lab")


def folder(name: str) -> Path:
    """A folder below the cache, made when missing."""
    path = root() / name
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold a machine-wide lock; parallel `lab` calls queue here."""
    with (folder("locks") / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, so that equal values are equal files."""
    write_atomic(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read JSON; None when the file is missing or broken."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _stat(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _record_path(path: Path) -> Path:
    return folder("records") / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.json"


def record(path: Path, **about: Any) -> str:
    """Remember a finished file's checksum (and what it was made from)."""
    digest = sha256(path)
    entry = {"path": str(path), "sha256": digest, "stat": _stat(path), **about}
    write_json(_record_path(path), entry)
    return digest


def recorded(path: Path) -> dict[str, Any] | None:
    """The record of a file, or None when the file is not what was recorded."""
    entry = read_json(_record_path(path))
    if not isinstance(entry, dict) or entry.get("path") != str(path) or not path.is_file():
        return None
    if entry.get("stat") == _stat(path):
        return entry
    if entry.get("sha256") != sha256(path):
        return None
    write_json(_record_path(path), {**entry, "stat": _stat(path)})
    return entry
