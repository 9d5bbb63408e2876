# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Computes the plan of the run, and stops when the inventory has none or has problems."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store


class ActionModule(ActionBase):
    """Once a run, on the controller alone."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(argument_spec={"show": {"type": "bool", "default": False}})
        try:
            store = _store.obtain(task_vars or {}, self._templar, self._loader)
            members = store.summary["members"]
            if not members:
                raise HAError(
                    "no host of the inventory runs anything of this collection",
                    do="put hosts into the groups prometheus and alertmanager, or name yours by prometheus_ha_groups.",
                )
            limit = (task_vars or {}).get("ansible_limit")
            if limit and not set(members) & set((task_vars or {})["ansible_play_hosts_all"]):
                # Every later play would be skipped, and the run a success.
                raise HAError(
                    f"--limit {limit} leaves no host that runs anything of this collection",
                    do=f"limit to some of {', '.join(members[:10])}{', ...' if len(members) > 10 else ''}.",
                )
            _store.record_members(members)
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        if args["show"]:
            Display().display("\n" + store.summary["report"])
        return {**result, "changed": False, "members": members, "report": store.summary["report"]}
