# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load: Ansible's inventory variables -> a plain Snapshot. The only file that knows hostvars and Jinja."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class HostVariables:
    """What the inventory says of one host: plain values by name, and by name why a value could not be had."""

    name: str
    groups: tuple[str, ...]
    values: dict[str, t.Any]
    problems: dict[str, str]
    origins: dict[str, str]

    def where(self, variable: str) -> str:
        """The inventory path of a variable, with file and line where Ansible's origin tags give them."""
        origin = self.origins.get(variable)
        return f"host {self.name}, variable {variable}" + (f" ({origin})" if origin else "")


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All hosts, in inventory order; folders are what relative paths of the inventory start from."""

    hosts: dict[str, HostVariables]
    folders: tuple[str, ...] = ()

    def with_values(self, host: str, values: t.Mapping[str, t.Any], problems: t.Mapping[str, str]) -> Snapshot:
        """A copy in which one host has further values: those that its role or play gave it."""
        known = self.hosts[host]
        given = {**values, **problems}
        changed = dataclasses.replace(
            known,
            values={**known.values, **values},
            problems={**{name: why for name, why in known.problems.items() if name not in given}, **problems},
            origins={name: origin for name, origin in known.origins.items() if name not in given},
        )
        return dataclasses.replace(self, hosts={**self.hosts, host: changed})


def plain(value: t.Any) -> t.Any:
    """A copy without Ansible's tags and lazy containers (ansible-core 2.19 data tagging), dates as ISO text."""
    if isinstance(value, str):
        return value[:]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, t.Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return str(value)


def _origin(value: t.Any) -> str:
    """file:line of a raw inventory value; a private part of ansible-core, so it may be absent."""
    try:
        from ansible._internal._datatag._tags import Origin  # private: its absence must not break the import
    except ImportError:
        return ""
    origin = Origin.get_tag(value)
    if origin is None or not origin.path:
        return ""
    return f"{origin.path}:{origin.line_num}" if origin.line_num else str(origin.path)


class HostVars(t.Protocol):
    """The part of Ansible's hostvars that is used."""

    def __iter__(self) -> t.Iterator[str]: ...

    def raw_get(self, host_name: str) -> t.Mapping[str, t.Any]: ...


def memoise_templates(templar: t.Any) -> None:
    """Keep compiled templates: Jinja compiles each at each use, which is most of the cost (measured in ansible.md).

    The engine is private to ansible-core; where it has changed, only the speed is lost.
    """
    try:
        engine = templar._engine
        compile_template = engine._compile_template
    except AttributeError:
        return
    kept: dict[t.Any, t.Any] = {}

    def compile_once(template: str, options: t.Any) -> t.Any:
        try:
            key = (template, options.escape_backslashes, options.overrides)
            if key not in kept:
                kept[key] = compile_template(template, options)
            return kept[key]
        except (AttributeError, TypeError):  # other options than 2.19 has, or unhashable ones
            return compile_template(template, options)

    engine._compile_template = compile_once


def template_each(
    templar: t.Any, names: t.Iterable[str], variables: t.Mapping[str, t.Any]
) -> tuple[dict[str, t.Any], dict[str, str]]:
    """Template each variable in a try of its own, so that one bad value names itself and the others live."""
    values: dict[str, t.Any] = {}
    problems: dict[str, str] = {}
    for name in names:
        raw = variables[name]
        try:
            values[name] = plain(templar.template(raw))
        except Exception as error:  # whatever a user's template raises is a finding, not a traceback
            if type(error).__name__ == "AnsibleValueOmittedError":
                continue
            problems[name] = " ".join(str(getattr(error, "message", error)).split())
    return values, problems


def load(hostvars: HostVars, templar: t.Any, names: t.Collection[str], folders: t.Sequence[str] = ()) -> Snapshot:
    """Every host's variables among ``names``, templated (also of hosts outside --limit).

    :param names: the variables that are looked at; others are never templated.
    :param folders: what relative paths start from.
    """
    scoped = templar.copy_with_new_env(available_variables={})
    memoise_templates(scoped)
    hosts: dict[str, HostVariables] = {}
    for name in hostvars:
        raw = hostvars.raw_get(name)
        scoped.available_variables = {**raw, "hostvars": hostvars}
        present = [variable for variable in raw if variable in names]
        values, problems = template_each(scoped, present, raw)
        origins = {variable: origin for variable in present if (origin := _origin(raw[variable]))}
        hosts[name] = HostVariables(name, tuple(raw.get("group_names", ())), values, problems, origins)
    return Snapshot(hosts, tuple(folders))
