# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dashboards there are, and their files."""

from __future__ import annotations

import json

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards import (
    federation,
    mesh,
    overview,
    replica_set,
    thanos_blocks,
    thanos_query,
    thanos_receive,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (
    overview.DASHBOARD,
    replica_set.DASHBOARD,
    mesh.DASHBOARD,
    federation.DASHBOARD,
    thanos_query.DASHBOARD,
    thanos_blocks.DASHBOARD,
    thanos_receive.DASHBOARD,
)


def files() -> dict[str, str]:
    """Each dashboard's JSON, by file name."""
    return {
        f"{dashboard.uid}.json": json.dumps(dashboard.json(DASHBOARDS), indent=2, ensure_ascii=False) + "\n"
        for dashboard in DASHBOARDS
    }
