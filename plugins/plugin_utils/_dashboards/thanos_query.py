# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos' queries and rules: queriers, the frontends before them, and rulers."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import (
    DOUBTFUL,
    Dashboard,
    Panel,
    Query,
    Row,
    bad_from,
    good_from,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._queries import (
    WHO,
    each,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._thanos import (
    answering,
    failing,
    members,
    process,
    requests,
    slow,
    variable,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import (
    _thanos_flow,
    _thanos_members,
    _thanos_query,
)

_COMPONENTS = ("thanos_query", "thanos_query_frontend", "thanos_rule")
_QUERIERS, _FRONTENDS, _RULERS = map(members, _COMPONENTS)
_ASKED = f'{_QUERIERS.matchers}, handler=~"query|query_range"'
_FRONT = f'{_FRONTENDS.matchers}, handler="query-frontend"'
_DOWN = _thanos_members.DOWN

_QUERY = (
    Row(
        "Queriers",
        (
            Panel(
                "Store APIs of each querier",
                "timeseries",
                "By type. All queriers of an environment have the same, and as many as the inventory has.",
                (
                    Query(
                        each(
                            "sum without (external_labels)"
                            f" (thanos_store_nodes_grpc_connections{{{_QUERIERS.matchers}}})",
                            "store_type",
                        ),
                        f"{WHO} {{{{store_type}}}}",
                    ),
                ),
                "none",
                alerts=(_thanos_query.STORES,),
            ),
            Panel(
                "Queries answered",
                "timeseries",
                "Queries a second, instant ones and of a range, by status. 4xx are queries that are wrong.",
                (requests(_ASKED),),
                "reqps",
            ),
            Panel(
                "Share of queries that fail",
                "timeseries",
                "Answered with 5xx. Should be none.",
                (failing(_ASKED),),
                "percentunit",
                bad_from(_thanos_query.ERRORS.threshold or 0),
                alerts=(_thanos_query.ERRORS,),
            ),
        ),
    ),
    Row(
        "",
        (
            Panel(
                "Time of 99 % of the queries",
                "timeseries",
                "One slow Store API makes all of them slow, since each is waited for.",
                (slow(_ASKED),),
                "s",
            ),
            Panel(
                "Queries at once",
                "timeseries",
                "The share of --query.max-concurrent. At 1 queries wait for one another.",
                (
                    Query(
                        f"{_QUERIERS.says('thanos_query_concurrent_gate_queries_in_flight')}"
                        f" / {_QUERIERS.says('thanos_query_concurrent_gate_queries_max')}",
                        WHO,
                    ),
                ),
                "percentunit",
                bad_from(_thanos_query.OVERLOAD.threshold or 0, DOUBTFUL),
                alerts=(_thanos_query.OVERLOAD,),
            ),
        ),
    ),
)

_FRONTEND = (
    Row(
        "Query frontends",
        (
            Panel(
                "Requests answered",
                "timeseries",
                "Requests a second, by status. 502 is that no querier took it.",
                (requests(_FRONT),),
                "reqps",
            ),
            Panel(
                "Share of requests that fail",
                "timeseries",
                "Answered with 5xx. Where queriers fail less than this, it is the way to them.",
                (failing(_FRONT),),
                "percentunit",
                bad_from(_thanos_query.FRONTEND.threshold or 0),
                alerts=(_thanos_query.FRONTEND,),
            ),
            Panel(
                "Time of 99 % of the requests",
                "timeseries",
                "What people wait for. Far above the queriers' own, requests wait in the frontend.",
                (slow(_FRONT),),
                "s",
            ),
            Panel(
                "Parts of split requests",
                "timeseries",
                "Parts a second that long ranges are split into, by what is asked.",
                (
                    Query(
                        _FRONTENDS.grows("thanos_frontend_split_queries_total", "tripperware"),
                        f"{WHO} {{{{tripperware}}}}",
                    ),
                ),
                "cps",
            ),
        ),
    ),
)

_GROUP = "rule_group, strategy"
_RULE = (
    Row(
        "Rulers",
        (
            Panel(
                "Evaluations",
                "timeseries",
                "Rules evaluated a second. Rulers of a set are equal; 0 with rules loaded is a ruler that stands.",
                (Query(_RULERS.grows("prometheus_rule_evaluations_total", over=_GROUP), WHO),),
                "cps",
                alerts=(_thanos_flow.NO_EVALUATIONS,),
            ),
            Panel(
                "Share of evaluations that fail",
                "timeseries",
                "Should be none. Where partial response is not accepted, a missing Store API fails a rule.",
                (
                    Query(
                        f"{_RULERS.grows('prometheus_rule_evaluation_failures_total', over=_GROUP)}"
                        f" / {_RULERS.grows('prometheus_rule_evaluations_total', over=_GROUP)}",
                        WHO,
                    ),
                ),
                "percentunit",
                bad_from(_thanos_flow.EVALUATIONS.threshold or 0),
                alerts=(_thanos_flow.EVALUATIONS,),
            ),
            Panel(
                "Alerts dropped",
                "timeseries",
                "Alerts a second that were lost: no Alertmanager took them, or the queue was full.",
                (
                    Query(_RULERS.grows("thanos_alert_sender_alerts_dropped_total"), f"{WHO} not sent"),
                    Query(_RULERS.grows("thanos_alert_queue_alerts_dropped_total"), f"{WHO} not queued"),
                ),
                "cps",
                alerts=(_thanos_flow.SENDING,),
            ),
            Panel(
                "Rulers now",
                "table",
                "Rules loaded, which are the same in a set, and whether the last reload worked.",
                (
                    Query(
                        each(f"sum without (file, group, strategy) (thanos_rule_loaded_rules{{{_RULERS.matchers}}})"),
                        "rules",
                    ),
                    Query(
                        _RULERS.says("thanos_rule_config_last_reload_successful"), "reload worked", steps=good_from(1)
                    ),
                    Query(
                        f"time() - {_RULERS.says('thanos_rule_config_last_reload_success_timestamp_seconds')}",
                        "last reload",
                        "s",
                    ),
                ),
                alerts=(_thanos_flow.RULE_RELOAD,),
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    "ha-thanos-query",
    "HA Thanos queries",
    "What queriers see and answer, the frontends before them, and the rulers that ask them.",
    variable(*_COMPONENTS),
    (
        answering(
            "Who answered when. During a roll one member of a tier is down at a time.",
            (*(_DOWN[name][0] for name in _COMPONENTS), _thanos_members.MEMBER_DOWN, _thanos_members.NOT_WATCHED),
            *_COMPONENTS,
        ),
        *_QUERY,
        *_FRONTEND,
        *_RULE,
        process(*_COMPONENTS),
    ),
)
