#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one try/except around the wait for readiness."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ready
short_description: Wait until components are ready and see what they must see
version_added: 1.0.0
description:
  - Waits until Prometheus answers that it is ready and has the expected Alertmanagers, or until Alertmanager's gossip
    is settled and it sees the expected number of members.
  - Alertmanager's own readiness answer is 200 from the start, so the state of its mesh is looked at instead.
  - With O(checks), several components of a host are waited for at once, in one task.
extends_documentation_fragment:
  - baremetal.prometheus_ha.attributes
  - baremetal.prometheus_ha.http
  - baremetal.prometheus_ha.lease
attributes:
  check_mode:
    support: full
    details:
      - Looks once and does not fail, since what would be started in a real run may not run.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  kind:
    description: What it is. Needed unless O(checks) is given.
    type: str
    choices: [prometheus, alertmanager, thanos_rule, thanos, haproxy]
  url:
    description: The base URL of its web endpoint, with the route prefix. Needed unless O(checks) is given.
    type: str
  expect:
    description: What it must see.
    type: dict
    suboptions:
      alertmanagers:
        description: Prometheus; C(host:port) of Alertmanagers that must be active.
        type: list
        elements: str
      members:
        description: Alertmanager; the members of its mesh, itself included.
        type: int
  checks:
    description: Several components, each with the options above.
    type: list
    elements: dict
    suboptions:
      kind:
        description: See O(kind).
        type: str
        choices: [prometheus, alertmanager, thanos_rule, thanos, haproxy]
        required: true
      url:
        description: See O(url).
        type: str
        required: true
      http:
        description: See O(http).
        type: dict
        suboptions:
          ca_file:
            description: See O(http.ca_file).
            type: path
          cert_file:
            description: See O(http.cert_file).
            type: path
          key_file:
            description: See O(http.key_file).
            type: path
          username:
            description: See O(http.username).
            type: str
          password:
            description: See O(http.password).
            type: str
          server_name:
            description: See O(http.server_name).
            type: str
          timeout:
            description: See O(http.timeout).
            type: float
            default: 10.0
      expect:
        description: See O(expect).
        type: dict
        suboptions:
          alertmanagers:
            description: See O(expect.alertmanagers).
            type: list
            elements: str
          members:
            description: See O(expect.members).
            type: int
  timeout:
    description: Seconds after which all of it must be ready; V(0) looks once.
    type: float
    default: 60.0
  interval:
    description: Seconds between two looks.
    type: float
    default: 0.25
seealso:
  - module: baremetal.prometheus_ha.alertmanager_mesh_info
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
"""

EXAMPLES = r"""
- name: Wait for Prometheus and its Alertmanagers
  baremetal.prometheus_ha.ready:
    kind: prometheus
    url: http://127.0.0.1:9090
    expect:
      alertmanagers: ["192.0.2.11:9093", "192.0.2.12:9093"]
    timeout: 600

- name: Wait for both components of this host
  baremetal.prometheus_ha.ready:
    checks:
      - {kind: prometheus, url: "http://127.0.0.1:9090"}
      - {kind: alertmanager, url: "http://127.0.0.1:9093", expect: {members: 3}}
"""

RETURN = r"""
ready:
  description: Whether all of it is ready; V(false) only in check mode.
  returned: success
  type: bool
seconds:
  description: The time it took.
  returned: always
  type: float
waited_for:
  description: The different sentences seen while it waited, in order.
  returned: always
  type: list
  elements: str
  sample: ["Prometheus is replaying the WAL: segment 12 of 40"]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _ready
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import ENDPOINT_SPEC, READY_KINDS, Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._lease import LEASE_SPEC, hold
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Verdict, wait

CHECK_SPEC: dict[str, t.Any] = {
    **ENDPOINT_SPEC,
    "kind": {"type": "str", "required": True, "choices": READY_KINDS},
    "expect": _ready.EXPECT_SPEC,
}
ARGUMENTS: dict[str, t.Any] = {
    **{name: {key: value for key, value in spec.items() if key != "required"} for name, spec in CHECK_SPEC.items()},
    "checks": {"type": "list", "elements": "dict", "options": CHECK_SPEC},
    "timeout": {"type": "float", "default": 60.0},
    "interval": {"type": "float", "default": 0.25},
    "lease": {"type": "dict", "options": LEASE_SPEC},
}


def await_all(checks: t.Sequence[t.Mapping[str, t.Any]], timeout: float, interval: float, *, fail: bool) -> t.Any:
    """Wait for all at once. :raises HAError: when they did not become ready and ``fail`` is set."""
    asked = [(Api.from_params(item), _ready.Expect.from_params(item.get("expect"))) for item in checks]
    sentences: list[str] = []

    def look() -> Verdict:
        verdicts = [_ready.check(api, expect, api.client()) for api, expect in asked]
        open_ones = [verdict for verdict in verdicts if not verdict.done]
        sentences.extend(one.waiting_for for one in open_ones if one.waiting_for not in sentences)
        waiting_for = "; ".join(one.waiting_for for one in open_ones)
        return Verdict(not open_ones, waiting_for, any(one.hopeless for one in open_ones))

    waited = wait(look, timeout=timeout, interval=interval)
    if fail and not waited.done:
        error = _ready.not_ready(", ".join(api.url for api, _expect in asked), waited)
        error.facts["waited_for"] = sentences
        raise error
    return {"ready": waited.done, "seconds": round(waited.seconds, 2), "waited_for": sentences}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_one_of=[("kind", "checks")],
        required_together=[("kind", "url")],
        mutually_exclusive=[("kind", "checks"), ("expect", "checks"), ("http", "checks")],
    )
    params = module.params
    try:
        result = await_all(
            params["checks"] or [params],
            0.0 if module.check_mode else params["timeout"],
            params["interval"],
            fail=not module.check_mode,
        )
        if params["lease"] and not module.check_mode:
            hold(params["lease"])
    except HAError as error:
        module.fail_json(**error.result())
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
