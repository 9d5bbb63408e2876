# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells everything that is wrong with the inventory, to people and as a report for programs."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store, _terminal
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings_report import (
    FORMATS,
    Report,
    inventory_of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import Summary

ARGUMENTS: dict[str, t.Any] = {
    "report": {"type": "str"},
    "report_format": {"type": "str", "choices": list(FORMATS)},
}


class ActionModule(ActionBase):
    """Once a run, on the controller alone."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            store = _store.look(task_vars, self._templar, self._loader)
            store.is_first("told")  # later tasks of the run need not tell it again
            findings, notes = store.findings, store.summary["notes"]
            summary = Summary(**store.summary["counts"])
            _terminal.tell(findings)
            for line in (*notes, str(summary)):
                _terminal.say(line)
            result.update(changed=False, summary=store.summary["counts"])
            if args["report"]:
                report = Report(findings, summary, notes, os.getcwd(), inventory_of(task_vars))
                result["report"] = str(report.write(args["report"], args["report_format"]))
            store.require_sound()
            _store.begin(store, task_vars)
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        return result
