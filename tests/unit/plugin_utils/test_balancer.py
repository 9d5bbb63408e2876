# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy on a federating host: what is rendered of it, and of the jobs that go through it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _balancer
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Place
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    contents,
    findings,
    good,
    hosts,
    loaded,
    plan,
    prometheus,
    slice_of,
)

SITES = (
    prometheus("eu-1", "eu-2", prometheus_replica_set="eu", prometheus_external_labels={"site": "eu"}),
    prometheus(
        "us-1",
        "us-2",
        prometheus_replica_set="us",
        prometheus_external_labels={"site": "us"},
        prometheus_port=9999,
        prometheus_route_prefix="/prom",
    ),
)
MATCH = ['{__name__=~"job:.*"}']
NAME = "federation_balancer"


def entry(name: str, **values: t.Any) -> dict[str, t.Any]:
    return {"replica_set": name, "match": MATCH, "mode": "sticky", **values}


def federation(*entries: t.Mapping[str, t.Any], enabled: bool = True, **values: t.Any) -> t.Any:
    return hosts(
        "global-1",
        "global-2",
        groups=("prometheus_federation",),
        prometheus_federate=list(entries),
        federation_balancer_enabled=enabled,
        **values,
    )


def servers(text: str) -> dict[str, list[str]]:
    """The lines of servers by backend."""
    found: dict[str, list[str]] = {}
    backend = ""
    for line in text.splitlines():
        words = line.split()
        backend = words[1] if line.startswith("backend ") else backend
        if words[:1] == ["server"]:
            found.setdefault(backend, []).append(" ".join(words[1:]))
    return found


def test_every_source_set_has_a_primary_and_a_backup_and_not_all_the_first_replica() -> None:
    found = good(*SITES, federation(entry("eu"), entry("us")))
    for host in ("global-1", "global-2"):
        text = contents(slice_of(found, host, NAME))["haproxy.cfg"]
        assert servers(text) == {
            "set-eu": ["eu-1 eu-1.example:9090", "eu-2 eu-2.example:9090 backup"],
            "set-us": ["us-2 us-2.example:9999", "us-1 us-1.example:9999 backup"],
        }
        assert "uri /prom/-/ready" in text and "set-path /prom/%[path,field(3,/,0)]" in text
        assert "    bind 127.0.0.1:9190\n" in text


def test_jobs_go_through_it_by_the_names_of_the_sets() -> None:
    found = good(*SITES, federation(entry("us"), entry("eu"), federation_balancer_port=9191))
    jobs = loaded(slice_of(found, "global-1"), "prometheus.yml")["scrape_configs"]
    assert [(job["metrics_path"], job["static_configs"]) for job in jobs] == [
        ("/us/federate", [{"targets": ["127.0.0.1:9191"]}]),
        ("/eu/federate", [{"targets": ["127.0.0.1:9191"]}]),
    ]
    assert all(job["metric_relabel_configs"] == [{"regex": "replica", "action": "labeldrop"}] for job in jobs)


def test_it_runs_the_distributions_program_from_a_unit_of_its_own() -> None:
    item = slice_of(good(*SITES, federation(entry("eu"))), "global-1", NAME)
    assert item["release"] == {"name": "haproxy", "executable": "/usr/sbin/haproxy"}
    assert (item["service"]["name"], item["service"]["executable"]) == (NAME, "/usr/sbin/haproxy")
    assert item["config"]["check"] == [["/usr/sbin/haproxy", "-c", "-f", "{root}/haproxy.cfg"]]


def test_entries_of_other_ways_have_no_backend() -> None:
    entries = (entry("eu", address="vip.example"), {"replica_set": "us", "match": MATCH})
    text = contents(slice_of(good(*SITES, federation(*entries)), "global-1", NAME))["haproxy.cfg"]
    assert servers(text) == {}


@pytest.mark.parametrize(
    "values",
    [{"enabled": False}, {"federation_balancer_state": "absent"}, {"federation_balancer_state": "staged"}],
)
def test_without_a_balancer_a_sticky_entry_needs_an_address(values: dict[str, t.Any]) -> None:
    found = findings(*SITES, federation(entry("eu"), **values))
    assert any("is sticky and has no address" in line for line in found)
    assert any("federation_balancer_enabled: true" in line for line in found)


@pytest.mark.parametrize(
    ("speech", "named"),
    [({"scheme": "https"}, "scheme"), ({"basic_auth": {"username": "u", "password": "hunter2"}}, "basic_auth")],
)
def test_replicas_that_want_more_than_plain_http_are_not_led_to(speech: dict[str, t.Any], named: str) -> None:
    found = findings(*SITES, federation(entry("eu", **speech)))
    assert any(f"which asks replicas without {named}" in line for line in found)
    assert "hunter2" not in str(found)


def test_one_that_leaves_is_known_by_its_name() -> None:
    found = good(*SITES, federation(entry("eu", address="vip.example"), federation_balancer_state="absent"))
    item = slice_of(found, "global-1", NAME)
    assert (item["state"], item["config"]["files"], item["release"]["name"]) == ("absent", [], "haproxy")


def test_it_leaves_with_its_prometheus() -> None:
    found = good(*SITES, federation(entry("eu"), prometheus_state="absent"))
    assert slice_of(found, "global-1", NAME)["state"] == "absent"


def test_its_unit_changes_with_its_configuration() -> None:
    """It tells nobody what it has loaded."""
    both = (good(*SITES, federation(entry(name))) for name in ("eu", "us"))
    one, other = (slice_of(found, "global-1", NAME)["service"]["environment"] for found in both)
    assert one != other


def test_one_that_moves_is_led_to_at_both_places() -> None:
    found = plan(*SITES, federation(entry("eu")), former={("eu-2", "prometheus"): Place(9999, "")})
    assert servers(contents(slice_of(found, "global-1", NAME))["haproxy.cfg"])["set-eu"] == [
        "eu-1 eu-1.example:9090",
        "eu-2 eu-2.example:9090 backup",
        "eu-2-former eu-2.example:9999 backup",
    ]


def test_names_that_haproxy_does_not_take() -> None:
    values: dict[str, t.Any] = {"prometheus_replica_set": "eu", "prometheus_external_labels": {"site": "o"}}
    odd = prometheus("o@1", ansible_host="10.0.0.1", **values)
    text = contents(slice_of(plan(odd, federation(entry("eu"))), "global-1", NAME))["haproxy.cfg"]
    assert servers(text)["set-eu"] == ["server-0 10.0.0.1:9090"]


def test_a_set_that_no_path_can_name_is_refused() -> None:
    odd = prometheus("o-1", "o-2", prometheus_replica_set="a b", prometheus_external_labels={"site": "o"})
    found = findings(odd, federation(entry("a b")))
    assert any("the balancer can't tell replica set a b by its name" in line for line in found)


def test_a_replica_is_away_sooner_than_it_is_back() -> None:
    """What a restart needs until it scrapes again: two intervals of 5 s."""
    assert _balancer.CHECK_INTERVAL * _balancer.RISE > 10 > _balancer.CHECK_INTERVAL * _balancer.FALL


def test_people_find_it_where_it_listens() -> None:
    balancer = next(one for one in good(*SITES, federation(entry("eu"))).topology.of(NAME))
    assert balancer.url == balancer.own_url == "http://127.0.0.1:9190"
