# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases fetched on the controller: once per archive and run, whatever the number of hosts, then handed to them."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import time
import typing as t
from pathlib import Path

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._download import (
    Downloader,
    Progress,
    public,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._locked_folder import told
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._obtain import (
    checksum_of,
    download,
    published,
    verify,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import SUMS, Checksum, ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, SystemClock

TELL_EVERY = 10.0  # seconds between two lines of progress


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A verified archive on the controller, and who vouched for it."""

    path: Path
    checksum: Checksum


@dataclasses.dataclass(frozen=True)
class _Record:
    """What a run found out about an archive, for its other workers: size in bytes, time in nanoseconds."""

    run: str
    sha256: str
    origin: str
    size: int
    mtime_ns: int


def default_cache() -> Path:
    """The user's own folder for fetched releases."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "prometheus_ha", "releases")


def fetch(
    spec: ReleaseSpec,
    arch: str,
    cache: Path,
    *,
    run: str,
    downloader: Downloader | None = None,
    tell: t.Callable[[str], None] = lambda _line: None,
    clock: Clock | None = None,
) -> Fetched:
    """The verified archive. Workers of one run (``run`` names it) meet at a lock: one fetches, the others wait.

    An archive of an earlier run is used again once its SHA-256 was computed anew. Whoever waited for an attempt that
    failed fails with it, instead of trying the same again host by host.

    :raises HAError: it cannot be had or verified; nothing half-fetched is left.
    """
    clock = clock or SystemClock()
    downloader = downloader or Downloader(clock=clock)
    key = hashlib.sha256(spec.source.encode()).hexdigest()[:12]
    folder = cache / f"{spec.top(arch)}-{key}"
    came = time.time()
    with told(str(cache)):
        cache.parent.mkdir(parents=True, exist_ok=True)
        for place in (cache, folder):  # nobody else may put a file there between our check and its use
            place.mkdir(mode=0o700, exist_ok=True)
        with _locked(folder / "lock"):
            _raise_former(folder / "failed", run, came)
            try:
                return _obtain(spec, arch, folder, run, downloader, _progress(spec, arch, tell, clock))
            except HAError as error:
                fields = {**error.facts, "what": error.what, "where": error.where, "said": error.said, "do": error.do}
                _write(folder / "failed", {"run": run, "at": time.time(), "error": fields})
                raise


def _obtain(
    spec: ReleaseSpec,
    arch: str,
    folder: Path,
    run: str,
    downloader: Downloader,
    progress: Progress,
) -> Fetched:
    path = _in_folder(spec, arch) if spec.is_folder else folder / spec.archive_name(arch)
    record = _read_record(folder / "record")
    known = record if record and record.run == run else None
    checksum = spec.expected(arch) or (Checksum(known.sha256, known.origin) if known else None)
    if checksum is None:
        checksum = _folder_sums(spec, arch, path) if spec.is_folder else checksum_of(spec, arch, downloader)
    if known and known == _look(path, run, checksum):
        return Fetched(path, checksum)
    name = spec.archive_name(arch)
    try:
        verify(str(path), checksum, name=name, source=str(path))
    except (HAError, FileNotFoundError):
        if spec.is_folder:
            raise
        path.unlink(missing_ok=True)
        download(spec, arch, checksum, str(path), downloader, progress)
    _write(folder / "record", dataclasses.asdict(t.cast(_Record, _look(path, run, checksum))))
    return Fetched(path, checksum)


def _in_folder(spec: ReleaseSpec, arch: str) -> Path:
    """The archive in a folder of the controller: in upstream's layout, or flat."""
    base, name = Path(spec.source).expanduser(), spec.archive_name(arch)
    places = [base / spec.layout / name, base / name]
    for place in places:
        if place.is_file():
            return place
    raise HAError(
        f"{spec.name} {spec.version} for {arch} is not in the folder {base} of the controller",
        where="source",
        said="\n".join(f"no {place}" for place in places),
        do="correct the version, or put the archive there.",
        option="version",
    )


def _folder_sums(spec: ReleaseSpec, arch: str, archive: Path) -> Checksum:
    def read(file: str) -> str:
        return (archive.parent / file).read_text(encoding="utf-8", errors="replace")

    return published(spec, arch, read, str(archive.parent / SUMS))


def _look(path: Path, run: str, checksum: Checksum) -> _Record | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return _Record(run, checksum.sha256, checksum.origin, stat.st_size, stat.st_mtime_ns)


def _read_record(path: Path) -> _Record | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return _Record(**json.loads(path.read_text(encoding="utf-8")))
    return None


def _write(path: Path, value: dict[str, t.Any]) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(value), encoding="utf-8")
    beside.replace(path)


def _raise_former(path: Path, run: str, came: float) -> None:
    """Fail as the attempt failed that ended while we waited for the lock."""
    try:
        former = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return
    if former["run"] == run and former["at"] >= came:
        raise HAError(**former["error"])


@contextlib.contextmanager
def _locked(path: Path) -> t.Iterator[None]:
    """Wait for the lock as long as it takes: its holder downloads with a limit of its own, and death frees it."""
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _progress(spec: ReleaseSpec, arch: str, tell: t.Callable[[str], None], clock: Clock) -> Progress:
    last: list[float] = []

    def progress(done: int, total: int | None) -> None:
        if last and clock.time() - last[0] < TELL_EVERY:
            return
        share = f" {100 * done // total} % of {total / 1e6:.0f} MB" if total else f" {done / 1e6:.0f} MB"
        start = "" if last else f" from {public(spec.url(spec.archive_name(arch)))}"
        last[:] = [clock.time()]
        tell(f"{spec.name} {spec.version} for {arch}: fetching{start},{share}")

    return progress


def provide_archive(action: ActionBase, spec: ReleaseSpec, arch: str) -> dict[str, t.Any]:
    """Fetch on the controller, copy to the host's temporary folder, and return the release's options that say so.

    The caller merges them over the options of the release, runs its module again, and removes
    ``action._connection._shell.tmpdir`` in the end.

    :raises HAError: the archive cannot be had or verified.
    """
    display = Display()
    fetched = fetch(
        spec,
        arch,
        default_cache(),
        run=vars(constants)["DEFAULT_LOCAL_TMP"],  # one a run: made by the main process, known to all its workers
        tell=lambda line: display.display(line, stderr=True),
    )
    shell = action._connection._shell
    if shell.tmpdir is None:
        action._make_tmp_path()
    remote = shell.join_path(shell.tmpdir, f"{spec.name}-release.tar.gz")
    action._transfer_file(str(fetched.path), remote)
    action._fixup_perms2((shell.tmpdir, remote))
    return {
        "archive": remote,
        "checksum": None,
        "checksums": {arch: fetched.checksum.sha256},
        "checksum_from": fetched.checksum.origin,
    }


def merged(first: t.Mapping[str, t.Any], second: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The second call's result with what the first one also said: warnings, deprecations, facts.

    Without the facts, the interpreter is discovered again in every later task.
    """
    result = dict(second)
    for key in ("warnings", "deprecations"):
        said = [*first.get(key, ()), *(line for line in second.get(key, ()) if line not in first.get(key, ()))]
        if said:
            result[key] = said
    facts = {**first.get("ansible_facts", {}), **second.get("ansible_facts", {})}
    if facts:
        result["ansible_facts"] = facts
    return result
