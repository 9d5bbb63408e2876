# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every metric that the alerts name is one that real Prometheus and Alertmanager have: a misspelt one never fires."""

from __future__ import annotations

import contextlib
import re
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
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_metrics import NOBODY, config, empty, exposed, had
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import stack


def named(path: str, prefix: str) -> set[str]:
    """The metrics that the rules of a file name."""
    groups = yaml.safe_load(stack("us-1")[path])["groups"]
    exprs = " ".join(rule["expr"] for group in groups for rule in group["rules"])
    return set(re.findall(rf"\b(?:{prefix}|process)_\w+", exprs))


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
    always = tmp_path / "rules.yml"
    rules = [{"alert": "Always", "expr": "vector(1)"}]
    always.write_text(yaml.safe_dump({"groups": [{"name": "a", "interval": "1s", "rules": rules}]}), encoding="utf-8")
    alerting = {"alertmanagers": [{"static_configs": [{"targets": [NOBODY]}]}]}
    with prometheus(version, empty(tmp_path / "receiver"), "--web.enable-remote-write-receiver") as receiver:
        server = config(tmp_path / "server", receiver.url, rule_files=[str(always)], alerting=alerting)
        with prometheus(version, server) as running, agent(version, config(tmp_path / "agent", receiver.url)) as other:
            found = had(wanted - of_agent, lambda: exposed(running)) | had(of_agent, lambda: exposed(other))
            assert found == wanted


@pytest.mark.parametrize("version", ALERTMANAGER)
def test_alertmanager_has_what_its_alerts_name(version: str, tmp_path: Path) -> None:
    wanted = named("rules/alertmanager_health.yml", "alertmanager")
    assert len(wanted) >= 6
    file = tmp_path / "etc" / "alertmanager.yml"
    file.parent.mkdir()
    file.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="utf-8")
    with alertmanager(version, file, f"127.0.0.1:{free_port()}") as running:
        assert had(wanted, lambda: exposed(running)) == wanted
