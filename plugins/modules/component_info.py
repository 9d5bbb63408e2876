#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: component_info
short_description: What the components of a host run, against what is planned
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Collects in one remote call what each component of a host runs, what of it differs from the plan of the whole
    inventory, and what the component says of itself.
  - What is pending is decided as M(baremetal.prometheus_ha.component) decides it in check mode.
  - A component that is down, or that doesn't answer, is no failure. Its facts say so.
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
  plan:
    description:
      - The components in full, for use without an inventory of this collection. By default they come from the plan.
      - Of the shape of O(baremetal.prometheus_ha.component#module:plan).
    type: list
    elements: dict
    suboptions:
      name:
        description: The component's name.
        type: str
        required: true
      state:
        description: See O(baremetal.prometheus_ha.component#module:plan[].state).
        type: str
        default: present
        choices: [present, staged, absent]
      release:
        description: Options of M(baremetal.prometheus_ha.release).
        type: dict
        required: true
      config:
        description: Options of M(baremetal.prometheus_ha.config).
        type: dict
        required: true
      service:
        description: Options of M(baremetal.prometheus_ha.service).
        type: dict
        required: true
      api:
        description: Options of M(baremetal.prometheus_ha.reload).
        type: dict
      effects:
        description: See O(baremetal.prometheus_ha.component#module:plan[].effects).
        type: list
        elements: dict
      expect:
        description:
          - C(alertmanagers) that a Prometheus alerts, as C(host:port).
          - C(federates) maps each job that federates to its sources, and each source (C(host:port)) to the labels that
            all of its series carry.
        type: dict
      secrets:
        description: Values that are masked in the result. Without it, those of secret keys in files that are C(masked).
        type: list
        elements: str
seealso:
  - module: baremetal.prometheus_ha.status
  - module: baremetal.prometheus_ha.component
"""

EXAMPLES = r"""
- name: Look at what the host runs
  baremetal.prometheus_ha.component_info:
  register: looked

- name: Show what is pending
  ansible.builtin.debug:
    msg: "{{ looked.components | map(attribute='pending') }}"
"""

RETURN = r"""
components:
  description: The facts of each component. What can't be had is V(null), empty or left out, and C(errors) says why.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The component.
      type: str
    held:
      description: Whether its state is V(staged), so that what is pending stays so on purpose.
      type: bool
    leaves:
      description: Whether its state is V(absent).
      type: bool
    rolled_out:
      description: Whether the host has a unit of this collection for it.
      type: bool
    unit:
      description:
        - C(name), C(state) as systemd names it, C(result), C(enabled), C(pid) (0 without a process), C(restarts) by
          systemd itself, C(seconds) that it runs, and its C(executable).
      type: dict
    version:
      description: C(running), by the folder of the executable, and C(planned).
      type: dict
    generation:
      description:
        - C(running) and C(planned) name of the configuration. For Prometheus the label of its marker rule, for
          Alertmanager the hash that it shows of its file.
      type: dict
    pending:
      description:
        - V(none), V(start), V(write), V(reload), V(restart), V(remove), or V(unknown) where it could not be decided.
      type: str
    reasons:
      description: Why something is pending.
      type: list
      elements: str
    edited:
      description: Files of this collection that somebody else changed.
      type: list
      elements: str
    disk:
      description: C(path) of the data folder, C(free) and C(total) bytes of its file system.
      type: dict
    retention:
      description: What the flags of the running Prometheus keep.
      type: str
    answers:
      description: Whether it answers by HTTP.
      type: bool
    waiting_for:
      description: Why it is not ready.
      type: str
    reload:
      description: Whether the last one was C(successful), and the Unix time C(at) which one last was.
      type: dict
    head_series:
      description: Series in Prometheus' head.
      type: int
    wal_corruptions:
      description: Corruptions of the WAL that Prometheus found since its start.
      type: int
    checkpoint_failures:
      description: Checkpoints that could not be made since its start.
      type: int
    targets:
      description: C(up) of C(total) active targets, and the first that are C(down).
      type: dict
    federation:
      description:
        - Each target that is another Prometheus' C(/federate), with C(job), C(url), C(up), C(error) and its C(labels).
        - Of those that are expected, also whether C(job) or C(instance) of their series C(gave_way) to the target's,
          and which label every series C(lacks).
      type: list
      elements: dict
    firing:
      description: How often each alert fires.
      type: dict
    alertmanagers:
      description: How many are C(connected) of those C(wanted), and why others are C(missing).
      type: dict
    mesh:
      description: An Alertmanager's C(name) and C(status) in its mesh, and the C(peers) that it sees, itself included.
      type: dict
    silences:
      description: Silences that are active.
      type: int
    notifications_failed:
      description: Notifications that failed since the start.
      type: int
    errors:
      description: What could not be asked, and why.
      type: list
      elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _status
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Component, secrets
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

ARGUMENT_SPEC: dict[str, t.Any] = {
    "plan": {
        "type": "list",
        "elements": "dict",
        # Keeps configurations out of the host's syslog; main() then masks in the result what is secret, no more.
        "no_log": True,
        "options": {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "default": "present", "choices": ["present", "staged", "absent"]},
            "release": {"type": "dict", "required": True},
            "config": {"type": "dict", "required": True},
            "service": {"type": "dict", "required": True},
            "api": {"type": "dict"},
            "effects": {"type": "list", "elements": "dict"},
            "expect": {"type": "dict"},
            "secrets": {"type": "list", "elements": "str", "no_log": True},
        },
    },
}


def look(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """One component's facts; one that can't be looked at at all says why."""
    if params.get("api"):
        http = {"timeout": _status.ANSWER_TIMEOUT, **(params["api"].get("http") or {})}
        params = {**params, "api": {**params["api"], "http": http}}
    try:
        return _status.look(Component(params, apply=False), params)
    except HAError as error:
        return {**_status.nothing(params), "errors": [str(error)]}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    plan = module.params["plan"] or ()
    module.no_log_values = {value for item in plan for value in secrets(item)}
    if not plan:
        error = HAError("there is no plan", do="run the module through its action plugin, or give it a plan.")
        module.fail_json(invocation={}, **error.result())
    module.exit_json(changed=False, invocation={}, components=[look(item) for item in plan])


if __name__ == "__main__":
    main()
