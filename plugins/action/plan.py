# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Computes the plan of the run, and stops when the inventory has none or has problems."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store, _terminal


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
            members = _store.begin(store, task_vars or {})
            if not (members or args["show"]):
                do = "see the notes above, and the components that there are roles for."
                raise HAError("this version rolls out nothing of what the inventory has", do=do)
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        if args["show"]:
            _terminal.say("\n" + store.summary["report"])
        return {**result, "changed": False, "members": members, "report": store.summary["report"]}
