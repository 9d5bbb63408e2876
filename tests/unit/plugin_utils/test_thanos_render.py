# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the Thanos components are rendered: wired by the topology alone."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _environment
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live, _registry, _waves
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._render import Plan
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Place
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    contents,
    flags,
    hosts,
    loaded,
    plan,
    slice_of,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import OBJSTORE, Part, of, pair

RULES = [{"name": "x", "rules": [{"record": "a:b", "expr": "vector(1)"}]}]


def whole(*more: Part, **values: t.Any) -> Plan:
    """Every component, two of those that can have replicas; with variables that all hosts have."""
    return plan(
        pair(**values),
        alertmanager("am-1", "am-2", **values),
        of("store", "s-1", "s-2", **values),
        of("query", "q-1", "q-2", **values),
        of("query_frontend", "f-1", **values),
        of("compact", "c-1", **values),
        of("rule", "r-1", "r-2", thanos_rule_rules=RULES, **values),
        of("receive", "i-1", "i-2", "i-3", prometheus_ha_failure_domain="z1", **values),
        of("receive_router", "rt-1", **values),
        *more,
    )


def test_every_component_is_one_release_and_its_own_service() -> None:
    found = whole()
    slices = [item for items in found.hosts.values() for item in items if item["name"].startswith("thanos")]
    assert {item["name"] for item in slices} == {
        name for name in (kind.name for kind in _registry.KINDS) if name.startswith("thanos")
    }
    for item in slices:
        if item["name"] == "thanos_query_balancer":
            continue
        assert (item["release"]["name"], item["release"]["version"]) == ("thanos", "0.42.4")
        assert item["service"]["name"] == item["name"]
        assert item["service"]["executable"] == "{release}/bin/thanos"
        assert item["service"]["user"] == ("prometheus" if item["name"] == "thanos_sidecar" else "thanos")
        assert item["config"]["group"] == item["service"]["user"]


def test_no_key_is_on_a_command_line_or_in_a_unit() -> None:
    for items in whole().hosts.values():
        for item in items:
            assert "hush" not in json.dumps(item["service"])
            for file in item["config"]["files"]:
                if "hush" in file["content"]:
                    assert (file["path"], file["mode"], file["masked"]) == ("objstore.yml", "0640", True)
                    assert "hush" in item["secrets"]


PROXY = {"HTTPS_PROXY": "http://me:hush-too@proxy:3128", "AWS_SESSION_TOKEN": "hush-three"}


def test_an_environment_is_a_file_of_whatever_uses_the_bucket() -> None:
    before, after = whole(), whole(thanos_objstore_environment=PROXY)
    having = set()
    for name, items in after.hosts.items():
        for item, former in zip(items, before.hosts[name]):
            found = next((file for file in item["config"]["files"] if file["path"] == "environment"), None)
            assert "hush" not in json.dumps(item["service"])
            if found is None:
                assert item["service"] == former["service"]
                continue
            having.add(item["name"])
            assert (found["mode"], found["masked"]) == ("0640", True)
            assert _environment.read(found["content"]) == PROXY
            assert {"hush-too", "hush-three"} <= set(item["secrets"])
            assert item["service"]["unit_options"]["EnvironmentFile"] == [f"/etc/{item['name']}/environment"]
            # Read at the start alone, so that a change of it restarts.
            assert item["service"]["environment"] != former["service"]["environment"]
            asked = _live.objstore(item, {})["objstore"]
            assert (asked["environment"], asked["account"]) == (PROXY, item["service"]["user"])
    assert having == {"thanos_sidecar", "thanos_store", "thanos_compact", "thanos_rule", "thanos_receive"}


def test_an_environment_file_of_the_user_stands_beside_ours() -> None:
    given = {"thanos_objstore_environment": PROXY, "thanos_store_unit_options": {"EnvironmentFile": "-/etc/default/x"}}
    item = slice_of(plan(pair(), of("store", "s-1", **given)), "s-1", "thanos_store")
    assert item["service"]["unit_options"] == {"EnvironmentFile": ["/etc/thanos_store/environment", "-/etc/default/x"]}


def test_an_environment_that_no_file_can_hold_is_refused() -> None:
    found = plan(pair(), of("store", "s-1", thanos_objstore_environment={"no-name": "hush"}))
    (told,) = [str(finding) for finding in found.findings if "environment" in str(finding)]
    assert "thanos_objstore_environment" in told
    assert "'no-name' is no name of an environment variable" in told
    assert "hush" not in told


def test_a_sidecar_stands_beside_its_prometheus() -> None:
    item = slice_of(plan(pair(prometheus_port=9191, prometheus_data_dir="/data")), "p-1", "thanos_sidecar")
    given = flags(item)
    assert given["--prometheus.url"] == ["http://127.0.0.1:9191"]
    assert given["--tsdb.path"] == ["/data"]
    assert (item["service"]["data_dirs"], item["service"]["shared_dirs"]) == ([], ["/data"])


def test_queriers_ask_all_that_keeps_samples() -> None:
    item = slice_of(whole(of("query", "q-3", thanos_query_endpoints=["far:10901"])), "q-3", "thanos_query")
    assert flags(item)["--endpoint.sd-config-reload-interval"] == ["10s"]
    assert flags(item)["--query.replica-label"] == ["receive_replica", "replica", "rule_replica"]
    listed = [entry["address"].partition(".")[0] for entry in loaded(item, "endpoints.yml")["endpoints"]]
    assert listed == ["p-1", "p-2", "s-1", "s-2", "r-1", "r-2", "i-1", "i-2", "i-3", "far:10901"]


def test_an_endpoint_that_nobody_stands_in_for_is_strict() -> None:
    item = slice_of(plan(pair(), of("store", "s-1"), of("query", "q-1")), "q-1", "thanos_query")
    strict = {entry["address"]: entry.get("strict", False) for entry in loaded(item, "endpoints.yml")["endpoints"]}
    assert strict == {"p-1.example:10901": False, "p-2.example:10901": False, "s-1.example:10905": True}


def test_a_frontend_asks_the_balancer_and_that_all_queriers() -> None:
    found = whole()
    assert flags(slice_of(found, "f-1", "thanos_query_frontend"))["--query-frontend.downstream-url"] == [
        "http://127.0.0.1:10917"
    ]
    text = contents(slice_of(found, "f-1", "thanos_query_balancer"))["haproxy.cfg"]
    assert [line.split()[1:] for line in text.splitlines() if line.startswith("    server ")] == [
        ["q-1", "q-1.example:10904"],
        ["q-2", "q-2.example:10904"],
    ]


def test_the_balancer_adds_the_path_of_the_queriers() -> None:
    below = {"thanos_query_external_url": "https://metrics.example/thanos/"}
    parts = [pair(), of("query", "q-1", "q-2", **below), of("query_frontend", "f-1")]
    added = [
        line.strip()
        for line in contents(slice_of(plan(*parts), "f-1", "thanos_query_balancer"))["haproxy.cfg"].splitlines()
        if "set-path" in line
    ]
    assert added == ["http-request set-path /thanos%[path] unless { path /-/ready /thanos } || { path_beg /thanos/ }"]
    assert "set-path" not in contents(slice_of(whole(), "f-1", "thanos_query_balancer"))["haproxy.cfg"]


def test_queriers_below_different_paths_are_refused() -> None:
    other = {"thanos_query_route_prefix": "/thanos"}
    found = plan(pair(), of("query", "q-1"), of("query", "q-2", **other), of("query_frontend", "f-1"))
    (told,) = [str(finding) for finding in found.findings if "answers below" in str(finding)]
    assert "q-2 answers below /thanos, q-1 below /" in told
    assert "thanos_query_route_prefix" in told
    # Elsewhere, or with an address of one's own, that is nobody's business.
    apart = of("query", "q-2", prometheus_ha_environment="b", **other)
    own = {"thanos_query_frontend_downstream_url": "http://vip:1"}
    for parts in (
        (of("query", "q-1"), apart, of("query_frontend", "f-1")),
        (of("query", "q-1"), of("query", "q-2", **other), of("query_frontend", "f-1", **own)),
    ):
        assert not [each for each in plan(pair(), *parts).findings if "answers below" in str(each)]


@pytest.mark.parametrize(
    ("timeouts", "expected"),
    [
        (("2m", "2m"), "5m"),
        (("4m30s", "2m"), "5m"),
        (("4m31s", "2m"), "301s"),
        (("2m", "1h"), "3630s"),
        (("600001ms", "nonsense"), "631s"),
    ],
)
def test_the_balancer_waits_longer_than_any_querier(timeouts: tuple[str, str], expected: str) -> None:
    queriers = [of("query", f"q-{number}", thanos_query_timeout=each) for number, each in enumerate(timeouts)]
    found = plan(pair(), *queriers, of("query_frontend", "f-1"))
    lines = contents(slice_of(found, "f-1", "thanos_query_balancer"))["haproxy.cfg"].splitlines()
    assert [line.split()[1:] for line in lines if line.startswith(("    timeout client", "    timeout server"))] == [
        ["client", expected],
        ["server", expected],
    ]


def test_with_an_address_of_ones_own_there_is_no_balancer() -> None:
    own = {"thanos_query_frontend_downstream_url": "http://vip:1"}
    found = plan(pair(), of("query", "q-1"), of("query_frontend", "f-1", **own))
    assert [item["name"] for item in found.hosts["f-1"]] == ["thanos_query_frontend"]
    assert flags(found.hosts["f-1"][0])["--query-frontend.downstream-url"] == ["http://vip:1"]


def test_a_ruler_asks_the_queriers_and_alerts_the_mesh() -> None:
    item = slice_of(whole(), "r-1", "thanos_rule")
    assert loaded(item, "query.yml") == [
        {"static_configs": ["q-1.example:10904", "q-2.example:10904"], "scheme": "http"}
    ]
    (block,) = loaded(item, "alertmanagers.yml")["alertmanagers"]
    assert (block["api_version"], block["static_configs"]) == ("v2", ["am-1.example:9093", "am-2.example:9093"])
    given = flags(item)
    assert given["--label"] == ['ruler="default-default"', 'rule_replica="r-1"']
    assert given["--alert.label-drop"] == ["rule_replica"]
    assert item["api"]["kind"] == "thanos_rule"
    other = slice_of(whole(), "r-2", "thanos_rule")
    assert item["api"]["generation"] == other["api"]["generation"]
    assert item["api"]["generation"] in contents(item)["rules/prometheus_ha_generation.yml"]


def test_prefixes_of_queriers_are_kept_apart() -> None:
    found = plan(pair(), of("query", "q-1", thanos_query_route_prefix="/thanos"), of("rule", "r-1"))
    assert loaded(slice_of(found, "r-1", "thanos_rule"), "query.yml") == [
        {"static_configs": ["q-1.example:10904"], "scheme": "http", "path_prefix": "/thanos"}
    ]
    querier = slice_of(found, "q-1", "thanos_query")
    assert flags(querier)["--web.route-prefix"] == ["/thanos"]
    assert querier["api"]["url"] == "http://127.0.0.1:10904"


def test_at_the_root_behind_a_path_is_said_so() -> None:
    given = {"thanos_query_external_url": "https://metrics.example/thanos", "thanos_query_route_prefix": "/"}
    found = slice_of(plan(pair(), of("query", "q-1", **given)), "q-1", "thanos_query")
    assert flags(found)["--web.external-prefix"] == ["/thanos"]
    assert flags(found)["--web.route-prefix"] == ["/"]
    assert "--web.route-prefix" not in flags(slice_of(whole(), "q-1", "thanos_query"))


def test_routers_alone_know_the_hashring() -> None:
    found = whole()
    router = slice_of(found, "rt-1", "thanos_receive_router")
    (ring,) = json.loads(contents(router)["hashrings.json"])
    assert ring["algorithm"] == "ketama"
    assert ring["endpoints"] == [{"address": f"i-{n}.example:10907", "az": "z1"} for n in (1, 2, 3)]
    assert flags(router)["--receive.replication-factor"] == ["3"]
    assert "--receive.local-endpoint" not in flags(router)
    ingestor = slice_of(found, "i-1", "thanos_receive")
    assert "hashrings.json" not in contents(ingestor)
    assert flags(ingestor)["--label"] == ['receive_cluster="default-default"', 'receive_replica="i-1"']


def test_without_routers_every_ingestor_routes() -> None:
    found = plan(pair(), of("receive", "i-1", "i-2", "i-3", thanos_tenants=["a"]))
    item = slice_of(found, "i-2", "thanos_receive")
    assert flags(item)["--receive.local-endpoint"] == ["i-2.example:10907"]
    assert json.loads(contents(item)["hashrings.json"])[0]["tenants"] == ["a"]


def test_receivers_of_one_host_listen_apart_and_for_no_stranger() -> None:
    found = plan(hosts("x-1", groups=["thanos_receive", "thanos_receive_router"], thanos_objstore_config=OBJSTORE))
    assert [str(finding) for finding in found.findings if str(finding).startswith("X03")] == []
    places = {}
    for item in found.hosts["x-1"]:
        (places[item["name"]],) = flags(item)["--receive.capnproto-address"]
        ports = {port["variable"]: f"{port['address']}:{port['port']}" for port in item["service"]["ports"]}
        assert ports[f"{item['name']}_capnproto_port"] == places[item["name"]]
    assert places == {"thanos_receive": "127.0.0.1:19391", "thanos_receive_router": "127.0.0.1:10918"}


def test_one_port_for_the_writes_of_two_receivers_is_refused() -> None:
    given: dict[str, t.Any] = {"thanos_objstore_config": OBJSTORE, "thanos_receive_router_capnproto_port": 19391}
    found = plan(hosts("x-1", groups=["thanos_receive", "thanos_receive_router"], **given))
    (told,) = [str(finding) for finding in found.findings if str(finding).startswith("X03")]
    assert "19391" in told
    assert "capnproto_port" in told


def test_a_receiver_from_before_capnproto_has_no_address_for_it() -> None:
    found = plan(pair(), of("receive", "i-1", thanos_version="0.36.1"))
    assert "--receive.capnproto-address" not in flags(slice_of(found, "i-1", "thanos_receive"))


def test_each_hashring_takes_the_tenants_of_its_own_ingestors_and_the_last_one_what_is_left() -> None:
    parts = [
        of("receive", f"{name}-1", thanos_receive_hashring=name, thanos_tenants=tenants)
        for name, tenants in (("any", None), ("a", ["x", "y"]), ("b", ["z"]))
    ]
    found = plan(*parts, of("receive_router", "o-1"))
    rings = json.loads(contents(slice_of(found, "o-1", "thanos_receive_router"))["hashrings.json"])
    assert [(ring["hashring"], ring.get("tenants")) for ring in rings] == [
        ("a", ["x", "y"]),
        ("b", ["z"]),
        ("any", None),
    ]
    without = plan(*parts)
    files = [contents(slice_of(without, f"{name}-1", "thanos_receive"))["hashrings.json"] for name in ("any", "a", "b")]
    assert [json.loads(file) for file in files] == [rings] * 3


@pytest.mark.parametrize(
    ("zones", "values", "expected"),
    [
        pytest.param("aabbcc", {}, "aabbcc", id="as many zones as copies"),
        pytest.param("aabbbb", {}, "......", id="two copies may be in one zone"),
        pytest.param("aabb.c", {}, "......", id="one stands nowhere"),
        pytest.param("aabbcc", {"thanos_receive_replication_factor": 2}, "aabbcc", id="one of two copies is enough"),
        pytest.param("aabbcc", {"thanos_receive_replication_factor": 1}, "......", id="one copy"),
        pytest.param("aabbcc", {"thanos_receive_hashring_algorithm": "hashmod"}, "......", id="zones unknown to it"),
        pytest.param(
            "aabbcc",
            {"thanos_receive_hashrings": [{"endpoints": ["i-1.example:10907"]}]},
            "......",
            id="a ring by hand",
        ),
    ],
)
def test_zones_that_may_be_down_as_a_whole(zones: str, values: dict[str, t.Any], expected: str) -> None:
    parts = [
        of("receive", f"i-{number}", **({"prometheus_ha_failure_domain": zone} if zone != "." else {}), **values)
        for number, zone in enumerate(zones, 1)
    ]
    found = plan(pair(), *parts)
    shown = "".join(slice_of(found, f"i-{number}", "thanos_receive")["zone"] or "." for number in range(1, 7))
    assert shown == expected


def test_an_ingestor_that_leaves_uploads_first() -> None:
    found = plan(pair(), of("receive", "i-1", "i-2"), of("receive", "i-3", thanos_receive_state="absent"))
    assert slice_of(found, "i-3", "thanos_receive")["uploads"] == {
        "data_dir": "/var/lib/thanos/receive",
        "url": "http://127.0.0.1:10909",
    }
    assert "uploads" not in slice_of(found, "i-1", "thanos_receive")


def test_of_a_port_that_moves_both_places_are_asked() -> None:
    former = {("s-1", "thanos_store"): Place(9999, None, 9998), ("q-2", "thanos_query"): Place(9997)}
    parts = [pair(), of("store", "s-1"), of("query", "q-1", "q-2"), of("query_frontend", "f-1")]
    parts.append(of("rule", "r-1", thanos_rule_rules=RULES))
    now, both = plan(*parts), plan(*parts, former=former)

    def store(found: Plan) -> list[dict[str, t.Any]]:
        listed = loaded(slice_of(found, "q-1", "thanos_query"), "endpoints.yml")["endpoints"]
        return [each for each in listed if each["address"].startswith("s-1")]

    assert store(now) == [{"address": "s-1.example:10905", "strict": True}]
    assert store(both) == [{"address": "s-1.example:9998"}, {"address": "s-1.example:10905"}]
    servers = [
        line.split()[1:3]
        for line in contents(slice_of(both, "f-1", "thanos_query_balancer"))["haproxy.cfg"].splitlines()
        if line.startswith("    server")
    ]
    assert servers == [
        ["q-1", "q-1.example:10904"],
        ["q-2", "q-2.example:10904"],
        ["q-2-former", "q-2.example:9997"],
    ]
    asked = loaded(slice_of(both, "r-1", "thanos_rule"), "query.yml")[0]["static_configs"]
    assert asked == ["q-1.example:10904", "q-2.example:9997", "q-2.example:10904"]


def test_sets_write_to_the_receivers_in_turn() -> None:
    wanted = {"prometheus_write_to_receive": True, "prometheus_receive_tenant": "t"}
    first = pair("a-1", "a-2", prometheus_replica_set="a", prometheus_external_labels={"cluster": "a"}, **wanted)
    second = pair("b-1", "b-2", prometheus_replica_set="b", prometheus_external_labels={"cluster": "b"}, **wanted)
    found = plan(first, second, of("receive", "i-1"), of("receive_router", "rt-1", "rt-2"))
    urls = {
        host: loaded(slice_of(found, host), "prometheus.yml")["remote_write"][0]["url"]
        for host in ("a-1", "a-2", "b-1", "b-2")
    }
    assert urls == {
        "a-1": "http://rt-1.example:10916/api/v1/receive",
        "a-2": "http://rt-1.example:10916/api/v1/receive",
        "b-1": "http://rt-2.example:10916/api/v1/receive",
        "b-2": "http://rt-2.example:10916/api/v1/receive",
    }


def test_writing_to_receivers_that_are_not_there_is_refused() -> None:
    said = [str(finding) for finding in plan(pair(prometheus_write_to_receive=True)).findings]
    assert any("has no receiver to write to" in line for line in said), said


def test_a_compactor_merges_replicas_by_penalty_and_waits() -> None:
    item = slice_of(whole(of("compact", "c-2", thanos_compact_shard="b")), "c-2", "thanos_compact")
    assert flags(item)["--wait"] == [""]
    assert "--deduplication.func" not in flags(item)
    merged = {"thanos_compact_deduplication_replica_labels": ["replica"]}
    found = plan(pair(), of("compact", "c-1", **merged))
    assert flags(slice_of(found, "c-1", "thanos_compact"))["--deduplication.func"] == ["penalty"]


@pytest.mark.parametrize(
    ("group", "values", "words"),
    [
        ("query", {"thanos_query_extra_args": {"store": "x:1"}}, "has no --store"),
        ("query", {"thanos_query_extra_args": {"query.timeout": "1m"}}, "set thanos_query_timeout"),
        ("store", {"thanos_store_extra_args": {"objstore.config-file": "x"}}, "set thanos_objstore_config"),
        ("query", {"thanos_version": "0.37.0"}, "has no --endpoint.sd-config-file (added in 0.38)"),
    ],
)
def test_flags_are_checked_by_version_and_owner(group: str, values: dict[str, t.Any], words: str) -> None:
    said = [str(finding) for finding in plan(pair(), of(group, "x-1", **values)).findings]
    assert any(words in line for line in said), said


@pytest.mark.parametrize("variable", ["thanos_query_frontend_cache_config", "thanos_store_index_cache_config"])
@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"type": "MEMCACHE", "config": {}}, "type is 'MEMCACHE', which Thanos has not. Do: did you mean 'MEMCACHED'?"),
        ({"type": "inmemory"}, "did you mean 'IN-MEMORY'?"),
        ({"type": "FILE"}, "type is 'FILE', which Thanos has not. Do: write one of IN-MEMORY, MEMCACHED, REDIS."),
        ({"config": {"addr": "c:1"}}, "the cache has no type. Do: write one of"),
        ({"type": "in-memory"}, ""),
        ({"type": "REDIS", "config": {"addr": "c:1"}}, ""),
        ({}, ""),
    ],
)
def test_a_type_of_cache_that_thanos_has_not_is_refused(variable: str, config: dict[str, t.Any], words: str) -> None:
    given = {variable: config}
    parts = [pair(), of("query", "q-1"), of("query_frontend", "f-1", **given), of("store", "s-1", **given)]
    said = [str(finding) for finding in plan(*parts).findings if variable in str(finding)]
    assert len(said) == bool(words), said
    assert words in "".join(said)


def test_a_change_of_what_is_read_at_the_start_alone_is_seen_in_the_unit() -> None:
    def unit(**values: t.Any) -> dict[str, str]:
        item = slice_of(plan(pair(), of("store", "s-1", **values)), "s-1", "thanos_store")
        found: dict[str, str] = item["service"]["environment"]
        return found

    other = {**OBJSTORE, "prefix": "p"}
    assert unit() != unit(thanos_objstore_config=other)
    assert yaml.safe_dump(unit()) == yaml.safe_dump(unit())


def test_tiers_are_those_that_a_run_goes_through() -> None:
    assert {kind.tier for kind in _registry.KINDS} == set(_waves.TIERS)
