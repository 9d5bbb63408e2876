# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every metric that the alerts name is one that real Prometheus and Alertmanager have: a misspelt one never fires."""

from __future__ import annotations

import contextlib
import re
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import (
    ALERTMANAGER,
    PROMETHEUS,
    Running,
    alertmanager,
    binaries,
    free_port,
    process,
    prometheus,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import stack

# Wherever nobody listens.
NOBODY = "127.0.0.1:1"


def named(path: str, prefix: str) -> set[str]:
    """The metrics that the rules of a file name."""
    groups = yaml.safe_load(stack("us-1")[path])["groups"]
    exprs = " ".join(rule["expr"] for group in groups for rule in group["rules"])
    return set(re.findall(rf"\b(?:{prefix}|process)_\w+", exprs))


def had(running: Running, wanted: t.Collection[str]) -> set[str]:
    """Those of some metrics that a process has, as soon as it has all of them; else after a while."""
    deadline = time.monotonic() + 40
    while True:
        names = {re.split(r"[{ ]", line)[0] for line in running.get("/metrics").splitlines() if not line.startswith("#")}
        if set(wanted) <= names or time.monotonic() > deadline:
            return names & set(wanted)
        time.sleep(0.5)


def config(folder: Path, writes_to: str, **more: t.Any) -> Path:
    """Of a Prometheus that scrapes nobody every second and writes that to another one."""
    scrape = [{"job_name": "nobody", "static_configs": [{"targets": [NOBODY]}]}]
    write = [{"url": f"{writes_to}/api/v1/write", "name": "far", "queue_config": {"batch_send_deadline": "1s"}}]
    data = {"global": {"scrape_interval": "1s"}, "scrape_configs": scrape, "remote_write": write, **more}
    file = folder / "etc" / "prometheus.yml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    return file


@contextlib.contextmanager
def agent(version: str, file: Path) -> t.Iterator[Running]:
    url = f"http://127.0.0.1:{free_port()}"
    flag = "--enable-feature=agent" if version.startswith("2.") else "--agent"
    argv = [str(binaries("prometheus", version) / "prometheus"), flag, f"--config.file={file}"]
    argv += [f"--storage.agent.path={file.parent.parent}/agent-data", f"--web.listen-address={url[7:]}"]
    with process(argv, url, file) as running:
        yield running


@pytest.mark.parametrize("version", PROMETHEUS)
def test_prometheus_has_what_its_alerts_name(version: str, tmp_path: Path) -> None:
    wanted = named("rules/prometheus_health.yml", "prometheus")
    assert len(wanted) >= 14
    of_agent = {name for name in wanted if name.startswith("prometheus_agent_")}
    (tmp_path / "receiver" / "etc").mkdir(parents=True)
    empty = tmp_path / "receiver" / "etc" / "prometheus.yml"
    empty.write_text("global: {}\n", encoding="utf-8")
    always = tmp_path / "rules.yml"
    rules = [{"alert": "Always", "expr": "vector(1)"}]
    always.write_text(yaml.safe_dump({"groups": [{"name": "a", "interval": "1s", "rules": rules}]}), encoding="utf-8")
    alerting = {"alertmanagers": [{"static_configs": [{"targets": [NOBODY]}]}]}
    with prometheus(version, empty, "--web.enable-remote-write-receiver") as receiver:
        server = config(tmp_path / "server", receiver.url, rule_files=[str(always)], alerting=alerting)
        with prometheus(version, server) as running, agent(version, config(tmp_path / "agent", receiver.url)) as other:
            assert had(running, wanted - of_agent) | had(other, of_agent) == wanted


@pytest.mark.parametrize("version", ALERTMANAGER)
def test_alertmanager_has_what_its_alerts_name(version: str, tmp_path: Path) -> None:
    wanted = named("rules/alertmanager_health.yml", "alertmanager")
    assert len(wanted) >= 6
    file = tmp_path / "etc" / "alertmanager.yml"
    file.parent.mkdir()
    file.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="utf-8")
    with alertmanager(version, file, f"127.0.0.1:{free_port()}") as running:
        assert had(running, wanted) == wanted
