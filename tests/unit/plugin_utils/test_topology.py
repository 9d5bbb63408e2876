# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From inventory to topology: groups, cohorts, environments, addresses, and what is wrong with single variables."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._registry import KINDS, NAMES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Place
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    alertmanager,
    findings,
    hosts,
    prometheus,
    snapshot,
    topology,
)


@pytest.mark.parametrize(
    "groups, values, expected",
    [
        pytest.param(["prometheus"], {}, ["prometheus"], id="prometheus"),
        pytest.param(["alertmanager"], {}, ["alertmanager"], id="alertmanager"),
        pytest.param(["prometheus", "alertmanager"], {}, ["prometheus", "alertmanager"], id="both on one host"),
        pytest.param(["webserver"], {}, [], id="neither"),
        pytest.param(["mon"], {"prometheus_ha_groups": {"prometheus": "mon"}}, ["prometheus"], id="renamed"),
        pytest.param(["prometheus"], {"prometheus_ha_groups": {"prometheus": "mon"}}, [], id="the former name no more"),
        pytest.param(["alertmanager"], {"prometheus_ha_groups": {"prometheus": "mon"}}, ["alertmanager"], id="others"),
        pytest.param(["mon"], {"prometheus_ha_groups": '{"prometheus": "mon"}'}, ["prometheus"], id="as JSON text"),
    ],
)
def test_what_runs_where(groups: list[str], values: dict[str, t.Any], expected: list[str]) -> None:
    found = topology(hosts("a", groups=groups, **values))
    assert [instance.kind.name for instance in found.instances] == expected


def test_cohorts_keep_the_order_of_the_inventory_and_environments_apart() -> None:
    found = topology(
        prometheus("eu-2", "eu-1", prometheus_replica_set="eu"),
        prometheus("us-1", prometheus_replica_set="us"),
        prometheus("t-1", prometheus_replica_set="eu", prometheus_ha_environment="test"),
        alertmanager("am-1"),
        alertmanager("t-2", prometheus_ha_environment="test"),
    )
    members = {key: [member.name for member in cohort.instances] for key, cohort in found.cohorts.items()}
    assert members == {
        ("prometheus", "default", "eu"): ["eu-2", "eu-1"],
        ("prometheus", "default", "us"): ["us-1"],
        ("prometheus", "test", "eu"): ["t-1"],
        ("alertmanager", "default", "default"): ["am-1"],
        ("alertmanager", "test", "default"): ["t-2"],
    }
    titles = [cohort.title for cohort in found.cohorts.values()]
    sets = ["replica set eu", "replica set us", "replica set eu of test"]
    assert titles == [*sets, "mesh default", "mesh default of test"]


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param({}, ["a", "b"], id="every mesh"),
        pytest.param({"prometheus_alertmanager_meshes": ["b"]}, ["b"], id="the named one"),
        pytest.param({"prometheus_alertmanager_meshes": []}, [], id="none"),
        pytest.param({"prometheus_ha_environment": "test"}, ["c"], id="of its environment alone"),
    ],
)
def test_meshes(values: dict[str, t.Any], expected: list[str]) -> None:
    found = topology(
        prometheus("p", **values),
        alertmanager("am-1", "am-2", alertmanager_mesh="a"),
        alertmanager("am-3", alertmanager_mesh="b"),
        alertmanager("am-4", alertmanager_mesh="c", prometheus_ha_environment="test"),
    )
    assert [mesh.name for mesh in found.meshes(found.instances[0])] == expected


def test_absent_ones_leave_the_cohorts_but_stay_known() -> None:
    found = topology(alertmanager("am-1", "am-2"), alertmanager("am-3", alertmanager_state="absent"))
    assert [member.name for member in found.cohorts["alertmanager", "default", "default"].instances] == ["am-1", "am-2"]
    assert [instance.name for instance in found.leaving] == ["am-3"]
    assert list(found.by_host) == ["am-1", "am-2", "am-3"]


@pytest.mark.parametrize(
    ("former", "places"),
    [
        pytest.param({}, [(9090, "/p")], id="nothing moves"),
        pytest.param({("p", "prometheus"): Place(9999, "")}, [(9999, ""), (9090, "/p")], id="the planned one last"),
        pytest.param({("p", "prometheus"): Place(9999)}, [(9999, "/p"), (9090, "/p")], id="its path stays"),
        pytest.param({("p", "prometheus"): Place(9090, "/p")}, [(9090, "/p")], id="what moves is something else"),
        pytest.param(
            {("p", "alertmanager"): Place(9999, ""), ("q", "prometheus"): Place(1, "")}, [(9090, "/p")], id="another's"
        ),
    ],
)
def test_places(former: dict[tuple[str, str], Place], places: list[tuple[int, str]]) -> None:
    found = dataclasses.replace(topology(prometheus("p", prometheus_route_prefix="/p")), former=former)
    assert found.places(found.instances[0]) == places


@pytest.mark.parametrize(
    "values, address, url, own_url",
    [
        pytest.param({}, "p.example", "http://p.example:9090", "http://127.0.0.1:9090", id="ansible_host"),
        pytest.param({"ansible_host": None}, "p", "http://p:9090", "http://127.0.0.1:9090", id="the host's name"),
        pytest.param(
            {"prometheus_ha_address": "10.0.0.1"}, "10.0.0.1", "http://10.0.0.1:9090", "http://127.0.0.1:9090", id="own"
        ),
        pytest.param(
            {"ansible_host": "2001:DB8::1", "prometheus_listen_address": "::"},
            "2001:db8::1",
            "http://[2001:db8::1]:9090",
            "http://[::1]:9090",
            id="IPv6",
        ),
        pytest.param(
            {"ansible_host": "[2001:db8::1]"},
            "2001:db8::1",
            "http://[2001:db8::1]:9090",
            "http://127.0.0.1:9090",
            id="IPv6 in brackets",
        ),
        pytest.param(
            {"prometheus_listen_address": "10.0.0.9", "prometheus_port": 19090},
            "p.example",
            "http://p.example:19090",
            "http://10.0.0.9:19090",
            id="one listen address",
        ),
        pytest.param(
            {"prometheus_external_url": "https://mon.example/eu/prom/"},
            "p.example",
            "http://p.example:9090/eu/prom",
            "http://127.0.0.1:9090/eu/prom",
            id="the external URL's path is the prefix",
        ),
        pytest.param(
            {"prometheus_external_url": "https://mon.example/eu/", "prometheus_route_prefix": "/"},
            "p.example",
            "http://p.example:9090",
            "http://127.0.0.1:9090",
            id="a prefix of its own counts more",
        ),
        pytest.param(
            {"prometheus_route_prefix": "prom/"},
            "p.example",
            "http://p.example:9090/prom",
            "http://127.0.0.1:9090/prom",
            id="a prefix without a slash in front",
        ),
        pytest.param(
            {"prometheus_external_url": "https://mon.example"},
            "p.example",
            "http://p.example:9090",
            "http://127.0.0.1:9090",
            id="an external URL without a path",
        ),
    ],
)
def test_endpoint(values: dict[str, t.Any], address: str, url: str, own_url: str) -> None:
    instance = topology(prometheus("p", **values)).instances[0]
    assert (instance.address, instance.url, instance.own_url) == (address, url, own_url)


@pytest.mark.parametrize(
    "values, variable",
    [
        pytest.param({"prometheus_ha_address": "http://p"}, "prometheus_ha_address", id="a URL for an address"),
        pytest.param({"ansible_host": "10.0.0.1:9090"}, "ansible_host", id="an address with a port"),
        pytest.param({"prometheus_port": 99999}, "prometheus_port", id="port"),
        pytest.param({"prometheus_listen_address": "*"}, "prometheus_listen_address", id="listen address"),
        pytest.param({"prometheus_listen_address": ""}, "prometheus_listen_address", id="no listen address"),
        pytest.param({"prometheus_route_prefix": "/a b"}, "prometheus_route_prefix", id="prefix"),
    ],
)
def test_an_unusable_endpoint_is_one_finding_that_names_its_variable(values: dict[str, t.Any], variable: str) -> None:
    found = findings(prometheus("p", **values), prometheus("q"), alertmanager("am-1", "am-2"))
    assert len(found) == 1
    assert f"I03 error host p, variable {variable}: " in found[0]


def test_an_unusable_member_is_not_repeated_by_each_prometheus_and_peer() -> None:
    found = findings(prometheus("a", "b"), alertmanager("am-1", "am-2"), alertmanager("am-3", ansible_host="x y"))
    assert [line.partition(": ")[0] for line in found] == ["I03 error host am-3, variable ansible_host"]
    found = findings(prometheus("a", "b"), alertmanager("am-1", "am-2"), alertmanager("am-3", alertmanager_port=0))
    assert [line.partition(": ")[0] for line in found] == ["I03 error host am-3, variable alertmanager_port"]
    found = findings(alertmanager("am-1", "am-2"), alertmanager("am-3", alertmanager_cluster_port=0))
    assert [line.partition(": ")[0] for line in found] == ["I03 error host am-3, variable alertmanager_cluster_port"]


@pytest.mark.parametrize(
    "text, expected",
    [("10.0.0.1", "10.0.0.1"), ("[2001:DB8::1]", "2001:db8::1"), ("am-1", None), ("10.0.0.1:9094", None), ("", None)],
)
def test_ip_literal(text: str, expected: str | None) -> None:
    assert _topology.ip_literal(text) == expected


def test_a_wrong_type_is_one_finding_for_all_hosts_of_its_line() -> None:
    line = {"prometheus_port": "/inv/group_vars/eu.yml:3"}
    found = findings(
        prometheus("a", "b", "c", prometheus_port="many", origins=line),
        prometheus("d", prometheus_port="many", origins={"prometheus_port": "/inv/host_vars/d.yml:1"}),
    )
    assert [text.partition(": ")[0] for text in found] == [
        "I02 error hosts a, b, c, variable prometheus_port (/inv/group_vars/eu.yml:3)",
        "I02 error host d, variable prometheus_port (/inv/host_vars/d.yml:1)",
    ]


def test_a_common_variable_of_a_host_in_both_groups_is_named_once() -> None:
    values: dict[str, t.Any] = {"alertmanager_config": AM_CONFIG, "prometheus_ha_release_keep": "some"}
    found = findings(hosts("a", groups=["prometheus", "alertmanager"], **values))
    assert [text.partition(": ")[0] for text in found] == ["I02 error host a, variable prometheus_ha_release_keep"]


def test_a_value_that_cannot_be_read_hits_those_who_use_it_alone() -> None:
    problems = {"alertmanager_config": "'vault_smtp' is undefined", "prometheus_rules": "'x' is undefined"}
    found = findings(
        alertmanager("am-1", "am-2", "am-3", alertmanager_config=None, problems=problems),
        prometheus("p"),
        hosts("web", groups=["webserver"], problems=problems),
    )
    assert found == [
        "I01 error hosts am-1, am-2, am-3, variable alertmanager_config: the value can't be read: "
        "'vault_smtp' is undefined. Do: define what it uses, or correct it."
    ]


@pytest.mark.parametrize(
    "values, problems, rule",
    [
        pytest.param({"prometheus_ha_groups": ["mon"]}, {}, "I02", id="of the wrong type"),
        pytest.param({}, {"prometheus_ha_groups": "no vault secret"}, "I01", id="unreadable"),
    ],
)
def test_group_names_are_checked_also_on_hosts_that_are_then_in_no_group(
    values: dict[str, t.Any], problems: dict[str, str], rule: str
) -> None:
    found = findings(hosts("a", "b", groups=["mon"], problems=problems, **values))
    assert [text.partition(": ")[0] for text in found] == [f"{rule} error hosts a, b, variable prometheus_ha_groups"]


def test_the_model_reads_every_option_and_nothing_of_others() -> None:
    assert {"prometheus_port", "alertmanager_config", "prometheus_ha_groups", "ansible_host"} <= NAMES
    assert {name.partition("_")[0] for name in NAMES} == {
        "ansible",
        *(kind.name.partition("_")[0] for kind in KINDS),
    }


def test_a_problem_of_a_variable_nobody_reads_is_no_finding() -> None:
    found = _topology.build(snapshot(prometheus("p", problems={"my_own": "undefined"})), KINDS)
    assert (found.unreadable, found.mistyped) == ((), ())


def test_an_address_is_judged_only_when_somebody_needs_it() -> None:
    leaving = topology(prometheus("p", ansible_host="x y", prometheus_state="absent")).leaving[0]
    with pytest.raises(HAError, match="ansible_host"):
        str(leaving.address)
    assert findings(prometheus("p", ansible_host="x y", prometheus_state="absent")) == []
