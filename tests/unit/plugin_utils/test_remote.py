# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a host's failure is blamed on."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import blame

CONFIG = {
    "root": "/etc/prometheus",
    "files": [
        {"path": "prometheus.yml", "source": "prometheus_scrape_configs"},
        {"path": "rules/inline.yml", "source": "prometheus_rules"},
    ],
}
# The words of promtool 3.5.3 and amtool 0.28.1.
RULE = """promtool refuses the new files (exit code 1); nothing was changed.
  | FAILED:
  | /etc/prometheus/rules/inline.yml: 6:15: group "lab", rule 1, "InstanceDown": could not parse expression
  | Checking /etc/prometheus/prometheus.yml
  |   SUCCESS: 2 rule files found
  |  SUCCESS: /etc/prometheus/prometheus.yml is valid prometheus config file syntax
  | Checking /etc/prometheus/rules/inline.yml"""
LOOKED_AT = "Checking '/etc/prometheus/prometheus.yml'  FAILED: undefined receiver"


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (RULE, ["prometheus_rules"]),
        (LOOKED_AT, ["prometheus_scrape_configs"]),
        ("no route to the host", None),
    ],
)
def test_only_what_was_refused_is_blamed(words: str, variables: list[str] | None) -> None:
    result: dict[str, t.Any] = {"msg": words, "component": "prometheus"}
    blame(result, "eu-1", [{"name": "prometheus", "config": CONFIG}, {"name": "alertmanager", "config": CONFIG}])
    assert result.get("variables") == variables
    assert result["msg"].startswith(f"host eu-1, variable {variables[0]}: " if variables else "host eu-1: ")
