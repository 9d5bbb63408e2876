# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long Prometheus' blocks are where a Thanos sidecar uploads them."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology

MIN = "storage.tsdb.min-block-duration"
MAX = "storage.tsdb.max-block-duration"
# With it, Prometheus waits for the upload itself, whatever the durations are.
DELAY_COMPACT = "storage.tsdb.delay-compact-file.path"
# What Thanos is made for (thanos docs/components/sidecar.md).
UPLOADED = "2h"


def uploads(prometheus: Instance, topology: Topology) -> bool:
    """Whether a sidecar beside a Prometheus uploads its blocks."""
    return any(
        each.kind.name == "thanos_sidecar"
        and each.opt("state") != "absent"
        and bool(each.options["thanos_objstore_config"])
        for each in topology.by_host.get(prometheus.name, [])
    )


def flags(prometheus: Instance, topology: Topology) -> dict[str, str]:
    """The block durations that a sidecar which uploads wants, those left out that prometheus_extra_args set.

    Without a word Prometheus makes the longest a tenth of the retention (prometheus cmd/prometheus/main.go), and the
    sidecar refuses to start (thanos cmd/thanos/sidecar.go, validatePrometheus).
    """
    given = {str(name).lstrip("-") for name in prometheus.opt("extra_args")}
    if DELAY_COMPACT in given or not uploads(prometheus, topology):
        return {}
    return {name: UPLOADED for name in (MIN, MAX) if name not in given}
