# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of rule packages: rendered rule files under the real `promtool test rules`, a stack as it is scraped."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import binaries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    contents,
    good,
    hosts,
    prometheus,
    slice_of,
)

PACKAGES = ["ha_stack", "node_aggregates", "http_aggregates"]
INTERVAL = "30s"
EVALUATION = "1m"
# By series, as `name{labels}`, its values in promtool's notation, one an INTERVAL.
Series = t.Dict[str, str]


def stack(watcher: str, **values: t.Any) -> dict[str, str]:
    """The files of a replica, by path, in a stack of two sets, a federating one and a mesh of three.

    eu is watched by itself and by us; us by itself and by the global set, which is watched by eu.
    """
    packages = {"prometheus_rule_packages": PACKAGES, **values}
    federate = [{"replica_set": name, "match": ['{__name__=~"job:.*"}']} for name in ("eu", "us")]
    plan = good(
        prometheus(
            "eu-1", "eu-2", prometheus_replica_set="eu", prometheus_external_labels={"region": "eu"}, **packages
        ),
        prometheus(
            "us-1", "us-2", prometheus_replica_set="us", prometheus_external_labels={"region": "us"}, **packages
        ),
        hosts("g-1", "g-2", groups=("prometheus_federation",), prometheus_federate=federate, **packages),
        alertmanager("am-1", "am-2", "am-3"),
    )
    return contents(slice_of(plan, watcher))


def labels(member: str, **more: str) -> dict[str, str]:
    """The labels of a member's series, as the target files of us give them."""
    if member.startswith("am-"):
        job, address, group = "ha-alertmanager", f"{member}.example:9093", {"ha_group": "default"}
    else:
        job, address, group = "ha-prometheus", f"{member}.example:9090", {"ha_group": member[:2], "region": member[:2]}
    component = {"ha_component": job.removeprefix("ha-"), **group, "ha_member": member}
    return {"job": job, "instance": address, **component, **more}


def series(name: str, found: t.Mapping[str, str]) -> str:
    return f"{name}{{{', '.join(f'{key}={value!r}' for key, value in found.items())}}}".replace("'", '"')


def healthy() -> Series:
    """What us scrapes of a stack in which all is well: half an hour of it."""
    found: Series = {}

    def add(member: str, values: t.Mapping[str, str], **more: str) -> None:
        found.update({series(name, labels(member, **more)): text for name, text in values.items()})

    for member in ("eu-1", "eu-2", "us-1", "us-2"):
        add(
            member,
            {
                "up": "1x60",
                "process_start_time_seconds": "0x60",
                "prometheus_config_last_reload_successful": "1x60",
                "prometheus_tsdb_head_max_time_seconds": "0+30x60",
                "prometheus_tsdb_wal_corruptions_total": "0x60",
                "prometheus_tsdb_checkpoint_creations_failed_total": "0x60",
                "prometheus_tsdb_checkpoint_deletions_failed_total": "0x60",
                "prometheus_notifications_alertmanagers_discovered": "3x60",
                "prometheus_remote_storage_highest_timestamp_in_seconds": "0+30x60",
            },
        )
        queue = {"remote_name": "far", "url": "http://far"}
        sent = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds"
        add(member, {"prometheus_remote_storage_shards": "1x60", sent: "0+30x60"}, **queue)
        for peer in ("am-1", "am-2", "am-3"):
            counters = {
                "prometheus_notifications_sent_total": "0+30x60",
                "prometheus_notifications_errors_total": "0x60",
            }
            add(member, counters, alertmanager=peer)
    for member in ("am-1", "am-2", "am-3"):
        add(
            member,
            {
                "up": "1x60",
                "alertmanager_cluster_members": "3x60",
                "alertmanager_cluster_failed_peers": "0x60",
                "alertmanager_config_hash": "164264958643555x60",
                "alertmanager_config_last_reload_successful": "1x60",
            },
        )
        add(member, {"alertmanager_notifications_total": "0+30x60"}, integration="webhook")
        for reason in ("other", "serverError"):
            add(member, {"alertmanager_notifications_failed_total": "0x60"}, integration="webhook", reason=reason)
    return found


def federated() -> Series:
    """What the global set scrapes of its two sources, where all is well."""
    found: Series = {}
    for target in ("eu-1", "eu-2", "us-1", "us-2"):
        own = {"job": f"federate-{target[:2]}", "instance": f"{target}.example:9090"}
        samples = {"up": "1x60", "scrape_samples_scraped": "50x60", "scrape_samples_post_metric_relabeling": "50x60"}
        found.update({series(name, own): text for name, text in samples.items()})
    return found


class Wanted(t.NamedTuple):
    """An alert that fires; ``labels`` are all but severity and alertname."""

    name: str
    severity: str
    labels: t.Mapping[str, str]
    summary: str


RUNBOOKS = "https://github.com/baremetal-prometheus-ha/prometheus_ha/blob/main/docs/runbooks"
_NAMES = 'count by (alertname) (ALERTS{alertstate="firing"})'


def alert_test(name: str, given: Series, at: str, wanted: t.Sequence[Wanted]) -> dict[str, t.Any]:
    """A test of promtool: at that time these alerts fire, and no other."""
    names = sorted({alert.name for alert in wanted})
    counted = [
        {"labels": f'{{alertname="{each}"}}', "value": sum(alert.name == each for alert in wanted)} for each in names
    ]
    return {
        "name": name,
        "interval": INTERVAL,
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "promql_expr_test": [{"expr": _NAMES, "eval_time": at, "exp_samples": counted}],
        "alert_rule_test": [
            {
                "eval_time": at,
                "alertname": each,
                "exp_alerts": [
                    {
                        "exp_labels": {"severity": alert.severity, **alert.labels},
                        "exp_annotations": {"summary": alert.summary, "runbook_url": f"{RUNBOOKS}/{each}.md"},
                    }
                    for alert in wanted
                    if alert.name == each
                ],
            }
            for each in names
        ],
    }


def promtool(version: str, folder: Path, files: t.Mapping[str, str], tests: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Fail with what `promtool test rules` says of tests of some rule files, unless all of them pass."""
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(files[path], encoding="utf-8")
    suite = {"rule_files": list(files), "evaluation_interval": EVALUATION, "tests": list(tests)}
    (folder / "tests.yml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    argv = [str(binaries("prometheus", version) / "promtool"), "test", "rules", "tests.yml"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=110)
    if done.returncode:
        pytest.fail("\n".join(line for line in (done.stdout + done.stderr).splitlines() if line.strip()), pytrace=False)
