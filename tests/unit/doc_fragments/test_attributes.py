# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module answers every attribute of the shared fragment."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.doc_fragments.attributes import ModuleDocFragment

MODULES = sorted((Path(__file__).parents[3] / "plugins" / "modules").glob("*.py"))
FRAGMENT = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)


def documentation(module: Path) -> dict[str, object]:
    """The DOCUMENTATION of a module, read without importing it."""
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            loaded = yaml.safe_load(ast.literal_eval(node.value))
            assert isinstance(loaded, dict)
            return loaded
    raise AssertionError(f"{module} has no DOCUMENTATION")


def test_fragment_describes_the_three_attributes() -> None:
    assert sorted(FRAGMENT["attributes"]) == ["check_mode", "diff_mode", "idempotent"]
    assert all(attribute["description"] for attribute in FRAGMENT["attributes"].values())


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_module_says_how_far_it_supports_each(module: Path) -> None:
    docs = documentation(module)
    fragments = docs.get("extends_documentation_fragment")
    assert isinstance(fragments, list)
    assert "baremetal.prometheus_ha.attributes" in fragments
    attributes = docs.get("attributes")
    assert isinstance(attributes, dict)
    support = {name: value["support"] for name, value in attributes.items()}
    assert sorted(support) == sorted(FRAGMENT["attributes"])
    for name, value in support.items():
        assert value in ("full", "partial", "none", "N/A")
        # "partial" alone does not tell which part.
        assert value != "partial" or attributes[name].get("details"), f"{name}: partial without details"
