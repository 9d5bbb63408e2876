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
    hosts that stand in for one another. Ingestors of one zone are one wave where the hashring has as many zones as it
    makes copies.
options:
  _terms:
    description:
      - V(start) gives the hosts on which something does not run yet. They all go in one wave.
      - V(flip) gives the hosts of which a web endpoint moves (port, path prefix, scheme, credentials).
      - V(clients) gives the hosts that talk to these, and have to learn of both places first. It needs
        M(baremetal.prometheus_ha.plan) with O(baremetal.prometheus_ha.plan#module:transition) before it.
      - V(together) gives the hosts on which all members of a mesh have to change at the same moment, a mesh in one
        wave, and as many meshes in a wave as Ansible has forks for. A new configuration of Alertmanager is such a
        change, also ahead of a restart that is pending besides, and what gossip depends on.
      - V(change) gives the hosts on which anything else that serves is to be reloaded, restarted or removed.
      - V(pause) gives the hosts of compactors that stand still while other components of Thanos change, in one wave.
      - V(kept) gives the hosts that still keep data of a former version for a way back, in one wave, once nothing is
        pending any more on the others of their set or mesh.
      - V(preflight) gives the hosts on which something is to be started for the first time, to run from another
        release than before, or to change in what the live preflight has a rule on (external labels of blocks that are
        uploaded, C(retention.size), the bucket), and those that stand in for them; of those that start, also the hosts
        at the other ends of their connections. They all go in one wave.
    type: list
    elements: str
    required: true
  component:
    description: Only what this component has pending.
    type: str
  tier:
    description:
      - Only components of that tier, as the phase V(change) goes through them. An empty one is that of Prometheus,
        sidecars and Alertmanager.
    type: str
    choices: ['', thanos_store, thanos_receive, thanos_receive_router, thanos_rule, thanos_query, thanos_query_frontend,
              thanos_compact]
  only:
    description: Only components that get another V(release), or those whose change is a V(reload). Default is all.
    type: str
    choices: ['', release, restart, reload]
    default: ''
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

from ansible.context import CLIARGS
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import NONE, RELOAD, RESTART, START
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._objstore import ENVIRONMENT, OBJSTORE_FILE
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._process import OTHER_BINARY
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store, _waves

TERMS = (*_waves.PHASES, "preflight", "pause", "kept")
# All in one wave.
AT_ONCE = ("start", "pause", "kept")
# P12 of the live preflight; a restart names the arguments that are new, gone or differ.
RETENTION = "--storage.tsdb.retention.size"
BUCKET = {OBJSTORE_FILE, ENVIRONMENT}


def _is_wanted(
    part: t.Mapping[str, t.Any],
    term: str,
    only: str,
    serving: t.Container[_waves.Cohort],
    beside: t.Collection[t.Mapping[str, t.Any]],
) -> bool:
    if term == "kept":
        return bool(part["keeps"])
    if term != "preflight":
        return _waves.phase(part, only, serving, beside) == term
    if part["pending"] not in (START, RELOAD, RESTART) or not _waves.is_meant(part, only, beside):
        return False
    # Wherever a bucket is told otherwise, T24 says whether it answers.
    tells = not BUCKET.isdisjoint(part["files"])
    known = part["watched"] or part["breaks"] or part["pending"] == START or tells
    return known or any(reason.startswith(OTHER_BINARY) or RETENTION in reason for reason in part["reasons"])


def _starts(item: t.Mapping[str, t.Any], component: str | None) -> bool:
    return any(part["pending"] == START for name, part in item["components"].items() if component in (None, name))


def _cohorts(item: t.Mapping[str, t.Any]) -> set[tuple[str, ...]]:
    """The replica sets and meshes of a host."""
    return {tuple(cohort) for part in item["components"].values() for cohort in part["cohorts"]}


def _unfinished(staged: t.Iterable[t.Mapping[str, t.Any]]) -> set[tuple[str, ...]]:
    """Replica sets and meshes in which something is still pending."""
    parts = [part for item in staged for part in item["components"].values() if part["pending"] != NONE]
    return {tuple(cohort) for part in parts for cohort in part["cohorts"]}


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[list[str]]:
        self.set_options(var_options=variables, direct=kwargs)
        if len(terms) != 1 or terms[0] not in TERMS:
            raise AnsibleLookupError(f"waves takes one of {', '.join(TERMS)}, not {terms}")
        term, component, only = terms[0], self.get_option("component"), self.get_option("only")
        tier = self.get_option("tier")
        try:
            staged = _store.all_pending()
        except HAError as error:
            raise AnsibleLookupError(str(error)) from error
        if term == "clients":
            return self._found(term, _waves.waves(_store.clients(), canary=self._canary()))
        serving = _waves.serving(item["components"] for item in staged)
        pausing = []
        if term == "pause":
            every = [part for item in staged for part in item["components"].values()]
            pausing = [part for part, pauses in zip(every, _waves.paused(every, only)) if pauses]
        pending: dict[str, list[tuple[str, ...]]] = {}
        zones: dict[tuple[str, t.Any], str] = {}
        idle: set[str] = set()
        for item in staged:
            parts = [
                part
                for name, part in item["components"].items()
                if component in (None, name) and tier in (None, part["tier"])
            ]
            beside = item["components"].values()
            if term == "pause":
                wanted = [part for part in parts if part in pausing]
            else:
                wanted = [part for part in parts if _is_wanted(part, term, only, serving, beside)]
            if wanted:
                pending[item["host"]] = [tuple(cohort) for part in wanted for cohort in part["cohorts"]]
                zones.update(
                    {(item["host"], tuple(cohort)): part["zone"] for part in wanted for cohort in part["cohorts"]}
                )
                # Until it is repaired, the gate of those that rely on it is closed; what else it has passes its own.
                idle |= set() if all(part["serves"] for part in wanted) else {item["host"]}
        if term == "preflight":
            # A newcomer is compared with those that run already: its clock, and the ways between them.
            concerned = {cohort for cohorts in pending.values() for cohort in cohorts}
            peers = _store.peers()
            ends = {peer for item in staged if _starts(item, component) for peer in peers.get(item["host"], ())}
            found = [item["host"] for item in staged if item["host"] in ends or concerned & _cohorts(item)]
            return [found] if found else []
        if term == "kept":
            if CLIARGS.get("subset"):  # the others of the sets may still have it before them
                return []
            unfinished = _unfinished(staged)
            pending = {host: cohorts for host, cohorts in pending.items() if not unfinished & set(cohorts)}
        if term in AT_ONCE:
            return self._found(term, [list(pending)] if pending else [])
        if term == "together":
            return self._found(term, _waves.together(pending, int(CLIARGS.get("forks") or 1)))
        # Of routers that --limit leaves out nobody knows the hashrings.
        trusted = not CLIARGS.get("subset") and _waves.knows_rings(
            part for item in staged for part in item["components"].values()
        )
        found = _waves.waves(pending, first=idle, canary=self._canary(), zones=zones if trusted else None)
        return self._found(term, found)

    @staticmethod
    def _found(term: str, waves: list[list[str]]) -> list[list[str]]:
        """Remembered for the run's summary."""
        _store.keep("waves", term, waves)
        return waves

    @staticmethod
    def _canary() -> t.Callable[[tuple[str, ...]], bool]:
        """Whether a set or mesh goes ahead. An inventory's group variables can't be seen here, so the plan knows it."""
        names = _store.canaries()
        return lambda cohort: cohort[-1] in names
