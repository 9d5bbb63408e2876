# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos' receivers: what is written to them, how it is copied, and what the ingestors keep."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import (
    Dashboard,
    Panel,
    Query,
    Row,
    bad_from,
    good_from,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._queries import (
    RATE,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._thanos import (
    WHAT,
    answering,
    chosen_of,
    every,
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
)

_COMPONENTS = ("thanos_receive", "thanos_receive_router")
_ALL = chosen_of(*_COMPONENTS)
_WRITTEN = f'{_ALL}, handler="receive"'
_INGESTORS = members("thanos_receive")

_WRITES = (
    Row(
        "Remote write",
        (
            Panel(
                "Requests answered",
                "timeseries",
                "Requests a second, by status. 409 is what was written before or out of order; 5xx is sent again.",
                (requests(_WRITTEN),),
                "reqps",
            ),
            Panel(
                "Share of requests that are refused",
                "timeseries",
                "Answered with 5xx: no quorum of ingestors took it. Senders keep it and fall behind.",
                (failing(_WRITTEN),),
                "percentunit",
                bad_from(_thanos_flow.HTTP.threshold or 0),
                alerts=(_thanos_flow.HTTP,),
            ),
            Panel(
                "Time of 99 % of the requests",
                "timeseries",
                "A write waits for a quorum of the copies. One slow ingestor does not show, two do.",
                (slow(_WRITTEN),),
                "s",
            ),
            Panel(
                "Samples written",
                "timeseries",
                "Samples a second, by tenant, as they came in; copies are not counted.",
                (
                    Query(
                        every(f"sum without (code) (rate(thanos_receive_write_samples_sum{{{_ALL}}}{RATE}))", "tenant"),
                        f"{WHAT} {{{{tenant}}}}",
                    ),
                ),
                "cps",
            ),
        ),
    ),
)

_COPIES = (
    Row(
        "Hashring and copies",
        (
            Panel(
                "Copies",
                "timeseries",
                "Copies a second from each receiver to the ingestors, by result. A few errors are a member that rolls.",
                (
                    Query(
                        every(f"rate(thanos_receive_replications_total{{{_ALL}}}{RATE})", "result"),
                        f"{WHAT} {{{{result}}}}",
                    ),
                ),
                "cps",
                alerts=(_thanos_flow.REPLICATION,),
            ),
            Panel(
                "Requests forwarded",
                "timeseries",
                "Requests a second to other members, by result.",
                (
                    Query(
                        every(f"rate(thanos_receive_forward_requests_total{{{_ALL}}}{RATE})", "result"),
                        f"{WHAT} {{{{result}}}}",
                    ),
                ),
                "cps",
            ),
            Panel(
                "Members of each hashring",
                "timeseries",
                "As each of those that route has it. All lines of a hashring are equal, but for seconds.",
                (Query(every(f"thanos_receive_hashring_nodes{{{_ALL}}}", "name"), f"{WHAT} {{{{name}}}}"),),
                "none",
                alerts=(_thanos_flow.CONFIG,),
            ),
            Panel(
                "Hashrings loaded",
                "table",
                "The hash of what each has loaded, which must be the same, and whether the last reload worked.",
                (
                    Query(every(f"thanos_receive_config_hash{{{_ALL}}}"), "hash", "none"),
                    Query(
                        every(f"thanos_receive_config_last_reload_successful{{{_ALL}}}"),
                        "reload worked",
                        steps=good_from(1),
                    ),
                    Query(every(f"thanos_receive_replication_factor{{{_ALL}}}"), "copies"),
                ),
                alerts=(_thanos_flow.CONFIG, _thanos_flow.RECEIVE_RELOAD),
            ),
        ),
    ),
)

_KEPT = (
    Row(
        "Ingestors",
        (
            Panel(
                "Samples kept",
                "timeseries",
                "Samples a second, by tenant, copies included. Ingestors of a hashring are about equal.",
                (
                    Query(
                        every(
                            "sum without (type) (rate(prometheus_tsdb_head_samples_appended_total"
                            f"{{{_INGESTORS.matchers}}}{RATE}))",
                            "tenant",
                        ),
                        f"{WHAT} {{{{tenant}}}}",
                    ),
                ),
                "cps",
            ),
            Panel(
                "Series in the head",
                "timeseries",
                "By tenant. A jump is a tenant with new labels; memory follows.",
                (
                    Query(
                        every(f"prometheus_tsdb_head_series{{{_INGESTORS.matchers}}}", "tenant"),
                        f"{WHAT} {{{{tenant}}}}",
                    ),
                ),
            ),
            Panel(
                "Write requests waiting",
                "timeseries",
                "Requests that a receiver is working on. A line that rises does not keep up.",
                (Query(every(f"thanos_receive_pending_write_requests{{{_ALL}}}"), WHAT),),
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    "ha-thanos-receive",
    "HA Thanos receivers",
    "What is written to the receivers, how it is copied along the hashring, and what the ingestors keep.",
    variable(*_COMPONENTS),
    (
        answering(
            "Who answered when. During a roll one zone of ingestors, or one router, is down at a time.",
            tuple(_thanos_members.DOWN[name][0] for name in _COMPONENTS),
            *_COMPONENTS,
        ),
        *_WRITES,
        *_COPIES,
        *_KEPT,
        process(*_COMPONENTS),
    ),
)
