#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one try/except around questions to the members of a mesh."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alertmanager_mesh_info
short_description: Ask the members of an Alertmanager mesh what they see
version_added: 1.0.0
description:
  - Asks each given member, from the host where the module runs, for its state, its peers, its version and the hash of
    its configuration, and says whether they agree.
  - A member that does not answer is reported, it does not fail the task.
extends_documentation_fragment: [baremetal.prometheus_ha.attributes, baremetal.prometheus_ha.http]
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
  urls:
    description: The base URLs of the members to ask, with the route prefix.
    type: list
    elements: str
    required: true
  members:
    description: The members that the mesh must have. Default is the number of O(urls) when there is more than one.
    type: int
seealso:
  - module: baremetal.prometheus_ha.ready
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
"""

EXAMPLES = r"""
- name: Ask all members
  baremetal.prometheus_ha.alertmanager_mesh_info:
    urls:
      - http://192.0.2.11:9093
      - http://192.0.2.12:9093
      - http://192.0.2.13:9093
  register: mesh

- name: Stop when they see different meshes
  ansible.builtin.assert:
    that: mesh.agree
    fail_msg: "{{ mesh.disagreements | join('; ') }}"
"""

RETURN = r"""
members:
  description: What each of O(urls) answered, in that order.
  returned: success
  type: list
  elements: dict
  contains:
    url:
      description: The URL that was asked.
      type: str
    reachable:
      description: Whether it answered.
      type: bool
    error:
      description: Why it did not; empty when it did.
      type: str
    name:
      description: Its name in the mesh; empty where clustering is off.
      type: str
    status:
      description: The state of its mesh (V(ready), V(settling), V(disabled)).
      type: str
    peers:
      description: The members that it sees, itself included, sorted by address.
      type: list
      elements: dict
      contains:
        name:
          description: The peer's name.
          type: str
        address:
          description: The peer's cluster address.
          type: str
    version:
      description: Its version.
      type: str
    config_hash:
      description: The hash of its configuration, as the metric C(alertmanager_config_hash) shows it.
      type: int
agree:
  description: Whether all answered, are settled, see the same members and have the same configuration.
  returned: success
  type: bool
disagreements:
  description: Why they do not agree, in sentences.
  returned: success
  type: list
  elements: str
  sample: ["http://192.0.2.12:9093 sees 2 of 3 members"]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import HTTP_SPEC, HttpClient, HttpOptions
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._mesh import ask, disagreements

ARGUMENTS: dict[str, t.Any] = {
    "urls": {"type": "list", "elements": "str", "required": True},
    "members": {"type": "int"},
    "http": HTTP_SPEC,
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        http = HttpClient(HttpOptions.from_params(module.params["http"]))
        members = [ask(url, http) for url in module.params["urls"]]
        found = disagreements(members, module.params["members"])
    except HAError as error:
        module.fail_json(**error.result())
    module.exit_json(changed=False, members=members, agree=not found, disagreements=found)


if __name__ == "__main__":
    main()
