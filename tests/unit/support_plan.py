# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of the plan: inventories as short tables, files of a controller, real playbooks on local hosts."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _render, _topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import DEFECT
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables, Snapshot
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._registry import KINDS

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
Values = t.Mapping[str, t.Any]

AM_CONFIG = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


class Controller:
    """Files of a controller, by absolute path; counts what is read."""

    def __init__(self, files: t.Mapping[str, str] | None = None) -> None:
        self.files = dict(files or {})
        self.reads: list[str] = []

    def find(self, pattern: str, folders: t.Sequence[str]) -> list[str]:
        for folder in folders:
            found = sorted(path for path in self.files if fnmatch.fnmatchcase(path, os.path.join(folder, pattern)))
            if found:
                return found
        return []

    def read(self, path: str) -> str:
        self.reads.append(path)
        return self.files[path]


def prometheus(*names: str, **values: t.Any) -> dict[str, HostVariables]:
    """Hosts of the group prometheus."""
    return hosts(*names, groups=("prometheus",), **values)


def alertmanager(*names: str, **values: t.Any) -> dict[str, HostVariables]:
    """Hosts of the group alertmanager, with a configuration."""
    return hosts(*names, groups=("alertmanager",), **{"alertmanager_config": AM_CONFIG, **values})


def hosts(
    *names: str,
    groups: t.Sequence[str],
    problems: t.Mapping[str, str] | None = None,
    origins: t.Mapping[str, str] | None = None,
    **values: t.Any,
) -> dict[str, HostVariables]:
    """Hosts that share their variables; ``ansible_host`` is their name in a domain unless given."""
    return {
        name: HostVariables(
            name,
            tuple(groups),
            {key: value for key, value in {"ansible_host": f"{name}.example", **values}.items() if value is not None},
            dict(problems or {}),
            dict(origins or {}),
        )
        for name in names
    }


def snapshot(*parts: t.Mapping[str, HostVariables]) -> Snapshot:
    merged: dict[str, HostVariables] = {}
    for part in parts:
        merged.update(part)
    return Snapshot(merged, ("/inv",))


def topology(*parts: t.Mapping[str, HostVariables]) -> _topology.Topology:
    return _topology.build(snapshot(*parts), KINDS)


def plan(
    *parts: t.Mapping[str, HostVariables],
    files: t.Mapping[str, str] | None = None,
    former: t.Mapping[tuple[str, str], _topology.Place] | None = None,
) -> _render.Plan:
    """:param former: where those still answer whose web endpoint moves, see _topology.Topology."""
    return sound(_render.plan(snapshot(*parts), Controller(files), former))


def sound(found: _render.Plan) -> _render.Plan:
    """The plan, in the making of which nothing broke: in a test, what broke must not pass for a rule's finding."""
    assert [str(finding) for finding in found.findings if DEFECT in finding.what] == []
    return found


def good(*parts: t.Mapping[str, HostVariables], files: t.Mapping[str, str] | None = None) -> _render.Plan:
    """A plan that must have no errors; warnings are the business of the rules' own tests."""
    found = plan(*parts, files=files)
    assert [str(finding) for finding in found.findings if finding.severity == "error"] == []
    return found


def findings(*parts: t.Mapping[str, HostVariables], files: t.Mapping[str, str] | None = None) -> list[str]:
    """The errors of a plan."""
    return [str(finding) for finding in plan(*parts, files=files).findings if finding.severity == "error"]


def warnings(*parts: t.Mapping[str, HostVariables], files: t.Mapping[str, str] | None = None) -> list[str]:
    return [str(finding) for finding in plan(*parts, files=files).findings if finding.severity != "error"]


def slice_of(found: _render.Plan, host: str, name: str = "prometheus") -> dict[str, t.Any]:
    return next(item for item in found.hosts[host] if item["name"] == name)


def contents(item: t.Mapping[str, t.Any]) -> dict[str, str]:
    """The files of a slice by path."""
    return {file["path"]: file["content"] for file in item["config"]["files"]}


def loaded(item: t.Mapping[str, t.Any], path: str) -> t.Any:
    return yaml.safe_load(contents(item)[path])


def flags(item: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """A slice's argv by flag."""
    found: dict[str, list[str]] = {}
    for arg in item["service"]["args"]:
        name, _equals, value = arg.partition("=")
        found.setdefault(name, []).append(value)
    return found


class Ran(t.NamedTuple):
    """How a playbook run went; words is all that the user sees, unwrapped, and lines what stdout has, as it is."""

    rc: int
    words: str
    results: dict[str, t.Any]
    lines: list[str]


def playbook(
    folder: Path,
    inventory: t.Mapping[str, t.Any] | Path,
    plays: t.Sequence[t.Mapping[str, t.Any]] | Path,
    *extra: str,
    environment: t.Mapping[str, str] | None = None,
) -> Ran:
    """Run the real ansible-playbook from an empty folder, and fail for a traceback.

    ``results`` is what the run wrote into ``out.json`` of the folder, by the task of ``write``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    where = folder / "hosts.yml"
    if isinstance(inventory, Path):
        where = inventory
    else:
        where.write_text(json.dumps(inventory), encoding="utf-8")
    book = folder / "play.yml"
    if isinstance(plays, Path):
        book = plays
    else:
        book.write_text(json.dumps(plays), encoding="utf-8")
    (folder / "ansible.cfg").write_text("", encoding="utf-8")
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(folder),
        **(environment or {}),
    }
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(where), str(book), *extra]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=env, cwd=folder, timeout=300)
    words = done.stdout + done.stderr
    assert "Traceback" not in words, words
    assert "Unexpected" not in words, words
    out = folder / "out.json"
    results = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    return Ran(done.returncode, re.sub(r"\s+", " ", words.replace("\\n", "\n")), results, done.stdout.splitlines())


def local(*names: str, **values: t.Any) -> dict[str, t.Any]:
    """Hosts of a JSON inventory that are this machine."""
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **values}
    return {name: dict(common) for name in names}


def write(folder: Path, expression: str) -> dict[str, t.Any]:
    """A task that writes an expression's value as the run's ``results``."""
    copy = {"content": "{{ " + expression + " | to_json }}", "dest": str(folder / "out.json"), "mode": "0600"}
    return {"ansible.builtin.copy": copy, "delegate_to": "localhost", "run_once": True}
