# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live rules over clocks, filesystems, systemd, and what is installed."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _unit
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import live_hosts
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import LIVE_RULES as LIVE
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import Clock
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_live import DISK, GB, host, stack, told, well
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import prometheus, topology

BUCKET = {"type": "S3", "config": {"bucket": "blocks", "endpoint": "s3.example"}}


def one(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


# -- clocks ------------------------------------------------------------------------------------------------------------


def test_a_clock_of_a_mesh_that_is_ahead() -> None:
    found = one(told(host(well(), "a-3", clock=Clock(5.15, 5.25))))
    assert found.startswith(
        "A11 warning host a-3: the clock of a-3 is 5.2 s ahead of a-1's (to within 0.1 s), both of "
    )
    assert "against the controller's: a-1 +0.0 s, a-2 +0.0 s, a-3 +5.2 s." in found


def test_a_clock_of_a_replica_set_that_is_behind() -> None:
    found = one(told(host(well(), "p-2", clock=Clock(-60.1, -60.0))))
    assert found.startswith("X01 error host p-2: the clock of p-1 is 60.0 s ahead of p-2's")


@pytest.mark.parametrize(
    "clock",
    [Clock(0.9, 1.0), Clock(-0.2, 4.0), Clock(1.0, 1.05), None],
    ids=["within a second", "not known well enough", "a second for certain is no more than that", "not known"],
)
def test_clocks_that_may_agree(clock: Clock | None) -> None:
    assert told(host(well(), "a-3", clock=clock)) == []


def test_clocks_of_hosts_that_do_not_stand_in_for_one_another() -> None:
    late = Clock(99.0, 99.1)
    seen = host(host(well(), "p-1", clock=late), "p-2", clock=late)
    assert told(seen) == []


# -- filesystems -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, words",
    [
        *((kind, "lies on another host") for kind in ("nfs", "nfs4", "cifs", "9p", "ceph", "lustre")),
        *((kind, "is kept in memory") for kind in ("tmpfs", "ramfs")),
        *((kind, "is no POSIX filesystem") for kind in ("vfat", "exfat", "ntfs3", "fuseblk")),
        *((kind, "is served by a program (FUSE)") for kind in ("fuse.sshfs", "fuse.s3fs", "fuse")),
    ],
)
@pytest.mark.parametrize(
    "name, rule", [("p_1", "P12 error host p-1, variable prometheus_data_dir"), ("a_1", "A10 error host a-1, variable")]
)
def test_a_filesystem_that_can_not_hold_a_database(kind: str, words: str, name: str, rule: str) -> None:
    folder = dataclasses.replace(DISK, type=kind, source="filer:/vol")
    found = one(told(well(None, **{name: {"folder": folder}})))
    assert found.startswith(rule)
    assert f"/var/lib/x lies on {kind} (filer:/vol on /var), which {words}" in found


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "f2fs", "ext3"])
def test_local_filesystems(kind: str) -> None:
    assert told(well(None, p_1={"folder": dataclasses.replace(DISK, type=kind)})) == []


def test_a_filesystem_that_can_not_be_written_to() -> None:
    folder = dataclasses.replace(DISK, read_only=True)
    assert "is mounted read-only" in one(told(well(None, a_2={"folder": folder})))


@pytest.mark.parametrize(
    "retention, changes, words",
    [
        ("85GB", {}, None),
        ("85GB", {"free": 84 * GB, "used": GB}, None),
        ("86GB", {}, "retention.size 86GB is 86% of the filesystem of /var/lib/x (/dev/vda2 on /var), which has 100GB"),
        ("1TB", {}, "set it to 85GB at most (85 %)"),
        ("50GB", {"free": 20 * GB}, "does not fit: the folder holds 1GB, and the filesystem of /var/lib/x (/dev/vda2"),
        ("50GB", {"free": 20 * GB, "used": 30 * GB}, None),
        ("50GB", {"size": 0, "free": 0}, "retention.size 50GB is"),
        ("much", {}, None),
        ("0", {}, None),
    ],
)
def test_room_for_the_blocks(retention: str, changes: dict[str, t.Any], words: str | None) -> None:
    folder = dataclasses.replace(DISK, **changes)
    both = {"p_1": {"folder": folder}, "p_2": {"folder": dataclasses.replace(DISK, size=10**15, free=10**15)}}
    found = told(well(stack(prometheus_retention_size=retention), **both))
    if words is None:
        assert found == []
    else:
        assert one(found).startswith("P12 error host p-1, variable prometheus_retention_size: ")
        assert words in found[0]


def test_a_size_in_the_configuration_file() -> None:
    config = {"storage": {"tsdb": {"retention": {"size": "90GB"}}}}
    found = told(well(stack(prometheus_config=config, prometheus_version="3.13.0")))
    assert [line.partition(": ")[0] for line in found] == [
        f"P12 error host {name}, variable prometheus_config" for name in ("p-1", "p-2")
    ]


def test_an_agent_keeps_no_blocks() -> None:
    assert told(well(stack(prometheus_retention_size="1TB", prometheus_agent=True))) == []


@pytest.mark.parametrize(
    "text, wanted",
    [("512B", 512), ("1KB", 1024), ("50GB", 50 * GB), ("2EB", 2 * 1024**6), ("5", None), ("1.5GB", None), ("GB", None)],
)
def test_sizes(text: str, wanted: int | None) -> None:
    assert live_hosts.size(text) == wanted


@pytest.mark.parametrize("count, wanted", [(0, "0B"), (1023, "1.02e+03B"), (1536, "1.5KB"), (85 * GB, "85GB")])
def test_sizes_in_words(count: int, wanted: str) -> None:
    assert live_hosts.in_words(count) == wanted


# -- systemd -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "version, runs, words",
    [
        (252, True, ""),
        (247, True, ""),
        (245, True, "H03 warning host a-1: systemd 245 ignores ProtectProc of our units"),
        (239, True, "systemd 239 ignores ProtectHostname, RestrictSUIDSGID"),
        (238, True, "H03 error host a-1: systemd 238 does not know @system-service"),
        (0, False, "H03 error host a-1: it is not run by systemd (there is none)."),
        (252, False, "it is not run by systemd (systemd 252 is installed only)."),
    ],
)
def test_systemd(version: int, runs: bool, words: str) -> None:
    found = told(host(well(), "a-1", systemd_version=version, systemd_runs=runs))
    assert words in one(found) if words else found == []


# The settings of our units that the oldest systemd of the table knows.
KNOWN_TO_239 = {
    *("AmbientCapabilities", "CapabilityBoundingSet", "DevicePolicy", "KeyringMode", "LockPersonality"),
    *("MemoryDenyWriteExecute", "NoNewPrivileges", "PrivateDevices", "PrivateMounts", "PrivateTmp", "PrivateUsers"),
    *("ProtectControlGroups", "ProtectHome", "ProtectKernelModules", "ProtectKernelTunables", "ProtectSystem"),
    *("RemoveIPC", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "SystemCallArchitectures"),
    *("SystemCallErrorNumber", "UMask"),
}


def test_every_setting_of_our_units_has_been_looked_up() -> None:
    assert {*_unit._HARDENING} == KNOWN_TO_239 | {*live_hosts.SINCE} | {"ProcSubset"}  # of all, which confines nothing
    assert _unit._HARDENING["ProcSubset"] == "all"
    unit = _unit.render(_unit.UnitSpec("x", "x", "x", "/x"))
    assert "Type=exec" in unit
    assert "SystemCallFilter=@system-service" in unit


# -- what is installed -------------------------------------------------------------------------------------------------


FORMER = {"site": "eu", "replica": "p-1"}


@pytest.mark.parametrize(
    "former, words",
    [
        (FORMER, ""),
        (None, ""),
        ({"site": "us", "replica": "p-1"}, "(site: us -> eu)"),
        ({"replica": "p-1"}, "(site: none -> eu)"),
        ({**FORMER, "old": "x", "replica": "A"}, "(old: x -> none; replica: A -> p-1)"),
    ],
)
def test_labels_of_uploaded_blocks(former: dict[str, str] | None, words: str) -> None:
    labels = {"prometheus_external_labels": {"site": "eu"}}
    uploads = {"thanos_sidecar_enabled": True, "thanos_objstore_config": BUCKET}
    model = topology(prometheus("p-1", **labels, **uploads), prometheus("p-2", **labels))
    found = told(well(model, p_1={"external_labels": former}, p_2={"external_labels": {"another": "one"}}))
    if words:
        assert one(found).startswith(
            "P08 error host p-1, variable prometheus_external_labels: p-1 uploads blocks, and "
        )
        assert words in found[0]
    else:
        assert found == []


@pytest.mark.parametrize(
    "values, judged",
    [
        ({}, False),
        ({"thanos_sidecar_enabled": True}, False),
        ({"thanos_sidecar_enabled": True, "thanos_objstore_config": BUCKET}, True),
        ({"prometheus_retention_size": "1GB"}, False),  # a restart, which names the argument
        ({"prometheus_config": {"storage": {"tsdb": {"retention": {"size": "1GB"}}}}}, True),
    ],
)
def test_whose_every_change_is_judged(values: dict[str, t.Any], judged: bool) -> None:
    model = topology(prometheus("p-1", **values))
    assert [live_hosts.has_rules_on_changes(instance, model) for instance in model.of("prometheus")] == [judged]


def test_who_uploads_nothing_may_change_its_labels() -> None:
    assert told(well(None, p_1={"external_labels": {"another": "one"}})) == []


# -- the registry ------------------------------------------------------------------------------------------------------


def test_the_live_rules_say_what_they_are_for() -> None:
    for rule in LIVE:
        texts: t.Sequence[str] = (rule.sentence, rule.prevents, rule.source)
        assert all(texts), rule.id
        assert rule.severity in ("error", "warning")
    assert len({rule.id for rule in LIVE}) == len(LIVE)
