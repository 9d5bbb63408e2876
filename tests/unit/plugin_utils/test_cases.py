# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For every rule a smallest inventory that breaks it and one that passes: exactly the expected rules are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import LAST_RULES, RULES
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_cases import CASES, RULE_ID, cases, ids, plan


@pytest.mark.parametrize("path", cases("reject"), ids=lambda path: path.stem)
def test_a_broken_inventory_is_told_by_its_rule_alone(path: Path) -> None:
    found = plan(path).findings
    assert {finding.id for finding in found} == ids(path), [str(finding) for finding in found]


@pytest.mark.parametrize("path", cases("accept"), ids=lambda path: path.stem)
def test_a_sound_inventory_has_no_findings(path: Path) -> None:
    assert [str(finding) for finding in plan(path).findings] == []


@pytest.mark.parametrize("kind", ["accept", "reject"])
def test_every_rule_has_a_case_and_every_case_a_rule(kind: str) -> None:
    told = {rule for path in cases(kind) for rule in ids(path)}
    known = {rule.id for rule in RULES} | {rule.id for rule in LAST_RULES}
    assert (sorted(known - told), sorted(told - known)) == ([], [])


@pytest.mark.parametrize("kind", ["accept", "reject"])
def test_no_case_is_overlooked(kind: str) -> None:
    """A file whose name begins otherwise would never be run."""
    assert [path.name for path in (CASES / kind).glob("*.y*ml") if not RULE_ID.match(path.name)] == []
