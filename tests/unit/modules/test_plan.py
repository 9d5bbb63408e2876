# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``plan`` has no code on hosts: its action does the work, and the documentation fits it."""

from __future__ import annotations

import ast

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.modules import plan
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import ROOT


def test_it_is_documentation_alone() -> None:
    tree = ast.parse((ROOT / "plugins/modules/plan.py").read_text())
    assert all(isinstance(node, (ast.Assign, ast.ImportFrom)) for node in tree.body)
    assert (ROOT / "plugins/action/plan.py").is_file()


def test_what_is_documented_is_what_the_action_returns() -> None:
    assert yaml.safe_load(plan.RETURN).keys() == {"members", "report", "files", "clients"}
    assert yaml.safe_load(plan.DOCUMENTATION)["attributes"]["check_mode"]["support"] == "full"
