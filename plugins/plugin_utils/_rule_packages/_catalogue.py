# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule packages there are, and those of a Prometheus as rule groups."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import (
    alertmanager_health,
    federation_health,
    ha_stack,
    http_aggregates,
    node_aggregates,
    prometheus_health,
    thanos_health,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Package,
    Scene,
    Settings,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._spelling import nearest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology

PACKAGES: dict[str, Package] = {
    package.name: package
    for package in (
        ha_stack.PACKAGE,
        prometheus_health.PACKAGE,
        alertmanager_health.PACKAGE,
        federation_health.PACKAGE,
        thanos_health.PACKAGE,
        node_aggregates.PACKAGE,
        http_aggregates.PACKAGE,
    )
}
ALERTS: dict[str, Alert] = {alert.name: alert for package in PACKAGES.values() for alert in package.alerts}


def wanted(prometheus: Instance) -> list[Package]:
    """The packages that a Prometheus has, those that come with others included. :raises HAError: for an unknown one."""
    found: dict[str, Package] = {}
    for name in prometheus.opt("rule_packages"):
        package = PACKAGES.get(name)
        if package is None:
            near = nearest(name, PACKAGES)
            raise HAError(
                f"there is no rule package {name!r}",
                where=prometheus.where("rule_packages"),
                do=f"did you mean {near}?" if near else f"name one of {', '.join(PACKAGES)}.",
            )
        found.update({each: PACKAGES[each] for each in (name, *package.includes)})
    return list(found.values())


def groups(prometheus: Instance, topology: Topology) -> dict[str, list[dict[str, t.Any]]]:
    """The rule groups of each package that has any here. :raises HAError: with the variable at fault."""
    scene = Scene(prometheus, topology, Settings.of(prometheus, ALERTS))
    found: dict[str, list[dict[str, t.Any]]] = {}
    for package in wanted(prometheus):
        for name, rules in package.groups(scene):
            kept = [rule for rule in rules if rule is not None]
            if kept:
                found.setdefault(package.name, []).append({"name": name, "rules": kept})
    return found
