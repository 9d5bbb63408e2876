# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: buckets
short_description: The hosts on which a tool for Thanos buckets runs
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Returns one host for each bucket of the plan. It is a compactor's, else a store gateway's, else one that uploads.
  - For a tool that deletes, it returns the hosts of all compactors, each of which has streams of its own.
  - For the C(hosts) of plays. A play before it must have run M(baremetal.prometheus_ha.plan).
  - No bucket is an error, and so is one without a compactor for a tool that deletes.
options:
  _terms:
    description: The tool, as O(baremetal.prometheus_ha.thanos_bucket#module:tool).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Look at every bucket
  hosts: "{{ query('baremetal.prometheus_ha.buckets', 'inspect') }}"
  gather_facts: false
  become: true
  tasks:
    - name: Show what is in it
      baremetal.prometheus_ha.thanos_bucket:
        tool: inspect
"""

RETURN = r"""
_list:
  description: Inventory host names.
  type: list
  elements: str
"""

import typing as t

from ansible.context import CLIARGS
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.baremetal.prometheus_ha.plugins.lookup.members import LISTING
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._bucket_tools import TOOLS
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        if any(CLIARGS.get(option) for option in LISTING):
            return []  # nothing runs, so there is no plan
        if len(terms) != 1 or terms[0] not in TOOLS:
            raise AnsibleLookupError(f"buckets takes one of {', '.join(TOOLS)}, not {terms}")
        try:
            return _store.bucket_hosts(str(terms[0]))
        except HAError as error:
            raise AnsibleLookupError(str(error)) from error
