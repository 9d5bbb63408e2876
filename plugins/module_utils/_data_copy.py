# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The former version's data, kept on the host while a change of version without a way back is being rolled.

A copy by hard links takes no space of its own and no time, and holds as long as nothing writes into a file that a
former process wrote. Prometheus and Alertmanager don't (read in their sources, seen with 2.53.3 and 3.5.3):

- A write-ahead log (wal, wbl, an agent's) goes on in a new segment, a repair included: tsdb/wlog/wlog.go, NewSize and
  Repair. A checkpoint is written aside and renamed: tsdb/wlog/checkpoint.go.
- Head chunks go on in a new file: tsdb/chunks/head_chunks.go, cut, and chunks.go, cutSegmentFile. Of the former ones
  the last is removed where it is empty (repairLastChunkFile), any other once it is old: that only takes a name.
- Blocks don't change; their meta.json, tombstones and a repaired index are written aside and renamed:
  tsdb/block.go, writeMetaFile; tsdb/tombstones/tombstones.go, WriteFile; tsdb/repair.go; tsdb/fileutil/fileutil.go.
- Alertmanager's snapshots are written aside and renamed: nflog/nflog.go and silence/silence.go, openReplace.

What is written in place holds nothing of value, and is left out: `lock` (tsdb/tsdbutil/dir_locker.go),
`queries.active` (a map of memory that each start empties: promql/query_logger.go) and `*.tmp`, which a crash leaves
and the next writer of that name empties (os.Create; nobody reads them). So there is nothing that had to be copied.

The copy lies in the data folder, on its filesystem. Prometheus looks there for folders that are named by a ULID and for
names that it knows alone (tsdb/db.go, blockDirs and isTmpDir); the size that its retention counts is that of these.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import re
import stat
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._locked_folder import told
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._open_folder import OpenFolder, Step, no_step

COPY = ".prometheus_ha-former"
_UNFINISHED = COPY + ".new"
_LET_GO = COPY + ".old"

# Within the copy. A restore begins by renaming the record, which takes no space on a disk that is full.
_DATA = "data"
_RECORD = "record.json"
_RESTORING = "restoring.json"
_LOST = "lost.json"
_GONE = "gone"  # what is taken out of the data folder, at once: a Thanos sidecar never sees half a block
_BACK = "back"

# Seconds after which a copy is no longer one of the roll that is under way; a large set takes hours.
_ROLL = 86400.0

_LOCK = "lock"
_SCRATCH = (_LOCK, "queries.active")
# Not the component's: a Thanos sidecar's own (it may run meanwhile, and knows what it has uploaded), a filesystem's.
_OF_OTHERS = ("thanos", "thanos.shipper.json", "thanos.shipper.json.tmp", "lost+found")

_BLOCK = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")  # a ULID
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


@dataclasses.dataclass(frozen=True)
class Kept:
    """A finished copy.

    :param version: what wrote the data.
    :param taken: seconds since the epoch.
    :param size: bytes, which it shares with the data folder for as long as both have the file.
    :param restoring: a restore was cut off: the data folder is not whole until it is called again.
    """

    version: str
    taken: float
    files: int
    size: int
    restoring: bool = False


@dataclasses.dataclass(frozen=True)
class Restored:
    """What a restore brought back, and what it took away.

    :param version: what wrote the data that is there now.
    :param taken: up to when, in seconds since the epoch.
    :param files: how many the newer version had written; ``blocks``: the ULIDs of its blocks.
    :param seconds: since ``taken``: so much is missing.
    """

    version: str
    taken: float
    files: int
    blocks: tuple[str, ...]
    seconds: float

    @property
    def words(self) -> str:
        """What was done and what is lost, a sentence."""
        taken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.taken))
        text = f"put back the data that {self.version} had written until {taken}; what was written since is lost: "
        text += f"{self.seconds:.0f} s, {self.files} files"
        return text + (f", the blocks {', '.join(self.blocks)}" if self.blocks else "")


class DataCopy:
    """The copy that belongs to a data folder. A run that was cut off anywhere is finished by the same call again.

    Every method raises HAError: where the system refuses, where the copy is damaged or not ours.

    :param data_dir: the component's; its root, where it is a symbolic link, is followed.
    :param now: the time, in seconds since the epoch.
    """

    def __init__(self, data_dir: str, *, now: t.Callable[[], float] = time.time, step: Step = no_step) -> None:
        self.data_dir = data_dir.rstrip("/")
        self.path = f"{self.data_dir}/{COPY}"
        self._now = now
        self._step = step

    def is_old(self, kept: Kept) -> bool:
        """Whether the roll that it was taken for must be over; a restore that was cut off is never old."""
        return not kept.restoring and self._now() - kept.taken > _ROLL

    def require_recent(self, kept: Kept) -> None:
        """:raises HAError: putting it back by itself would take more away than the time of a roll."""
        if self.is_old(kept):
            days = (self._now() - kept.taken) / 86400
            raise HAError(
                f"the data that {kept.version} wrote was kept {days:.1f} days ago; going back to it would lose "
                "all that was written since. Nothing was changed",
                where=self.path,
                do="keep the newer version; or, if that data may go on this replica, remove the folder, and also what "
                f"{kept.version} can't open.",
            )

    # -- looking ---------------------------------------------------------------------------------------------------

    def kept(self) -> Kept | None:
        """The finished copy, if any."""
        if not os.path.isdir(self.data_dir):
            return None
        with self._opened() as data:
            return self._kept(data)

    def possible(self) -> None:
        """Try one link out of each folder, while the service still runs.

        :raises HAError: all of it can't be linked, or a copy is in the way that is not ours.
        """
        with self._opened() as data:
            self._kept(data)
            data.remove(_UNFINISHED)
            try:
                with data.make(_UNFINISHED) as scratch:
                    self._try(data, scratch)
            finally:
                data.remove(_UNFINISHED)

    # -- changing --------------------------------------------------------------------------------------------------

    def keep(self, version: str) -> Kept:
        """Copy what ``version`` wrote; the service must be stopped.

        A finished copy of that version stays: its data may since have been written by the newer one, in a run that was
        cut off. One of another version is replaced.
        """
        with self._opened() as data:
            kept = self._kept(data)
            if kept and kept.restoring:
                what = f"the data of {kept.version} is being put back, and that was cut off: there is nothing to copy"
                raise HAError(what, where=self.path, do="Restore it first.")
            self._sweep(data)
            if kept and kept.version == version:
                return kept
            self._must_be_stopped(data)
            try:
                made = self._write(data, version)
            except (OSError, HAError):
                with contextlib.suppress(OSError):
                    data.remove(_UNFINISHED)
                raise
            if kept:
                data.rename(COPY, data, _LET_GO)
            data.rename(_UNFINISHED, data, COPY)
            data.sync()
            self._sweep(data)
            return made

    def restore(self) -> Restored:
        """Make the data folder what it was when the copy was taken, and let the copy go; the service must be stopped.

        All else in the folder goes, but what is a Thanos sidecar's own. The copy stays whole until the folder is:
        called again after a cut (see ``Kept.restoring``), it begins anew, whatever has written there in between.
        """
        with self._opened() as data:
            kept = self._kept(data)
            if not kept:
                raise HAError("there is no copy of a former version's data", where=self.path)
            self._must_be_stopped(data)
            with data.open(COPY) as copy, copy.open(_DATA) as former:
                self._must_be_whole(former, kept)
                lost = self._lost(data, copy, former)
                if not kept.restoring:
                    # What is lost is told by a second call too, unless the disk is full: no reason not to restore.
                    with contextlib.suppress(OSError):
                        copy.write(_LOST, json.dumps(lost).encode())
                    copy.rename(_RECORD, copy, _RESTORING)
                    copy.sync()
                self._empty(data, copy)
                copy.remove(_BACK)
                with copy.make(_BACK) as back:
                    self._link_all(former, back)
                    back.sync(below=True)
                    for name in back.names():
                        back.rename(name, data)
                    data.sync()
            self._let_go(data)
        seconds = max(self._now() - kept.taken, 0.0)
        return Restored(kept.version, kept.taken, lost["files"], tuple(lost["blocks"]), seconds)

    def drop(self) -> bool:
        """Let the copy go; says whether there was any.

        :raises HAError: a restore from it was cut off.
        """
        if not os.path.isdir(self.data_dir):
            return False
        with self._opened() as data:
            kept = self._kept(data)
            if kept and kept.restoring:
                what = f"the data of {kept.version} is being put back from it, and that was cut off: it is needed"
                raise HAError(what, where=self.path, do="Restore it first.")
            swept = self._sweep(data)
            if kept:
                self._let_go(data)
            return swept or kept is not None

    def sweep(self) -> bool:
        """Remove what a run that was cut off left unfinished; says whether there was any."""
        if not os.path.isdir(self.data_dir):
            return False
        with self._opened() as data:
            return self._sweep(data)

    # -- parts -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _opened(self) -> t.Iterator[OpenFolder]:
        with told(self.data_dir), OpenFolder(self.data_dir, self._step) as data:
            yield data

    def _kept(self, data: OpenFolder) -> Kept | None:
        if COPY not in data.names():
            return None
        do = f"Look what it is, then move it out of {self.data_dir}."
        if not stat.S_ISDIR(data.stat(COPY).st_mode):
            raise HAError("this is not the folder of ours that its name says", where=self.path, do=do)
        with data.open(COPY) as copy:
            status = os.fstat(copy.descriptor)
            if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise HAError(
                    "this is not a folder that we made: somebody else may write to it", where=copy.path, do=do
                )
            restoring = _RESTORING in copy.names()
            try:
                record = json.loads(copy.read(_RESTORING if restoring else _RECORD))
                return Kept(
                    str(record["version"]),
                    float(record["taken"]),
                    int(record["files"]),
                    int(record["size"]),
                    restoring,
                )
            except (FileNotFoundError, ValueError, TypeError, KeyError) as error:
                raise HAError("the copy's record is damaged", where=copy.path, said=repr(error), do=do) from error

    def _try(self, folder: OpenFolder, scratch: OpenFolder) -> None:
        tried = False
        for name in self._data_of(folder):
            with contextlib.suppress(FileNotFoundError):  # the service runs, and removes what it no longer needs
                mode = folder.stat(name).st_mode
                if stat.S_ISDIR(mode):
                    with folder.open(name) as below:
                        self._try(below, scratch)
                    continue
                if stat.S_ISLNK(mode):
                    self._must_lead_inside(folder, name)
                if not tried:
                    self._link(folder, name, scratch)
                    scratch.remove(name)
                    tried = True

    def _write(self, data: OpenFolder, version: str) -> Kept:
        for folder, name, status in data.walk(self._data_of):
            if stat.S_ISLNK(status.st_mode):
                self._must_lead_inside(folder, name)
        with data.make(_UNFINISHED) as copy:
            with copy.make(_DATA) as former, copy.make(_GONE):
                files, size = self._link_all(data, former)
            made = Kept(version, self._now(), files, size)
            record = {"version": version, "taken": made.taken, "files": files, "size": size}
            copy.write(_RECORD, json.dumps(record).encode())
            copy.sync(below=True)
        return made

    def _data_of(self, folder: OpenFolder) -> list[str]:
        """The names in a folder that are the component's data."""
        names = [name for name in folder.names() if not self._is_left_out(folder, name)]
        return self._own(names) if folder.path == self.data_dir else names

    @staticmethod
    def _is_left_out(folder: OpenFolder, name: str) -> bool:
        if name in _SCRATCH or not name.endswith(".tmp"):
            return name in _SCRATCH
        try:
            return not stat.S_ISDIR(folder.stat(name).st_mode)
        except FileNotFoundError:  # just now, where the service runs
            return True

    @staticmethod
    def _own(names: t.Iterable[str]) -> list[str]:
        """Of the names in the data folder itself, those that a restore takes away."""
        return [name for name in names if name not in (COPY, _UNFINISHED, _LET_GO, *_OF_OTHERS)]

    def _link_all(self, source: OpenFolder, target: OpenFolder) -> tuple[int, int]:
        """:returns: how many files that are, and their bytes."""
        files = size = 0
        for name in self._data_of(source):
            status = source.stat(name)
            if stat.S_ISDIR(status.st_mode):
                with source.open(name) as below, target.make(name, like=below) as made:
                    more = self._link_all(below, made)
                files, size = files + more[0], size + more[1]
            else:
                self._link(source, name, target)
                files, size = files + 1, size + status.st_size
        return files, size

    def _link(self, source: OpenFolder, name: str, target: OpenFolder) -> None:
        """:raises HAError: when the file's data can't be held by a link."""
        try:
            source.link(name, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            what = f"the files of {self.data_dir} can't be kept by hard links"
            place, said = f"{source.path}/{name}", error.strerror or ""
            raise HAError(what, where=place, said=said, do=self._instead()) from error

    def _must_lead_inside(self, folder: OpenFolder, name: str) -> None:
        """:param name: of a symbolic link. :raises HAError: when the newer version would write elsewhere by it."""
        path = f"{folder.path}/{name}"
        root, end = os.path.realpath(self.data_dir), os.path.realpath(path)
        if not end.startswith(root + "/"):
            what = f"this link leads out of {self.data_dir}, to {end}: a copy of the folder would not hold that"
            raise HAError(what, where=path, do=self._instead())

    def _instead(self) -> str:
        return (
            f"Have all of {self.data_dir} on one filesystem that knows hard links (ext4, XFS, Btrfs), or go by a "
            "version that has a documented way back."
        )

    def _must_be_stopped(self, data: OpenFolder) -> None:
        """Prometheus holds its lock for as long as it runs (tsdb/fileutil/flock_unix.go)."""
        with contextlib.suppress(FileNotFoundError):
            flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            handle = os.open(_LOCK, flags, dir_fd=data.descriptor)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                what = "a process still runs on this data"
                raise HAError(what, where=f"{data.path}/{_LOCK}", do="Stop it first.") from error
            finally:
                os.close(handle)

    def _must_be_whole(self, former: OpenFolder, kept: Kept) -> None:
        sizes = [status.st_size for _folder, _name, status in former.walk()]
        if (len(sizes), sum(sizes)) != (kept.files, kept.size):
            raise HAError(
                f"the copy is not what was taken: {kept.files} files of {kept.size} bytes then, {len(sizes)} of "
                f"{sum(sizes)} bytes now; nothing was restored",
                where=former.path,
                do="See what changed it. What is left of it can be moved back by hand, or the newer version started.",
            )

    def _lost(self, data: OpenFolder, copy: OpenFolder, former: OpenFolder) -> dict[str, t.Any]:
        """What goes for good with a restore: how many files, and which blocks."""
        with contextlib.suppress(FileNotFoundError):
            found: dict[str, t.Any] = json.loads(copy.read(_LOST))
            return found
        known = {status.st_ino for _folder, _name, status in former.walk()}
        written = [name for folder, name, status in data.walk(self._data_of) if status.st_ino not in known]
        blocks = [name for name in self._data_of(data) if _BLOCK.fullmatch(name) and name not in former.names()]
        return {"files": len(written), "blocks": blocks}

    def _empty(self, data: OpenFolder, copy: OpenFolder) -> None:
        with copy.open(_GONE) as gone:
            for name in gone.names():
                gone.remove(name)
            for name in self._own(data.names()):
                data.rename(name, gone)
            for name in gone.names():
                gone.remove(name)

    def _let_go(self, data: OpenFolder) -> None:
        self._sweep(data)
        data.rename(COPY, data, _LET_GO)
        data.sync()
        self._sweep(data)

    @staticmethod
    def _sweep(data: OpenFolder) -> bool:
        unfinished, let_go = data.remove(_UNFINISHED), data.remove(_LET_GO)
        return unfinished or let_go
