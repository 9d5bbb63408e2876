# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules ``roll`` and ``gate`` have no code on hosts: their actions do the work, and the documentation fits it."""

from __future__ import annotations

import ast
import typing as t

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.action import component as component_action
from ansible_collections.baremetal.prometheus_ha.plugins.action import gate as gate_action
from ansible_collections.baremetal.prometheus_ha.plugins.action import roll as roll_action
from ansible_collections.baremetal.prometheus_ha.plugins.modules import component, gate, roll
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import ROOT

DOCUMENTED = ("type", "choices", "default", "required", "elements")


@pytest.mark.parametrize("name", ["roll", "gate"])
def test_it_is_documentation_alone(name: str) -> None:
    tree = ast.parse((ROOT / f"plugins/modules/{name}.py").read_text())
    assert all(isinstance(node, (ast.Assign, ast.ImportFrom)) for node in tree.body)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        pytest.param(roll, roll_action.ARGUMENTS, id="roll"),
        pytest.param(gate, gate_action.ARGUMENTS, id="gate"),
        pytest.param(component, component_action.ARGUMENTS, id="component"),
    ],
)
def test_the_options_are_those_of_the_action(module: t.Any, arguments: dict[str, t.Any]) -> None:
    options = yaml.safe_load(module.DOCUMENTATION)["options"]
    documented = {name: {key: spec[key] for key in DOCUMENTED if key in spec} for name, spec in options.items()}
    assert documented == arguments


def test_the_states_are_those_of_the_module() -> None:
    assert component.ARGUMENT_SPEC["state"]["choices"] == component_action.ARGUMENTS["state"]["choices"]
