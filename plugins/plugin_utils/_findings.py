# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an inventory, in the form people read: ``ID severity where: what. Do: what to change``."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

# The beginning of an inventory path, as HostVariables.where() makes it.
_HOST = re.compile(r"host ([^\s,:]+)(?=$|,)")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One violation. ``where`` is an inventory path that can be searched for; severity is error or warning."""

    id: str
    severity: str
    where: str
    what: str
    do: str

    def __str__(self) -> str:
        return f"{self.id} {self.severity} {self.where}: {self.what} Do: {self.do}"


def error(rule: str, where: str, what: str, do: str) -> Finding:
    return Finding(rule, "error", where, what, do)


def warning(rule: str, where: str, what: str, do: str) -> Finding:
    return Finding(rule, "warning", where, what, do)


def grouped(findings: t.Iterable[Finding]) -> list[Finding]:
    """One finding for all the hosts that one line of the inventory is wrong for."""
    alike: dict[Finding, list[str]] = {}
    for finding in findings:
        match = _HOST.match(finding.where)
        key = dataclasses.replace(finding, where=finding.where[match.end() :]) if match else finding
        alike.setdefault(key, []).append(match[1] if match else "")
    return [
        dataclasses.replace(key, where=f"host{'s' if len(names) > 1 else ''} {', '.join(names)}{key.where}")
        if names[0]
        else key
        for key, names in alike.items()
    ]


class InventoryError(HAError):
    """The inventory can't be rolled out; every problem at once."""

    def __init__(self, findings: t.Iterable[Finding]) -> None:
        self.findings = list(findings)
        errors = [finding for finding in self.findings if finding.severity == "error"]
        super().__init__(
            f"the inventory has {len(errors)} problem{'s' if len(errors) > 1 else ''}; no host was touched.",
            said="\n".join(str(finding) for finding in errors),
            do="correct what is listed and run again.",
        )
