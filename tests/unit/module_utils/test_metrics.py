# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few values that are read out of the text exposition format."""

from __future__ import annotations

import math

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._metrics import total, value

TEXT = r"""
# HELP prometheus_config_last_reload_successful Whether the last configuration reload attempt was successful.
# TYPE prometheus_config_last_reload_successful gauge
prometheus_config_last_reload_successful 1
prometheus_config_last_reload_successful_more 7
alertmanager_config_hash 1.84816797860636e+14
with_labels{code="200",path="/a}b"} 3 1795194155000
with_labels{code="500", path="say \"no\" \\ \n"} 4
empty_labels{} -1.5
endless +Inf
nothing NaN
broken x
"""


@pytest.mark.parametrize(
    "name, labels, wanted",
    [
        ("prometheus_config_last_reload_successful", None, 1.0),
        ("alertmanager_config_hash", None, 184816797860636.0),
        ("with_labels", None, 3.0),
        ("with_labels", {"code": "200"}, 3.0),
        ("with_labels", {"path": "/a}b"}, 3.0),
        ("with_labels", {"path": 'say "no" \\ \n'}, 4.0),
        ("with_labels", {"code": "200", "path": "x"}, None),
        ("empty_labels", {}, -1.5),
        ("endless", None, math.inf),
        ("broken", None, None),
        ("prometheus_config", None, None),
        ("absent", None, None),
    ],
)
def test_value(name: str, labels: dict[str, str] | None, wanted: float | None) -> None:
    assert value(TEXT, name, labels) == wanted


def test_not_a_number() -> None:
    found = value(TEXT, "nothing")
    assert found is not None and math.isnan(found)


def test_total() -> None:
    assert total(TEXT, "with_labels") == 7.0
    assert total(TEXT, "with_labels", {"code": "200"}) == 3.0
    assert total(TEXT, "absent") is None
    assert total(TEXT, "broken") is None
