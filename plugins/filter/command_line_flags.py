# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: command_line_flags
short_description: A mapping of flags as an argument list, checked against a version
version_added: 1.0.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Turns a mapping of flags to values into arguments, in the mapping's order.
  - With O(component) and O(version), a flag that this version lacks, a value for a flag that takes none, and a second
    value for a flag that takes one are errors. An error names the version that removed or added the flag, or the name
    that was probably meant.
  - Versions and hidden flags that the collection does not know are left to the staged program itself, which is asked
    on the host before anything is started.
options:
  _input:
    description:
      - The flags, with or without leading dashes.
      - A value of C(null) gives a bare flag, V(true) and V(false) give C(--x) and C(--no-x), a list repeats the flag,
        an empty list leaves it out.
    type: dict
    required: true
  component:
    description: Whose flags they are, as in the inventory's groups, for example V(prometheus) or V(thanos_query).
    type: str
  version:
    description: The version of O(component), as in V(3.5.3).
    type: str
"""

EXAMPLES = r"""
- name: Show the arguments
  ansible.builtin.debug:
    msg: "{{ flags | baremetal.prometheus_ha.command_line_flags('prometheus', '3.5.3') }}"
  vars:
    flags:
      web.enable-lifecycle: true
      storage.tsdb.retention.time: 30d
      enable-feature: [exemplar-storage, memory-snapshot-on-shutdown]
  # => ["--web.enable-lifecycle", "--storage.tsdb.retention.time=30d", "--enable-feature=exemplar-storage",
  #     "--enable-feature=memory-snapshot-on-shutdown"]
"""

RETURN = r"""
_value:
  description: The arguments, without a program's name.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._filter import as_filter
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._flags import command_line_flags


class FilterModule:
    """Entry point of the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"command_line_flags": as_filter(command_line_flags)}
