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
options: {}
seealso:
  - module: baremetal.prometheus_ha.preflight_host
"""

EXAMPLES = r"""
- name: Judge what all hosts said
  baremetal.prometheus_ha.preflight_verdict:
"""

RETURN = r"""
findings:
  description: What is wrong, as C(id), C(severity), C(where), C(what) and C(do).
  returned: always
  type: list
  elements: dict
unproved:
  description: The ways between hosts that could not be tried, and why.
  returned: always
  type: list
  elements: str
"""
