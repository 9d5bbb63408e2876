# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts about Thanos: its members, queries, blocks and their compaction, rulers and receivers."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import (
    _thanos_bucket,
    _thanos_flow,
    _thanos_members,
    _thanos_query,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Group,
    Package,
    Scene,
)

_PARTS = (_thanos_members, _thanos_query, _thanos_bucket, _thanos_flow)
ALERTS = tuple(alert for part in _PARTS for alert in part.ALERTS)


def _groups(scene: Scene) -> t.Iterator[Group]:
    for part in _PARTS:
        yield from part.groups(scene)


PACKAGE = Package("thanos_health", "Thanos: its members, queries, blocks, rulers and receivers.", _groups, ALERTS)
