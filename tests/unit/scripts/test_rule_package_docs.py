# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/rule-packages.md has every rule of every package, and its examples are ones that the plan takes."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import _catalogue
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, plan, prometheus
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import stack

from scripts import rule_package_docs


@pytest.fixture(name="page", scope="module")
def _page() -> str:
    return rule_package_docs.page()


def test_every_alert_and_every_record_has_its_row(page: str) -> None:
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")}
    files = stack("g-1")
    names = [f"[{name}](runbooks/{name}.md)" for name in _catalogue.ALERTS]
    for path in ("rules/node_aggregates.yml", "rules/http_aggregates.yml"):
        for group in yaml.safe_load(files[path])["groups"]:
            names += [f"`{rule['record'].partition(':')[2]}`" for rule in group["rules"]]
    assert set(names) <= rows
    assert {f"`{name}`" for name in _catalogue.PACKAGES} <= rows


def test_tables_have_as_many_columns_as_their_heads(page: str) -> None:
    lines = page.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("|-"):
            columns = line.count("|")
            for row in (lines[number - 1], *lines[number + 1 :]):
                if not row.startswith("|"):
                    break
                assert len(re.findall(r"(?<!\\)\|", row)) == columns, row


def test_the_examples_are_taken(page: str) -> None:
    values = {}
    for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL):
        values.update({name: value for name, value in yaml.safe_load(block).items() if name.startswith("prometheus_")})
    assert set(values) == {"prometheus_rule_packages", "prometheus_rule_package_options"}
    hosts = [prometheus("p-1", "p-2", **values), alertmanager("a-1", "a-2")]
    assert [str(finding) for finding in plan(*hosts).findings] == []
