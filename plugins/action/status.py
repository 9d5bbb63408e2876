# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows what the hosts of a play said of their components, and fails where not all is well."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _output,
    _status_run,
    _status_table,
    _store,
    _terminal,
)

ARGUMENTS: dict[str, t.Any] = {"file": {"type": "str"}}


class ActionModule(ActionBase):
    """Once a play, on the controller alone."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            store = _store.obtain(task_vars, self._templar, self._loader)
            status = _status_run.collected(store, task_vars["ansible_play_hosts_all"])
            for line in _status_table.table(status):
                _terminal.say(line)
            result.update(changed=False, status=_status_table.data(status))
            if args["file"]:
                text = json.dumps(result["status"], indent=2) + "\n"
                where = "prometheus_ha_status_file"
                result["file"] = str(_output.write(args["file"], text, folder=os.getcwd(), what="status", where=where))
                _terminal.say(f"Written: {result['file']}")
            if not status.well:
                raise HAError(_status_table.failure(status), do="see the lines above.")
        except HAError as error:
            # The data is in the file; in a failing task Ansible would print all of it again.
            result.pop("status", None)
            return {**result, "failed": True, **error.result()}
        return result
