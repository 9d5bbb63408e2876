# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts about Thanos as it is watched: whether a component's members answer."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Group,
    RuleData,
    Scene,
    literal,
    of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._thanos import COMPONENTS, of_any

MEMBER_DOWN = Alert(
    "ThanosMemberDown", "warning", "5m", "A member of a Thanos component does not answer, while others of its kind do."
)
NOT_WATCHED = Alert(
    "ThanosMemberNotWatched",
    "warning",
    "5m",
    "Fewer members of a Thanos component are scraped than the inventory has, so that the other alerts would be silent "
    "about them.",
)
# By component, the alert of all its members, and what it says.
DOWN: dict[str, tuple[Alert, str]] = {
    "thanos_query": (
        Alert("ThanosQueryDown", "critical", "5m", "No querier answers: there is no global view, and rulers fail."),
        "No querier answers",
    ),
    "thanos_query_frontend": (
        Alert("ThanosQueryFrontendDown", "critical", "5m", "No query frontend answers; queriers may."),
        "No query frontend answers",
    ),
    "thanos_store": (
        Alert("ThanosStoreDown", "critical", "5m", "No store gateway of a shard answers: its blocks can't be queried."),
        "No store gateway of the shard {{ $labels.ha_group }} answers",
    ),
    "thanos_sidecar": (
        Alert(
            "ThanosSidecarDown",
            "critical",
            "5m",
            "No sidecar of a replica set answers, while its Prometheus do: the global view lacks what is recent of it.",
        ),
        "No sidecar of the replica set {{ $labels.ha_group }} answers",
    ),
    "thanos_rule": (
        Alert("ThanosRuleDown", "critical", "5m", "No ruler of a set answers: its rules are not evaluated."),
        "No ruler of the set {{ $labels.ha_group }} answers",
    ),
    "thanos_receive": (
        Alert("ThanosReceiveDown", "critical", "5m", "No ingestor of a hashring answers: nothing is received."),
        "No ingestor of the hashring {{ $labels.ha_group }} answers",
    ),
    "thanos_receive_router": (
        Alert("ThanosReceiveRouterDown", "critical", "5m", "No router answers: nothing is received through them."),
        "No router of the receivers answers",
    ),
    # It stands still while the tier is rolled, and may for hours.
    "thanos_compact": (
        Alert("ThanosCompactDown", "warning", "1h", "A compactor does not answer: the bucket grows, nothing is lost."),
        "The compactor {{ $labels.ha_group }} does not answer",
    ),
}
ALERTS = (*(alert for alert, _said in DOWN.values()), MEMBER_DOWN, NOT_WATCHED)

_ALL = of_any(*COMPONENTS)
_COHORT = f"without ({', '.join(_watch.OF_MEMBER)})"
_IGNORING = f"ignoring ({', '.join(_watch.OF_MEMBER)})"


def _cohort_is_down(component: str) -> str:
    """No member of a cohort answers; of sidecars, while a Prometheus of their set does, whose alert is another one."""
    down = f"sum {_COHORT} (up{{{of(component)}}}) == 0"
    if component == "thanos_sidecar":
        down += f"\nunless on ({_watch.GROUP})\nsum {_COHORT} (up{{{of('prometheus')}}}) == 0"
    return down


# A sidecar whose Prometheus is down as well is a replica that is down, which has its own alert.
_WITH_PROMETHEUS = f'label_replace(up{{{of("prometheus")}}} == 0, "{_watch.COMPONENT}", "thanos_sidecar", "", "")'


def _rules(scene: Scene) -> t.Iterator[RuleData | None]:
    cohorts = [cohort for component in COMPONENTS for cohort in scene.watched(component)]
    for component in dict.fromkeys(cohort.kind.name for cohort in cohorts):
        alert, said = DOWN[component]
        yield scene.alert(alert, _cohort_is_down(component), said)
    if cohorts:
        yield scene.alert(
            MEMBER_DOWN,
            f"(up{{{_ALL}}} == 0)\n+ {_IGNORING} group_left ()\n(sum {_COHORT} (up{{{_ALL}}}) > 0)\n"
            f"unless on ({_watch.COMPONENT}, {_watch.MEMBER})\n{_WITH_PROMETHEUS}",
            "{{ $labels.ha_component }} on {{ $labels.ha_member }} does not answer; {{ $value }} left",
        )
    for cohort in cohorts:
        count = len(cohort.instances)
        labels = _watch.labels_of(cohort, scene.prometheus)
        yield scene.alert(
            NOT_WATCHED,
            f"(count(up{{{of(cohort.kind.name, cohort)}}}) or vector(0)) < {count}",
            f"{{{{ $value }}}} of {count} members of {cohort.kind.title} ({literal(cohort.title)}) are scraped",
            {name: value for name, value in labels.items() if value},
        )


def groups(scene: Scene) -> t.Iterator[Group]:
    yield "thanos_members", list(_rules(scene))
