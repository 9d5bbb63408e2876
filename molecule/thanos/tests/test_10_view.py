# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The global view: what it is made of, replicas as one, a replica that is away, an alert over all of it."""

from __future__ import annotations

import time
import urllib.parse

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared import notices
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import wait_for
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import (
    EXPORTERS,
    FRONTEND,
    QUERIERS,
    SCRAPE,
    SCRAPED,
    Thanos,
)

COMPONENTS = {"sidecar": 4, "store": 2, "rule": 2, "receive": 3}


@pytest.mark.parametrize("host", QUERIERS)
def test_every_store_api_is_there_with_labels_of_its_own(stack: Thanos, host: str) -> None:
    found = stack.stores(host)
    assert {kind: len(stores) for kind, stores in found.items() if stores} == COMPONENTS
    assert [one["lastError"] for stores in found.values() for one in stores if one["lastError"]] == []
    labels = [str(one["labelSets"]) for kind in ("sidecar", "rule") for one in found[kind]]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("host", [*QUERIERS, FRONTEND])
def test_replicas_are_one_where_they_are_deduplicated(stack: Thanos, host: str) -> None:
    one = f'count(up{{{SCRAPED}, region="eu", instance="{stack.exporter("us-1")}"}})'
    assert stack.value(one, host=host) == 1
    assert stack.value(one, host=host, dedup=False) == 2
    assert stack.value(f"count(up{{{SCRAPED}}})", host=host) == 2 * EXPORTERS


def test_without_a_replica_no_sample_is_missing(stack: Thanos) -> None:
    selector = f'up{{{SCRAPED}, region="eu", instance="{stack.exporter("us-1")}"}}'
    begun = time.time()
    stack.sh("eu-1", "systemctl stop prometheus")
    try:
        time.sleep(40)
        assert stack.value(f"count(up{{{SCRAPED}}})") == 2 * EXPORTERS
    finally:
        stack.sh("eu-1", "systemctl start prometheus")
    wait_for(stack.whole, 60, "the replica is back")
    time.sleep(4 * SCRAPE)
    times = stack.times(selector, f"{int(time.time() - begun) + 30}s")
    gaps = notices.holes(times, 3 * SCRAPE)
    longest = max(after - before for before, after in zip(times, times[1:]))
    print(f"{len(times)} deduplicated samples over {times[-1] - times[0]:.0f} s; the longest gap is {longest:.1f} s")
    assert gaps == []
    words = urllib.parse.urlencode(
        {"query": f'up{{instance="{stack.exporter("us-1")}"}}[{int(time.time() - begun) + 30}s]'}
    )
    (series,) = stack.prometheus("eu-1", f"query?{words}")["result"]
    alone = [float(when) for when, _value in series["values"]]
    assert notices.holes(alone, 3 * SCRAPE) != [], "the replica had no hole, so nothing was proved"


def test_an_alert_over_the_global_view_is_told_once(stack: Thanos) -> None:
    told = [
        item["body"]
        for item in stack.ask(f"{stack.webhook}/notifications?receiver=lab")
        if item["body"]["groupLabels"].get("alertname") == "GlobalView"
    ]
    assert [(body["status"], len(body["alerts"])) for body in told] == [("firing", 1)]
    assert "rule_replica" not in told[0]["commonLabels"]
    both = stack.query('ALERTS{alertname="GlobalView", alertstate="firing"}', dedup=False)
    assert {one["metric"]["rule_replica"] for one in both} == {"am-1", "am-2"}


def test_keys_are_for_the_service_alone(stack: Thanos) -> None:
    for host, units in {"eu-1": ("sidecar", "receive"), "am-1": ("store", "rule"), "am-3": ("compact",)}.items():
        for unit in units:
            path = f"/etc/thanos_{unit}/objstore.yml"
            mode, owner, group = stack.sh(host, f"stat -c '%a %U %G' {path}").split()
            assert (mode, owner) == ("640", "root")
            assert group == ("prometheus" if unit == "sidecar" else "thanos")
        assert "lab-secret-key" not in stack.sh(host, "ps axww -o args; systemctl cat 'thanos_*' 'prometheus*'")


def test_every_unit_is_hardened(stack: Thanos) -> None:
    units = {
        "eu-1": ("sidecar", "receive"),
        "am-1": ("store", "rule", "query"),
        "am-3": ("query_frontend", "compact", "receive_router", "query_balancer"),
    }
    for host, names in units.items():
        for name in names:
            said = stack.sh(host, f"systemd-analyze security --no-pager thanos_{name} | tail -1")
            level = float(said.rpartition(": ")[2].split()[0])
            print(f"{name} {level}", end=" ")
            assert level <= 1.5, said
