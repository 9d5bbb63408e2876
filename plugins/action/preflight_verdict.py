# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges what the hosts of a play said in the live preflight, all of them at once."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live, _live_run, _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import grouped, masked
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import live, live_hosts


class ActionModule(ActionBase):
    """Once a play, on the controller alone."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self.validate_argument_spec(argument_spec={})
        try:
            topology = _store.topology(task_vars, self._templar)
            timeout = _live_run.timeout(task_vars, self._templar)
            seen = _live_run.seen(topology, task_vars["ansible_play_hosts_all"], timeout)
            secrets = {secret for instance in topology.instances for secret in instance.host.secrets}
            found = [finding for rule in (*live.RULES, *live_hosts.RULES) for finding in rule.findings(seen)]
            findings = grouped(masked(found, secrets))
            errors = [finding for finding in findings if finding.severity == "error"]
            for finding in findings:
                if finding not in errors:
                    Display().display(str(finding))
            for note in _live.tell(seen.unproved):
                Display().display(note)
            if errors:
                raise HAError(
                    f"the hosts have {len(errors)} problem{'s' if len(errors) > 1 else ''}; nothing was started.",
                    said="\n".join(map(str, errors)),
                    do="correct what is listed and run again.",
                )
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        return {**result, "changed": False}
