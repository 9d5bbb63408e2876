# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables that hold something encrypted, also by way of templates: what findings say of them quotes no value.

A template that changes an encrypted value (lower, from_json, a slice) loses Ansible's tag, so that nothing tells the
result from any other text. What can be told is that the template names an encrypted variable.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._diff import MASK

if t.TYPE_CHECKING:
    from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding

_WORD = re.compile(r"[A-Za-z_]\w*")
# These hold what all other variables say, or what Ansible itself knows.
_NOT_READ = ("groups", "hostvars", "vars", "omit")
# What findings quote; an apostrophe within a word is none.
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`)(?!\w)""", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w-])-?\d[\w.]*")
# Shorter ones are parts of any text, so these count only where they are all of a value.
_FRAGMENT = 4


class _Part(t.NamedTuple):
    """What a raw value says of itself: whether any of it is encrypted, and the words of its templates."""

    encrypted: bool
    words: frozenset[str]


def _is_encrypted(value: t.Any) -> bool:
    return type(value).__name__ == "EncryptedString"


def _is_template(value: t.Any) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


class Sealed:
    """Which variables of an inventory are encrypted or refer to what is, on any of its hosts.

    :param raws: the raw variables of each host.
    :param from_vault: whether a value, or a variable's name, is from a file that is encrypted as a whole.
    """

    def __init__(self, raws: t.Iterable[t.Mapping[str, t.Any]], from_vault: t.Callable[[t.Any], t.Any]) -> None:
        # Hosts share their groups' values, so each is read once; kept, since the key is where it lies.
        self._parts: dict[int, tuple[t.Any, _Part]] = {}
        self._from_vault = from_vault
        words: dict[str, set[str]] = {}
        found: set[str] = set()
        single: set[str] = set()
        for raw in raws:
            for name, value in raw.items():
                if name in _NOT_READ or (name.startswith("ansible_") and isinstance(value, (t.Mapping, list))):
                    continue
                part = self._part(value)
                whole = self._is_whole(name, value)
                if whole or isinstance(value, str):
                    single.add(name)
                if part.encrypted or whole:
                    found.add(name)
                if part.words:
                    words.setdefault(name, set()).update(part.words)
        self._open: dict[str, set[str]] = words
        self.names = self._closure(found)
        self.whole = frozenset(self.names & single)

    def _closure(self, found: set[str]) -> frozenset[str]:
        users: dict[str, list[str]] = {}
        for name, mentioned in self._open.items():
            for word in mentioned:
                users.setdefault(word, []).append(name)
        todo = list(found)
        while todo:
            new = set(users.get(todo.pop(), ())) - found
            found |= new
            todo += new
        return frozenset(found)

    def _is_whole(self, name: str, value: t.Any) -> bool:
        return bool(_is_encrypted(value) or self._from_vault(value) or self._from_vault(name))

    def _part(self, value: t.Any) -> _Part:
        known = self._parts.get(id(value))
        if known is None:
            known = self._parts[id(value)] = (value, self._read(value))
        return known[1]

    def _read(self, value: t.Any) -> _Part:
        if _is_template(value):
            return _Part(False, frozenset(_WORD.findall(value)))
        if isinstance(value, (t.Mapping, list, tuple)):
            inner = [self._part(item) for item in (value.values() if isinstance(value, t.Mapping) else value)]
            return _Part(any(part.encrypted for part in inner), frozenset().union(*(part.words for part in inner)))
        return _Part(_is_encrypted(value), frozenset())

    def strings(self, name: str, raw: t.Any, value: t.Any) -> frozenset[str]:
        """What came encrypted, or may have, in a variable's rendered value."""
        if name not in self.names:
            return frozenset()
        return frozenset(_leaves(value) if self._is_whole(name, raw) else self._secret(raw, value))

    def _secret(self, raw: t.Any, value: t.Any) -> t.Iterator[str]:
        part = self._part(raw)
        if not (part.encrypted or part.words & self.names):
            return
        if isinstance(raw, t.Mapping) and isinstance(value, t.Mapping) and len(raw) == len(value):
            for one, other in zip(raw.values(), value.values()):
                yield from self._secret(one, other)
        elif isinstance(raw, (list, tuple)) and isinstance(value, list) and len(raw) == len(value):
            for one, other in zip(raw, value):
                yield from self._secret(one, other)
        else:
            yield from _leaves(value)


def _leaves(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def unsaid(
    findings: t.Iterable[Finding], whole: t.Collection[str], strings: t.Mapping[str, t.Collection[str]]
) -> list[Finding]:
    """The findings without any value of the variables that they are about, where these are sealed.

    :param whole: variables of which nothing at all is quoted.
    :param strings: by variable, what in it is secret, of all hosts: a finding can quote another host's value.
    """
    masks: dict[str, t.Callable[[str], str]] = {}
    told: list[Finding] = []
    for finding in findings:
        variable = finding.place.variable
        if variable not in whole and variable not in strings:
            told.append(finding)
            continue
        if variable not in masks:
            masks[variable] = _fragments(strings.get(variable, ()))
        what, do = finding.what, finding.do
        if variable in whole:
            what, do = _NUMBER.sub(MASK, _QUOTED.sub(MASK, what)), _QUOTED.sub(MASK, do)
        told.append(dataclasses.replace(finding, what=masks[variable](what), do=masks[variable](do)))
    return told


def _fragments(strings: t.Collection[str]) -> t.Callable[[str], str]:
    """Masks the words of a text that are part of these strings, however they are spelt."""
    whole = {text.lower() for text in strings}
    together = "\n".join(whole)

    def masked(match: re.Match[str]) -> str:
        word = match[0].lower()
        return MASK if word in whole or (len(word) >= _FRAGMENT and word in together) else match[0]

    return lambda text: re.sub(r"\w+", masked, text)
