# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who scrapes whom: targets of variables, as far as the inventory knows them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _scraping
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, prometheus, topology


def job(name: str, *targets: t.Any, **more: t.Any) -> dict[str, t.Any]:
    return {"job_name": name, "static_configs": [{"targets": list(targets)}], **more}


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param({}, [], id="nothing"),
        pytest.param(
            {"prometheus_scrape_configs": [job("am", "a1.example:9093", "a2.example:9093")]},
            [("mesh default", ("a1.example:9093", "a2.example:9093"))],
            id="members of a mesh",
        ),
        pytest.param(
            {"prometheus_scrape_configs": [job("am", "a1:9093", "A2:9093")]},
            [("mesh default", ("a1:9093", "A2:9093"))],
            id="members by their inventory names",
        ),
        pytest.param(
            {"prometheus_scrape_configs": [job("self", "localhost:9090")]},
            [("replica set default", ("localhost:9090",))],
            id="itself",
        ),
        pytest.param(
            {"prometheus_scrape_configs": [job("node", "x:9100", "y:9100"), job("web", "z")]},
            [(_scraping.OUTSIDE, ("node: 2 targets", "web: 1 target"))],
            id="others",
        ),
        pytest.param(
            {
                "prometheus_scrape_configs": [
                    {"job_name": "node", "file_sd_configs": [{"files": ["targets/node.yml", "targets/*.json"]}]},
                    {"job_name": "cloud", "ec2_sd_configs": [{}]},
                ],
                "prometheus_targets": {"node": [{"targets": ["a1.example:9093", "n1:9100"]}]},
            },
            [
                ("mesh default", ("a1.example:9093",)),
                (_scraping.OUTSIDE, ("node: 1 target", "cloud: as discovered")),
            ],
            id="target files and discovery",
        ),
        pytest.param(
            {
                "prometheus_scrape_configs": [
                    {"job_name": "odd", "static_configs": {"targets": "x"}, "file_sd_configs": ["y"]},
                    job("numbers", 1, None),
                ],
                "prometheus_targets": {"node": "none"},
            },
            [(_scraping.OUTSIDE, ("odd: as discovered", "numbers: 2 targets"))],
            id="shapes that promtool refuses",
        ),
    ],
)
def test_what_a_set_scrapes(values: dict[str, t.Any], expected: list[tuple[str, tuple[str, ...]]]) -> None:
    model = topology(prometheus("p1", "p2", **values), alertmanager("a1", "a2"))
    found = _scraping.links(model.cohorts_of("prometheus")[0], model)
    assert [(link.target_title, link.endpoints) for link in found] == expected
    assert {link.verb for link in found} <= {"scrapes"}
