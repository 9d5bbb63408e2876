# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the dashboards of Thanos share: panels of members and processes, and queries by component."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import (
    Choice,
    Panel,
    Query,
    Row,
    good_from,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._queries import (
    RATE,
    UP,
    WHO,
    Members,
    choice,
    chosen,
    each,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import Alert
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._thanos import of_any

COMPONENT = "ha_component"
# Several components of one host are told apart.
WHAT = f"{{{{{COMPONENT}}}}} {WHO}"
_REQUEST = "code, method, tenant"


def members(component: str) -> Members:
    """The chosen members of a component."""
    return Members(chosen(component, ha_member="member"))


def chosen_of(*components: str) -> str:
    """The matchers of the chosen members of several components."""
    return f'{of_any(*components)}, ha_member=~"$member"'


def every(expr: str, *more: str) -> str:
    """As `each`, with the component."""
    return each(expr, COMPONENT, *more)


def variable(*components: str) -> tuple[Choice, ...]:
    """The one variable of such a dashboard."""
    return (choice("member", "Member", "ha_member", of_any(*components)),)


def answering(about: str, alerts: tuple[Alert, ...], *components: str) -> Row:
    """Who answers, and what runs."""
    own = chosen_of(*components)
    return Row(
        "Members",
        (
            Panel(
                "Members",
                "state-timeline",
                about,
                (Query(every(f"up{{{own}}}"), WHAT),),
                "none",
                good_from(1),
                UP,
                alerts,
                share=2,
            ),
            Panel(
                "Versions and starts",
                "table",
                "All of a tier run the same version, but for a roll. A young one restarted.",
                (
                    Query(
                        f"(time() - {every(f'process_start_time_seconds{{{own}}}')})"
                        " * on (ha_component, ha_group, ha_member) group_right () "
                        + every(f"thanos_build_info{{{own}}}", "version"),
                        "runs since",
                        "s",
                    ),
                ),
            ),
        ),
    )


def process(*components: str) -> Row:
    """What the processes take."""
    own = chosen_of(*components)
    return Row(
        "Process",
        (
            Panel(
                "Memory",
                "timeseries",
                "Resident memory. It follows what is asked, read or compacted at once.",
                (Query(every(f"process_resident_memory_bytes{{{own}}}"), WHAT),),
                "bytes",
            ),
            Panel(
                "CPU",
                "timeseries",
                "Processors in use. Members that stand in for one another need about the same.",
                (Query(every(f"rate(process_cpu_seconds_total{{{own}}}{RATE})"), WHAT),),
            ),
        ),
        6,
    )


def requests(matchers: str) -> Query:
    """Requests by what they are answered."""
    grows = f"sum without (handler, method, tenant) (rate(http_requests_total{{{matchers}}}{RATE}))"
    return Query(each(grows, "code"), f"{WHO} {{{{code}}}}")


def failing(matchers: str) -> Query:
    """The share of requests that fail by an error of who is asked."""
    counter, over = "rate(http_requests_total{{{}}}{})", "code, handler, method, tenant"
    asked = each(f"sum without ({over}) ({counter.format(matchers, RATE)})")
    bad = counter.format(f'{matchers}, code=~"5.."', RATE)
    return Query(f"({each(f'sum without ({over}) ({bad})')} or 0 * {asked}) / {asked}", WHO)


def slow(matchers: str) -> Query:
    """The time in which 99 % of the requests are answered, by handler."""
    buckets = f"sum without ({_REQUEST}) (rate(http_request_duration_seconds_bucket{{{matchers}}}{RATE}))"
    return Query(f"histogram_quantile(0.99, {each(buckets, 'handler', 'le')})", f"{WHO} {{{{handler}}}}")
