"""Pack a release tarball so that equal content is an equal file everywhere.

The committed inventories pin the checksums of these tarballs, so nothing of
the machine may leak in: order, owner, mode and times are fixed. The deflate
stream is zlib's; a Python linked with another implementation (zlib-ng) makes
other bytes, which `releases` notices by its own table of checksums.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

MTIME = 1_700_000_000
LEVEL = 4


def _entry(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    entry.mtime = MTIME
    entry.uname = entry.gname = "root"
    return entry


def write_tarball(target: IO[bytes], top: str, files: Mapping[str, Path]) -> None:
    """Write `top/<name>` for every file, as a gzipped tar.

    A file is executable in the tarball when it is executable on disk.
    """
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=target, mtime=0) as raw,
        tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        folders = {top} | {f"{top}/{parent}" for name in files for parent in Path(name).parents if parent.name}
        names = sorted(folders | {f"{top}/{name}" for name in files})
        for name in names:
            source = files.get(name.removeprefix(f"{top}/"))
            if source is None:
                entry = _entry(name, 0o755)
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
                continue
            data = source.read_bytes()
            entry = _entry(name, 0o755 if source.stat().st_mode & 0o100 else 0o644)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
