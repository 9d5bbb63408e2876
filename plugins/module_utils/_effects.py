# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change takes: a component's one table of effects, over the files and flags that differ."""

from __future__ import annotations

import dataclasses
import fnmatch
import typing as t
import urllib.parse

NONE, START, WRITE, RELOAD, RESTART, REMOVE = "none", "start", "write", "reload", "restart", "remove"
# What an activation of something that serves may be, the mildest first.
_SCALE = (NONE, WRITE, RELOAD, RESTART)
_PREFIX_FLAGS = ("--web.route-prefix", "--web.external-url")
# Where it listens: Prometheus' and Alertmanager's flag, and Thanos'.
_LISTEN_FLAGS = ("--web.listen-address", "--http-address")


@dataclasses.dataclass(frozen=True)
class Effect:
    """A row of the table; the first that matches counts.

    :param match: a glob: of files below the configuration's root, or of flags with their dashes.
    :param action: write (the process reads the file by itself), reload or restart.
    :param part: ``port`` or ``prefix``: the row is for a change of that part of the flag's value alone.
    :param at_once: whether all members of the mesh make the change at the same moment.
    :param breaks: ``peers`` or ``clients``: who can't talk to a changed one until they changed, too.
    """

    match: str
    action: str
    part: str = ""
    at_once: bool = False
    breaks: str = ""


@dataclasses.dataclass(frozen=True)
class Due:
    """What an activation would do, and why.

    :param at_once: whether all members of the mesh have to make it at the same moment.
    :param breaks: by who is broken (peers, clients), the changes that do it.
    """

    action: str = NONE
    reasons: tuple[str, ...] = ()
    at_once: bool = False
    breaks: t.Mapping[str, t.Sequence[str]] = dataclasses.field(default_factory=dict)


DEFAULT = (Effect("--*", RESTART), Effect("*", RELOAD))


def table(params: t.Sequence[t.Mapping[str, t.Any]] | None) -> tuple[Effect, ...]:
    """The slice's ``effects``; without them, every flag takes a restart and every file a reload."""
    return (*(Effect(**row) for row in params or ()), *DEFAULT)


def of_files(rows: t.Sequence[Effect], paths: t.Iterable[str]) -> Due:
    """What these files take, which differ from what is wanted."""
    found = [(path, next(row for row in rows if fnmatch.fnmatchcase(path, row.match))) for path in paths]
    if not found:
        return Due()
    action = max((row.action for _path, row in found), key=_SCALE.index)
    return Due(action, tuple(f"{path} differs" for path, _row in found), any(row.at_once for _path, row in found))


def of_flags(rows: t.Sequence[Effect], now: t.Sequence[str], wanted: t.Sequence[str]) -> Due:
    """What another command line takes that a restart does not say: who feels it.

    :param now: the running process's arguments; ``wanted``: those that it shall have; both without the executable.
    """
    old, new = flags(now), flags(wanted)
    at_once = False
    breaks: dict[str, list[str]] = {}
    for flag in dict.fromkeys([*new, *old]):
        if old.get(flag) == new.get(flag):
            continue
        for row in rows:
            before, after = _part(row.part, flag, old), _part(row.part, flag, new)
            if fnmatch.fnmatchcase(flag, row.match) and before != after:
                at_once = at_once or row.at_once
                if row.breaks:
                    breaks.setdefault(row.breaks, []).append(f"{flag}: {_said(old, flag)} -> {_said(new, flag)}")
                break
    return Due(RESTART, (), at_once, breaks)


def _said(values: t.Mapping[str, t.Sequence[str]], flag: str) -> str:
    return ", ".join(values.get(flag) or ["none"])


def flags(args: t.Sequence[str]) -> dict[str, list[str]]:
    """Arguments by flag: ``--x=1`` and ``--x=2`` are the values of ``--x``; a bare flag has an empty one."""
    found: dict[str, list[str]] = {}
    for arg in args:
        flag, _equals, value = arg.partition("=")
        found.setdefault(flag, []).append(value)
    return found


def _part(part: str, flag: str, values: t.Mapping[str, t.Sequence[str]]) -> t.Any:
    if part == "port":
        return [value.rpartition(":")[2] for value in values.get(flag, ())]
    return prefix(values) if part == "prefix" else values.get(flag)


def prefix(values: t.Mapping[str, t.Sequence[str]]) -> str:
    """The path below which it answers, "" for the root: the route prefix, else the path of the external URL.

    That order is upstream's (--help of both: web.route-prefix "Defaults to path of --web.external-url").
    """
    route, external = (next(iter(values.get(flag, ())), None) for flag in _PREFIX_FLAGS)
    path = route if route is not None else urllib.parse.urlsplit(external or "").path
    return "/".join(["", *(part for part in path.split("/") if part)])


def endpoint(args: t.Sequence[str]) -> dict[str, t.Any] | None:
    """The endpoint of a command line: ``port``, and ``prefix`` or of Thanos ``grpc_port``; None without a port."""
    values = flags(args)
    port = _port(values, *_LISTEN_FLAGS)
    if not port:
        return None
    if "--http-address" in values:  # readiness and metrics are at the root, whatever the prefix
        return {"port": port, "grpc_port": _port(values, "--grpc-address")}
    return {"port": port, "prefix": prefix(values)}


def _port(values: t.Mapping[str, t.Sequence[str]], *names: str) -> int:
    """That of the first of these flags that is there; 0 for none."""
    port = next((value for name in names for value in values.get(name, ())), "").rpartition(":")[2]
    return int(port) if port.isdigit() else 0


def url_at(url: str, found: t.Mapping[str, t.Any] | None) -> str:
    """The same host's endpoint at another port and below another prefix; the URL itself where nothing was found."""
    if not found:
        return url
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{found['port']}{found.get('prefix', '')}"
