# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module says about check mode, diff mode and idempotency; a module adds its own `support`."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragment ``baremetal.prometheus_ha.attributes``."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return what would change, without modifying the target.
  diff_mode:
    description:
      - Will return details on what has changed (or would change in C(check_mode)) when in diff mode.
      - Secrets are masked in these details.
  idempotent:
    description:
      - When run twice in a row outside check mode with the same arguments, the second run indicates no change.
      - This assumes that the system that is controlled did not change on its own in between.
"""
