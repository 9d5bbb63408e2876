# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about hashrings, their copies and routers."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.thanos_receive import quorum
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import prometheus
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import Part, of, told

FACTOR = "thanos_receive_replication_factor"
RINGS = "thanos_receive_hashrings"


@pytest.mark.parametrize("factor, expected", [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3)])
def test_quorum(factor: int, expected: int) -> None:
    assert quorum(factor) == expected


def ingestors(count: int, **values: t.Any) -> Part:
    given = {"thanos_objstore_config": None, **values}
    return of("receive", *(f"i-{number}" for number in range(1, count + 1)), **given)


@pytest.mark.parametrize(
    "count, factor, words",
    [
        pytest.param(
            2, 3, "3 copies are wanted of each series, and the hashring default has 2 ingestors", id="too many"
        ),
        pytest.param(3, 0, "0 copies are wanted", id="none"),
        pytest.param(3, 1, "with 1 copy a write needs 1, so the hashring default of 3 ingestors stops", id="one"),
        pytest.param(2, 2, "", id="two, of which one is enough"),
        pytest.param(3, 3, "", id="three"),
        pytest.param(1, 1, "", id="a single start"),
        pytest.param(5, None, "", id="derived"),
    ],
)
def test_t11(count: int, factor: int | None, words: str) -> None:
    found = told(ingestors(count, **{FACTOR: factor}), of("receive_router", **{FACTOR: factor}))
    assert [line.partition(": ")[0] for line in found] == [f"T11 error host i-1, variable {FACTOR}"] * bool(words)
    assert all(words in line for line in found)


def test_t11_of_each_hashring() -> None:
    values = {"thanos_objstore_config": None, "thanos_tenants": ["small"], FACTOR: 3}
    small = of("receive", "s-1", thanos_receive_hashring="small", **values)
    (found,) = told(ingestors(3, **{FACTOR: 3}), small)
    assert "the hashring small has 1 ingestors" in found


def test_t11_of_hashrings_by_hand() -> None:
    ring = {"algorithm": "ketama", "endpoints": ["i-1.example:10907", {"address": "i-2.example:10907"}, {}]}
    (found,) = told(ingestors(2, **{FACTOR: 3, RINGS: [ring]}))
    assert "T11" in found
    assert "the hashring 1 has 2 ingestors" in found


def test_t11_a_ring_of_nobody() -> None:
    found = told(ingestors(2, **{RINGS: [{"algorithm": "ketama", "endpoints": 5}]}))
    (line,) = [line for line in found if "T11" in line]
    assert "the hashring 1 has no ingestor. Do: list its endpoints" in line


def test_t11_routers_and_ingestors_agree() -> None:
    (found,) = told(ingestors(3), of("receive_router", "o-1", **{FACTOR: 3}))
    assert found.startswith(f"T11 error host o-1, variable {FACTOR}: it is 3 for o-1 and not set for i-1.")


def ring(*endpoints: str, **values: t.Any) -> dict[str, t.Any]:
    return {"algorithm": "ketama", "endpoints": list(endpoints), **values}


BOTH = ("i-1.example:10907", "i-2.example:10907")


@pytest.mark.parametrize(
    "values, where, words",
    [
        pytest.param(
            {"thanos_receive_hashring_algorithm": "hashmod"},
            "hosts i-1, i-2, o-1, variable thanos_receive_hashring_algorithm",
            "hashmod moves most series",
            id="hashmod",
        ),
        pytest.param(
            {RINGS: [{"endpoints": list(BOTH)}]},
            f"hosts i-1, i-2, o-1, variable {RINGS}",
            "the algorithm None",
            id="none",
        ),
        pytest.param(
            {RINGS: [ring(*BOTH, hashring="soft", algorithm="hashmod")]},
            f"hosts i-1, i-2, o-1, variable {RINGS}",
            "the hashring soft has the algorithm 'hashmod'",
            id="hashmod by hand",
        ),
        pytest.param(
            {RINGS: [ring(BOTH[0], "else.example:10907")]},
            "host i-2, variable thanos_receive_local_endpoint",
            "no hashring has the ingestor i-2.example:10907",
            id="an ingestor left out",
        ),
        pytest.param(
            {RINGS: [ring(*BOTH, "o-1.example:10914")]},
            f"host o-1, variable {RINGS}",
            "a hashring has the router o-1.example:10914",
            id="a router in it",
        ),
        pytest.param({RINGS: [ring(BOTH[0], BOTH[0], tenants=["a"]), ring(BOTH[1], BOTH[1])]}, "", "", id="two rings"),
        pytest.param({}, "", "", id="derived"),
    ],
)
def test_t12(values: dict[str, t.Any], where: str, words: str) -> None:
    found = told(ingestors(2, **values), of("receive_router", "o-1", **values))
    assert [line.partition(": ")[0] for line in found] == [f"T12 error {where}"] * bool(where), found
    assert all(words in line for line in found)


def test_t12_hashrings_are_the_same_for_all() -> None:
    (found,) = told(ingestors(2, **{RINGS: [ring(*BOTH)]}), of("receive_router", "o-1", **{RINGS: [ring(*BOTH[::-1])]}))
    assert found.startswith(f"T12 error host o-1, variable {RINGS}: o-1 and i-1 have different hashrings.")


def test_t12_what_is_rendered_is_the_same_for_all() -> None:
    values = {"thanos_receive_hashring_algorithm": "hashmod"}
    found = told(ingestors(2), of("receive_router", "o-1"), of("receive_router", "o-2", **values))
    assert any(f"T12 error host o-2, variable {RINGS}: o-2 and i-1 have different hashrings." in line for line in found)


TENANTS = "thanos_tenants"


def rings(a: object = None, b: object = None, **router: t.Any) -> list[Part]:
    """Two hashrings of the inventory, and a router."""
    values: dict[str, t.Any] = {"thanos_objstore_config": None}
    return [
        of("receive", "a-1", "a-2", thanos_receive_hashring="a", **{TENANTS: a}, **values),
        of("receive", "b-1", "b-2", thanos_receive_hashring="b", **{TENANTS: b}, **values),
        of("receive_router", "o-1", **router),
    ]


@pytest.mark.parametrize(
    "parts, where, words",
    [
        pytest.param(
            rings(),
            f"host b-1, variable {TENANTS}",
            "the hashring a comes first, has no tenants and takes whatever no other took: b gets nothing",
            id="two without tenants",
        ),
        pytest.param(rings([], []), f"host b-1, variable {TENANTS}", "b gets nothing", id="two with none"),
        pytest.param(
            rings(["x", "y"], ["y"]),
            f"host b-1, variable {TENANTS}",
            "the hashring a comes first and has y, too: b gets nothing of them",
            id="one tenant of two",
        ),
        pytest.param(rings(["x"], ["y"]), "", "", id="each its own"),
        pytest.param(rings(None, ["y"]), "", "", id="one for what is left"),
        pytest.param(rings(["x"], ["y"], thanos_tenants=["y", "x"]), "", "", id="a router of the same mind"),
        pytest.param(
            rings(["x"], ["y"], thanos_tenants=["x", "z"]),
            f"host o-1, variable {TENANTS}",
            "it is x, z for o-1, and the hashrings take x, y, as their ingestors say",
            id="a router of another mind",
        ),
        pytest.param(
            rings(["x"], thanos_tenants=["x"]),
            f"host o-1, variable {TENANTS}",
            "the hashrings take any tenant",
            id="a router that wants few",
        ),
        pytest.param(
            [*rings(["x"], ["y"]), of("receive", "a-3", thanos_receive_hashring="a", thanos_objstore_config=None)],
            f"host a-3, variable {TENANTS}",
            "it is any tenant for a-3 and x for a-1, and both are of hashring a",
            id="an ingestor that differs",
        ),
    ],
)
def test_t12_tenants(parts: list[Part], where: str, words: str) -> None:
    found = told(*parts)
    assert [line.partition(": ")[0] for line in found] == [f"T12 error {where}"] * bool(where), found
    assert all(words in line for line in found)


def test_t12_hashrings_by_hand_are_asked_in_turn() -> None:
    (found,) = told(ingestors(2, **{RINGS: [ring(*BOTH, hashring="all"), ring(*BOTH, tenants=["x"])]}))
    assert f"variable {RINGS}: the hashring all comes first" in found
    assert "2 gets nothing" in found


def writer(tenant: str | None = None, **values: t.Any) -> Part:
    return prometheus("p-1", **{"prometheus_write_to_receive": True, "prometheus_receive_tenant": tenant, **values})


def by_hand(header: str, tenant: str, host: str = "o-1.example:10916") -> Part:
    block = {"url": f"http://{host}/api/v1/receive", "headers": {header: tenant}}
    return writer(prometheus_write_to_receive=False, prometheus_remote_write=[block])


GLOB = {RINGS: [ring(*BOTH, tenants=["team-*"], tenant_matcher_type="glob")]}
SPLIT = {"thanos_receive_router_extra_args": {"receive.split-tenant-label-name": "team"}}


@pytest.mark.parametrize(
    "parts, option, words",
    [
        pytest.param(
            [writer(), *rings(["x"], ["y"])],
            "receive_tenant",
            "the tenant default-tenant (thanos_receive_default_tenant), and the hashrings of the environment 'default' "
            "take x, y.",
            id="the default tenant",
        ),
        pytest.param([writer("z"), *rings(["x"], ["y"])], "receive_tenant", "as the tenant z, and", id="unlisted"),
        pytest.param([writer("z"), ingestors(2, **{TENANTS: ["x"]})], "receive_tenant", "take x.", id="no routers"),
        pytest.param([writer("y"), *rings(["x"], ["y"])], "", "", id="listed"),
        pytest.param([writer("z"), *rings(["x"])], "", "", id="one ring takes what is left"),
        pytest.param([writer(), *rings(["x"], ["y", "default-tenant"])], "", "", id="the default is listed"),
        pytest.param([by_hand("Thanos-Tenant", "z"), *rings(["x"], ["y"])], "remote_write", "tenant z", id="by hand"),
        pytest.param([by_hand("THANOS-TENANT", "x"), *rings(["x"], ["y"])], "", "", id="by hand, listed"),
        pytest.param([by_hand("T", "z", "a-1.example:10908"), *rings(["x"], ["y"])], "", "", id="behind routers"),
        pytest.param([by_hand("T", "z", "far.example:10908"), *rings(["x"], ["y"])], "", "", id="outside"),
        pytest.param([writer("z"), *rings(["x"], ["y"], **SPLIT)], "", "", id="told by a label"),
        pytest.param([writer("team-a"), ingestors(2, **GLOB)], "", "", id="a glob"),
        pytest.param([writer("tea"), ingestors(2, **GLOB)], "receive_tenant", "take team-*.", id="no such glob"),
    ],
)
def test_t26(parts: list[Part], option: str, words: str) -> None:
    found = told(*parts)
    assert [line.partition(": ")[0] for line in found] == [f"T26 error host p-1, variable prometheus_{option}"] * bool(
        option
    ), found
    assert all(words in line for line in found)


def test_t12_an_ingestor_by_its_own_name() -> None:
    values = {RINGS: [ring("one:1")], "thanos_receive_local_endpoint": "one:1"}
    assert told(ingestors(1, **values)) == []


@pytest.mark.parametrize(
    "values, others, count",
    [
        pytest.param({}, [], 1, id="alone"),
        pytest.param({}, [ingestors(2)], 0, id="ingestors"),
        pytest.param({}, [ingestors(2, prometheus_ha_environment="test")], 1, id="of another environment"),
        pytest.param({RINGS: [ring("far:1", "further:1")]}, [], 0, id="outside"),
        pytest.param({RINGS: []}, [], 1, id="no hashring"),
    ],
)
def test_t20(values: dict[str, t.Any], others: list[Part], count: int) -> None:
    found = told(of("receive_router", "o-1", **values), *others)
    assert [line[:20] for line in found] == ["T20 error host o-1, "] * count
