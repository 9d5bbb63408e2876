# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule of the live preflight; docs/preflight.md lists them beside those of the inventory."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import live, live_hosts
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import Seen

LIVE: tuple[Rule[Seen], ...] = (*live.RULES, *live_hosts.RULES)
