# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts are asked, and what is made of their answers."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_live import stack
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    alertmanager,
    hosts,
    prometheus,
    topology,
)


def pairs(found: t.Iterable[_live.Way], rule: str) -> set[str]:
    return {f"{way.source}>{way.target}:{way.port}" for way in found if way.rule == rule}


def test_every_member_to_every_other_and_every_prometheus_to_every_member() -> None:
    found = _live.ways(stack())
    gossip = {f"a-{one}>a-{two}:9094" for one in (1, 2, 3) for two in (1, 2, 3) if one != two}
    assert pairs(found, "A04") == gossip
    assert pairs(found, "X04") == {f"p-{one}>a-{two}:9093" for one in (1, 2) for two in (1, 2, 3)}
    assert {way.protocols for way in found if way.rule == "A04"} == {("tcp", "udp")}
    encrypted = _live.ways(stack(alertmanager_extra_args={"cluster.tls-config": "/etc/tls.yml"}))
    assert {way.protocols for way in encrypted} == {("tcp",)}


def at(*addresses: str) -> list[_live.Way]:
    """From a-1 to a-2's gossip, at these addresses."""
    return [dataclasses.replace(GOSSIP, address=address) for address in addresses]


@pytest.mark.parametrize(
    "host, advertised, dialled",
    [
        ("192.0.2.2", None, ["192.0.2.2"]),
        ("192.0.2.2", "192.0.2.2", ["192.0.2.2"]),
        ("192.0.2.2", "198.51.100.2", ["192.0.2.2", "198.51.100.2"]),
        ("a-2.example", None, ["a-2.example"]),
        ("a-2.example", "198.51.100.2", ["a-2.example", "198.51.100.2"]),
        ("192.0.2.2", "a-2.example", ["192.0.2.2"]),  # the plan refuses it
    ],
)
def test_a_member_is_dialled_at_what_it_advertises(host: str, advertised: str | None, dialled: list[str]) -> None:
    told = {} if advertised is None else {"alertmanager_cluster_advertise_address": advertised}
    model = topology(alertmanager("a-1"), alertmanager("a-2", ansible_host=host, **told))
    found = [way for way in _live.ways(model) if way.target == "a-2"]
    assert [way.address for way in found] == dialled
    assert len({way.id for way in found}) == len(dialled)
    assert [way.option for way in found] == ["cluster_port", "cluster_advertise_address"][: len(dialled)]


def test_what_was_heard_proves_no_way_by_another_address() -> None:
    ways = at("192.0.2.2", "198.51.100.2")
    fine = {"outcome": {"tcp": "ok", "udp": "ok"}, "said": {}, "heard": ["tcp", "udp"]}
    lost = {"outcome": {"tcp": "timeout", "udp": "timeout"}, "said": {}, "heard": []}
    dialled = {ways[0].id: fine, ways[1].id: lost}
    ended = {"heard": {"9094": {"a-1": ["tcp", "udp"]}}}
    found, unproved = _live.passages(ways, BOTH, {"a-1": dialled}, {"a-2": ended}, ["a-1", "a-2"])
    assert [(one.way.address, one.outcome) for one in found if one.protocol == "udp"] == [
        ("192.0.2.2", "ok"),
        ("198.51.100.2", "timeout"),
    ]
    assert unproved == []
    assert _live.must_end("a-2", ways, {"a-1": {way.id: fine for way in ways}})


def test_only_what_the_topology_connects() -> None:
    apart = topology(
        prometheus("p-1", prometheus_alertmanager_meshes=["eu"]),
        prometheus("p-2", prometheus_agent=True),
        alertmanager("eu-1", "eu-2", alertmanager_mesh="eu"),
        alertmanager("us-1", alertmanager_mesh="us", alertmanager_port=9193),
        alertmanager("test-1", prometheus_ha_environment="test"),
        alertmanager("gone-1", alertmanager_mesh="eu", alertmanager_state="absent"),
        hosts("both", groups=["prometheus", "alertmanager"], alertmanager_config=AM_CONFIG, alertmanager_mesh="us"),
    )
    found = _live.ways(apart)
    assert pairs(found, "A04") == {"eu-1>eu-2:9094", "eu-2>eu-1:9094", "us-1>both:9094", "both>us-1:9094"}
    assert pairs(found, "X04") == {
        "p-1>eu-1:9093",
        "p-1>eu-2:9093",
        "both>eu-1:9093",
        "both>eu-2:9093",
        "both>us-1:9193",
    }


def test_who_federates_reaches_whom_it_federates() -> None:
    federate = [{"replica_set": "default", "match": ['{__name__=~"job:.+"}'], "mode": "both"}]
    model = topology(
        prometheus("p-1", "p-2", prometheus_port=9190),
        prometheus("g-1", prometheus_replica_set="global", prometheus_federate=federate),
    )
    assert pairs(_live.ways(model), "X04") == {"g-1>p-1:9190", "g-1>p-2:9190"}


def test_who_is_at_the_other_ends() -> None:
    found = _live.peers(stack())
    assert {host: sorted(others) for host, others in found.items()} == {
        "p-1": ["a-1", "a-2", "a-3"],
        "p-2": ["a-1", "a-2", "a-3"],
        "a-1": ["a-2", "a-3", "p-1", "p-2"],
        "a-2": ["a-1", "a-3", "p-1", "p-2"],
        "a-3": ["a-1", "a-2", "p-1", "p-2"],
    }


def test_what_a_host_looks_at() -> None:
    model = stack()
    found = _live.looks(model, _live.ways(model))
    assert list(found) == ["p-1", "p-2", "a-1", "a-2", "a-3"]
    [item] = found["a-1"]
    assert {**item, "ports": None} == {
        "name": "alertmanager",
        "data_dir": "/var/lib/alertmanager",
        "config_file": "/etc/alertmanager/alertmanager.yml",
        "url": "http://127.0.0.1:9093",
        "ports": None,
        "streams": {},
    }
    assert [(port["port"], port["protocol"], port["dialled_by"]) for port in item["ports"]] == [
        (9093, "tcp", ["p-1", "p-2"]),
        (9094, "tcp", ["a-2", "a-3"]),
        (9094, "udp", ["a-2", "a-3"]),
    ]
    [item] = found["p-1"]
    assert (item["url"], [port["dialled_by"] for port in item["ports"]]) == (None, [[]])


def look(*states: str) -> dict[str, t.Any]:
    """An Alertmanager's look: who has 9093/tcp, 9094/tcp and 9094/udp."""
    places = ((9093, "tcp"), (9094, "tcp"), (9094, "udp"))
    ports = [
        {"port": port, "protocol": protocol, "state": state, "said": ""}
        for (port, protocol), state in zip(places, states, strict=True)
    ]
    return {"components": {"alertmanager": {"ports": ports, "gossip_label": "main"}}}


FREE, OWN = look("free", "free", "free"), look("own", "own", "own")
GOSSIP = _live.Way("A04", "a-1", "a-2", "alertmanager", "192.0.2.2", 9094, ("tcp", "udp"), "cluster_port")


@pytest.mark.parametrize(
    "states, by",
    [
        (("free", "free", "free"), "listener"),
        (("foreign", "own", "own"), "component"),
        (("own", "foreign", "free"), None),
        (("free", "unusable", "unusable"), None),
        (("free", "free", "own"), None),
    ],
)
def test_what_is_dialled(states: tuple[str, ...], by: str | None) -> None:
    found = _live.targets([GOSSIP], {"a-2": look(*states)})
    assert [(one["id"], one["by"], one["gossip_label"]) for one in found] == (
        [] if by is None else [("a-2 alertmanager 192.0.2.2:9094", by, "main")]
    )


def test_only_the_protocols_of_a_way_count() -> None:
    encrypted = dataclasses.replace(GOSSIP, protocols=("tcp",))
    [found] = _live.targets([encrypted], {"a-2": look("own", "own", "free")})
    assert (found["by"], found["protocols"]) == ("component", ["tcp"])


def test_hosts_that_did_not_answer_are_not_dialled() -> None:
    assert _live.targets([GOSSIP], {}) == []


def reached(tcp: str = "ok", udp: str = "ok", *heard: str) -> dict[str, t.Any]:
    return {GOSSIP.id: {"outcome": {"tcp": tcp, "udp": udp}, "said": {"udp": "timed out"}, "heard": list(heard)}}


BOTH = {"a-1": FREE, "a-2": FREE}


@pytest.mark.parametrize(
    "looks, dialled, ended, wanted",
    [
        pytest.param(BOTH, reached(), {}, ["ok", "ok"], id="all well"),
        pytest.param(BOTH, reached("ok", "timeout", "tcp"), {}, ["ok", "timeout"], id="no datagram came"),
        pytest.param(BOTH, reached("ok", "timeout", "tcp", "udp"), {}, ["ok", "ok"], id="the reply was lost"),
        pytest.param(
            BOTH, reached("timeout"), {"heard": {"9094": {"a-1": ["udp"]}}}, ["timeout", "ok"], id="TCP is blocked"
        ),
        pytest.param(
            BOTH,
            reached("timeout", "timeout"),
            {"heard": {"9094": {"a-1": ["udp"]}}},
            ["timeout", "ok"],
            id="TCP is blocked, and the reply by UDP was lost",
        ),
        pytest.param(
            BOTH,
            reached("timeout", "timeout"),
            {"heard": {"9094": {"a-3": ["tcp", "udp"]}, "9093": {"a-1": ["udp"]}}},
            ["timeout", "timeout"],
            id="only others were heard",
        ),
        pytest.param(
            BOTH,
            reached("refused", "refused"),
            {"heard": None},
            "what stood in for it on a-2 had ended (see prometheus_ha_preflight_listen)",
            id="it had ended",
        ),
        pytest.param({**BOTH, "a-2": OWN}, reached("refused", "ok"), {}, ["refused", "ok"], id="the component refuses"),
        pytest.param(
            {**BOTH, "a-2": look("own", "foreign", "foreign")},
            {},
            {},
            "alertmanager can't have the port on a-2",
            id="somebody else's port",
        ),
        pytest.param({"a-1": FREE}, {}, {}, "a-2 did not answer", id="no target"),
        pytest.param({"a-2": FREE}, {}, {}, "a-1 did not answer", id="no source"),
        pytest.param(BOTH, None, {}, "a-1 did not answer", id="the source was lost later"),
    ],
)
def test_passages(looks: t.Any, dialled: t.Any, ended: t.Any, wanted: list[str] | str) -> None:
    found, unproved = _live.passages(
        [GOSSIP], looks, {} if dialled is None else {"a-1": dialled}, {"a-2": ended}, ["a-1", "a-2"]
    )
    if isinstance(wanted, str):
        assert (found, [one.why for one in unproved]) == ([], [wanted])
        is_within = len(looks) == 2
        assert [one.is_within for one in unproved] == [is_within]
        assert len(_live.tell(unproved)) == (not is_within)
    else:
        assert ([one.outcome for one in found], unproved) == (wanted, [])


@pytest.mark.parametrize(
    "play, why",
    [
        (["a-1"], "a-2 was not asked: outside --limit, or nothing starts there"),
        (["a-2"], "a-1 was not asked: outside --limit, or nothing starts there"),
        ([], "a-1 and a-2 were not asked: outside --limit, or nothing starts there"),
    ],
)
def test_a_limited_run(play: list[str], why: str) -> None:
    found, unproved = _live.passages([GOSSIP], {}, {}, {}, play)
    assert found == []
    assert _live.tell(unproved) == [f"not proved, {why}: a-1 -> a-2 192.0.2.2:9094 (tcp, udp)"]


def test_what_is_not_proved_is_told_briefly() -> None:
    many = [_live.Unproved(way, "x is not part of this run") for way in _live.ways(stack())]
    [line] = _live.tell(many)
    assert line.endswith(" and 7 more")


@pytest.mark.parametrize(
    "dialled, wanted",
    [
        ({"a-1": reached()}, False),
        ({"a-1": reached("ok", "timeout")}, False),  # it said goodbye over TCP
        ({"a-1": reached("timeout")}, True),
        ({"a-1": {}}, True),
        ({}, True),
    ],
)
def test_whose_listener_may_still_be_there(dialled: t.Any, wanted: bool) -> None:
    assert _live.must_end("a-2", [GOSSIP], dialled) is wanted
    assert _live.must_end("a-1", [GOSSIP], dialled) is False


def test_an_answer_as_the_rules_see_it() -> None:
    model = stack()
    asked = _live.looks(model, ())["p-1"]
    folder = {
        "path": "/var/lib/prometheus",
        "existing": "/var/lib",
        "mount": {"point": "/", "type": "xfs", "source": "/dev/vda", "read_only": False},
        "size": 10,
        "free": 5,
        "used": 1,
    }
    seen = _live.host_seen(
        {
            "systemd": {"version": 252, "runs": True},
            "clock": [-0.1, 0.3],
            "components": {
                "prometheus": {
                    "version": "3.5.3",
                    "gossip_label": "",
                    "external_labels": "  external_labels:\n    replica: p-1\n    dc: 5\n",
                    "ports": [{"port": 9090, "protocol": "tcp", "state": "own", "said": ""}],
                    "in_the_way": [{"what": "x.", "do": "y."}],
                    "folder": folder,
                    "mesh": None,
                }
            },
        },
        asked,
    )
    assert (seen.systemd_version, seen.systemd_runs) == (252, True)
    assert seen.clock is not None
    assert round(seen.clock.offset, 3) == 0.1
    found = seen.components["prometheus"]
    assert found.external_labels == {"replica": "p-1", "dc": "5"}
    assert found.in_the_way == (("x.", "y."),)
    assert found.folder == _live.Folder("/var/lib/prometheus", "/", "xfs", "/dev/vda", False, 10, 5, 1)
    assert found.ports == (_live.PortSeen(9090, "tcp", "0.0.0.0", "prometheus_port", "own", ""),)
    assert found.runs


@pytest.mark.parametrize("text", ["", "  external_labels: [a\n", "  external_labels: x\n", "other: {a: b}\n"])
def test_labels_that_can_not_be_read(text: str) -> None:
    assert _live._labels(text) is None
