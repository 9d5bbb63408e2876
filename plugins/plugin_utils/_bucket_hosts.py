# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the bucket tools run, and what the plan of a host tells them. Pure.

A tool that looks or copies runs once a bucket, beside its compactor where there is one. What deletes runs beside every
compactor of the bucket and keeps to the streams of that one, which alone can stand still for it.
"""

from __future__ import annotations

import typing as t

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._bucket_tools import DELETING
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _buckets, _thanos_labels
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import (
    MILLISECOND,
    flag_duration,
    known,
    shown,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Topology

Slice = t.Mapping[str, t.Any]
COMPACTOR = "thanos_compact"
# Who has the bucket's configuration, the likeliest first. Those of a sidecar's, a ruler's and a receiver's hosts may
# not be allowed to read.
_BESIDE = (COMPACTOR, "thanos_store", "thanos_receive", "thanos_rule", "thanos_sidecar")
_OBJSTORE, _SELECTOR = "objstore.yml", "selector.yml"


def buckets(topology: Topology) -> list[dict[str, t.Any]]:
    """Every bucket: its ``title``, ``hosts`` by component, and the label sets of what is ``live`` in it."""
    live = _thanos_labels.by_bucket(topology)
    found: dict[_buckets.Bucket, dict[str, list[str]]] = {}
    for kind in _BESIDE:
        for bucket, instances in _thanos.of_bucket(topology, kind).items():
            there = [one.name for one in instances if one.opt("state") == "present"]
            if there:
                found.setdefault(bucket, {})[kind] = there
    return [
        {"title": bucket.title, "hosts": hosts, "live": [producer.full for producer in live.get(bucket, ())]}
        for bucket, hosts in found.items()
    ]


def hosts(found: t.Sequence[t.Mapping[str, t.Any]], tool: str, covered: t.Collection[str]) -> list[str]:
    """The hosts on which a tool runs.

    :param found: as :func:`buckets` has it.
    :param covered: the hosts of the play; --limit leaves the others out.
    :raises HAError: where there is none.
    """
    if not found:
        raise HAError(
            "no host of the inventory has a bucket",
            where="thanos_objstore_config",
            do="set it for the hosts of thanos_compact, thanos_store and those that upload.",
        )
    chosen: list[str] = []
    for bucket in found:
        if tool in DELETING and COMPACTOR not in bucket["hosts"]:
            raise HAError(
                f"nobody of the inventory compacts the {bucket['title']}",
                where="thanos_compact",
                do=f"run {tool} where its compactor can be stopped meanwhile: put that host into thanos_compact.",
            )
        there = {kind: [name for name in names if name in covered] for kind, names in bucket["hosts"].items()}
        if tool in DELETING:
            chosen += there[COMPACTOR]
        else:
            chosen += next((names for names in there.values() if names), [])[:1]
    if not chosen:
        names = {name for bucket in found for each in bucket["hosts"].values() for name in each}
        do = f"limit to some of {', '.join(sorted(names))}."
        raise HAError(f"--limit leaves no host on which {tool} could run", do=do)
    return list(dict.fromkeys(chosen))


def arguments(slices: t.Sequence[Slice], tool: str) -> dict[str, t.Any]:
    """What the plan of a host tells the module thanos_bucket. :raises HAError: where the host has no bucket."""
    of = {item["name"]: item for item in slices if _content(item, _OBJSTORE) is not None and item["state"] == "present"}
    item = next((of[name] for name in _BESIDE if name in of), None)
    if item is None or (tool in DELETING and item["name"] != COMPACTOR):
        what = "no compactor" if item else "no bucket"
        raise HAError(f"the host has {what}", do="take the hosts from the lookup baremetal.prometheus_ha.buckets.")
    release = ReleaseSpec.from_params({key: value for key, value in item["release"].items() if value is not None})
    root = item["config"]["root"]
    found: dict[str, t.Any] = {"executable": f"{release.path}/bin/thanos", "config_file": f"{root}/{_OBJSTORE}"}
    if item["service"]["data_dirs"]:
        found["work_dir"] = item["service"]["data_dirs"][0]
    if tool not in DELETING:
        return found
    flags = dict(arg.lstrip("-").partition("=")[::2] for arg in item["service"]["args"])
    fresh = known(flags.get("consistency-delay"), flag_duration)
    found |= {f"retention_{name}": flags[f"retention.resolution-{name}"] for name in ("raw", "5m", "1h")}
    found |= {
        "delete_delay": flags["delete-delay"],
        "consistency_delay": shown(fresh - fresh % MILLISECOND) if fresh is not None else "30m",
        "downsampling": "downsampling.disable" not in flags,
        "compactor": item["service"]["name"],
    }
    if _content(item, _SELECTOR) is not None:
        found["selector_file"] = f"{root}/{_SELECTOR}"
    return found


def own(slices: t.Sequence[Slice]) -> _buckets.Bucket | None:
    """The bucket of a host, by its plan."""
    text = next((text for item in slices if (text := _content(item, _OBJSTORE)) is not None), None)
    return None if text is None else _buckets.bucket(yaml.safe_load(text))


def require_another(own_bucket: _buckets.Bucket | None, to: t.Mapping[str, t.Any], where: str) -> None:
    """:raises HAError: when a copy would lie in the bucket that it is a copy of."""
    copy = _buckets.bucket(to, where)
    if own_bucket is not None and copy._replace(prefix="") == own_bucket._replace(prefix=""):
        raise HAError(
            f"the copy would lie in the {own_bucket.title} itself, and be lost with it",
            where=where,
            do="name another bucket, best at another site and with keys of its own.",
        )


def _content(item: Slice, path: str) -> str | None:
    return next((file["content"] for file in item["config"]["files"] if file["path"] == path), None)
