# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a mapping of flags to an argv, checked against what the pinned version of a component knows."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._help_flags import Flag, nearest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._flag_tables import (
    FEATURES,
    INSTEAD,
    TABLES,
    Row,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import (
    Version,
    parse_line,
    parse_version,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# A unit file or a log can show no other characters of an argv faithfully.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclasses.dataclass(frozen=True)
class FlagSet:
    """What is known of a component's flags at one version.

    :param flags: those it has.
    :param lacks: those that only other versions have: why, as in ``removed in 3.0``.
    :param complete: whether a name in neither is no flag; else the staged binary decides on the host.
    """

    component: str
    version: Version
    flags: t.Mapping[str, Flag]
    lacks: t.Mapping[str, str]
    complete: bool


def _has(row: Row, line: tuple[int, int]) -> bool:
    return not (row.since and line < parse_line(row.since)) and not (row.until and line >= parse_line(row.until))


def _why(rows: t.Sequence[Row]) -> str:
    spans = []
    for row in rows:
        words = [f"added in {row.since}"] if row.since else []
        words += [f"removed in {row.until}"] if row.until else []
        spans.append(" and ".join(words))
    return ", ".join(spans)


def known_flags(component: str, version: object, where: str = "") -> FlagSet | None:
    """What the tables know of a version; None for a component without a table.

    :param component: as in the inventory's groups: prometheus, alertmanager, thanos_query, ...
    :raises HAError: when the version is not one.
    """
    return _flag_set(component, parse_version(version, where))


# Hosts share a version, as a rule.
@functools.lru_cache(maxsize=None)
def _flag_set(component: str, parsed: Version) -> FlagSet | None:
    table = TABLES.get(component)
    if table is None:
        return None
    flags: dict[str, Flag] = {}
    absent: dict[str, list[Row]] = {}
    for row in table.rows:
        has = _has(row, parsed.line)
        for name in row.names.split():
            if has:
                flags[name] = Flag(boolean=row.kind == "switch", repeated=row.kind == "repeated")
            else:
                absent.setdefault(name, []).append(row)
    read = parse_line(table.first) <= parsed.line <= parse_line(table.last)
    lacks = {name: _why(rows) for name, rows in absent.items() if name not in flags}
    return FlagSet(component, parsed, flags, lacks, read and table.hidden)


def _text(value: object) -> str:
    """The value as one word of an argv.

    :raises ValueError: says what it is instead.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{value!r} is no text or number")
    text = str(value)
    if _CONTROL.search(text):
        raise ValueError(f"{text!r} holds a line break or another control character")
    return text


def _words(name: str, value: object, flag: Flag | None) -> list[str]:
    """The words of one flag.

    :raises ValueError: why they cannot be made.
    """
    if value is None or isinstance(value, bool):
        if flag is not None and not flag.boolean:
            raise ValueError(f"--{name} takes a value, not {'nothing' if value is None else str(value).lower()}")
        if value is False and name.startswith("no-"):
            raise ValueError(f"--{name}: false says no twice: write {name[3:]}: true")
        return [f"--no-{name}" if value is False else f"--{name}"]
    if flag is not None and flag.boolean:
        raise ValueError(f"--{name} takes no value: write true or false without quotes, not {value!r}")
    if isinstance(value, (list, tuple)):
        if flag is not None and not flag.repeated and len(value) > 1:
            raise ValueError(f"--{name} may be given only once, not {len(value)} times")
        try:
            return [f"--{name}={_text(entry)}" for entry in value]
        except ValueError as error:
            raise ValueError(f"--{name}: {error}") from None
    try:
        return [f"--{name}={_text(value)}"]
    except ValueError as error:
        raise ValueError(f"--{name}: {error}") from None


def _unknown(name: str, known: FlagSet) -> str:
    """Why this version has no such flag, or nothing."""
    release = f"{known.component} {known.version}"
    if name in known.lacks:
        instead = INSTEAD.get((known.component, name))
        return f"{release} has no --{name} ({known.lacks[name]})" + (f": {instead}" if instead else "")
    if name in known.flags or not known.complete:
        return ""
    meant = nearest(name, known.flags)
    return f"{release} has no --{name}" + (f": is --{meant} meant?" if meant else "")


def _gone_features(name: str, value: object, known: FlagSet) -> list[str]:
    if name != "enable-feature":
        return []
    entries = value if isinstance(value, (list, tuple)) else [value]
    wanted = {feature for entry in entries if isinstance(entry, str) for feature in entry.split(",")}
    return [
        f"{known.component} {known.version} has no feature {feature} (removed in {until}): use --{flag}"
        for (component, feature), (until, flag) in FEATURES.items()
        if component == known.component and feature in wanted and known.version.line >= parse_line(until)
    ]


def command_line_flags(
    flags: t.Mapping[str, t.Any], component: str | None = None, version: object = None, where: str = ""
) -> list[str]:
    """The argv of a mapping of flags, in its order.

    None gives a bare flag, true and false give ``--x`` and ``--no-x`` (kingpin), a list repeats the flag, an empty
    list leaves it out; leading dashes of a name are accepted.

    :param component: whose flags they are; None: nothing is checked against a version.
    :param version: its pinned version; None likewise.
    :param where: the inventory path for the error.
    :raises HAError: names every flag at fault.
    """
    if not isinstance(flags, t.Mapping):
        raise HAError(f"The flags are {flags!r}.", where=where, do="Write a mapping of flags to values.")
    known = None if component is None or version is None else known_flags(component, version, where)
    argv: list[str] = []
    problems: list[str] = []
    seen: set[str] = set()
    for given, value in flags.items():
        name = re.sub(r"\A--?", "", given) if isinstance(given, str) else ""
        if not _NAME.fullmatch(name):
            problems.append(f"{given!r} is not the name of a flag: the value stands after the colon")
            continue
        has = known.flags if known is not None else {}
        plain = name[3:] if name.startswith("no-") and name not in has else name
        if plain in seen:
            problems.append(f"--{plain} is given twice, under two spellings")
        seen.add(plain)
        if known is not None:
            if plain != name and plain in has and not has[plain].boolean:
                problems.append(f"--{plain} takes a value: there is no --{name}")
                continue
            problem = _unknown(plain if plain in {*has, *known.lacks} else name, known)
            if problem:
                problems.append(problem)
                continue
            problems += _gone_features(name, value, known)
        try:
            argv += _words(name, value, has.get(plain))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        what = "; ".join(problems)
        end = "" if what.endswith("?") else "."
        raise HAError(f"{what[0].upper()}{what[1:]}{end}", where=where, do="Correct or remove the flag.")
    return argv
