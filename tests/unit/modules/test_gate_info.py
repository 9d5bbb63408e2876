# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module run for real: what real components of both ends of the supported versions say."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import HttpClient
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support

MESH = "route: {receiver: a}\nreceivers: [{name: a}]\n"
RULES = """
groups:
  - name: g
    interval: 1s
    rules:
      - {record: ha_config_generation, expr: vector(1), labels: {sha256: abc}}
      - {alert: Always, expr: vector(1), for: 1s, labels: {replica: eu-1, x: y}}
"""
CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['%s', '127.0.0.1:1']}]}]}
scrape_configs: [{job_name: am, static_configs: [{targets: ['%s', '127.0.0.1:1']}]}]
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("index", [0, -1], ids=["oldest", "newest"])
def test_both_components_of_a_host_in_one_call(tmp_path: Path, index: int) -> None:
    cluster = f"127.0.0.1:{support.free_port()}"
    config = write(tmp_path / "a/etc/a.yml", MESH)
    with support.alertmanager(support.ALERTMANAGER[index], config, cluster) as alertmanager:
        target = alertmanager.url[len("http://") :]
        write(tmp_path / "p/etc/rules.yml", RULES)
        config = write(tmp_path / "p/etc/p.yml", CONFIG % (target, target))
        with support.prometheus(support.PROMETHEUS[index], config) as prometheus:
            checks = [
                {"kind": "prometheus", "url": prometheus.url},
                {"kind": "alertmanager", "url": alertmanager.url},
                {"kind": "alertmanager", "url": f"http://127.0.0.1:{support.free_port()}"},
            ]
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                done = support.run_module("gate_info", {"checks": checks})
                seen, member, gone = done["views"]
                scraped = sorted(seen["targets"].values()) == ["down", "up"]
                if seen["firing"] and scraped and member["status"] == "ready":
                    break
                time.sleep(0.25)
            assert done["changed"] is False
            assert (seen["answers"], seen["ready"], seen["reloaded"]) == (True, True, True)
            assert (seen["wal_corruptions"], seen["checkpoint_failures"]) == (0.0, 0.0)
            assert seen["targets"] == {f"am {target}": "up", "am 127.0.0.1:1": "down"}
            assert seen["scrape_intervals"] == ["1s"]
            assert (seen["rules"], seen["generations"], seen["evaluation_interval"]) == (2, ["abc"], 1.0)
            assert [(one["labels"], one["for"]) for one in seen["firing"]] == [({"alertname": "Always", "x": "y"}, 1.0)]
            assert sorted(seen["alertmanagers"]) == sorted([target, "127.0.0.1:1"])
            assert list(seen["unreached"]) == ["127.0.0.1:1"]
            assert 0 < seen["uptime"] < 60
            assert (member["status"], list(member["members"].values())) == ("ready", [cluster])
            assert (member["silences"], member["config_hash"] > 0, 0 < member["uptime"] < 60) == ([], True, True)
            assert gone["answers"] is False and "no answer" in gone["error"]


@pytest.mark.parametrize("version", support.PROMETHEUS)
def test_an_agent(tmp_path: Path, version: str) -> None:
    config = write(tmp_path / "etc/p.yml", "remote_write: [{url: 'http://127.0.0.1:1/x'}]\n")
    url = f"http://127.0.0.1:{support.free_port()}"
    argv = [
        str(support.binaries("prometheus", version) / "prometheus"),
        "--agent" if version.startswith("3") else "--enable-feature=agent",
        f"--config.file={config}",
        f"--storage.agent.path={tmp_path}/agent",
        f"--web.listen-address={url[len('http://') :]}",
    ]
    with support.process(argv, url, config):
        done = support.run_module("gate_info", {"checks": [{"kind": "prometheus", "url": url, "agent": True}]})
        metrics = HttpClient().get(f"{url}/metrics").text
    # The counters are there by the names that the view reads.
    assert metrics.count("\nprometheus_agent_corruptions_total 0") == 1
    assert metrics.count("\nprometheus_agent_checkpoint_creations_failed_total 0") == 1
    (seen,) = done["views"]
    assert (seen["answers"], seen["ready"]) == (True, True), seen
    assert (seen["wal_corruptions"], seen["checkpoint_failures"], seen["targets"]) == (0.0, 0.0, {})
