# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How rule packages are switched on, rendered and changed; what their rules say is the matter of test_*_real.py."""

from __future__ import annotations

import re
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _render
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import _catalogue
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_cases import load
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS, binaries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    ROOT,
    alertmanager,
    contents,
    findings,
    good,
    loaded,
    plan,
    prometheus,
    slice_of,
    sound,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import RUNBOOKS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import of as thanos
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import pair

MESH = alertmanager("am-1", "am-2", "am-3")
HEALTH = ("ha_stack", "prometheus_health", "alertmanager_health")


def item(*packages: str, **values: t.Any) -> dict[str, t.Any]:
    """The slice of one of two replicas beside a mesh of three."""
    return slice_of(good(prometheus("p-1", "p-2", prometheus_rule_packages=list(packages), **values), MESH), "p-1")


def rule_files(found: t.Mapping[str, t.Any]) -> list[str]:
    known = ("rules/prometheus_ha_generation.yml", "rules/inline.yml")
    return [path for path in contents(found) if path.startswith("rules/") and path not in known]


def rules(found: t.Mapping[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """The alerting rules of the packages, by name; of several of one name the last."""
    groups = [group for path in rule_files(found) for group in loaded(found, path)["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


@pytest.mark.parametrize(
    "packages, values, expected",
    [
        pytest.param([], {}, [], id="none"),
        pytest.param(["node_aggregates"], {}, ["node_aggregates"], id="one"),
        pytest.param(["ha_stack"], {}, HEALTH, id="the stack with its siblings; federation and Thanos where they are"),
        pytest.param(["alertmanager_health"], {}, ["alertmanager_health"], id="a sibling alone"),
        pytest.param(
            ["prometheus_health", "ha_stack", "prometheus_health"],
            {},
            ["prometheus_health", "ha_stack", "alertmanager_health"],
            id="each once",
        ),
        pytest.param(
            ["federation_health"],
            {
                "prometheus_scrape_configs": [
                    {
                        "job_name": "above",
                        "metrics_path": "/federate",
                        "honor_labels": True,
                        "params": {"match[]": ['{__name__=~"job:.*"}']},
                        "sample_limit": 100,
                        "static_configs": [{"targets": ["far.example:9090"]}],
                    }
                ]
            },
            ["federation_health"],
            id="federation by hand",
        ),
    ],
)
def test_packages_become_rule_files(packages: list[str], values: dict[str, t.Any], expected: t.Sequence[str]) -> None:
    assert rule_files(item(*packages, **values)) == [f"rules/{name}.yml" for name in expected]


def test_packages_stand_beside_the_users_own_and_count_in_the_generation() -> None:
    own = [{"name": "mine", "rules": [{"record": "a:b:c", "expr": "1"}]}]
    without, with_ = item(prometheus_rules=own), item("node_aggregates", prometheus_rules=own)
    assert set(contents(with_)) - set(contents(without)) == {"rules/node_aggregates.yml"}
    assert loaded(with_, "rules/inline.yml")["groups"] == own
    other = item("node_aggregates", prometheus_rules=own, prometheus_rule_package_options={"instance_labels": ["x"]})
    generations = {found["api"]["generation"] for found in (without, with_, other)}
    assert len(generations) == 3


def test_what_is_wrong_with_a_rule_is_blamed_on_the_package() -> None:
    sources = {file["path"]: file["source"] for file in item("ha_stack")["config"]["files"]}
    assert sources["rules/prometheus_health.yml"] == "prometheus_rule_packages: prometheus_health"
    assert sources["targets/ha-prometheus.yml"] == "prometheus_watch_stack"


def test_replicas_have_the_same_rules() -> None:
    found = good(prometheus("p-1", "p-2", prometheus_rule_packages=["ha_stack", "http_aggregates"]), MESH)
    one, other = (contents(slice_of(found, name)) for name in ("p-1", "p-2"))
    assert one.pop("prometheus.yml") != other.pop("prometheus.yml")
    assert one == other


def test_one_replica_alone_with_a_package_is_one_finding() -> None:
    found = findings(prometheus("p-1", prometheus_rule_packages=["ha_stack"]), prometheus("p-2"), MESH)
    assert len(found) == 1
    assert found[0].startswith("P02")
    assert "prometheus_rule_packages" in found[0]


# -- what is changed ---------------------------------------------------------------------------------------------------


def test_an_alert_as_it_comes() -> None:
    assert rules(item("ha_stack"))["PrometheusBadConfig"] == {
        "alert": "PrometheusBadConfig",
        "expr": 'last_over_time(prometheus_config_last_reload_successful{ha_component="prometheus"}[5m]) == 0',
        "for": "5m",
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "{{ $labels.ha_member }} of the replica set {{ $labels.ha_group }} refused its configuration "
            "or rules",
            "runbook_url": f"{RUNBOOKS}/PrometheusBadConfig.md",
        },
    }


def test_labels_severities_waits_and_runbooks_are_ones_own() -> None:
    options = {
        "labels": {"team": "platform"},
        "severities": {"critical": "page", "none": "nobody"},
        "runbook_url": "https://wiki.example/runbooks/",
        "alerts": {
            "PrometheusBadConfig": {"for": "1m", "labels": {"team": "config"}},
            "PrometheusReplicaDown": {"labels": {"severity": "page"}},
            "PrometheusReplicaSetDown": {"for": "0s"},
            "AlertmanagerFailedPeers": {"enabled": False},
        },
    }
    found = rules(item("ha_stack", prometheus_rule_package_options=options))
    bad = found["PrometheusBadConfig"]
    assert (bad["for"], bad["labels"]) == ("1m", {"severity": "page", "team": "config"})
    assert bad["annotations"]["runbook_url"] == "https://wiki.example/runbooks/PrometheusBadConfig.md"
    assert found["PrometheusReplicaDown"]["labels"] == {"severity": "page", "team": "platform"}
    assert found["PrometheusReplicaSetDown"]["for"] == "0s"
    assert found["Watchdog"]["labels"] == {"severity": "nobody", "team": "platform"}
    assert found["AlertmanagerMembersInconsistent"]["labels"] == {"severity": "warning", "team": "platform"}
    assert "AlertmanagerFailedPeers" not in found


@pytest.mark.parametrize("name", [alert.name for alert in _catalogue.ALERTS.values() if alert.threshold is not None])
def test_every_threshold_can_be_chosen(name: str) -> None:
    job = {"replica_set": "default", "match": ['{__name__=~"job:.*"}']}
    values = {"prometheus_rule_package_options": {"alerts": {name: {"threshold": 4711}}}}
    tier = ("query", "query_frontend", "store", "compact", "rule", "receive")
    parts = [
        pair("p-1", "p-2"),
        *(thanos(component) for component in tier),
        prometheus(
            "g-1",
            "g-2",
            prometheus_replica_set="g",
            prometheus_replica_label="g_replica",
            prometheus_federate=[job],
            prometheus_rule_packages=["ha_stack"],
            **values,
        ),
    ]
    found = rules(slice_of(good(*parts, MESH), "g-1"))
    # That of some alerts is in others, too, which leave to them what they tell.
    assert name in [each for each, rule in found.items() if "4711" in rule["expr"]]


@pytest.mark.parametrize(
    "interval, lag, none", [pytest.param("15s", 60, 120, id="short"), pytest.param("2m", 240, 480, id="long")]
)
def test_thresholds_of_age_leave_room_for_scraping(interval: str, lag: int, none: int) -> None:
    found = rules(item("ha_stack", prometheus_scrape_interval=interval))
    assert found["PrometheusReplicaLagHigh"]["expr"].endswith(f"> {lag}")
    assert found["PrometheusNotIngestingSamples"]["expr"].endswith(f"> {none}")


@pytest.mark.parametrize(
    "versions, old, new",
    [
        pytest.param(("2.53.3", "3.6.0"), True, False, id="before 3.7"),
        pytest.param(("3.7.0", "3.13.0"), False, True, id="since 3.7"),
        pytest.param(("3.5.3", "3.7.0"), True, True, id="both"),
    ],
)
def test_remote_write_is_measured_as_the_pinned_versions_can(versions: tuple[str, str], old: bool, new: bool) -> None:
    own, other = versions
    found = good(
        prometheus("p-1", "p-2", prometheus_version=own, prometheus_rule_packages=["ha_stack"]),
        prometheus("q-1", "q-2", prometheus_version=other, prometheus_replica_set="q"),
        MESH,
    )
    expr = rules(slice_of(found, "p-1"))["PrometheusRemoteWriteBehind"]["expr"]
    assert ("prometheus_remote_storage_highest_timestamp_in_seconds" in expr) == old
    assert ("prometheus_remote_storage_queue_highest_timestamp_seconds" in expr) == new


def of_thanos(*parts: t.Mapping[str, t.Any], **values: t.Any) -> dict[str, dict[str, t.Any]]:
    """The rules of a pair with sidecars beside some of Thanos."""
    return rules(slice_of(good(pair("p-1", "p-2", prometheus_rule_packages=["ha_stack"], **values), *parts), "p-1"))


def test_alerts_about_thanos_are_those_of_the_components_there_are() -> None:
    assert not [name for name in rules(item("ha_stack")) if name.startswith("Thanos")]
    alone = {name for name in of_thanos() if name.startswith("Thanos")}
    own = {"ThanosSidecarPrometheusDown", "ThanosSidecarBucketOperationsFailed", "ThanosNoUpload", "ThanosSidecarDown"}
    assert alone == own | {"ThanosMemberDown", "ThanosMemberNotWatched"}
    # Without a bucket nobody uploads.
    assert alone - set(of_thanos(thanos_objstore_config=None)) == {
        *("ThanosSidecarBucketOperationsFailed", "ThanosNoUpload")
    }
    compacts = {name for name in of_thanos(thanos("compact")) if name not in alone}
    assert {"ThanosCompactDown", "ThanosCompactHalted", "ThanosCompactMultipleRunning"} < compacts


@pytest.mark.parametrize(
    "parts, wanted",
    [
        pytest.param([], 2, id="sidecars"),
        pytest.param([thanos("store"), thanos("rule")], 4, id="what answers the Store API"),
        pytest.param([thanos("compact"), thanos("receive", "i-1", "i-2")], 4, id="a compactor does not"),
    ],
)
def test_queriers_see_as_many_store_apis_as_there_are(parts: list[dict[str, t.Any]], wanted: int) -> None:
    assert f"({wanted} - (" in of_thanos(*parts, thanos("query"))["ThanosQueryStoreAPIsMissing"]["expr"]


def test_store_apis_outside_count_where_their_number_is_known() -> None:
    outside = ["far.example:10901", "dns+stores.example:10901", "far.example:10901"]
    found = of_thanos(thanos("query", thanos_query_endpoints=outside))
    assert "(3 - (" in found["ThanosQueryStoreAPIsMissing"]["expr"]


def test_names_are_quoted_where_they_are_regexes_labels_and_templates() -> None:
    """A set and a job may have any name, and so may the value of an external label."""
    odd = 'a "b" {{x}}'
    job = {"replica_set": odd, "match": ['{__name__=~"job:.*"}'], "job_name": "a.b|c"}
    shared = {"prometheus_rule_packages": ["ha_stack"], "prometheus_external_labels": {"site": "{{y}}"}}
    found = good(
        prometheus("p-1", "p-2", prometheus_replica_set=odd, **shared),
        prometheus(
            "g-1", "g-2", prometheus_replica_set="g", prometheus_replica_label="g", prometheus_federate=[job], **shared
        ),
        MESH,
    )
    watched = rules(slice_of(found, "p-1"))["PrometheusReplicaNotWatched"]
    own = next(
        rule
        for group in loaded(slice_of(found, "p-1"), "rules/prometheus_health.yml")["groups"]
        for rule in group["rules"]
        if rule["alert"] == "PrometheusReplicaNotWatched"
    )
    assert 'ha_group="a \\"b\\" {{x}}"' in own["expr"]
    assert own["labels"] == {
        "severity": "warning",
        "ha_component": "prometheus",
        "ha_group": 'a "b" {{ "{{" }}x}}',
        "site": '{{ "{{" }}y}}',
    }
    assert 'set a "b" {{ "{{" }}x}} are' in own["annotations"]["summary"]
    assert watched["labels"]["ha_group"] == "g"
    federated = rules(slice_of(found, "g-1"))["FederationSourceDown"]
    assert federated["expr"] == 'sum without (instance) (up{job=~"a\\\\.b\\\\|c"}) == 0'


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param(
            {"prometheus_rule_packages": ["ha_stak"]},
            "prometheus_rule_packages: there is no rule package 'ha_stak'. Do: did you mean ha_stack?",
            id="a typing error",
        ),
        pytest.param(
            {"prometheus_rule_packages": ["thanos"]},
            "there is no rule package 'thanos'. Do: name one of ha_stack, prometheus_health, alertmanager_health, "
            "federation_health, thanos_health, node_aggregates, http_aggregates.",
            id="no package",
        ),
        pytest.param(
            {"prometheus_rule_packages": ["ha_stack"], "prometheus_agent": True},
            "prometheus_rule_packages: agent mode has no rule_packages.",
            id="an agent",
        ),
        pytest.param(
            {"prometheus_watch_stack": True, "prometheus_agent": True},
            "prometheus_watch_stack: agent mode has no watch_stack.",
            id="an agent that watches",
        ),
    ],
)
def test_packages_that_are_refused(values: dict[str, t.Any], expected: str) -> None:
    said = findings(prometheus("p-1", "p-2", **values), MESH)
    assert any(expected in line for line in said), said


@pytest.mark.parametrize(
    "options, expected",
    [
        pytest.param({"labels": "x"}, "labels is no mapping", id="labels"),
        pytest.param({"alerts": ["Watchdog"]}, "alerts is no mapping", id="alerts"),
        pytest.param({"severities": {"page": "critical"}}, "no alert has the severity 'page'", id="a severity"),
        pytest.param({"runbook_url": 1}, "runbook_url is 1 and no text", id="a number for an address"),
        pytest.param({"http_labels": "code"}, "http_labels is no list of label names", id="a text for a list"),
        pytest.param({"instance_labels": [1]}, "instance_labels is no list of label names", id="a number for a label"),
        pytest.param(
            {"alerts": {"PrometheusReplicaDwn": {}}},
            "no package has an alert 'PrometheusReplicaDwn'. Do: did you mean PrometheusReplicaDown?",
            id="a mistyped alert",
        ),
        pytest.param({"alerts": {"Nothing": {}}}, "no package has an alert 'Nothing'.", id="no alert"),
        pytest.param({"alerts": {"Watchdog": True}}, "Watchdog is no mapping", id="an alert that is no mapping"),
        pytest.param(
            {"alerts": {"Watchdog": {"enable": False}}},
            "Watchdog has no 'enable'. Do: write enabled; its keys are enabled, for, threshold, labels.",
            id="a mistyped key",
        ),
        pytest.param(
            {"alerts": {"Watchdog": {"enabled": "no"}}}, "Watchdog: enabled is 'no'", id="a text for a switch"
        ),
        pytest.param({"alerts": {"Watchdog": {"threshold": 1}}}, "Watchdog has no threshold", id="no threshold"),
        pytest.param(
            {"alerts": {"PrometheusReplicaLagHigh": {"threshold": "1m"}}},
            "PrometheusReplicaLagHigh: the threshold is '1m'. Do: write a number of seconds.",
            id="a duration for a number",
        ),
        pytest.param(
            {"alerts": {"Watchdog": {"labels": ["x"]}}}, "Watchdog: labels is no mapping", id="labels of an alert"
        ),
    ],
)
def test_options_that_are_refused(options: dict[str, t.Any], expected: str) -> None:
    values = {"prometheus_rule_packages": ["ha_stack"], "prometheus_rule_package_options": options}
    said = findings(prometheus("p-1", "p-2", **values), MESH)
    assert any("prometheus_rule_package_options: " in line and expected in line for line in said), said


@pytest.mark.parametrize(
    "options, expected",
    [
        pytest.param({"alerts": {"Watchdog": {"for": "5 minutes"}}}, "I07", id="a duration"),
        pytest.param({"lables": {"a": "b"}}, "I05", id="a key"),
        pytest.param({"labels": {"a": ["b"]}}, "I08", id="a list for a label"),
        pytest.param({"labels": {"replica": "b"}}, "P03", id="the replica label"),
    ],
)
def test_options_that_the_preflights_rules_judge(options: dict[str, t.Any], expected: str) -> None:
    values = {"prometheus_rule_packages": ["ha_stack"], "prometheus_rule_package_options": options}
    found = plan(prometheus("p-1", "p-2", **values), MESH).findings
    assert {finding.id for finding in found} == {expected}
    assert all("prometheus_rule_package" in finding.where for finding in found)


def test_a_file_of_ones_own_must_not_have_a_packages_name() -> None:
    files = {"/inv/rules/node_aggregates.yml": "groups: []"}
    values = {"prometheus_rule_files": ["rules/*.yml"]}
    good(prometheus("p-1", "p-2", **values), MESH, files=files)
    values["prometheus_rule_packages"] = ["node_aggregates"]
    (said, *_more) = findings(prometheus("p-1", "p-2", **values), MESH, files=files)
    assert "can't become rules/node_aggregates.yml: the collection writes that file itself" in said


# -- runbooks ----------------------------------------------------------------------------------------------------------

FOLDER = ROOT / "docs" / "runbooks"


@pytest.mark.parametrize("name", _catalogue.ALERTS)
def test_every_alert_has_a_runbook(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ["What it means", "How to see it", "What to do"]


def test_no_runbook_is_left_over_and_rules_point_to_theirs() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(_catalogue.ALERTS)
    found = rules(item("ha_stack"))
    assert {rule["annotations"]["runbook_url"] for rule in found.values()} == {
        f"{RUNBOOKS}/{name}.md" for name in found
    }


# -- the inventories of this repository --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["example", "lab"])
def test_the_known_inventories_take_every_package(name: str, tmp_path: Path) -> None:
    """No finding, and promtool of both versions accepts what is rendered."""
    snapshot, files = load(ROOT / "inventory" / name / "hosts.yml")
    for host in snapshot.hosts:
        snapshot = snapshot.with_values(host, {"prometheus_rule_packages": list(_catalogue.PACKAGES)}, {})
    found = sound(_render.plan(snapshot, files))
    assert [str(finding) for finding in found.findings] == []
    rendered = [(host, each) for host, slices in found.hosts.items() for each in slices if each["name"] == "prometheus"]
    for host, each in rendered:
        for path, text in contents(each).items():
            (tmp_path / host / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / host / path).write_text(text, encoding="utf-8")
    for version in PROMETHEUS:
        argv = [str(binaries("prometheus", version) / "promtool"), "check", "config"]
        argv += [str(tmp_path / host / "prometheus.yml") for host, _each in rendered]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=110)
        assert done.returncode == 0, done.stdout + done.stderr
