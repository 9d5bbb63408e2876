# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: waves
short_description: The hosts with something pending, in waves
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Returns the hosts that M(baremetal.prometheus_ha.component) staged in this run and found to have something
    pending, grouped in waves.
  - The k-th replica of every replica set and the k-th member of every mesh go together, so that no wave holds two
    hosts that stand in for one another.
options:
  _terms:
    description:
      - V(start) gives the hosts on which something does not run yet. They all go in one wave.
      - V(change) gives the hosts on which something that serves is to be reloaded, restarted or removed.
      - V(preflight) gives the hosts on which something is to be started for the first time, to run from another
        release than before, or to change in what the live preflight has a rule on (external labels of blocks that are
        uploaded, C(retention.size)), and those that stand in for them; of those that start, also the hosts at the
        other ends of their connections. They all go in one wave.
    type: list
    elements: str
    required: true
  component:
    description: Only what this component has pending.
    type: str
"""

EXAMPLES = r"""
- name: Activate in waves
  hosts: "{{ query('baremetal.prometheus_ha.waves', 'change') | flatten }}"
  serial: "{{ query('baremetal.prometheus_ha.waves', 'change') | map('length') | list or [1] }}"
  gather_facts: false
  become: true
  tasks:
    - name: Activate
      baremetal.prometheus_ha.component:
        state: active
"""

RETURN = r"""
_list:
  description: The waves, each a list of inventory host names.
  type: list
  elements: list
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._process import OTHER_BINARY
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store, _waves

WANTED = {"start": {"start"}, "change": {"reload", "restart", "remove"}, "preflight": {"start", "reload", "restart"}}
# P12 of the live preflight; a restart names the arguments that are new, gone or differ.
RETENTION = "--storage.tsdb.retention.size"


def _is_wanted(part: t.Mapping[str, t.Any], term: str) -> bool:
    if part["pending"] not in WANTED[term]:
        return False
    if term != "preflight" or part["pending"] == "start":
        return True
    return part["watched"] or any(reason.startswith(OTHER_BINARY) or RETENTION in reason for reason in part["reasons"])


def _starts(item: t.Mapping[str, t.Any], only: str | None) -> bool:
    return any(part["pending"] == "start" for name, part in item["components"].items() if only in (None, name))


def _cohorts(item: t.Mapping[str, t.Any]) -> set[tuple[str, ...]]:
    """The replica sets and meshes of a host."""
    return {tuple(cohort) for part in item["components"].values() for cohort in part["cohorts"]}


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[list[str]]:
        self.set_options(var_options=variables, direct=kwargs)
        if len(terms) != 1 or terms[0] not in WANTED:
            raise AnsibleLookupError(f"waves takes one of {', '.join(WANTED)}, not {terms}")
        only = self.get_option("component")
        pending = {}
        try:
            staged = _store.all_pending()
        except HAError as error:
            raise AnsibleLookupError(str(error)) from error
        for item in staged:
            cohorts = [
                tuple(cohort)
                for name, part in item["components"].items()
                if _is_wanted(part, terms[0]) and only in (None, name)
                for cohort in part["cohorts"]
            ]
            if cohorts:
                pending[item["host"]] = cohorts
        if terms[0] == "preflight":
            # A newcomer is compared with those that run already: its clock, and the ways between them.
            wanted = {cohort for cohorts in pending.values() for cohort in cohorts}
            peers = _store.peers()
            ends = {peer for item in staged if _starts(item, only) for peer in peers.get(item["host"], ())}
            found = [item["host"] for item in staged if item["host"] in ends or wanted & _cohorts(item)]
            return [found] if found else []
        if terms[0] == "start":
            return [list(pending)] if pending else []
        return _waves.waves(pending)
