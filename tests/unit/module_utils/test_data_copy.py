# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copy of a former version's data: cut off before every single change, and between real 2.53.3 and 3.5.3."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import functools
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t
import urllib.parse
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._data_copy import COPY, DataCopy, Kept
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._open_folder import Step, no_step
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Running, prometheus

OLD_BLOCK, GONE_BLOCK = "01HZZZZZZZZZZZZZZZZZZZZZZ0", "01HZZZZZZZZZZZZZZZZZZZZZZ1"
NEW_BLOCK = "01J00000000000000000000000"
FORMER = {
    f"{OLD_BLOCK}/meta.json": "old",
    f"{OLD_BLOCK}/chunks/000001": "chunks",
    f"{GONE_BLOCK}/meta.json": "compacted away by the newer one",
    "chunks_head/000001": "head",
    "wal/00000000": "segment 0",
    "wal/00000001": "segment 1",
    "wal/checkpoint.00000000/00000000": "checkpoint",
}
# Written in place: never linked, and gone after a restore.
SCRATCH = {"queries.active": "[", "lock": "", f"{OLD_BLOCK}/tombstones.tmp": "half"}
# A sidecar's, and a filesystem's: neither copied nor taken away.
OTHERS = {"thanos.shipper.json": "{}", "thanos/upload/x/meta.json": "x", "lost+found/1": "found"}
TAKEN = 1_700_000_000.0


class KillError(BaseException):
    """The run ends here; nothing handles it."""


def write(folder: Path, files: t.Mapping[str, str]) -> None:
    """By way of another file, as Prometheus does: a file that is linked is never written into."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(path.name + ".aside")
        aside.write_text(text)
        aside.rename(path)


def made(folder: Path) -> Path:
    """A data folder as the former version leaves it."""
    write(folder, {**FORMER, **SCRATCH, **OTHERS})
    (folder / "wal").chmod(0o750)
    (folder / OLD_BLOCK).chmod(0o2755)
    (folder / "empty").mkdir()
    (folder / "wal/link").symlink_to(f"../../{folder.name}/wal/00000001")
    return folder


def newer(folder: Path) -> None:
    """What the newer version makes of it: four new files, one of them in a new block."""
    shutil.rmtree(folder / GONE_BLOCK)
    (folder / "wal/00000000").unlink()
    shutil.rmtree(folder / "wal/checkpoint.00000000")
    changed = {"wal/00000002": "3.x", f"{OLD_BLOCK}/meta.json": "changed", f"{NEW_BLOCK}/meta.json": "new", "x": "file"}
    write(folder, {**changed, "queries.active": "[new", "thanos.shipper.json": "{new}"})


def tree(folder: Path, *, without: t.Collection[str] = ()) -> dict[str, tuple[str, int, int]]:
    """All below it that is not the copy's: contents, modes, and inodes of files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(COPY) or name in without:
            continue
        status = path.lstat()
        if path.is_symlink():
            found[name] = (os.readlink(path), 0, status.st_ino)
        elif path.is_dir():
            found[name + "/"] = ("", status.st_mode & 0o7777, 0)
        else:
            found[name] = (path.read_text(), status.st_mode & 0o7777, status.st_ino)
    return found


def beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(COPY))


def copy_of(folder: Path, step: Step = no_step, now: float = TAKEN) -> DataCopy:
    return DataCopy(str(folder), now=lambda: now, step=step)


def killed_before(number: int) -> Step:
    left = [number]

    def step(what: str) -> None:
        del what
        left[0] -= 1
        if not left[0]:
            raise KillError

    return step


def steps(run: t.Callable[[Step], object]) -> int:
    seen: list[str] = []
    run(seen.append)
    return len(seen)


@pytest.fixture
def memory(tmp_path: Path) -> t.Iterator[Path]:
    """A folder for hundreds of runs in a row, where there is one in memory: no disk to wait for."""
    place = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=place if os.access(place, os.W_OK) else tmp_path))
    yield folder
    shutil.rmtree(folder)


# -- what a copy holds, and what a restore leaves ------------------------------------------------------------------


def test_a_copy_holds_the_same_files_for_root_alone(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    with contextlib.suppress(OSError):  # a filesystem may have none
        os.setxattr(data / "wal", "user.label", b"x")
    before = tree(data)
    copy = copy_of(data)
    kept = copy.keep("2.53.3")
    assert (
        kept
        == copy.kept()
        == Kept("2.53.3", TAKEN, len(FORMER) + 1, sum(map(len, FORMER.values())) + len("../../data/wal/00000001"))
    )
    assert tree(data) == before, "the data itself is not touched"
    held = data / COPY
    assert held.stat().st_mode & 0o7777 == 0o700
    assert tree(held / "data") == {
        name: item
        for name, item in before.items()
        if name.rstrip("/")
        not in {
            *SCRATCH,
            *OTHERS,
            "thanos",
            "thanos/upload",
            "thanos/upload/x",
            "lost+found",
        }
    }
    assert os.listxattr(held / "data/wal") == os.listxattr(data / "wal")
    assert json.loads((held / "record.json").read_text())["version"] == "2.53.3"
    assert beside(data) == [COPY]


def test_owners_are_reproduced(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root gives files away")
    data = made(tmp_path / "data")
    for path in (data, data / "wal", data / "wal/00000000"):
        os.chown(path, 12345, 54321)
    copy_of(data).keep("2.53.3")
    newer(data)
    os.chown(data / "wal/00000002", 1, 1)
    copy_of(data).restore()
    owners = {name: ((data / name).stat().st_uid, (data / name).stat().st_gid) for name in ("wal", "wal/00000000")}
    assert owners == {"wal": (12345, 54321), "wal/00000000": (12345, 54321)}
    assert (data / OLD_BLOCK).stat().st_uid == 0


def test_a_restore_brings_all_back_and_says_what_is_lost(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    before = tree(data, without=[*SCRATCH, "thanos.shipper.json"])
    copy_of(data).keep("2.53.3")
    newer(data)
    write(data, {f"{COPY}.old/record.json": "of an earlier one, half removed"})
    restored = copy_of(data, now=TAKEN + 312.4).restore()
    assert tree(data, without=["thanos.shipper.json"]) == before
    assert (data / "thanos.shipper.json").read_text() == "{new}", "the sidecar's own knowledge of its uploads stays"
    assert (restored.version, restored.taken, restored.files, restored.blocks) == ("2.53.3", TAKEN, 4, (NEW_BLOCK,))
    assert restored.words == (
        "put back the data that 2.53.3 had written until 2023-11-14T22:13:20Z; what was written since is lost: "
        f"312 s, 4 files, the blocks {NEW_BLOCK}"
    )
    assert beside(data) == []
    with pytest.raises(HAError, match="there is no copy"):
        copy_of(data).restore()


def test_a_clock_that_was_set_back_tells_no_negative_loss(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    copy_of(data).keep("2.53.3")
    assert copy_of(data, now=TAKEN - 5).restore().seconds == 0


@pytest.mark.parametrize(("hours", "old"), [(23, False), (25, True)])
def test_a_copy_of_a_roll_that_is_long_over_is_not_put_back_by_itself(tmp_path: Path, hours: int, old: bool) -> None:
    data = made(tmp_path / "data")
    kept = copy_of(data).keep("2.53.3")
    later = copy_of(data, now=TAKEN + hours * 3600)
    assert later.is_old(kept) is old
    assert not later.is_old(dataclasses.replace(kept, restoring=True)), "one that was cut off is gone through with"
    if old:
        with pytest.raises(HAError, match=r"was kept 1\.0 days ago; going back to it would lose all"):
            later.require_recent(kept)
    else:
        later.require_recent(kept)


def test_a_finished_copy_stays_and_that_of_another_version_is_replaced(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    first = copy_of(data).keep("2.53.3")
    newer(data)
    assert copy_of(data, now=TAKEN + 9).keep("2.53.3") == first, "a run that was cut off: 3.x has written since"
    second = copy_of(data, now=TAKEN + 9).keep("3.5.3")
    assert second == copy_of(data).kept() and (second.version, second.taken) == ("3.5.3", TAKEN + 9)
    assert (data / COPY / "data/wal/00000002").read_text() == "3.x"
    assert beside(data) == [COPY]


def test_drop_and_sweep(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    before = tree(data)
    copy = copy_of(data)
    assert (copy.drop(), copy.sweep(), copy.kept()) == (False, False, None)
    copy.keep("2.53.3")
    assert (copy.sweep(), copy.drop(), copy.drop(), copy.kept()) == (False, True, False, None)
    write(data, {f"{COPY}.new/data/wal/00000000": "half", f"{COPY}.old/record.json": "{}"})
    assert (copy.sweep(), copy.sweep()) == (True, False)
    (data / f"{COPY}.new").symlink_to(data / "wal")
    assert copy.drop()
    assert (tree(data), beside(data)) == (before, [])
    missing = copy_of(tmp_path / "none")
    assert (missing.kept(), missing.drop(), missing.sweep()) == (None, False, False)


# -- cut off -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("former", [None, "2.45.0"])
def test_keep_cut_off_before_every_change(memory: Path, former: str | None) -> None:
    def prepared(name: str) -> Path:
        data = made(memory / name / "data")
        if former:
            copy_of(data).keep(former)
        return data

    whole = prepared("whole")
    total = steps(lambda step: copy_of(whole, step).keep("2.53.3"))
    assert total > 30
    seen = []
    for number in range(1, total + 1):
        data = prepared(f"cut{number}")
        before = tree(data)
        with pytest.raises(KillError):
            copy_of(data, killed_before(number)).keep("2.53.3")
        kept = copy_of(data).kept()
        seen.append(kept.version if kept else None)
        assert tree(data) == before, f"cut off before change {number}"
        assert copy_of(data).keep("2.53.3") == copy_of(whole).kept()
        newer(data)
        copy_of(data).restore()
        assert tree(data) == {name: item for name, item in before.items() if name not in SCRATCH or name == "lock/"} | {
            "thanos.shipper.json": tree(data)["thanos.shipper.json"]
        }
        shutil.rmtree(data.parent)
    assert seen == sorted(seen, key=[former, None, "2.53.3"].index) and set(seen) >= {former, "2.53.3"}


@pytest.mark.parametrize("started", [False, True], ids=["nothing starts", "something writes in between"])
def test_restore_cut_off_before_every_change(memory: Path, started: bool) -> None:
    def prepared(name: str) -> tuple[Path, dict[str, tuple[str, int, int]]]:
        data = made(memory / name / "data")
        before = tree(data, without=[*SCRATCH, "thanos.shipper.json"])
        copy_of(data).keep("2.53.3")
        newer(data)
        return data, before

    whole, _before = prepared("whole")
    total = steps(lambda step: copy_of(whole, step).restore())
    assert total > 60
    restoring = []
    for number in range(1, total + 1):
        data, before = prepared(f"cut{number}")
        with pytest.raises(KillError):
            copy_of(data, killed_before(number)).restore()
        kept = copy_of(data).kept()
        restoring.append(2 if kept is None else int(kept.restoring))
        if kept:
            if kept.restoring:
                again = copy_of(data)
                for call in (again.drop, functools.partial(again.keep, "2.53.3")):
                    with pytest.raises(HAError, match="was cut off") as said:
                        call()
                    assert said.value.do == "Restore it first."
            if started:
                write(data, {"wal/00000009": "x", "chunks_head/000001": "other", f"{GONE_BLOCK}/meta.json": "other"})
            restored = copy_of(data).restore()
            if not started or kept.restoring:
                assert (restored.files, restored.blocks) == (4, (NEW_BLOCK,)), f"cut off before change {number}"
        assert tree(data, without=["thanos.shipper.json"]) == before, f"cut off before change {number}"
        copy_of(data).sweep()
        assert beside(data) == []
        shutil.rmtree(data.parent)
    assert restoring == sorted(restoring) and set(restoring) == {0, 1, 2}


def test_drop_cut_off_before_every_change(memory: Path) -> None:
    data = made(memory / "data")
    before = tree(data)
    copy_of(data).keep("2.53.3")
    total = steps(lambda step: copy_of(data, step).drop())
    for number in range(1, total + 1):
        copy_of(data).keep("2.53.3")
        with pytest.raises(KillError):
            copy_of(data, killed_before(number)).drop()
        assert copy_of(data).drop()
        assert (tree(data), beside(data)) == (before, [])


# -- refusals ------------------------------------------------------------------------------------------------------


def refusing(what: str, code: int) -> Step:
    def step(change: str) -> None:
        if change.startswith(what):
            raise OSError(code, os.strerror(code))

    return step


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EXDEV])
def test_a_filesystem_without_hard_links_is_told_before_and_leaves_nothing(tmp_path: Path, code: int) -> None:
    data = made(tmp_path / "data")
    before = tree(data)
    copy = copy_of(data, refusing("link", code))
    for call in (copy.possible, lambda: copy.keep("2.53.3")):
        with pytest.raises(HAError, match="can't be kept by hard links") as said:
            call()
        assert os.strerror(code) in said.value.said and "ext4" in said.value.do and str(data) in said.value.where
        assert (tree(data), beside(data)) == (before, [])


def test_possible_tries_each_folder_and_leaves_nothing(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    before = tree(data)
    changes: list[str] = []
    copy_of(data, changes.append).possible()
    tried = {Path(change[5:]).parent.name for change in changes if change.startswith("link ")}
    assert tried == {OLD_BLOCK, "chunks", GONE_BLOCK, "chunks_head", "wal", "checkpoint.00000000"}
    assert (tree(data), beside(data)) == (before, [])
    with pytest.raises(HAError, match="could not be changed"):
        copy_of(tmp_path / "none").possible()


def test_possible_bears_what_a_running_service_removes(tmp_path: Path) -> None:
    data = made(tmp_path / "data")

    def step(what: str) -> None:
        if what.startswith("mkdir"):
            return
        shutil.rmtree(data / GONE_BLOCK, ignore_errors=True)
        for name in ("wal/00000000", "chunks_head/000001"):
            (data / name).unlink(missing_ok=True)

    copy_of(data, step).possible()
    assert beside(data) == []


def test_data_on_another_filesystem_is_refused(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    (data / "wbl").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(data / "wbl")], check=False).returncode:
        pytest.skip("may not mount")
    try:
        write(data / "wbl", {"00000000": "x"})
        for call in (copy_of(data).possible, lambda: copy_of(data).keep("2.53.3")):
            with pytest.raises(HAError, match="can't be kept by hard links") as said:
                call()
            assert "on one filesystem" in said.value.do
        assert beside(data) == []
    finally:
        subprocess.run(["umount", str(data / "wbl")], check=True)


def test_a_link_out_of_the_folder_is_refused_and_never_followed(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    write(tmp_path / "elsewhere", {"00000000": "x"})
    (data / "wbl").symlink_to(tmp_path / "elsewhere")
    for call in (copy_of(data).possible, lambda: copy_of(data).keep("2.53.3")):
        with pytest.raises(HAError, match="leads out of") as said:
            call()
        assert said.value.where == f"{data}/wbl"
    (data / "wbl").unlink()
    copy_of(data).keep("2.53.3")
    (data / "wbl").symlink_to(tmp_path / "elsewhere")
    copy_of(data).restore()
    assert not (data / "wbl").is_symlink() and (tmp_path / "elsewhere/00000000").read_text() == "x"


def test_the_data_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    made(tmp_path / "disk")
    (tmp_path / "data").symlink_to("disk")
    copy = copy_of(tmp_path / "data")
    copy.possible()
    before = tree(tmp_path / "disk", without=[*SCRATCH, "thanos.shipper.json"])
    copy.keep("2.53.3")
    newer(tmp_path / "disk")
    copy.restore()
    assert tree(tmp_path / "disk", without=["thanos.shipper.json"]) == before


def test_a_process_on_the_data_is_not_robbed_of_it(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    copy_of(data).keep("2.53.3")
    newer(data)
    before = tree(data)
    with (data / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for call in (copy_of(data).restore, lambda: copy_of(data).keep("3.5.3")):
            with pytest.raises(HAError, match="a process still runs on this data"):
                call()
        assert tree(data) == before
    assert copy_of(data).restore().files == 4


@pytest.mark.parametrize("change", ["append", "remove"])
def test_a_copy_that_is_not_what_was_taken_is_not_restored(tmp_path: Path, change: str) -> None:
    data = made(tmp_path / "data")
    copy_of(data).keep("2.53.3")
    if change == "append":
        with (data / "wal/00000001").open("a") as handle:
            handle.write("in place")
    else:
        (data / COPY / "data/wal/00000001").unlink()
    before = tree(data)
    with pytest.raises(HAError, match="the copy is not what was taken: 8 files of"):
        copy_of(data).restore()
    assert tree(data) == before


def test_what_bears_our_name_and_is_not_ours_is_told_and_left(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    held = data / COPY

    def folder(mode: int, record: str = "") -> None:
        held.mkdir()
        held.chmod(mode)
        if record:
            (held / "record.json").write_text(record)

    cases: list[tuple[str, t.Callable[[], object]]] = [
        ("not the folder of ours", lambda: held.symlink_to(data / "wal")),
        ("not the folder of ours", lambda: held.write_text("x")),
        ("not a folder that we made", functools.partial(folder, 0o755)),
        ("record is damaged", functools.partial(folder, 0o700)),
        ("record is damaged", functools.partial(folder, 0o700, "{")),
        ("record is damaged", functools.partial(folder, 0o700, "[]")),
        ("record is damaged", functools.partial(folder, 0o700, '{"version": "1"}')),
    ]
    for expected, make in cases:
        make()
        found = held.lstat()
        copy = copy_of(data)
        for call in (copy.possible, copy.kept, functools.partial(copy.keep, "2.53.3"), copy.restore, copy.drop):
            with pytest.raises(HAError, match=expected) as said:
                call()
            assert said.value.where == str(held)
        assert held.lstat().st_ino == found.st_ino
        shutil.rmtree(held) if held.is_dir() and not held.is_symlink() else held.unlink()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses_a_keep_leaves_nothing_of_it(tmp_path: Path, code: int) -> None:
    data = made(tmp_path / "data")
    before = tree(data)
    for what in ("mkdir", "link", "write"):
        with pytest.raises(HAError, match="could not be changed") as said:
            copy_of(data, refusing(what, code)).keep("2.53.3")
        assert os.strerror(code) in said.value.said and said.value.where.startswith(str(data))
        assert (tree(data), beside(data)) == (before, [])


def test_a_full_disk_is_no_reason_not_to_restore(tmp_path: Path) -> None:
    """It may be why the newer version does not come up; what it wrote is removed before anything is made."""
    data = made(tmp_path / "data")
    before = tree(data, without=[*SCRATCH, "thanos.shipper.json"])
    copy_of(data).keep("2.53.3")
    newer(data)

    def full(what: str) -> None:
        if what.startswith(("write", "mkdir", "link")) and (data / NEW_BLOCK).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert copy_of(data, full).restore().files == 4
    assert tree(data, without=["thanos.shipper.json"]) == before


# -- the real thing ------------------------------------------------------------------------------------------------


def config(folder: Path, phase: str) -> Path:
    """A self-scrape whose series say who made them."""
    path = folder / "etc" / f"{phase}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "global: {scrape_interval: 100ms, scrape_timeout: 100ms}\n"
        f"scrape_configs: [{{job_name: self, file_sd_configs: [{{files: [{phase}.json], refresh_interval: 1s}}]}}]\n"
    )
    return path


@contextlib.contextmanager
def scraping(version: str, folder: Path, phase: str) -> t.Iterator[Running]:
    """Blocks of one second, so that the head is compacted and its log truncated while the test looks on."""
    durations = [f"--storage.tsdb.{bound}-block-duration=1s" for bound in ("min", "max")]
    path = config(folder, phase)
    targets = path.with_suffix(".json")
    targets.write_text("[]")
    with prometheus(version, path, *durations, "--scrape.discovery-reload-interval=100ms") as running:
        labels = {"phase": phase}
        aside = targets.with_suffix(".new")
        aside.write_text(json.dumps([{"targets": [running.url[7:]], "labels": labels}]))
        aside.rename(targets)
        yield running


def stop(running: Running) -> None:
    os.kill(running.pid, signal.SIGTERM)
    os.waitpid(running.pid, 0)


def value(running: Running, query: str) -> float:
    """Of an instant query; 0 where it finds nothing."""
    found = json.loads(running.get("/api/v1/query?" + urllib.parse.urlencode({"query": query})))
    return float(found["data"]["result"][0]["value"][1]) if found["data"]["result"] else 0.0


def until(running: Running, query: str, least: float) -> None:
    deadline = time.monotonic() + 60
    while value(running, query) < least:
        assert time.monotonic() < deadline, f"{query} stays below {least}:\n{running.log.read_text()[-2000:]}"
        time.sleep(0.1)


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_2_53_opens_what_it_wrote_after_3_5_has_written(tmp_path: Path) -> None:
    data = tmp_path / "prometheus-data"
    copy = DataCopy(str(data))
    with scraping("2.53.3", tmp_path, "former") as running:
        until(running, 'prometheus_tsdb_compactions_total{phase="former"}', 1)
        copy.possible()
        stop(running)
    kept = copy.keep("2.53.3")
    held = contents(data / COPY / "data")
    with scraping("3.5.3", tmp_path, "newer") as running:
        until(running, 'prometheus_tsdb_compactions_total{phase="newer"}', 2)
        until(running, 'prometheus_tsdb_checkpoint_creations_total{phase="newer"}', 1)
        former = value(running, 'sum(count_over_time(up{phase="former"}[1h]))')
        newly = value(running, 'sum(count_over_time(up{phase="newer"}[1h]))')
        with pytest.raises(HAError, match="a process still runs"):  # Debian's 2.53.3 has no lock
            copy.restore()
        stop(running)
    assert min(former, newly) > 10
    assert contents(data / COPY / "data") == held, "3.5.3 wrote into a file of 2.53.3"
    blocks = {path.parent.name for path in data.glob("*/meta.json")}
    restored = copy.restore()
    assert restored.blocks and set(restored.blocks) < blocks and restored.files > 0
    assert kept.files == len(held) and contents(data) == held
    with scraping("2.53.3", tmp_path, "again") as running:
        assert value(running, 'sum(count_over_time(up{phase="former"}[1h]))') == former
        assert value(running, 'sum(count_over_time(up{phase="newer"}[1h]))') == 0
        assert "\nprometheus_tsdb_wal_corruptions_total 0\n" in running.get("/metrics")
        log = running.log.read_text()
        assert not [line for line in log.splitlines() if "level=warn" in line or "level=error" in line]
