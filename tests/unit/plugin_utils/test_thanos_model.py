# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Thanos components in the model: who is one, who connects to whom, which labels blocks have."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry, _thanos_labels, _topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import (
    thanos_receive,
    thanos_sidecar,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    findings,
    hosts,
    prometheus,
    snapshot,
    topology,
    warnings,
)

OBJSTORE = {"type": "S3", "config": {"bucket": "blocks", "endpoint": "s3:9000", "secret_key": "hush"}}
TITLE = "bucket s3 blocks at s3:9000"


def everything(**values: t.Any) -> _topology.Topology:
    return topology(
        prometheus(
            "p-1",
            "p-2",
            thanos_sidecar_enabled=True,
            prometheus_remote_write=[{"url": "http://o-1.example:10916/api/v1/receive"}],
            **values,
        ),
        alertmanager("a-1"),
        hosts("q-1", groups=["thanos_query"]),
        hosts("f-1", groups=["thanos_query_frontend"]),
        hosts("s-1", groups=["thanos_store"], **values),
        hosts("c-1", groups=["thanos_compact"], **values),
        hosts("r-1", groups=["thanos_rule"], **values),
        hosts("i-1", groups=["thanos_receive"], **values),
        hosts("o-1", groups=["thanos_receive_router"]),
    )


def drawn(found: _topology.Topology) -> set[tuple[str, str, str]]:
    return {
        (link.source.kind.name, link.verb, link.target if isinstance(link.target, str) else link.target.kind.name)
        for link in _registry.links(found)
        if link.source.kind.name != "alertmanager"
    }


def test_links() -> None:
    assert drawn(everything(thanos_objstore_config=OBJSTORE)) == {
        ("prometheus", "alerts", "alertmanager"),
        ("prometheus", "writes to", "thanos_receive_router"),
        ("thanos_sidecar", "uploads to", TITLE),
        ("thanos_query", "queries", "thanos_sidecar"),
        ("thanos_query", "queries", "thanos_store"),
        ("thanos_query", "queries", "thanos_rule"),
        ("thanos_query", "queries", "thanos_receive"),
        ("thanos_query_frontend", "queries", "thanos_query"),
        ("thanos_store", "reads from", TITLE),
        ("thanos_compact", "compacts", TITLE),
        ("thanos_rule", "queries", "thanos_query"),
        ("thanos_rule", "alerts", "alertmanager"),
        ("thanos_rule", "uploads to", TITLE),
        ("thanos_receive", "uploads to", TITLE),
        ("thanos_receive_router", "writes to", "thanos_receive"),
    }


def test_no_link_holds_a_key() -> None:
    assert "hush" not in repr([(link.target_title, link.endpoints) for link in _registry.links(everything())])


def test_without_a_bucket_nothing_is_uploaded() -> None:
    assert not {target for _source, _verb, target in drawn(everything()) if target.startswith("bucket")}


def test_the_endpoints_of_a_querier() -> None:
    found = {link.target_title: link.endpoints for link in _registry.links(everything()) if link.verb == "queries"}
    assert found["replica set default"] == ("p-1.example:10901", "p-2.example:10901")
    assert found["hashring default"] == ("i-1.example:10907",)


def test_environments_do_not_meet() -> None:
    found = topology(
        hosts("q-1", groups=["thanos_query"]),
        hosts("s-1", groups=["thanos_store"], prometheus_ha_environment="test"),
    )
    assert drawn(found) == set()


def test_outside_endpoints_are_drawn() -> None:
    found = topology(hosts("q-1", groups=["thanos_query"], thanos_query_endpoints=["far.example:10901"]))
    assert drawn(found) == {("thanos_query", "queries", "Store APIs outside the inventory")}


@pytest.mark.parametrize(
    "values, groups, expected",
    [
        pytest.param({}, ["prometheus"], [], id="off"),
        pytest.param({"thanos_sidecar_enabled": True}, ["prometheus"], ["default"], id="on"),
        pytest.param(
            {"thanos_sidecar_enabled": True}, ["prometheus_federation"], ["federation"], id="on a federating one"
        ),
        pytest.param({"thanos_sidecar_enabled": True}, ["alertmanager"], [], id="no Prometheus"),
    ],
)
def test_sidecars(values: dict[str, t.Any], groups: list[str], expected: list[str]) -> None:
    found = topology(hosts("a", groups=groups, **values)).of("thanos_sidecar")
    assert [instance.cohort[2] for instance in found] == expected


def test_a_sidecar_knows_its_prometheus() -> None:
    found = topology(prometheus("a", thanos_sidecar_enabled=True, prometheus_replica_set="eu"))
    (beside,) = found.of("prometheus")
    assert thanos_sidecar.prometheus_of(found.of("thanos_sidecar")[0]).cohort == beside.cohort


def labels(*parts: t.Any) -> list[list[dict[str, str]]]:
    return [list(producer.streams()) for producer in _thanos_labels.producers(topology(*parts))]


@pytest.mark.parametrize(
    "part, expected",
    [
        pytest.param(
            prometheus("a", thanos_sidecar_enabled=True, prometheus_external_labels={"cluster": "eu"}),
            [{"cluster": "eu", "replica": "a"}],
            id="sidecar",
        ),
        pytest.param(
            prometheus("a", thanos_sidecar_enabled=True, prometheus_external_labels={"price": "5$$"}),
            [{"price": "5$", "replica": "a"}],
            id="a dollar of Prometheus 3",
        ),
        pytest.param(
            prometheus(
                "a",
                thanos_sidecar_enabled=True,
                prometheus_version="2.53.3",
                prometheus_external_labels={"price": "5$$"},
            ),
            [{"price": "5$$", "replica": "a"}],
            id="dollars of Prometheus 2",
        ),
        pytest.param(
            hosts("a", groups=["prometheus_federation"], thanos_sidecar_enabled=True),
            [{"federation_replica": "a"}],
            id="federating",
        ),
        pytest.param(
            hosts("a", groups=["thanos_rule"]), [{"ruler": "default-default", "rule_replica": "a"}], id="ruler"
        ),
        pytest.param(
            hosts("a", groups=["thanos_rule"], thanos_rule_labels={"ruler_cluster": 1}, thanos_rule_replica="A"),
            [{"ruler_cluster": "1", "rule_replica": "A"}],
            id="ruler by hand",
        ),
        pytest.param(
            hosts("a", groups=["thanos_receive"]),
            [{"receive_cluster": "default-default", "receive_replica": "a", "tenant_id": "default-tenant"}],
            id="receiver",
        ),
        pytest.param(
            hosts("a", groups=["thanos_receive"], thanos_tenants=["x", "y"], thanos_receive_labels={}),
            [{"receive_replica": "a", "tenant_id": "x"}, {"receive_replica": "a", "tenant_id": "y"}],
            id="tenants",
        ),
    ],
)
def test_the_labels_of_blocks(part: t.Any, expected: list[dict[str, str]]) -> None:
    assert labels(part) == [expected]


def test_replica_labels_of_a_querier() -> None:
    found = everything()
    (querier,) = found.of("thanos_query")
    assert _thanos_labels.query_replica_labels(querier, found) == ["receive_replica", "replica", "rule_replica"]
    by_hand = topology(hosts("q", groups=["thanos_query"], thanos_query_replica_labels=["b", "a"]))
    assert _thanos_labels.query_replica_labels(by_hand.of("thanos_query")[0], by_hand) == ["b", "a"]


def test_a_prometheus_that_only_writes_to_receivers_has_a_replica_label_too() -> None:
    url = "http://o-1.example:10916/api/v1/receive"
    router = hosts("o-1", groups=["thanos_receive_router"])
    found = topology(prometheus("p", prometheus_remote_write=[{"url": url}], prometheus_replica_label="r"), router)
    assert _thanos_labels.replica_labels(found, "default").known == {"r": "Prometheus on p"}
    assert _thanos_labels.replica_labels(found, "default").needed == {}
    assert _thanos_labels.replica_labels(topology(prometheus("p"), router), "default").known == {}


@pytest.mark.parametrize("ingestors, expected", [(1, 1), (2, 2), (3, 3), (7, 3)])
def test_as_many_copies_as_ingestors_at_most_three(ingestors: int, expected: int) -> None:
    (router,) = topology(hosts("o", groups=["thanos_receive_router"])).of("thanos_receive_router")
    assert thanos_receive.replication_factor(router, ingestors) == expected
    (router,) = topology(hosts("o", groups=["thanos_receive_router"], thanos_receive_replication_factor=5)).of(
        "thanos_receive_router"
    )
    assert thanos_receive.replication_factor(router, ingestors) == 5


def test_what_several_components_read_is_told_once() -> None:
    everywhere = ["prometheus", "thanos_query", "thanos_store", "thanos_rule"]
    found = _topology.build(
        snapshot(hosts("a", groups=everywhere, thanos_sidecar_enabled=True, thanos_objstore_config="s3")),
        _registry.KINDS,
    )
    assert [each.variable for each in found.mistyped] == ["thanos_objstore_config"]


def test_every_port_must_be_one() -> None:
    found = findings(hosts("a", groups=["thanos_receive"], thanos_receive_grpc_port=70000))
    assert [line.partition(": ")[0] for line in found] == ["I03 error host a, variable thanos_receive_grpc_port"]


def test_an_unknown_key_of_the_object_store_is_told_once() -> None:
    given = {**OBJSTORE, "prefx": "eu"}
    found = warnings(hosts("a", groups=["thanos_store", "thanos_compact"], thanos_objstore_config=given))
    assert [line for line in found if "prefx" in line] == [
        "I05 warning host a, variable thanos_objstore_config: it has no key 'prefx'. Do: write prefix; its keys are "
        "type, config, prefix."
    ]
