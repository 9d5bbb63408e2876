# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an inventory, in the form people read: ``ID severity where: what. Do: what to change``."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
import re
import traceback
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._diff import MASK
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._secrets import spellings

# An inventory path, as HostVariables.where() and grouped() make it.
_PLACE = re.compile(
    r"hosts? (?P<hosts>(?:(?!, variable ).)+)(?P<rest>(?:, variable (?P<variable>\S+)(?: \((?P<origin>.+)\))?.*)?)"
)
# More hosts are counted where people read.
_MOST_NAMES = 10


class Place(t.NamedTuple):
    """An inventory path as data.

    :param rest: the text after the hosts.
    :param file: and ``line`` where Ansible knows them.
    """

    hosts: tuple[str, ...] = ()
    rest: str = ""
    variable: str = ""
    file: str = ""
    line: int | None = None


@dataclasses.dataclass(frozen=True)
class Finding:
    """One violation.

    :param severity: error, warning, or undecided: a rule that could not be applied, which is told as a warning is.
    :param where: an inventory path that can be searched for.
    :param ignored: the inventory's reason to ignore it; such a finding stops nothing.
    """

    id: str
    severity: str
    where: str
    what: str
    do: str
    ignored: str = ""

    @functools.cached_property
    def place(self) -> Place:
        """``where`` as data; a text of another shape names no host."""
        match = _PLACE.fullmatch(self.where)
        if match is None:
            return Place(rest=self.where)
        file, _colon, line = (match["origin"] or "").rpartition(":")
        if not line.isdigit():
            file, line = match["origin"] or "", ""
        names = tuple(match["hosts"].split(", "))
        return Place(names, match["rest"], match["variable"] or "", file, int(line) if line else None)

    @property
    def stops(self) -> bool:
        return self.severity == "error" and not self.ignored

    def by_host(self) -> t.Iterator[tuple[str, Finding]]:
        """Each of its hosts, with the finding about that host alone; "" where it is about none."""
        if len(self.place.hosts) < 2:
            yield "".join(self.place.hosts), self
            return
        for host in self.place.hosts:
            yield host, dataclasses.replace(self, where=f"host {host}{self.place.rest}")

    def __str__(self) -> str:
        where, hosts = self.where, self.place.hosts
        if len(hosts) > _MOST_NAMES:
            more = len(hosts) - _MOST_NAMES
            where = f"hosts {', '.join(hosts[:_MOST_NAMES])} and {more} more{self.place.rest}"
        ignored = f" Ignored: {self.ignored}" if self.ignored else ""
        return f"{self.id} {self.severity} {where}: {self.what} Do: {self.do}{ignored}"


def error(rule: str, where: str, what: str, do: str) -> Finding:
    return Finding(rule, "error", where, what, do)


def warning(rule: str, where: str, what: str, do: str) -> Finding:
    return Finding(rule, "warning", where, what, do)


# By these words tests tell a defect from a violation.
DEFECT = "a defect of the collection"


def defect(rule: str, where: str, work: str, problem: Exception) -> Finding:
    """What stands in for the findings of a rule, or the slice of a host, that broke on the inventory.

    Of the exception only type and line of code are told: its words may quote a value, and values may be secret.

    :param work: what was being done.
    """
    frames = traceback.extract_tb(problem.__traceback__)
    place = f" in {pathlib.PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    what = f"{work} ended with {type(problem).__name__}{place}: {DEFECT}. All other findings stand."
    return error(rule, where, what, "report it, with the part of this inventory that it is about.")


def grouped(findings: t.Iterable[Finding]) -> list[Finding]:
    """One finding for all the hosts that one line of the inventory is wrong for."""
    alike: dict[Finding, dict[str, None]] = {}
    for finding in findings:
        for host, alone in finding.by_host():
            alike.setdefault(dataclasses.replace(alone, where=alone.place.rest), {})[host] = None
    return [
        dataclasses.replace(key, where=f"host{'s' if len(names) > 1 else ''} {', '.join(names)}{key.where}")
        if any(names)
        else key
        for key, names in alike.items()
    ]


def ordered(findings: t.Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then what is ignored; among these as they came."""
    return sorted(findings, key=lambda finding: (bool(finding.ignored), finding.severity != "error"))


def masked(findings: t.Sequence[Finding], secrets: t.Iterable[str], words: t.Iterable[str] = ()) -> list[Finding]:
    """The findings without what came encrypted: a value that is wrong is quoted, and may be such a one.

    :param secrets: plain; they are looked for as YAML, JSON and Python spell them.
    :param words: what may be secret, and as likely is not: as part of a longer word it stays.
    """
    if not findings:
        return []
    everything = "\n".join(f"{finding.what}\n{finding.do}\n{finding.ignored}" for finding in findings)
    # Few of an inventory's secrets are in its findings, so they are looked for in all at once.
    shown = {text: rf"(?<!\w){re.escape(text)}(?!\w)" for text in _spelled(words) if text in everything}
    shown.update({text: re.escape(text) for text in _spelled(secrets) if text in everything})
    if not shown:
        return list(findings)
    pattern = re.compile("|".join(shown[text] for text in sorted(shown, key=len, reverse=True)))
    return [
        dataclasses.replace(
            finding, **{name: pattern.sub(MASK, getattr(finding, name)) for name in ("what", "do", "ignored")}
        )
        for finding in findings
    ]


def _spelled(secrets: t.Iterable[str]) -> set[str]:
    return {text for secret in set(secrets) for text in (*spellings(secret), *_quoted(secret))}


def _quoted(secret: str) -> t.Iterator[str]:
    """As repr() and JSON write it; what is too short to be told from other words is left out, as in spellings()."""
    if spellings(secret):
        yield from (repr(secret)[1:-1], json.dumps(secret)[1:-1])


class InventoryError(HAError):
    """The inventory can't be rolled out. The findings themselves are told apart from it, once a run."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"the inventory has {count} problem{'s' if count > 1 else ''}; no host was touched.",
            do="correct what is listed above and run again.",
        )
