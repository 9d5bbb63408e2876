# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the rules: every rule once, its examples, and what is really said of them."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import _catalogue
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Rule

from scripts import dashboard_docs, docs, preflight_docs, rule_package_docs

ALL: tuple[Rule[t.Any], ...] = (*_catalogue.RULES, *_catalogue.LAST_RULES, *_catalogue.LIVE_RULES)


@pytest.fixture(name="page", scope="module")
def _page() -> str:
    return preflight_docs.page()


def test_every_rule_has_a_row_and_a_section_that_it_leads_to(page: str) -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(#([\w-]+)\) \|", page, flags=re.MULTILINE)
    assert sorted(name for name, _anchor in rows) == sorted(rule.id for rule in ALL)
    sections = [heading.lower().replace(" ", "-") for heading in re.findall(r"^### (.+)$", page, flags=re.MULTILINE)]
    assert [anchor for _name, anchor in rows] == sections
    assert len(set(sections)) == len(sections)


def test_the_families_are_in_order(page: str) -> None:
    headings = re.findall(r"^## (.+)$", page, flags=re.MULTILINE)
    used = [title for letter, title in preflight_docs.FAMILIES.items() if any(rule.id[0] == letter for rule in ALL)]
    assert headings == used


def test_a_section_shows_both_inventories_and_the_finding(page: str) -> None:
    section = page.partition("\n### I04\n")[2].partition("\n### ")[0]
    assert section.count("```yaml\n") == 2
    assert "prometheus_rettention: 30d" in section
    assert (
        "```\nI04 warning hosts p1, p2, variable prometheus_rettention (hosts.yml:7): the collection has no such "
        "variable. Do: write prometheus_retention.\n```"
    ) in section


def test_the_page_names_no_folder_of_this_machine(page: str) -> None:
    assert str(preflight_docs.ROOT) not in page


def test_prose_is_no_markup() -> None:
    assert preflight_docs.prose("a|b <c> *d*") == r"a\|b \<c> \*d\*"


def test_both_kinds_of_pages_are_compared_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "dump_docs", dict)
    monkeypatch.setattr(docs, "REFERENCE", tmp_path / "reference")
    monkeypatch.setattr(preflight_docs, "PAGE", tmp_path / "preflight.md")
    monkeypatch.setattr(preflight_docs, "page", lambda: "new\n")
    monkeypatch.setattr(rule_package_docs, "PAGE", tmp_path / "rule-packages.md")
    monkeypatch.setattr(rule_package_docs, "page", lambda: "rules\n")
    monkeypatch.setattr(dashboard_docs, "PAGE", tmp_path / "dashboards.md")
    monkeypatch.setattr(dashboard_docs, "page", lambda: "dashboards\n")
    monkeypatch.setattr(dashboard_docs, "FOLDER", tmp_path / "dashboards")
    monkeypatch.setattr(dashboard_docs, "files", lambda: {"a.json": "{}\n"})
    (tmp_path / "guide.md").write_text("by hand\n")
    assert docs.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "docs/reference/README.md is not what the code says" in said
    assert "docs/preflight.md is not what the code says" in said
    assert "playbooks/files/dashboards/a.json is not what the code says" in said
    assert "guide.md" not in said
    assert docs.main([]) == 0
    assert (tmp_path / "preflight.md").read_text() == "new\n"
    assert (tmp_path / "guide.md").read_text() == "by hand\n"
    assert docs.main(["--check"]) == 0
    (tmp_path / "dashboards" / "left-over.json").write_text("{}\n")
    assert docs.main(["--check"]) == 1
    assert docs.main([]) == 0
    assert [path.name for path in (tmp_path / "dashboards").iterdir()] == ["a.json"]
    (tmp_path / "preflight.md").write_text("old\n")
    assert docs.main(["--check"]) == 1
