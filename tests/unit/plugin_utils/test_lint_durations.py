# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""I07: durations are durations, wherever they stand."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.durations import VARIABLES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._registry import KINDS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    alertmanager,
    hosts,
    plan,
    prometheus,
)


def told(**values: t.Any) -> list[str]:
    found = plan(prometheus("p", **values), alertmanager("am", **values)).findings
    return [str(finding) for finding in found if finding.id == "I07"]


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("value", ["soon", "30", "1h 30m"])
def test_each_variable_is_read(variable: str, value: str) -> None:
    kind = next(kind for kind in KINDS if variable in {option.name for option in kind.options})
    given: dict[str, t.Any] = {variable: value, **({kind.enabled_by: True} if kind.enabled_by else {})}
    found = plan(hosts("h", groups=[kind.groups[0].name], **given)).findings
    wanted = f"I07 error host h, variable {variable}: {variable}: {value!r} is "
    assert [str(finding).startswith(wanted) for finding in found if finding.id == "I07"] == [True]


@pytest.mark.parametrize(
    "values, path",
    [
        ({"prometheus_scrape_configs": [{"scrape_interval": "1.5m"}]}, "prometheus_scrape_configs[0].scrape_interval"),
        (
            {"prometheus_scrape_configs": [{"file_sd_configs": [{"refresh_interval": 30}]}]},
            "prometheus_scrape_configs[0].file_sd_configs[0].refresh_interval",
        ),
        ({"prometheus_rules": [{"name": "g", "interval": "x"}]}, "prometheus_rules[0].interval"),
        ({"prometheus_rules": [{"rules": [{"alert": "A", "for": "5"}]}]}, "prometheus_rules[0].rules[0].for"),
        ({"prometheus_remote_write": [{"remote_timeout": "x"}]}, "prometheus_remote_write[0].remote_timeout"),
        ({"prometheus_config": {"global": {"scrape_timeout": "x"}}}, "prometheus_config.global.scrape_timeout"),
        ({"prometheus_extra_args": {"--query.timeout": "x"}}, "prometheus_extra_args.--query.timeout"),
        ({"prometheus_extra_args": {"query.timeout": ["1m", "x"]}}, "prometheus_extra_args.query.timeout[1]"),
        ({"prometheus_config": {"global": {"scrape_timeout": ["1m"]}}}, "prometheus_config.global.scrape_timeout"),
        ({"alertmanager_extra_args": {"alerts.gc-interval": "1y"}}, "alertmanager_extra_args.alerts.gc-interval"),
        (
            {"alertmanager_config": {**AM_CONFIG, "route": {"receiver": "nobody", "group_wait": "-1s"}}},
            "alertmanager_config.route.group_wait",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_structured_variables_are_read(values: dict[str, t.Any], path: str) -> None:
    found = told(**values)
    assert len(found) == 1, found
    assert f", variable {next(iter(values))}: {path}: " in found[0]


@pytest.mark.parametrize(
    "values",
    [
        {"prometheus_retention": "0", "alertmanager_cluster_settle_timeout": "0s"},
        {"prometheus_scrape_configs": [{"scrape_interval": 0, "params": {"interval": ["x"]}}]},
        {"prometheus_rules": [{"rules": [{"alert": "A", "labels": {"for": "me"}, "annotations": {"interval": "x"}}]}]},
        {"prometheus_scrape_configs": [{"scrape_interval": None}]},
        {"prometheus_targets": {"n": [{"targets": ["x:1"], "labels": {"interval": "x"}}]}},
        {"prometheus_targets": {"interval": [{"targets": ["x:1"]}]}},
        {"prometheus_extra_args": {"query.timeout": ["1m"]}},
    ],
    ids=str,
)
def test_what_is_a_duration_or_none_passes(values: dict[str, t.Any]) -> None:
    assert told(**values) == []


@pytest.mark.parametrize(
    "values, words",
    [
        ({"prometheus_scrape_interval": "0s"}, "'0s' is no time at all"),
        ({"alertmanager_cluster_gossip_interval": "0"}, "'0' is no time at all"),
        ({"alertmanager_retention": "-5h"}, "'-5h' is less than nothing"),
    ],
)
def test_nothing_and_less(values: dict[str, t.Any], words: str) -> None:
    found = told(**values)
    assert len(found) == 1
    assert words in found[0]


def test_no_duration_is_forgotten() -> None:
    """Options that are durations by their names or their defaults."""
    named = {
        option.name
        for kind in KINDS
        for option in kind.options
        if option.type == "str"
        and (
            re.search(r"_(interval|timeout|retention|window|delay|delta|budget|min_time|max_time)$", option.name)
            or re.fullmatch(r"\d+[smhdw]", str(option.default))
        )
    }
    assert sorted(named ^ set(VARIABLES)) == []
