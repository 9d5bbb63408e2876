# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alertmanager mesh: whether its members are one, and what they notify."""

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
    SET,
    UP,
    WHO,
    Members,
    choice,
    chosen,
    each,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import alertmanager_health
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import of

_MESHES = chosen("alertmanager", ha_group="mesh")
_CHOSEN = chosen("alertmanager", ha_group="mesh", ha_member="member")


_of, _rate = Members(_CHOSEN).says, Members(_CHOSEN).grows

_ANSWERS = each(f"up{{{_MESHES}}}")
_HASH = each(f"alertmanager_config_hash{{{_MESHES}}}")
_FAILED = f"rate(alertmanager_notifications_failed_total{{{_CHOSEN}}}{RATE})"
_RECEIVED = _rate("alertmanager_alerts_received_total", "status", over="version")
_LATENCY = f"rate(alertmanager_notification_latency_seconds_{{}}{{{{{_CHOSEN}}}}}{RATE})"

_MESH = (
    Row(
        "Mesh",
        (
            Panel(
                "Members",
                "state-timeline",
                "Who answered when. During a roll one member of a mesh is down at a time.",
                (Query(_of("up"), WHO),),
                "none",
                good_from(1),
                UP,
                (alertmanager_health.DOWN, alertmanager_health.NOT_HEALTHY),
            ),
            Panel(
                "Members seen by each",
                "timeseries",
                "All lines at the number of members that are scraped. Where some see fewer, the mesh is split, and "
                "both parts notify.",
                (
                    Query(_of("alertmanager_cluster_members"), f"{WHO} sees"),
                    Query(f"count {SET} ({_ANSWERS})", "{{ha_group}} has"),
                ),
                "none",
                alerts=(alertmanager_health.MEMBERS, alertmanager_health.NOT_HEALTHY),
            ),
            Panel(
                "Failed peers",
                "timeseries",
                "Peers that a member looks for in vain. It forgets them after a while, --cluster.peers excepted.",
                (Query(_of("alertmanager_cluster_failed_peers"), WHO),),
                "none",
                bad_from(1),
                alerts=(alertmanager_health.FAILED_PEERS,),
            ),
        ),
    ),
    Row(
        "",
        (
            Panel(
                "Gossip waiting",
                "timeseries",
                "Messages in the queue to the others. A queue that grows is a peer that can't be reached or a network "
                "that drops.",
                (Query(_of("alertmanager_cluster_messages_queued"), WHO),),
            ),
            Panel(
                "Gossip received",
                "timeseries",
                "Messages a second, by kind. A member that receives none is apart.",
                (Query(_rate("alertmanager_cluster_messages_received_total", "msg_type"), f"{WHO} {{{{msg_type}}}}"),),
                "cps",
            ),
            Panel(
                "Trouble with gossip",
                "timeseries",
                "The health score is 0 where probes of peers are answered in time. Messages are pruned where the queue "
                "is full; reconnections fail where a peer is down.",
                (
                    Query(_of("alertmanager_cluster_health_score"), f"{WHO} score"),
                    Query(_rate("alertmanager_cluster_messages_pruned_total"), f"{WHO} pruned"),
                    Query(_rate("alertmanager_cluster_reconnections_failed_total"), f"{WHO} reconnections failed"),
                ),
            ),
            Panel(
                "Positions",
                "timeseries",
                "Position 0 notifies first, the others wait for it. Each position is held by one member; two at 0 are "
                "a split mesh.",
                (Query(_of("alertmanager_peer_position"), WHO),),
                "none",
            ),
        ),
    ),
)

_CONFIGURATION = (
    Row(
        "Configuration",
        (
            Panel(
                "Configurations in each mesh",
                "timeseries",
                "1, but for a moment when a mesh takes up a new one. With more, members do not deduplicate.",
                (Query(f'count {SET} (count_values {SET} ("hash", {_HASH}))', "{{ha_group}}"),),
                "none",
                bad_from(2),
                alerts=(alertmanager_health.CONFIG,),
            ),
            Panel(
                "Members now",
                "table",
                "The hash of what each member has loaded, which must be the same in a mesh, and whether the last "
                "reload worked.",
                (
                    Query(_of("alertmanager_config_hash"), "hash", "none"),
                    Query(_of("alertmanager_config_last_reload_successful"), "reload worked", steps=good_from(1)),
                    Query(
                        f"time() - {_of('alertmanager_config_last_reload_success_timestamp_seconds')}",
                        "last reload",
                        "s",
                    ),
                    Query(f"time() - {_of('process_start_time_seconds')}", "runs since", "s"),
                ),
                alerts=(alertmanager_health.RELOAD, alertmanager_health.CONFIG),
                share=2,
            ),
        ),
    ),
)

_NOTIFYING = (
    Row(
        "Alerts and notifications",
        (
            Panel(
                "Alerts received",
                "timeseries",
                "Alerts a second, of all Prometheus. Each sends to every member, so members are about equal.",
                (
                    Query(
                        _rate("alertmanager_alerts_received_total", "status", over="version"), f"{WHO} {{{{status}}}}"
                    ),
                ),
                "cps",
            ),
            Panel(
                "Alerts held",
                "timeseries",
                "Alerts that each member knows, by state. Members of a mesh hold the same.",
                (Query(_of("alertmanager_alerts", "state"), f"{WHO} {{{{state}}}}"),),
            ),
            Panel(
                "Invalid alerts",
                "timeseries",
                "Should be none. They are lost; the member's log tells why.",
                (Query(_rate("alertmanager_alerts_invalid_total", over="version"), WHO),),
                "cps",
            ),
        ),
    ),
    Row(
        "",
        (
            Panel(
                "Notifications",
                "timeseries",
                "Notifications a second, by integration. In a whole mesh the first member sends nearly all of them.",
                (
                    Query(
                        f"{_rate('alertmanager_notifications_total', 'integration')} > 0", f"{WHO} {{{{integration}}}}"
                    ),
                ),
                "cps",
            ),
            Panel(
                "Notifications that fail",
                "timeseries",
                "Should be none. The reason tells a wrong address or secret (clientError) from a receiver that is "
                "down.",
                (
                    Query(
                        f"{each(_FAILED, 'integration', 'reason')} > 0",
                        f"{WHO} {{{{integration}}}} {{{{reason}}}}",
                    ),
                ),
                "cps",
                alerts=(alertmanager_health.SENDING,),
            ),
            Panel(
                "Mean time of a notification",
                "timeseries",
                "Near the receiver's timeout, notifications are about to fail.",
                (
                    Query(
                        each(f"{_LATENCY.format('sum')} / ({_LATENCY.format('count')} > 0)", "integration"),
                        f"{WHO} {{{{integration}}}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Silences",
                "timeseries",
                "Members of a mesh have the same. One that has fewer did not get them by gossip.",
                (Query(_of("alertmanager_silences", "state"), f"{WHO} {{{{state}}}}"),),
            ),
        ),
    ),
)

_PROCESS = (
    Row(
        "Process",
        (
            Panel(
                "Memory",
                "timeseries",
                "Resident memory. It follows the alerts and silences.",
                (Query(_of("process_resident_memory_bytes"), WHO),),
                "bytes",
            ),
            Panel(
                "CPU",
                "timeseries",
                "Processors in use. Members of a mesh need about the same.",
                (Query(_rate("process_cpu_seconds_total"), WHO),),
            ),
        ),
        6,
    ),
)

DASHBOARD = Dashboard(
    "ha-alertmanager",
    "HA Alertmanager mesh",
    "Whether the members of a mesh see each other, run the same configuration, and get notifications out.",
    (choice("mesh", "Mesh", "ha_group", of("alertmanager")), choice("member", "Member", "ha_member", _MESHES)),
    (*_MESH, *_CONFIGURATION, *_NOTIFYING, *_PROCESS),
)
