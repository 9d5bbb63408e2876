# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Peers and targets: every member, each once, in an order that the input does not change."""

from __future__ import annotations

import random
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._peers import alertmanager_targets, cluster_peers
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import normal_address, split_host_port
from hypothesis import given
from hypothesis import strategies as st

ADDRESSES = st.one_of(
    st.ip_addresses().map(str).filter(lambda text: text not in ("0.0.0.0", "::")),
    st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True),
)
MEMBERS = st.lists(
    st.builds(lambda address, port: {"address": address, "cluster_port": port}, ADDRESSES, st.integers(1, 65535))
)


@pytest.mark.parametrize(
    ("members", "options", "expected"),
    [
        ([], {}, []),
        (["10.0.0.10", "10.0.0.9"], {}, ["10.0.0.9:9094", "10.0.0.10:9094"]),
        (["b", "::2", "10.0.0.1", "a"], {}, ["10.0.0.1:9094", "[::2]:9094", "a:9094", "b:9094"]),
        (["a", "b", "A", "b:9094", {"address": "b"}], {}, ["a:9094", "b:9094"]),
        (["a", "a:9095"], {}, ["a:9094", "a:9095"]),
        (["a", "b"], {"own": "a"}, ["b:9094"]),
        (["2001:db8:0::1", "b"], {"own": {"address": "2001:db8::1"}}, ["b:9094"]),
        (["a", "b"], {"own": "a", "include_own": True}, ["a:9094", "b:9094"]),
        (["b"], {"own": "a", "include_own": True}, ["a:9094", "b:9094"]),
        (["b"], {"own": "a"}, ["b:9094"]),
        ([{"address": "a", "cluster_port": 9194}], {"port": 7000}, ["a:9194"]),
        (["a"], {"port": 7000}, ["a:7000"]),
    ],
)
def test_peers(members: list[t.Any], options: dict[str, t.Any], expected: list[str]) -> None:
    assert cluster_peers(members, **options) == [f"--cluster.peer={peer}" for peer in expected]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([{"port": 1}], "has no address"),
        ([7], "has no address"),
        (["http://a"], "not an address"),
        ([{"address": "a", "cluster_port": 0}], "0 is not a port"),
        (["0.0.0.0"], "no address that others can reach"),
        (["[::]:9094"], "no address that others can reach"),
        ("a", "list of them"),
        (None, "list of them"),
    ],
)
@pytest.mark.parametrize("function", [cluster_peers, lambda members, where: alertmanager_targets(members, where=where)])
def test_refuses(function: t.Callable[..., t.Any], members: t.Any, words: str) -> None:
    if function is not cluster_peers and isinstance(members, list) and members and isinstance(members[0], dict):
        members = [{"port" if key == "cluster_port" else key: value for key, value in members[0].items()}]
    with pytest.raises(HAError, match=words) as caught:
        function(members, where="group mesh")
    assert caught.value.where == "group mesh"


@given(MEMBERS, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(members: list[dict[str, t.Any]], rng: random.Random) -> None:
    shuffled = members * 2
    rng.shuffle(shuffled)
    peers = cluster_peers(members)
    assert cluster_peers(shuffled) == peers
    endpoints = [split_host_port(peer.partition("=")[2]) for peer in peers]
    assert len(set(endpoints)) == len(endpoints)
    assert set(endpoints) == {(normal_address(member["address"]), member["cluster_port"]) for member in members}


@given(MEMBERS.filter(bool))
def test_own_is_exactly_what_is_left_out(members: list[dict[str, t.Any]]) -> None:
    every, others = cluster_peers(members), cluster_peers(members, own=members[0])
    assert cluster_peers(members, own=members[0], include_own=True) == every
    assert set(every) - set(others) == set(cluster_peers(members[:1]))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([], []),
        (["10.0.0.2", "10.0.0.1:9193"], [("http", "/", ["10.0.0.1:9193", "10.0.0.2:9093"])]),
        (
            [
                {"address": "b", "port": 443, "scheme": "https", "route_prefix": "am/"},
                {"address": "::1"},
                {"address": "a", "port": 443, "scheme": "https", "route_prefix": "/am"},
                {"address": "a", "route_prefix": "/"},
            ],
            [("http", "/", ["[::1]:9093", "a:9093"]), ("https", "/am", ["a:443", "b:443"])],
        ),
    ],
)
def test_targets(members: list[t.Any], expected: list[tuple[str, str, list[str]]]) -> None:
    assert alertmanager_targets(members) == [
        {"scheme": scheme, "path_prefix": prefix, "api_version": "v2", "static_configs": [{"targets": targets}]}
        for scheme, prefix, targets in expected
    ]


def test_targets_refuse_another_scheme() -> None:
    with pytest.raises(HAError, match="'ftp' is not a scheme"):
        alertmanager_targets([{"address": "a", "scheme": "ftp"}])
