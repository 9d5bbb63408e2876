# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``preflight`` has no code on hosts: its action does the work, and the documentation fits it."""

from __future__ import annotations

import ast
import dataclasses

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.action.preflight import ARGUMENTS
from ansible_collections.baremetal.prometheus_ha.plugins.modules import preflight
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import Summary
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import ROOT


def test_it_is_documentation_alone() -> None:
    tree = ast.parse((ROOT / "plugins/modules/preflight.py").read_text())
    assert all(isinstance(node, (ast.Assign, ast.ImportFrom)) for node in tree.body)


def test_the_options_are_those_of_the_action() -> None:
    options = yaml.safe_load(preflight.DOCUMENTATION)["options"]
    documented = {
        name: {key: spec[key] for key in ("type", "choices") if key in spec} for name, spec in options.items()
    }
    assert documented == ARGUMENTS


def test_what_is_documented_is_what_the_action_returns() -> None:
    returned = yaml.safe_load(preflight.RETURN)
    assert returned.keys() == {"summary", "report"}
    assert returned["summary"]["contains"].keys() == {field.name for field in dataclasses.fields(Summary)}
