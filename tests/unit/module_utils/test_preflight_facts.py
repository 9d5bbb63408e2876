# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the preflight learns of a host."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _preflight_facts as facts
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed, Runner

# proc(5)'s own example, a bind mount within a folder of blanks, and mounts over mounts.
MOUNTINFO = r"""
25 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
30 25 0:26 / /var/lib rw,noatime master:1 - xfs /dev/vdb rw
31 30 0:27 / /var/lib/prometheus rw - nfs4 filer:/vol/prom rw,vers=4.2
32 30 0:28 / /var/lib/with\040blank ro,nosuid - tmpfs tmpfs\040of\040mine rw
33 30 0:29 / /var/lib/frozen rw - ext4 /dev/vdc ro
34 31 0:30 / /var/lib/prometheus rw - btrfs /dev/vdd rw
torn line - ext4
"""


def answering(done: Completed) -> Runner:
    """A runner for which every command ends like that."""

    def run(argv: t.Sequence[str], *, cwd: str | None = None, timeout: float = 60, **_more: t.Any) -> Completed:
        assert argv and cwd is None and timeout > 0
        return done

    return run


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("/", facts.Mount("/", "ext4", "/dev/vda1", False)),
        ("/var", facts.Mount("/", "ext4", "/dev/vda1", False)),
        ("/var/lib", facts.Mount("/var/lib", "xfs", "/dev/vdb", False)),
        ("/var/library", facts.Mount("/", "ext4", "/dev/vda1", False)),
        ("/var/lib/prometheus/wal", facts.Mount("/var/lib/prometheus", "btrfs", "/dev/vdd", False)),
        ("/var/lib/with blank", facts.Mount("/var/lib/with blank", "tmpfs", "tmpfs of mine", True)),
        ("/var/lib/frozen/x", facts.Mount("/var/lib/frozen", "ext4", "/dev/vdc", True)),
    ],
)
def test_the_filesystem_below_a_path(path: str, wanted: facts.Mount) -> None:
    assert facts.mount_of(path, facts.mounts(MOUNTINFO)) == wanted


def test_network_filesystems_keep_their_name() -> None:
    assert [mount.type for mount in facts.mounts(MOUNTINFO) if mount.source.startswith("filer:")] == ["nfs4"]


def test_without_any_mount_nothing_is_known() -> None:
    assert facts.mount_of("/x", []).type == "unknown"


def test_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    found = facts.folder(str(tmp_path / "a" / "b"))
    assert (found.path, found.existing, found.used) == (str(tmp_path / "a" / "b"), str(tmp_path), 0)
    assert 0 < found.free <= found.size


def test_what_a_folder_holds(tmp_path: Path) -> None:
    (tmp_path / "wal").mkdir()
    (tmp_path / "wal" / "0").write_bytes(b"x" * 100_000)
    (tmp_path / "dangling").symlink_to("nowhere")
    assert 100_000 <= facts.folder(str(tmp_path)).used < 200_000


@pytest.mark.parametrize(
    "done, folder, wanted",
    [
        (Completed(0, "systemd 252 (252.39-1~deb12u2)\n+PAM", ""), True, facts.Systemd(252, True)),
        (Completed(0, "systemd 239 (239-82.el8)\n", ""), True, facts.Systemd(239, True)),
        (Completed(0, "systemd 252 (252)\n", ""), False, facts.Systemd(252, False)),
        (Completed(127, "", "systemctl: No such file"), False, facts.Systemd(0, False)),
    ],
)
def test_systemd(tmp_path: Path, done: Completed, folder: bool, wanted: facts.Systemd) -> None:
    booted = tmp_path / "system"
    if folder:
        booted.mkdir()

    runner = answering(done)

    assert facts.systemd(runner, str(booted)) == wanted


def test_what_is_installed_is_told_by_the_unit_where_nothing_runs(tmp_path: Path) -> None:
    runner = answering(Completed(0, "LoadState=loaded\nActiveState=inactive\nMainPID=0\n", ""))

    def installed() -> facts.Installed:
        config = str(tmp_path / "prometheus.yml")
        return facts.installed("prometheus", config, runner, unit_folder=str(tmp_path))

    assert installed() == facts.Installed("", "", "")
    (tmp_path / "prometheus.service").write_text(
        "[Service]\nExecStart=/opt/prometheus_ha/prometheus/2.53.3/bin/prometheus \\\n  --a=/1.2.3/b\n"
    )
    (tmp_path / "prometheus.yml").write_text("global:\n  external_labels:\n    replica: a\nscrape_configs: []\n")
    assert installed() == facts.Installed("2.53.3", "  external_labels:\n    replica: a\n", "")
    (tmp_path / "prometheus.service").write_text("[Service]\nExecStart=/usr/bin/prometheus\n")
    assert installed().version == ""


def test_what_runs_counts_more_than_its_unit(tmp_path: Path) -> None:
    argv = ["/opt/prometheus_ha/alertmanager/0.28.1/bin/alertmanager", "--cluster.label=a", "--cluster.label=main"]
    proc = tmp_path / "proc" / "77"
    proc.mkdir(parents=True)
    (proc / "exe").symlink_to(argv[0])
    (proc / "environ").write_bytes(b"")
    (proc / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
    (proc / "stat").write_text("77 (alertmanager) S " + "0 " * 40)
    (tmp_path / "alertmanager.service").write_text("[Service]\nExecStart=/opt/x/alertmanager/0.33.1/bin/alertmanager\n")

    runner = answering(Completed(0, "LoadState=loaded\nActiveState=active\nMainPID=77\n", ""))

    found = facts.installed("alertmanager", "", runner, proc=str(tmp_path / "proc"), unit_folder=str(tmp_path))
    assert found == facts.Installed("0.28.1", "", "main")


def test_without_systemd_nothing_runs(tmp_path: Path) -> None:
    runner = answering(Completed(127, "", "no such program"))

    assert facts.installed("prometheus", "/nowhere", runner, unit_folder=str(tmp_path)) == facts.Installed("", "", "")


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("", ""),
        ("global: {}\n", ""),
        (
            "global:\n  scrape_interval: 30s\n  external_labels:\n    a: b\n    c: 'd'\n  evaluation_interval: 1s\n",
            "  external_labels:\n    a: b\n    c: 'd'\n",
        ),
        ("global:\n  external_labels: {a: b}\nremote_write:\n- password: hunter2\n", "  external_labels: {a: b}\n"),
        (
            "global:\n    external_labels:\n\n        a: |\n          x\n\n",
            "    external_labels:\n\n        a: |\n          x\n\n",
        ),
        ("global:\n  external_labels:\n    a: b", "  external_labels:\n    a: b"),
    ],
)
def test_nothing_but_the_external_labels_leaves_the_host(text: str, wanted: str) -> None:
    assert facts.external_labels(text) == wanted
