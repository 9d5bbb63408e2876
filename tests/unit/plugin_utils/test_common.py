# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows that every component has, and what they say."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import COMMON, role_options
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import effective

# The inventory contract (architecture.md 1): names and defaults that users rely on.
CONTRACT: dict[str, t.Any] = {
    "prometheus_ha_environment": "default",
    "prometheus_ha_groups": {},
    "prometheus_ha_replica_label": "replica",
    "prometheus_ha_alert_replica_label": "drop",
    "prometheus_ha_address": None,
    "prometheus_ha_failure_domain": None,
    "prometheus_ha_region": None,
    "prometheus_ha_release_source": "upstream",
    "prometheus_ha_release_fetch": "controller",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_contract(name: str) -> None:
    values, wrong = effective(COMMON, {})
    assert wrong == {}
    assert values[name] == CONTRACT[name]


@pytest.mark.parametrize("value", ["both", ""])
def test_choices(value: str) -> None:
    _values, wrong = effective(COMMON, {"prometheus_ha_alert_replica_label": value})
    assert "drop, keep" in wrong["prometheus_ha_alert_replica_label"]


def test_role_options_carry_the_role_s_prefix_version_and_port() -> None:
    values, _wrong = effective(role_options("thanos_query", version="0.42.3", port=10904), {})
    assert {name.startswith("thanos_query_") for name in values} == {True}
    assert (values["thanos_query_version"], values["thanos_query_port"]) == ("0.42.3", 10904)
    assert values["thanos_query_state"] == "present"
