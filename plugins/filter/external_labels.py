# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: external_labels
short_description: The full external labels of a Prometheus replica
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Adds the replica label to the labels that the replicas of a set share, and refuses what would break deduplication
    or a receiver further on.
  - Refused are names outside Prometheus' legacy charset (C([a-zA-Z_][a-zA-Z0-9_]*)) and names with C(__) in front
    (C(__replica__), which the HA tracker of Mimir and Cortex asks for, is the exception), values that are empty or not
    text, and a shared label of the replica label's name.
  - Prometheus 3 takes other names in UTF-8. They are refused here, since not everything that sees an external label
    does.
positional: replica_label, replica
options:
  _input:
    description: The labels that all replicas of the set share.
    type: dict
    required: true
  replica_label:
    description: The name of the label that tells the replicas apart.
    type: str
    required: true
  replica:
    description: The value of the replica label.
    type: str
    required: true
  version:
    description:
      - The version of Prometheus, as in V(3.5.3). Without it, version 3 or later is assumed.
      - From 3.0 on Prometheus expands C($x) in external labels from its environment, so that a literal C($) is written
        C($$). A lone C($) is an error there. Prometheus 2 takes it as it stands.
    type: str
  escape_dollar:
    description: Takes the values as literal text, and doubles each C($) where this version of Prometheus needs it.
    type: bool
    default: false
seealso:
  - plugin: baremetal.prometheus_ha.alertmanager_targets
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the labels of a replica
  ansible.builtin.debug:
    msg: "{{ {'cluster': 'eu1'} | baremetal.prometheus_ha.external_labels('replica', inventory_hostname) }}"
  # => {"cluster": "eu1", "replica": "prom-a"}

- name: Keep a price as it is, on any version
  ansible.builtin.debug:
    msg: >-
      {{ {'tier': '5$'}
      | baremetal.prometheus_ha.external_labels('replica', 'a', version='3.5.3', escape_dollar=true) }}
  # => {"replica": "a", "tier": "5$$"}
"""

RETURN = r"""
_value:
  description: All external labels, sorted by name.
  type: dict
"""

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._filter import as_filter
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._labels import external_labels


class FilterModule:
    """Entry point of the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"external_labels": as_filter(external_labels)}
