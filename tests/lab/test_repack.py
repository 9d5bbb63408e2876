"""Equal content is an equal tarball, whatever the files' times and order."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

from lab import releases, repack

# Of Debian's zlib: another implementation would show here first.
PINNED = "c262a1702774954ee8fd7d6b3f4fe9217708a1dfa6102401135bc342db969c20"


def _pack(folder: Path, order: list[str]) -> bytes:
    files = {}
    for name in order:
        path = folder / name.replace("/", "_")
        path.write_text(f"content of {name}\n" * 2000)
        path.chmod(0o755 if name == "tool" else 0o600)
        files[name] = path
    target = io.BytesIO()
    repack.write_tarball(target, "tool-1.0.linux-amd64", files)
    return target.getvalue()


def test_deterministic(tmp_path: Path) -> None:
    first = _pack(tmp_path, ["tool", "LICENSE", "consoles/a.html"])
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    second = _pack(tmp_path, ["consoles/a.html", "LICENSE", "tool"])
    assert first == second
    assert hashlib.sha256(first).hexdigest() == PINNED


def test_members(tmp_path: Path) -> None:
    data = _pack(tmp_path, ["tool", "LICENSE", "consoles/a.html"])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [(m.name, m.mode, m.isdir(), m.uid, m.mtime) for m in tar.getmembers()]
        content = tar.extractfile("tool-1.0.linux-amd64/tool")
        assert content is not None
        assert content.readline() == b"content of tool\n"
    top = "tool-1.0.linux-amd64"
    assert members == [
        (top, 0o755, True, 0, repack.MTIME),
        (f"{top}/LICENSE", 0o644, False, 0, repack.MTIME),
        (f"{top}/consoles", 0o755, True, 0, repack.MTIME),
        (f"{top}/consoles/a.html", 0o644, False, 0, repack.MTIME),
        (f"{top}/tool", 0o755, False, 0, repack.MTIME),
    ]


def test_release_path_is_upstreams() -> None:
    release = next(r for r in releases.RELEASES if r.name == "prometheus" and r.version == "3.5.3")
    assert release.path == ("prometheus/prometheus/releases/download/v3.5.3/prometheus-3.5.3.linux-amd64.tar.gz")


def test_table_is_pinned() -> None:
    for release in releases.RELEASES:
        assert len(release.sha256) == 64, release.top
        assert all(len(deb.sha256) == 64 for deb in release.debs), release.top
    assert len({release.path for release in releases.RELEASES}) == len(releases.RELEASES)
