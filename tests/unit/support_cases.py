# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories of tests/cases as Ansible reads them: sources, group_vars, templates and all."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _inventory, _registry, _render
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._controller_files import ControllerFiles
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import sound

CASES = Path(__file__).resolve().parents[1] / "cases"
RULE_ID = re.compile(r"[A-Z]\d\d")


def cases(kind: str) -> list[Path]:
    """The files of tests/cases/accept or tests/cases/reject whose names begin with rule ids: P01-what.yml."""
    return sorted(path for path in (CASES / kind).glob("*.yml") if RULE_ID.match(path.name))


def ids(path: Path) -> set[str]:
    """The rules that a case is about: P01-what.yml, or P01+A08-what.yml where one can't be broken alone."""
    return set(RULE_ID.findall(path.name.partition("-")[0]))


def load(path: Path) -> tuple[_inventory.Snapshot, t.Any]:
    """An inventory as the plan's action loads it, and the controller's files."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(path)])
    variables = VariableManager(loader=loader, inventory=inventory)
    hostvars: t.Any = HostVars(inventory=inventory, variable_manager=variables, loader=loader)
    templar = Templar(loader=loader, variables={})
    return (
        _inventory.load(hostvars, templar, _registry.NAMES, [str(path.parent)], _registry.COHORT_NAMES),
        ControllerFiles(loader),
    )


def plan(path: Path) -> _render.Plan:
    """The plan of an inventory, its findings included."""
    return sound(_render.plan(*load(path)))
