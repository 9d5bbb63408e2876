#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Compute the plan of the whole inventory
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Computes from the inventory variables of all hosts what runs where, and lists every problem of the inventory at
    once.
  - Runs once on the controller and touches no host. Other tasks of the collection compute the plan themselves when
    this one did not run. The lookup P(baremetal.prometheus_ha.members#lookup) needs it.
extends_documentation_fragment:
  - baremetal.prometheus_ha.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  transition:
    description:
      - Instead, computes the plan for the time in which web endpoints have not moved yet (see the terms V(flip) and
        V(clients) of the lookup P(baremetal.prometheus_ha.waves#lookup)), and returns in RV(clients) who talks to them.
    type: bool
    default: false
  show:
    description: Print the report as it is. A result shown by a task would fold its lines.
    type: bool
    default: false
  files:
    description:
      - Draw the plan into these files on the controller. The extension says what each becomes.
      - C(.html) is one page that needs nothing else, with who connects to whom and where it runs. C(.mmd) is a Mermaid
        flowchart, C(.md) the same as a block for a README or a merge request, C(.txt) the report.
      - A relative path starts from the working directory of the run. Files are also written in check mode, since the
        hosts are what that leaves alone.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Compute the plan
  baremetal.prometheus_ha.plan:

- name: Show what runs where and what connects to what
  baremetal.prometheus_ha.plan:
    show: true

- name: Draw the topology
  baremetal.prometheus_ha.plan:
    files: [topology.html, topology.mmd]
"""

RETURN = r"""
clients:
  description: The hosts that talk to a web endpoint which is about to move.
  returned: with O(transition)
  type: list
  elements: str
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
members:
  description: The hosts on which the plan puts a component, in plan order.
  returned: success
  type: list
  elements: str
  sample: [eu-1, eu-2, am-1, am-2, am-3]
report:
  description: Hosts, replica sets, meshes, ports and connections as a table.
  returned: success
  type: str
"""
