# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's files: found, read once, and told why where they can't be."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._controller_files import ControllerFiles, folders


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path in ("inv/rules/b.yml", "inv/rules/a.yml", "inv/rules/sub/c.yml", "play/rules/z.yml", "play/own.yml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    return tmp_path


@pytest.mark.parametrize(
    "pattern, expected",
    [
        ("rules/*.yml", ["inv/rules/a.yml", "inv/rules/b.yml"]),
        ("rules/*", ["inv/rules/a.yml", "inv/rules/b.yml"]),
        ("own.yml", ["play/own.yml"]),
        ("rules/[ab].yml", ["inv/rules/a.yml", "inv/rules/b.yml"]),
        ("none/*", []),
    ],
)
def test_find(tree: Path, pattern: str, expected: list[str]) -> None:
    found = ControllerFiles(DataLoader()).find(pattern, [str(tree / "inv"), str(tree / "play")])
    assert found == [str(tree / path) for path in expected]


def test_find_takes_folders_literally_and_absolute_patterns_as_they_are(tree: Path) -> None:
    odd = tree / "inv [1]"
    (tree / "inv").rename(odd)
    files = ControllerFiles(DataLoader())
    assert files.find("rules/a.yml", [str(odd)]) == [str(odd / "rules/a.yml")]
    assert files.find(str(tree / "play/*.yml"), []) == [str(tree / "play/own.yml")]


def test_a_file_is_read_once_a_run(tree: Path) -> None:
    files = ControllerFiles(DataLoader())
    path = str(tree / "play/own.yml")
    assert files.read(path) == "play/own.yml"
    Path(path).write_text("other")
    assert files.read(path) == "play/own.yml"
    assert files.read(path).__class__ is str


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(HAError, match=r"none\.yml can't be read") as caught:
        ControllerFiles(DataLoader()).read(str(tmp_path / "none.yml"))
    assert "vault password" in caught.value.do
    assert caught.value.said


@pytest.mark.parametrize(
    "sources, expected",
    [
        (["inv/hosts.yml", "inv"], ["inv", "play"]),
        (["a,b,"], ["play"]),
        ([], ["play"]),
        (["play/own.yml"], ["play"]),
    ],
)
def test_where_relative_paths_start(tree: Path, sources: list[str], expected: list[str]) -> None:
    (tree / "inv/hosts.yml").touch()
    given = [source if "," in source else str(tree / source) for source in sources]
    found = folders({"ansible_inventory_sources": given, "playbook_dir": str(tree / "play")})
    assert found == [str(tree / folder) for folder in expected]
