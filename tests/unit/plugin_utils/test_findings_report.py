# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight's report: its JSON form, which form is written where, and whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error, warning
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings_report import (
    VERSION,
    Report,
    inventory_of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import RULES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import Summary
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import ROOT

FINDINGS = (
    error("P01", "hosts a, b, variable prometheus_replica (/inv/hosts.yml:7)", "twice.", "mend."),
    warning("I09", "the inventory", "nobody.", "look."),
    Finding("X03", "error", "host ü, variable p", "both.", "move one.", "next week"),
)


def report(folder: Path, findings: tuple[Finding, ...] = FINDINGS) -> Report:
    summary = Summary(7, {"replica set": 2, "mesh": 1}, 0, 0, 0, 0).counting(findings)
    return Report(findings, summary, ["a note"], str(folder), "/inv")


def test_json_is_what_the_guide_says(tmp_path: Path) -> None:
    assert json.loads(report(tmp_path).text("json")) == {
        "version": 1,
        "summary": {
            "hosts": 7,
            "cohorts": {"replica set": 2, "mesh": 1},
            "errors": 1,
            "warnings": 1,
            "undecided": 0,
            "ignored": 1,
            "passed": False,
        },
        "notes": ["a note"],
        "findings": [
            {
                "id": "P01",
                "severity": "error",
                "where": "hosts a, b, variable prometheus_replica (/inv/hosts.yml:7)",
                "hosts": ["a", "b"],
                "variable": "prometheus_replica",
                "file": "/inv/hosts.yml",
                "line": 7,
                "what": "twice.",
                "do": "mend.",
                "ignored": None,
            },
            {
                "id": "I09",
                "severity": "warning",
                "where": "the inventory",
                "hosts": [],
                "variable": None,
                "file": None,
                "line": None,
                "what": "nobody.",
                "do": "look.",
                "ignored": None,
            },
            {
                "id": "X03",
                "severity": "error",
                "where": "host ü, variable p",
                "hosts": ["ü"],
                "variable": "p",
                "file": None,
                "line": None,
                "what": "both.",
                "do": "move one.",
                "ignored": "next week",
            },
        ],
    }
    assert VERSION == 1


def test_passed_is_what_the_run_s_end_says(tmp_path: Path) -> None:
    assert json.loads(report(tmp_path, FINDINGS[1:]).text("json"))["summary"]["passed"] is True


def is_json(text: str) -> bool:
    return "version" in json.loads(text) and "runs" not in json.loads(text)


def is_sarif(text: str) -> bool:
    return "runs" in json.loads(text)


def is_junit(text: str) -> bool:
    return ElementTree.fromstring(text).tag == "testsuites"


def test_the_guide_names_every_field(tmp_path: Path) -> None:
    data = json.loads(report(tmp_path).text("json"))
    guide = (ROOT / "docs" / "preflight-guide.md").read_text(encoding="utf-8")
    fields = {*data, *data["summary"], *data["findings"][0]}
    assert {field for field in fields if f"`{field}`" not in guide} == set()


@pytest.mark.parametrize(
    "name, form, expected",
    [
        ("r.json", None, is_json),
        ("r", None, is_json),
        ("r.sarif", None, is_sarif),
        ("r.xml", None, is_junit),
        ("r.junit", None, is_junit),
        ("r.sarif.json", "sarif", is_sarif),
        ("r.sarif", "json", is_json),
        ("r.txt", "junit", is_junit),
    ],
)
def test_the_form(tmp_path: Path, name: str, form: str | None, expected: t.Callable[[str], bool]) -> None:
    file = report(tmp_path).write(name, form)
    assert file == tmp_path / name
    assert expected(file.read_text(encoding="utf-8"))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_absolute_path_is_one(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    assert report(Path("/nowhere")).write(str(file)) == file
    assert file.exists()


def test_a_report_is_readable_as_the_user_s_files_are(tmp_path: Path) -> None:
    """There is nothing secret in it, and CI servers read it as another user."""
    before = os.umask(0o022)
    try:
        file = report(tmp_path).write("r.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_a_report_that_cannot_be_written_leaves_the_former_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.json").write_text("former")

    def full(self: Path, *_args: t.Any, **_more: t.Any) -> t.NoReturn:
        self.touch()
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(HAError, match="can't be written") as caught:
        report(tmp_path).write("r.json")
    assert "No space left" in caught.value.said
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    assert (tmp_path / "r.json").read_text() == "former"


@pytest.mark.parametrize("live", [False, True])
def test_the_rules_that_were_applied_are_named(tmp_path: Path, live: bool) -> None:
    one = dataclasses.replace(report(tmp_path), live=live)
    rules = json.loads(one.text("sarif"))["runs"][0]["tool"]["driver"]["rules"]
    ids = [rule["id"] for rule in rules]
    assert len(ids) == len(set(ids))
    assert ({"I10", "P01"} <= set(ids), "H01" in ids) == (True, live)
    sentence = next(rule["shortDescription"]["text"] for rule in rules if rule["id"] == "X01")
    assert sentence == next(rule.sentence for rule in RULES if rule.id == "X01")  # of both the static one


@pytest.mark.parametrize(
    "sources, expected", [(["a,b,"], "."), ([], "."), (["/nowhere", "{}"], "{}"), (["a,", "{}", "/"], "{}")]
)
def test_the_inventory_is_its_first_file_or_folder(tmp_path: Path, sources: list[str], expected: str) -> None:
    given = {"ansible_inventory_sources": [source.format(tmp_path) for source in sources]}
    assert inventory_of(given) == expected.format(tmp_path)


@pytest.mark.parametrize("name", ["none/r.json", "file/r.json", "folder"])
def test_a_place_that_is_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(HAError, match="can't be written") as caught:
        report(tmp_path).write(name)
    assert caught.value.where == "prometheus_ha_preflight_report"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
