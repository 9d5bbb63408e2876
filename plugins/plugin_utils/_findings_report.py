# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight's report for programs: JSON, SARIF or JUnit, written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _junit, _output, _sarif
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import (
    LAST_RULES,
    LIVE_RULES,
    RULES,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import Summary

# The version of the JSON form; a field that is renamed or removed makes another one, a field that is added does not.
VERSION = 1
FORMATS = ("json", "sarif", "junit")
_BY_EXTENSION = {".sarif": "sarif", ".xml": "junit", ".junit": "junit"}


@dataclasses.dataclass(frozen=True)
class Report:
    """What is reported.

    :param folder: the working directory that the run was started in; relative paths start from there.
    :param inventory: the first source of the inventory.
    :param live: hosts were asked, too.
    """

    findings: t.Sequence[Finding]
    summary: Summary
    notes: t.Sequence[str]
    folder: str
    inventory: str
    live: bool = False

    def text(self, form: str) -> str:
        """:param form: json, sarif or junit."""
        if form == "junit":
            return _junit.xml(self.findings, self._rules(), folder=self.folder)
        if form == "sarif":
            data = _sarif.log(self.findings, self._rules(), folder=self.folder, inventory=self.inventory)
        else:
            data = self._json()
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    def _json(self) -> dict[str, t.Any]:
        return {
            "version": VERSION,
            "summary": {**dataclasses.asdict(self.summary), "passed": not self.summary.errors},
            "notes": list(self.notes),
            "findings": [_fields(finding) for finding in self.findings],
        }

    def _rules(self) -> list[_sarif.RuleText]:
        """The rules that were applied, each id once: one may look at the inventory and at hosts."""
        rules: tuple[_sarif.RuleText, ...] = (*RULES, *LAST_RULES, *(LIVE_RULES if self.live else ()))
        return list({rule.id: rule for rule in reversed(rules)}.values())[::-1]

    def write(self, path: str, form: str | None = None) -> pathlib.Path:
        """Write the report. :raises HAError: when it can't be.

        :param path: a relative one starts from the folder.
        :param form: None: by the path's extension.
        :returns: the file.
        """
        text = self.text(form or _BY_EXTENSION.get(pathlib.Path(path).suffix, "json"))
        return _output.write(path, text, folder=self.folder, what="report", where="prometheus_ha_preflight_report")


def inventory_of(task_vars: t.Mapping[str, t.Any]) -> str:
    """The first source of the inventory that is a file or folder, else the working directory."""
    sources = (str(source) for source in task_vars.get("ansible_inventory_sources") or ())
    return next((source for source in sources if pathlib.Path(source).exists()), ".")


def _fields(finding: Finding) -> dict[str, t.Any]:
    place = finding.place
    return {
        "id": finding.id,
        "severity": finding.severity,
        "where": finding.where,
        "hosts": list(place.hosts),
        "variable": place.variable or None,
        "file": place.file or None,
        "line": place.line,
        "what": finding.what,
        "do": finding.do,
        "ignored": finding.ignored or None,
    }
