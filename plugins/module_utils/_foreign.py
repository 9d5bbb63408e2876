# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another installation in the way: found before any change, told all at once."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import ipaddress
import os
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _process, _unit
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._filespec import STATE, is_marked
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner

# Units of other installations: Debian's and Fedora's packages, upstream's own packages, the common roles.
KNOWN_UNITS: dict[str, tuple[str, ...]] = {
    "prometheus": ("prometheus.service", "prometheus2.service"),
    "alertmanager": ("alertmanager.service", "prometheus-alertmanager.service"),
    "thanos_sidecar": ("thanos_sidecar.service", "thanos-sidecar.service", "prometheus-thanos-sidecar.service"),
    **{
        f"thanos_{name}": (f"thanos_{name}.service", f"thanos-{name.replace('_', '-')}.service")
        for name in ("query", "query_frontend", "store", "compact", "rule", "receive", "receive_router")
    },
    "grafana": ("grafana.service", "grafana-server.service"),
    "victoriametrics": ("victoriametrics.service", "victoria-metrics.service"),
    "loadbalancer": ("haproxy.service", "nginx.service"),
    "grafana_database": ("postgresql.service",),
    "grafana_cache": ("redis-server.service", "redis.service", "valkey.service"),
}
UNIT_FOLDER = "/etc/systemd/system"
_LISTENING = {"tcp": "0A", "udp": "07"}  # include/net/tcp_states.h of Linux: TCP_LISTEN; an unconnected UDP socket
_IP = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing in the way.

    :param kind: ``unit``, ``masked``, ``data``, ``config`` or ``port``.
    :param what: a sentence; ``do``: what to do about it.
    :param name: the unit, path or ``protocol/port`` that it is about.
    """

    kind: str
    what: str
    do: str
    name: str


@dataclasses.dataclass(frozen=True)
class Port:
    """A port that a component needs; ``variable`` is the inventory variable that sets it."""

    port: int
    protocol: str = "tcp"
    address: str = ""
    variable: str = ""

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Port:
        """From one entry of the option ``ports``."""
        return cls(
            int(params["port"]),
            params.get("protocol") or "tcp",
            params.get("address") or "",
            params.get("variable") or "",
        )


@dataclasses.dataclass(frozen=True)
class Listener:
    """A socket that waits for others, as the kernel lists it; ``address`` is None for every address."""

    protocol: str
    address: _IP | None
    family: int
    port: int
    inode: str


@dataclasses.dataclass(frozen=True)
class Owner:
    """The process behind a socket."""

    pid: int
    program: str
    unit: str

    def __str__(self) -> str:
        return f"pid {self.pid} ({self.program})" + (f" of {self.unit}" if self.unit else ", of no unit")


def parse_sockets(text: str, protocol: str) -> list[Listener]:
    """The listening sockets of a ``/proc/net/{tcp,tcp6,udp,udp6}`` (proc(5))."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTENING[protocol] or not fields[2].endswith(":0000"):
            continue
        digits, port = fields[1].split(":")
        # Each 32-bit word is printed in the host's byte order; all supported hosts are little-endian.
        packed = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
        address, family = _parsed(ipaddress.ip_address(packed))
        found.append(Listener(protocol, address, family, int(port, 16), fields[9]))
    return found


def _parsed(address: _IP) -> tuple[_IP | None, int]:
    mapped = getattr(address, "ipv4_mapped", None) or address
    return (None if mapped.is_unspecified else mapped), mapped.version


def overlap(wanted: Port, listener: Listener) -> bool:
    """Whether both cannot listen: equal addresses, or one of them listens on every address of the other's family.

    ``::`` counts for IPv4 too, as it does unless a socket asks for IPv6 only (ipv6(7), IPV6_V6ONLY); a name or
    nothing counts for every address.
    """
    if (wanted.protocol, wanted.port) != (listener.protocol, listener.port):
        return False
    try:
        address, family = _parsed(ipaddress.ip_address(wanted.address.strip("[]").partition("%")[0]))
    except ValueError:
        address, family = None, 6
    if address is not None and listener.address is not None:
        return address == listener.address
    if address is None and listener.address is None:
        return family == listener.family or 6 in (family, listener.family)
    wildcard_family, other_family = (family, listener.family) if address is None else (listener.family, family)
    return wildcard_family in (6, other_family)


def unit_of(cgroup: str) -> str:
    """The unit from a ``/proc/PID/cgroup`` (cgroups(7)); empty without one."""
    found = re.findall(r"/([^/\n]+\.(?:service|scope))(?=/|$)", cgroup, re.MULTILINE)
    return found[-1] if found else ""


def listeners(proc: str = "/proc") -> list[Listener]:
    """All listening sockets of the host."""
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        found += parse_sockets(_text(os.path.join(proc, "net", table)), table[:3])
    return found


def owners(inodes: t.Collection[str], proc: str = "/proc") -> dict[str, Owner]:
    """The processes that hold these sockets; one that cannot be seen (another PID namespace) is missing."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, Owner] = {}
    for folder in glob.glob(os.path.join(proc, "[0-9]*")) if wanted else ():
        for inode in {wanted[link] for link in _links(folder) if link in wanted}:
            pid = int(os.path.basename(folder))
            program = _text(os.path.join(folder, "comm")).strip()
            found[inode] = Owner(pid, program, unit_of(_text(os.path.join(folder, "cgroup"))))
    return found


def _links(folder: str) -> list[str]:
    """Where the open files of a process lead."""
    fds = os.path.join(folder, "fd")

    def read() -> list[str]:
        links = []
        for name in os.listdir(fds):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                links.append(os.readlink(os.path.join(fds, name)))
        return links

    try:
        return _process.read_as_owner(folder, read)
    except OSError:  # ended meanwhile, or not for us to see
        return []


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def find(
    component: str,
    *,
    unit: str,
    runner: Runner,
    data_dirs: t.Sequence[str] = (),
    config_files: t.Sequence[str] = (),
    ports: t.Sequence[Port] = (),
    stand_ins: t.Collection[int] = (),
    proc: str = "/proc",
    state_root: str = STATE,
    unit_folder: str = UNIT_FOLDER,
) -> list[Finding]:
    """Everything that stands in the way of a component; changes nothing.

    What lies in its folders is ours once its state folder ``<state_root>/<component>`` is there. Where that was lost,
    our unit or our mark tells: data to which a unit of ours writes (a sidecar's Prometheus included), files that carry
    the mark, all configuration where the component's own unit is ours.

    :param unit: our unit's file name, ``prometheus.service``.
    :param config_files: absolute paths that will be written.
    :param stand_ins: processes whose ports count as free; see _preflight_listen.leftovers.
    :raises HAError: when systemd does not answer.
    """
    found = _units(component, unit, runner, proc)
    if not os.path.isdir(os.path.join(state_root, component)):
        found += _data(data_dirs, _own_units(unit_folder))
        if not _unit.is_ours(_text(os.path.join(unit_folder, unit))):
            found += _config(config_files)
    return found + ports_in_use(ports, unit, proc, stand_ins)


def refuse(findings: t.Sequence[Finding], component: str, adopt: str = "") -> None:
    """Stop with all findings at once, when there are any.

    :param adopt: the inventory variable that would take the other installation over, where there is one.
    :raises HAError: with the findings, also as the field ``findings``.
    """
    if not findings:
        return
    raise HAError(
        "something else is in the way, nothing was changed",
        where=component,
        said="\n".join(f"{finding.what} Do: {finding.do}" for finding in findings),
        do="Settle each of them" + (f", or set {adopt}: true to take the other installation over." if adopt else "."),
        findings=[dataclasses.asdict(finding) for finding in findings],
    )


def _units(component: str, unit: str, runner: Runner, proc: str) -> list[Finding]:
    names = list(dict.fromkeys((unit, *KNOWN_UNITS.get(component, ()))))
    shown = runner(["systemctl", "show", "--property=Id,LoadState,ActiveState,UnitFileState,FragmentPath", *names])
    if shown.rc != 0:
        raise HAError("systemd does not answer", where=unit, said=shown.words, do="Is this host run by systemd?")
    found = []
    for name, block in zip(names, re.split(r"\n\s*\n", shown.stdout.strip())):
        state = dict(line.partition("=")[::2] for line in block.splitlines())
        finding = _unit_finding(name, name == unit, state, runner, proc)
        if finding:
            found.append(finding)
    return found


def _unit_finding(
    name: str, is_own_name: bool, state: t.Mapping[str, str], runner: Runner, proc: str
) -> Finding | None:
    if state.get("LoadState") == "masked":
        if not is_own_name:
            return None
        return Finding("masked", f"{name} is masked.", f"systemctl unmask {name}", name)
    path = state.get("FragmentPath", "")
    active, enabled = state.get("ActiveState", "inactive"), state.get("UnitFileState", "")
    if not path or _unit.is_ours(_text(path)):
        return None
    if not os.path.exists(path):  # systemd still knows the file that vanished; what was started from it tells whose
        running = _process.running(name, runner, proc)
        if running and running.unit_hash:
            return None
    # One of another name that neither runs nor will at boot is no harm (that is how an adopted one is kept).
    if not is_own_name and active in ("inactive", "failed") and not enabled.startswith("enabled"):
        return None
    package = _package(path, runner)
    return Finding(
        "unit",
        f"{name} ({path}{f' of package {package}' if package else ''}, {active}, {enabled or 'no state'}) is not ours.",
        f"remove the package {package}." if package else f"systemctl disable --now {name}, and remove {path}.",
        name,
    )


def _package(path: str, runner: Runner) -> str:
    """The package that a file came with; empty when none did, or there is no package manager to ask."""
    done = runner(["dpkg-query", "--search", path])
    if done.rc == 0:
        return done.stdout.splitlines()[0].partition(": ")[0].strip()
    done = runner(["rpm", "-qf", "--queryformat", "%{NAME}", path])
    return done.stdout.strip() if done.rc == 0 else ""


def _own_units(folder: str) -> list[str]:
    texts = (_text(path) for path in sorted(glob.glob(os.path.join(folder, "*.service"))))
    return [text for text in texts if _unit.is_ours(text)]


def _data(data_dirs: t.Sequence[str], own_units: t.Sequence[str]) -> list[Finding]:
    found = []
    for path in data_dirs:
        try:
            names = sorted(set(os.listdir(path)) - {"lost+found"})
        except OSError:
            continue
        line = f"ReadWritePaths={path}"
        if not names or any(line in text.splitlines() for text in own_units):
            continue
        # Debian's package keeps its database one level below the folder (its default of --storage.tsdb.path).
        below = os.path.join(path, "metrics2")
        if os.path.isdir(below):
            path, names = below, sorted(os.listdir(below))
        what = f"The data folder {path} holds {len(names)} entries ({_some(names)}) that are not ours."
        found.append(Finding("data", what, "move it away, or choose another data folder.", path))
    return found


def _config(files: t.Sequence[str]) -> list[Finding]:
    return [
        Finding("config", f"The configuration {path} is not ours.", "move it away.", path)
        for path in files
        if os.path.lexists(path) and not is_marked(_text(path).encode())
    ]


def _some(names: t.Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def ports_in_use(
    ports: t.Sequence[Port], unit: str, proc: str = "/proc", stand_ins: t.Collection[int] = ()
) -> list[Finding]:
    """The ports that a process of another unit than ours holds, with its pid, program and unit.

    :param stand_ins: processes that do not count.
    """
    everything = listeners(proc) if ports else []
    taken = [(port, listener) for port in ports for listener in everything if overlap(port, listener)]
    by_inode = owners({listener.inode for _port, listener in taken}, proc)
    found: dict[tuple[Port, Owner | None], Finding] = {}
    for port, listener in taken:
        owner = by_inode.get(listener.inode)
        if owner and (owner.unit == unit or owner.pid in stand_ins):
            continue
        name = f"{port.protocol}/{port.port}"
        who = str(owner) if owner else "a process that cannot be seen from here"
        set_it = f", or set {port.variable} to a free port" if port.variable else ""
        found[port, owner] = Finding("port", f"The port {name} is in use by {who}.", f"stop it{set_it}.", name)
    return list(found.values())
