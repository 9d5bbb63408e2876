# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack watches itself: the Watchdog, and with it the health of all that this collection rolls out."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Group,
    Package,
    Scene,
)

WATCHDOG = Alert(
    "Watchdog",
    "none",
    "",
    "Fires always. Who receives it and one day does not, outside of the stack, knows that no alert gets out.",
)


def _groups(scene: Scene) -> t.Iterator[Group]:
    summary = "Alerts get from here to the receivers. This one fires always; act where it ends."
    yield "ha_stack", [scene.alert(WATCHDOG, "vector(1)", summary)]


PACKAGE = Package(
    "ha_stack",
    "Tells when the stack is no longer highly available: the Watchdog, and the packages of its health.",
    _groups,
    (WATCHDOG,),
    includes=("prometheus_health", "alertmanager_health", "federation_health", "thanos_health"),
)
