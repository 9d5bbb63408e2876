# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HA overview: what is not highly available now."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import (
    BAD,
    DOUBTFUL,
    GOOD,
    Dashboard,
    Drill,
    Panel,
    Query,
    Row,
    bad_from,
    good_from,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._queries import (
    SET,
    UP,
    WHO,
    choice,
    chosen,
    each,
    or_zero,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import (
    _thanos_members,
    alertmanager_health,
    federation_health,
    ha_stack,
    prometheus_health,
    thanos_health,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import Alert

_SETS = chosen("prometheus", ha_group="group")
_MESHES = chosen("alertmanager", ha_group="group")
_THANOS = 'ha_component=~"thanos_.+", ha_component=~"$component", ha_group=~"$group"'
_ALL = 'ha_component=~"$component", ha_group=~"$group"'
_PACKAGES = (prometheus_health, alertmanager_health, federation_health, thanos_health)
_NAMES = "|".join(alert.name for package in _PACKAGES for alert in package.ALERTS)
_FIRING = f'ALERTS{{alertstate="firing", alertname=~"{_NAMES}", ha_component=~"|$component", ha_group=~"|$group"}}'
_WATCHDOG = f'ALERTS{{alertstate="firing", alertname="{ha_stack.WATCHDOG.name}"}}'

_UP = each(f"up{{{_SETS}}}")
_NEWEST = each(f"prometheus_tsdb_head_max_time_seconds{{{_SETS}}}")
_LAG = f"max {SET} ({_NEWEST}) - min {SET} ({_NEWEST})"
_RULES = each(f"sum without (rule_group) (prometheus_rule_group_rules{{{_SETS}}})")
_VERSIONS = f"count {SET} (max by (ha_group, version) (prometheus_build_info{{{_SETS}}}))"
_REFUSED = f"sum {SET} ({{}} == bool 0)"
_RELOADED = f"time() - max {SET} ({{}}_config_last_reload_success_timestamp_seconds{{{{{{}}}}}})"

_ANSWERS = each(f"up{{{_MESHES}}}")
_SEEN = each(f"alertmanager_cluster_members{{{_MESHES}}}")
_HASH = each(f"alertmanager_config_hash{{{_MESHES}}}")


def _kept(metric: str, matchers: str) -> str:
    """What each says, with its component: a set and a mesh may have the same name and hosts."""
    return each(f"{metric}{{{matchers}}}", "ha_component")


_TO_SET = Drill("The replica set", "ha-prometheus", "replica_set", "ha_group")
_TO_MESH = Drill("The mesh", "ha-alertmanager", "mesh", "ha_group")


def _number(title: str, expr: str, about: str, *alerts: Alert) -> Panel:
    """Something of which there must be none."""
    return Panel(title, "stat", about, (Query(or_zero(expr)),), "none", bad_from(1), alerts=alerts)


_NOW = Row(
    "Not highly available now",
    (
        _number(
            "Firing alerts of the stack",
            f"count(max by (alertname, ha_group, ha_member, job, instance) ({_FIRING}))",
            "Alerts of the packages prometheus_health, alertmanager_health, federation_health and thanos_health. Their "
            "names are below.",
        ),
        Panel(
            "Watchdog",
            "stat",
            "Fires always. Where it is silent, this data source evaluates no rules of ha_stack. Whether it arrives is "
            "known to its receiver alone.",
            (Query(or_zero(f"max({_WATCHDOG})")),),
            "none",
            good_from(1),
            {0: "silent", 1: "fires"},
            (ha_stack.WATCHDOG,),
        ),
        _number(
            "Sets with a replica down",
            f"count(min {SET} ({_UP}) == 0)",
            "Replica sets of which at least one replica does not answer. Which one is in the table and the timeline.",
            prometheus_health.REPLICA_DOWN,
            prometheus_health.SET_DOWN,
        ),
        _number(
            "Meshes that are not whole",
            f"count(min {SET} ({_ANSWERS}) == 0 or min {SET} ({_SEEN}) != count {SET} ({_ANSWERS}))",
            "Meshes of which a member does not answer, or sees another number of members than are scraped.",
            alertmanager_health.NOT_HEALTHY,
            alertmanager_health.DOWN,
        ),
        _number(
            "Thanos members down",
            f"count({_kept('up', _THANOS)} == 0)",
            "Members of Thanos components that do not answer. Which one is in the timeline.",
            _thanos_members.MEMBER_DOWN,
        ),
        Panel(
            "Largest lag in a set",
            "stat",
            "How much older the newest sample of one replica is than that of another one of its set. About one scrape "
            "interval is usual.",
            (Query(f"max({_LAG})"),),
            "s",
            ((None, GOOD), (prometheus_health.LAG.threshold, BAD)),
            alerts=(prometheus_health.LAG,),
        ),
        _number(
            "Refused configurations",
            f"count({_kept('prometheus_config_last_reload_successful', _SETS)} == 0"
            f" or {_kept('alertmanager_config_last_reload_successful', _MESHES)} == 0)",
            "Replicas and members whose last reload failed. They run the configuration that they had.",
            prometheus_health.BAD_CONFIG,
            alertmanager_health.RELOAD,
        ),
    ),
    4,
)

_TABLES = (
    Row(
        "Replica sets and meshes",
        (
            Panel(
                "Replica sets",
                "table",
                "A row a set. `up` must be as large as `replicas`, which is how many the inventory has among the "
                "targets. More than one version, or a difference of rules, is right during a roll and wrong after it.",
                (
                    Query(f"sum {SET} ({_UP})", "up", steps=good_from(1)),
                    Query(f"count {SET} ({_UP})", "replicas"),
                    Query(f"count {SET} ({_UP} == 0)", "down", steps=bad_from(1)),
                    Query(_LAG, "lag", "s", bad_from(prometheus_health.LAG.threshold or 0)),
                    Query(_VERSIONS, "versions", steps=bad_from(2, DOUBTFUL)),
                    Query(
                        f"max {SET} ({_RULES}) - min {SET} ({_RULES})", "rules differ by", steps=bad_from(1, DOUBTFUL)
                    ),
                    Query(
                        _REFUSED.format(each(f"prometheus_config_last_reload_successful{{{_SETS}}}")),
                        "refused",
                        steps=bad_from(1),
                    ),
                    Query(_RELOADED.format("prometheus", _SETS), "last reload", "s"),
                ),
                alerts=(prometheus_health.REPLICA_DOWN, prometheus_health.NOT_WATCHED),
                drills=(_TO_SET,),
            ),
        ),
        7,
    ),
    Row(
        "",
        (
            Panel(
                "Meshes",
                "table",
                "A row a mesh. `up`, `fewest seen` and `most seen` must be as large as `members`. With more than one "
                "configuration the members do not deduplicate.",
                (
                    Query(f"sum {SET} ({_ANSWERS})", "up", steps=good_from(1)),
                    Query(f"count {SET} ({_ANSWERS})", "members"),
                    Query(f"count {SET} ({_ANSWERS} == 0)", "down", steps=bad_from(1)),
                    Query(f"min {SET} ({_SEEN})", "fewest seen"),
                    Query(f"max {SET} ({_SEEN})", "most seen"),
                    Query(
                        f'count {SET} (count_values {SET} ("hash", {_HASH}))',
                        "configurations",
                        steps=bad_from(2),
                    ),
                    Query(
                        _REFUSED.format(each(f"alertmanager_config_last_reload_successful{{{_MESHES}}}")),
                        "refused",
                        steps=bad_from(1),
                    ),
                    Query(_RELOADED.format("alertmanager", _MESHES), "last reload", "s"),
                ),
                alerts=(alertmanager_health.NOT_HEALTHY, alertmanager_health.CONFIG),
                drills=(_TO_MESH,),
            ),
        ),
        6,
    ),
)

_DETAIL = (
    Row(
        "What and since when",
        (
            Panel(
                "Firing alerts",
                "table",
                "The alerts that are counted above. Federation's have no group; their job says what is federated.",
                (Query(f"max by (alertname, severity, ha_component, ha_group, ha_member, job) ({_FIRING})"),),
            ),
            Panel(
                "Members",
                "state-timeline",
                "Who answered when. A gap is a time in which nobody scraped the member.",
                (
                    Query(
                        f"max by (ha_component, ha_group, ha_member) (up{{{_ALL}}})",
                        f"{{{{ha_component}}}} {WHO}",
                    ),
                ),
                "none",
                good_from(1),
                UP,
            ),
        ),
        9,
    ),
    Row(
        "",
        (
            Panel(
                "Lag in each set",
                "timeseries",
                "The spread of the replicas' newest samples. A line that rises is a replica that ingests nothing.",
                (Query(_LAG, "{{ha_group}}"),),
                "s",
                bad_from(prometheus_health.LAG.threshold or 0),
                alerts=(prometheus_health.LAG, prometheus_health.NOT_INGESTING),
                drills=(_TO_SET,),
            ),
            Panel(
                "Configuration generation",
                "table",
                "The hash of what a set shall run, as this data source has it. Replicas of one set must have the same. "
                "A Prometheus has only its own; a data source over all replicas, as Thanos Query without "
                "deduplication, has a row of each.",
                (Query("ha_config_generation"),),
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    "ha-overview",
    "HA overview",
    "What is not highly available now: replica sets, meshes, alerts of the stack, and where members of a set differ.",
    (
        choice("component", "Component", "ha_component", 'ha_component!=""'),
        choice("group", "Replica set or mesh", "ha_group", 'ha_component=~"$component"'),
    ),
    (_NOW, *_TABLES, *_DETAIL),
)
