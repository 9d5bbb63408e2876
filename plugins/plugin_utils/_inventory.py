# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load: Ansible's inventory variables -> a plain Snapshot. The only file that knows hostvars and Jinja."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import pathlib
import re
import typing as t

from ansible.parsing.vault import is_encrypted_file
from ansible.vars.plugins import get_vars_from_path
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rivals import GroupValues, contenders
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._sealed import Sealed


@dataclasses.dataclass(frozen=True)
class HostVariables:
    """What the inventory says of one host: plain values by name, and by name why a value could not be had.

    :param unknown: variables that nobody reads, of those whose first word is one of a variable that is read.
    :param rivals: by variable, the groups that set it with equal right to different values, with these.
    :param sealed: by variable, what in its value came encrypted, or is made of that by a template (_sealed.py).
    """

    name: str
    groups: tuple[str, ...]
    values: dict[str, t.Any]
    problems: dict[str, str]
    origins: dict[str, str]
    # What came encrypted by ansible-vault; nothing that runs is told more of it than what it renders.
    secrets: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    unknown: tuple[str, ...] = ()
    rivals: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    sealed: t.Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict, repr=False)

    def where(self, variable: str) -> str:
        """The inventory path of a variable, with file and line where Ansible's origin tags give them."""
        origin = self.origins.get(variable)
        return f"host {self.name}, variable {variable}" + (f" ({origin})" if origin else "")


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All hosts, in inventory order; folders are what relative paths of the inventory start from.

    :param sealed: the variables of which no value is quoted in findings.
    :param groups: the names of all groups, also of those without a host; empty where Ansible does not show them.
    """

    hosts: dict[str, HostVariables]
    folders: tuple[str, ...] = ()
    sealed: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()

    def secrets(self) -> frozenset[str]:
        """What came encrypted, of all hosts."""
        return frozenset(secret for host in self.hosts.values() for secret in host.secrets)

    def sealed_strings(self) -> dict[str, set[str]]:
        """By variable, what findings about it must not show, of all hosts."""
        found: dict[str, set[str]] = {}
        for host in self.hosts.values():
            for name, strings in host.sealed.items():
                found.setdefault(name, set()).update(strings)
        return found

    def with_values(
        self,
        host: str,
        values: t.Mapping[str, t.Any],
        problems: t.Mapping[str, str],
        secrets: t.Collection[str] = (),
        raws: t.Mapping[str, t.Any] | None = None,
    ) -> Snapshot:
        """A copy in which one host has further values: those that its role or play gave it.

        :param raws: all its variables, untemplated, with those.
        """
        known = self.hosts[host]
        given = {**values, **problems}
        changed = dataclasses.replace(
            known,
            values={**known.values, **values},
            problems={**{name: why for name, why in known.problems.items() if name not in given}, **problems},
            origins={name: origin for name, origin in known.origins.items() if name not in given},
            secrets=tuple(sorted({*known.secrets, *secrets})),
        )
        sealed = Sealed([raws or {}], _from_vault)
        changed = dataclasses.replace(
            changed,
            problems=_unsealed(changed.problems, sealed),
            sealed={**known.sealed, **_strings(sealed, raws or {}, values)},
        )
        return dataclasses.replace(self, hosts={**self.hosts, host: changed}, sealed=self.sealed | sealed.whole)


def plain(value: t.Any) -> t.Any:
    """A copy without Ansible's tags and lazy containers (ansible-core 2.19 data tagging), dates as ISO text.

    Keys are text, as all that is rendered has them; YAML reads 1, true and null as something else.
    """
    if isinstance(value, str):
        return value[:]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, t.Mapping):
        return {
            key[:] if isinstance(key, str) else json.dumps(key, default=str).strip('"'): plain(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return str(value)


def _tags() -> t.Any:
    """ansible-core's data tags; private to it, so their absence must not break the import."""
    try:
        from ansible._internal._datatag import _tags
    except ImportError:
        return None
    return _tags


def _origin(value: t.Any) -> str:
    """file:line of a raw inventory value, where Ansible knows it."""
    tags = _tags()
    origin = tags.Origin.get_tag(value) if tags else None
    if origin is None or not origin.path:
        return ""
    return f"{origin.path}:{origin.line_num}" if origin.line_num else str(origin.path)


@functools.cache
def _is_encrypted(path: str) -> bool:
    """Whether a file of the inventory is encrypted as a whole."""
    try:
        with pathlib.Path(path).open("rb") as stream:
            return bool(is_encrypted_file(stream))
    except OSError:
        return False


def _from_vault(value: t.Any) -> str:
    """The encrypted file that a value is from, or "": of an encrypted value that is none."""
    tags = _tags()
    origin = tags.Origin.get_tag(value) if tags else None
    return str(origin.path) if origin is not None and origin.path and _is_encrypted(origin.path) else ""


def vaulted(value: t.Any, own: str = "") -> t.Iterator[str]:
    """The strings in a templated value that came encrypted: alone, or with the file that they are from.

    :param own: an encrypted file that holds the variable itself. Of a whole configuration in there not every word is
        secret; the keys tell.
    """
    if isinstance(value, str):
        tags = _tags()
        if (tags and tags.VaultedValue.is_tagged_on(value)) or _from_vault(value) not in ("", own):
            yield value[:]
    elif isinstance(value, t.Mapping):
        for item in value.values():
            yield from vaulted(item, own)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from vaulted(item, own)


def vaulted_variables(raw: t.Mapping[str, t.Any], names: t.Collection[str]) -> t.Iterator[str]:
    """The encrypted strings among a host's other variables: a template that adds to one loses the tag.

    What no password opens is not used either, else the variable that uses it says so.
    """
    for name, value in raw.items():
        if name in names or name.startswith("ansible_"):
            continue
        if type(value).__name__ == "EncryptedString":
            with contextlib.suppress(Exception):  # of whatever type the missing password's error is
                yield str(value)[:]
        elif isinstance(value, str) and "{{" not in value and _from_vault(value):
            yield value[:]


def _strings(sealed: Sealed, raw: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> dict[str, frozenset[str]]:
    found = {name: sealed.strings(name, raw[name], value) for name, value in values.items() if name in raw}
    return {name: strings for name, strings in found.items() if strings}


def _unsealed(problems: t.Mapping[str, str], sealed: Sealed) -> dict[str, str]:
    """Why values can't be had, without what a template's error may quote; what was not decrypted is in none."""
    hidden = "its template fails; why is not shown, since it uses what is encrypted"
    return {
        name: hidden if name in sealed.names and "decrypt" not in why.lower() else why for name, why in problems.items()
    }


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


def _why(error: Exception) -> str:
    """What Ansible says of a value that can't be had, on one line."""
    words = " ".join(str(getattr(error, "message", error)).split())
    # Where the recursion was cut off differs from host to host, and says nothing.
    return re.sub("(?<=Recursive loop detected in template): .*", "", words)


def template_each(
    templar: t.Any, names: t.Iterable[str], variables: t.Mapping[str, t.Any]
) -> tuple[dict[str, t.Any], dict[str, str], set[str]]:
    """Template each variable in a try of its own, so that one bad value names itself and the others live.

    :returns: values, problems by variable, and the strings that came encrypted.
    """
    values: dict[str, t.Any] = {}
    problems: dict[str, str] = {}
    secrets: set[str] = set()
    for name in names:
        raw = variables[name]
        try:
            templated = templar.template(raw)
            values[name] = plain(templated)
            secrets.update(vaulted(templated, _from_vault(raw)))
        except Exception as error:  # whatever a user's template raises is a finding, not a traceback
            if type(error).__name__ == "AnsibleValueOmittedError":
                continue
            problems[name] = _why(error)
    return values, problems, secrets


class _Groups:
    """The inventory groups' own values, which hostvars does not show.

    The inventory below hostvars is private to ansible-core; where it has changed, rivals are not seen.

    :param folders: where folders named group_vars are looked for.
    """

    def __init__(self, hostvars: HostVars, variables: t.Collection[str], folders: t.Sequence[str]) -> None:
        self._groups: t.Mapping[str, t.Any] = getattr(getattr(hostvars, "_inventory", None), "groups", {})
        self._loader = getattr(hostvars, "_loader", None)
        self._variables = variables
        self._folders = folders
        self._read: dict[str, GroupValues] = {}
        self._contenders: dict[tuple[str, ...], dict[str, list[GroupValues]]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of every group, also of those without a host."""
        return tuple(str(name)[:] for name in self._groups)

    def _values(self, name: str) -> GroupValues:
        if name not in self._read:
            group = self._groups[name]
            values = dict(group.vars)
            for folder in self._folders:
                values.update(get_vars_from_path(self._loader, folder, [group], "task"))
            own = {variable: values[variable] for variable in self._variables if variable in values}
            ancestors = frozenset(ancestor.name for ancestor in group.get_ancestors())
            self._read[name] = GroupValues(name, ancestors, group.priority, own)
        return self._read[name]

    def rivals(
        self, names: tuple[str, ...], raw: t.Mapping[str, t.Any], templar: t.Any
    ) -> tuple[dict[str, dict[str, t.Any]], set[str]]:
        """The rivals of a host that is in these groups, and what came encrypted; templates as the host reads them."""
        if names not in self._contenders:
            groups = [self._values(name) for name in names if name in self._groups]
            found = {variable: contenders(groups, variable) for variable in self._variables}
            self._contenders[names] = {variable: groups for variable, groups in found.items() if groups}
        rivals: dict[str, dict[str, t.Any]] = {}
        secrets: set[str] = set()
        for variable, groups in self._contenders[names].items():
            # A value of the host's own, a fact or an extra variable counts more than any group's.
            if not any(_is_same(raw[variable], group.values[variable]) for group in groups):
                continue
            each = {group.name: group.values[variable] for group in groups}
            values, _problems, encrypted = template_each(templar, each, each)
            secrets |= encrypted
            if len({str(value) for value in values.values()}) > 1:
                rivals[variable] = values
        return rivals, secrets


def _is_same(one: t.Any, other: t.Any) -> bool:
    """Whether two raw values are from one place of the inventory, or equal where Ansible does not know the places."""
    tags = _tags()
    places = [tags.Origin.get_tag(value) if tags else None for value in (one, other)]
    return bool(one == other if None in places else places[0] == places[1])


def _is_result(value: t.Any) -> bool:
    """Whether a task registered this: hostvars shows that too, and it is no variable of the inventory."""
    return isinstance(value, t.Mapping) and {"changed", "failed"} <= value.keys()


def load(
    hostvars: HostVars,
    templar: t.Any,
    names: t.Collection[str],
    folders: t.Sequence[str] = (),
    exclusive: t.Collection[str] = (),
) -> Snapshot:
    """Every host's variables among ``names``, templated (also of hosts outside --limit).

    :param names: the variables that are looked at; others are never templated.
    :param folders: what relative paths start from.
    :param exclusive: of ``names``, those of which a host has one value: groups that differ in it are rivals.
    """
    scoped = templar.copy_with_new_env(available_variables={})
    memoise_templates(scoped)
    words = tuple({f"{variable.partition('_')[0]}_" for variable in names} - {"ansible_"})
    groups = _Groups(hostvars, exclusive, folders)
    hosts: dict[str, HostVariables] = {}
    raws = {name: hostvars.raw_get(name) for name in hostvars}
    sealed = Sealed(raws.values(), _from_vault)
    for name, raw in raws.items():
        scoped.available_variables = {**raw, "hostvars": hostvars}
        present = [variable for variable in raw if variable in names]
        unknown = [
            variable
            for variable, value in raw.items()
            if variable.startswith(words) and variable not in names and not _is_result(value)
        ]
        values, problems, secrets = template_each(scoped, present, raw)
        secrets.update(vaulted_variables(raw, names))
        origins = {variable: origin for variable in present if (origin := _origin(raw[variable]))}
        # Not every value can carry its origin (true, null); the name can, and nobody overrides a mistyped one.
        origins.update(
            (variable, origin) for variable in unknown if (origin := _origin(raw[variable]) or _origin(variable))
        )
        group_names = tuple(raw.get("group_names", ()))
        rivals, encrypted = groups.rivals(group_names, raw, scoped)
        secrets.update(encrypted)
        hosts[name] = HostVariables(
            name,
            group_names,
            values,
            _unsealed(problems, sealed),
            origins,
            tuple(sorted(secrets)),
            tuple(variable[:] for variable in unknown),
            rivals,
            _strings(sealed, raw, values),
        )
    return Snapshot(hosts, tuple(folders), sealed.whole, groups.names)
