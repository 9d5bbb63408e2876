#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one try/except around the trial of an object store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: objstore_info
short_description: Try an object store as Thanos uses it
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Lists a bucket, and writes, reads and deletes a block of a few bytes in it, by Thanos' own client. Says at which
    step the provider refused, in its own words.
  - The block lies below C(prometheus_ha_probe/), where no other component of Thanos looks, and is gone afterwards.
  - A refusal doesn't fail the task.
extends_documentation_fragment: [baremetal.prometheus_ha.attributes]
attributes:
  check_mode:
    support: full
    details:
      - The steps are the same. What is written is deleted again.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  executable:
    description: Thanos' program on the host.
    type: path
    required: true
  config:
    description:
      - The object store, of the shape of C(thanos_objstore_config). It is kept in a private file while it is tried.
    type: dict
    required: true
  environment:
    description: Environment variables of the client, as C(thanos_objstore_environment) has them.
    type: dict
    default: {}
  account:
    description:
      - As whom it is tried, as a service that runs as that account would. Empty, or an account that is not there, is
        who runs the task.
    type: str
    default: ''
  writes:
    description: Whether blocks are to be written, read and deleted. A store gateway only lists.
    type: bool
    default: true
seealso:
  - module: baremetal.prometheus_ha.thanos_bucket
"""

EXAMPLES = r"""
- name: Try the bucket
  baremetal.prometheus_ha.objstore_info:
    executable: /opt/prometheus_ha/thanos/0.42.4/bin/thanos
    config:
      type: S3
      config:
        bucket: metrics
        endpoint: s3.example.com
        access_key: lab
        secret_key: "{{ vault_s3_key }}"
  register: bucket

- name: Stop when it refuses
  ansible.builtin.assert:
    that: bucket.refused == ''
    fail_msg: "{{ bucket.refused }}: {{ bucket.said }}"
"""

RETURN = r"""
refused:
  description: The step that was refused (V(list), V(write), V(read), V(delete)). Empty where none was.
  returned: success
  type: str
said:
  description: Why, in the provider's own words.
  returned: success
  type: str
"""

import platform
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _objstore
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import run

OPTIONS = ("executable", "config", "environment", "account", "writes")
ARGUMENTS: dict[str, t.Any] = {name: _objstore.OBJSTORE_SPEC[name] for name in OPTIONS}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    # no_log keeps the keys out of the host's syslog; but any word of a configuration is also one of the answer.
    module.no_log_values = _objstore.secrets([module.params["config"], module.params["environment"]])
    try:
        found = _objstore.look(
            {**module.params, "labels": [], "replica_label": "", "data_dir": None}, platform.node(), run
        )
        if not found["tried"]:
            do = "name the program of a release, or run baremetal.prometheus_ha.site first, which brings it there."
            raise HAError("there is no Thanos that could try the bucket", where=module.params["executable"], do=do)
    except HAError as error:
        module.fail_json(invocation={}, **error.result())
    module.exit_json(changed=False, invocation={}, refused=found["failed"], said=found["said"])


if __name__ == "__main__":
    main()
