# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release's backend in a temporary folder: install, repair, prune, link, remove, and every way it can fail."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _archive
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _release as backend
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_release import (
    Entry,
    FakeClock,
    Host,
    Mirror,
    names,
    publish,
    release,
    serving,
    sha256,
    tarball,
    tree,
)

SUMS_PATH = "/prometheus/prometheus/releases/download/v3.5.3/sha256sums.txt"
TOP = "prometheus-3.5.3.linux-amd64"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Mirror]:
    monkeypatch.delenv("http_proxy", raising=False)
    root = tmp_path / "mirror"
    root.mkdir()
    with serving(root) as server:
        yield server


@pytest.fixture
def host(tmp_path: Path, mirror: Mirror) -> Host:
    return Host(tmp_path, mirror)


def test_a_first_install_and_a_rerun(host: Host) -> None:
    digest = host.publish()
    first = host.make()
    state = first.inspect()
    assert (state.installed, state.intact, state.needs_archive, state.versions) == (False, False, False, [])
    done = first.install()
    assert done.changed
    assert done.path == first.path == str(host.root / "prometheus/3.5.3")
    assert (done.sha256, done.verified_by) == (digest, f"{host.mirror.url}{SUMS_PATH}")
    assert names(Path(done.path)) == [".release.json", "LICENSE", "bin", "consoles"]
    assert os.stat(f"{done.path}/bin/prometheus").st_mode & 0o7777 == 0o755
    assert names(host.root / "prometheus") == [".lock", "3.5.3"]
    before, asked = tree(host.root), len(host.mirror.asked)
    again = host.make().install()
    assert not again.changed
    assert again.sha256 == digest
    assert tree(host.root) == before
    assert len(host.mirror.asked) == asked


def test_check_mode_decides_the_same_and_writes_nothing(host: Host) -> None:
    done = host.make(links=["promtool"]).install(apply=False)
    assert done.changed
    assert host.make(links=["promtool"]).link(apply=False)
    assert not host.root.exists()
    assert names(host.bin) == []
    assert host.mirror.asked == []


def test_with_a_checksum_given_the_sums_are_not_even_asked_for(host: Host) -> None:
    digest = host.publish()
    done = host.make(checksums={"amd64": digest}, checksum_from="prometheus_checksum").install()
    assert done.verified_by == "prometheus_checksum"
    assert host.mirror.of("sha256sums.txt") == []


def test_a_mirror_that_blesses_a_tampered_release_is_refused(host: Host) -> None:
    genuine = sha256(release())
    tampered = host.publish(size=10)  # with a sha256sums.txt that names it
    with pytest.raises(HAError) as caught:
        host.make(checksum=genuine, checksum_from="prometheus_checksum").install()
    assert f"it is {tampered}, prometheus_checksum says {genuine}" in caught.value.what
    assert host.mirror.url in caught.value.where
    assert not host.root.joinpath("prometheus").exists()


@pytest.mark.parametrize("installed", [False, True], ids=["fresh host", "another version there"])
@pytest.mark.parametrize(
    ("break_it", "params", "words"),
    [
        ("no release", {}, "cannot be verified: there is no sha256sums.txt"),
        ("no release", {"checksum": "c" * 64}, "3.5.3 for amd64 is not published there"),
        ("no sums", {}, "cannot be verified: there is no sha256sums.txt"),
        ("sums of others", {}, "its sha256sums.txt does not name prometheus-3.5.3.linux-amd64.tar.gz"),
        ("wrong", {"checksum": "c" * 64}, "has not the checksum it must have"),
        ("unreachable", {}, "could not be fetched"),
        ("truncated", {}, "could not be fetched"),
        ("escapes", {}, "leads out of the folder"),
        ("no executable", {}, "holds no executable"),
        ("disk", {}, "the disk is too small for prometheus 3.5.3"),
        ("selinux", {}, "SELinux contexts"),
        ("arch", {"checksums": {"arm64": "c" * 64}}, "no checksum of prometheus 3.5.3 is given for amd64"),
    ],
)
def test_failures_leave_what_was_there_and_a_corrected_rerun_succeeds(
    host: Host, installed: bool, break_it: str, params: dict[str, t.Any], words: str
) -> None:
    if installed:
        host.install("2.53.3")
    before = tree(host.root) if installed else {}
    url = host.mirror.url
    content = release(size=5000)
    if break_it == "escapes":
        content = release(extra=[Entry(f"{TOP}/../../../evil", b"x", 0o755)])
    elif break_it == "no executable":
        content = tarball([Entry(f"{TOP}/LICENSE", b"x")])
    if break_it != "no release":
        publish(host.mirror.root, content, sums=break_it not in ("no sums", "sums of others"))
    if break_it == "sums of others":
        sums = host.mirror.root / SUMS_PATH.lstrip("/")
        sums.write_text(f"{'d' * 64}  prometheus-3.5.3.linux-arm64.tar.gz\n")
    elif break_it == "unreachable":
        host.mirror.url = "http://127.0.0.1:1"
    elif break_it == "truncated":
        host.mirror.script[:] = ["cut:300"] * 9
        host.mirror.ranges = False
    elif break_it == "disk":
        host.free = 1000
    elif break_it == "selinux":
        Path(host.selinux).write_text("1")
        host.restorecon = 255
    with pytest.raises(HAError, match=words):
        host.make(**params).install()
    assert tree(host.root) == before
    assert [path.name for path in host.root.glob("*")] == (["prometheus"] if installed else [])

    host.mirror.url, host.mirror.script[:], host.free, host.restorecon = url, [], 10**12, 0
    publish(host.mirror.root, b"", sums=False).unlink()
    (host.mirror.root / SUMS_PATH.lstrip("/")).unlink(missing_ok=True)
    host.publish()
    assert host.make().install().changed
    assert host.make().inspect().intact


def test_the_room_is_judged_by_the_unpacked_size(host: Host) -> None:
    archive = host.mirror.root / "big.tar.gz"
    archive.write_bytes(release(extra=[Entry(f"{TOP}/zeros", bytes(50_000_000))]))
    assert archive.stat().st_size < 100_000
    needed = _archive.unpacked_size(str(archive)) + backend.MARGIN
    params = {"checksum": sha256(archive.read_bytes()), "fetch": "controller"}
    host.free = needed - 1
    with pytest.raises(HAError, match=r"it takes 48 MiB and 64 MiB must stay free, but 112 MiB are free"):
        host.make(**params).install(str(archive))
    host.free = needed
    assert host.make(**params).install(str(archive)).changed


def test_free_bytes_is_the_file_systems() -> None:
    stat = os.statvfs("/")
    assert 0 < backend.free_bytes("/") <= stat.f_blocks * stat.f_frsize


@contextlib.contextmanager
def unprivileged(*folders: Path) -> t.Iterator[None]:
    """Root may write everywhere, so lay its rights down."""
    for folder in folders:
        folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.setegid(65534)
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
            os.setegid(0)
        for folder in folders:
            folder.chmod(0o755)


def test_a_read_only_target_is_named(host: Host, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(release())
    for folder in [tmp_path, *tmp_path.parents][: len(tmp_path.parts) - 2]:
        folder.chmod(folder.stat().st_mode | 0o055)
    host.root.mkdir()
    params = {"checksum": sha256(archive.read_bytes()), "fetch": "controller"}
    with unprivileged(host.root), pytest.raises(HAError) as caught:
        host.make(**params).install(str(archive))
    assert caught.value.where == str(host.root / "prometheus")
    assert caught.value.said == "Permission denied"
    assert "become" in caught.value.do
    assert names(host.root) == []
    assert host.make(**params).install(str(archive)).changed


def test_a_full_disk_while_unpacking_leaves_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.publish()

    def full(*_args: t.Any) -> t.Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_archive, "_write", full)
        with pytest.raises(HAError, match="No space left"):
            host.make().install()
    assert names(host.root) == []
    assert host.make().install().changed


@pytest.mark.parametrize(
    ("hurt", "words"),
    [
        (lambda path: (path / "bin/prometheus").write_bytes(b"#!/bin/sh\necho prometheus 3.5.4\n"), "sha256"),
        (lambda path: (path / "bin/prometheus").unlink(), "No such file"),
        (lambda path: (path / "bin/prometheus").chmod(0o777), "mode 0755 -> 0777"),
        (lambda path: (path / "LICENSE").write_bytes(b""), "size 7 -> 0"),
        (lambda path: (path / ".release.json").write_bytes(b"{"), "cannot be read"),
        (lambda path: (path / ".release.json").write_bytes(b"[]"), "cannot be read"),
    ],
)
def test_a_damaged_release_is_replaced(host: Host, hurt: t.Callable[[Path], object], words: str) -> None:
    made = host.install("3.5.3")
    whole = tree(host.root)
    path = Path(made.path)
    assert (path / "bin/prometheus").stat().st_size == len(b"#!/bin/sh\necho prometheus 3.5.4\n")
    hurt(path)
    state = host.make().inspect()
    assert state.installed
    assert not state.intact
    assert words in state.damage
    assert host.make().install().changed
    now = tree(host.root)
    now.pop("prometheus/3.5.3/.release.json")
    whole.pop("prometheus/3.5.3/.release.json")
    assert now == whole


def test_a_file_that_was_only_touched_is_intact(host: Host) -> None:
    made = host.install("3.5.3")
    os.utime(f"{made.path}/bin/prometheus", (1, 1))
    assert host.make().inspect().intact


def test_another_checksum_or_architecture_replaces_the_release(host: Host) -> None:
    host.install("3.5.3")
    other = release(size=10)
    publish(host.mirror.root, other)
    wanted = host.make(checksum=sha256(other))
    assert "was made from the archive" in wanted.inspect().damage
    assert wanted.install().changed
    assert wanted.inspect().intact
    assert names(host.root / "prometheus") == [".lock", "3.5.3"]
    assert "is of amd64, not of arm64" in host.make(arch="arm64").inspect().damage


def test_a_failed_replacement_keeps_the_former_one(host: Host) -> None:
    host.install("3.5.3")
    before = tree(host.root)
    with pytest.raises(HAError, match="has not the checksum"):
        host.make(checksum="c" * 64).install()
    assert tree(host.root) == before


@pytest.mark.parametrize("kind", ["folder", "empty", "file", "link"])
def test_a_foreign_folder_is_refused(host: Host, kind: str) -> None:
    path = host.root / "prometheus/3.5.3"
    path.parent.mkdir(parents=True)
    if kind in ("folder", "empty"):
        path.mkdir()
        if kind == "folder":
            (path / "prometheus").write_bytes(b"mine")
    elif kind == "file":
        path.write_bytes(b"mine")
    else:
        path.symlink_to(host.bin)
    before = tree(host.root)
    for call in (host.make().inspect, host.make().install, host.make().remove):
        with pytest.raises(HAError, match="was not made by this collection") as caught:
            call()
    if kind == "folder":
        assert "in it: prometheus" in str(caught.value)
    assert tree(host.root) == before


def test_what_dead_runs_left_is_swept(host: Host) -> None:
    home = host.root / "prometheus"
    host.install("2.53.3")
    (home / ".3.5.3.new/tree/bin").mkdir(parents=True)
    (home / ".3.0.0.gone").mkdir()
    (home / ".2.53.3.former").mkdir()
    (home / ".notes").mkdir()
    host.install("3.5.3")
    assert names(home) == [".lock", ".notes", "2.53.3", "3.5.3"]


def test_killed_between_the_two_renames_the_former_one_comes_back(host: Host) -> None:
    made = host.install("3.5.3")
    home = host.root / "prometheus"
    os.rename(made.path, home / ".3.5.3.former")
    asked = len(host.mirror.asked)
    assert not host.make().inspect().installed
    assert not host.make().install().changed
    assert len(host.mirror.asked) == asked
    assert names(home) == [".lock", "3.5.3"]


def test_selinux_contexts_are_set_before_the_rename(host: Host) -> None:
    host.install("2.53.3")
    assert host.commands == []
    Path(host.selinux).write_text("0")
    host.install("3.5.3")
    assert host.commands == [["restorecon", "-R", f"{host.root}/prometheus/.3.5.3.new/tree"]]


def test_fetch_on_the_controller_needs_the_archive(host: Host, tmp_path: Path) -> None:
    content = release()
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(content)
    wanted = host.make(fetch="controller")
    assert wanted.inspect().needs_archive
    with pytest.raises(HAError, match="was not handed over"):
        wanted.install()
    with pytest.raises(HAError, match="came without a checksum"):
        wanted.install(str(archive))
    with pytest.raises(HAError, match="No such file"):
        host.make(fetch="controller", checksum=sha256(content)).install(str(tmp_path / "none"))
    assert host.mirror.asked == []
    done = host.make(fetch="controller", checksum=sha256(content)).install(str(archive))
    assert (done.changed, done.verified_by) == (True, "checksum")
    assert not host.make(fetch="controller").inspect().needs_archive
    assert archive.exists()


def test_an_unknown_machine_is_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(HAError, match="'riscv64' is not known"):
        host.make(arch=None).install()
    assert not host.root.exists()
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    host.publish()
    assert host.make(arch=None).install().changed


def test_a_lock_that_is_held_is_waited_for_and_named(host: Host) -> None:
    home = host.root / "prometheus"
    home.mkdir(parents=True)
    host.publish()
    wanted = host.make()
    clock = FakeClock()
    wanted._clock = clock
    with open(home / ".lock", "w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(HAError, match="another run has been changing"):
            wanted.install()
    assert clock.time() >= 900
    assert wanted.install().changed
