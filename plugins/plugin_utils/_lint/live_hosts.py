# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules over what hosts say of themselves: clocks, filesystems, systemd, and what is installed."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _labels
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _thanos, prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import Clock, Folder, Seen
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Topology

# -- clocks ------------------------------------------------------------------------------------------------------------

# A11 of the rules: one second, which a host with NTP keeps by far.
MOST_SKEW = 1.0


@rule(
    "A11",
    "warning",
    "The clocks of a mesh's members differ by 1 s at most.",
    prevents="Silences that are lost: of two changes the one with the later time wins.",
    source="alertmanager docs/high_availability.md",
)
def a11_clocks_of_a_mesh(seen: Seen) -> t.Iterator[Problem]:
    for mesh in seen.topology.cohorts_of("alertmanager"):
        yield from _skew(mesh, seen)


@rule(
    "X01",
    "error",
    "The clocks of a replica set's hosts differ by 1 s at most.",
    prevents="Replicas that stamp and evaluate the same at different times.",
    source="the collection's inventory contract",
)
def x01_clocks_of_a_replica_set(seen: Seen) -> t.Iterator[Problem]:
    for replicas in seen.topology.cohorts_of("prometheus"):
        yield from _skew(replicas, seen)


def _skew(cohort: Cohort, seen: Seen) -> t.Iterator[Problem]:
    """What differs for certain: a clock is known to within the time that it took to ask."""
    clocks: dict[str, Clock] = {
        instance.name: host.clock
        for instance in cohort.instances
        if (host := seen.hosts.get(instance.name)) is not None and host.clock is not None
    }
    if len(clocks) < 2:
        return
    fast = max(clocks, key=lambda name: clocks[name].low)
    slow = min(clocks, key=lambda name: clocks[name].high)
    if clocks[fast].low - clocks[slow].high <= MOST_SKEW:
        return
    apart = clocks[fast].offset - clocks[slow].offset
    within = (clocks[fast].high - clocks[fast].low + clocks[slow].high - clocks[slow].low) / 2
    wrong = max(fast, slow, key=lambda name: abs(clocks[name].offset))
    each = ", ".join(f"{name} {clock.offset:+.1f} s" for name, clock in clocks.items())
    yield Problem(
        f"host {wrong}",
        f"the clock of {fast} is {apart:.1f} s ahead of {slow}'s (to within {within:.1f} s), both of {cohort.title}; "
        f"against the controller's: {each}.",
        "let NTP (chrony, systemd-timesyncd) set the clocks of all of them.",
    )


# -- filesystems -------------------------------------------------------------------------------------------------------

# Of Linux' filesystems, by what is wrong with them for a database; names as in /proc/filesystems and mount(8).
NETWORK = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2"),
        *("orangefs", "pvfs2", "smb3", "smbfs"),
    }
)
MEMORY = frozenset(["ramfs", "tmpfs"])
NOT_POSIX = frozenset(["exfat", "fuseblk", "hfs", "hfsplus", "msdos", "ntfs", "ntfs3", "vfat"])
# prometheus docs/storage.md: retention.size at most 80-85 % of the space, since the WAL and compaction need room.
MOST_OF_DISK = 0.85

_UNITS = {unit: 1024**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB", "PB", "EB"))}


@rule(
    "P12",
    "error",
    "Prometheus' data is on a local POSIX filesystem, of which retention.size takes 85 % at most and for which it has "
    "room.",
    prevents="A full disk, or a corrupt database.",
    source="prometheus docs/storage.md",
)
def p12_room_for_data(seen: Seen) -> t.Iterator[Problem]:
    for instance, _host, component in seen.instances():
        if instance.kind.name == "prometheus" and component.folder:
            yield from _unfit(instance, component.folder)
            if not instance.opt("agent"):
                yield from _too_much(instance, component.folder)


@rule(
    "A10",
    "error",
    "Alertmanager's data is on a local filesystem that outlives a reboot.",
    prevents="Silences and the notification log are lost: everything is notified again.",
    source="alertmanager docs/high_availability.md: persistent storage",
)
def a10_storage_lasts(seen: Seen) -> t.Iterator[Problem]:
    for instance, _host, component in seen.instances():
        if instance.kind.name == "alertmanager" and component.folder:
            yield from _unfit(instance, component.folder)


def _unfit(instance: Instance, folder: Folder) -> t.Iterator[Problem]:
    kind = folder.type
    why = ""
    if kind in NETWORK:
        why = "lies on another host: its locks and writes are not a local disk's"
    elif kind in MEMORY:
        why = "is kept in memory: nothing of it outlives a reboot"
    elif kind in NOT_POSIX:
        why = "is no POSIX filesystem"
    elif kind == "fuse" or kind.startswith("fuse."):
        why = "is served by a program (FUSE), which need not keep what POSIX promises"
    elif folder.read_only:
        why = "is mounted read-only"
    if why:
        yield Problem(
            instance.where("data_dir"),
            f"{folder.path} lies on {kind} ({folder.source} on {folder.mount_point}), which {why}.",
            "mount a local disk there (ext4, xfs), or set another folder.",
        )


def size(text: str) -> int | None:
    """Prometheus' sizes in bytes: units are powers of 2 (docs/storage.md). None for what is none."""
    match = re.fullmatch(r"(\d+)([KMGTPE]?B)", text.strip())
    return int(match.group(1)) * _UNITS[match.group(2)] if match else None


def in_words(count: float) -> str:
    """Bytes as people and Prometheus write them: 1.5GB."""
    unit = max((unit for unit in _UNITS if _UNITS[unit] <= max(count, 1)), key=lambda unit: _UNITS[unit])
    return f"{count / _UNITS[unit]:.3g}{unit}"


def _retention_size(instance: Instance) -> tuple[str, str]:
    """The size and the variable that sets it: of its own, else in the configuration's storage section (>= 3.11)."""
    if instance.opt("retention_size"):
        return str(instance.opt("retention_size")), "retention_size"
    found: t.Any = instance.opt("config")
    for key in ("storage", "tsdb", "retention", "size"):
        found = found.get(key) if isinstance(found, dict) else None
    return str(found or ""), "config"


def _too_much(instance: Instance, folder: Folder) -> t.Iterator[Problem]:
    text, option = _retention_size(instance)
    wanted = size(text)
    if not wanted:
        return
    disk = f"the filesystem of {folder.path} ({folder.source} on {folder.mount_point})"
    if wanted > MOST_OF_DISK * folder.size:
        yield Problem(
            instance.where(option),
            f"retention.size {text} is {wanted / max(folder.size, 1):.0%} of {disk}, which has {in_words(folder.size)} "
            "in all; the WAL and compaction need room besides.",
            f"set it to {in_words(MOST_OF_DISK * folder.size)} at most (85 %), or enlarge the filesystem.",
        )
    elif wanted - folder.used > folder.free:
        yield Problem(
            instance.where(option),
            f"retention.size {text} does not fit: the folder holds {in_words(folder.used)}, and {disk} has only "
            f"{in_words(folder.free)} free of {in_words(folder.size)}.",
            "free what else lies there, or lower it.",
        )


# -- systemd -----------------------------------------------------------------------------------------------------------

# Settings of _unit.py that are newer than the oldest systemd of any supported host, with the version that brought them
# (systemd's NEWS, and "Added in version" of systemd.exec(5) and systemd.service(5)). Older ones ignore them with a
# warning (systemd.syntax(7)). Those that confine: Type=exec (240) and ProcSubset=all (247) do not.
SINCE: dict[str, int] = {
    "ProtectHostname": 242,
    "RestrictSUIDSGID": 242,
    "ProtectKernelLogs": 244,
    "ProtectClock": 245,
    "ProtectProc": 247,
}
# The group @system-service is of 239: without it hardly any system call is left to the process, which does not start.
OLDEST_SYSTEMD = 239


@rule(
    "H03",
    "error",
    "The host is run by systemd, new enough for the settings of our units.",
    prevents="A unit that does not start, or one that runs less confined than it says.",
    source="systemd NEWS; systemd.exec(5): SystemCallFilter's @system-service",
)
def h03_systemd(seen: Seen) -> t.Iterator[Problem]:
    for name, host in seen.hosts.items():
        version = host.systemd_version
        lacks = [setting for setting, since in SINCE.items() if since > version]
        if not (version and host.systemd_runs):
            yield Problem(
                f"host {name}",
                f"it is not run by systemd ({f'systemd {version} is installed only' if version else 'there is none'}).",
                "use a host that is: the units of this collection are systemd's.",
            )
        elif version < OLDEST_SYSTEMD:
            yield Problem(
                f"host {name}",
                f"systemd {version} does not know @system-service of SystemCallFilter: our units would not start.",
                f"upgrade the host to systemd {OLDEST_SYSTEMD} or newer.",
            )
        elif lacks:
            yield Problem(
                f"host {name}",
                f"systemd {version} ignores {', '.join(lacks)} of our units: what they run is less confined.",
                f"upgrade the host to systemd {max(SINCE.values())} or newer where that matters.",
                "warning",
            )


# -- what is installed -------------------------------------------------------------------------------------------------


@rule(
    "P08",
    "error",
    "The external labels of a replica that uploads blocks stay as they are, or change with consent.",
    prevents="A new stream of blocks in the bucket: nothing compacts or deduplicates it with the former one.",
    source="thanos docs/components/compact.md",
)
def p08_labels_of_uploaded_blocks(seen: Seen) -> t.Iterator[Problem]:
    for instance, _host, component in seen.instances():
        former = component.external_labels
        if instance.kind.name != "prometheus" or former is None or not _uploads(instance, seen.topology):
            continue
        planned = _planned_labels(instance)
        if planned is not None and planned != former:
            changes = [
                f"{name}: {former.get(name, 'none')} -> {planned.get(name, 'none')}"
                for name in sorted({*former, *planned})
                if former.get(name) != planned.get(name)
            ]
            yield Problem(
                instance.where("external_labels"),
                f"{instance.name} uploads blocks, and its external labels would change ({'; '.join(changes)}).",
                "leave them, or consent: prometheus_ha_preflight_ignore: [{id: P08, reason: ...}].",
            )


def _uploads(instance: Instance, topology: Topology) -> bool:
    sidecars = (one for one in topology.by_host[instance.name] if one.kind.name == "thanos_sidecar")
    return any(_thanos.usable_bucket(sidecar) for sidecar in sidecars)


def has_rules_on_changes(instance: Instance, topology: Topology) -> bool:
    """Whether any change of what runs may break a rule of this file: P08, and P12 where the size is a reload's."""
    if instance.kind.name != "prometheus":
        return False
    text, option = _retention_size(instance)
    return _uploads(instance, topology) or (option == "config" and bool(text))


def _planned_labels(instance: Instance) -> dict[str, str] | None:
    """None where they can't be rendered, which the plan says."""
    try:
        return _labels.external_labels(
            instance.opt("external_labels"),
            replica_label=prometheus.replica_label(instance),
            replica=prometheus.replica(instance),
            version=instance.opt("version"),
        )
    except HAError:
        return None


RULES = (
    p08_labels_of_uploaded_blocks,
    p12_room_for_data,
    a10_storage_lasts,
    a11_clocks_of_a_mesh,
    x01_clocks_of_a_replica_set,
    h03_systemd,
)
