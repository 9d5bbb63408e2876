# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a run keeps others off a host meanwhile (module_utils/_lease.py, LEASE_SPEC)."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragment ``baremetal.prometheus_ha.lease``."""

    DOCUMENTATION = r"""
options:
  lease:
    description: The lease of this run on the host, which is taken or renewed. The action plugins fill it in.
    type: dict
    suboptions:
      run:
        description: The id of the run.
        type: str
        required: true
      who:
        description: Who runs it, for people.
        type: str
        required: true
      controller:
        description: Tells the controller from others.
        type: str
        default: ''
      boot:
        description: The boot id of the controller.
        type: str
        default: ''
      namespace:
        description: The pid namespace of the run.
        type: str
        default: ''
      pid:
        description: The run's main process.
        type: int
        default: 0
      started:
        description: When that process started, in clock ticks since boot.
        type: int
        default: 0
      seconds:
        description: Seconds after which it expires unless it is renewed.
        type: float
        default: 60.0
      over:
        description: A run that is known to be dead, whose lease may be taken.
        type: str
      release:
        description: Whether the lease is let go instead.
        type: bool
        default: false
"""
