# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder held open, for root's work in a folder that belongs to somebody else."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

# Called before every single change with what it is and where: tests kill the run or refuse the change here.
Step = t.Callable[[str], None]

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def no_step(what: str) -> None:
    del what


class OpenFolder:
    """What is done by names in it stays in it: its owner can't lead root elsewhere by a link or a rename.

    Symbolic links below it are never followed. Each method raises OSError with the whole path, and nothing else.
    """

    def __init__(self, path: str, step: Step = no_step, *, below: OpenFolder | None = None) -> None:
        """Open it; where it is not ``below`` another one, a link in its own place is followed."""
        self.path = path
        self._step = step
        self.descriptor: int
        with self._named(path):
            if below:
                flags = _FLAGS | os.O_NOFOLLOW
                self.descriptor = os.open(os.path.basename(path), flags, dir_fd=below.descriptor)
            else:
                self.descriptor = os.open(path, _FLAGS)

    def __enter__(self) -> OpenFolder:
        return self

    def __exit__(self, *_details: object) -> None:
        os.close(self.descriptor)

    # -- looking ---------------------------------------------------------------------------------------------------

    def open(self, name: str) -> OpenFolder:
        return OpenFolder(f"{self.path}/{name}", self._step, below=self)

    def names(self) -> list[str]:
        with self._named(self.path):
            return sorted(os.listdir(self.descriptor))

    def stat(self, name: str) -> os.stat_result:
        with self._named(f"{self.path}/{name}"):
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)

    def walk(
        self, names: t.Callable[[OpenFolder], list[str]] | None = None
    ) -> t.Iterator[tuple[OpenFolder, str, os.stat_result]]:
        """All below it that is not a folder: the open folder, the name, and its status.

        :param names: those of a folder's names that count; default: all.
        """
        for name in names(self) if names else self.names():
            status = self.stat(name)
            if stat.S_ISDIR(status.st_mode):
                with self.open(name) as below:
                    yield from below.walk(names)
            else:
                yield self, name, status

    def read(self, name: str) -> bytes:
        with self._named(f"{self.path}/{name}"):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.descriptor)
            with os.fdopen(descriptor, "rb") as handle:
                return handle.read()

    # -- changing --------------------------------------------------------------------------------------------------

    def write(self, name: str, content: bytes) -> None:
        """A file for us alone, in place at once and on disk, in place of one of that name."""
        new = name + ".new"
        self.remove(new)
        with self._change("write", new):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(new, flags, 0o600, dir_fd=self.descriptor), "wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
        self.rename(new, self, name)

    def make(self, name: str, like: OpenFolder | None = None) -> OpenFolder:
        """A new folder, opened: for us alone, or with the owner, mode and labels of another one."""
        with self._change("mkdir", name):
            os.mkdir(name, 0o700, dir_fd=self.descriptor)
        made = self.open(name)
        if like:
            with self._named(made.path):
                status = os.fstat(like.descriptor)
                os.fchown(made.descriptor, status.st_uid, status.st_gid)
                os.fchmod(made.descriptor, stat.S_IMODE(status.st_mode))
            # Access control lists and SELinux' labels, where the filesystem has them.
            with contextlib.suppress(OSError):
                for label in os.listxattr(like.descriptor):
                    os.setxattr(made.descriptor, label, os.getxattr(like.descriptor, label))
        return made

    def link(self, name: str, to: OpenFolder) -> None:
        """A hard link of a file in another folder; a symbolic link is linked itself."""
        with self._change("link", name):
            os.link(name, name, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor, follow_symlinks=False)

    def rename(self, name: str, to: OpenFolder, new: str = "") -> None:
        with self._change("rename", name):
            os.replace(name, new or name, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)

    def remove(self, name: str) -> bool:
        """Remove a file, or a folder with all that it holds; says whether it was there."""
        try:
            folder = stat.S_ISDIR(self.stat(name).st_mode)
        except FileNotFoundError:
            return False
        if folder:
            with self.open(name) as below:
                for inner in below.names():
                    below.remove(inner)
        with self._change("rmdir" if folder else "unlink", name):
            (os.rmdir if folder else os.unlink)(name, dir_fd=self.descriptor)
        return True

    def sync(self, *, below: bool = False) -> None:
        """Make the names in it, and in all folders below it, last through a power cut."""
        for name in self.names() if below else ():
            if stat.S_ISDIR(self.stat(name).st_mode):
                with self.open(name) as folder:
                    folder.sync(below=True)
        with self._change("sync", ""):
            os.fsync(self.descriptor)

    @contextlib.contextmanager
    def _change(self, what: str, name: str) -> t.Iterator[None]:
        place = f"{self.path}/{name}" if name else self.path
        with self._named(place):
            self._step(f"{what} {place}")
            yield

    @staticmethod
    @contextlib.contextmanager
    def _named(path: str) -> t.Iterator[None]:
        """The system names what it was called with: a name in an open folder."""
        try:
            yield
        except OSError as error:
            error.filename, error.filename2 = path, None
            raise
