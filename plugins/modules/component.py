#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: component
short_description: Converge a component of the stack on a host
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Converges release, configuration and service of one or all components of a host in one remote call, as the plan of
    the whole inventory has them.
  - What is to be done follows from what runs, compared with what is wanted. It does not follow from what this run
    changed, so a run that was cut off is finished by the next one.
  - A change that is refused, or that does not come up, is taken back. The former version and configuration then serve
    again.
  - Another installation in the way stops the task before any change.
extends_documentation_fragment:
  - baremetal.prometheus_ha.attributes
  - baremetal.prometheus_ha.lease
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Values of secret keys are masked.
  idempotent:
    support: full
options:
  name:
    description:
      - The component, as the plan names it. Without it, all components of the host.
    type: str
  state:
    description:
      - V(staged) installs the release, checks the configuration and says what is pending. Running processes do not
        notice.
      - V(started) also starts what does not run yet.
      - V(active) does everything that is pending, and proves it.
      - V(trial) does the same and keeps the former unit, files and data at hand, so that V(settled) or V(reverted) must
        follow. M(baremetal.prometheus_ha.roll) does that. A run that is cut off before has the next one put the former
        files back and begin anew.
      - V(ahead) does of what is to restart the configuration alone, where what runs accepts it, as V(trial) does it.
      - V(settled) lets go of what V(trial) kept, but for data that only the former version can surely open. V(proved)
        lets go of that, too.
      - V(reverted) puts back what V(trial) kept, and has it run.
      - V(absent) removes unit, configuration and releases. The data folder stays, and so does a unit of that name that
        this collection did not write.
    type: str
    default: active
    choices: [staged, started, active, ahead, trial, settled, proved, reverted, absent]
  asked:
    description:
      - What is to be done to what serves, even where less is pending.
    type: str
    choices: [reload, restart]
  plan:
    description:
      - The components in full, for use without an inventory of this collection. By default they come from the plan.
    type: list
    elements: dict
    suboptions:
      name:
        description: The component's name.
        type: str
        required: true
      state:
        description: V(staged) holds what runs, V(absent) lets the component leave.
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
        description:
          - What a change of each file and flag takes, the first row that matches. Without it, every flag takes a
            restart and every file a reload.
        type: list
        elements: dict
        suboptions:
          match:
            description: A glob of files below the configuration's root, or of flags with their dashes.
            type: str
            required: true
          action:
            description: What it takes. V(write) is for a file that the process reads by itself.
            type: str
            choices: [write, reload, restart]
            required: true
          part:
            description: The row is for a change of that part of the flag's value alone.
            type: str
            choices: ['', port, prefix]
            default: ''
          at_once:
            description: Whether all members of the mesh make the change at the same moment.
            type: bool
            default: false
          breaks:
            description: Who can't talk to a changed one until they changed, too.
            type: str
            choices: ['', peers, clients]
            default: ''
      back_to:
        description:
          - The oldest version that can be relied on to open what the wanted one writes. Where an older one ran, a copy
            of its data (hard links) is kept until the state V(proved).
        type: str
      uploads:
        description:
          - Of a receiver of Thanos that is V(absent). It is removed only once what it holds is in the bucket, to which
            it uploads as it ends; where it does not run, it is started for that.
        type: dict
        suboptions:
          data_dir:
            description: Its data folder.
            type: path
            required: true
          url:
            description: Where it is asked whether it is ready.
            type: str
            required: true
      cohort:
        description:
          - The set of equals that it serves (component, environment and name). It is recorded on the host once the
            component is active.
        type: list
        elements: str
      secrets:
        description:
          - Values that are masked in the result. Without it, those of secret keys in files that are C(masked).
        type: list
        elements: str
seealso:
  - module: baremetal.prometheus_ha.plan
  - plugin: baremetal.prometheus_ha.waves
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Stage every component that the plan puts on the host
  baremetal.prometheus_ha.component:
    state: staged

- name: Do what Prometheus has pending
  baremetal.prometheus_ha.component:
    name: prometheus

- name: Converge an Alertmanager without a plan
  baremetal.prometheus_ha.component:
    plan:
      - name: alertmanager
        release:
          name: alertmanager
          version: 0.28.1
          source: https://mirror.example.com/github
          checksums:
            amd64: "{{ alertmanager_amd64_sha256 }}"
          links: [amtool]
        config:
          root: /etc/alertmanager
          group: alertmanager
          files:
            - path: alertmanager.yml
              content: |
                route: {receiver: nobody}
                receivers: [{name: nobody}]
          check:
            - ["{release}/bin/amtool", check-config, "{root}/alertmanager.yml"]
        service:
          name: alertmanager
          user: alertmanager
          executable: "{release}/bin/alertmanager"
          args:
            - --config.file=/etc/alertmanager/alertmanager.yml
            - --storage.path=/var/lib/alertmanager
          data_dirs: [/var/lib/alertmanager]
        api:
          kind: alertmanager
          url: http://127.0.0.1:9093
          config_file: /etc/alertmanager/alertmanager.yml
"""

RETURN = r"""
components:
  description: What was found and done, by component.
  returned: success
  type: dict
  contains:
    pending:
      description: What is left for an activation, one of V(none), V(start), V(write), V(reload), V(restart), V(remove).
      type: str
      sample: none
    at_once:
      description: Whether all members of the mesh have to make that change at the same moment.
      type: bool
    ahead:
      description:
        - Whether what runs can take up the configuration before the restart that is pending,
          all members of the mesh at the same moment.
      type: bool
    breaks:
      description: By who is broken until they changed, too (C(peers), C(clients)), the changes that do it.
      type: dict
    files:
      description: Files of the configuration that differ.
      type: list
      elements: str
    serves:
      description: Whether what is to be changed was up and ready before.
      type: bool
    runs:
      description: The version that runs, or ran last.
      type: str
      sample: 2.53.3
    endpoint:
      description: The port and path prefix at which it still answers, where a change would break its clients.
      type: dict
    keeps:
      description: The version of which a copy of the data is kept, or an empty string.
      type: str
    out_of_service:
      description: Seconds for which it was not ready during this change.
      type: float
    reasons:
      description: Why something was pending.
      type: list
      elements: str
    actions:
      description: What was changed, or in check mode would be.
      type: list
      elements: str
    foreign:
      description: Files below the configuration folder that this collection did not write. They are never removed.
      type: list
      elements: str
    seconds:
      description: How long a start took until it was proved.
      type: float
    waited_for:
      description: What was waited for during that start, the last ten sentences.
      type: list
      elements: str
      sample: ["Prometheus is replaying the WAL: segment 3 of 8"]
    former_cohort:
      description:
        - The set that the component serves by the host's record, where that is another one than wanted, else V(null).
      type: list
      elements: str
      sample: [prometheus, prod, eu]
    changed:
      description: Whether anything was changed.
      type: bool
"""

import contextlib
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _foreign, _lease
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import (
    ASKS,
    ENDS,
    STATES,
    Component,
    Outcome,
    secrets,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._lease import LEASE_SPEC

# Seconds that another process of ours is waited for by one call; the action calls again, and says so.
BUSY_TIMEOUT = 10.0
EFFECT_SPEC: dict[str, t.Any] = {
    "match": {"type": "str", "required": True},
    "action": {"type": "str", "required": True, "choices": ["write", "reload", "restart"]},
    "part": {"type": "str", "default": "", "choices": ["", "port", "prefix"]},
    "at_once": {"type": "bool", "default": False},
    "breaks": {"type": "str", "default": "", "choices": ["", "peers", "clients"]},
}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str"},
    "state": {"type": "str", "default": "active", "choices": list(STATES)},
    "asked": {"type": "str", "choices": list(ASKS)},
    "lease": {"type": "dict", "options": LEASE_SPEC},
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
            "effects": {"type": "list", "elements": "dict", "options": EFFECT_SPEC},
            "back_to": {"type": "str"},
            "uploads": {
                "type": "dict",
                "options": {
                    "data_dir": {"type": "path", "required": True},
                    "url": {"type": "str", "required": True},
                },
            },
            "cohort": {"type": "list", "elements": "str"},
            "secrets": {"type": "list", "elements": "str", "no_log": True},
        },
    },
}


@contextlib.contextmanager
def named(name: str) -> t.Iterator[None]:
    """A failure within is of that component, for whoever blames it on inventory variables."""
    try:
        yield
    except HAError as error:
        error.facts.setdefault("component", name)
        raise


def converge(component: Component, state: str) -> Outcome:
    """One component to its state. :raises HAError: named after the component."""
    with named(component.name):
        if state == "staged":
            return component.stage()
        if state in ("settled", "proved"):
            return component.settle(proved=state == "proved")
        if state == "reverted":
            return component.revert()
        on_trial = state in ("ahead", "trial")
        return component.activate(only_start=state == "started", ahead=state == "ahead", settle=not on_trial)


def reverted(components: t.Sequence[Component]) -> dict[str, Outcome]:
    """All of them go back, whatever becomes of one. :raises HAError: the first failure."""
    outcomes: dict[str, Outcome] = {}
    failed: list[HAError] = []

    def attempt(component: Component) -> None:
        try:
            outcomes[component.name] = converge(component, "reverted")
        except HAError as error:
            failed.append(error)

    for component in components:
        attempt(component)
    if failed:
        raise failed[0]
    return outcomes


@contextlib.contextmanager
def alone(params: dict[str, t.Any], *, apply: bool) -> t.Iterator[None]:
    """Only this run, and only this process of it, changes the host.

    :raises HAError: without root; where another run holds the lease, or a process that a dead one left is still at
        work (``busy``).
    """
    if not apply:
        yield
        return
    if os.geteuid() != 0:
        raise HAError("this needs root on the host", do="set become: true.")
    if params["lease"]:
        _lease.hold(params["lease"])
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_lease.exclusive(timeout=BUSY_TIMEOUT))
        except HAError as error:
            error.facts["busy"] = error.what
            raise
        if params["lease"] and not params["lease"].get("release"):
            stack.enter_context(_lease.renewed(params["lease"]))
        yield


def run(params: dict[str, t.Any], *, apply: bool) -> dict[str, t.Any]:
    """All components of the call. :raises HAError: before any change where something else is in the way."""
    if params["plan"] is None:
        raise HAError("there is no plan", do="run the module through its action plugin, or give it a plan.")
    # What ends a trial needs nothing of the new one: neither a free way for it nor its archive.
    ends = params["state"] in ENDS
    wanted = [{**item, "state": "absent"} if params["state"] == "absent" else item for item in params["plan"]]
    components: list[Component] = []
    for item in wanted:
        with named(item["name"]):
            components.append(Component(item, apply=apply, asked=params["asked"] or ""))
    archives: dict[str, str | None] = {}
    for component in components if not ends else ():
        with named(component.name):
            if not component.leaves:
                _foreign.refuse(component.in_the_way(), component.name)
            archives[component.name] = component.lacks_archive()
    if any(archives.values()):
        return {"changed": False, "fetch": {name: arch for name, arch in archives.items() if arch}}
    if params["state"] == "reverted":
        outcomes = reverted(components)
    else:
        outcomes = {component.name: converge(component, params["state"]) for component in components}
    result: dict[str, t.Any] = {
        "changed": any(outcome.changed for outcome in outcomes.values()),
        "components": {name: outcome.result() for name, outcome in outcomes.items()},
    }
    result["diff"] = [entry for outcome in outcomes.values() for entry in outcome.diff]
    return result


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.no_log_values = {value for item in module.params["plan"] or () for value in secrets(item)}
    invocation = {"module_args": {"name": module.params["name"], "state": module.params["state"]}}
    try:
        with alone(module.params, apply=not module.check_mode):
            result = run(module.params, apply=not module.check_mode)
    except HAError as error:
        module.fail_json(invocation=invocation, **error.result())
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
