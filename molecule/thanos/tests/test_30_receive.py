# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receivers: tenants apart, an ingestor that is killed, one more."""

from __future__ import annotations

import itertools
import json
import re
import time

from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import SETS, wait_for
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import (
    EXPORTERS,
    INGESTORS,
    ROUTERS,
    SCRAPE,
    WRITTEN,
    Thanos,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._reload import hashrings_hashes

#: Seconds after which everything that was scraped has been written.
WRITTEN_BY = 3 * SCRAPE
#: Seconds of samples that are compared at the least.
ENOUGH = 8 * SCRAPE
#: Ingestors that the tests add to the ring.
LEAVING = ("eu-2", "us-2")
ABSENT = {host: {"thanos_receive_state": "absent"} for host in LEAVING}


def test_each_tenant_has_its_own(stack: Thanos) -> None:
    found = stack.query(f"count by (tenant_id, region) (up{{{WRITTEN}}})")
    assert {(one["metric"]["tenant_id"], one["metric"]["region"]): one["value"][1] for one in found} == {
        (name, name): str(EXPORTERS) for name in SETS
    }


def test_each_series_is_kept_three_times(stack: Thanos) -> None:
    selector = f'up{{{WRITTEN}, replica="eu-2", instance="{stack.exporter("us-2")}"}}'
    found = stack.query(selector, dedup=False)
    assert {one["metric"]["receive_replica"] for one in found} == set(INGESTORS)


def test_writes_go_on_without_an_ingestor(stack: Thanos) -> None:
    selector = f'up{{{WRITTEN}, replica="eu-2", instance="{stack.exporter("us-2")}"}}'
    begun = time.time()
    stack.sh("am-1", "systemctl kill --signal=KILL thanos_receive; systemctl stop thanos_receive")
    try:
        time.sleep(40)
        assert stack.value(f"count(up{{{WRITTEN}}})") == 2 * EXPORTERS
    finally:
        stack.sh("am-1", "systemctl start thanos_receive")
    assert_written(stack, selector, begun)


def assert_written(stack: Thanos, selector: str, begun: float) -> None:
    """Every sample that the replica has of that time is at the ingestors; none was given up."""
    until = max(time.time(), begun + ENOUGH)
    time.sleep(until + WRITTEN_BY - time.time())
    window = f"{int(until - begun)}s"
    local = stack.prometheus(
        "eu-2", f"query?query=up%7Binstance%3D%22{stack.exporter('us-2')}%22%7D%5B{window}%5D&time={until}"
    )["result"]
    scraped = [float(when) for series in local for when, _value in series["values"]]
    kept = set(stack.times(selector, window, dedup=False, time=until))
    lost = [when for when in scraped if when not in kept]
    print(f"{len(scraped)} samples scraped, {len(lost)} lost")
    assert len(scraped) > 5
    assert lost == []
    for name in ("failed", "dropped"):
        assert stack.metric("eu-2", 9090, f"prometheus_remote_storage_samples_{name}_total") == 0


def test_a_fourth_ingestor_takes_its_part(stack: Thanos) -> None:
    selector = f'up{{{WRITTEN}, replica="eu-2", instance="{stack.exporter("us-2")}"}}'
    begun = time.time()
    run = stack.roll(members={"thanos_receive": ["eu-2"]}).succeeded()
    print(f"site.yml took {run.seconds:.1f} s")
    for router in ROUTERS:
        rings = json.loads(stack.sh(router, "cat /etc/thanos_receive_router/hashrings.json"))
        assert len(rings[0]["endpoints"]) == len(INGESTORS) + 1
    wait_for(lambda: stack.metric("eu-2", 10909, "prometheus_tsdb_head_series") > 0, 60, "it keeps series")
    for router in ROUTERS:
        rings = stack.sh(router, "cat /etc/thanos_receive_router/hashrings.json") + "\n"
        assert stack.metric(router, 10915, "thanos_receive_config_hash") in hashrings_hashes(rings.encode())
    assert_written(stack, selector, begun)
    assert stack.value(f"count(up{{{WRITTEN}}})") == 2 * EXPORTERS


def test_ingestors_change_zone_by_zone_and_nothing_is_lost(stack: Thanos) -> None:
    selector = f'up{{{WRITTEN}, replica="eu-2", instance="{stack.exporter("us-2")}"}}'
    zones = {"a": ("eu-1", "us-1"), "b": ("eu-2", "us-2"), "c": ("am-1",)}
    members = {"thanos_receive": list(LEAVING)}
    hosts = {host: {"prometheus_ha_failure_domain": zone} for zone, names in zones.items() for host in names}
    stack.roll(members=members, hosts=hosts).succeeded()
    begun = time.time()
    change = {"thanos_receive": {"thanos_receive_retention": "14d"}}
    run = stack.roll(members=members, hosts=hosts, groups=change).succeeded()
    started = {
        zone: [stack.metric(host, 10909, "process_start_time_seconds") for host in names]
        for zone, names in zones.items()
    }
    assert all(min(times) > begun for times in started.values())
    order = sorted(started.values())
    between = min(min(after) - max(before) for before, after in itertools.pairwise(order))
    print(f"site.yml took {run.seconds:.1f} s; between two zones {between:.1f} s at least")
    assert between > 1
    # Two of a zone are one wave, in which they have their turns.
    assert run.output.count("PLAY [Change in waves thanos_receive]") == len(zones)
    assert_written(stack, selector, begun)
    assert stack.value(f"count(up{{{WRITTEN}}})") == 2 * EXPORTERS


def test_an_ingestor_that_cannot_upload_does_not_leave(stack: Thanos) -> None:
    nowhere = f"unreachable {stack.subnet}.2"  # the object store
    stack.sh("eu-2", f"ip route add {nowhere}")
    try:
        run = stack.roll(members={"thanos_receive": list(LEAVING)}, hosts=ABSENT)
    finally:
        stack.sh("eu-2", f"ip route del {nowhere}")
    assert run.failed == {"eu-2"}, run.output
    assert re.search(r"thanos_receive.*blocks of /var/lib/thanos/receive are not in the bucket", run.output)
    assert stack.sh("eu-2", "systemctl is-active thanos_receive") == "active"
    assert stack.sh("eu-2", "ls /etc/thanos_receive")


def test_ingestors_leave_once_their_data_is_in_the_bucket(stack: Thanos) -> None:
    selector = f'up{{{WRITTEN}, replica="eu-2", instance="{stack.exporter("us-2")}"}}'
    begun = time.time()
    stack.roll(members={"thanos_receive": list(LEAVING)}, hosts=ABSENT).succeeded()
    for router in ROUTERS:
        rings = json.loads(stack.sh(router, "cat /etc/thanos_receive_router/hashrings.json"))
        assert [entry["address"].partition(":")[0] for entry in rings[0]["endpoints"]] == [
            stack.addresses[name] for name in INGESTORS
        ]
    for host in LEAVING:
        assert stack.sh(host, "systemctl is-active thanos_receive || true") == "inactive"
        # What the others hold of that time they alone must have: the one that left is asked no more.
        assert any(one["thanos"]["labels"].get("receive_replica") == host for one in stack.blocks())
    assert_written(stack, selector, begun)
    assert stack.value(f"count(up{{{WRITTEN}}})") == 2 * EXPORTERS
