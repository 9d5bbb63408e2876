# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JUnit: errors fail, warnings pass and are told, what is ignored is skipped, every rule is a case."""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _junit
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error, warning
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import RULES

FINDINGS = [
    error("P01", "hosts a, b, variable prometheus_replica (/work/inv/hosts.yml:7)", "twice <&>.", "mend."),
    error("P01", "host c, variable x (/workshop/hosts.yml:1)", "again.", "mend."),
    warning("X03", "host a", "both.", "mend."),
    Finding("P06", "error", "host a", "no mesh.", "name one.", "next week"),
]


def suite(findings: t.Sequence[Finding]) -> ElementTree.Element:
    root = ElementTree.fromstring(_junit.xml(findings, RULES, folder="/work"))
    assert root.tag == "testsuites"
    (found,) = root
    assert root.attrib == {key: value for key, value in found.attrib.items() if key != "name"}
    return found


def test_a_case_a_finding_and_a_case_a_rule_that_found_nothing() -> None:
    found = suite(FINDINGS)
    others = {rule.id for rule in RULES} - {"P01", "X03", "P06"}
    names = [case.attrib["classname"].rpartition(".")[2] for case in found]
    assert set(names[: len(others)]) == others
    assert names[len(others) :] == ["P01", "P01", "X03", "P06"]
    assert not any(len(case) for case in list(found)[: len(others)])
    assert (found.attrib["tests"], found.attrib["failures"], found.attrib["skipped"]) == (str(len(names)), "2", "1")


def test_what_a_finding_becomes() -> None:
    first, second, third, fourth = list(suite(FINDINGS))[-4:]
    assert [child.tag for case in (first, third, fourth) for child in case] == ["failure", "system-out", "skipped"]
    assert first.attrib["name"] == "P01 hosts a, b, variable prometheus_replica (/work/inv/hosts.yml:7)"
    assert first.attrib["file"] == "inv/hosts.yml"
    assert second.attrib["file"] == "/workshop/hosts.yml"
    assert first[0].attrib == {"message": "twice <&>.", "type": "P01"}
    assert first[0].text == str(FINDINGS[0])
    assert third[0].text == str(FINDINGS[2])
    assert fourth[0].attrib["message"] == "next week"
    assert "file" not in third.attrib


def test_nothing_found() -> None:
    found = suite([])
    assert len(found) == len({rule.id for rule in RULES})
    assert found.attrib["failures"] == found.attrib["skipped"] == "0"


@pytest.mark.parametrize("bad", ["\x00", "\x1b[0m", "\ud800", "\uffff", "\x08"])
def test_what_xml_cannot_hold_is_replaced(bad: str) -> None:
    (case,) = list(suite([error("P01", f"host {bad}a", f"it is {bad}.", "mend.")]))[-1:]
    assert case[0].attrib["message"].startswith("it is \ufffd")


def test_other_scripts_and_line_ends_stay() -> None:
    (case,) = list(suite([error("P01", "host ü", "日本\n𝄞.", "mend.")]))[-1:]
    assert "日本\n𝄞." in str(case[0].text)
