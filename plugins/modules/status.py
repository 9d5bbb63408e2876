#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: status
short_description: Show the stack as its hosts see it
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Shows what M(baremetal.prometheus_ha.component_info) found on all hosts of the play as a table. It has a verdict on
    each component, where replicas differ, and what is wrong in sentences.
  - Runs once, on the controller. A host of the play that could not be reached or looked at has its lines, too.
  - Fails when something is down, degraded, pending or unknown, or when replicas differ.
extends_documentation_fragment:
  - baremetal.prometheus_ha.attributes
attributes:
  check_mode:
    support: full
    details: The file is written in check mode, too.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  file:
    description:
      - A file on the controller for the same as JSON. A relative path starts from the folder that the run was started
        in.
    type: str
seealso:
  - module: baremetal.prometheus_ha.component_info
"""

EXAMPLES = r"""
- name: Look at what each host runs
  baremetal.prometheus_ha.component_info:
  ignore_unreachable: true
  failed_when: false

- name: Show it, and fail when not all is well
  baremetal.prometheus_ha.status:
    file: status.json
"""

RETURN = r"""
status:
  description: What is in the file.
  returned: success
  type: dict
  contains:
    ok:
      description: Whether all is well.
      type: bool
    counts:
      description: How many components have each verdict (C(ok), C(pending), C(degraded), C(unknown), C(down)).
      type: dict
    components:
      description:
        - One of each component of each host, with its C(verdict), its C(problems) and its C(facts), as
          M(baremetal.prometheus_ha.component_info) returns them. No facts are V(null).
      type: list
      elements: dict
    drift:
      description: Where replicas differ.
      type: list
      elements: str
    not_asked:
      description: Hosts of the plan that are not part of the play.
      type: list
      elements: str
    notes:
      description: What is modelled, and not rolled out by this version.
      type: list
      elements: str
file:
  description: The file that was written.
  returned: when one was asked for
  type: str
"""
