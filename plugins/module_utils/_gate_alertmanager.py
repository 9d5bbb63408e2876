# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one look at an Alertmanager sees of what the gate judges: plain numbers and sets."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api, fetch, fetch_object
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http


def cluster_of(status: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """From /api/v2/status: the state of its mesh, and the members it sees, itself included, by name and address."""
    cluster = status.get("cluster") or {}
    peers = cluster.get("peers") or []
    return {
        "status": cluster.get("status") or "unknown",
        "members": {peer.get("name", "?"): peer.get("address", "?") for peer in peers},
    }


def silences_of(silences: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """From /api/v2/silences: the ids of those that silence something now or will."""
    return sorted(item["id"] for item in silences if (item.get("status") or {}).get("state") != "expired")


def look(api: Api, http: Http, *, now: t.Callable[[], float] = time.time) -> dict[str, t.Any]:
    """One look (RETURN of the module ``gate_info`` names the fields). :raises HAError: without a usable answer."""
    status = fetch_object(api, http, "/api/v2/status")
    silences = fetch(api, http, "/api/v2/silences").json()
    metrics = fetch(api, http, "/metrics").text
    started = _metrics.value(metrics, "process_start_time_seconds") or 0.0
    return {
        **cluster_of(status),
        "silences": silences_of(silences),
        "config_hash": int(_metrics.value(metrics, "alertmanager_config_hash") or 0),
        "started": started,
        "uptime": now() - started,
    }
