#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: Let a change pass only while the others stand in, and wait until it has come through
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - For rolling playbooks. Before a host is changed, the gate makes sure that the other replicas of its replica set and
    the other members of its mesh are well. After the change it waits until the host is as its peers are.
  - The host and its peers are asked on themselves, by short calls. Peers are asked over their own connection, also
    those outside of C(--limit), as by C(delegate_to).
  - What is waited for is shown while it waits, each time that it changes.
  - Prometheus. It answers, is ready with its WAL replayed, found no corruption in its WAL and failed no checkpoint
    since the gate before the change, its last reload succeeded, it evaluates the rules of the plan (after), it has
    every Alertmanager and can connect to each, two of its slowest scrape intervals are over since its start, every
    target is up that is up for its peers, and every alert fires that fires on its peers. While a configuration is being
    changed, only targets and alerts are compared that both know.
  - Alertmanager. All members answer, are settled and see the same, whole mesh. After a change also that it has the
    configuration of the plan, that it knows every silence that the others know, and that all alerts have had the time
    to come back to it, which is the resend delay of the Prometheus that alert it, one evaluation and
    C(prometheus_ha_gate_margin).
  - Each condition has its own time, which runs while it is what is waited for. A start that lost samples is told at
    once.
  - A component that does not serve may be changed whatever its peers do, since that takes nothing away.
  - The time-outs are inventory variables, C(prometheus_ha_gate_before_timeout), C(prometheus_ha_gate_timeout),
    C(prometheus_ha_gate_alerts_timeout).
  - Of a host of which nothing is in the plan's state V(present) nothing is asked.
extends_documentation_fragment:
  - baremetal.prometheus_ha.attributes
attributes:
  check_mode:
    support: full
    details:
      - Looks once and does not fail, since what a real run would wait for may not happen.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description: V(before) the change of this host, or V(after) it.
    type: str
    choices: [before, after]
    required: true
  name:
    description: The component that is changed. Default is every one of this host.
    type: str
  phase:
    description: Only components whose change has its turn in that phase, see M(baremetal.prometheus_ha.roll).
    type: str
    choices: [clients, flip, together, change]
  interval:
    description: Seconds between two looks.
    type: float
    default: 2.0
seealso:
  - module: baremetal.prometheus_ha.component
  - module: baremetal.prometheus_ha.gate_info
"""

EXAMPLES = r"""
- name: Take up a change, one replica after the other
  hosts: eu
  serial: 1
  gather_facts: false
  become: true
  tasks:
    - name: Make sure that the other replicas stand in
      baremetal.prometheus_ha.gate:
        state: before
        name: prometheus

    - name: Take up what is pending
      baremetal.prometheus_ha.component:
        state: active
        name: prometheus

    - name: Wait until it is as its peers are
      baremetal.prometheus_ha.gate:
        state: after
        name: prometheus

- name: See whether a mesh is well
  hosts: alertmanager
  gather_facts: false
  become: true
  tasks:
    - name: Look at all members
      baremetal.prometheus_ha.gate:
        state: before
        name: alertmanager
        interval: 1
"""

RETURN = r"""
open:
  description: Whether the gate is open; V(false) only in check mode.
  returned: success
  type: bool
seconds:
  description: The time it took.
  returned: success
  type: float
waited:
  description: The seconds that each condition was waited for.
  returned: success
  type: dict
  sample: {"prometheus two scrape intervals": 6.1}
waiting_for:
  description: What does not hold yet; empty unless in check mode.
  returned: success
  type: list
  elements: str
predicate:
  description: The condition whose time was over.
  returned: failure
  type: str
  sample: WAL corruption
component:
  description: The component of that condition.
  returned: failure
  type: str
"""
