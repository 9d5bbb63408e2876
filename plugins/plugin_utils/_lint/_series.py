# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What relabelling makes of one and the same series of several replicas, where it leaves Prometheus."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _relabel
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance

Labels = t.Dict[str, str]

# Stands for any series; what keeps and drops series by such labels is no matter of replicas.
_SERIES = {"__name__": "job:up:sum", "instance": "host:9100", "job": "node"}
_FILTERS = ("keep", "drop", "keepequal", "dropequal")


def relabelled(replica: Instance, configs: object, *, by: Instance) -> Labels | None:
    """A replica's series, with its external labels, after relabelling; None where this replica's is dropped.

    :param by: the Prometheus that relabels it.
    :raises UndecidedError: when it is not certain.
    """
    label = prometheus.replica_label(replica)
    external = {str(name): str(value) for name, value in replica.opt("external_labels").items()}
    labels = {**external, label: prometheus.replica(replica), **_SERIES}
    chain = configs if isinstance(configs, list) else [configs]
    return _relabel.relabel(labels, [one for one in chain if not _is_filter(one, label)], version=by.opt("version"))


def _is_filter(config: t.Any, label: str) -> bool:
    """Whether a rule keeps or drops series by what replicas have in common.

    :raises UndecidedError: when it looks at more than the replica label, so that its regex is about both.
    """
    if not isinstance(config, dict) or str(config.get("action")).lower() not in _FILTERS:
        return False
    sources = config.get("source_labels") or []
    if label in sources and len(sources) > 1:
        raise UndecidedError(f"a rule keeps or drops series by {label!r} together with other labels")
    return label not in sources
