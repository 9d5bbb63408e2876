# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos 0.40.1 and 0.42.4 started by the argv and files that are rendered: several components of one host."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._reload import hashrings_hashes
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._waves import HASHRINGS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Running, free_port, process
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import contents, hosts, plan
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos_running import THANOS, thanos

RECEIVERS = ("thanos_receive", "thanos_receive_router")


def ports(role: str, *prefixes: str) -> dict[str, t.Any]:
    """Variables that have a component listen on the loopback, on ports that are free."""
    return {
        f"{role}_{prefix}{name}": value
        for prefix in prefixes
        for name, value in (("listen_address", "127.0.0.1"), ("port", free_port()))
    }


@contextlib.contextmanager
def started(item: t.Mapping[str, t.Any], program: str, folder: Path) -> t.Iterator[Running]:
    """A slice's process, from when it is ready; /etc and /var lie below the folder."""
    etc = folder / item["config"]["root"].lstrip("/")
    etc.mkdir(parents=True)
    for path, text in contents(item).items():
        (etc / path).write_text(text)
    args = [re.sub("(^|=)(/etc/|/var/)", rf"\1{folder}\2", arg) for arg in item["service"]["args"]]
    # A balancer's own path apart: what lies behind it is ready then, too.
    with process([program, *args], item["api"]["url"].removesuffix("/balancer"), etc / "none.yml") as running:
        yield running


@pytest.mark.parametrize("version", THANOS)
def test_a_router_and_an_ingestor_share_a_host(version: str, tmp_path: Path) -> None:
    program = thanos(version)
    given = {
        name: value
        for role in RECEIVERS
        for name, value in ports(role, "", "grpc_", "remote_write_", "capnproto_").items()
    }
    given["thanos_objstore_config"] = {"type": "FILESYSTEM", "config": {"directory": str(tmp_path / "bucket")}}
    found = plan(hosts("h-1", groups=RECEIVERS, ansible_host="127.0.0.1", thanos_version=version, **given))
    items = {item["name"]: item for item in found.hosts["h-1"]}
    with contextlib.ExitStack() as opened:
        both = [opened.enter_context(started(items[name], program, tmp_path)) for name in RECEIVERS]
        assert [running.get("/-/ready") for running in both] == ["OK", "OK"]
        # By this a router's gate is proved.
        rings = contents(items["thanos_receive_router"])[HASHRINGS]
        shown = _metrics.value(both[1].get("/metrics"), "thanos_receive_config_hash")
        assert shown in hashrings_hashes(rings.encode())


@pytest.mark.parametrize("version", THANOS)
def test_a_frontend_answers_for_queriers_below_a_path(version: str, tmp_path: Path) -> None:
    program = thanos(version)
    haproxy = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if haproxy is None:
        pytest.skip("this machine has no HAProxy; the scenario thanos has one")
    given = {**ports("thanos_query", "", "grpc_"), **ports("thanos_query_frontend", "")}
    given |= {"thanos_query_balancer_port": free_port(), "thanos_query_external_url": "https://metrics.example/thanos"}
    groups = ("thanos_query", "thanos_query_frontend")
    found = plan(hosts("h-1", groups=groups, ansible_host="127.0.0.1", thanos_version=version, **given))
    items = {item["name"]: item for item in found.hosts["h-1"]}
    query = "/api/v1/query?query=vector(1)"
    with contextlib.ExitStack() as opened:
        for name, executable in (
            ("thanos_query", program),
            ("thanos_query_balancer", haproxy),
            ("thanos_query_frontend", program),
        ):
            # A frontend is ready once it has found its queriers so.
            running = opened.enter_context(started(items[name], executable, tmp_path))
        for path in (query, f"/thanos{query}"):
            assert json.loads(running.get(path))["status"] == "success"
        for page in ("/", "/graph", "/thanos/graph"):
            assert "<title>Thanos" in running.get(page)
