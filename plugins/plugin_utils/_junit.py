# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings as JUnit XML, as CI servers read it: each finding a test case, and each rule that found nothing."""

from __future__ import annotations

import pathlib
import re
import typing as t
from xml.etree import ElementTree

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._sarif import RuleText

SUITE = "baremetal.prometheus_ha.preflight"
# What XML 1.0 can't hold, not even escaped (production 2, Char).
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(findings: t.Sequence[Finding], rules: t.Sequence[RuleText], *, folder: str) -> str:
    """A JUnit file. An error fails, a warning is in the output of a case that passes, what is ignored is skipped.

    :param rules: all that were applied.
    :param folder: what files are named relative to, where they are below it.
    """
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name=SUITE)
    found = {finding.id for finding in findings}
    for rule in rules:
        if rule.id not in found:
            _case(suite, rule.id, rule.sentence)
    for finding in findings:
        case = _case(suite, finding.id, finding.where, _below(finding.place.file, folder))
        text = _clean(f"{finding.what} Do: {finding.do}")
        if finding.ignored:
            ElementTree.SubElement(case, "skipped", message=_clean(finding.ignored)).text = text
        elif finding.stops:
            ElementTree.SubElement(case, "failure", message=_clean(finding.what), type=finding.id).text = _clean(
                str(finding)
            )
        else:
            ElementTree.SubElement(case, "system-out").text = _clean(str(finding))
    counts = {
        "tests": len(suite),
        "failures": sum(finding.stops for finding in findings),
        "errors": 0,
        "skipped": sum(bool(finding.ignored) for finding in findings),
    }
    for element in (root, suite):
        element.attrib.update({name: str(count) for name, count in counts.items()})
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, rule: str, name: str, file: str = "") -> ElementTree.Element:
    case = ElementTree.SubElement(suite, "testcase", classname=f"{SUITE}.{rule}", name=_clean(f"{rule} {name}"))
    if file:
        case.set("file", _clean(file))
    return case


def _below(file: str, folder: str) -> str:
    path = pathlib.PurePath(file)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else file


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
