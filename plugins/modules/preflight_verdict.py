#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_verdict
short_description: Judge what the hosts of a play said in the live preflight
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Runs the live rules over what M(baremetal.prometheus_ha.preflight_host) found on all hosts of the play, and lists
    every problem at once. Ways to hosts that the play leaves out are told as not proved.
  - Runs once, on the controller. While it has not passed for a host that was looked at, the lookup
    P(baremetal.prometheus_ha.waves#lookup) gives no host in the same run, so that nothing is activated.
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
  report:
    description:
      - A file on the controller for what was found, of the inventory and of the hosts. See
        O(baremetal.prometheus_ha.preflight#module:report).
    type: str
  report_format:
    description: See O(baremetal.prometheus_ha.preflight#module:report_format).
    type: str
    choices: [json, sarif, junit]
seealso:
  - module: baremetal.prometheus_ha.preflight
  - module: baremetal.prometheus_ha.preflight_host
"""

EXAMPLES = r"""
- name: Judge what all hosts said
  baremetal.prometheus_ha.preflight_verdict:
"""

RETURN = r"""
summary:
  description: How many hosts were looked at, and what came of it.
  returned: when there was something to judge
  type: dict
  contains:
    hosts:
      description: The hosts that answered.
      type: int
    errors:
      description: Findings that stop a run.
      type: int
    warnings:
      description: Findings that do not.
      type: int
    ignored:
      description: Findings that C(prometheus_ha_preflight_ignore) silences.
      type: int
report:
  description: The file that was written.
  returned: when a report was asked for
  type: str
"""
