# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd unit of a component: a pure function from what is wanted to the file's text."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

HEADER = "Managed by baremetal.prometheus_ha"
HASH_VARIABLE = "PROMETHEUS_HA_UNIT_SHA256"

# Prometheus closes its head and its queries before it goes; killed in between it replays the WAL at the next start.
STOP_TIMEOUT = 300

# What systemd reads back unchanged without quotes. Anything else is quoted: also '#' and ';', which would make a
# continued line a comment (systemd.syntax(7)).
_PLAIN = re.compile(r"[A-Za-z0-9_./:=,@+-]+")
_PATH = re.compile(r"(/[A-Za-z0-9_.:=,@+~-]+)+")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What systemd takes as a variable's value (env_value_is_valid in its src/basic/env-util.c).
_LINES = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]*")
_DIRECTIVE = re.compile(r"[A-Z][A-Za-z0-9]*")

# Exposure 1.1 by `systemd-analyze security` of systemd 252. ProcSubset stays `all`: with `pid` the metric
# process_start_time_seconds disappears. AF_NETLINK is how Go lists the interfaces (Alertmanager's advertise address).
# What an older systemd does not know it ignores with a warning (systemd.syntax(7)).
_HARDENING = {
    "AmbientCapabilities": "",
    "CapabilityBoundingSet": "",
    "DevicePolicy": "closed",
    "KeyringMode": "private",
    "LockPersonality": "true",
    "MemoryDenyWriteExecute": "true",
    "NoNewPrivileges": "true",
    "PrivateDevices": "true",
    "PrivateMounts": "true",
    "PrivateTmp": "true",
    "PrivateUsers": "true",
    "ProcSubset": "all",
    "ProtectClock": "true",
    "ProtectControlGroups": "true",
    "ProtectHome": "true",
    "ProtectHostname": "true",
    "ProtectKernelLogs": "true",
    "ProtectKernelModules": "true",
    "ProtectKernelTunables": "true",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RemoveIPC": "true",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_NETLINK AF_UNIX",
    "RestrictNamespaces": "true",
    "RestrictRealtime": "true",
    "RestrictSUIDSGID": "true",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "UMask": "0027",
}


def _checked(kind: str, value: str, pattern: t.Pattern[str], rule: str) -> str:
    if not pattern.fullmatch(value):
        raise HAError(f"{kind} {value!r} cannot be used in a unit", where=kind, do=f"Use {rule}.")
    return value


def _path(kind: str, value: str) -> str:
    return _checked(kind, value, _PATH, "an absolute path of letters, digits and ._:=,@+~-, without blanks")


@dataclasses.dataclass(frozen=True)
class UnitSpec:
    """What a unit is rendered from.

    :param name: of the unit, without ``.service``.
    :param executable: absolute path; ``args`` is argv without it.
    :param data_dirs: the folders that the process may write to; everything else is read-only for it.
    :param shared_dirs: folders of another service of the host that it may write to as well.
    :param low_port: whether it listens on a port below 1024, which needs a capability.
    :param unit_options: `[Service]` settings in systemd's own syntax, merged last: a list repeats the key, None
        removes it.
    """

    name: str
    user: str
    group: str
    executable: str
    args: tuple[str, ...] = ()
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    data_dirs: tuple[str, ...] = ()
    shared_dirs: tuple[str, ...] = ()
    low_port: bool = False
    unit_options: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def file(self) -> str:
        """The unit's name as systemd calls it."""
        return self.name + ".service"

    @property
    def argv(self) -> tuple[str, ...]:
        """The whole command line."""
        return (self.executable, *self.args)

    @property
    def writes_to(self) -> tuple[str, ...]:
        """The folders that it may write to."""
        return (*self.data_dirs, *self.shared_dirs)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> UnitSpec:
        """From the options of the module ``service``.

        :raises HAError: for a value that systemd could not read back unchanged.
        """
        for variable in params.get("environment") or {}:
            _checked("environment", str(variable), _VARIABLE, "letters, digits and _")
        name = "letters, digits and ._-"
        return cls(
            name=_checked("name", params["name"], _NAME, name),
            user=_checked("user", params["user"], _NAME, name),
            group=_checked("group", params.get("group") or params["user"], _NAME, name),
            executable=_path("executable", params["executable"]),
            args=tuple(str(arg) for arg in params.get("args") or ()),
            environment={
                str(key): _checked("environment", str(value), _LINES, "text without control characters")
                for key, value in (params.get("environment") or {}).items()
            },
            data_dirs=tuple(_path("data_dirs", path) for path in params.get("data_dirs") or ()),
            shared_dirs=tuple(_path("shared_dirs", path) for path in params.get("shared_dirs") or ()),
            low_port=any(int(port["port"]) < 1024 for port in params.get("ports") or ()),
            unit_options=dict(params.get("unit_options") or {}),
        )


def quote(text: str, *, variables: bool = True) -> str:
    """One word as systemd reads it back unchanged (systemd.syntax(7), "Quoting"; systemd.service(5), "Command lines").

    :param variables: whether ``$`` would be replaced there (in ExecStart it is, in Environment it is not).
    :raises HAError: for what no unit file can hold: a NUL, or text that is not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise HAError(f"{text!r} is not UTF-8, a unit cannot hold it", said=str(error)) from error
    if "\0" in text:
        raise HAError(f"{text!r} holds a NUL character, a unit cannot hold it")
    if _PLAIN.fullmatch(text):
        return text
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if variables:
        text = text.replace("$", "$$")
    # Control characters, and what some reader may take for the end of a line.
    return '"' + re.sub(r"[\x01-\x1f\x7f]", lambda match: f"\\x{ord(match.group()):02x}", text) + '"'


def _below(paths: t.Iterable[str], *roots: str) -> bool:
    return any(path == root or path.startswith(root + "/") for path in paths for root in roots)


def _values(key: str, value: t.Any) -> list[str]:
    """The values of one setting that the user gave, each one line."""
    if value is None:
        return []
    listed = value if isinstance(value, (list, tuple)) else [value]
    values = [("true" if item else "false") if isinstance(item, bool) else str(item) for item in listed]
    if any(re.search(r"[\n\r\0]|\\\s*$", item) for item in values):
        raise HAError(f"the value of {key} does not end on its line", where="unit_options", do="Give a list of values.")
    return values


def _service(spec: UnitSpec) -> dict[str, list[str]]:
    """The `[Service]` section: the lines of each key, `unit_options` merged."""
    paths = (spec.executable, *spec.writes_to)
    settings = {
        # `exec` and not `simple`: a start is over when the program runs, so a binary that cannot be run fails it.
        "Type": "exec",
        "User": spec.user,
        "Group": spec.group,
        "ExecStart": " \\\n  ".join([spec.executable, *map(quote, spec.args)]),
        # Also after a clean exit: nothing but `systemctl stop` ends a component.
        "Restart": "always",
        "RestartSec": "1s",
        "TimeoutStopSec": f"{STOP_TIMEOUT}s",
        "KillMode": "mixed",
        "LimitNOFILE": "1048576",
        **_HARDENING,
    }
    if spec.low_port:
        # Without a user namespace: in one, the capability would not count for the host's ports.
        settings["AmbientCapabilities"] = settings["CapabilityBoundingSet"] = "CAP_NET_BIND_SERVICE"
        settings["PrivateUsers"] = "false"
    if _below(paths, "/home", "/root", "/run/user"):
        settings["ProtectHome"] = "read-only"
    if _below(paths, "/tmp", "/var/tmp"):
        settings["PrivateTmp"] = "false"
    lines = {key: [value] for key, value in settings.items()}
    lines["SystemCallFilter"] = ["@system-service", "~@privileged @resources"]
    lines["ReadWritePaths"] = list(spec.writes_to)
    lines["Environment"] = [quote(f"{key}={value}", variables=False) for key, value in sorted(spec.environment.items())]
    for key, value in spec.unit_options.items():
        _checked("unit_options", key, _DIRECTIVE, "the names of systemd.exec(5) and systemd.service(5)")
        if key == "ExecStart":
            raise HAError("unit_options cannot set ExecStart", where="unit_options", do="Use executable and args.")
        # Our own variables tell what a process was started with, so they stay; of two the later one counts.
        ours = lines[key] if key == "Environment" else []
        lines[key] = ours + _values(key, value)
    return lines


def _sections(spec: UnitSpec) -> dict[str, dict[str, list[str]]]:
    return {
        "Unit": {
            "Description": [f"{spec.name} ({HEADER})"],
            "Wants": ["network-online.target"],
            "After": ["network-online.target"],
            "RequiresMountsFor": list(spec.writes_to),
            # A process that is killed comes back after a second; one that dies 30 times in 5 minutes is `failed`,
            # which `systemctl --failed` and monitoring see.
            "StartLimitIntervalSec": ["300s"],
            "StartLimitBurst": ["30"],
        },
        "Service": _service(spec),
        "Install": {"WantedBy": ["multi-user.target"]},
    }


def render(spec: UnitSpec) -> str:
    """The text of the unit file. The same spec always gives the same bytes.

    Its environment carries the hash of the text without that line, so that a running process tells which unit it
    was started with.

    :raises HAError: for a value that no unit file can hold.
    """
    lines = [f"# {HEADER}: changes made here are lost."]
    for section, settings in _sections(spec).items():
        lines += ["", f"[{section}]", *(f"{key}={value}" for key, values in settings.items() for value in values)]
    marker = lines.index("[Service]") + 1
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return "\n".join([*lines[:marker], f"Environment={HASH_VARIABLE}={digest}", *lines[marker:], ""])


def unit_hash(text: str) -> str:
    """The hash that a rendered unit carries; empty for a unit that is not ours."""
    found = re.search(rf"^Environment={HASH_VARIABLE}=([0-9a-f]{{64}})$", text, re.MULTILINE)
    return found.group(1) if found else ""


def is_ours(text: str) -> bool:
    """Whether this text of a unit file was rendered here (its first line says so)."""
    return text.startswith(f"# {HEADER}")
