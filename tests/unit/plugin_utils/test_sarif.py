# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SARIF: what the standard requires, what GitHub requires beyond it, and where a finding is shown."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _sarif
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error, warning
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import RULES

FINDINGS = [
    error("P01", "hosts a, b, variable prometheus_replica (/work/inv/host vars.yml:7)", "twice.", "mend."),
    warning("X03", "host a, variable p (/etc/inv.yml)", "both.", "mend."),
    Finding("P06", "error", "host a", "no mesh.", "name one.", "next week"),
    Finding("Z99", "undecided", "the inventory", "unknown.", "look."),
]


def log(findings: list[Finding]) -> dict[str, t.Any]:
    return _sarif.log(findings, RULES, folder="/work", inventory="inv/hosts.yml")


def results(findings: list[Finding]) -> list[dict[str, t.Any]]:
    found: list[dict[str, t.Any]] = log(findings)["runs"][0]["results"]
    return found


def check(data: dict[str, t.Any]) -> None:
    """The properties that SARIF 2.1.0 and GitHub's code scanning require, by hand: the schema is not within reach.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0 and
    https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
    """
    assert data["version"] == "2.1.0"  # 3.13.2
    assert data["$schema"].endswith("/sarif-schema-2.1.0.json")
    (run,) = data["runs"]  # 3.13.4
    driver = run["tool"]["driver"]  # 3.14.6, 3.18.2
    assert driver["name"]  # 3.19.8
    ids = [rule["id"] for rule in driver["rules"]]  # 3.49.3
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        for name in ("shortDescription", "fullDescription", "help"):  # 3.49.9, 3.12.3; GitHub wants all three
            assert rule[name]["text"].strip()
            assert len(rule[name]["text"]) <= 1024 or name == "help"
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")  # 3.50.3
    for result in run["results"]:
        assert result["message"]["text"].strip()  # 3.27.11
        assert result["level"] in ("none", "note", "warning", "error")  # 3.27.10
        assert result["ruleId"]
        if "ruleIndex" in result:  # 3.27.6
            assert ids[result["ruleIndex"]] == result["ruleId"]
        (location,) = result["locations"]  # GitHub shows one
        physical = location["physicalLocation"]
        # 3.10.1: a valid URI reference, so no blanks and the like.
        assert re.fullmatch(r"[A-Za-z0-9._~:/%@!$&'()*+,;=-]+", physical["artifactLocation"]["uri"])
        assert physical["region"]["startLine"] >= 1  # 3.30.5
        for suppression in result.get("suppressions", []):
            assert suppression["kind"] in ("inSource", "external")  # 3.35.2
            assert suppression["status"] in ("accepted", "underReview", "rejected")  # 3.35.3
            assert suppression["justification"]  # 3.35.4


@pytest.mark.parametrize("findings", [FINDINGS, []], ids=["findings", "none"])
def test_the_structure(findings: list[Finding]) -> None:
    check(log(findings))
    assert len(results(findings)) == len(findings)


def test_every_rule_is_described() -> None:
    rules = {rule["id"]: rule for rule in log([])["runs"][0]["tool"]["driver"]["rules"]}
    for rule in RULES:
        assert rules[rule.id]["shortDescription"]["text"] == rule.sentence
        assert rule.prevents in rules[rule.id]["help"]["text"]
        assert rule.source in rules[rule.id]["help"]["text"]


@pytest.mark.parametrize(
    "number, uri, line",
    [(0, "inv/host%20vars.yml", 7), (1, "file:///etc/inv.yml", 1), (2, "inv/hosts.yml", 1), (3, "inv/hosts.yml", 1)],
)
def test_where_a_finding_is_shown(number: int, uri: str, line: int) -> None:
    place = results(FINDINGS)[number]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (uri, line)


def test_levels_hosts_and_words() -> None:
    found = results(FINDINGS)
    assert [result["level"] for result in found] == ["error", "warning", "error", "warning"]
    assert [place["name"] for place in found[0]["locations"][0]["logicalLocations"]] == ["a", "b"]
    assert "ruleIndex" not in found[3]  # a rule of another catalogue
    assert found[0]["message"]["text"].endswith("(/work/inv/host vars.yml:7): twice. Do: mend.")


def test_what_is_ignored_is_suppressed_with_its_reason() -> None:
    found = results(FINDINGS)
    assert [result.get("suppressions") for result in found if result["ruleId"] != "P06"] == [None, None, None]
    assert found[2]["suppressions"] == [{"kind": "external", "status": "accepted", "justification": "next week"}]


@pytest.mark.parametrize(
    "path, expected",
    [
        ("a/b.yml", "a/b.yml"),
        ("/work/a/b.yml", "a/b.yml"),
        ("/workshop/b.yml", "file:///workshop/b.yml"),
        ("/work", "."),
        ("/a b", "file:///a%20b"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert _sarif.uri(path, str(Path("/work"))) == expected
