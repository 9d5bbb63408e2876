#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check the whole inventory and tell everything that is wrong with it
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Reads the inventory variables of all hosts, also of those outside C(--limit), models and renders the whole topology,
    and applies every rule that needs no host.
  - Prints each finding on a line of its own, errors first, then warnings, then what C(prometheus_ha_preflight_ignore)
    silences, and a line with counts. Fails when there is an error; with C(prometheus_ha_strict), a warning is one.
  - Runs once on the controller. It changes nothing and contacts no host.
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
      - A file on the controller for what was found. It is written also when the check fails, and in check mode.
      - A relative path starts from the working directory.
    type: str
  report_format:
    description:
      - V(json) is this collection's own form, V(sarif) is SARIF 2.1.0, V(junit) is JUnit XML.
      - By default the extension of O(report) decides. C(.sarif) is V(sarif), C(.xml) and C(.junit) are V(junit),
        everything else is V(json).
    type: str
    choices: [json, sarif, junit]
seealso:
  - module: baremetal.prometheus_ha.plan
"""

EXAMPLES = r"""
- name: Check the inventory
  baremetal.prometheus_ha.preflight:

- name: Check the inventory and write a report for code scanning
  baremetal.prometheus_ha.preflight:
    report: prometheus_ha.sarif
"""

RETURN = r"""
summary:
  description: What was checked and what came of it.
  returned: when the inventory could be read
  type: dict
  contains:
    hosts:
      description: Hosts that hold a component.
      type: int
    cohorts:
      description: Replica sets, meshes and the like, counted by what they are called.
      type: dict
      sample: {replica set: 3, mesh: 1}
    errors:
      description: Findings that stop a run.
      type: int
    warnings:
      description: Findings that do not.
      type: int
    undecided:
      description: Rules that could not be decided.
      type: int
    ignored:
      description: Findings that the inventory ignores.
      type: int
report:
  description: The file that was written.
  returned: when O(report) is set
  type: str
"""
