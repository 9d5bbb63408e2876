# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four filters as a user meets them: in a playbook, on values from an inventory, by ansible-playbook itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FQCN = "baremetal.prometheus_ha"

# name -> (expression, its result)
GOOD: dict[str, tuple[str, t.Any]] = {
    "labels": (
        f"shared | {FQCN}.external_labels('replica', inventory_hostname)",
        {"cluster": "eu1", "region": "eu", "replica": "localhost"},
    ),
    "labels_escaped": (
        f"{{'tier': '5$'}} | {FQCN}.external_labels('replica', 'a', version=version, escape_dollar=true)",
        {"replica": "a", "tier": "5$$"},
    ),
    "peers": (
        f"mesh | {FQCN}.cluster_peers(own='10.0.0.1')",
        ["--cluster.peer=10.0.0.2:9094", "--cluster.peer=[2001:db8::3]:9194"],
    ),
    "targets": (
        f"mesh | {FQCN}.alertmanager_targets",
        [
            {
                "scheme": "http",
                "path_prefix": "/",
                "api_version": "v2",
                "static_configs": [{"targets": ["10.0.0.1:9093", "10.0.0.2:9093"]}],
            },
            {
                "scheme": "https",
                "path_prefix": "/am",
                "api_version": "v2",
                "static_configs": [{"targets": ["[2001:db8::3]:9093"]}],
            },
        ],
    ),
    "flags": (
        f"flags | {FQCN}.command_line_flags('prometheus', version)",
        [
            "--web.enable-lifecycle",
            "--storage.tsdb.retention.time=30d",
            "--enable-feature=a",
            "--enable-feature=localhost",
        ],
    ),
    "flags_unchecked": (f"{{'x': none, 'y': 1.5}} | {FQCN}.command_line_flags", ["--x", "--y=1.5"]),
    "targets_as_yaml": (
        f"(['a'] | {FQCN}.alertmanager_targets | to_yaml | from_yaml)[0].static_configs[0].targets",
        ["a:9093"],
    ),
}
# name -> (expression, words of its error)
BAD = {
    "labels": (f"dict(shared, replica='x') | {FQCN}.external_labels('replica', 'a')", "'replica' is the replica label"),
    "peers": (f"['a:b'] | {FQCN}.cluster_peers", "'b' is not a port"),
    "targets": (f"[{{'port': 1}}] | {FQCN}.alertmanager_targets", "has no address"),
    "flags": (
        f"{{'storage.tsdb.retention': '3d'}} | {FQCN}.command_line_flags('prometheus', version)",
        "(removed in 3.0): use --storage.tsdb.retention.time",
    ),
}
VARIABLES = {
    "version": "3.5.3",
    "eu": "eu",
    "shared": {"region": "{{ eu }}", "cluster": "eu1"},
    "mesh": [
        "10.0.0.2",
        {"address": "2001:db8::3", "cluster_port": 9194, "scheme": "https", "route_prefix": "am"},
        "10.0.0.1",
    ],
    "flags": {
        "web.enable-lifecycle": True,
        "storage.tsdb.retention.time": "30d",
        "enable-feature": ["a", "{{ inventory_hostname }}"],
    },
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """What one playbook run made of every expression."""
    folder = tmp_path_factory.mktemp("filters")
    out = folder / "out.json"
    tasks: list[dict[str, t.Any]] = [
        {"ansible.builtin.set_fact": {f"good_{name}": "{{ " + expression + " }}"}}
        for name, (expression, _wanted) in GOOD.items()
    ]
    tasks += [
        {
            "block": [{"ansible.builtin.set_fact": {f"unused_{name}": "{{ " + expression + " }}"}}],
            "rescue": [{"ansible.builtin.set_fact": {f"bad_{name}": "{{ ansible_failed_result.msg }}"}}],
        }
        for name, (expression, _said) in BAD.items()
    ]
    names = [*(f"good_{name}" for name in GOOD), *(f"bad_{name}" for name in BAD)]
    content = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
    tasks.append({"ansible.builtin.copy": {"content": content, "dest": str(out), "mode": "0600"}})
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    hosts = {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    inventory = {"all": {"hosts": hosts, "vars": VARIABLES}}
    (folder / "inventory.yml").write_text(json.dumps(inventory), encoding="utf-8")
    (folder / "ansible.cfg").write_text("", encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "HOME": str(folder),
    }
    playbook = Path(sys.executable).with_name("ansible-playbook")
    argv = [str(playbook), "-i", str(folder / "inventory.yml"), str(folder / "play.yml")]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environment, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    result: dict[str, t.Any] = json.loads(out.read_text(encoding="utf-8"))
    return result


@pytest.mark.parametrize("name", GOOD)
def test_result(results: dict[str, t.Any], name: str) -> None:
    assert results[f"good_{name}"] == GOOD[name][1]


@pytest.mark.parametrize("name", BAD)
def test_error(results: dict[str, t.Any], name: str) -> None:
    assert BAD[name][1] in results[f"bad_{name}"]
