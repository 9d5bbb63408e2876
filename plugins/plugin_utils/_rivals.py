# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups of a host that set one variable with equal right: Ansible takes one of the values, and hides the others."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class GroupValues:
    """What an inventory group itself sets, raw: without what it inherits.

    :param priority: its ansible_group_priority.
    """

    name: str
    ancestors: frozenset[str]
    priority: int
    values: t.Mapping[str, t.Any]


def contenders(groups: t.Iterable[GroupValues], variable: str) -> list[GroupValues]:
    """The groups that set the variable and that no group below them overrides; [] unless there are several.

    Ansible sorts them by depth, priority and name, and the last one counts (ansible/inventory/helpers.py, sort_groups).
    Only the ancestry and the priority are somebody's decision; depth and name are an accident.
    """
    setters = [group for group in groups if variable in group.values]
    overridden = {name for group in setters for name in group.ancestors}
    found = [group for group in setters if group.name not in overridden]
    highest = max((group.priority for group in found), default=0)
    found = [group for group in found if group.priority == highest]
    return found if len(found) > 1 else []
