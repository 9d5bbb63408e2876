# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the alerts about Thanos share: who takes part, and expressions that are in several of them."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import Scene, of

# Those that answer the Store API, which queriers ask (_components.thanos_query).
STORE_APIS = ("thanos_sidecar", "thanos_store", "thanos_rule", "thanos_receive")
# Those that upload blocks of their own.
UPLOADERS = ("thanos_sidecar", "thanos_rule", "thanos_receive")
# Those that take remote write; where there are routers, they alone know the hashring.
RECEIVERS = ("thanos_receive", "thanos_receive_router")
COMPONENTS = (*STORE_APIS, "thanos_query", "thanos_query_frontend", "thanos_compact", "thanos_receive_router")

MEMBER = "{{ $labels.ha_member }}"
PERCENT = "{{ $value | humanizePercentage }}"
NO_QUERIER = f"sum(up{{{of('thanos_query')}}}) == 0"


def of_any(*components: str) -> str:
    """The matchers of several components' series, without braces."""
    return f'{_watch.COMPONENT}=~"{"|".join(components)}"'


def watched(scene: Scene, *components: str) -> bool:
    """Whether any of some components is watched from here."""
    return any(scene.watched(component) for component in components)


def share(failed: str, of_all: str, *summed: str) -> str:
    """The share of a counter that is another one, by member. :param summed: labels that are summed away."""
    over = ", ".join(summed)
    return f"sum without ({over}) (rate({failed}[5m]))\n/\nsum without ({over}) (rate({of_all}[5m]))"


def bucket_failures(component: str) -> str:
    """The share of a component's operations on its bucket that fail."""
    own = of(component)
    return share(
        f"thanos_objstore_bucket_operation_failures_total{{{own}}}",
        f"thanos_objstore_bucket_operations_total{{{own}}}",
        *("bucket", "operation"),
    )
