# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_peers
short_description: The gossip peers of an Alertmanager as command-line flags
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Turns the members of a mesh into C(--cluster.peer) flags, every peer by itself and each once, IPv6 in brackets.
  - The order depends on the addresses alone (IPv4, IPv6, names), not on the order of the input, so that a run without
    a change restarts nothing.
options:
  _input:
    description:
      - The members. Each is C(host), C(host:port), or a mapping with C(address) and, if it is not O(port),
        C(cluster_port).
    type: list
    elements: raw
    required: true
  own:
    description: The member whose flags these are, in the same forms. Without it all members are peers.
    type: raw
  include_own:
    description: Whether O(own) is in the list as well, which Alertmanager tolerates.
    type: bool
    default: false
  port:
    description: The gossip port of the members that name none.
    type: int
    default: 9094
seealso:
  - plugin: baremetal.prometheus_ha.alertmanager_targets
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the peers of am-a
  ansible.builtin.debug:
    msg: "{{ ['10.0.0.1', '10.0.0.2', '2001:db8::3'] | baremetal.prometheus_ha.cluster_peers(own='10.0.0.1') }}"
  # => ["--cluster.peer=10.0.0.2:9094", "--cluster.peer=[2001:db8::3]:9094"]

- name: Members with ports of their own
  ansible.builtin.debug:
    msg: "{{ members | baremetal.prometheus_ha.cluster_peers }}"
  vars:
    members:
      - address: am-a.example.net
        cluster_port: 9194
      - address: am-b.example.net
  # => ["--cluster.peer=am-a.example.net:9194", "--cluster.peer=am-b.example.net:9094"]
"""

RETURN = r"""
_value:
  description: The flags, ready for an argument list.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._filter import as_filter
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._peers import cluster_peers


class FilterModule:
    """Entry point of the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"cluster_peers": as_filter(cluster_peers)}
