# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set of files as one transaction: candidate, check, swap, then commit or roll back.

Journal, manifest and former files lie in ``state_dir`` (0700). The journal is durable before the first change and its
removal is the commit, so a run cut off anywhere is either whole or rolled back by the next one's ``recover()``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import stat
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _candidate, _diff, _owner
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._disk import NEW_RECORD, Disk
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._filespec import (
    File,
    FilesetPlan,
    FilesetSpec,
    is_marked,
    parents,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner, run
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Verdict, wait

__all__ = ["File", "Fileset", "FilesetPlan", "FilesetSpec"]

# How long (seconds) another run's transaction over the same files is waited for.
LOCK_TIMEOUT = 60.0
_NEW = ".prometheus_ha-new"
_REMEDY = {
    errno.ENOSPC: "Free space on that filesystem, then run again.",
    errno.EDQUOT: "Raise the quota or free space, then run again.",
    errno.EROFS: "That filesystem is mounted read-only: remount it (look for disk errors first), then run again.",
    errno.EACCES: "Run as root (become: true).",
    errno.EPERM: "Run as root (become: true), and look for an immutable flag (lsattr).",
}


def _secret(record: dict[str, t.Any] | None) -> bool:
    """Whether a file's former content is secret; of one that only a journal names nothing is known, so it is."""
    return record is not None and bool(record.get("secret", True))


class Fileset:
    """One transaction at a time over the files of a spec.

    Order: ``recover``, ``plan``, ``check``, ``swap``, then ``commit`` or ``rollback``. Check mode: ``plan`` and
    ``check`` alone; they change nothing below root.
    """

    def __init__(self, spec: FilesetSpec, runner: Runner = run, disk: Disk | None = None) -> None:
        self.spec = spec
        self.root = os.path.realpath(spec.root)
        self._runner = runner
        self._disk = disk or Disk()
        self._lock: t.IO[bytes] | None = None

    # -- looking ---------------------------------------------------------------------------------------------------

    def plan(self) -> FilesetPlan:
        """Compare disk and spec. :raises HAError: for a file in the way that we did not write."""
        ours = self._ours()
        owner, group = _owner.names(self.spec)
        written, removed, edited, diff = [], [], [], []
        for file in sorted(self.spec.files, key=lambda item: item.path):
            before = self._view(file.path)
            after = _diff.View(file.content, file.mode, owner, group)
            if before == after:
                continue
            if before and file.path not in ours and (before.link or before.content != file.content):
                raise HAError(
                    f"{self._at(file.path)} is in the way: this collection did not write it",
                    where=self.spec.root,
                    do="Move what it holds into the inventory and the file out of the way, or adopt the installation.",
                )
            written.append(file.path)
            record = ours.get(file.path)
            if before and record and hashlib.sha256(before.content).hexdigest() != record["sha256"]:
                edited.append(file.path)
            diff.append(_diff.entry(self._at(file.path), before, after, secret=file.secret or _secret(record)))
        wanted = {file.path for file in self.spec.files}
        for path in sorted(set(ours) - wanted):
            before = self._view(path)
            if before:
                removed.append(path)
                diff.append(_diff.entry(self._at(path), before, None, secret=_secret(ours[path])))
        foreign = self._foreign(wanted | set(ours)) if self.spec.scan else []
        return FilesetPlan(bool(written or removed), written, removed, foreign, diff, edited)

    def owns(self, path: str) -> bool:
        """Whether something lies at ``path`` and is ours. :raises HAError: when it cannot be read."""
        return self._view(path) is not None and path in self._ours()

    def check(
        self,
        commands: t.Sequence[t.Sequence[str]],
        replace: t.Mapping[str, str] | None = None,
        *,
        missing_ok: bool = False,
    ) -> list[str]:
        """Run the component's own checkers over a candidate folder, which is removed again in every case.

        :param commands: argvs; ``{root}`` is the candidate, which is also the working folder.
        :param replace: further placeholders, as ``{"release": "/opt/..."}``.
        :param missing_ok: a checker that is not installed (check mode on a fresh host) is returned, not an error.
        :returns: the checkers that were not there.
        :raises HAError: with the checker's own words, paths as they will be, values of secret files masked.
        """
        if not commands:
            return []
        with self._clearly("cannot write the candidate folder"):
            return _candidate.check(
                self.spec.root,
                self.spec.files,
                commands,
                replace or {},
                self._runner,
                missing_ok=missing_ok,
                ours=set(self._ours()) if self.spec.scan else None,
            )

    # -- changing --------------------------------------------------------------------------------------------------

    def recover(self) -> list[str]:
        """Roll an interrupted transaction back and sweep what dead runs left; says what it did.

        :raises HAError: when another run holds the files, or the former ones cannot be put back.
        """
        did = []
        if os.path.isdir(self.spec.state_dir):
            self._acquire()
            try:
                if self._read(self._journal) is not None:
                    paths = self._journalled()
                    self._undo()
                    did.append(f"rolled an interrupted change back to the former files: {', '.join(sorted(paths))}")
                else:
                    with self._clearly("cannot clear what an interrupted run left"):
                        self._clear_scraps()
                        self._prune(self._manifest())
            finally:
                self._release()
        return did + [f"removed {path}, left by an interrupted check" for path in _candidate.sweep(self.root)]

    def swap(self) -> None:
        """Put the files in place; ``commit`` or ``rollback`` must follow.

        :raises HAError: when it cannot; the former files are then in place again.
        """
        self._acquire()
        try:
            self._undo()  # what a cut-off run left, for a caller that did not recover
            plan = self.plan()  # under the lock: another run may have finished since
            uid, gid = _owner.ids(self.spec)
        except HAError:
            self._release()
            raise
        try:
            self._begin(plan)
            files = {file.path: file for file in self.spec.files}
            for parent in self._missing_folders(plan.written):
                self._disk.mkdir(self._at(parent), self.spec.dir_mode, uid, gid)
            for path in plan.written:
                self._disk.write(self._temporary(path), files[path].content, files[path].mode, uid, gid)
            for path in plan.written:
                self._disk.rename(self._temporary(path), self._at(path))
            for path in plan.removed:
                self._disk.unlink(self._at(path))
            self._disk.sync({os.path.dirname(self._at(path)) for path in plan.written + plan.removed})
        except HAError:
            self.rollback()
            raise
        except OSError as error:
            self.rollback()
            raise self._failed("cannot put the new files in place; the former ones are there", error) from error

    def commit(self) -> None:
        """Make the swap final: the manifest names the new files, folders that became empty go."""
        with self._clearly("cannot finish the change; the next run rolls it back"):
            made = (self._read(self._journal) or {}).get("made", [])
            manifest = {**self._records(), "made": sorted({*self._manifest()["made"], *made})}
            self._write(self._manifest_path, manifest)
            self._disk.unlink(self._journal)
            self._disk.sync([self.spec.state_dir])
            self._clear_scraps()
            self._prune(manifest)
        self._release()

    @property
    def is_open(self) -> bool:
        """Whether a swap, of this run or of one that was cut off, was neither committed nor rolled back."""
        return self._read(self._journal) is not None

    def settle(self) -> bool:
        """Commit what another process swapped; says whether there was anything. :raises HAError: as ``commit``."""
        if not self.is_open:
            return False
        self._acquire()
        self.commit()
        return True

    def put_back(self) -> bool:
        """Roll back what another process swapped; says whether there was anything. :raises HAError: as ``rollback``."""
        if not self.is_open:
            return False
        self._acquire()
        self.rollback()
        return True

    def record(self) -> None:
        """List anew what lies there as wanted, where the records were lost; the files themselves are not touched.

        :raises HAError: when another run holds the files, or the record cannot be written.
        """
        if not self.spec.files or self._manifest()["files"].keys() >= {file.path for file in self.spec.files}:
            return
        self._acquire()
        try:
            if not self.plan().changed:
                with self._clearly("cannot write the records"):
                    self._write(self._manifest_path, {**self._records(), "made": self._manifest()["made"]})
        finally:
            self._release()

    def rollback(self) -> None:
        """Put the former files back.

        :raises HAError: when it cannot; journal and former files stay, and the next run finishes it.
        """
        self._undo()
        self._release()

    def _undo(self) -> None:
        what = f"cannot put the former files back; they are kept in {self._former}"
        with self._clearly(what, "Then run again: the next run finishes this."):
            journal = self._read(self._journal)
            if journal is not None:
                for path, former in journal["files"].items():
                    self._disk.unlink(self._temporary(path))
                    self._restore(path, former)
                for folder in reversed(journal["made"]):
                    self._disk.rmdir(self._at(folder))
                self._disk.sync({os.path.dirname(self._at(path)) for path in journal["files"]})
                if journal["manifest"] is None:
                    self._disk.unlink(self._manifest_path)
                elif journal["manifest"] != self._read(self._manifest_path):
                    self._write(self._manifest_path, journal["manifest"])
                self._disk.unlink(self._journal)
                self._disk.sync([self.spec.state_dir])
            self._clear_scraps()

    def remove(self) -> FilesetPlan:
        """State absent: remove our files, the folders we made where they are empty, and our records."""
        none = Fileset(self.spec.leaving(), self._runner, self._disk)
        plan = none.plan()
        if plan.changed or os.path.isdir(self.spec.state_dir):
            none.swap()
            none.commit()
            with self._clearly("cannot remove the records"):
                self._disk.clear(self.spec.state_dir)
        return plan

    # -- the transaction's parts -----------------------------------------------------------------------------------

    @property
    def _journal(self) -> str:
        return os.path.join(self.spec.state_dir, "journal.json")

    @property
    def _manifest_path(self) -> str:
        return os.path.join(self.spec.state_dir, "manifest.json")

    @property
    def _former(self) -> str:
        return os.path.join(self.spec.state_dir, "former")

    def _at(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.root, path))

    def _temporary(self, path: str) -> str:
        # In the file's own folder, hence on its filesystem; hidden, and no glob for *.yml or *.json matches it.
        folder, name = os.path.split(self._at(path))
        return os.path.join(folder, f".{name}{_NEW}")

    def _begin(self, plan: FilesetPlan) -> None:
        """Keep the former files, then the journal: from here on a cut-off run is rolled back."""
        self._disk.clear(self._former)
        self._disk.mkdir(self._former, 0o700)
        files: dict[str, t.Any] = {}
        for number, path in enumerate(plan.written + plan.removed):
            found = self._found(path)
            files[path] = None
            if found is not None:
                status, content = found
                files[path] = {"mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
                if stat.S_ISLNK(status.st_mode):
                    files[path]["link"] = content.decode("utf-8", "surrogateescape")
                else:
                    files[path]["copy"] = str(number)
                    self._disk.write(os.path.join(self._former, str(number)), content, 0o600)
        self._disk.sync([self._former])
        made = self._missing_folders(plan.written)
        self._write(self._journal, {"files": files, "made": made, "manifest": self._read(self._manifest_path)})

    def _restore(self, path: str, former: dict[str, t.Any] | None) -> None:
        target, temporary = self._at(path), self._temporary(path)
        if former is None:
            with contextlib.suppress(NotADirectoryError):
                self._disk.unlink(target)
            return
        if "link" in former:
            self._disk.link(temporary, former["link"])
            self._disk.rename(temporary, target)
            return
        with open(os.path.join(self._former, former["copy"]), "rb") as handle:
            content = handle.read()
        found = self._found(path)
        if found:
            status, current = found
            now = (status.st_mode, status.st_uid, status.st_gid)
            if (current, now) == (content, (stat.S_IFREG | former["mode"], former["uid"], former["gid"])):
                return  # never touched: a full disk must not stop this
        self._disk.write(temporary, content, former["mode"], former["uid"], former["gid"])
        self._disk.rename(temporary, target)

    def _clear_scraps(self) -> None:
        """Remove what serves only while a transaction runs."""
        self._disk.clear(self._former)
        for record in (self._journal, self._manifest_path):
            self._disk.unlink(record + NEW_RECORD)

    def _missing_folders(self, paths: t.Iterable[str]) -> list[str]:
        """Folders to make, outermost first; "." and what is above it when root itself is not there."""
        above = [
            os.path.relpath(folder, self.root) for folder in [*reversed(_candidate.ancestors(self.root)), self.root]
        ]
        below = {parent for path in paths for parent in parents(path)}
        candidates = (above if paths else []) + sorted(below)
        return [folder for folder in candidates if not os.path.isdir(self._at(folder))]

    def _prune(self, manifest: dict[str, t.Any]) -> None:
        """Remove folders of our making that no file of ours needs any more; those that are not empty stay."""
        needed = {parent for path in manifest["files"] for parent in parents(path)}
        for folder in sorted(set(manifest["made"]) - needed, key=len, reverse=True):
            if folder.startswith("..") or (folder == "." and manifest["files"]):
                continue
            self._disk.rmdir(self._at(folder))

    def _acquire(self) -> None:
        """:raises HAError: when another run keeps the lock; the kernel frees a dead one's."""
        if self._lock is not None:
            return
        with self._clearly("cannot make the folder of records"):
            for folder in [*reversed(_candidate.ancestors(self.spec.state_dir)), self.spec.state_dir]:
                if not os.path.isdir(folder):
                    os.mkdir(folder, 0o700)
            lock = open(os.path.join(self.spec.state_dir, "lock"), "ab")  # noqa: SIM115

        def look() -> Verdict:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return Verdict(False, "another run")
            return Verdict(True)

        if not wait(look, timeout=LOCK_TIMEOUT).done:
            lock.close()
            raise HAError(
                f"another run is changing these files, and was not through after {LOCK_TIMEOUT:g} s",
                where=self.spec.root,
                do="Let it finish, then run again.",
            )
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # -- reading ---------------------------------------------------------------------------------------------------

    def _found(self, path: str) -> tuple[os.stat_result, bytes] | None:
        """The file at ``path``, or where a symbolic link points. :raises HAError: for a link on the way, a folder."""
        for parent in parents(path):
            if os.path.islink(self._at(parent)):
                do = "Replace it by a folder, or leave it out of the set."
                raise HAError(f"{self._at(parent)} is a symbolic link; it is not followed", where=self.spec.root, do=do)
        target = self._at(path)
        try:
            status = os.lstat(target)
            if stat.S_ISLNK(status.st_mode):
                return status, os.fsencode(os.readlink(target))
            if stat.S_ISREG(status.st_mode):
                with os.fdopen(os.open(target, os.O_RDONLY | os.O_NOFOLLOW), "rb") as handle:
                    return status, handle.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failed("cannot read what is there", error) from error
        raise HAError(f"{target} is in the way: not a plain file", where=self.spec.root, do="Move it away.")

    def _view(self, path: str) -> _diff.View | None:
        found = self._found(path)
        if found is None:
            return None
        status, content = found
        mode, owner, group = stat.S_IMODE(status.st_mode), _owner.user(status.st_uid), _owner.group(status.st_gid)
        if stat.S_ISLNK(status.st_mode):
            return _diff.View(b"", mode, owner, group, link=content.decode("utf-8", "replace"))
        return _diff.View(content, mode, owner, group)

    def _foreign(self, known: set[str]) -> list[str]:
        found = []
        for base, folders, files in os.walk(self.root):
            links = [name for name in folders if os.path.islink(os.path.join(base, name))]
            found += [os.path.relpath(os.path.join(base, name), self.root) for name in files + links]
        return sorted(set(found) - known)

    def _manifest(self) -> dict[str, t.Any]:
        manifest = self._read(self._manifest_path) or {"root": self.spec.root, "files": {}, "made": []}
        if manifest["root"] != self.spec.root:
            raise HAError(
                f"{self._manifest_path} belongs to {manifest['root']}, not to {self.spec.root}",
                do="Give this set of files a state_dir of its own.",
            )
        return manifest

    def _records(self) -> dict[str, t.Any]:
        """The manifest's part that follows from the wanted files."""
        files = {
            file.path: {"sha256": hashlib.sha256(file.content).hexdigest(), "secret": file.secret}
            for file in self.spec.files
        }
        return {"root": self.spec.root, "files": files}

    def _ours(self) -> dict[str, dict[str, t.Any]]:
        """The records of our files by path, empty ones for those that only a journal or their mark tells."""
        ours: dict[str, dict[str, t.Any]] = {**{path: {} for path in self._journalled()}, **self._manifest()["files"]}
        for path in {*(file.path for file in self.spec.files), *self.spec.claimed} - set(ours):
            view = self._view(path)
            if view and not view.link and is_marked(view.content):
                ours[path] = {}
        return ours

    def _journalled(self) -> list[str]:
        return list((self._read(self._journal) or {"files": {}})["files"])

    def _read(self, path: str) -> dict[str, t.Any] | None:
        try:
            with open(path, encoding="utf-8") as handle:
                found: dict[str, t.Any] = json.load(handle)
                return found
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failed("cannot read the records", error) from error
        except ValueError as error:
            do = "Remove it after looking whether the files below root are whole; it is then written anew."
            raise HAError("a record of ours is damaged", where=path, said=str(error), do=do) from error

    def _write(self, path: str, record: dict[str, t.Any]) -> None:
        self._disk.replace(path, json.dumps(record, indent=1, sort_keys=True).encode(), 0o600)

    def _failed(self, what: str, error: OSError, do: str = "") -> HAError:
        said = f"{error.filename or self.root}: {error.strerror or error}"
        remedy = _REMEDY.get(error.errno or 0, "")
        return HAError(what, where=self.spec.root, said=said, do=" ".join(part for part in (remedy, do) if part))

    @contextlib.contextmanager
    def _clearly(self, what: str, do: str = "") -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failed(what, error, do) from error
