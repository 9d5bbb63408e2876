# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the preflight wants to know of a host: its systemd, its filesystems, what is installed. Changes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _process
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._foreign import UNIT_FOLDER
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner


@dataclasses.dataclass(frozen=True)
class Systemd:
    """The host's service manager. ``version`` is 0 without one; ``runs``: it is the one that started the host."""

    version: int
    runs: bool


@dataclasses.dataclass(frozen=True)
class Mount:
    """A mounted filesystem, as the kernel lists it."""

    point: str
    type: str
    source: str
    read_only: bool


@dataclasses.dataclass(frozen=True)
class Folder:
    """A data folder and the filesystem below it; sizes in bytes.

    :param existing: the nearest folder on the way there that exists.
    :param size: what the filesystem holds for ordinary users: used and free, without what is kept back for root.
    :param used: what lies in the folder already.
    """

    path: str
    existing: str
    mount: Mount
    size: int
    free: int
    used: int


@dataclasses.dataclass(frozen=True)
class Installed:
    """What a host has of a component; empty where it has none.

    :param version: the versioned folder that the process runs from, else that its unit names.
    :param external_labels: Prometheus: that block of its configuration, as YAML.
    :param gossip_label: Alertmanager: the cluster.label that the process was started with, which may be another than
        the planned one.
    """

    version: str
    external_labels: str
    gossip_label: str


def systemd(runner: Runner, booted: str = "/run/systemd/system") -> Systemd:
    """The folder is how sd_booted(3) tells."""
    found = re.match(r"systemd (\d+)", runner(["systemctl", "--version"]).stdout)
    return Systemd(int(found.group(1)) if found else 0, os.path.isdir(booted))


def mounts(text: str) -> list[Mount]:
    """The lines of a ``/proc/self/mountinfo`` (proc(5)), in the order of mounting."""
    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        if " - " not in line or len(fields) < 10:
            continue
        at = fields.index("-", 6)
        options = f"{fields[5]},{fields[-1]}".split(",")
        found.append(Mount(_unescaped(fields[4]), fields[at + 1], _unescaped(fields[at + 2]), "ro" in options))
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def mount_of(path: str, table: t.Sequence[Mount]) -> Mount:
    """The filesystem that a path lies on: the longest mount point above it, of equal ones the last mounted."""
    above = [mount for mount in table if mount.point == "/" or f"{path}/".startswith(f"{mount.point}/")]
    return max(reversed(above), key=lambda mount: len(mount.point), default=Mount("/", "unknown", "", False))


def folder(path: str, mountinfo: str = "/proc/self/mountinfo") -> Folder:
    """A data folder that may not exist yet, and what it will lie on."""
    existing = os.path.realpath(path)
    while not os.path.isdir(existing):
        existing = os.path.dirname(existing)
    with open(mountinfo, encoding="utf-8", errors="surrogateescape") as file:
        mount = mount_of(existing, mounts(file.read()))
    stat = os.statvfs(existing)
    size = (stat.f_blocks - stat.f_bfree + stat.f_bavail) * stat.f_frsize
    return Folder(path, existing, mount, size, stat.f_bavail * stat.f_frsize, _used(path))


def _used(path: str) -> int:
    """The bytes that the files of a folder take; those that vanish meanwhile count nothing."""
    total = 0
    for base, _folders, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(base, name)).st_blocks * 512  # of 512 bytes, whatever st_blksize is
    return total


def installed(
    component: str, config_file: str, runner: Runner, *, proc: str = "/proc", unit_folder: str = UNIT_FOLDER
) -> Installed:
    """What a host has of a component: what runs counts, else what its unit names."""
    unit = f"{component}.service"
    try:
        running = _process.running(unit, runner, proc)
    except HAError:  # no systemd: another rule says so
        running = None
    texts = [running.executable] if running else []
    command = re.search(r"^ExecStart\s*=\s*(\S+)", _text(os.path.join(unit_folder, unit)), re.MULTILINE)
    texts += [command.group(1)] if command else []
    versions = [match.group(1) for match in (re.search(r"/(\d+\.\d+\.\d+[^/]*)/", text) for text in texts) if match]
    flag = "--cluster.label="
    labels = [arg[len(flag) :] for arg in (running.argv if running else ()) if arg.startswith(flag)]
    return Installed(versions[0] if versions else "", external_labels(_text(config_file)), labels[-1] if labels else "")


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def external_labels(text: str) -> str:
    """The block ``external_labels`` of a prometheus.yml, and nothing else of it: the rest may hold secrets.

    Without a YAML parser on the host, the block is what is indented deeper than its key.
    """
    found = re.search(r"^([ ]+)external_labels:.*\n?(?:\1[ ]+.*\n?|[ ]*\n)*", text, re.MULTILINE)
    return found.group(0) if found else ""
