# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aggregates of what node_exporter tells of hosts: CPU, memory, disks, filesystems, network, load."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._aggregates import (
    WINDOW,
    Aggregate,
    Ratio,
    Sum,
    rules,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Group,
    Package,
    Scene,
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


def _cpu() -> list[Aggregate]:
    # Waiting for a disk is idle, and what the hypervisor took was not used here.
    busy = f'sum without (cpu, mode) (rate(node_cpu_seconds_total{{mode!~"idle|iowait|steal"}}[{WINDOW}]))'
    every = f"sum without (cpu, mode) (rate(node_cpu_seconds_total[{WINDOW}]))"
    return [
        Sum("node_cpu_busy_seconds:rate5m", busy),
        Sum("node_cpu_seconds:rate5m", every),
        Ratio("node_cpu_utilisation:ratio_rate5m", "node_cpu_busy_seconds:rate5m", "node_cpu_seconds:rate5m"),
    ]


def _memory() -> list[Aggregate]:
    available, total = "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"
    return [
        Sum(f"{available}:sum", available),
        Sum(f"{total}:sum", total),
        Ratio("node_memory_utilisation:ratio", f"{available}:sum", f"{total}:sum", "1 - {}"),
    ]


def _disk() -> list[Aggregate]:
    def each(metric: str, operator: str = "sum") -> str:
        return f"{operator} without (device) (rate({metric}_total{{{_DISKS}}}[{WINDOW}]))"

    return [
        *(Sum(f"{metric}:rate5m", each(metric)) for metric in ("node_disk_read_bytes", "node_disk_written_bytes")),
        Sum("node_disk_io_time_seconds:rate5m", each("node_disk_io_time_seconds")),
        # Those of which there is a rate, so that a new disk counts above and below the line at once.
        Sum("node_disks:count", each("node_disk_io_time_seconds", "count")),
        Ratio("node_disk_utilisation:ratio_rate5m", "node_disk_io_time_seconds:rate5m", "node_disks:count"),
    ]


def _filesystem() -> list[Aggregate]:
    def once(metric: str) -> str:
        # A device that is mounted at several places counts once.
        return f"sum without (device, fstype) (max without (mountpoint) ({metric}{{{_FILESYSTEMS}}}))"

    available, size = "node_filesystem_avail_bytes", "node_filesystem_size_bytes"
    return [
        Sum(f"{available}:sum", once(available)),
        Sum(f"{size}:sum", once(size)),
        Ratio("node_filesystem_utilisation:ratio", f"{available}:sum", f"{size}:sum", "1 - {}"),
    ]


def _network() -> list[Aggregate]:
    return [
        Sum(f"{metric}:rate5m", f"sum without (device) (rate({metric}_total{{{_INTERFACES}}}[{WINDOW}]))")
        for way in ("receive", "transmit")
        for metric in (f"node_network_{way}_{what}" for what in ("bytes", "drop", "errs"))
    ]


def _load() -> list[Aggregate]:
    return [
        Sum("node_cpus:count", 'count without (cpu, mode) (node_cpu_seconds_total{mode="idle"})'),
        Sum("node_load5:sum", "node_load5"),
        Ratio("node_load5_per_cpu:ratio", "node_load5:sum", "node_cpus:count"),
    ]


_GROUPS = {
    "node_cpu": _cpu(),
    "node_memory": _memory(),
    "node_disk": _disk(),
    "node_filesystem": _filesystem(),
    "node_network": _network(),
    "node_load": _load(),
}


def _groups(scene: Scene) -> t.Iterator[Group]:
    for name, aggregates in _GROUPS.items():
        yield name, rules(scene, aggregates)


PACKAGE = Package(
    "node_aggregates", "CPU, memory, disks, filesystems, network and load of hosts, from node_exporter.", _groups
)
