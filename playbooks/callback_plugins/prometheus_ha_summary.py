# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last words of a run of the collection's playbooks: what was changed where, and how long it was out of service."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _output, _run_summary

if t.TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.playbook.play import Play

FILE = "prometheus_ha_summary_file"

DOCUMENTATION = r"""
name: prometheus_ha_summary
type: aggregate
short_description: Shows what a run changed
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Ends a run of the collection's playbooks with what changed on which host, in which wave, and how long each was out
    of service. Runs that only look say nothing.
  - Ansible loads it by itself for the playbooks beside it, by path, by their full names and where they are imported.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "prometheus_ha_summary"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._failed: list[dict[str, t.Any]] = []
        self._lost: dict[str, str] = {}
        # One command may run several playbooks, each of which ends with all statistics so far.
        self._told: set[_run_summary.Entry | str] = set()
        self._file = ""

    def v2_playbook_on_play_start(self, play: Play) -> None:
        # Of variables a callback sees those of the command line alone.
        self._file = str(play.get_variable_manager().extra_vars.get(FILE) or "")

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        data: dict[str, t.Any] = dict(result.result)
        # Ansible keeps no statistics of what failed.
        results = data.get("results")
        self._failed += [
            item for item in (data, *(results if isinstance(results, list) else ())) if isinstance(item, dict)
        ]
        if not ignore_errors:
            self._note(result.host.get_name(), data)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        self._note(result.host.get_name(), result.result)

    def _note(self, host: str, data: t.Mapping[str, t.Any]) -> None:
        """The first error of a host: what a rescue says follows from it."""
        self._lost.setdefault(host, _run_summary.sentence(data.get("msg") or data.get("censored") or ""))

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        try:
            if self._file:
                self._write(stats)
            text = self._summary(stats)
        except Exception as error:  # a run must not end with words about its summary
            self._display.vvv(f"prometheus_ha_summary: {error!r}")
            return
        for line in text.splitlines():
            self._display.display(line)

    def _write(self, stats: AggregateStats) -> None:
        """All that hosts reported, for programs."""
        entries = _run_summary.ordered(_run_summary.collect(self._reports(stats)))
        text = json.dumps(_run_summary.stats(*entries)["data"][_run_summary.KEY], indent=2)
        try:
            _output.write(self._file, f"{text}\n", folder=os.getcwd(), what="summary", where=FILE)
        except HAError as error:
            self._display.warning(str(error))

    def _reports(self, stats: AggregateStats) -> dict[str, t.Any]:
        """By host what it reported, and what tasks that failed did."""
        custom: dict[str, t.Any] = dict(stats.custom)
        for index, item in enumerate(self._failed):
            said = item.get("ansible_stats")
            custom[f"failed {index}"] = said.get("data") if isinstance(said, dict) else None
        return custom

    def _summary(self, stats: AggregateStats) -> str:
        """What was not told yet; empty where nobody reported anything."""
        entries = [entry for entry in _run_summary.collect(self._reports(stats)) if entry not in self._told]
        hosts = [host for host in _run_summary.reported(stats.custom) if host not in self._told]
        # Whom a rescue helped or ignore_unreachable keeps is not lost.
        lost = {host: words for host, words in self._lost.items() if host in stats.failures or host in stats.dark}
        self._told.update(entries, hosts)
        self._failed, self._lost = [], {}
        return _run_summary.table(entries, lost, hosts) if entries or hosts else ""
