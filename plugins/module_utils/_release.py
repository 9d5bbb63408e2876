# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pinned release on a host: verified, unpacked beside its place, renamed, linked, pruned.

Layout: ``<root>/<name>/<version>/bin/<executables>``, whatever else the archive holds beside ``bin``. Every change is
made under a lock on ``<root>/<name>/.lock``; so whatever lies there under one of our working names while we hold the
lock was left by a run that died, and is swept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import os
import re
import shutil
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _release_links, _unit
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _release_manifest as manifests
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._archive import (
    MANIFEST,
    sync_folder,
    unpack,
    unpacked_size,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._download import Downloader
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._foreign import UNIT_FOLDER
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._locked_folder import (
    changing,
    make_folder,
    names,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._obtain import checksum_of, download, verify
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import (
    RELEASE_SPEC,
    Checksum,
    ReleaseSpec,
    detect_arch,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, SystemClock

__all__ = ["RELEASE_SPEC", "Release", "ReleaseResult", "ReleaseSpec", "ReleaseState"]

MARGIN = 64 * 1024 * 1024  # bytes that stay free beside the unpacked release: logs and the WAL share the disk
SELINUX = "/sys/fs/selinux/enforce"  # there where SELinux is enabled, enforcing or not
LEAVINGS = re.compile(r"\.(?P<version>\d+\.\d+\.\d+.*)\.(?P<kind>new|former|gone)")


@dataclasses.dataclass(frozen=True)
class ReleaseState:
    """What is on the host. ``damage`` says why an installed release is not intact; ``versions`` newest first."""

    installed: bool
    intact: bool
    needs_archive: bool
    arch: str
    versions: list[str]
    damage: str = ""


@dataclasses.dataclass(frozen=True)
class ReleaseResult:
    """What an installation came to; ``sha256`` is the archive's, ``verified_by`` names who vouched for it."""

    changed: bool
    path: str
    sha256: str = ""
    verified_by: str = ""


def free_bytes(folder: str) -> int:
    """What an ordinary user may still write to the folder's file system."""
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def running_executables(proc: str = "/proc") -> list[str]:
    """The executables of all processes that we may look at."""
    found = set()
    for entry in os.listdir(proc):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                found.add(os.readlink(f"{proc}/{entry}/exe"))
    return sorted(found)


def unit_executables(folder: str = UNIT_FOLDER) -> list[str]:
    """What the units of this collection start, whether they run or not."""
    found = []
    for path in glob.glob(os.path.join(folder, "*.service")):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
            if _unit.is_ours(text):
                found += re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE)
    return found


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.0f} MiB"


class Release:
    """The release of ``spec`` on this host; everything that touches the world can be handed in.

    ``apply=False`` decides the same and writes nothing (check mode).
    """

    def __init__(
        self,
        spec: ReleaseSpec,
        *,
        runner: Runner,
        downloader: Downloader | None = None,
        clock: Clock | None = None,
        free: t.Callable[[str], int] = free_bytes,
        running: t.Callable[[], t.Sequence[str]] = running_executables,
        selinux: str = SELINUX,
        unit_folder: str = UNIT_FOLDER,
    ) -> None:
        self.spec = spec
        self._unit_folder = unit_folder
        self._runner = runner
        self._clock = clock or SystemClock()
        self._downloader = downloader or Downloader(clock=self._clock)
        self._free = free
        self._running = running
        self._selinux = selinux

    @property
    def path(self) -> str:
        """The version's folder."""
        return self.spec.path

    @property
    def arch(self) -> str:
        """The wanted architecture, else the host's. :raises HAError: none is published for this machine."""
        return self.spec.arch or detect_arch()

    def versions(self) -> list[str]:
        """Versions that this collection installed, the newest installation first."""
        home = self.spec.home
        ours = [name for name in names(home) if not name.startswith(".") and manifests.is_ours(f"{home}/{name}")]
        when = {name: os.path.getmtime(f"{home}/{name}/{MANIFEST}") for name in ours}
        return sorted(ours, key=lambda name: (when[name], name), reverse=True)

    def inspect(self) -> ReleaseState:
        """Look, without a lock and without a change.

        :raises HAError: no version is named, the folder is not ours, or no checksum is given for this architecture.
        """
        if not self.spec.version:
            raise HAError(f"no version of {self.spec.name} is named", where="version", do="pin one, as 3.5.3.")
        arch = self.arch
        expected = self.spec.expected(arch)
        self._refuse_foreign(self.path)
        installed = manifests.is_ours(self.path)
        damage = self._damage(arch, expected) if installed else ""
        intact = installed and not damage
        needs = not intact and self.spec.fetch == "controller"
        return ReleaseState(installed, intact, needs, arch, self.versions(), damage)

    def install(self, archive: str | None = None, *, apply: bool = True) -> ReleaseResult:
        """Bring the release into its place, unless it is there and intact.

        :param archive: the archive on this host; None where the host downloads it itself (fetch: target).
        :raises HAError: it cannot be had, verified, unpacked or written; what was there is then as it was.
        """
        state = self.inspect()
        if state.intact:
            return self._result(False)
        if not apply:
            return ReleaseResult(True, self.path)
        if archive is None and self.spec.fetch == "controller":
            raise HAError(
                f"the archive of {self._title} was not handed over", do="run the module through its action plugin."
            )
        with self._changing():
            if self.inspect().intact:  # another run was faster
                return self._result(False)
            work = f"{self.spec.home}/.{self.spec.version}.new"
            make_folder(work)
            try:
                self._build(archive, state.arch, work)
                self._swap(f"{work}/tree")
            finally:
                shutil.rmtree(work, ignore_errors=True)
        return self._result(True)

    def prune(self, *, apply: bool = True) -> list[str]:
        """Remove all but ``keep`` other versions, the ones installed longest ago first; never one in use.

        Comes after ``link``, which moves the wanted links to this version.
        """
        others = [version for version in self.versions() if version != self.spec.version]
        old = others[self.spec.keep :]
        gone = [version for version in old if not self._users(f"{self.spec.home}/{version}")] if old else []
        if gone and apply:
            with self._changing():
                for version in gone:
                    self._discard(version)
        return gone

    def remove(self, *, apply: bool = True, spare: bool = False) -> list[str]:
        """Remove the version (every one of ours where none is named) and the links to it; returns what was removed.

        :param spare: leave what something else runs from, or a unit of ours names: several components share a release.
        :raises HAError: a process runs from it, or the folder is not ours.
        """
        wanted = [self.spec.version] if self.spec.version else self.versions()
        for version in wanted:
            folder = f"{self.spec.home}/{version}"
            self._refuse_foreign(folder)
            users = [exe for exe in self._running() if exe.startswith(folder + "/")]
            if users and not spare:
                raise HAError(
                    f"{self.spec.name} {version} is in use", where=folder, said="\n".join(users), do="stop it first."
                )
        gone = [version for version in wanted if manifests.is_ours(f"{self.spec.home}/{version}")]
        if spare:
            gone = [version for version in gone if not self._runs_or_would(f"{self.spec.home}/{version}")]
        if apply and os.path.isdir(self.spec.home):
            with self._changing():
                for version in gone:
                    for link in _release_links.into(f"{self.spec.home}/{version}", self.spec.link_dir):
                        os.unlink(link)
                    self._discard(version)
        return gone

    def link(self, *, apply: bool = True) -> bool:
        """Link the executables of ``links`` into ``link_dir``; says whether a link differs (or differed).

        :raises HAError: the name is taken by something that is not ours, or there is no such executable.
        """
        wanted = {f"{self.spec.link_dir}/{name}": f"{self.path}/bin/{name}" for name in self.spec.links}
        differing = [link for link, goal in wanted.items() if not _release_links.leads(link, goal, self.spec.home)]
        if apply:
            for link in differing:
                _release_links.make(link, wanted[link])
        return bool(differing)

    def links(self) -> dict[str, str]:
        """The wanted links that are there, and where they lead."""
        paths = [f"{self.spec.link_dir}/{name}" for name in self.spec.links]
        return {path: _release_links.goal(path) for path in paths if _release_links.goal(path)}

    @property
    def _title(self) -> str:
        return f"{self.spec.name} {self.spec.version}"

    def _result(self, changed: bool) -> ReleaseResult:
        manifest = manifests.load(self.path)
        if manifest is None:  # another run has just removed it
            return ReleaseResult(changed, self.path)
        return ReleaseResult(changed, self.path, manifest.archive, manifest.verified_by)

    def _damage(self, arch: str, expected: Checksum | None) -> str:
        manifest = manifests.load(self.path)
        if manifest is None:
            return f"{self.path}/{MANIFEST} cannot be read"
        if manifest.arch != arch:
            return f"{self.path} is of {manifest.arch}, not of {arch}"
        if expected and expected.sha256 != manifest.archive:
            return f"{self.path} was made from the archive {manifest.archive}, {expected.origin} says {expected.sha256}"
        return manifests.damage(self.path, manifest.unpacked)

    def _refuse_foreign(self, folder: str) -> None:
        if not self.spec.version or not os.path.lexists(folder) or manifests.is_ours(folder):
            return
        found = ", ".join(sorted(names(folder))[:5]) or ("nothing" if os.path.isdir(folder) else "no folder")
        raise HAError(
            f"{folder} was not made by this collection, so it is left alone; in it: {found}",
            where=folder,
            do="move it away, or set another root.",
        )

    def _build(self, archive: str | None, arch: str, work: str) -> None:
        """Make ``<work>/tree``: verified, checked for room, unpacked, described, labelled."""
        if archive is None:
            archive = f"{work}/{self.spec.archive_name(arch)}"
            checksum = checksum_of(self.spec, arch, self._downloader)
            download(self.spec, arch, checksum, archive, self._downloader)
        else:
            given = self.spec.expected(arch)
            if given is None:
                raise HAError(
                    f"{archive} came without a checksum", do=f"give its SHA-256 in {self.spec.checksum_from}."
                )
            checksum = given
            verify(archive, checksum, name=self.spec.archive_name(arch), source=archive)
        self._require_room(archive)
        tree = f"{work}/tree"
        make_folder(tree)
        unpacked = unpack(archive, tree, self.spec.top(arch))
        if not any(name.startswith("bin/") for name in unpacked.files):
            raise HAError(f"the archive of {self._title} holds no executable", where=archive)
        described = manifests.Manifest(checksum.sha256, checksum.origin, arch, unpacked)
        manifests.save(tree, described)
        sync_folder(tree)
        self._label(tree)

    def _require_room(self, archive: str) -> None:
        needed, free = unpacked_size(archive), self._free(self.spec.home)
        if needed + MARGIN > free:
            raise HAError(
                f"the disk is too small for {self._title}: unpacked it takes {_mib(needed)} and {_mib(MARGIN)} must "
                f"stay free, but {_mib(free)} are free",
                where=self.spec.home,
                do="free space there, lower keep, or set another root.",
            )

    def _label(self, tree: str) -> None:
        """SELinux: the policy's contexts go by names below /opt at any depth, so they hold after the rename too."""
        if not os.path.exists(self._selinux):
            return
        done = self._runner(["restorecon", "-R", tree])
        if done.rc != 0:
            raise HAError(
                f"the SELinux contexts of {self._title} could not be set",
                where=self.path,
                said=done.words,
                do="install policycoreutils, or see what restorecon says.",
            )

    def _swap(self, tree: str) -> None:
        former = f"{self.spec.home}/.{self.spec.version}.former"
        if os.path.lexists(self.path):
            os.rename(self.path, former)
        try:
            os.rename(tree, self.path)
        except OSError:
            if os.path.lexists(former):
                os.rename(former, self.path)
            raise
        sync_folder(self.spec.home)
        if os.path.lexists(former):
            shutil.rmtree(former)

    def _discard(self, version: str) -> None:
        gone = f"{self.spec.home}/.{version}.gone"
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            os.rename(f"{self.spec.home}/{version}", gone)
            shutil.rmtree(gone)

    def _sweep(self) -> None:
        for name in names(self.spec.home):
            match = LEAVINGS.fullmatch(name)
            if not match:
                continue
            left, place = f"{self.spec.home}/{name}", f"{self.spec.home}/{match.group('version')}"
            if match.group("kind") == "former" and not os.path.lexists(place):
                os.rename(left, place)  # killed between the two renames: what was there comes back first
            else:
                shutil.rmtree(left)

    @contextlib.contextmanager
    def _changing(self) -> t.Iterator[None]:
        with changing(self.spec.home, self._clock):
            self._sweep()
            yield

    def _users(self, folder: str) -> list[str]:
        """Processes' executables below the folder, and links to it; not the wanted links, which ``link`` moves."""
        wanted = {f"{self.spec.link_dir}/{name}" for name in self.spec.links}
        pointing = [link for link in _release_links.into(folder, self.spec.link_dir) if link not in wanted]
        return pointing + self._runs_or_would(folder)

    def _runs_or_would(self, folder: str) -> list[str]:
        """Executables below the folder that a process runs from, or that a unit of ours starts."""
        return [exe for exe in (*self._running(), *unit_executables(self._unit_folder)) if exe.startswith(folder + "/")]
