# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles' argument specs, written from the components' tables."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option

from scripts import argument_specs


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(argument_specs, "ROOT", tmp_path)
    return tmp_path


def call(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr("sys.argv", ["argument_specs.py", *args])
    return argument_specs.main()


def test_written_then_not_stale(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch) == 0
    assert capsys.readouterr().out.count("written") == len(
        [each for each in _registry.COMPONENTS if each.render is not None]
    )
    assert (root / "roles/prometheus/meta/argument_specs.yml").read_text().startswith("---\n# Written by")
    assert call(monkeypatch, "--check") == 0
    assert call(monkeypatch) == 0
    assert capsys.readouterr().out == ""


def test_a_stale_file_is_named_and_not_touched(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call(monkeypatch)
    path = root / "roles/alertmanager/meta/argument_specs.yml"
    path.write_text("changed\n")
    capsys.readouterr()
    assert call(monkeypatch, "--check") == 1
    assert capsys.readouterr().out == (
        "roles/alertmanager/meta/argument_specs.yml: stale; run scripts/argument_specs.py\n"
    )
    assert path.read_text() == "changed\n"
    assert call(monkeypatch) == 0
    assert path.read_text() != "changed\n"


@pytest.mark.parametrize(
    "option, expected",
    [
        (
            Option("a_x", "int", "One.", default=3),
            {"description": ["One."], "type": "int", "default": 3},
        ),
        (
            Option("a_x", "str", "One.", shown_default="the other"),
            {"description": ["One.", "The default is the other."], "type": "str"},
        ),
        (
            Option("a_x", "list", "One.", elements="dict", default=[]),
            {"description": ["One."], "type": "list", "elements": "dict", "default": []},
        ),
    ],
)
def test_row(option: Option, expected: dict[str, object]) -> None:
    assert argument_specs.row(option) == expected


def test_what_is_written_is_yaml() -> None:
    for component in _registry.COMPONENTS:
        assert yaml.safe_load(argument_specs.render(component)) == argument_specs.spec(component)
