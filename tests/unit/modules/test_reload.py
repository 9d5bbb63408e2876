# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module run for real against Prometheus and Alertmanager of both versions."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support

PROMETHEUS = "global: {{scrape_interval: {0}s}}\nrule_files: [rules/*.yml]\n"
ALERTMANAGER = "route: {{receiver: {0}}}\nreceivers: [{{name: {0}}}]\ntemplates: [t/*.tmpl]\n"


@pytest.mark.parametrize("version", support.PROMETHEUS)
def test_prometheus(tmp_path: Path, version: str) -> None:
    config = tmp_path / "etc/prometheus.yml"
    (tmp_path / "etc/rules").mkdir(parents=True)
    config.write_text(PROMETHEUS.format(1))
    with support.prometheus(version, config) as running:
        wanted = {
            "kind": "prometheus",
            "url": running.url + "/",
            "config_file": str(config),
            "files": [str(tmp_path / "etc/rules/*.yml")],
        }
        assert support.run_module("reload", wanted)["changed"] is False

        rule = tmp_path / "etc/rules/a.yml"
        rule.write_text("groups: [{name: g, rules: [{record: a, expr: '1'}]}]\n")
        os.utime(rule, (0, 0))  # an old mtime must not hide it
        would = support.run_module("reload", wanted, check=True)
        assert would["changed"] is True and f"older than {rule}" in would["why"]
        assert '"name":"a"' not in running.get("/api/v1/rules")
        assert support.run_module("reload", wanted)["changed"] is True
        assert '"name":"a"' in running.get("/api/v1/rules")
        assert support.run_module("reload", wanted)["changed"] is False
        assert support.run_module("reload", {**wanted, "force": True})["changed"] is True

        # new configuration beside old rules: a reload that is not atomic must not pass for one
        rule.write_text("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]\n")
        config.write_text(PROMETHEUS.format(2))
        failed = support.run_module("reload", wanted)
        assert failed["failed"] and "failed to reload config" in failed["msg"]
        again = support.run_module("reload", wanted, check=True)
        assert again["why"] == "its last reload failed"
        rule.unlink()
        assert support.run_module("reload", wanted)["changed"] is True

        marked = {**wanted, "generation": "wanted"}
        failed = support.run_module("reload", marked)
        assert "its rules are of generation none, wanted is wanted" in failed["msg"]


@pytest.mark.parametrize("version", support.ALERTMANAGER)
def test_alertmanager(tmp_path: Path, version: str) -> None:
    config = tmp_path / "etc/alertmanager.yml"
    (tmp_path / "etc/t").mkdir(parents=True)
    config.write_text(ALERTMANAGER.format("one"))
    with support.alertmanager(version, config) as running:
        wanted = {
            "kind": "alertmanager",
            "url": running.url,
            "config_file": str(config),
            "files": [str(tmp_path / "etc/t/*.tmpl")],
        }
        assert support.run_module("reload", wanted)["changed"] is False
        time.sleep(0.02)
        (tmp_path / "etc/t/a.tmpl").write_text('{{ define "a" }}{{ end }}\n')
        assert support.run_module("reload", wanted)["changed"] is True
        assert support.run_module("reload", wanted)["changed"] is False
        config.write_text(ALERTMANAGER.format("two"))
        done = support.run_module("reload", wanted)
        assert "its configuration has the hash" in done["why"]
        assert "two" in running.get("/api/v2/status")
        (tmp_path / "etc/t/a.tmpl").write_text("{{ define }}")
        failed = support.run_module("reload", wanted)
        assert "failed to reload config: failed to parse templates" in failed["msg"]


def test_nothing_listens(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("x")
    url = f"http://127.0.0.1:{support.free_port()}"
    failed = support.run_module("reload", {"kind": "alertmanager", "url": url, "config_file": str(tmp_path / "c.yml")})
    assert failed["failed"] and "no answer" in failed["msg"] and "refused" in failed["msg"]
