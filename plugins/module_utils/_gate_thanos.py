# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one look at a component of Thanos sees of what the gate judges: plain numbers."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api, fetch, refused
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http


def look(api: Api, http: Http, *, now: t.Callable[[], float] = time.time) -> dict[str, t.Any]:
    """One look (RETURN of the module ``gate_info`` names the fields). :raises HAError: without a usable answer."""
    ready = http.request("GET", api.at("/-/ready"))
    if 400 <= ready.status < 500:
        raise refused(ready, "GET", api.at("/-/ready"))
    metrics = fetch(api, http, "/metrics").text
    started = _metrics.value(metrics, "process_start_time_seconds") or 0.0
    stores = _metrics.total(metrics, "thanos_store_nodes_grpc_connections")
    beside = _metrics.value(metrics, "thanos_sidecar_prometheus_up")
    hashrings = _metrics.value(metrics, "thanos_receive_config_hash")
    return {
        "ready": ready.status == 200,
        "status": ready.status,
        "stores": None if stores is None else int(stores),
        "prometheus_up": None if beside is None else beside == 1,
        "config_hash": None if hashrings is None else int(hashrings),
        "started": started,
        "uptime": now() - started,
    }
