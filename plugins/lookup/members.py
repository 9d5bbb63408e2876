# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: members
short_description: The hosts of the plan
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Returns the hosts on which the plan of this run puts a component.
  - For the C(hosts) of plays, which can't see group variables.
  - A play before it must have run M(baremetal.prometheus_ha.plan).
options: {}
"""

EXAMPLES = r"""
- name: Stage every component
  hosts: "{{ query('baremetal.prometheus_ha.members') }}"
  gather_facts: false
  become: true
  tasks:
    - name: Stage
      baremetal.prometheus_ha.component:
        state: staged
"""

RETURN = r"""
_list:
  description: Inventory host names, in plan order.
  type: list
  elements: str
"""

import typing as t

from ansible.context import CLIARGS
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store

# ansible-playbook's options that look at a playbook without running it.
LISTING = ("syntax", "listhosts", "listtasks", "listtags")


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        if terms:
            raise AnsibleLookupError(f"members takes nothing, not {terms}")
        if any(CLIARGS.get(option) for option in LISTING):
            return []  # nothing runs, so there is no plan
        try:
            return _store.members()
        except HAError as error:
            raise AnsibleLookupError(str(error)) from error
