# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of every plugin, as they stand in its documentation, run on hosts of the lab.

Each runs in check mode, for real, and again: check mode must say what then happens, and the second run must change
nothing. A new plugin without examples fails here. All that differs from what a user copies: SUBSTITUTES, and a release
without a `source` comes from the lab's mirror (module_defaults), since upstream can't be reached from a lab.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests import support_examples as examples
from ansible_collections.baremetal.prometheus_ha.tests.support_examples import ROOT

BIN = Path(sys.executable).parent
FQCN = "baremetal.prometheus_ha"
#: What needs Thanos and a bucket, which take ten minutes to build: the scenario thanos has them, and runs these
#: examples on its hosts (molecule/thanos/tests/test_25_bucket_tools.py).
IN_THE_SCENARIO_THANOS = {"lookup/buckets", "modules/objstore_info", "modules/thanos_bucket"}
PLUGINS = [plugin for plugin in examples.PLUGINS if plugin not in IN_THE_SCENARIO_THANOS]

#: Names that are kept for documentation (RFC 2606, RFC 5737), and what stands for them in the lab.
SUBSTITUTES = {
    "https://mirror.example.com/github": "{mirror_url}",
    "192.0.2.11": "{addresses[am-1]}",
    "192.0.2.12": "{addresses[am-2]}",
    "192.0.2.13": "{addresses[eu-1]}",
}
#: Hosts of the lab by group. Examples find a running stack: eu-1 has both components, and the mesh three members.
STACK = {"eu": ["eu-1", "eu-2"], "alertmanager": ["eu-1", "am-1", "am-2"], "alone": ["am-3"]}
#: Where the stack or an example puts something; at the end it goes.
EVERYWHERE = {"eu": ["eu-1", "eu-2", "am-3"], "alertmanager": ["eu-1", "eu-2", "am-1", "am-2", "am-3"]}
RELEASE = f"{FQCN}.release"


@dataclasses.dataclass(frozen=True)
class Scene:
    """What the examples of a plugin find: a host, with tasks done there; plays before; options of ansible-playbook."""

    host: str = "am-3"
    before: str = ""
    plays: str = ""
    options: tuple[str, ...] = ()


# A release and a configuration, as the modules that use them expect.
INSTALLED = """
- baremetal.prometheus_ha.release:
    name: prometheus
    version: 3.5.3
    links: [promtool]
    source: "{{ prometheus_ha_release_source }}"
    checksum: "{{ lab_sums['prometheus-3.5.3'] }}"
- ansible.builtin.user: {name: prometheus, system: true, create_home: false}
- baremetal.prometheus_ha.config:
    root: /etc/prometheus
    group: prometheus
    files: [{path: prometheus.yml, content: "{}"}]
"""
RUNNING = """
- baremetal.prometheus_ha.service:
    name: prometheus
    user: prometheus
    release: /opt/prometheus_ha/prometheus/3.5.3
    executable: "{release}/bin/prometheus"
    args:
      - --config.file=/etc/prometheus/prometheus.yml
      - --storage.tsdb.path=/var/lib/prometheus
      - --web.enable-lifecycle
    data_dirs: [/var/lib/prometheus]
    api: {kind: prometheus, url: "http://127.0.0.1:9090"}
"""
STOPPED = RUNNING + "    state: absent\n"
OLDER = """
- baremetal.prometheus_ha.release:
    name: prometheus
    version: 2.53.3
    source: "{{ prometheus_ha_release_source }}"
    checksum: "{{ lab_sums['prometheus-2.53.3'] }}"
"""
# The lab's own exporter steps aside, and comes back at the end.
NO_EXPORTER = """
- ansible.builtin.shell:
    cmd: systemctl disable --now node_exporter && mv /etc/systemd/system/node_exporter.service /root/
    creates: /root/node_exporter.service
"""
EXPORTER = """
- baremetal.prometheus_ha.service:
    name: node_exporter
    user: node_exporter
    executable: /usr/local/bin/node_exporter
    state: absent
- ansible.builtin.shell:
    cmd: >-
      mv /root/node_exporter.service /etc/systemd/system/ && systemctl daemon-reload
      && systemctl enable --now node_exporter
    removes: /root/node_exporter.service
"""
PLAN = """
- hosts: all
  gather_facts: false
  tasks: [baremetal.prometheus_ha.plan: {}]
"""
STAGE = """
- hosts: eu
  gather_facts: false
  become: true
  tasks: [baremetal.prometheus_ha.component: {state: staged}]
"""
SCENES = {
    "lookup/members": Scene(plays=PLAN),
    # With a change that both replicas take up, one after the other.
    "lookup/waves": Scene(plays=PLAN + STAGE, options=("-e", "prometheus_scrape_interval=7s")),
    "modules/alertmanager_mesh_info": Scene("eu-1"),
    "modules/component": Scene("eu-2"),
    "modules/component_info": Scene("eu-1"),
    "modules/config": Scene(before=INSTALLED + RUNNING),
    "modules/gate_info": Scene("eu-1"),
    "modules/plan": Scene("eu-1"),
    "modules/ready": Scene("eu-1"),
    "modules/release": Scene(before=OLDER),
    "modules/reload": Scene("eu-1"),
    "modules/roll": Scene(plays=PLAN + STAGE, options=("-e", "prometheus_scrape_interval=8s")),
    "modules/service": Scene(before=INSTALLED + STOPPED + NO_EXPORTER),
}


def checksums(mirror: str) -> dict[str, str]:
    """By release, what the lab's mirror publishes: its archives are repacked, so upstream's do not fit."""
    found = {}
    for release in ("prometheus-2.53.3", "prometheus-3.5.3", "alertmanager-0.28.1"):
        name, _dash, version = release.partition("-")
        url = f"{mirror}/prometheus/{name}/releases/download/v{version}/sha256sums.txt"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            sums = re.findall(r"^([0-9a-f]{64}) .*\.linux-amd64\.tar\.gz$", answer.read().decode(), re.MULTILINE)
        (found[release],) = sums
    return found


class Stack:
    """Runs of ansible-playbook over the lab's hosts."""

    def __init__(self, lab: dict[str, Any], folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        sums = checksums(lab["mirror_url"])
        self.variables = {
            "lab_subnet": lab["prefix"],
            "lab_sums": sums,
            "vault_remote_write_password": "hunter2",
            "prometheus_amd64_sha256": sums["prometheus-3.5.3"],
            "prometheus_arm64_sha256": "0" * 64,  # the lab has no such host
            "alertmanager_amd64_sha256": sums["alertmanager-0.28.1"],
        }

    def run(self, groups: dict[str, list[str]], playbook: Path, *options: str) -> str:
        """The output of a run that passed, over the lab's inventory with these hosts in its groups."""
        inventory = self.folder / "inventory"
        shutil.copytree(ROOT / "inventory/lab/group_vars", inventory / "group_vars", dirs_exist_ok=True)
        hosts = {
            name: {"hosts": {host: {"ansible_host": self.lab["addresses"][host]} for host in members}}
            for name, members in groups.items()
        }
        nested = {**hosts, "prometheus": {"children": {"eu": {}}}}
        (inventory / "hosts.yml").write_text(json.dumps({"all": {"children": nested}}))
        command = [str(BIN / "ansible-playbook"), "-i", str(inventory), str(playbook), *options]
        done = subprocess.run(
            [*command, "-e", json.dumps(self.variables), "--diff"],
            cwd=self.folder,  # what an example writes does not end up in the tarball
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout
        assert "Traceback" not in done.stdout, done.stdout
        assert self.variables["vault_remote_write_password"] not in done.stdout
        return done.stdout

    def example(self, example: str) -> str:
        """The example as a user adapts it."""
        for name, stand_in in SUBSTITUTES.items():
            example = example.replace(name, stand_in.format(**self.lab))
        return example


@pytest.fixture(scope="module")
def stack(demo_lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack converged by the collection; everything it made leaves at the end, for whoever uses the lab next."""
    made = Stack(demo_lab, tmp_path_factory.mktemp("examples"))
    leave = made.folder / "leave.yml"
    leave.write_text(f"- hosts: am-3\n  become: true\n  tasks:\n{textwrap.indent(EXPORTER, '    ')}")
    absent = json.dumps({"prometheus_state": "absent", "alertmanager_state": "absent"})
    # Whoever used it before may have left something, too.
    made.run(EVERYWHERE, ROOT / "site.yml", "-e", absent)
    made.run(STACK, ROOT / "site.yml")
    yield made
    made.run(STACK, leave)
    made.run(EVERYWHERE, ROOT / "site.yml", "-e", absent)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_examples_run_and_run_again(plugin: str, stack: Stack, tmp_path: Path) -> None:
    written = stack.example(examples.text(plugin, "EXAMPLES"))
    assert yaml.safe_load(written), f"plugins/{plugin}.py has no EXAMPLES"
    scene = SCENES.get(plugin, Scene())
    if "hosts" in yaml.safe_load(written)[0]:
        whole_plays(scene, written, stack, tmp_path)
    else:
        tasks(scene, written, stack, tmp_path)


def whole_plays(scene: Scene, written: str, stack: Stack, folder: Path) -> None:
    """Examples that are a playbook."""
    playbook = folder / "playbook.yml"
    playbook.write_text(scene.plays + written)
    predicted = stack.run(STACK, playbook, *scene.options, "--check")
    first = stack.run(STACK, playbook, *scene.options)
    assert "no hosts matched" not in predicted + first
    assert counters(predicted) == counters(first)
    assert re.findall(r"changed=[1-9]", stack.run(STACK, playbook, *scene.options)) == []


def counters(output: str) -> list[str]:
    """PLAY RECAP."""
    return re.findall(r"^\S+ +: .*", output, re.MULTILINE)


def tasks(scene: Scene, written: str, stack: Stack, folder: Path) -> None:
    """Examples that are tasks."""
    playbook, count = examples.playbook(folder, written, scene.host, before=scene.before, defaults=defaults)
    examples.judge(stack.run(STACK, playbook, *scene.options), count)


def defaults(task: dict[str, Any]) -> dict[str, Any]:
    """What takes upstream's place for an example that installs a release from there."""
    args = task.get(RELEASE, {"source": ""})
    if "source" in args:
        return {}
    checksum = f"{{{{ lab_sums['{args['name']}-{args['version']}'] }}}}"
    return {RELEASE: {"source": "{{ prometheus_ha_release_source }}", "checksum": checksum}}


def test_the_modules_say_what_is_proved_here() -> None:
    for plugin in examples.PLUGINS:
        for name, attribute in yaml.safe_load(examples.text(plugin, "DOCUMENTATION")).get("attributes", {}).items():
            assert name == "diff_mode" or attribute["support"] == "full", f"{plugin}: {name} is {attribute['support']}"
