# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every role has complete argument specs; those of the components equal the tables in the code."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import ROOT

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
COMPONENTS = {component.kind.name: component for component in _registry.COMPONENTS if component.render is not None}


def options(role: str) -> dict[str, t.Any]:
    text = (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text()
    found: dict[str, t.Any] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return found


@pytest.mark.parametrize("role", ROLES)
def test_every_option_has_a_type_and_a_description(role: str) -> None:
    for name, option in options(role).items():
        assert option["type"], name
        assert option["description"], name
        assert (option["type"] == "list") == ("elements" in option), name


@pytest.mark.parametrize("role", COMPONENTS)
def test_the_specs_are_the_table(role: str) -> None:
    wanted = {}
    for option in COMPONENTS[role].kind.table:
        described = [option.description]
        described += [f"The default is {option.shown_default}."] if option.shown_default else []
        if option.shared:
            described.append("Set it in the inventory, since other hosts' configuration depends on it.")
        wanted[option.name] = {"description": described, **option.argument_spec()}
    assert options(role) == wanted


@pytest.mark.parametrize("role", COMPONENTS)
def test_the_defaults_pass_their_own_specs(role: str) -> None:
    result = ArgumentSpecValidator(options(role)).validate({})
    assert result.error_messages == []


def test_every_component_has_a_role() -> None:
    assert set(COMPONENTS) <= set(ROLES)


@pytest.mark.parametrize("role", COMPONENTS)
def test_roles_are_thin_and_have_no_defaults_of_their_own(role: str) -> None:
    files = {str(path.relative_to(ROOT / "roles" / role)) for path in (ROOT / "roles" / role).rglob("*.yml")}
    assert files == {"meta/argument_specs.yml", "tasks/main.yml"}
