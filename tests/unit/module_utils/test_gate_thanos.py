# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one look at a component of Thanos sees."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _gate_thanos
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Response

QUERIER = """process_start_time_seconds 100
thanos_store_nodes_grpc_connections{store_type="sidecar"} 4
thanos_store_nodes_grpc_connections{store_type="store"} 2
"""
SIDECAR = "process_start_time_seconds 100\nthanos_sidecar_prometheus_up 0\n"


class Http:
    def __init__(self, ready: int, metrics: str) -> None:
        self._answers = {"/-/ready": (ready, ""), "/metrics": (200, metrics)}

    def request(self, _method: str, url: str, *_args: t.Any, **_options: t.Any) -> Response:
        status, text = next(found for path, found in self._answers.items() if url.endswith(path))
        return Response(status, {}, text.encode())


def look(ready: int, metrics: str) -> dict[str, t.Any]:
    http: t.Any = Http(ready, metrics)
    return _gate_thanos.look(Api("thanos", "http://x"), http, now=lambda: 160.0)


def test_a_querier_and_what_it_is_connected_to() -> None:
    assert look(200, QUERIER) == {
        "ready": True,
        "status": 200,
        "stores": 6,
        "prometheus_up": None,
        "config_hash": None,
        "started": 100.0,
        "uptime": 60.0,
    }


def test_a_sidecar_without_its_prometheus() -> None:
    found = look(503, SIDECAR)
    assert (found["ready"], found["status"], found["stores"], found["prometheus_up"]) == (False, 503, None, False)


def test_a_router_and_its_hashrings() -> None:
    assert look(200, "thanos_receive_config_hash 1.64264958643555e+14\n")["config_hash"] == 164264958643555


def test_something_else_that_listens_there() -> None:
    with pytest.raises(HAError):
        look(404, "")
