# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the global view: queriers, frontends and rulers."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, prometheus
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import Part, of, pair, told

NO_UPLOAD: dict[str, t.Any] = {"thanos_objstore_config": None}
PAIR = pair(**NO_UPLOAD)
RULE = of("rule", "r-1", "r-2", **NO_UPLOAD)
ROUTER = of("receive_router", "o-1")
RECEIVE = of("receive", "i-1", "i-2", **NO_UPLOAD)
WRITER = prometheus(
    "w-1",
    prometheus_replica_label="writer",
    prometheus_replica_set="w",
    prometheus_remote_write=[{"url": "http://o-1.example:10916/api/v1/receive"}],
)


@pytest.mark.parametrize(
    "given, others, words",
    [
        pytest.param(
            ["replica"], [RULE], "it lacks rule_replica (Thanos Rule on r-1)|or list replica, rule_replica", id="few"
        ),
        pytest.param(["replica", "copy"], [], "nobody has copy", id="many"),
        pytest.param([], [], "it lacks replica (Thanos Sidecar on p-1)", id="none"),
        pytest.param(["prometheus"], [], "it lacks replica (Thanos Sidecar on p-1); nobody has prometheus", id="other"),
        pytest.param(
            ["replica"], [ROUTER, RECEIVE], "it lacks receive_replica (Thanos Receive on i-1)", id="receivers"
        ),
        pytest.param(["replica"], [], "", id="just so"),
        pytest.param(None, [RULE, ROUTER, RECEIVE], "", id="derived"),
        pytest.param(["replica", "receive_replica", "writer"], [ROUTER, RECEIVE, WRITER], "", id="of a writer"),
        pytest.param(["replica", "receive_replica"], [ROUTER, RECEIVE, WRITER], "", id="a writer may drop it"),
    ],
)
def test_t05(given: list[str] | None, others: list[Part], words: str) -> None:
    found = told(PAIR, of("query", "q-1", thanos_query_replica_labels=given), *others)
    assert [line.partition(": ")[0] for line in found] == [
        "T05 error host q-1, variable thanos_query_replica_labels"
    ] * bool(words)
    assert all(part in line for line in found for part in words.split("|")), found


def test_t05_does_not_judge_labels_of_others() -> None:
    values = {"thanos_query_replica_labels": ["replica", "theirs"], "thanos_query_endpoints": ["far:10901"]}
    assert told(PAIR, of("query", **values)) == []


@pytest.mark.parametrize(
    "others, words",
    [
        pytest.param([PAIR], "p-1, p-2 are replicas (replica set default)", id="a pair"),
        pytest.param([RULE], "r-1, r-2 are replicas (ruler set default)", id="rulers"),
        pytest.param([RECEIVE], "", id="copies"),
        pytest.param([RECEIVE, pair("alone", **NO_UPLOAD)], "", id="one of its kind"),
        pytest.param([RECEIVE, pair(prometheus_ha_environment="test", **NO_UPLOAD)], "", id="of another environment"),
    ],
)
def test_t07(others: list[Part], words: str) -> None:
    found = told(of("query", thanos_query_deduplication_func="chain"), *others)
    assert [line[:3] for line in found] == ["T07"] * bool(words)
    assert all(words in line for line in found)


@pytest.mark.parametrize(
    "first, second, where, words",
    [
        pytest.param(
            {"thanos_rule_replica": "A"},
            {"thanos_rule_replica": "A"},
            "host r-2, variable thanos_rule_replica",
            "r-1 and r-2 have the same labels",
            id="one replica twice",
        ),
        pytest.param(
            {"thanos_rule_replica_set": "a", "thanos_rule_replica": "A", "thanos_rule_labels": {"ruler_cluster": "x"}},
            {"thanos_rule_replica_set": "b", "thanos_rule_replica": "A", "thanos_rule_labels": {"ruler_cluster": "x"}},
            "host r-2, variable thanos_rule_labels",
            "give each ruler set labels of its own",
            id="two sets alike",
        ),
        pytest.param(
            {},
            {"thanos_rule_alert_label_drop": []},
            "host r-2, variable thanos_rule_alert_label_drop",
            "alerts keep the replica label 'rule_replica'",
            id="alerts that differ",
        ),
        pytest.param(
            {},
            {"thanos_rule_replica_set": "b", "thanos_rule_labels": {"cluster": "mon"}},
            "host r-2, variable thanos_rule_labels",
            "the label 'cluster' would replace that of what the rules look at: p-1 has it",
            id="a label of the sources",
        ),
        pytest.param({}, {}, "", "", id="nothing by hand"),
        pytest.param(
            {"thanos_rule_replica_label": "replica"}, {"thanos_rule_replica_label": "replica"}, "", "", id="one name"
        ),
        pytest.param({}, {"thanos_rule_alert_label_drop": ["x", "rule_replica"]}, "", "", id="more is dropped"),
        pytest.param({}, {"prometheus_ha_environment": "test"}, "", "", id="another environment"),
    ],
)
def test_t13(first: dict[str, t.Any], second: dict[str, t.Any], where: str, words: str) -> None:
    parts = [of("rule", name, **{**NO_UPLOAD, **values}) for name, values in (("r-1", first), ("r-2", second))]
    queriers = [
        of("query", "q-1"),
        of("query", "q-2", prometheus_ha_environment="test", thanos_query_endpoints=["b:1"]),
    ]
    found = told(PAIR, *parts, *queriers)
    assert [line.partition(": ")[0] for line in found] == [f"T13 error {where}"] * bool(where), found
    assert all(words in line for line in found)


@pytest.mark.parametrize(
    "values, words",
    [
        pytest.param({"alertmanagers": [{"static_configs": []}]}, ["entry 1 has no api_version"], id="v1 by default"),
        pytest.param(
            {"alertmanagers": [{"api_version": "v2"}, {"api_version": "v1"}]},
            ["entry 2 has the api_version v1"],
            id="v1",
        ),
        pytest.param(
            {"alertmanagers": ["10.0.0.1:9093"]}, ["alertmanagers is not a list of mappings"], id="no mapping"
        ),
        pytest.param({"alertmanagers": 5}, ["alertmanagers is not a list of mappings"], id="no list"),
        pytest.param({"static_configs": ["x:1"]}, ["it has static_configs where Thanos takes alertm"], id="not on top"),
        pytest.param(
            {"alertmanagers": [{"api_version": "v2", "static_configs": [{"targets": ["x:1"]}]}]},
            ["the static_configs of entry 1 are not a list of addresses"],
            id="as Prometheus has it",
        ),
        pytest.param({"alertmanagers": [{"api_version": "v2"}]}, [], id="v2"),
        pytest.param({}, [], id="none"),
        pytest.param(None, [], id="the meshes of the inventory"),
    ],
)
def test_t14(values: dict[str, t.Any] | None, words: list[str]) -> None:
    found = told(of("rule", "r-1", thanos_rule_alertmanagers_config=values, **NO_UPLOAD), of("query"))
    assert len(found) == len(words)
    assert all(line.startswith("T14 error") and word in line for line, word in zip(found, words))


@pytest.mark.parametrize("named, environment, count", [("a", "default", 0), ("b", "default", 1), ("a", "test", 1)])
def test_t14_meshes(named: str, environment: str, count: int) -> None:
    mesh = alertmanager("am-1", alertmanager_mesh="a", prometheus_ha_environment=environment)
    found = told(of("rule", thanos_rule_alertmanager_meshes=[named], **NO_UPLOAD), of("query"), mesh)
    assert len(found) == count
    assert all(f"no mesh '{named}' in the environment 'default'" in line for line in found)


def group(strategy: str | None, *rules: dict[str, str]) -> dict[str, t.Any]:
    given = {"partial_response_strategy": strategy} if strategy else {}
    return {"name": "g", **given, "rules": [{"expr": "up", **rule} for rule in rules]}


ALERT, RECORD = {"alert": "Down"}, {"record": "job:up:sum"}
MESH = alertmanager("am-1", "am-2")


@pytest.mark.parametrize(
    "values, others, count",
    [
        pytest.param({}, [], 1, id="no mesh"),
        pytest.param({}, [alertmanager("am-1", prometheus_ha_environment="test")], 1, id="of another environment"),
        pytest.param({}, [MESH], 0, id="a mesh"),
        pytest.param({"thanos_rule_alertmanager_meshes": []}, [], 0, id="meant"),
        pytest.param({"thanos_rule_alertmanagers_config": {}}, [], 0, id="meant, too"),
        pytest.param({"thanos_rule_rules": [group(None, RECORD)]}, [], 0, id="no alert"),
        pytest.param({"thanos_rule_rules": [{"name": "g", "rules": 5}]}, [], 0, id="no rules"),
    ],
)
def test_t14_alerts_to_nobody(values: dict[str, t.Any], others: list[Part], count: int) -> None:
    ruler = of("rule", "r-1", **{"thanos_rule_rules": [group(None, RECORD, ALERT)], **values, **NO_UPLOAD})
    found = told(ruler, of("query"), *others)
    assert [line.partition(": ")[0] for line in found] == ["T14 warning host r-1, variable thanos_rule_rules"] * count
    assert all("the environment 'default' has no Alertmanager to tell" in line for line in found)


def test_t14_alerts_of_files() -> None:
    ruler = of("rule", "r-1", thanos_rule_rule_files=["rules/*.yml"], **NO_UPLOAD)
    (found,) = told(ruler, of("query"), files={"/inv/rules/a.yml": FILE.replace("warn", "abort")})
    assert found.startswith("T14 warning host r-1, variable thanos_rule_rule_files: ")


@pytest.mark.parametrize(
    "groups, count",
    [
        pytest.param([group("warn", RECORD, ALERT)], 1, id="an alert among others"),
        pytest.param([group("WARN", ALERT), group("warn", ALERT)], 1, id="told once"),
        pytest.param([group("warn", RECORD)], 0, id="records"),
        pytest.param([group("abort", ALERT), group("ABORT", ALERT), group(None, ALERT)], 0, id="abort"),
        pytest.param([{"name": "g", "partial_response_strategy": "warn"}], 0, id="no rules"),
    ],
)
def test_t15(groups: list[dict[str, t.Any]], count: int) -> None:
    ruler = of("rule", "r-1", thanos_rule_rules=groups, thanos_rule_alertmanager_meshes=[], **NO_UPLOAD)
    found = told(ruler, of("query"))
    assert [line.partition(": ")[0] for line in found] == ["T15 error host r-1, variable thanos_rule_rules"] * count
    assert all("the group g has alerts" in line for line in found)


FILE = "groups: [{name: f, partial_response_strategy: warn, rules: [{alert: A, expr: up}]}]"


@pytest.mark.parametrize(
    "files, words",
    [
        pytest.param({"/inv/rules/a.yml": FILE}, "/inv/rules/a.yml: the group f has alerts", id="a file"),
        pytest.param({"/inv/rules/a.yml": FILE.replace("warn", "abort")}, "", id="abort"),
        pytest.param({"/inv/rules/a.yml": "groups: ["}, "", id="no YAML, as Thanos' checker says"),
        pytest.param({"/inv/rules/a.yml": "[]"}, "", id="no mapping"),
        pytest.param({}, "'rules/*.yml' matches no file on the controller", id="no file"),
    ],
)
def test_t15_files(files: dict[str, str], words: str) -> None:
    values = {"thanos_rule_rule_files": ["rules/*.yml"], "thanos_rule_alertmanager_meshes": [], **NO_UPLOAD}
    found = told(of("rule", "r-1", "r-2", **values), of("query"), files=files)
    assert [line.partition(": ")[0] for line in found] == [
        "T15 error hosts r-1, r-2, variable thanos_rule_rule_files"
    ] * bool(words)
    assert all(words in line for line in found)


@pytest.mark.parametrize(
    "values, others, count",
    [
        pytest.param({}, [], 1, id="nothing"),
        pytest.param({}, [prometheus("p-1")], 1, id="a Prometheus without a sidecar"),
        pytest.param(
            {}, [of("receive_router"), of("receive", prometheus_ha_environment="test", **NO_UPLOAD)], 1, id="others'"
        ),
        pytest.param({}, [PAIR], 0, id="sidecars"),
        pytest.param({}, [of("store")], 0, id="a store gateway"),
        pytest.param({"thanos_query_endpoints": ["far:10901"]}, [], 0, id="outside"),
    ],
)
def test_t19(values: dict[str, t.Any], others: list[Part], count: int) -> None:
    assert sum("T19" in line for line in told(of("query", **values), *others)) == count


@pytest.mark.parametrize(
    "part, where",
    [
        pytest.param(
            of("query_frontend"), "query_frontend-1, variable thanos_query_frontend_downstream_url", id="frontend"
        ),
        pytest.param(of("rule", **NO_UPLOAD), "rule-1, variable thanos_rule_query_urls", id="ruler"),
        pytest.param(of("query_frontend", thanos_query_frontend_downstream_url="http://q"), "", id="frontend by hand"),
        pytest.param(of("rule", thanos_rule_query_urls=["http://q"], **NO_UPLOAD), "", id="ruler by hand"),
    ],
)
def test_t21(part: Part, where: str) -> None:
    elsewhere = of("query", prometheus_ha_environment="test", thanos_query_endpoints=["far:10901"])
    assert [line.partition(": ")[0] for line in told(part, elsewhere)] == [f"T21 error host {where}"] * bool(where)
    here = of("query", thanos_query_endpoints=["far:10901"])
    assert told(part, here) == []
