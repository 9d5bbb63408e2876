# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about block streams: labels of producers, selectors of compactors, merged replicas."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import prometheus
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import OBJSTORE, Part, of, pair, told

COMPACT = of("compact")
OTHER = {**OBJSTORE, "prefix": "other"}


def us(*names: str, **values: t.Any) -> Part:
    """Another pair."""
    given = {"prometheus_replica_set": "us", "prometheus_external_labels": {"cluster": "us"}, **values}
    return pair(*(names or ("u-1", "u-2")), **given)


ALIKE: dict[str, t.Any] = {"prometheus_external_labels": {"cluster": "eu"}}


@pytest.mark.parametrize(
    "parts, words",
    [
        pytest.param(
            [pair("p-1", prometheus_replica="A"), us("u-1", prometheus_replica="A", **ALIKE)],
            'p-1 and u-1 both upload to bucket s3 blocks at s3:9000 with the labels {cluster="eu", replica="A"}',
            id="all labels alike",
        ),
        pytest.param(
            [pair("p-1"), us("u-1", **ALIKE)],
            'are not replicas of one another, and have the same labels {cluster="eu"} besides',
            id="a set's labels alike",
        ),
        pytest.param(
            [pair("p-1"), pair("x-1", prometheus_ha_environment="test")],
            "p-1 and x-1 upload",
            id="environments of one bucket",
        ),
        pytest.param(
            [of("receive", "i-1", "i-2", thanos_receive_replica="one")], "i-1 and i-2 both upload", id="receivers"
        ),
        pytest.param(
            [pair("p-1"), of("rule", thanos_rule_labels={"cluster": "eu"}, prometheus_ha_environment="test")],
            "p-1 and rule-1 upload",
            id="a ruler and a Prometheus",
        ),
        pytest.param(
            [pair("p-1", prometheus_shard={"index": 0, "of": 2}), us("u-1", **ALIKE)], "p-1 and u-1", id="half a shard"
        ),
    ],
)
def test_t03(parts: list[Part], words: str) -> None:
    found = [line for line in told(COMPACT, *parts) if "T03" in line]
    assert len(found) == 1, found
    assert words in found[0]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([pair(), us()], id="labels of their own"),
        pytest.param(
            [pair(), us(thanos_objstore_config=OTHER, **ALIKE), of("compact", "c-2", thanos_objstore_config=OTHER)],
            id="another prefix",
        ),
        pytest.param(
            [
                pair(prometheus_shard={"index": 0, "of": 2}),
                us(prometheus_shard={"index": 1, "of": 2}, **ALIKE),
            ],
            id="shards of one",
        ),
        pytest.param([of("rule", "r-1", "r-2"), of("receive", "i-1", "i-2"), of("query")], id="rulers and receivers"),
    ],
)
def test_t03_passes(parts: list[Part]) -> None:
    assert told(COMPACT, *parts) == []


def test_t03_leaves_replicas_to_p01_and_sets_without_labels_to_t17() -> None:
    assert told(COMPACT, pair(prometheus_replica="A")) == []
    none: dict[str, t.Any] = {"prometheus_external_labels": {}}
    assert {line[:3] for line in told(COMPACT, pair(**none), us(**none))} == {"T17"}


def keep(regex: str, label: str = "cluster") -> list[dict[str, t.Any]]:
    return [{"action": "keep", "source_labels": [label], "regex": regex}]


def hashed(of_all: int, index: int) -> list[dict[str, t.Any]]:
    return [
        {"action": "hashmod", "source_labels": ["cluster"], "target_label": "shard", "modulus": of_all},
        {"action": "keep", "source_labels": ["shard"], "regex": str(index)},
    ]


def compactors(*selectors: list[dict[str, t.Any]]) -> Part:
    found: dict[str, t.Any] = {}
    for number, chain in enumerate(selectors, 1):
        found.update(
            of(
                "compact",
                f"c-{number}",
                thanos_compact_shard=str(number),
                thanos_compact_selector_relabel_configs=chain,
            )
        )
    return found


@pytest.mark.parametrize(
    "selectors, where, words",
    [
        pytest.param(
            [[], []], "host c-2", "4 block streams of bucket s3 blocks at s3:9000, as {|kept by c-1 and c-2", id="both"
        ),
        pytest.param([keep("eu")], "host c-1", '2 block streams|as {cluster="us"|by none of its compactors', id="left"),
        pytest.param(
            [keep("eu"), keep("eu|us")], "host c-2", '2 block streams|{cluster="eu"|by c-1 and c-2', id="overlap"
        ),
        pytest.param(
            [keep("p-1", "replica"), keep("[pu]-.", "replica")],
            "host c-2",
            "1 block stream|is kept by c-1 and",
            id="one",
        ),
        pytest.param([hashed(2, 0), hashed(3, 0), hashed(2, 1)], "", "kept by", id="other moduli"),
        pytest.param(
            [[{"action": "labeldrop", "regex": "x"}]], "host c-1", "rule 1 has the action labeldrop", id="action"
        ),
        pytest.param([keep("(")], "host c-1", "would refuse the selectors: in rule 1", id="refused"),
        pytest.param([keep(".*", "__block_id")], "host c-1", "looks at __block_id", id="by block"),
    ],
)
def test_t04(selectors: list[list[dict[str, t.Any]]], where: str, words: str) -> None:
    found = told(compactors(*selectors), pair(), us())
    assert {line[:9] for line in found} == {"T04 error"}
    assert where in found[0]
    assert all(part in found[0] for part in words.split("|")), found


@pytest.mark.parametrize(
    "selectors",
    [
        pytest.param([keep("eu"), keep("us")], id="disjoint"),
        pytest.param([hashed(2, 0), hashed(2, 1)], id="by hash"),
        pytest.param([keep("eu"), [{"action": "drop", "source_labels": ["cluster"], "regex": "eu"}]], id="the rest"),
    ],
)
def test_t04_passes(selectors: list[list[dict[str, t.Any]]]) -> None:
    assert told(compactors(*selectors), pair(), us()) == []


def test_t04_without_a_compactor() -> None:
    (found,) = told(pair())
    assert found.startswith("T04 warning host p-1, variable thanos_objstore_config: blocks are uploaded to bucket s3")
    assert "no host of the inventory compacts it" in found
    assert len(told(pair(), of("compact", thanos_objstore_config=OTHER))) == 1


@pytest.mark.parametrize(
    "tenants, expected",
    [
        pytest.param(None, ["T04 warning"], id="nobody knows which"),
        pytest.param(["x", "y"], [], id="all are known"),
        pytest.param(["x", "z"], ["T04 error h"], id="one that nobody keeps"),
    ],
)
def test_t04_tenants(tenants: list[str] | None, expected: list[str]) -> None:
    found = told(compactors(keep("x", "tenant_id"), keep("y", "tenant_id")), of("receive", thanos_tenants=tenants))
    assert [line[:11] for line in found] == expected


def test_t04_what_is_not_decided() -> None:
    upper = [{"action": "keep", "source_labels": ["cluster"], "regex": "(?i)\u017f"}]
    (found,) = told(compactors(upper), pair(prometheus_external_labels={"cluster": "S\u017f"}))
    assert found.startswith("T04 warning host c-1, variable thanos_compact_selector_relabel_configs")
    assert "not decided what the selectors keep" in found


@pytest.mark.parametrize(
    "values, words",
    [
        pytest.param({"deduplication_func": ""}, "merged along 'replica', which p-1 has", id="naive"),
        pytest.param({"deduplication_func": "penalty"}, "", id="penalty"),
        pytest.param({}, "", id="derived"),
        pytest.param({"deduplication_func": "", "deduplication_replica_labels": ["receive_replica"]}, "", id="copies"),
        pytest.param(
            {"deduplication_func": "penalty", "deduplication_replica_labels": []}, "would not start", id="of nothing"
        ),
    ],
)
def test_t06(values: dict[str, t.Any], words: str) -> None:
    given = {"deduplication_replica_labels": ["replica"], **values}
    found = told(
        pair(), of("receive"), of("compact", **{f"thanos_compact_{name}": each for name, each in given.items()})
    )
    assert [line[:3] for line in found] == ["T06"] * bool(words)
    assert all(words in line for line in found)


def test_a_prometheus_without_a_sidecar_produces_nothing() -> None:
    assert told(prometheus("p-1", thanos_objstore_config=OBJSTORE)) == []
