#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one look at each component."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_info
short_description: Take the view of components that a gate judges
version_added: 1.0.0
description:
  - Asks the components of a host once, in one call, for the numbers and sets by which M(baremetal.prometheus_ha.gate)
    compares a replica with its peers.
  - A component that does not answer is reported, it does not fail the task.
extends_documentation_fragment: [baremetal.prometheus_ha.attributes, baremetal.prometheus_ha.lease]
attributes:
  check_mode:
    support: full
    details:
      - Only reads.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  checks:
    description: The components to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: What it is.
        type: str
        choices: [prometheus, alertmanager, thanos]
        required: true
      url:
        description: The base URL of its web endpoint, with the route prefix.
        type: str
        required: true
      http:
        description: How the endpoint is spoken to. Paths are of files on the host where the module runs.
        type: dict
        suboptions:
          ca_file:
            description: The CA that signed its certificate.
            type: path
          cert_file:
            description: The client certificate.
            type: path
          key_file:
            description: The client certificate's key.
            type: path
          username:
            description: The user for basic authentication.
            type: str
          password:
            description: The password for basic authentication.
            type: str
          server_name:
            description: The name that its certificate must hold.
            type: str
          timeout:
            description: Seconds that one request may take.
            type: float
            default: 10.0
      replica_label:
        description: Prometheus; the label that is left out of alerts, so that replicas can be compared.
        type: str
        default: replica
      agent:
        description: Prometheus; whether it runs as an agent, which has neither rules nor Alertmanagers.
        type: bool
        default: false
  run:
    description:
      - The asking run. The lease of another run on this host is then reported.
    type: str
seealso:
  - module: baremetal.prometheus_ha.gate
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
"""

EXAMPLES = r"""
- name: Look at the Prometheus of this host
  baremetal.prometheus_ha.gate_info:
    checks:
      - {kind: prometheus, url: "http://127.0.0.1:9090"}
  register: seen

- name: Stop when its start lost samples
  ansible.builtin.assert:
    that: seen.views[0].wal_corruptions == 0
"""

RETURN = r"""
leased:
  description: The lease of another run that is changing this host; nothing where there is none.
  returned: when O(run) is given
  type: dict
views:
  description:
    - What each of O(checks) showed, in that order.
    - Of a component that does not answer there are only the first three fields, of a Prometheus that still starts
      only C(answers), C(error), C(ready), C(status) and C(replay).
  returned: success
  type: list
  elements: dict
  contains:
    answers:
      description: Whether it answered.
      type: bool
    error:
      description: Why it did not; empty when it did.
      type: str
    away:
      description: Whether it did not answer because nobody listens there. Anything else may serve all the same.
      type: bool
    ready:
      description: Prometheus; whether it says that it is ready.
      type: bool
    status:
      description: Prometheus; the status of that answer. Alertmanager; the state of its mesh, as V(ready).
      type: raw
    replay:
      description: Prometheus; C(min), C(max) and C(current) segment of the WAL while it is replayed.
      type: dict
    started:
      description: When its process started, in seconds since the epoch.
      type: float
    uptime:
      description: Seconds since then, by the host's own clock.
      type: float
    reloaded:
      description: Prometheus; whether its last reload succeeded.
      type: bool
    wal_corruptions:
      description: Prometheus; how often it found its WAL corrupt since it started.
      type: float
    checkpoint_failures:
      description: Prometheus; how often it could not write a checkpoint since it started.
      type: float
    targets:
      description: Prometheus; the health of each active target, by scrape pool and instance.
      type: dict
      sample: {"node 192.0.2.11:9100": up}
    scrape_intervals:
      description: Prometheus; the different scrape intervals of its active targets.
      type: list
      elements: str
    rules:
      description: Prometheus; how many rules it evaluates.
      type: int
    generations:
      description: Prometheus; what the collection's marker rule says of the configuration that it evaluates.
      type: list
      elements: str
    evaluation_interval:
      description: Prometheus; the slowest interval of its rule groups, in seconds.
      type: float
    at:
      description: Prometheus; when it was looked at, in seconds since 1970 by its host's clock.
      type: float
    alerting:
      description: Prometheus; a digest of each alerting rule that it evaluates.
      type: list
      elements: str
    firing:
      description: Prometheus; its firing alerts.
      type: list
      elements: dict
      contains:
        labels:
          description: The labels, without the replica label.
          type: dict
        active_at:
          description: Since when its expression holds.
          type: str
        for:
          description: Seconds that it must hold before the alert fires.
          type: float
        seconds:
          description: For how long it has been firing.
          type: float
        rule:
          description: The digest of its rule.
          type: str
    alertmanagers:
      description: Prometheus; C(host:port) of its active Alertmanagers.
      type: list
      elements: str
    dropped_alertmanagers:
      description: Prometheus; how many Alertmanagers its relabelling dropped.
      type: int
    unreached:
      description: Prometheus; active Alertmanagers to which its host can't open a connection, and why.
      type: dict
    members:
      description: Alertmanager; the cluster addresses of the members that it sees, itself included, by name.
      type: dict
    stores:
      description: Thanos; how many Store APIs a querier is connected to, null of another component.
      type: int
    prometheus_up:
      description: Thanos; whether a sidecar reaches its Prometheus, null of another component.
      type: bool
    silences:
      description: Alertmanager; the ids of silences that are not expired.
      type: list
      elements: str
    config_hash:
      description: Alertmanager; the hash of its configuration.
      type: int
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import (
    _gate_alertmanager,
    _gate_prometheus,
    _gate_thanos,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import ENDPOINT_SPEC, GATE_KINDS, Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._lease import LEASE_SPEC, hold, holder

CHECK_SPEC: dict[str, t.Any] = {
    **ENDPOINT_SPEC,
    "kind": {"type": "str", "required": True, "choices": GATE_KINDS},
    "replica_label": {"type": "str", "default": "replica"},
    "agent": {"type": "bool", "default": False},
}


def view(check: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """One look at one component.

    ``answers`` is False and ``error`` says why when there is no usable answer; ``away``: because nobody listens.
    """
    api = Api.from_params(check)
    http = api.client()
    try:
        if api.kind == "prometheus":
            options = {"replica_label": check["replica_label"], "agent": check["agent"]}
            return {"answers": True, "error": "", **_gate_prometheus.look(api, http, **options)}
        if api.kind == "thanos":
            return {"answers": True, "error": "", **_gate_thanos.look(api, http)}
        return {"answers": True, "error": "", **_gate_alertmanager.look(api, http)}
    except HAError as error:
        said = ": ".join(part.rstrip(".") for part in (error.what, error.said) if part)
        return {"answers": False, "away": getattr(error, "refused", False), "error": said}


def main() -> None:
    spec = {
        "checks": {"type": "list", "elements": "dict", "required": True, "options": CHECK_SPEC},
        "lease": {"type": "dict", "options": LEASE_SPEC},
        "run": {"type": "str"},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        if module.params["lease"] and not module.check_mode:
            hold(module.params["lease"])
        leased = holder(module.params["run"]) if module.params["run"] else None
    except HAError as error:
        module.fail_json(**error.result())
    module.exit_json(changed=False, leased=leased, views=[view(check) for check in module.params["checks"]])


if __name__ == "__main__":
    main()
