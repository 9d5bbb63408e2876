#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one try/except around the preflight's part on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_host
short_description: A host's part of the preflight
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Looks at a host before anything is started on it, and proves the way to the ports of its peers. Installs and
    changes nothing.
  - The task names no options but O(step). The action of the same name takes the others from the plan, and keeps what
    was found in the run's own folder for M(baremetal.prometheus_ha.preflight).
  - Use all three steps, in this order and each on all hosts, as the playbook C(preflight.yml) does.
extends_documentation_fragment:
  - baremetal.prometheus_ha.attributes
attributes:
  check_mode:
    support: full
    details:
      - Only reads. A process that listens for some seconds is left behind in check mode, too.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  step:
    description:
      - V(look) gathers what the rules want to know. Where a port that peers use is free, a process is left behind that
        listens on it, unprivileged, and answers only who knows O(nonce). It ends as soon as all peers were heard, and
        in any case after O(listen) seconds.
      - V(dial) connects to the peers and exchanges datagrams with them.
      - V(end) ends the process that V(look) left behind, where it has not ended itself.
    type: str
    required: true
    choices: [look, dial, end]
  nonce:
    description: What the hosts of one run know one another by.
    type: str
  name:
    description: The name of this host in the inventory.
    type: str
  components:
    description: What is to run on the host.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The component.
        type: str
        required: true
      data_dir:
        description: Its data folder.
        type: path
      config_file:
        description: Its configuration.
        type: path
        default: ""
      objstore:
        description: The object store that it uses. It is tried below a prefix of its own, where Thanos is installed.
        type: dict
        suboptions:
          executable:
            description: Thanos.
            type: path
            required: true
          config:
            description: The object store, as Thanos documents it.
            type: dict
            required: true
          environment:
            description: Environment variables that the service has.
            type: dict
            default: {}
          account:
            description: As whom the service runs. The object store is tried as that account where it is there.
            type: str
            default: ""
          writes:
            description: Whether it uploads or deletes, so that this is tried, too.
            type: bool
            default: true
          labels:
            description: The label sets of what it uploads.
            type: list
            elements: dict
            default: []
          replica_label:
            description: The label of them that its peers have another value of.
            type: str
            default: ""
          data_dir:
            description: From where.
            type: path
      url:
        description: Of an Alertmanager, where it answers on the host itself.
        type: str
      ports:
        description: The ports it listens on.
        type: list
        elements: dict
        default: []
        suboptions:
          port:
            description: The port.
            type: int
            required: true
          protocol:
            description: Its protocol.
            type: str
            choices: [tcp, udp]
            default: tcp
          address:
            description: The address it is bound to.
            type: str
            default: ""
          variable:
            description: The inventory variable that sets it.
            type: str
            default: ""
          dialled_by:
            description: The hosts that will dial it.
            type: list
            elements: str
            default: []
  targets:
    description: What is to be dialled.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: What the result calls it.
        type: str
        required: true
      address:
        description: The peer's address.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
      protocols:
        description: What is to be proved.
        type: list
        elements: str
        choices: [tcp, udp]
        default: [tcp]
      by:
        description: What answers there, the process that V(look) left behind or the component itself.
        type: str
        choices: [listener, component]
        default: component
      gossip_label:
        description: Of an Alertmanager that answers itself, its C(cluster.label).
        type: str
        default: ""
  timeout:
    description: Seconds that a peer has to answer, for each protocol.
    type: float
    default: 3.0
  listen:
    description: Seconds after which the process that V(look) left behind ends.
    type: float
    default: 30.0
seealso:
  - module: baremetal.prometheus_ha.preflight
"""

EXAMPLES = r"""
- name: Look at the hosts
  baremetal.prometheus_ha.preflight_host:
    step: look

- name: Dial the peers
  baremetal.prometheus_ha.preflight_host:
    step: dial

- name: End what still listens
  baremetal.prometheus_ha.preflight_host:
    step: end
"""

RETURN = r"""
systemd:
  description: C(version) of systemd, and whether it C(runs) the host.
  returned: step is look
  type: dict
components:
  description: What was found of each component.
  returned: step is look
  type: dict
listener:
  description: The process id of what was left behind; 0 where nothing was.
  returned: step is look
  type: int
reached:
  description: How each of O(targets) was reached.
  returned: step is dial
  type: list
  elements: dict
heard:
  description: By port and peer, the protocols in which the peer was heard; none where nothing listened any more.
  returned: step is end
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _objstore, _preflight, _preflight_listen
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

ARGUMENTS: dict[str, t.Any] = {
    "step": {"type": "str", "required": True, "choices": ["look", "dial", "end"]},
    "nonce": {"type": "str", "no_log": True},
    "name": {"type": "str"},
    "components": {"type": "list", "elements": "dict", "default": [], "options": _preflight.COMPONENT_SPEC},
    "targets": {"type": "list", "elements": "dict", "default": [], "options": _preflight.TARGET_SPEC},
    "timeout": {"type": "float", "default": 3.0},
    "listen": {"type": "float", "default": 30.0},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    # no_log keeps the keys out of the host's syslog; but any word of a configuration is also one of the facts.
    known = ("config", "environment")
    buckets = [item["objstore"][part] for item in params["components"] if item["objstore"] for part in known]
    module.no_log_values = {params["nonce"] or ""}.union(*map(_objstore.secrets, buckets)) - {""}
    result: dict[str, t.Any] = {}
    try:
        if not (params["nonce"] and params["name"]):
            do = "run it as a task of a play that has this collection's action plugins."
            raise HAError("nonce and name are needed", where="preflight_host", do=do)
        if params["step"] == "look":
            result = _preflight.look(params)
        elif params["step"] == "dial":
            result = {"reached": _preflight.dial(params)}
        else:
            result = {"heard": _preflight_listen.end(params["nonce"], params["name"])}
    except HAError as error:
        module.fail_json(**error.result())
    module.exit_json(changed=False, invocation={"module_args": {"step": params["step"]}}, **result)


if __name__ == "__main__":
    main()
