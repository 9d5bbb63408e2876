# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Release archives (.tar.gz): sizes, checksums, and unpacking that cannot leave its folder."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import os
import posixpath
import struct
import tarfile
import typing as t
import zlib

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

CHUNK = 1024 * 1024  # bytes a read
MANIFEST = ".release.json"


@dataclasses.dataclass(frozen=True)
class FileRecord:
    """A file as it was unpacked; ``mode`` holds the permission bits, times are nanoseconds."""

    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Unpacked:
    """What came out, by path below the target; a link's value is its target, relative to the link's folder."""

    files: dict[str, FileRecord]
    links: dict[str, str]


def sha256_of(path: str) -> str:
    """The file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def unpacked_size(path: str) -> int:
    """Bytes the unpacked archive takes, known before unpacking.

    gzip's last four bytes are the size of the tar stream modulo 4 GiB (RFC 1952, ISIZE), which is the sum of its
    members with their headers. An archive of several gzip members, or one above 4 GiB, shows less than its own size:
    then the members are added up.

    :raises HAError: when it is no archive.
    """
    packed = os.path.getsize(path)
    if packed > 4:
        with open(path, "rb") as file:
            file.seek(-4, os.SEEK_END)
            (size,) = struct.unpack("<I", file.read(4))
        if packed <= size:
            return int(size)
    with _reading(path), tarfile.open(path, "r:gz") as tar:
        return sum(member.size + tarfile.BLOCKSIZE for member in tar)


@contextlib.contextmanager
def _reading(path: str) -> t.Iterator[None]:
    """Turns what a damaged archive raises into an HAError."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise HAError(
            "the archive is damaged, or no .tar.gz", where=path, said=str(error) or type(error).__name__
        ) from error


def unpack(path: str, target: str, top: str) -> Unpacked:
    """Unpack into the empty folder ``target``, in one pass.

    The folder ``top`` inside the archive is left out; executables directly below it go to ``bin/``. Modes become 0755
    or 0644, the owner is who unpacks. Links must lead to a file of the archive and are made last, so nothing is ever
    written through one. Written files are synced.

    :raises HAError: a member that would leave the folder, is no file, folder or link, or comes twice; damage.
    """
    files: dict[str, FileRecord] = {}
    places: dict[str, str] = {}  # name in the archive -> path below the target
    links: list[tarfile.TarInfo] = []
    with _reading(path), tarfile.open(path, "r:gz") as tar:
        for member in tar:
            name = _inside(member.name, path)
            if member.isdir():
                continue  # folders come into being with their files
            if member.issym() or member.islnk():
                links.append(member)
            elif member.isreg():
                place = _place(name, top, bool(member.mode & 0o111))
                _refuse_twice(place, files, path)
                source = tar.extractfile(member)
                if source is None:
                    raise _escape(member.name, path, "has no content")
                files[place] = _write(source, os.path.join(target, place), member.mode)
                places[name] = place
            else:
                raise _escape(member.name, path, "is a device, pipe or socket")
    made: dict[str, str] = {}
    for member in links:
        place, to = _link(member, places, top, path)
        _refuse_twice(place, {**files, **made}, path)
        os.makedirs(os.path.dirname(os.path.join(target, place)), mode=0o755, exist_ok=True)
        os.symlink(to, os.path.join(target, place))
        made[place] = to
    for folder, _folders, _names in os.walk(target):
        os.chmod(folder, 0o755)
        sync_folder(folder)
    return Unpacked(files, made)


def sync_folder(path: str) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _inside(name: str, archive: str) -> str:
    """The member's normal name."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/"):
        raise _escape(name, archive, "is an absolute path")
    if ".." in parts:
        raise _escape(name, archive, "leads out of the folder")
    return "/".join(parts)


def _place(name: str, top: str, executable: bool) -> str:
    below = name[len(top) + 1 :] if name.startswith(top + "/") else name
    return f"bin/{below}" if executable and "/" not in below else below


def _link(member: tarfile.TarInfo, places: t.Mapping[str, str], top: str, archive: str) -> tuple[str, str]:
    """Where a link goes and what it holds."""
    name = _inside(member.name, archive)
    to = member.linkname
    if member.issym():
        to = "/" + to if to.startswith("/") else posixpath.join(posixpath.dirname(name), to)
    to = posixpath.normpath(to)
    if to not in places:
        raise _escape(member.name, archive, f"is a link to {member.linkname}, which is no file of the archive")
    goal = places[to]
    place = _place(name, top, goal.startswith("bin/"))
    return place, posixpath.relpath(goal, posixpath.dirname(place) or ".")


def _refuse_twice(place: str, taken: t.Container[str], archive: str) -> None:
    if place in taken or place in ("", MANIFEST):
        raise _escape(place, archive, "comes twice, or has a name that is kept for the collection")


def _escape(member: str, archive: str, why: str) -> HAError:
    return HAError(
        f"the archive is refused: its member {member!r} {why}",
        where=archive,
        do="take the release from its publisher; nothing of this one was kept.",
    )


def _write(source: t.IO[bytes], path: str, mode: int) -> FileRecord:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    digest = hashlib.sha256()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        for chunk in iter(lambda: source.read(CHUNK), b""):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fchmod(handle, 0o755 if mode & 0o111 else 0o644)
        os.fsync(handle)
        stat = os.fstat(handle)
    return record(stat, digest.hexdigest())


def record(stat: os.stat_result, sha256: str) -> FileRecord:
    """What is remembered of a file."""
    return FileRecord(stat.st_size, stat.st_mtime_ns, stat.st_mode & 0o7777, stat.st_uid, stat.st_gid, sha256)
