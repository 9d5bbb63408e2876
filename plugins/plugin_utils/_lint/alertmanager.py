# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about Alertmanager meshes."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Rule, Subject

RULES: tuple[Rule[Subject], ...] = ()
