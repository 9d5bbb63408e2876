# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remote storage: VictoriaMetrics as one process and as a cluster, Mimir, Cortex."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _modelled
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Kind, Link, Topology


def _dedup(name: str) -> Option:
    return Option(
        f"{name}_dedup_min_scrape_interval",
        "str",
        "The flag C(-dedup.minScrapeInterval): of the samples of a series within this time, one is kept. Unset, or 0, "
        "keeps all.",
    )


def _tracker(name: str) -> Option:
    return Option(
        f"{name}_ha_tracker_enabled",
        "bool",
        "Whether the distributors' HA tracker is on and tenants accept HA samples: of the replicas of a cluster, the "
        "samples of one are kept.",
        default=False,
    )


# The components' own default ports, but for Cortex: that of its single process configuration.
VICTORIAMETRICS = _modelled.kind(
    "victoriametrics", "VictoriaMetrics", "VictoriaMetrics", 8428, _dedup("victoriametrics")
)
VMINSERT = _modelled.kind("vminsert", "vminsert", "vminsert", 8480)
VMSELECT = _modelled.kind("vmselect", "vmselect", "vmselect", 8481, _dedup("vmselect"))
VMSTORAGE = _modelled.kind("vmstorage", "vmstorage", "vmstorage", 8482, _dedup("vmstorage"))
MIMIR = _modelled.kind("mimir", "Mimir", "Mimir", 8080, _tracker("mimir"))
CORTEX = _modelled.kind("cortex", "Cortex", "Cortex", 9009, _tracker("cortex"))


def _cluster(verb: str, of: Kind) -> _base.Component:
    """Part of VictoriaMetrics' cluster in front of its storage."""

    def links(cohort: Cohort, topology: Topology) -> list[Link]:
        storages = _modelled.of_environment(topology, cohort.environment, "vmstorage")
        return [_modelled.link(cohort, verb, storage) for storage in storages]

    return _base.Component(kind=of, ports=_modelled.ports, links=links)


COMPONENTS = (
    _modelled.component(VICTORIAMETRICS),
    _cluster("writes to", VMINSERT),
    _cluster("queries", VMSELECT),
    _modelled.component(VMSTORAGE),
    _modelled.component(MIMIR),
    _modelled.component(CORTEX),
)
