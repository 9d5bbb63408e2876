# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory says of the findings about it: ignored for a reason, or warnings that stop a run as errors do."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import COMMON
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables, Snapshot
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import effective

VARIABLE = "prometheus_ha_preflight_ignore"
_OPTIONS = tuple(option for option in COMMON if option.name in (VARIABLE, "prometheus_ha_strict"))
# What these say of a variable leaves nothing that could be rolled out.
UNUSABLE = ("I01", "I02", "I03")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of a host's prometheus_ha_preflight_ignore. ``hosts``: those it is for; None: each that has it."""

    holder: HostVariables
    data: t.Mapping[str, t.Any]

    @property
    def where(self) -> str:
        return self.holder.where(VARIABLE)

    @property
    def id(self) -> str:
        return str(self.data.get("id") or "").strip()

    @property
    def reason(self) -> str:
        return " ".join(str(self.data.get("reason") or "").split())

    @property
    def hosts(self) -> tuple[str, ...] | None:
        given = self.data.get("hosts")
        if given is None:
            return None
        return tuple(map(str, given)) if isinstance(given, list) else (str(given),)

    @property
    def silences(self) -> bool:
        """Whether it is complete, of a rule that can be ignored, and for its holder."""
        meant = self.hosts is None or self.holder.name in self.hosts
        return bool(meant and self.reason and self.id not in UNUSABLE)

    @property
    def key(self) -> str:
        """The same for all hosts that have it from one place of the inventory."""
        return json.dumps([self.holder.origins.get(VARIABLE), self.data], sort_keys=True, default=str)


@dataclasses.dataclass(frozen=True)
class Consents:
    """What all hosts say, by host.

    :param strict: the hosts whose warnings are errors.
    """

    entries: tuple[Entry, ...]
    strict: frozenset[str]
    hosts: frozenset[str]
    _used: set[tuple[str, str]] = dataclasses.field(default_factory=set, repr=False)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Consents:
        """Of every host of the inventory; a value of the wrong type counts for nothing (I02 tells it)."""
        entries: list[Entry] = []
        strict: set[str] = set()
        for host in snapshot.hosts.values():
            if not any(option.name in host.values for option in _OPTIONS):
                continue
            options, _wrong = effective(_OPTIONS, host.values)
            entries += [Entry(host, data) for data in options[VARIABLE]]
            if options["prometheus_ha_strict"]:
                strict.add(host.name)
        return cls(tuple(entries), frozenset(strict), frozenset(snapshot.hosts))

    def judge(self, findings: t.Iterable[Finding]) -> list[Finding]:
        """The findings, of each host by itself, as its consents make them."""
        reasons: dict[tuple[str, str], str] = {}
        for entry in filter(lambda entry: entry.silences, self.entries):
            reasons.setdefault((entry.holder.name, entry.id), entry.reason)
            if entry.hosts is None:
                reasons.setdefault(("", entry.id), entry.reason)  # of what is about no single host
        judged: list[Finding] = []
        for finding in findings:
            for host, alone in finding.by_host():
                reason = reasons.get((host, finding.id), "")
                if reason:
                    self._used.add((host, finding.id))
                    alone = dataclasses.replace(alone, ignored=reason)
                elif finding.severity != "error" and (host in self.strict if host else self.strict):
                    alone = dataclasses.replace(alone, severity="error")
                judged.append(alone)
        return judged

    def remember(self, judged: t.Iterable[Finding]) -> None:
        """Findings that these consents have judged before, perhaps in another process."""
        self._used.update(
            (host, finding.id) for finding in judged if finding.ignored for host, _alone in finding.by_host()
        )

    def unused(self) -> list[Entry]:
        """The entries that silenced nothing on any of the hosts that have them, so far."""
        used = {
            entry.key
            for entry in self.entries
            if (entry.holder.name, entry.id) in self._used or (entry.hosts is None and ("", entry.id) in self._used)
        }
        return [entry for entry in self.entries if entry.key not in used]
