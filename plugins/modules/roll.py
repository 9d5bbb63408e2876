#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: roll
short_description: Change what serves on a host between two gates, or take it back
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - For rolling playbooks. Does on one host what M(baremetal.prometheus_ha.component) found to be pending, the host
    being one of a wave of the lookup P(baremetal.prometheus_ha.waves#lookup).
  - The gate before makes sure that the others stand in, the gate after waits until the host is as its peers are; see
    M(baremetal.prometheus_ha.gate) for what both ask. Where the gate after stays closed, or the new version does not
    come up, or the new configuration is refused, what ran before is put back and serves again, and the task fails.
  - Until the gate after is open, the former unit, files and data are kept. A run that is cut off before is finished by
    the next one, which puts the former files back and begins anew. What does not serve goes first then.
  - Where the new version's data can't be relied on to be opened by the former one, a copy of the former version's data
    (hard links) is kept until the whole change is proved.
extends_documentation_fragment:
  - baremetal.prometheus_ha.attributes
attributes:
  check_mode:
    support: full
    details:
      - The gate before is looked at once; what it would wait for is in RV(waiting_for).
  diff_mode:
    support: full
    details: Values of secret keys are masked.
  idempotent:
    support: full
options:
  phase:
    description:
      - Which of the host's pending changes have their turn, as in the lookup P(baremetal.prometheus_ha.waves#lookup).
    type: str
    choices: [clients, flip, together, change]
    default: change
  name:
    description: The component that is changed. Default is every one of the host that has its turn.
    type: str
  tier:
    description: Only components of that tier, as in the lookup P(baremetal.prometheus_ha.waves#lookup).
    type: str
    choices: [thanos_store, thanos_receive, thanos_receive_router, '', thanos_rule, thanos_query, thanos_query_frontend,
              thanos_compact]
  gate_before:
    description: Whether the gate before is passed. Where several hosts change at once, an earlier task has to do that.
    type: bool
    default: true
  only:
    description: Only components that get another V(release), or those whose change is a V(reload). Default is all.
    type: str
    choices: ['', release, restart, reload]
    default: ''
  asked:
    description: What is done even where less is pending; the staging must have been asked for the same.
    type: str
    choices: [reload, restart]
seealso:
  - module: baremetal.prometheus_ha.component
  - module: baremetal.prometheus_ha.gate
  - plugin: baremetal.prometheus_ha.waves
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Change in waves
  hosts: "{{ query('baremetal.prometheus_ha.waves', 'change') | flatten }}"
  serial: "{{ query('baremetal.prometheus_ha.waves', 'change') | map('length') | list or [1] }}"
  gather_facts: false
  become: true
  tasks:
    - name: Stop when an earlier wave lost a host
      ansible.builtin.assert:
        that: ansible_play_hosts_all | difference(ansible_play_hosts) | length == 0
      run_once: true

    - name: Change between two gates, or take it back
      baremetal.prometheus_ha.roll:
"""

RETURN = r"""
components:
  description: What was found and done, by component, as M(baremetal.prometheus_ha.component) returns it.
  returned: success
  type: dict
gates:
  description: Seconds that the gates C(before) and C(after) took.
  returned: success
  type: dict
  sample: {"before": 0.9, "after": 21.4}
waiting_for:
  description: What does not hold yet; empty unless in check mode.
  returned: success
  type: list
  elements: str
predicate:
  description: The condition of a gate whose time was over.
  returned: failure
  type: str
taken_back:
  description: Whether what ran before serves again.
  returned: failure
  type: bool
"""
