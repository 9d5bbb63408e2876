# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module and action together, by the real ansible command against a mirror on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_release import (
    COLLECTIONS,
    Mirror,
    environment,
    publish,
    release,
    serving,
    sha256,
    tree,
)


@pytest.fixture
def mirror(tmp_path: Path) -> t.Iterator[Mirror]:
    root = tmp_path / "mirror"
    root.mkdir()
    with serving(root) as server:
        yield server


class Ansible:
    """`ansible <hosts> -m release`, the hosts being this machine, each with a root of its own."""

    def __init__(self, tmp_path: Path, hosts: int = 1) -> None:
        self.home = tmp_path
        lines = [f"h{number} root={tmp_path}/opt{number}" for number in range(hosts)]
        connection = f"ansible_connection=local\nansible_python_interpreter={sys.executable}"
        (tmp_path / "ansible.cfg").write_text("")
        (tmp_path / "hosts").write_text("\n".join([*lines, "[all:vars]", connection]))

    def run(self, args: dict[str, t.Any], *options: str) -> dict[str, dict[str, t.Any]]:
        options_of_module = {"name": "prometheus", "version": "3.5.3", "arch": "amd64", "root": "{{ root }}", **args}
        command = [str(Path(sys.executable).parent / "ansible"), "all", "-i", f"{self.home}/hosts", "--forks", "5"]
        command += ["-m", "baremetal.prometheus_ha.release", "-a", json.dumps(options_of_module), *options]
        env = {
            **environment(self.home),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.tree",
            "ANSIBLE_CALLBACK_TREE_DIR": f"{self.home}/results",
            "ANSIBLE_CONFIG": f"{self.home}/ansible.cfg",
            "ANSIBLE_REMOTE_TMP": f"{self.home}/remote",
        }
        self.done = subprocess.run(
            command, env=env, cwd=self.home, capture_output=True, text=True, timeout=180, check=False
        )
        said = self.done.stdout + self.done.stderr
        assert "Traceback" not in said, said
        return {path.name: json.loads(path.read_text()) for path in (self.home / "results").iterdir()}


def test_fetched_once_for_all_hosts(tmp_path: Path, mirror: Mirror) -> None:
    content = release(size=1_000_000)
    publish(mirror.root, content)
    ansible = Ansible(tmp_path, hosts=3)
    planned = ansible.run({"source": mirror.url}, "--check")
    assert [(result["changed"], "fetch" in result) for result in planned.values()] == [(True, False)] * 3
    assert mirror.asked == []
    assert not (tmp_path / "opt0").exists()

    done = ansible.run({"source": mirror.url})
    assert [result["changed"] for result in done.values()] == [True] * 3, done
    assert done["h0"]["sha256"] == sha256(content)
    assert done["h0"]["verified_by"] == f"{mirror.url}/prometheus/prometheus/releases/download/v3.5.3/sha256sums.txt"
    assert (len(mirror.of(".tar.gz")), len(mirror.of("sums.txt"))) == (1, 1)
    assert "fetching from" in ansible.done.stderr
    for number in range(3):
        tool = tmp_path / f"opt{number}/prometheus/3.5.3/bin/promtool"
        assert tool.read_bytes().startswith(b"#!/bin/sh\necho promtool 3.5.3\n")
    assert list((tmp_path / "remote").glob("ansible-tmp-*")) == []

    again = ansible.run({"source": mirror.url})
    assert [result["changed"] for result in again.values()] == [False] * 3
    assert len(mirror.asked) == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"checksum": "c" * 64, "checksum_from": "prometheus_checksum"}, "prometheus_checksum says cccc"),
        ({"version": "9.9.9", "checksum": "c" * 64}, "9.9.9 for amd64 is not published there"),
        ({"version": "latest"}, "'latest' is never used"),
        ({"source": "/nowhere"}, "is not in the folder /nowhere of the controller"),
        ({"checksums": {"arm64": "c" * 64}}, "is given for amd64, only for arm64"),
        ({"fetch": "sometimes"}, "controller, target"),
    ],
)
def test_failures_are_told_and_change_nothing(
    tmp_path: Path, mirror: Mirror, args: dict[str, t.Any], words: str
) -> None:
    publish(mirror.root, release())
    ansible = Ansible(tmp_path)
    failed = ansible.run({"source": mirror.url, **args})["h0"]
    assert ansible.done.returncode == 2
    assert words in failed["msg"]
    assert not (tmp_path / "opt0").exists()
    assert list(tmp_path.glob(".cache/**/*.tar.gz*")) == []
    assert list(tmp_path.glob("remote/ansible-tmp-*")) == []


def test_check_mode_needs_no_network_but_a_rule_for_the_checksum(tmp_path: Path) -> None:
    ansible = Ansible(tmp_path)
    away = {"source": "http://127.0.0.1:1"}
    assert ansible.run(away, "--check")["h0"]["changed"]
    assert "only for arm64" in ansible.run({**away, "checksums": {"arm64": "c" * 64}}, "--check")["h0"]["msg"]


def test_from_a_folder_and_then_removed(tmp_path: Path) -> None:
    publish(tmp_path / "folder", release(), flat=True)
    ansible = Ansible(tmp_path)
    links = {"links": ["promtool"], "link_dir": str(tmp_path / "bin")}
    (tmp_path / "bin").mkdir()
    done = ansible.run({"source": str(tmp_path / "folder"), **links})["h0"]
    assert done["changed"]
    assert done["versions"] == ["3.5.3"]
    assert done["links"] == {f"{tmp_path}/bin/promtool": f"{tmp_path}/opt0/prometheus/3.5.3/bin/promtool"}
    assert ansible.run({"state": "absent", **links})["h0"]["removed"] == ["3.5.3"]
    assert tree(tmp_path / "opt0") == tree(tmp_path / "bin") == {}
