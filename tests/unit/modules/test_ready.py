# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module run for real: a Prometheus that sees its Alertmanagers, one that never will, a mesh of two."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support

MESH = "route: {receiver: a}\nreceivers: [{name: a}]\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("old", [True, False])
def test_both_components_of_a_host_at_once(tmp_path: Path, old: bool) -> None:
    index = 0 if old else -1
    with support.alertmanager(support.ALERTMANAGER[index], write(tmp_path / "a/etc/a.yml", MESH)) as alertmanager:
        target = alertmanager.url[len("http://") :]
        text = f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{target}']}}]}}]}}\n"
        config = write(tmp_path / "p/etc/p.yml", text)
        with support.prometheus(support.PROMETHEUS[index], config) as prometheus:
            checks = [
                {"kind": "prometheus", "url": prometheus.url, "expect": {"alertmanagers": [target]}},
                {"kind": "alertmanager", "url": alertmanager.url, "expect": {"members": 1}},
            ]
            done = support.run_module("ready", {"checks": checks, "timeout": 30})
            assert (done["ready"], done["changed"]) == (True, False)

            single = {**checks[0], "expect": {"alertmanagers": [target, "127.0.0.1:1"]}, "timeout": 0.5}
            failed = support.run_module("ready", single)
            sentence = f"Prometheus does not see the Alertmanager 127.0.0.1:1 (active: {target})"
            assert failed["failed"] and sentence in failed["msg"]
            assert failed["waited_for"] == [sentence] and failed["seconds"] >= 0.5
            looked = support.run_module("ready", single, check=True)
            assert (looked["ready"], looked["waited_for"]) == (False, [sentence])

            prefix = {"kind": "prometheus", "url": prometheus.url + "/prefix", "timeout": 60}
            failed = support.run_module("ready", prefix)
            assert "will not become so" in failed["msg"] and "--web.route-prefix" in failed["msg"]
            assert failed["seconds"] < 5


@pytest.mark.parametrize("version", support.ALERTMANAGER)
def test_a_mesh_of_two(tmp_path: Path, version: str) -> None:
    clusters = [f"127.0.0.1:{support.free_port()}" for _member in range(2)]
    config = write(tmp_path / "etc/a.yml", MESH)
    other = write(tmp_path / "other/etc/a.yml", MESH + "# another\n")
    with support.alertmanager(version, config, clusters[0]) as first:
        expect = {"kind": "alertmanager", "url": first.url, "expect": {"members": 2}}
        failed = support.run_module("ready", {**expect, "timeout": 3})
        assert f"Alertmanager sees 1 of 2 members: {clusters[0]}" in failed["msg"]
        alone = support.run_module("alertmanager_mesh_info", {"urls": [first.url]})
        assert alone["agree"] is True and len(alone["members"][0]["peers"]) == 1

        with support.alertmanager(version, other, clusters[1], f"--cluster.peer={clusters[0]}") as second:
            assert support.run_module("ready", {**expect, "timeout": 30})["ready"] is True
            support.run_module("ready", {**expect, "url": second.url, "timeout": 30})
            nobody = f"http://127.0.0.1:{support.free_port()}"
            info = support.run_module("alertmanager_mesh_info", {"urls": [first.url, second.url, nobody], "members": 2})
            ours, theirs, gone = info["members"]
            assert ours["peers"] == theirs["peers"] and len(ours["peers"]) == 2
            assert {ours["name"], theirs["name"]} == {peer["name"] for peer in ours["peers"]}
            assert ours["version"].startswith(version) and ours["status"] == "ready"
            assert (gone["reachable"], info["agree"]) == (False, False)
            said = " ".join(info["disagreements"])
            assert f"{nobody} does not answer" in said
            assert "they run different configurations" in said and "split" not in said

            other.write_text(MESH)
            reload = {"kind": "alertmanager", "url": second.url, "config_file": str(other)}
            assert support.run_module("reload", reload)["changed"] is True
            info = support.run_module("alertmanager_mesh_info", {"urls": [first.url, second.url]})
            assert (info["agree"], info["disagreements"]) == (True, [])


def test_arguments_are_told_apart() -> None:
    assert "one of the following is required" in support.run_module("ready", {})["msg"]
    both = {"kind": "prometheus", "url": "http://127.0.0.1:1", "checks": []}
    assert "mutually exclusive" in support.run_module("ready", both)["msg"]
