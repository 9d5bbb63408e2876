# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suggestions: the nearest word, and none rather than a wrong one."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._spelling import VERY_NEAR, nearest

KNOWN = (
    "port",
    "listen_address",
    "retention",
    "retention_size",
    "replica_set",
    "data_dir",
    "scrape_timeout",
    "scrape_interval",
)


@pytest.mark.parametrize(
    "word, expected",
    [
        ("prto", None),
        ("cluster_adress", None),
        ("retension", "retention"),
        ("retentionsize", "retention_size"),
        ("replica-set", "replica_set"),
        ("replicaset", "replica_set"),
        ("scrape_intervall", "scrape_interval"),
        ("data_path", None),
        ("node_exporter_version", None),
        ("", None),
    ],
)
def test_nearest(word: str, expected: str | None) -> None:
    assert nearest(word, KNOWN) == expected


def test_how_near_is_the_callers_choice() -> None:
    assert (nearest("retensin", KNOWN), nearest("retensin", KNOWN, VERY_NEAR)) == ("retention", None)
    assert nearest("retension", KNOWN, VERY_NEAR) == "retention"
