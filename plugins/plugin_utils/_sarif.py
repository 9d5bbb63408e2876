# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings as SARIF 2.1.0, for code scanning (OASIS Standard, sarif-v2.1.0; the numbers below are its sections)."""

from __future__ import annotations

import pathlib
import typing as t
import urllib.parse

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class RuleText(t.Protocol):
    """The part of a rule that is text."""

    @property
    def id(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def prevents(self) -> str: ...
    @property
    def source(self) -> str: ...


def log(findings: t.Sequence[Finding], rules: t.Sequence[RuleText], *, folder: str, inventory: str) -> dict[str, t.Any]:
    """A SARIF log (3.13) of one run.

    :param rules: all that were applied.
    :param folder: what paths are relative to, where they are below it: the checkout, for a code host.
    :param inventory: the file or folder that a finding without a file is shown at; GitHub refuses a result without one.
    """
    index = {rule.id: number for number, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "baremetal.prometheus_ha preflight", "rules": [_rule(rule) for rule in rules]}
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, index, folder, inventory) for finding in findings],
            }
        ],
    }


def _rule(rule: RuleText) -> dict[str, t.Any]:
    """A reportingDescriptor (3.49)."""
    text = f"Prevents: {rule.prevents}\n\nSource: {rule.source}"
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.sentence},
        "fullDescription": {"text": f"{rule.sentence} Prevents: {rule.prevents}"},
        "help": {"text": text},
        "defaultConfiguration": {"level": _level(rule.severity)},
    }


def _level(severity: str) -> str:
    """The level of 3.27.10."""
    return "error" if severity == "error" else "warning"


def _result(finding: Finding, index: t.Mapping[str, int], folder: str, inventory: str) -> dict[str, t.Any]:
    """A result (3.27)."""
    place = finding.place
    location: dict[str, t.Any] = {"artifactLocation": {"uri": uri(place.file or inventory, folder)}}
    location["region"] = {"startLine": place.line or 1}
    result: dict[str, t.Any] = {
        "ruleId": finding.id,
        "level": _level(finding.severity),
        "message": {"text": f"{finding.where}: {finding.what} Do: {finding.do}"},
        "locations": [
            {
                "physicalLocation": location,
                "logicalLocations": [{"name": host, "kind": "host"} for host in place.hosts],
            }
        ],
    }
    if finding.id in index:
        result["ruleIndex"] = index[finding.id]
    if finding.ignored:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": finding.ignored}]
    return result


def uri(path: str, folder: str) -> str:
    """A path as a URI reference (3.10): relative where it is below the folder."""
    absolute = pathlib.Path(folder, path)
    try:
        return urllib.parse.quote(absolute.relative_to(folder).as_posix())
    except ValueError:
        return absolute.as_uri()
