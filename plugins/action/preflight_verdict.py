# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges what the hosts of a play said in the live preflight, all of them at once."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import NONE
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._preflight_dial import OK
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _judge,
    _live,
    _live_run,
    _release_notes,
    _store,
    _terminal,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings_report import (
    FORMATS,
    Report,
    inventory_of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._ignore import Consents
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import LIVE_RULES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import Summary

ARGUMENTS: dict[str, t.Any] = {
    "report": {"type": "str"},
    "report_format": {"type": "str", "choices": list(FORMATS)},
}


def _steps(hosts: t.Iterable[str]) -> list[_release_notes.Step]:
    """Whose component is about to go from one version to another."""
    return [
        _release_notes.Step(host, name, part["runs"], part["version"])
        for host, parts in _store.due(hosts).items()
        for name, part in parts.items()
        if part["runs"] and part["pending"] != NONE
    ]


class ActionModule(ActionBase):
    """Once a play, on the controller alone."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        play = task_vars["ansible_play_hosts_all"]
        try:
            store = _store.obtain(task_vars, self._templar, self._loader)
            snapshot, topology = _store.model(task_vars, self._templar)
            seen = _live_run.seen(topology, play, _live_run.timeout(task_vars, self._templar))
            everywhere = not seen.lost and set(store.summary["members"]) <= set(play)
            found = [finding for rule in LIVE_RULES for finding in rule.findings(seen)]
            judged = _judge.judge(found, Consents.of(snapshot), store.findings, everywhere=everywhere)
            findings = _judge.told(judged, snapshot)
            unproved = _live.tell(seen.unproved)
            counts = Summary(len(seen.hosts), {}, 0, 0, 0, 0).counting(findings)
            self._tell(findings, unproved, seen, counts)
            for line in _release_notes.lines(_steps(play)):
                _terminal.say(line)
            result.update(changed=False, summary=dataclasses.asdict(counts))
            if args["report"]:
                whole = [*store.findings, *findings]
                summary = Summary(**store.summary["counts"]).counting(whole)
                notes = [*store.summary["notes"], *unproved]
                report = Report(whole, summary, notes, os.getcwd(), inventory_of(task_vars), live=True)
                result["report"] = str(report.write(args["report"], args["report_format"]))
            if counts.errors:
                what = f"the hosts have {counts.errors} problem{'s' if counts.errors > 1 else ''}, as told above"
                raise HAError(f"{what}; nothing was started or restarted.", do="correct what is listed and run again.")
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        for host in play:
            _store.forget_attempt(host)
        return result

    @staticmethod
    def _tell(findings: t.Sequence[Finding], unproved: t.Sequence[str], seen: _live.Seen, counts: Summary) -> None:
        _terminal.tell(findings)
        for line in unproved:
            _terminal.say(line)
        blocked = {passage.way for passage in seen.passages if passage.outcome != OK}
        ways = len({passage.way for passage in seen.passages} - blocked)
        hosts = f"{len(seen.hosts)} host{'' if len(seen.hosts) == 1 else 's'}"
        words = str(counts).partition(": ")[2]
        _terminal.say(
            f"{hosts} looked at; of the ways between them {ways} open, {len(blocked)} not, "
            f"{len(seen.unproved)} not tried: {words}"
        )
