# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a host's failure is blamed on."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import SliceAction, blame

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


ORIGIN = "/inv/group_vars/all.yml:3"


@pytest.mark.parametrize(
    ("failure", "variables"),
    [
        ({"component": "alertmanager", "option": "host_ip_towards"}, ["alertmanager_cluster_advertise_address"]),
        ({"component": "alertmanager", "option": "checksum"}, ["alertmanager_checksum"]),
        ({"component": "prometheus", "option": "version"}, [f"prometheus_version ({ORIGIN})"]),
        ({"component": "prometheus"}, None),
    ],
)
def test_an_option_is_blamed_by_the_variable_behind_it(failure: dict[str, t.Any], variables: list[str] | None) -> None:
    slices = [
        {"name": name, "config": {}, "origins": {f"{name}_version": ORIGIN}} for name in ("prometheus", "alertmanager")
    ]
    result = {"msg": "it is refused.", **failure}
    blame(result, "eu-1", slices)
    assert result.get("variables") == variables
    assert "option" not in result


def test_a_plan_without_sources_can_fail_too() -> None:
    result: dict[str, t.Any] = {"msg": "/etc/x/a.yml: refused", "component": "x"}
    blame(result, "h", [{"name": "x", "release": {}, "config": {"root": "/etc/x", "files": [{"path": "a.yml"}]}}])
    assert result["msg"] == "host h: /etc/x/a.yml: refused"


@pytest.mark.parametrize(
    ("result", "explained"),
    [
        pytest.param({"msg": "The module interpreter '/usr/bin/python3' was not found.", "rc": 127}, True, id="none"),
        pytest.param(
            {"msg": "ansible-core requires a minimum of Python version 3.8. Current version: 3.6.9"}, True, id="too old"
        ),
        pytest.param({"msg": "x", "module_stderr": "/bin/sh: 1: python: not found"}, True, id="shell"),
        pytest.param({"msg": "the unit died\n  | /opt/x: bad interpreter: No such file"}, False, id="words of a log"),
        pytest.param({"msg": "promtool refuses the new files"}, False, id="another failure"),
    ],
)
def test_a_host_without_python(result: dict[str, t.Any], explained: bool) -> None:
    SliceAction._explain_python(result, {"inventory_hostname": "eu-1"})
    assert result["msg"].startswith("host eu-1, variable ansible_python_interpreter: there is no usable") is explained
    assert ("Nothing was changed" in result["msg"]) is explained
