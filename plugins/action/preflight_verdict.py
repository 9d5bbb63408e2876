# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges what the hosts of a play said in the live preflight, all of them at once."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live, _live_run, _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import grouped, masked, ordered
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._ignore import Consents
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._live_catalogue import LIVE


class ActionModule(ActionBase):
    """Once a play, on the controller alone."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self.validate_argument_spec(argument_spec={})
        play = task_vars["ansible_play_hosts_all"]
        try:
            snapshot, topology = _store.model(task_vars, self._templar)
            seen = _live_run.seen(topology, play, _live_run.timeout(task_vars, self._templar))
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        found = [finding for rule in LIVE for finding in rule.findings(seen)]
        judged = Consents.of(snapshot).judge(found)
        findings = ordered(grouped(masked(judged, snapshot.secrets())))
        unproved = _live.tell(seen.unproved)
        stopping = [finding for finding in findings if finding.stops]
        for line in (*(str(finding) for finding in findings if not finding.stops), *unproved):
            Display().display(line)
        result.update(changed=False, findings=[dataclasses.asdict(finding) for finding in findings], unproved=unproved)
        if stopping:
            problem = HAError(
                f"the hosts have {len(stopping)} problem{'s' if len(stopping) > 1 else ''}; nothing was started.",
                said="\n".join(map(str, stopping)),
                do="correct what is listed and run again.",
            )
            return {**result, "failed": True, **problem.result()}
        for host in play:
            _store.forget_attempt(host)
        return result
