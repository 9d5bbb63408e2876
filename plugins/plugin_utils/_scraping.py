# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who scrapes whom: the targets that a replica set's variables name, as far as the inventory knows them."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _federation
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Link, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import split_host_port

OUTSIDE = "targets outside the inventory"
_OWN = ("localhost", "127.0.0.1", "::1")


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """A replica set's scrapes: of each cohort whose web endpoints are among its targets, and of all others together.

    What discovery finds when it runs is not known here; such jobs are named without a count.
    """
    first = cohort.instances[0]
    known: dict[tuple[str, str, str], list[str]] = {}
    others: list[str] = []
    for job, targets in _targets(first):
        strangers = 0
        for target in targets:
            found = _instance(target, first, topology)
            if found is None:
                strangers += 1
            else:
                known.setdefault(found.cohort, []).append(target)
        if strangers:
            others.append(f"{job}: {strangers} target{'s' if strangers > 1 else ''}")
        elif not targets:
            others.append(f"{job}: as discovered")
    scraped = [
        Link(cohort, "scrapes", topology.cohorts[key], tuple(dict.fromkeys(targets))) for key, targets in known.items()
    ]
    return scraped + [Link(cohort, "scrapes", OUTSIDE, tuple(others))] * bool(others)


def _groups_of(value: t.Any) -> t.Iterator[str]:
    """The targets of ``[{targets: [...]}]``; whatever has another shape is promtool's to refuse."""
    for group in value if isinstance(value, list) else []:
        if isinstance(group, dict) and isinstance(group.get("targets"), list):
            yield from (str(target) for target in group["targets"])


def _targets(prometheus: Instance) -> t.Iterator[tuple[str, list[str]]]:
    """Each job with its targets (host:port), those of the collection's own target files included."""
    files = prometheus.opt("targets")
    for job in prometheus.opt("scrape_configs"):
        if _federation.federates(job):
            continue  # drawn as what it is
        found = list(_groups_of(job.get("static_configs")))
        for discovery in job.get("file_sd_configs") or []:
            for path in (discovery.get("files") or []) if isinstance(discovery, dict) else []:
                name = str(path).removeprefix("targets/").removesuffix(".yml")
                found += _groups_of(files.get(name))
        yield str(job.get("job_name", "unnamed job")), found


def _instance(target: str, prometheus: Instance, topology: Topology) -> Instance | None:
    try:
        address, port = split_host_port(target)
        return topology.by_endpoint.get((prometheus.address if address in _OWN else address, port))
    except HAError:
        return None
