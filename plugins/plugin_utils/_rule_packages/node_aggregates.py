# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aggregates of what node_exporter tells of hosts: CPU, memory, disks, filesystems, network, load."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._aggregates import (
    WINDOW,
    ratios,
    sums,
    sums_above,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Group,
    Package,
    RuleData,
    Scene,
    Settings,
    record,
)

# What lies on top of devices that are counted already.
_DISKS = 'device!~"dm-.*|md.*|drbd.*|bcache.*|loop.*|z?ram.*|nbd.*|sr.*|fd.*"'
_INTERFACES = (
    'device!~"lo|bond.*|team.*|br.*|virbr.*|vlan.*|.+[.].+|veth.*|docker.*|cali.*|cni.*|flannel.*|vxlan.*|tun.*|tap.*'
    '|wg.*|dummy.*"'
)
# What is not on a disk of the host, is read-only and therefore always full, or shows another filesystem once more.
_FILESYSTEMS = (
    'fstype!~"tmpfs|ramfs|devtmpfs|overlay|squashfs|erofs|iso9660|udf|autofs|nfs.*|cifs|smb.*|ceph|glusterfs|fuse.*"'
)


def _cpu(settings: Settings) -> list[RuleData]:
    # Waiting for a disk is idle, and what the hypervisor took was not used here.
    busy = f'sum without (cpu, mode) (rate(node_cpu_seconds_total{{mode!~"idle|iowait|steal"}}[{WINDOW}]))'
    every = f"sum without (cpu, mode) (rate(node_cpu_seconds_total[{WINDOW}]))"
    return [
        *sums(settings, "node_cpu_busy_seconds", "rate5m", busy),
        *sums(settings, "node_cpu_seconds", "rate5m", every),
        *ratios("node_cpu_utilisation:ratio_rate5m", "node_cpu_busy_seconds:rate5m", "node_cpu_seconds:rate5m"),
    ]


def _memory(settings: Settings) -> list[RuleData]:
    available, total = "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"
    return [
        record("instance:node_memory_utilisation:ratio", f"1 - {available} / {total}"),
        *sums_above(settings, available, "sum", available),
        *sums_above(settings, total, "sum", total),
        *ratios("node_memory_utilisation:ratio", f"{available}:sum", f"{total}:sum", ("job", "cluster"), "1 - {}"),
    ]


def _disk(settings: Settings) -> list[RuleData]:
    def rate(metric: str) -> str:
        return f"sum without (device) (rate({metric}_total{{{_DISKS}}}[{WINDOW}]))"

    return [
        *sums(settings, "node_disk_read_bytes", "rate5m", rate("node_disk_read_bytes")),
        *sums(settings, "node_disk_written_bytes", "rate5m", rate("node_disk_written_bytes")),
        *sums(settings, "node_disk_io_time_seconds", "rate5m", rate("node_disk_io_time_seconds")),
        # Those of which there is a rate, so that a new disk counts above and below the line at once.
        *sums(
            settings,
            "node_disks",
            "count",
            f"count without (device) (rate(node_disk_io_time_seconds_total{{{_DISKS}}}[{WINDOW}]))",
        ),
        *ratios("node_disk_utilisation:ratio_rate5m", "node_disk_io_time_seconds:rate5m", "node_disks:count"),
    ]


def _filesystem(settings: Settings) -> list[RuleData]:
    def once(metric: str) -> str:
        # A device that is mounted at several places counts once.
        return f"sum without (device, fstype) (max without (mountpoint) ({metric}{{{_FILESYSTEMS}}}))"

    available, size = "node_filesystem_avail_bytes", "node_filesystem_size_bytes"
    return [
        *sums(settings, available, "sum", once(available)),
        *sums(settings, size, "sum", once(size)),
        *ratios("node_filesystem_utilisation:ratio", f"{available}:sum", f"{size}:sum", form="1 - {}"),
    ]


def _network(settings: Settings) -> list[RuleData]:
    rules: list[RuleData] = []
    for way in ("receive", "transmit"):
        for what in ("bytes", "drop", "errs"):
            metric = f"node_network_{way}_{what}"
            rate = f"sum without (device) (rate({metric}_total{{{_INTERFACES}}}[{WINDOW}]))"
            rules += sums(settings, metric, "rate5m", rate)
    return rules


def _load(settings: Settings) -> list[RuleData]:
    cpus = 'count without (cpu, mode) (node_cpu_seconds_total{mode="idle"})'
    return [
        *sums(settings, "node_cpus", "count", cpus),
        record("instance:node_load5_per_cpu:ratio", "node_load5 / instance:node_cpus:count"),
        *sums_above(settings, "node_load5", "sum", "node_load5"),
        *ratios("node_load5_per_cpu:ratio", "node_load5:sum", "node_cpus:count", ("job", "cluster")),
    ]


def _groups(scene: Scene) -> t.Iterator[Group]:
    for name, rules in (
        ("node_cpu", _cpu),
        ("node_memory", _memory),
        ("node_disk", _disk),
        ("node_filesystem", _filesystem),
        ("node_network", _network),
        ("node_load", _load),
    ):
        yield name, rules(scene.settings)


PACKAGE = Package(
    "node_aggregates",
    "CPU, memory, disks, filesystems, network and load of hosts, from node_exporter: by host, by job, and of all.",
    _groups,
)
