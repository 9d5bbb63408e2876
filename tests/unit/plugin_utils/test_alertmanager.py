# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slice of an Alertmanager: configuration, templates, peers and flags of a mesh member."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _render
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import alertmanager as component
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    Controller,
    alertmanager,
    contents,
    findings,
    flags,
    good,
    loaded,
    slice_of,
    snapshot,
)


def render(*names: str, files: t.Mapping[str, str] | None = None, **values: t.Any) -> dict[str, t.Any]:
    """The slice of the first of these members."""
    names = names or ("am-1", "am-2", "am-3")
    return slice_of(good(alertmanager(*names, **values), files=files), names[0], "alertmanager")


def test_members_share_configuration_and_list_all_peers_but_themselves() -> None:
    plan = good(
        alertmanager("am-1", ansible_host="10.0.0.1"),
        alertmanager("am-2", ansible_host="2001:db8::2", alertmanager_cluster_port=19094),
        alertmanager("am-3"),
        alertmanager("other", alertmanager_mesh="other"),
        alertmanager("test", prometheus_ha_environment="test"),
    )
    items = {name: slice_of(plan, name, "alertmanager") for name in ("am-1", "am-2", "am-3", "other", "test")}
    assert len({contents(item)["alertmanager.yml"] for item in items.values()}) == 1
    peers = {name: flags(item).get("--cluster.peer") for name, item in items.items()}
    assert peers == {
        "am-1": ["[2001:db8::2]:19094", "am-3.example:9094"],
        "am-2": ["10.0.0.1:9094", "am-3.example:9094"],
        "am-3": ["10.0.0.1:9094", "[2001:db8::2]:19094"],
        "other": None,
        "test": None,
    }
    assert [item["expect"]["members"] for item in items.values()] == [3, 3, 3, 1, 1]
    assert [flags(item)["--cluster.label"] for item in items.values()] == [
        *[["default-default"]] * 3,
        ["default-other"],
        ["test-default"],
    ]


def test_an_absent_member_leaves_the_peers_lists() -> None:
    plan = good(alertmanager("am-1", "am-2"), alertmanager("am-3", alertmanager_state="absent"))
    item = slice_of(plan, "am-1", "alertmanager")
    assert flags(item)["--cluster.peer"] == ["am-2.example:9094"]
    assert item["expect"] == {"members": 2}
    gone = slice_of(plan, "am-3", "alertmanager")
    assert gone["state"] == "absent"
    assert gone["config"] == {"root": "/etc/alertmanager", "files": [], "owner": "root", "group": "root"}


DEFAULTS = {
    "--config.file": ["/etc/alertmanager/alertmanager.yml"],
    "--storage.path": ["/var/lib/alertmanager"],
    "--data.retention": ["120h"],
    "--web.listen-address": ["0.0.0.0:9093"],
    "--cluster.listen-address": ["0.0.0.0:9094"],
    "--cluster.advertise-address": ["{host_ip}:9094"],
    "--cluster.label": ["default-default"],
    "--cluster.peer-timeout": ["15s"],
    "--cluster.gossip-interval": ["200ms"],
    "--cluster.pushpull-interval": ["60s"],
    "--cluster.settle-timeout": ["60s"],
    "--cluster.peer": ["am-2.example:9094", "am-3.example:9094"],
}


@pytest.mark.parametrize(
    "values, changed",
    [
        pytest.param({}, {}, id="defaults"),
        pytest.param(
            {"alertmanager_cluster_advertise_address": "10.0.0.1", "alertmanager_cluster_label": "x"},
            {"--cluster.advertise-address": ["10.0.0.1:9094"], "--cluster.label": ["x"]},
            id="advertised IP",
        ),
        pytest.param(
            {"alertmanager_cluster_advertise_address": "2001:DB8::1"},
            {"--cluster.advertise-address": ["[2001:db8::1]:9094"]},
            id="advertised IPv6",
        ),
        pytest.param(
            {"alertmanager_listen_address": "::", "alertmanager_cluster_listen_address": "::"},
            {"--web.listen-address": ["[::]:9093"], "--cluster.listen-address": ["[::]:9094"]},
            id="IPv6 of every address",
        ),
        pytest.param(
            {"alertmanager_external_url": "https://x.example/am", "alertmanager_route_prefix": "/"},
            {"--web.external-url": ["https://x.example/am"], "--web.route-prefix": ["/"]},
            id="external URL without its path as prefix",
        ),
        pytest.param(
            {"alertmanager_extra_args": {"cluster.peer": "old.example:9094", "cluster.probe-interval": "2s"}},
            None,
            id="peers are the plan's",
        ),
        pytest.param(
            {"alertmanager_cluster_peer_timeout": "20s", "alertmanager_cluster_settle_timeout": "30s"},
            {"--cluster.peer-timeout": ["20s"], "--cluster.settle-timeout": ["30s"]},
            id="time-outs",
        ),
        pytest.param(
            {"alertmanager_version": "0.33.1", "alertmanager_extra_args": {"alerts.per-alertname-limit": 10}},
            {"--alerts.per-alertname-limit": ["10"], "--dispatch.start-delay": ["1m"]},
            id="a flag of this version",
        ),
        pytest.param(
            {"alertmanager_version": "0.30.0", "alertmanager_dispatch_start_delay": "10s"},
            {"--dispatch.start-delay": ["10s"]},
            id="held back after a start",
        ),
        pytest.param(
            {"alertmanager_version": "0.29.0", "alertmanager_dispatch_start_delay": "10s"}, {}, id="before 0.30"
        ),
    ],
)
def test_flags(values: dict[str, t.Any], changed: dict[str, list[str]] | None) -> None:
    if changed is None:
        found = findings(alertmanager("am-1", "am-2", "am-3", **values))
        assert len(found) == 1
        assert "--cluster.peer has a variable of its own: set alertmanager_mesh" in found[0]
    else:
        assert flags(render(**values)) == {**DEFAULTS, **changed}


@pytest.mark.parametrize(
    "names, values, expected, towards",
    [
        pytest.param(["a", "b"], {}, "{host_ip}:9094", ["b.example"], id="a name: found on the host, towards a peer"),
        pytest.param(["a"], {}, "127.0.0.1:9094", [], id="alone: nobody needs it, and there is nobody to ask towards"),
        pytest.param(["a"], {"ansible_host": "10.0.0.1"}, "10.0.0.1:9094", [], id="alone, with an IP"),
        pytest.param(
            ["a"],
            {"prometheus_ha_address": "10.0.0.1", "ansible_host": "a.example"},
            "10.0.0.1:9094",
            [],
            id="an IP in the inventory",
        ),
    ],
)
def test_advertised_address(names: list[str], values: dict[str, t.Any], expected: str, towards: list[str]) -> None:
    item = render(*names, **values)
    assert flags(item)["--cluster.advertise-address"] == [expected]
    assert item["service"]["host_ip_towards"] == towards


@pytest.mark.parametrize(
    "values, variable, words",
    [
        pytest.param({"alertmanager_config": None}, "alertmanager_config", "no configuration", id="no configuration"),
        pytest.param(
            {"alertmanager_config": None, "alertmanager_config_file": "no.yml"},
            "alertmanager_config_file",
            "names 0 files",
            id="no such file",
        ),
        pytest.param(
            {"alertmanager_config": None, "alertmanager_config_file": "*.yml"},
            "alertmanager_config_file",
            "names 3 files",
            id="several files",
        ),
        pytest.param(
            {"alertmanager_config": None, "alertmanager_config_file": "bad.yml"},
            "alertmanager_config_file",
            "/inv/bad.yml is not YAML",
            id="not YAML",
        ),
        pytest.param(
            {"alertmanager_config": None, "alertmanager_config_file": "list.yml"},
            "alertmanager_config_file",
            "/inv/list.yml is not a mapping",
            id="not a mapping",
        ),
        pytest.param({"alertmanager_templates": ["x/*"]}, "alertmanager_templates", "'x/*'", id="no template"),
        pytest.param(
            {"alertmanager_version": "0.28"}, "alertmanager_version", "'0.28' is not a version", id="part of a version"
        ),
        pytest.param(
            {"alertmanager_extra_args": {"alerts.per-alertname-limit": 10}},
            "alertmanager_extra_args",
            "added in 0.31",
            id="a flag of a later version",
        ),
        pytest.param(
            {"alertmanager_cluster_listen_address": ""},
            "alertmanager_cluster_listen_address",
            "is not an address",
            id="gossip nowhere",
        ),
        pytest.param(
            {"alertmanager_cluster_port": 70000}, "alertmanager_cluster_port", "70000 is not a port", id="gossip port"
        ),
    ],
)
def test_refused(values: dict[str, t.Any], variable: str, words: str) -> None:
    files = {"/inv/good.yml": "route: {}", "/inv/bad.yml": "a: [", "/inv/list.yml": "[]"}
    found = findings(alertmanager("am-1", "am-2", **values), files=files)
    assert {line.partition(": ")[0] for line in found} <= {
        f"I03 error hosts am-1, am-2, variable {variable}",
        f"I03 error host am-1, variable {variable}",
        f"I03 error host am-2, variable {variable}",
    }
    assert words in found[0]


def test_the_parser_s_words_are_shown() -> None:
    values = {"alertmanager_config": None, "alertmanager_config_file": "bad.yml"}
    found = findings(alertmanager("am-1", **values), files={"/inv/bad.yml": "route:\n  - [a\n"})
    assert "line 3" in found[0]


@pytest.mark.parametrize(
    "values, templates",
    [
        ({}, None),
        ({"alertmanager_templates": ["t/*.tmpl"]}, ["templates/[^.]*"]),
        (
            {
                "alertmanager_templates": ["t/*.tmpl"],
                "alertmanager_config": {**AM_CONFIG, "templates": ["/usr/share/x.tmpl"]},
            },
            ["/usr/share/x.tmpl", "templates/[^.]*"],
        ),
        (
            {
                "alertmanager_templates": ["t/*.tmpl"],
                "alertmanager_config": {**AM_CONFIG, "templates": ["templates/*.tmpl"]},
            },
            ["templates/*.tmpl", "templates/[^.]*"],
        ),
        (
            {"alertmanager_templates": ["t/*.tmpl"], "alertmanager_config": {**AM_CONFIG, "templates": None}},
            ["templates/[^.]*"],
        ),
    ],
)
def test_templates(values: dict[str, t.Any], templates: list[str] | None) -> None:
    files = {"/inv/t/mail.tmpl": '{{ define "a" }}x{{ end }}', "/inv/t/readme.md": ""}
    item = render(files=files, **values)
    found = loaded(item, "alertmanager.yml")
    assert found.get("templates") == templates
    assert {key: value for key, value in found.items() if key != "templates"} == AM_CONFIG
    wanted = {"templates/mail.tmpl": files["/inv/t/mail.tmpl"]} if values else {}
    assert {path: text for path, text in contents(item).items() if path != "alertmanager.yml"} == wanted


@pytest.mark.parametrize("pattern", ["am.yml", "/inv/am.yml"])
def test_the_configuration_as_a_file_is_read_once_for_all_members(pattern: str) -> None:
    files = Controller({"/inv/am.yml": "route: {receiver: filed}\nreceivers: [{name: filed}]\n"})
    values = {"alertmanager_config": None, "alertmanager_config_file": pattern}
    plan = _render.plan(snapshot(alertmanager("am-1", "am-2", **values)), files)
    assert plan.findings == ()
    items = [slice_of(plan, name, "alertmanager") for name in ("am-1", "am-2")]
    assert [loaded(item, "alertmanager.yml")["route"] for item in items] == [{"receiver": "filed"}] * 2
    assert items[0]["config"]["files"][0]["source"] == "alertmanager_config_file"


def test_the_rest_of_the_slice() -> None:
    item = render()
    assert item["release"]["links"] == ["amtool"]
    assert item["config"]["check"] == [["{release}/bin/amtool", "check-config", "{root}/alertmanager.yml"]]
    assert [(port["port"], port["protocol"]) for port in item["service"]["ports"]] == [
        (9093, "tcp"),
        (9094, "tcp"),
        (9094, "udp"),
    ]
    assert item["api"]["url"] == "http://127.0.0.1:9093"


@pytest.mark.parametrize("flag", ["cluster.tls-config", "--cluster.tls-config"])
def test_gossip_with_tls_takes_tcp_alone(flag: str) -> None:
    item = render(alertmanager_extra_args={flag: "/etc/tls.yml"})
    assert [(port["port"], port["protocol"]) for port in item["service"]["ports"]] == [(9093, "tcp"), (9094, "tcp")]


def test_every_owner_named_by_a_flag_is_a_variable() -> None:
    names = {option.name for option in component.OPTIONS}
    for owner in component.FLAG_OWNERS.values():
        assert set(owner.split(" and ")) <= names


def test_a_name_to_advertise_is_told_with_its_remedy() -> None:
    plan = _render.plan(snapshot(alertmanager("a", "b")), Controller())
    instance = plan.topology.instances[0]
    assert component.advertise(instance) is None
    named = {**instance.options, "alertmanager_cluster_advertise_address": "a"}
    with pytest.raises(HAError, match="without a port"):
        component.advertise(dataclasses.replace(instance, options=named))
