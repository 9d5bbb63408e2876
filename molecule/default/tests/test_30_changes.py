# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of configuration: announced by a check, on one host, then on all, with secrets and without a way to the APIs.

The change: set eu takes up the dc idiom, a second mesh "edge" joins on two hosts that have a replica already, remote
write and webhooks get a password, a rule is added; and us-2 was lost and comes back bare.
"""

from __future__ import annotations

import base64
import dataclasses
import secrets
import typing as t
import urllib.error
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import (
    LOUD,
    MESH,
    REPLICAS,
    ROOT,
    SETS,
    Run,
    Stack,
    wait_for,
    write_overlay,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.watch import CommandLines, blocked

EDGE = ("eu-1", "us-1")
REBUILT = "us-2"
LIMITED = "eu-2"
#: Everything the collection puts on a host with a replica.
LEAVINGS = (
    "/etc/prometheus /etc/systemd/system/prometheus.service"
    " /opt/prometheus_ha /var/lib/prometheus /var/lib/prometheus_ha"
)


@dataclasses.dataclass(frozen=True)
class Change:
    overlay: Path
    password: str


@dataclasses.dataclass(frozen=True)
class Rollout:
    """:ivar limited: eu-2's files after a run with --limit eu-2. :ivar seen: command lines that held the password."""

    limited: dict[str, str]
    full: Run
    seen: t.Mapping[str, int]


@pytest.fixture(scope="module")
def change(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Change:
    password = f"pw-{secrets.token_hex(12)}"
    lab = yaml.safe_load((ROOT / "inventory/lab/group_vars/prometheus.yml").read_text())
    alerting = yaml.safe_load((ROOT / "inventory/lab/group_vars/alertmanager.yml").read_text())["alertmanager_config"]
    basic = {"basic_auth": {"username": "lab", "password": password}}
    alerting["receivers"][0]["webhook_configs"][0]["http_config"] = basic
    rule = {"alert": "NeverFires", "expr": "vector(0) > 1", "annotations": {"summary": "A rule that a test adds."}}
    groups = {
        "prometheus": {
            "prometheus_rules": [*lab["prometheus_rules"], {"name": "added", "rules": [rule]}],
            "prometheus_remote_write": [{"url": f"http://{stack.subnet}.2:8090/webhook/samples", **basic}],
        },
        "alertmanager": {"alertmanager_config": alerting},
        "eu": {
            "prometheus_ha_alert_replica_label": "keep",
            "prometheus_replica_label": "dc",
            "prometheus_alert_relabel_configs": [
                {"source_labels": ["dc"], "regex": r"(.+?)\d+", "target_label": "dc", "replacement": "$1"}
            ],
        },
    }
    hosts = {
        "eu-1": {"prometheus_replica": "europe1", "alertmanager_mesh": "edge"},
        "eu-2": {"prometheus_replica": "europe2"},
        "us-1": {"alertmanager_mesh": "edge"},
    }
    folder = tmp_path_factory.mktemp("change")
    return Change(write_overlay(folder, groups=groups, hosts=hosts, joins={"alertmanager": EDGE}), password)


@pytest.fixture(scope="module")
def announced(stack: Stack, change: Change) -> tuple[Run, dict[str, t.Any], dict[str, t.Any]]:
    """A check, and what the hosts had before and after it."""

    def state() -> dict[str, t.Any]:
        files = {name: stack.files(name, "/etc/prometheus") for name in REPLICAS}
        return {"pids": stack.processes(), **files, **{name: stack.files(name, "/etc/alertmanager") for name in MESH}}

    before = state()
    run = stack.site("--check", "--diff", overlay=change.overlay)
    return run, before, state()


@pytest.fixture(scope="module")
def rollout(stack: Stack, change: Change, announced: object, loud: float) -> Rollout:
    """First eu-2 alone, then all with us-2 bare, while this machine is refused the way to every API."""
    assert announced and loud
    with blocked(stack.network, "9090:9094"):
        with pytest.raises(urllib.error.URLError, match="refused"):
            stack.metrics("eu-1")
        stack.site("--limit", LIMITED, overlay=change.overlay).succeeded()
        limited = stack.files(LIMITED, "/etc/prometheus")
        stack.sh(REBUILT, f"systemctl disable --now prometheus && rm -r {LEAVINGS} && systemctl daemon-reload")
        with CommandLines(change.password) as lines:
            full = stack.site("-vvv", "--diff", overlay=change.overlay)
    return Rollout(limited, full.succeeded(), lines.seen)


def test_check_announces_the_change(announced: tuple[Run, t.Any, t.Any], change: Change) -> None:
    run = announced[0].succeeded()
    assert all(run.changed[name] for name in (*REPLICAS, *MESH)), run.changed
    assert "+      - alert: NeverFires" in run.output
    assert change.password not in run.output


def test_check_changes_nothing(announced: tuple[Run, dict[str, t.Any], dict[str, t.Any]]) -> None:
    _run, before, after = announced
    assert before == after


def test_without_a_way_to_the_apis_all_is_rolled_out(stack: Stack, rollout: Rollout) -> None:
    assert all(rollout.full.changed[name] for name in (*REPLICAS, *MESH) if name != LIMITED), rollout.full.changed
    for name in REPLICAS:
        groups = {group["name"] for group in stack.prometheus(name, "rules")["groups"]}
        assert "added" in groups
    assert stack.host(REBUILT).service("prometheus").is_enabled
    assert stack.whole()


def test_limited_run_puts_the_same_files(stack: Stack, rollout: Rollout) -> None:
    both = {name: stack.files(name, "/etc/prometheus") for name in SETS["eu"]}
    assert both[LIMITED] == rollout.limited
    assert {path for path, digest in both["eu-1"].items() if rollout.limited[path] != digest} == {"./prometheus.yml"}
    texts = [stack.sh(name, "cat /etc/prometheus/prometheus.yml").splitlines() for name in SETS["eu"]]
    different = [(mine.strip(), other.strip()) for mine, other in zip(*texts, strict=True) if mine != other]
    assert different == [("dc: europe1", "dc: europe2")]


@pytest.mark.parametrize("member", MESH)
def test_dc_idiom_gives_one_alert(stack: Stack, rollout: Rollout, member: str) -> None:
    """Both replicas of eu send it, with labels that relabelling made equal. us still drops its replica label."""
    assert rollout.full.rc == 0
    for name in SETS["eu"]:
        labels = stack.prometheus(name, "status/config")["yaml"]
        assert f"dc: europe{name[-1]}" in labels
        sent = stack.metrics(name)
        assert f'prometheus_notifications_sent_total{{alertmanager="http://{stack.addresses[member]}:9093' in sent

    def arrived() -> list[dict[str, str]]:
        return [alert["labels"] for alert in stack.alerts(member, LOUD, 'region="eu"', 'dc=~".+"')]

    wait_for(arrived, 60, "the alert of eu with its dc")
    assert [labels["dc"] for labels in arrived()] == ["europe"]
    assert "replica" not in arrived()[0]
    assert [set(alert["labels"]) & {"dc", "replica"} for alert in stack.alerts(member, LOUD, 'region="us"')] == [set()]


def test_host_in_both_groups(stack: Stack, rollout: Rollout) -> None:
    assert rollout.full.rc == 0
    addresses = {f"{stack.addresses[name]}:9094" for name in EDGE}
    for name in EDGE:
        cluster = stack.alertmanager(name, "status")["cluster"]
        assert (cluster["status"], {peer["address"] for peer in cluster["peers"]}) == ("ready", addresses)
    for name in REPLICAS:
        active = stack.prometheus(name, "alertmanagers")["activeAlertmanagers"]
        assert sorted(item["url"] for item in active) == sorted(
            f"http://{stack.addresses[host]}:9093/api/v2/alerts" for host in (*MESH, *EDGE)
        )


def test_secret_is_not_in_the_output(rollout: Rollout, change: Change) -> None:
    assert "NeverFires" in rollout.full.output, "the diff is shown"
    assert change.password not in rollout.full.output


def test_secret_was_in_no_command_line(rollout: Rollout) -> None:
    assert not rollout.seen


@pytest.mark.parametrize("name", ["eu-2", "am-2", REBUILT])
def test_secret_is_where_it_belongs_alone(stack: Stack, rollout: Rollout, change: Change, name: str) -> None:
    """Found by root, so that the search is known to work; not by nobody, who sees what everyone may read."""
    assert rollout.full.rc == 0
    # Encoded, since sudo logs every command line into the very journal that is searched.
    encoded = base64.b64encode(change.password.encode()).decode()
    places = "/etc /home /opt /root /run /srv /tmp /usr/local /var"
    search = f"grep -rslF --devices=skip $(echo {encoded} | base64 -d) {places} || true"
    found = stack.sh(name, search).splitlines()
    assert found
    ours = ("/etc/prometheus/", "/etc/alertmanager/", "/var/lib/prometheus_ha/")
    assert [path for path in found if not path.startswith(ours)] == []
    assert stack.sh(name, f"sudo -u nobody bash -c '{search}'") == ""
    assert stack.sh(name, f"journalctl --no-pager | grep -cF $(echo {encoded} | base64 -d) || true") == "0"
