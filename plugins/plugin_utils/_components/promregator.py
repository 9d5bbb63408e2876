# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Promregator: discovery of applications on Cloud Foundry."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _modelled

# Its own default, 8080, is Mimir's as well; any two components can share a host.
KIND = _modelled.kind("promregator", "Promregator", "Promregator", 8056)
COMPONENT = _modelled.component(KIND)
