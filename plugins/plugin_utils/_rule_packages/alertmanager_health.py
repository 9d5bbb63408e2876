# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts about Alertmanager: meshes, and what each member says of itself."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Group,
    Package,
    RuleData,
    Scene,
    literal,
    of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort

NOT_HEALTHY = Alert(
    "AlertmanagerClusterNotHealthy",
    "warning",
    "5m",
    "Not every member of a mesh answers and sees all the others: one is down, or the mesh is split, or nobody scrapes "
    "it any more.",
)
DOWN = Alert("AlertmanagerClusterDown", "critical", "5m", "Fewer than half of a mesh's members answer.")
MEMBERS = Alert(
    "AlertmanagerMembersInconsistent",
    "warning",
    "15m",
    "A member sees another number of members than answer: which one is apart, where a mesh is split.",
)
FAILED_PEERS = Alert(
    "AlertmanagerFailedPeers",
    "warning",
    "15m",
    "A member looks for a peer that is no longer there, though the mesh is whole.",
)
CONFIG = Alert(
    "AlertmanagerConfigInconsistent",
    "critical",
    "10m",
    "The members of a mesh run different configurations, so that they do not deduplicate.",
)
RELOAD = Alert(
    "AlertmanagerFailedReload", "critical", "5m", "A member refused its configuration, and runs the one it had."
)
SENDING = Alert(
    "AlertmanagerFailedToSendAlerts",
    "critical",
    "5m",
    "A member's notifications through one kind of receiver fail.",
    0.01,
    "share of notifications",
)
ALERTS = (NOT_HEALTHY, DOWN, MEMBERS, FAILED_PEERS, CONFIG, RELOAD, SENDING)

_ALL = of("alertmanager")
_MESH = f"without ({', '.join(_watch.OF_MEMBER)})"
_IGNORING = f"ignoring ({', '.join(_watch.OF_MEMBER)})"
_WHO = "{{ $labels.ha_member }} of the mesh {{ $labels.ha_group }}"


def _mesh(scene: Scene, mesh: Cohort) -> t.Iterator[RuleData | None]:
    count, name = len(mesh.instances), literal(mesh.name)
    own = of("alertmanager", mesh)
    labels = _watch.labels_of(mesh, scene.prometheus)
    members, answering = f"alertmanager_cluster_members{{{own}}}", f"sum(up{{{own}}})"
    down = f"{answering} < {count / 2:g}"
    answer = f"{{{{ $value }}}} of its {count} members answer"
    yield scene.alert(
        NOT_HEALTHY,
        f"({answering} or vector(0))\nand\n((count({members} == {count}) or vector(0)) < {count})\nunless\n({down})",
        f"The mesh {name} is not whole: {answer}{{{{ if eq $value {count}.0 }}}}, and see another number{{{{ end }}}}",
        labels,
    )
    yield scene.alert(DOWN, down, f"The mesh {name} is down: {answer}", labels)
    yield scene.alert(
        MEMBERS,
        f"{members}\n!= {_IGNORING} group_left ()\nsum {_MESH} (up{{{own}}})",
        f"{_WHO} sees {{{{ $value }}}} of {count} members",
    )
    yield scene.alert(
        FAILED_PEERS,
        f"alertmanager_cluster_failed_peers{{{own}}} > 0\nand\n{members} == {count}",
        f"{_WHO} sees all members, and looks for {{{{ $value }}}} more in vain",
    )


def _members(scene: Scene) -> t.Iterator[RuleData | None]:
    known = f"alertmanager_config_hash{{{_ALL}}}"
    yield scene.alert(
        CONFIG,
        f"max {_MESH} ({known}) != min {_MESH} ({known})",
        "The members of the mesh {{ $labels.ha_group }} run different configurations",
    )
    # A missed scrape must not end what was seen before it.
    yield scene.alert(
        RELOAD,
        f"last_over_time(alertmanager_config_last_reload_successful{{{_ALL}}}[5m]) == 0",
        f"{_WHO} refused its configuration",
    )
    failed = f"sum without (reason) (rate(alertmanager_notifications_failed_total{{{_ALL}}}[15m]))"
    yield scene.alert(
        SENDING,
        f"{failed}\n/\nrate(alertmanager_notifications_total{{{_ALL}}}[15m])\n> {scene.threshold(SENDING)}",
        f"{_WHO} fails with {{{{ $value | humanizePercentage }}}} of what it sends by {{{{ $labels.integration }}}}",
    )


def _groups(scene: Scene) -> t.Iterator[Group]:
    meshes = scene.watched("alertmanager")
    yield "alertmanager_meshes", [rule for mesh in meshes for rule in _mesh(scene, mesh)]
    if meshes:
        yield "alertmanager_members", list(_members(scene))


PACKAGE = Package("alertmanager_health", "Meshes, and what each Alertmanager says of itself.", _groups, ALERTS)
