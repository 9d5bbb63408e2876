# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What balancers have in common: HAProxy of the distribution on a host's loopback, beside what goes through it."""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import RESTART, Effect
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

ADDRESS = "127.0.0.1"
PACKAGE = _base.Package("haproxy", "/usr/sbin/haproxy")
CONFIG_FILE = "haproxy.cfg"
EFFECTS = (Effect("*", RESTART),)
# Seconds that it waits for an answer, at the least, and beyond the time-out of what answers.
PATIENCE, MARGIN = 300, 30
# What HAProxy takes for a name.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def unit_options(role: str) -> tuple[Option, ...]:
    """The rows about the unit that every balancer has."""
    return (
        Option(
            f"{role}_unit_options",
            "dict",
            "Further settings of the unit's C([Service]) section, merged last. A list repeats a setting, V(null) "
            "removes one.",
            default={},
        ),
        Option(f"{role}_start_timeout", "int", "Seconds a start may take.", default=30),
    )


def state_option(role: str) -> Option:
    """The row of its state."""
    return Option(
        f"{role}_state",
        "str",
        "V(present) rolls the balancer out, V(staged) prepares it and leaves what runs untouched, V(absent) removes "
        "its unit and configuration. The distribution's package stays.",
        default="present",
        choices=("present", "staged", "absent"),
        shared=True,
    )


def places(instance: Instance, topology: Topology) -> list[tuple[str, str]]:
    """The servers of an instance, each a name and ``host:port``: where it is planned, and where it still is.

    :raises HAError: when a part of it is not usable.
    """
    return [
        (f"{instance.name}{'-former' * former}", host_port(instance.address, port, instance.where("port")))
        for former, (port, _prefix) in enumerate(topology.places(instance)[::-1])
    ]


def server(number: int, name: str, place: str, options: str = "") -> str:
    """A line of a backend. HAProxy takes fewer names than an inventory; they are for whoever reads its log."""
    shown = name if NAME.fullmatch(name) else f"server-{number}"
    return f"    server {shown} {place}{options}"


def head(check_interval: int, default_server: str, longest: int = 0) -> list[str]:
    """The sections ``global`` and ``defaults`` (HAProxy's configuration manual, 2.6).

    :param check_interval: seconds between two looks at a server.
    :param default_server: further settings of every server.
    :param longest: seconds that an answer may take; five minutes are left to everything.
    """
    # Whoever asks gives up first, at its own time-out.
    patience = f"{longest + MARGIN}s" if longest + MARGIN > PATIENCE else "5m"
    return [
        "global",
        "    log stdout format raw daemon notice",
        "    maxconn 1000",
        "",
        "defaults",
        "    mode http",
        "    log global",
        "    timeout connect 2s",
        f"    timeout client {patience}",
        f"    timeout server {patience}",
        f"    timeout check {check_interval}s",
        "    option httpchk",
        "    http-check expect status 200",
        # A name that nobody knows at the start is one server away, and no reason not to start.
        f"    default-server check inter {check_interval}s {default_server} init-addr last,libc,none",
        "",
    ]


def ports(instance: Instance) -> list[_base.Port]:
    """It listens on the loopback."""
    return [(instance.opt("port"), "tcp", ADDRESS, f"{instance.kind.name}_port")]


def rendered(instance: Instance, text: str, source: str) -> dict[str, t.Any]:
    """A balancer's slice (docs/development.md).

    :param text: its configuration.
    :param source: the inventory variable that an error in it is blamed on.
    """
    name = instance.kind.name
    folder = f"/etc/{name}"
    text = _base.MANAGED + text
    return {
        "config": {
            "root": folder,
            "owner": "root",
            "group": name,
            "files": [_base.file(CONFIG_FILE, text, source)],
            "check": [[PACKAGE.executable, "-c", "-f", f"{{root}}/{CONFIG_FILE}"]],
        },
        "service": {
            "name": name,
            "user": name,
            "group": name,
            "executable": PACKAGE.executable,
            # In the foreground, without a master process: systemd is that.
            "args": ["-db", "-f", f"{folder}/{CONFIG_FILE}"],
            # It tells nobody what it has loaded: this way, its unit does.
            "environment": {"CONFIGURATION_SHA256": hashlib.sha256(text.encode()).hexdigest()},
            "data_dirs": [],
            "ports": _base.port_options(ports(instance)),
            "unit_options": instance.opt("unit_options"),
            "start_timeout": instance.opt("start_timeout"),
        },
        "api": {
            "kind": "haproxy",
            "url": instance.own_url,
            "http": {},
            "config_file": f"{folder}/{CONFIG_FILE}",
            "timeout": instance.opt("start_timeout"),
        },
        "expect": {},
        "secrets": [],
    }
