# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the plan becomes in a file."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _drawing, _picture
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, prometheus, topology

DRAWINGS = _drawing.Drawings(_picture.picture(topology(prometheus("p1"), alertmanager("a1"))), "the table\n")


@pytest.mark.parametrize(
    "path, begins",
    [
        ("a/topology.html", "<!doctype html>"),
        ("topology.mmd", "flowchart LR\n"),
        ("topology.md", "```mermaid\nflowchart LR\n"),
        ("topology.txt", "the table\n"),
    ],
)
def test_the_extension_decides(path: str, begins: str) -> None:
    assert DRAWINGS.text(path, "here").startswith(begins)


@pytest.mark.parametrize("path", ["topology", "topology.pdf", "topology.svg.gz"])
def test_other_extensions_are_refused(path: str) -> None:
    with pytest.raises(HAError) as caught:
        DRAWINGS.text(path, "prometheus_ha_plan_files")
    assert caught.value.where == "prometheus_ha_plan_files"
    assert "which no drawing has" in caught.value.what
