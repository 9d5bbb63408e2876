# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guides name exists, and the example inventory is one that the checkers of the real releases accept."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _inventory, _registry, _render
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._controller_files import ControllerFiles

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "inventory" / "example"
CACHE = Path(os.environ.get("LAB_CACHE", "~/.cache/prometheus_ha_lab")).expanduser()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def prose(page: Path) -> str:
    """A page without its fenced blocks, in which brackets are no links."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The headings as code hosts make anchors of them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _hash, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            wrong.append(f"{link}: no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            wrong.append(f"{link}: no such heading")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_commands_name_is_there(page: Path) -> None:
    """Inventories and playbooks of this repository, playbooks of the collection, targets of make."""
    text = page.read_text(encoding="utf-8")
    missing = {
        path for path in re.findall(r"\binventory/(?:example|lab)[\w./-]*\w", text) if not (ROOT / path).exists()
    }
    missing |= {path for path in re.findall(r"\bplaybooks/\w+\.yml", text) if not (ROOT / path).exists()}
    called = re.findall(r"ansible-playbook[^\n`]* baremetal\.prometheus_ha\.(\w+)", text)
    missing |= {f"playbook {name}" for name in called if not (ROOT / "playbooks" / f"{name}.yml").exists()}
    targets = set(re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    known = {name for line in targets for name in line.split()}
    missing |= {f"make {name}" for name in re.findall(r"(?:^|`|\$ )make ([a-z-]+)", text, flags=re.M)} - {
        f"make {name}" for name in known
    }
    assert missing == set()


@pytest.fixture(name="planned", scope="module")
def _planned() -> _render.Plan:
    """The example's plan, from Ansible's own reading of the inventory."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(EXAMPLE / "hosts.yml")])
    variables = VariableManager(loader=loader, inventory=inventory)
    hostvars: t.Any = HostVars(inventory=inventory, variable_manager=variables, loader=loader)
    names = (_registry.NAMES, [str(EXAMPLE)], _registry.COHORT_NAMES)
    snapshot = _inventory.load(hostvars, Templar(loader=loader), *names)
    return _render.plan(snapshot, ControllerFiles(loader))


def test_example_has_no_findings(planned: _render.Plan) -> None:
    assert [str(finding) for finding in planned.findings] == []
    assert {name: [item["name"] for item in slices] for name, slices in planned.hosts.items()} == {
        "fra-prom-1": ["prometheus"],
        "fra-prom-2": ["prometheus"],
        "nyc-prom-1": ["prometheus"],
        "nyc-prom-2": ["prometheus"],
        "sin-prom-1": ["prometheus", "alertmanager"],
        "sin-prom-2": ["prometheus"],
        "fra-am-1": ["alertmanager"],
        "nyc-am-1": ["alertmanager"],
    }


def test_replicas_stand_in_different_failure_domains(planned: _render.Plan) -> None:
    for cohort in planned.topology.cohorts.values():
        domains = [instance.options["prometheus_ha_failure_domain"] for instance in cohort.instances]
        assert None not in domains
        assert len(set(domains)) == len(domains)


def slices(plan: _render.Plan) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for host, items in plan.hosts.items():
        for item in items:
            yield host, item


def unpacked(item: dict[str, t.Any], folder: Path) -> Path:
    """The release that the slice pins, out of the lab's mirror."""
    name, version = item["name"], item["release"]["version"]
    place = f"prometheus/{name}/releases/download/v{version}"
    archive = CACHE / "releases" / place / f"{name}-{version}.linux-amd64.tar.gz"
    if not archive.is_file():
        pytest.fail(f"{archive} is missing: run `python3 -m lab mirror`")
    target = folder / f"{name}-{version}"
    if not target.exists():
        with tarfile.open(archive) as stream:
            stream.extractall(target, filter="data")
    (release,) = target.iterdir()
    return release


def test_example_is_accepted_by_the_real_checkers(planned: _render.Plan, tmp_path: Path) -> None:
    for host, item in slices(planned):
        release = unpacked(item, tmp_path)
        root = tmp_path / host / item["name"]
        for file in item["config"]["files"]:
            path = root / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file["content"], encoding="utf-8")
        for command in item["config"]["check"]:
            argv = [word.format(release=release, root=root).replace("/bin/", "/") for word in command]
            done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"{host}: {done.stdout}{done.stderr}"


def test_example_plans_by_its_documented_command(tmp_path: Path) -> None:
    """As a reader types it, without a vault password; nothing is said but the plan."""
    argv = ["ansible-playbook", "-i", "inventory/example", "playbooks/plan.yml"]
    environment = {**os.environ, "ANSIBLE_LOCAL_TEMP": str(tmp_path), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(argv, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=120)
    words = done.stdout + done.stderr
    assert done.returncode == 0, words
    assert "WARNING" not in words
    for told in ("http://[2001:db8:2::12]:9090", "http://fra-am-1.example.net:9093", "replica set sin of production"):
        assert told in words
