# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry and the tables in it: names, defaults and ports that do not collide."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _common, _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components._base import Component
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option, effective
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import ROOT, topology
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import hosts as inventory

TABLES = {
    "prometheus_ha": _common.COMMON,
    "thanos": _thanos.TABLE,
    **{component.kind.name: component.kind.options for component in _registry.COMPONENTS},
}
# What makes a host run everything that its groups hold.
ENABLED: dict[str, t.Any] = {kind.enabled_by: True for kind in _registry.KINDS if kind.enabled_by is not None}


@pytest.mark.parametrize("name", TABLES)
def test_names(name: str) -> None:
    names = [option.name for option in TABLES[name]]
    assert len(names) == len(set(names))
    assert all(option.startswith(f"{name}_") for option in names)


def test_no_variable_is_in_two_tables() -> None:
    names = [option.name for table in TABLES.values() for option in table]
    assert len(names) == len(set(names))
    assert set(names) | {"ansible_host"} == _registry.NAMES


@pytest.mark.parametrize("option", [row for table in TABLES.values() for row in table], ids=lambda row: row.name)
def test_every_row_is_documented_and_its_default_is_of_its_type(option: Option) -> None:
    assert option.description.rstrip().endswith((".", ")"))
    given = {} if option.default is None else {option.name: option.default}
    values, wrong = effective((option,), given)
    assert wrong == {}
    assert values[option.name] == option.default
    assert not (option.default is not None and option.shown_default)


ROLLED_OUT = [component for component in _registry.COMPONENTS if component.render is not None]


@pytest.mark.parametrize("component", ROLLED_OUT, ids=lambda component: component.kind.name)
def test_what_a_component_brings(component: Component) -> None:
    kind = component.kind
    names = {option.name for option in kind.options}
    needed = {"state", "port", "start_timeout", "unit_options"}
    all_names = {option.name for option in kind.table}
    if component.package is None:  # the distribution's have no version, and keep no data
        needed |= {"listen_address", "extra_args"}
        assert {f"{kind.release or kind.name}_{name}" for name in ("version", "checksum")} <= all_names
    assert {f"{kind.name}_{name}" for name in needed} <= names
    assert kind.cohort_variable is None or kind.cohort_variable in all_names
    assert (ROOT / "roles" / kind.name / "tasks" / "main.yml").is_file()


def test_any_components_can_share_a_host() -> None:
    groups = [component.kind.groups[0].name for component in _registry.COMPONENTS]
    instances = topology(inventory("a", groups=groups, **ENABLED)).instances
    assert {instance.kind.name for instance in instances} == {kind.name for kind in _registry.KINDS}
    ports = [
        (port, protocol)
        for instance in instances
        for port, protocol, _address, _variable in _registry.component(instance.kind.name).ports(instance)
    ]
    assert len(ports) == len(set(ports))


def test_the_ports_name_their_variables() -> None:
    for component in _registry.COMPONENTS:
        instances = topology(inventory("a", groups=[component.kind.groups[0].name], **ENABLED)).of(component.kind.name)
        instance = instances[0]
        for port, _protocol, _address, variable in component.ports(instance):
            assert instance.options[variable] == port
