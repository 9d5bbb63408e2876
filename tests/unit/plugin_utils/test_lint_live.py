# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live rules over ways between peers, and over what holds their ports."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.live import names
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import PortSeen, Unproved
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_live import blocked, stack, told, well

TCP = PortSeen(9094, "tcp", "0.0.0.0", "alertmanager_cluster_port", "own", "")


def test_all_is_well() -> None:
    assert told(well()) == []


@pytest.mark.parametrize(
    "of, outcome, said, words",
    [
        pytest.param(
            {"target": "a-2", "protocol": "udp", "component": "alertmanager"},
            "timeout",
            "",
            ["A04 error host a-2, variable alertmanager_cluster_port: nothing comes through from a-1, a-3 to a-2 by "
             "UDP on a-2.example:9094 (alertmanager): no answer within 3 s", "Do: open udp 9094 from a-1, a-3 to a-2"],
            id="all to one by UDP",
        ),
        pytest.param(
            {"source": "a-1", "target": "a-3", "protocol": "tcp"},
            "timeout",
            "",
            ["from a-1 to a-3 by TCP"],
            id="one way by TCP",
        ),
        pytest.param(
            {"source": "a-1", "target": "a-3", "protocol": "tcp"},
            "refused",
            "Connection refused",
            ["it is refused though alertmanager's port is held there on 0.0.0.0", "listen on the address"],
            id="refused",
        ),
        pytest.param(
            {"source": "p-2", "target": "a-3"},
            "unresolved",
            "Name or service not known",
            ["X04 error host a-3, variable alertmanager_port:", "p-2 can't resolve a-3.example (Name or service not"],
            id="a name",
        ),
        pytest.param(
            {"target": "a-1", "component": "alertmanager", "protocol": "tcp", "port": 9093},
            "stranger",
            "",
            ["X04 error host a-1, variable alertmanager_port: something else answers from p-1, p-2 to a-1 by TCP on "
             "a-1.example:9093"],
            id="somebody else",
        ),
        pytest.param(
            {"source": "p-1", "target": "a-1"}, "unreachable", "No route to host", ["No route to host"], id="no route"
        ),
    ],
)  # fmt: skip
def test_a_way_that_is_not_open(of: dict[str, t.Any], outcome: str, said: str, words: list[str]) -> None:
    found = told(blocked(well(), outcome=outcome, said=said, **of))
    assert len(found) == 1, found
    assert [part for part in words if part not in found[0]] == [], found[0]


def test_a_way_that_was_not_proved_is_undecided() -> None:
    seen = well()
    ways = [one.way for one in seen.passages if one.way.target == "a-2" and one.protocol == "tcp"]
    within = [Unproved(way, "what stood in for it on a-2 had ended", True) for way in ways]
    found = told(dataclasses.replace(seen, unproved=tuple(within)))
    assert len(found) == 2, found
    assert found[0].startswith("A04 undecided host a-2, variable alertmanager_cluster_port: whether there is a way ")
    assert "from a-1, a-3 to a-2 on a-2.example:9094 (tcp, udp) was not proved: what stood in for it" in found[0]
    assert found[1].startswith("X04 undecided host a-2, variable alertmanager_port: ")
    outside = [dataclasses.replace(one, is_within=False) for one in within]
    assert told(dataclasses.replace(seen, unproved=tuple(outside))) == []


def test_both_directions_are_two_problems() -> None:
    seen = blocked(
        blocked(well(), source="a-1", target="a-2", protocol="tcp"), source="a-2", target="a-1", protocol="tcp"
    )
    assert sorted(line.partition(" by ")[0].rpartition("from ")[2] for line in told(seen)) == [
        "a-1 to a-2",
        "a-2 to a-1",
    ]


def test_many_hosts_are_counted() -> None:
    assert names([f"h{number}" for number in range(12)]).endswith("h9 and 2 more")
    assert names(["a", "b", "a"]) == "a, b"


def mesh(**peers: int) -> dict[str, t.Any]:
    """Members that run, each with the number of peers that it sees."""
    found: dict[str, t.Any] = {}
    for name, count in peers.items():
        view = {"reachable": True, "peers": [{"address": f"192.0.2.{number}:9094"} for number in range(count)]}
        found[name] = {"ports": (TCP,), "mesh": view}
    return found


def test_a_running_mesh_is_whole() -> None:
    assert told(well(None, **mesh(a_1=3, a_2=3, a_3=3))) == []


def test_a_member_that_misses_another() -> None:
    found = told(well(None, **mesh(a_1=3, a_2=2, a_3=3)))
    assert len(found) == 1
    assert "a-2 sees 2 of the 3 members of mesh default: 192.0.2.0:9094, 192.0.2.1:9094." in found[0]
    assert found[0].startswith("A04 error host a-2, variable alertmanager_mesh: ")


def test_a_mesh_that_is_not_all_started_is_not_counted() -> None:
    assert told(well(None, **mesh(a_1=2, a_2=2))) == []


def test_a_member_that_hangs() -> None:
    parts = mesh(a_1=3, a_2=3, a_3=3)
    parts["a_3"]["mesh"] = {"reachable": False, "error": "timed out", "peers": []}
    found = told(well(None, **parts))
    assert [line for line in found if "does not say whom it sees: timed out." in line] == found != []


def test_a_mesh_of_one_has_nobody_to_see() -> None:
    alone = well(stack(alertmanager_state="present"), **mesh(a_1=3, a_2=3, a_3=3))
    assert told(alone) == []


@pytest.mark.parametrize(
    "state, said, words",
    [
        (
            "foreign",
            "The port tcp/9093 is in use by pid 183 (python3) of squatter.service.",
            "pid 183 (python3) of squatter.service. Do: stop it, or set alertmanager_port to a free port.",
        ),
        (
            "unusable",
            "Cannot assign requested address",
            "alertmanager can't listen on tcp 192.0.2.9:9093 of a-1: Cannot assign requested address. Do: give it an",
        ),
    ],
)
def test_a_port_that_the_component_can_not_have(state: str, said: str, words: str) -> None:
    port = PortSeen(9093, "tcp", "192.0.2.9", "alertmanager_port", state, said)
    found = told(well(None, a_1={"ports": (port,)}))
    assert len(found) == 1
    assert found[0].startswith("H01 error host a-1, variable alertmanager_port: ")
    assert words in found[0]


def test_another_installation() -> None:
    found = told(well(None, p_1={"in_the_way": (("prometheus.service is not ours.", "remove it."),)}))
    assert found == ["H01 error host p-1: prometheus.service is not ours. Do: remove it."]


def test_a_host_that_was_lost() -> None:
    found = told(dataclasses.replace(well(), lost={"a-2": "dial"}))
    assert len(found) == 1
    assert found[0].startswith("H02 error host a-2: it could not be reached or failed at the step dial")
