# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slice of a Prometheus: configuration, rules, flags; replicas are equal but for the replica label."""

from __future__ import annotations

import difflib
import json
import typing as t

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Place
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    contents,
    findings,
    flags,
    good,
    loaded,
    plan,
    prometheus,
    slice_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

RULES = [{"name": "up", "rules": [{"alert": "Down", "expr": "up == 0", "annotations": {"a": "{{ $value }}"}}]}]
SCRAPE = [{"job_name": "node", "static_configs": [{"targets": ["a:9100"]}]}]
MESH = alertmanager("am-1", "am-2")
MARKER = "rules/prometheus_ha_generation.yml"


def render(*names: str, files: t.Mapping[str, str] | None = None, **values: t.Any) -> dict[str, t.Any]:
    """The slice of the first of these hosts, beside a mesh of two."""
    names = names or ("p-1",)
    return slice_of(good(prometheus(*names, **values), MESH, files=files), names[0])


def generation(**values: t.Any) -> str:
    return str(render(**values)["api"]["generation"])


# -- replicas ---------------------------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in ("replica", "rep"))
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="$", exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(max_examples=60)
@given(
    labels=st.dictionaries(NAMES, TEXTS, max_size=4),
    replicas=st.tuples(TEXTS, TEXTS).filter(lambda pair: pair[0] != pair[1]),
    idiom=st.sampled_from(["drop", "keep"]),
    label=st.sampled_from(["replica", "rep"]),
)
def test_replicas_are_equal_but_for_the_label(
    labels: dict[str, str], replicas: tuple[str, str], idiom: str, label: str
) -> None:
    drop = [{"regex": label, "action": "labeldrop"}]
    shared: dict[str, t.Any] = {
        "prometheus_external_labels": labels,
        "prometheus_ha_alert_replica_label": idiom,
        "prometheus_alert_relabel_configs": drop if idiom == "keep" else [],
        "prometheus_replica_label": label,
        "prometheus_rules": RULES,
        "prometheus_scrape_configs": SCRAPE,
    }
    plan = good(
        prometheus("a", prometheus_replica=replicas[0], **shared),
        prometheus("b", prometheus_replica=replicas[1], **shared),
        MESH,
    )
    first, second = contents(slice_of(plan, "a")), contents(slice_of(plan, "b"))
    one, other = first.pop("prometheus.yml"), second.pop("prometheus.yml")
    assert first == second
    changed = [line for line in difflib.ndiff(one.splitlines(), other.splitlines()) if line.startswith(("-", "+"))]
    assert len(changed) == 2
    assert all(line[1:].strip().startswith(f"{label}:") for line in changed)
    for text, replica in ((one, replicas[0]), (other, replicas[1])):
        assert yaml.safe_load(text)["global"]["external_labels"] == {**labels, label: replica}


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param({}, [{"regex": "replica", "action": "labeldrop"}], id="drop"),
        pytest.param({"prometheus_ha_replica_label": "rep"}, [{"regex": "rep", "action": "labeldrop"}], id="its name"),
        pytest.param({"prometheus_ha_alert_replica_label": "keep"}, None, id="keep"),
        pytest.param(
            {"prometheus_alert_relabel_configs": [{"action": "labeldrop", "regex": "x"}]},
            [{"regex": "replica", "action": "labeldrop"}, {"action": "labeldrop", "regex": "x"}],
            id="the user's after it",
        ),
        pytest.param(
            {
                "prometheus_ha_alert_replica_label": "keep",
                "prometheus_replica_label": "dc",
                "prometheus_alert_relabel_configs": [
                    {"source_labels": ["dc"], "regex": "(.+)\\d+", "target_label": "dc"}
                ],
            },
            [{"source_labels": ["dc"], "regex": "(.+)\\d+", "target_label": "dc"}],
            id="the idiom that strips a number",
        ),
    ],
)
def test_the_replica_label_is_taken_off_alerts(values: dict[str, t.Any], expected: t.Any) -> None:
    assert loaded(render(**values), "prometheus.yml")["alerting"].get("alert_relabel_configs") == expected


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param({}, {"replica": "p-1"}, id="the host's name"),
        pytest.param({"prometheus_replica": "A"}, {"replica": "A"}, id="its own value"),
        pytest.param({"prometheus_replica": 1}, {"replica": "1"}, id="a number becomes text"),
        pytest.param({"prometheus_replica": "yes"}, {"replica": "yes"}, id="text that YAML would read as true"),
        pytest.param({"prometheus_external_labels": {"a": "1.0"}}, {"a": "1.0", "replica": "p-1"}, id="stays text"),
        pytest.param(
            {"prometheus_replica_label": "r", "prometheus_ha_replica_label": "x"}, {"r": "p-1"}, id="the set's label"
        ),
    ],
)
def test_external_labels(values: dict[str, t.Any], expected: dict[str, str]) -> None:
    assert loaded(render(**values), "prometheus.yml")["global"]["external_labels"] == expected


# -- alertmanagers ----------------------------------------------------------------------------------------------------


def test_every_alertmanager_of_every_mesh_one_by_one() -> None:
    plan = good(
        prometheus("p"),
        prometheus("q", prometheus_alertmanager_meshes=["b"], prometheus_replica_set="q"),
        prometheus("t", prometheus_ha_environment="test"),
        alertmanager("am-2", "am-1", alertmanager_mesh="a"),
        alertmanager("am-3", ansible_host="2001:db8::3", alertmanager_mesh="b", alertmanager_port=19093),
        alertmanager("am-4", alertmanager_mesh="b", alertmanager_external_url="https://x.example/am/"),
        alertmanager("t-am", prometheus_ha_environment="test"),
    )

    def targets(host: str) -> dict[str, list[str]]:
        blocks = loaded(slice_of(plan, host), "prometheus.yml")["alerting"]["alertmanagers"]
        assert all(block["api_version"] == "v2" and block["scheme"] == "http" for block in blocks)
        return {block["path_prefix"]: block["static_configs"][0]["targets"] for block in blocks}

    root = ["[2001:db8::3]:19093", "am-1.example:9093", "am-2.example:9093"]
    assert targets("p") == {"/": root, "/am": ["am-4.example:9093"]}
    assert targets("q") == {"/": ["[2001:db8::3]:19093"], "/am": ["am-4.example:9093"]}
    assert targets("t") == {"/": ["t-am.example:9093"]}
    assert sorted(slice_of(plan, "p")["expect"]["alertmanagers"]) == sorted([*root, "am-4.example:9093"])


def test_an_alertmanager_that_moves_is_alerted_at_both_places() -> None:
    """The planned one does not answer yet: what is expected to be reached is where it answers."""
    parts = (prometheus("p"), alertmanager("am-1", "am-2", alertmanager_external_url="https://x.example/am/"))
    found = plan(*parts, former={("am-1", "alertmanager"): Place(9999, "")})
    item = slice_of(found, "p")
    blocks = loaded(item, "prometheus.yml")["alerting"]["alertmanagers"]
    assert {block["path_prefix"]: block["static_configs"][0]["targets"] for block in blocks} == {
        "/": ["am-1.example:9999"],
        "/am": ["am-1.example:9093", "am-2.example:9093"],
    }
    assert item["expect"]["alertmanagers"] == {"am-1.example:9999": "am-1", "am-2.example:9093": "am-2"}
    planned = slice_of(good(*parts), "p")
    assert item["api"]["generation"] != planned["api"]["generation"], "it is another configuration, which is proved"
    assert found.hosts["am-1"] == good(*parts).hosts["am-1"], "the one that moves has its plan"


def test_without_a_mesh_nobody_is_alerted() -> None:
    item = slice_of(good(prometheus("p")), "p")
    assert "alertmanagers" not in loaded(item, "prometheus.yml")["alerting"]
    assert item["expect"] == {"alertmanagers": {}}


def test_an_absent_alertmanager_is_alerted_no_more() -> None:
    plan = good(prometheus("p"), alertmanager("am-1"), alertmanager("am-2", alertmanager_state="absent"))
    assert slice_of(plan, "p")["expect"]["alertmanagers"] == {"am-1.example:9093": "am-1"}
    assert "am-2" not in contents(slice_of(plan, "p"))["prometheus.yml"]


# -- flags ------------------------------------------------------------------------------------------------------------

COMMON = {
    "--config.file": ["/etc/prometheus/prometheus.yml"],
    "--web.listen-address": ["0.0.0.0:9090"],
    "--web.enable-lifecycle": [""],
}
TSDB = {"--storage.tsdb.path": ["/var/lib/prometheus"], "--storage.tsdb.retention.time": ["15d"]}
AGENT = {"--storage.agent.path": ["/var/lib/prometheus"]}


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param({}, {**COMMON, **TSDB}, id="defaults"),
        pytest.param({"prometheus_version": "2.53.3"}, {**COMMON, **TSDB}, id="2.53"),
        pytest.param({"prometheus_agent": True}, {**COMMON, **AGENT, "--agent": [""]}, id="agent of 3"),
        pytest.param(
            {"prometheus_agent": True, "prometheus_version": "2.53.3"},
            {**COMMON, **AGENT, "--enable-feature": ["agent"]},
            id="agent of 2.53",
        ),
        pytest.param(
            {
                "prometheus_agent": True,
                "prometheus_version": "2.53.3",
                "prometheus_extra_args": {"enable-feature": "native-histograms"},
            },
            {**COMMON, **AGENT, "--enable-feature": ["agent", "native-histograms"]},
            id="features add up",
        ),
        pytest.param(
            {"prometheus_retention": "30d", "prometheus_retention_size": "50GB", "prometheus_data_dir": "/data"},
            {
                **COMMON,
                "--storage.tsdb.path": ["/data"],
                "--storage.tsdb.retention.time": ["30d"],
                "--storage.tsdb.retention.size": ["50GB"],
            },
            id="retention",
        ),
        pytest.param(
            {"prometheus_listen_address": "::", "prometheus_port": 19090},
            {**COMMON, **TSDB, "--web.listen-address": ["[::]:19090"]},
            id="IPv6 of every address",
        ),
        pytest.param(
            {"prometheus_external_url": "https://mon.example/eu"},
            {**COMMON, **TSDB, "--web.external-url": ["https://mon.example/eu"]},
            id="external URL",
        ),
        pytest.param(
            {"prometheus_external_url": "https://mon.example/eu", "prometheus_route_prefix": ""},
            {**COMMON, **TSDB, "--web.external-url": ["https://mon.example/eu"], "--web.route-prefix": ["/"]},
            id="no route prefix in spite of it",
        ),
        pytest.param(
            {"prometheus_extra_args": {"query.timeout": "1m", "web.enable-admin-api": None, "--log.level": "debug"}},
            {
                **COMMON,
                **TSDB,
                "--query.timeout": ["1m"],
                "--web.enable-admin-api": [""],
                "--log.level": ["debug"],
            },
            id="further flags, with dashes too",
        ),
    ],
)
def test_flags(values: dict[str, t.Any], expected: dict[str, list[str]]) -> None:
    assert flags(render(**values)) == expected


@pytest.mark.parametrize(
    "values, variable, words",
    [
        pytest.param(
            {"prometheus_extra_args": {"storage.tsdb.path": "/x", "--web.listen-address": ":1"}},
            "prometheus_extra_args",
            ["--storage.tsdb.path", "prometheus_data_dir", "--web.listen-address", "prometheus_port"],
            id="flags with variables of their own, all named",
        ),
        pytest.param(
            {"prometheus_extra_args": {"storage.tsdb.retention.size": "1GB"}},
            "prometheus_extra_args",
            ["prometheus_retention_size"],
            id="owned though not rendered",
        ),
        pytest.param(
            {"prometheus_extra_args": {"no-web.enable-lifecycle": None}},
            "prometheus_extra_args",
            ["web.enable-lifecycle"],
            id="the lifecycle API off",
        ),
        pytest.param(
            {"prometheus_extra_args": {"storage.tsdb.allow-overlapping-blocks": None}},
            "prometheus_extra_args",
            ["removed in 3.0"],
            id="a flag of another version",
        ),
        pytest.param({"prometheus_version": "latest"}, "prometheus_version", ["refused", "Pin"], id="latest"),
        pytest.param({"prometheus_version": 3.5}, "prometheus_version", ["is not a version"], id="a number"),
        pytest.param(
            {"prometheus_external_labels": {"a-b": "x", "c": ""}},
            "prometheus_external_labels",
            ["'a-b'", "'c' is empty"],
            id="labels, all named",
        ),
        pytest.param({"prometheus_external_labels": {"a": "5$"}}, "prometheus_external_labels", ["$$"], id="a lone $"),
        pytest.param({"prometheus_shard": {"index": 2, "of": 2}}, "prometheus_shard", ["0 <= index < of"], id="shard"),
        pytest.param({"prometheus_shard": {}}, "prometheus_shard", ["{index, of}"], id="empty shard"),
        pytest.param({"prometheus_targets": {"a/b": []}}, "prometheus_targets", ["'a/b'"], id="a target's path"),
        pytest.param({"prometheus_checksum": ["x"]}, "prometheus_checksum", ["{amd64: ...}"], id="checksum"),
        pytest.param(
            {"prometheus_agent": True, "prometheus_rules": RULES}, "prometheus_rules", ["agent mode"], id="agent, rules"
        ),
        pytest.param({"prometheus_rule_files": ["no/*"]}, "prometheus_rule_files", ["'no/*'", "/inv"], id="no match"),
        pytest.param(
            {"prometheus_alertmanager_meshes": ["x", "default"]},
            "prometheus_alertmanager_meshes",
            ["no mesh 'x'"],
            id="no such mesh",
        ),
    ],
)
def test_refused(values: dict[str, t.Any], variable: str, words: list[str]) -> None:
    found = findings(prometheus("p-1", "p-2", **values), MESH)
    assert len(found) == 1, found
    assert f" error hosts p-1, p-2, variable {variable}: " in found[0]
    for word in words:
        assert word in found[0]


# -- the configuration ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config, path",
    [
        ({"global": {"external_labels": {"a": "b"}}}, "global.external_labels"),
        ({"rule_files": ["/x"]}, "rule_files"),
        ({"alerting": {"alertmanagers": []}}, "alerting"),
        ({"scrape_configs": []}, "scrape_configs"),
        ({"remote_write": []}, "remote_write"),
        ({"remote_read": []}, "remote_read"),
        ({"global": None}, "global"),
        ({"global": ["x"]}, "global"),
    ],
    ids=str,
)
def test_what_has_a_variable_of_its_own_is_refused_in_prometheus_config(config: dict[str, t.Any], path: str) -> None:
    found = findings(prometheus("p", prometheus_config=config))
    assert len(found) == 1
    assert found[0].startswith(f"I03 error host p, variable prometheus_config: {path} ")


def test_prometheus_config_comes_last_and_keeps_what_it_does_not_name() -> None:
    config = {"global": {"query_log_file": "q.log"}, "storage": {"tsdb": {"out_of_order_time_window": "10m"}}}
    found = loaded(render(prometheus_config=config, prometheus_scrape_interval="15s"), "prometheus.yml")
    assert found["global"] == {
        "scrape_interval": "15s",
        "scrape_timeout": "10s",
        "evaluation_interval": "30s",
        "external_labels": {"replica": "p-1"},
        "query_log_file": "q.log",
    }
    assert found["storage"] == config["storage"]


def test_what_is_passed_through() -> None:
    write, read = [{"url": "http://x/w", "name": "long"}], [{"url": "http://x/r"}]
    targets = {"node": [{"targets": ["a:9100"], "labels": {"rack": "1"}}], 2: []}
    item = render(
        prometheus_scrape_configs=SCRAPE,
        prometheus_remote_write=write,
        prometheus_remote_read=read,
        prometheus_targets=targets,
        prometheus_rules=RULES,
    )
    found = loaded(item, "prometheus.yml")
    assert (found["scrape_configs"], found["remote_write"], found["remote_read"]) == (SCRAPE, write, read)
    assert loaded(item, "targets/node.yml") == targets["node"]
    assert loaded(item, "targets/2.yml") == []
    assert loaded(item, "rules/inline.yml") == {"groups": RULES}


def test_agent_mode_has_no_rules_and_no_alerting() -> None:
    item = render(prometheus_agent=True, prometheus_remote_write=[{"url": "http://x/w"}])
    found = loaded(item, "prometheus.yml")
    assert found.keys() == {"global", "scrape_configs", "remote_write"}
    assert "evaluation_interval" not in found["global"]
    assert contents(item).keys() == {"prometheus.yml"}
    assert item["api"]["generation"] is None
    assert item["expect"] == {"alertmanagers": {}}
    assert item["config"]["check"] == [
        ["{release}/bin/promtool", "check", "config", "--agent", "{root}/prometheus.yml"]
    ]


@pytest.mark.parametrize("relabel", [{}, {"relabel_configs": None}, {"relabel_configs": [{"action": "labelmap"}]}])
def test_a_shard_is_cut_by_the_discovered_address(relabel: dict[str, t.Any]) -> None:
    """Before the user's relabelling: the idiom of blackbox_exporter puts the exporter's address there."""
    item = render(prometheus_shard={"index": 1, "of": 3}, prometheus_scrape_configs=[{"job_name": "a", **relabel}])
    assert loaded(item, "prometheus.yml")["scrape_configs"][0]["relabel_configs"] == [
        {"source_labels": ["__address__"], "modulus": 3, "target_label": "__tmp_shard", "action": "hashmod"},
        {"source_labels": ["__tmp_shard"], "regex": "1", "action": "keep"},
        *(relabel.get("relabel_configs") or []),
    ]


# -- rule files -------------------------------------------------------------------------------------------------------

FILES = {"/inv/rules/a.yml": "groups: []\n", "/inv/rules/b.yml": "groups: []  # b\n", "/inv/more/a.yml": ""}


def test_rule_files_are_copied_as_they_are() -> None:
    item = render(files=FILES, prometheus_rule_files=["rules/*.yml", "rules/a.yml"])
    assert contents(item)["rules/a.yml"] == FILES["/inv/rules/a.yml"]
    assert contents(item)["rules/b.yml"] == FILES["/inv/rules/b.yml"]
    sources = {file["path"]: file["source"] for file in item["config"]["files"]}
    assert sources["rules/b.yml"] == "prometheus_rule_files: /inv/rules/b.yml"


@pytest.mark.parametrize(
    "files, words",
    [
        pytest.param(FILES, "/inv/rules/a.yml and /inv/more/a.yml", id="one name twice"),
        pytest.param({"/inv/rules/x/inline.yml": ""}, "the collection writes that file itself", id="our own name"),
        pytest.param({"/inv/rules/x/.a.yml": ""}, "hidden files are not loaded", id="hidden"),
    ],
)
def test_rule_files_that_cannot_lie_side_by_side(files: dict[str, str], words: str) -> None:
    found = findings(prometheus("p", prometheus_rule_files=["rules/*", "more/*"]), files={"/inv/more/z": "", **files})
    assert len(found) == 1
    assert found[0].startswith("I03 error host p, variable prometheus_rule_files: ")
    assert words in found[0]


def test_the_rules_folder_is_loaded_without_files_that_are_being_put_in_place() -> None:
    """Go's filepath.Match lets * match a leading dot, and a half-written file would keep Prometheus from starting."""
    assert loaded(render(), "prometheus.yml")["rule_files"] == ["rules/[^.]*"]


# -- the generation ---------------------------------------------------------------------------------------------------


def test_the_generation_is_the_marker_rule_and_equal_on_all_replicas() -> None:
    plan = good(prometheus("a", "b", prometheus_rules=RULES), MESH)
    for host in ("a", "b"):
        item = slice_of(plan, host)
        assert loaded(item, MARKER)["groups"][0]["rules"] == [
            {
                "record": "ha_config_generation",
                "expr": "vector(1)",
                "labels": {"sha256": slice_of(plan, "a")["api"]["generation"]},
            }
        ]


@pytest.mark.parametrize(
    "values",
    [
        {"prometheus_rules": RULES},
        {"prometheus_scrape_interval": "17s"},
        {"prometheus_scrape_configs": SCRAPE},
        {"prometheus_external_labels": {"a": "b"}},
        {"prometheus_alertmanager_meshes": []},
        {"prometheus_replica_label": "r"},
        {"prometheus_remote_write": [{"url": "http://x"}]},
        {"prometheus_config": {"storage": {"exemplars": {"max_exemplars": 1}}}},
        {"prometheus_ha_alert_replica_label": "keep"},
    ],
    ids=json.dumps,
)
def test_the_generation_changes_with_what_is_loaded(values: dict[str, t.Any]) -> None:
    assert generation(**values) != generation()


@pytest.mark.parametrize(
    "values",
    [{"prometheus_replica": "other"}, {"prometheus_port": 19090}, {"prometheus_retention": "1d"}],
    ids=json.dumps,
)
def test_the_generation_does_not_change_with_the_replica_or_the_flags(values: dict[str, t.Any]) -> None:
    assert generation(**values) == generation()


def test_the_generation_changes_with_a_rule_file() -> None:
    path = "/inv/rules/a.yml"
    item = render(files={path: "groups: []\n"}, prometheus_rule_files=[path])
    other = render(files={path: "groups: [ ]\n"}, prometheus_rule_files=[path])
    assert item["api"]["generation"] != other["api"]["generation"]


# -- the rest of the slice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given_checksum, expected",
    [
        (None, {}),
        ("ab", {"checksum": "ab"}),
        ({"amd64": "ab", "arm64": "cd"}, {"checksums": {"amd64": "ab", "arm64": "cd"}}),
    ],
)
def test_release(given_checksum: t.Any, expected: dict[str, t.Any]) -> None:
    item = render(
        prometheus_checksum=given_checksum,
        prometheus_ha_release_source="/mirror",
        prometheus_ha_release_fetch="target",
        prometheus_ha_release_keep=0,
    )
    assert item["release"] == {
        "name": "prometheus",
        "version": "3.5.3",
        "source": "/mirror",
        "fetch": "target",
        **expected,
        "checksum_from": "prometheus_checksum",
        "keep": 0,
        "links": ["promtool"],
    }


def test_the_slice_says_who_it_is() -> None:
    item = render(prometheus_external_url="https://mon.example/eu", prometheus_state="staged")
    assert (item["name"], item["state"], item["cohort"]) == (
        "prometheus",
        "staged",
        ["prometheus", "default", "default"],
    )
    assert item["api"]["url"] == "http://127.0.0.1:9090/eu"
    assert item["service"]["executable"] == "{release}/bin/prometheus"
    assert item["service"]["ports"] == [
        {"port": 9090, "protocol": "tcp", "address": "0.0.0.0", "variable": "prometheus_port"}
    ]
    assert json.loads(json.dumps(item)) == item
