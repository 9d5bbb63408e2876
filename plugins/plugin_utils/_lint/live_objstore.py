# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules over what an object store answered, before anything is uploaded to it."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _thanos_labels
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import Seen
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance

_CONFIG = "thanos_objstore_config"
_CONSENT = "consent: prometheus_ha_preflight_ignore: [{id: T25, reason: ...}]."


def _title(instance: Instance) -> str:
    found = _thanos.usable_bucket(instance)
    return found.title if found else "the object store"


@rule(
    "T24",
    "error",
    "Every host can list its bucket; one that uploads or deletes can write, read and delete there, too (tried with a "
    "few bytes below a prefix of their own).",
    prevents="Blocks that pile up on the hosts, and history that nobody can read: wrong bucket, key, region or CA.",
    source="thanos docs/storage.md; `thanos tools bucket` on the host, in the provider's own words",
)
def t24_buckets_answer(seen: Seen) -> t.Iterator[Problem]:
    alike: dict[tuple[str, str, str], list[Instance]] = {}
    for instance, _host, component in seen.instances():
        found = component.objstore
        if found and found["tried"] and found["failed"]:
            alike.setdefault((_title(instance), found["failed"], found["said"]), []).append(instance)
    for (title, step, said), instances in alike.items():
        who = ", ".join(dict.fromkeys(each.name for each in instances))
        yield Problem(
            instances[0].host.where(_CONFIG),
            f"{title} can't be used from {who}; it failed to {step}: {said.rstrip('.')}.",
            "correct the bucket, its endpoint and region, the keys and what they may do, or the CA (http_config).",
        )


@rule(
    "T25",
    "error",
    "Under the labels of a producer that has uploaded nothing yet, there is nothing in its bucket; nor, where "
    "nothing there is of its set, under the set's labels with any other replica.",
    prevents="Two producers whose blocks a compactor takes for one stream: it merges them for good, or halts; and two "
    "environments whose blocks become one's as soon as the replica label is taken off.",
    source="thanos docs/components/compact.md, block streams and the risk of overlaps",
)
def t25_streams_are_its_own(seen: Seen) -> t.Iterator[Problem]:
    peers = _thanos_labels.by_bucket(seen.topology)
    makers = {(one.instance.name, one.instance.kind.name): one for each in peers.values() for one in each}
    for instance, _host, component in seen.instances():
        taken = (component.objstore or {}).get("taken", ())
        producer = makers.get((instance.name, instance.kind.name))
        if not taken or producer is None or producer.bucket is None:
            continue
        own = list(producer.streams())
        for each in taken:
            if each["labels"] in own:
                yield Problem(
                    instance.host.where(_CONFIG),
                    f"{_title(instance)} has {_blocks(each)}, and {instance.name} has uploaded none of them: another "
                    "environment uses that bucket under these labels, or the host has lost its data.",
                    "give it labels or a bucket of its own; of a host that was made anew with its former name, "
                    f"{_CONSENT}",
                )
        # Once the set has blocks there, others are those of members that it had before.
        known = [labels for peer in peers[producer.bucket] for labels in peer.streams()]
        if not any(each["labels"] in known for each in taken):
            more = f" and {len(taken) - 1} more such label sets" if len(taken) > 1 else ""
            yield Problem(
                instance.host.where(_CONFIG),
                f"{_title(instance)} has {_blocks(taken[0])}{more}, and nothing of "
                f"{seen.topology.cohort(instance).title}, whose labels are the same but for "
                f"{producer.replica_label!r}: another environment uses that bucket under these labels, or the set did "
                "with other hosts.",
                f"give the set labels or a bucket of its own; where all of its hosts are new ones, {_CONSENT}",
            )


def _blocks(taken: t.Mapping[str, t.Any]) -> str:
    labels = ", ".join(f'{name}="{value}"' for name, value in sorted(taken["labels"].items()))
    return f"{taken['blocks']} blocks with the labels {{{labels}}}"


RULES = (t24_buckets_answer, t25_streams_are_its_own)
