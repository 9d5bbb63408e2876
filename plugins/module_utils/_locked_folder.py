# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder that one run at a time changes: its lock, and the system's refusals as errors for a person."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, Verdict, wait

LOCK = ".lock"
LOCK_TIMEOUT = 900.0  # seconds: the other run may be downloading


def names(folder: str) -> list[str]:
    """The names in a folder; none where there is no folder."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def make_folder(path: str) -> None:
    """Like ``mkdir -p``, with 0755 for each new folder whatever the umask: the services' users must pass."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        make_folder(parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)
        os.chmod(path, 0o755)


@contextlib.contextmanager
def told(place: str) -> t.Iterator[None]:
    """Turn the operating system's refusal into an HAError."""
    try:
        yield
    except OSError as error:
        do = "see what the system says."
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            do = "run it as root (become: true), mount it writable, or choose another folder."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            do = "free space there; nothing half-written was kept."
        where = str(error.filename or place)
        said = error.strerror or str(error) or type(error).__name__
        raise HAError(f"files below {place} could not be changed", where=where, said=said, do=do) from error


@contextlib.contextmanager
def changing(folder: str, clock: Clock) -> t.Iterator[None]:
    """Make the folder, hold its lock, and leave no folder behind that holds nothing but the lock.

    :raises HAError: another run holds it for too long, or the system refuses.
    """
    with told(folder):
        handle = _lock(folder, clock)
        try:
            yield
        finally:
            if names(folder) == [LOCK]:
                with contextlib.suppress(OSError):
                    os.unlink(f"{folder}/{LOCK}")
                    os.rmdir(folder)
            os.close(handle)


def _lock(folder: str, clock: Clock) -> int:
    held: list[int] = []

    def look() -> Verdict:
        make_folder(folder)
        handle = _try(f"{folder}/{LOCK}")
        if handle is None:
            return Verdict(False, "another run is changing it")
        held.append(handle)
        return Verdict(True)

    wait(look, timeout=LOCK_TIMEOUT, interval=0.1, clock=clock)
    if not held:
        raise HAError(
            f"another run has been changing {folder} for {LOCK_TIMEOUT:g} s",
            where=f"{folder}/{LOCK}",
            do=f"see who holds it: fuser -v {folder}/{LOCK}",
        )
    return held[0]


def _try(path: str) -> int | None:
    """The locked file's handle; None when somebody else holds it, or removed it while we got it."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(path).st_ino == os.fstat(handle).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
