"""The address plan: fixed addresses, and hosts that never move."""

from __future__ import annotations

import pytest

from lab import plan
from lab.errors import LabError


def test_demo_topology_has_fixed_addresses() -> None:
    lab = plan.make_plan("demo", plan.topology("demo"))
    assert [(host.name, host.address) for host in lab.hosts] == [
        ("eu-1", "172.30.90.11"),
        ("eu-2", "172.30.90.12"),
        ("us-1", "172.30.90.13"),
        ("us-2", "172.30.90.14"),
        ("am-1", "172.30.90.15"),
        ("am-2", "172.30.90.16"),
        ("am-3", "172.30.90.17"),
    ]
    assert lab.gateway == "172.30.90.1"
    assert lab.services_address == "172.30.90.2"
    assert lab.network == "pha-demo"
    assert lab.hosts[0].container == "pha-demo-eu-1"
    assert lab.mirror_url == "http://172.30.90.2:8080"


def test_pair4_topology() -> None:
    lab = plan.make_plan("default", plan.topology("pair4"))
    assert [host.address[-2:] for host in lab.hosts] == ["11", "12", "13", "14"]


def test_every_fixed_subnet_is_its_own() -> None:
    assert len(set(plan.SUBNETS.values())) == len(plan.SUBNETS)


def test_bridge_name_fits_into_an_interface_name() -> None:
    assert len(plan.make_plan("a-rather-long-name", ["a"], "172.30.99.0/24").bridge) <= 15


@pytest.mark.parametrize(
    ("name", "hosts", "subnet", "message"),
    [
        ("mine", ["a"], None, "give --subnet"),
        ("dev", [], None, "at least one host"),
        ("dev", ["a", "a"], None, "named twice"),
        ("dev", ["A"], None, "lower-case"),
        ("dev", ["a; rm"], None, "lower-case"),
        ("Dev", ["a"], None, "lower-case"),
        ("dev", ["services"], None, "taken"),
        ("dev", ["a"], "8.8.8.0/24", "only private"),
        ("dev", ["a"], "172.30.1.1/24", "host bits"),
        ("dev", [f"h{n}" for n in range(6)], "172.30.99.0/28", "too small"),
    ],
)
def test_refused(name: str, hosts: list[str], subnet: str | None, message: str) -> None:
    with pytest.raises(LabError, match=message):
        plan.make_plan(name, hosts, subnet)


def test_smallest_subnet_that_fits() -> None:
    lab = plan.make_plan("dev", [f"h{n}" for n in range(4)], "172.30.99.0/28")
    assert lab.hosts[-1].address == "172.30.99.14"


def test_unknown_topology_and_host() -> None:
    with pytest.raises(LabError, match="demo, drills, federation, pair4"):
        plan.topology("nope")
    with pytest.raises(LabError, match="it has: a, b"):
        plan.make_plan("dev", ["a", "b"]).host("c")


@pytest.mark.parametrize(
    ("known", "asked", "wanted"),
    [
        (["a", "b"], None, ("a", "b")),
        (["a", "b"], ["a", "b"], ("a", "b")),
        (["a", "b"], ["a", "b", "c"], ("a", "b", "c")),
        (["a", "b"], ["a"], ("a", "b")),
    ],
)
def test_hosts_grow_at_the_end(known: list[str], asked: list[str] | None, wanted: tuple[str, ...]) -> None:
    assert plan.merge_hosts(known, asked) == wanted


def test_moving_addresses_is_refused() -> None:
    with pytest.raises(LabError, match="--fresh"):
        plan.merge_hosts(["a", "b"], ["b", "a"])


def test_parse_hosts() -> None:
    assert plan.parse_hosts(" a, b,,c ") == ("a", "b", "c")
