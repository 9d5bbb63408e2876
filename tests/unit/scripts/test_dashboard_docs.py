# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/dashboards.md has every panel, and the files that lie in the collection are those that the code makes."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards import _catalogue

from scripts import dashboard_docs, docs


@pytest.fixture(name="page", scope="module")
def _page() -> str:
    return dashboard_docs.page()


def test_every_panel_has_its_row(page: str) -> None:
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for dashboard in _catalogue.DASHBOARDS:
        assert f"\n## {dashboard.title}\n" in page
        for panel in dashboard.panels:
            assert any(row.startswith(f"| {panel.title} | ") and row.count("|") == 4 for row in rows), panel.title


def test_the_snippet_for_provisioning_is_yaml(page: str) -> None:
    snippet = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    assert snippet["apiVersion"] == 1
    assert snippet["providers"][0]["options"]["path"].startswith("/")


def test_the_files_are_what_the_code_makes() -> None:
    assert docs.stale(dashboard_docs.files(), dashboard_docs.FOLDER, ".json") == []
