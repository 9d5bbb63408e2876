# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_targets
short_description: The Alertmanagers of a Prometheus, every member by itself
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Turns the members of an Alertmanager mesh into the list for C(alerting.alertmanagers) in C(prometheus.yml).
  - Every member is a target of its own. A load balancer in front of a mesh loses alerts.
  - Members that differ in scheme or route prefix come in entries of their own. The order depends on the addresses
    alone.
options:
  _input:
    description:
      - The members. Each is C(host), C(host:port), or a mapping with C(address) and, where they are not the defaults,
        C(port) (O(port)), C(scheme) (V(http) or V(https), default V(http)) and C(route_prefix) (default V(/)).
    type: list
    elements: raw
    required: true
  port:
    description: The web port of the members that name none.
    type: int
    default: 9093
seealso:
  - plugin: baremetal.prometheus_ha.cluster_peers
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Render the alerting section
  ansible.builtin.copy:
    dest: /tmp/alerting.yml
    mode: "0644"
    content: "{{ {'alertmanagers': members | baremetal.prometheus_ha.alertmanager_targets} | to_nice_yaml }}"
  vars:
    members:
      - 10.0.0.1
      - address: 10.0.0.2
        scheme: https
        route_prefix: /alertmanager
  # => alertmanagers:
  #    - {api_version: v2, path_prefix: /, scheme: http, static_configs: [{targets: ["10.0.0.1:9093"]}]}
  #    - {api_version: v2, path_prefix: /alertmanager, scheme: https, static_configs: [{targets: ["10.0.0.2:9093"]}]}
"""

RETURN = r"""
_value:
  description: The entries of C(alerting.alertmanagers), each with C(scheme), C(path_prefix), C(api_version) and
    C(static_configs).
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._filter import as_filter
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._peers import alertmanager_targets


class FilterModule:
    """Entry point of the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"alertmanager_targets": as_filter(alertmanager_targets)}
