# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user gets: the tarball, installed into an empty folder and used from there, away from this checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COLLECTION = "baremetal.prometheus_ha"
#: All that belongs at the top of an installed collection; a new folder is shipped on purpose or not at all.
SHIPPED = {
    "CHANGELOG.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "inventory",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}
#: Bytes; Galaxy takes 20 MB, but a controller in a closed network is often fed by hand.
LARGEST = 2_000_000
SECRETS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\$ANSIBLE_VAULT;|AKIA[0-9A-Z]{16}")


def run(*argv: str, cwd: Path, collections: Path, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    """Run an Ansible command that sees only the given collections path and not this checkout's ansible.cfg."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    environment = {**kept, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    command = [str(BIN / argv[0]), *argv[1:]]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=cwd, env=environment, timeout=timeout
    )


def tracked(*folders: str) -> set[str]:
    """Files of the checkout below the folders that git tracks or would track."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    names = subprocess.run(listing, check=True, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
    return {name for name in names if (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    done = run("ansible-galaxy", "collection", "build", str(ROOT), cwd=folder, collections=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def installed(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collections path with nothing but our collection in it."""
    path = tmp_path_factory.mktemp("collections")
    argv = ("ansible-galaxy", "collection", "install", str(tarball), "--offline", "-p", str(path))
    done = run(*argv, cwd=path, collections=path)
    assert done.returncode == 0, done.stdout + done.stderr
    return path


@pytest.fixture(scope="module")
def documentation(installed: Path) -> dict[str, dict[str, Any]]:
    """What ansible-doc says about the installed collection, by kind of plugin."""
    done = run("ansible-doc", "--metadata-dump", COLLECTION, cwd=installed, collections=installed)
    assert done.returncode == 0, done.stdout + done.stderr
    dumped: dict[str, dict[str, Any]] = json.loads(done.stdout)["all"]
    return dumped


def test_tarball_holds_only_what_is_meant_to_ship(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
    names = [member.name for member in members]
    assert {name.split("/")[0] for name in names} - SHIPPED == set()
    assert [name for name in names if re.search(r"(^|/)(\.|__pycache__/)|\.(pyc|gz)$|^inventory/lab/", name)] == []
    assert [member.name for member in members if not member.isfile()] == []


def test_tarball_is_small(tarball: Path) -> None:
    assert tarball.stat().st_size < LARGEST


def test_tarball_holds_no_secret(tarball: Path, tmp_path: Path) -> None:
    with tarfile.open(tarball) as archive:
        archive.extractall(tmp_path, filter="data")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert [str(path) for path in files if SECRETS.search(path.read_bytes())] == []


def test_every_file_of_the_product_ships(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = set(archive.getnames())
    product = tracked("plugins", "roles", "playbooks", "meta", "inventory/example", "docs", "LICENSE", "README.md")
    assert {name for name in product if name.startswith("plugins/modules/")}
    assert product - names == set()


@pytest.mark.parametrize("kind", ["module", "filter", "lookup"])
def test_every_plugin_is_documented(kind: str, documentation: dict[str, dict[str, Any]]) -> None:
    folder = "plugins/modules" if kind == "module" else f"plugins/{kind}"
    expected = {f"{COLLECTION}.{Path(name).stem}" for name in tracked(folder) if not Path(name).name.startswith("_")}
    assert expected, f"{folder} holds no plugin"
    assert set(documentation[kind]) == expected
    for name, entry in documentation[kind].items():
        assert entry["doc"]["short_description"], name
        assert entry["doc"]["version_added"], name
        assert entry["examples"], f"{name} has no examples"
        assert entry["return"], f"{name} does not say what it returns"


def test_every_action_has_the_module_that_documents_it(documentation: dict[str, dict[str, Any]]) -> None:
    actions = {f"{COLLECTION}.{Path(name).stem}" for name in tracked("plugins/action")}
    assert actions, "plugins/action holds no plugin"
    assert actions - set(documentation["module"]) == set()


def test_every_role_is_documented(documentation: dict[str, dict[str, Any]]) -> None:
    roles = {name.split("/")[1] for name in tracked("roles")}
    assert roles, "there is no role"
    assert set(documentation["role"]) == {f"{COLLECTION}.{role}" for role in roles}
    for name, entry in documentation["role"].items():
        assert entry["entry_points"]["main"]["short_description"], name


def test_every_playbook_is_found_by_name(installed: Path) -> None:
    playbooks = [Path(name).stem for name in sorted(tracked("playbooks")) if re.fullmatch(r"playbooks/\w+\.yml", name)]
    assert "site" in playbooks
    for playbook in playbooks:
        argv = ("ansible-playbook", f"{COLLECTION}.{playbook}", "--syntax-check", "-i", "localhost,")
        done = run(*argv, cwd=installed, collections=installed)
        assert done.returncode == 0, f"{playbook}: {done.stdout}{done.stderr}"


def recap(output: str) -> dict[str, dict[str, int]]:
    """The counters of PLAY RECAP by host."""
    _before, _heading, after = output.partition("PLAY RECAP")
    counters = {}
    for line in after.splitlines():
        host, colon, rest = line.partition(" : ")
        if colon:
            counters[host.strip()] = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", rest)}
    return counters


@pytest.mark.lab
def test_site_runs_by_name_from_an_empty_folder_and_then_changes_nothing(
    demo_lab: dict[str, Any], installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "inventory" / "lab", tmp_path / "work" / "inventory")
    argv = ("ansible-playbook", f"{COLLECTION}.site", "-i", "inventory", "-e", f"lab_subnet={demo_lab['prefix']}")
    for changes_allowed in (True, False):
        done = run(*argv, cwd=tmp_path / "work", collections=installed, timeout=1500)
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
        hosts = recap(done.stdout)
        assert set(hosts) == set(demo_lab["addresses"]), done.stdout
        for host, counters in hosts.items():
            assert counters["failed"] == counters["unreachable"] == 0, host
            assert changes_allowed or counters["changed"] == 0, f"{host} changed in the second run:\n{done.stdout}"
