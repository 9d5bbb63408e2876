# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule of the preflight, by family, in the order in which docs/preflight.md lists them."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import (
    alertmanager,
    alertmanager_members,
    alertmanager_routes,
    durations,
    federation,
    hosts,
    ignores,
    inventory,
    layers,
    live,
    live_changes,
    live_hosts,
    live_objstore,
    live_versions,
    prometheus,
    relabelling,
    remote,
    replicas,
    scraping,
    thanos_bucket,
    thanos_query,
    thanos_receive,
    thanos_sidecar,
    thanos_streams,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Rule, Subject
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import Seen

RULES: tuple[Rule[Subject], ...] = (
    *inventory.RULES,
    *durations.RULES,
    *prometheus.RULES,
    *replicas.RULES,
    *relabelling.RULES,
    *scraping.RULES,
    *alertmanager.RULES,
    *alertmanager_members.RULES,
    *alertmanager_routes.RULES,
    *federation.RULES,
    *layers.RULES,
    *thanos_sidecar.RULES,
    *thanos_streams.RULES,
    *thanos_bucket.RULES,
    *thanos_query.RULES,
    *thanos_receive.RULES,
    *remote.RULES,
    *hosts.RULES,
)

# These judge the findings of all others.
LAST_RULES: tuple[Rule[ignores.Judged], ...] = ignores.RULES

# Rules over what hosts say of themselves.
LIVE_RULES: tuple[Rule[Seen], ...] = (
    *live.RULES,
    *live_hosts.RULES,
    *live_changes.RULES,
    *live_versions.RULES,
    *live_objstore.RULES,
)
