# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durable changes to a filesystem, one at a time: each is on disk before the next begins."""

from __future__ import annotations

import contextlib
import os
import typing as t

# What `replace` writes first; a kill may leave it.
NEW_RECORD = ".new"


class Disk:
    """Every change goes through here. Each method raises OSError and nothing else."""

    def step(self, what: str) -> None:
        """Called after every single change: tests kill the run or fill the disk here."""

    def write(self, path: str, content: bytes, mode: int, uid: int = -1, gid: int = -1) -> None:
        """Write a new file (a left-over of that name goes first); -1 keeps the caller's own user or group."""
        self.unlink(path)
        # 0600 until the owner is right: nobody else may read a secret in between.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            self.step(f"create {path}")
            handle.write(content)
            handle.flush()
            self.step(f"write {path}")
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, mode)  # after chown, which clears the set-id bits
            os.fsync(descriptor)
        self.step(f"finish {path}")

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link in place of a left-over of that name."""
        self.unlink(path)
        os.symlink(target, path)
        self.step(f"link {path}")

    def rename(self, old: str, new: str) -> None:
        os.replace(old, new)
        self.step(f"rename {new}")

    def unlink(self, path: str) -> None:
        """Remove a file when it is there."""
        if not os.path.lexists(path):
            return  # without asking: a filesystem mounted read-only refuses even to remove what is not there
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
            self.step(f"unlink {path}")

    def mkdir(self, path: str, mode: int, uid: int = -1, gid: int = -1) -> None:
        os.mkdir(path, 0o700)
        self.step(f"mkdir {path}")
        os.chown(path, uid, gid)
        os.chmod(path, mode)
        self.sync([os.path.dirname(path)])

    def rmdir(self, path: str) -> None:
        """Remove a folder when it is there and empty."""
        with contextlib.suppress(OSError):
            os.rmdir(path)
            self.step(f"rmdir {path}")

    def clear(self, folder: str) -> None:
        """Remove a folder of plain files and folders, when it is there."""
        for base, folders, files in os.walk(folder, topdown=False):
            for name in files:
                self.unlink(os.path.join(base, name))
            for name in folders:
                self.rmdir(os.path.join(base, name))
        self.rmdir(folder)

    def replace(self, path: str, content: bytes, mode: int) -> None:
        """Put a file in place at once: a reader sees the former one or the new one."""
        self.write(path + NEW_RECORD, content, mode)
        self.rename(path + NEW_RECORD, path)
        self.sync([os.path.dirname(path)])

    def sync(self, folders: t.Iterable[str]) -> None:
        """Make the names in these folders last through a power cut."""
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
