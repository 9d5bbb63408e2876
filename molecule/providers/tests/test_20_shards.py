# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Store gateways sharded by hash, one shard on two hosts: each serves its part, and together they serve all."""

from __future__ import annotations

import hashlib
from functools import partial

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.providers.support import (
    QUERY,
    SAMPLES,
    SHARDS,
    STORE,
    Past,
    Providers,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import wait_for

QUERIER = "gcs-1"


def shard(block: str) -> int:
    """By Prometheus' hashmod: the last eight bytes of the MD5 (model/relabel/relabel.go)."""
    return int.from_bytes(hashlib.md5(block.encode(), usedforsecurity=False).digest()[8:], "big") % len(SHARDS)


@pytest.fixture(scope="module", autouse=True)
def _loaded(stack: Providers, past: Past) -> None:
    wait_for(partial(stack.whole_past, past, host=QUERIER), 90, "all of the past")


def stores(stack: Providers) -> int:
    """How many store gateways the querier has an answer of."""
    data = stack.ask(f"http://{stack.addresses[QUERIER]}:{QUERY}/api/v1/stores")["data"]
    return sum(not one["lastError"] for one in data["store"])


def _has_loaded(stack: Providers, host: str, count: int) -> bool:
    return stack.metric(host, STORE, "thanos_bucket_store_blocks_loaded") == count


def test_each_shard_has_its_part_of_the_blocks(stack: Providers, past: Past) -> None:
    parts = [sum(shard(block) == number for block in past.ids) for number in range(len(SHARDS))]
    assert sum(parts) == len(past.ids)
    assert all(parts), "a shard has nothing to serve"
    for number, hosts in enumerate(SHARDS):
        for host in hosts:
            wait_for(partial(_has_loaded, stack, host, parts[number]), 60, f"the blocks of {host}")
            excluded = stack.metric(host, STORE, "thanos_blocks_meta_synced", {"state": "label-excluded"})
            assert excluded == len(past.ids) - parts[number]
    print(f"{' + '.join(map(str, parts))} blocks", end=" ")


@pytest.mark.parametrize("gone", SHARDS[1])
def test_without_a_host_of_a_replicated_shard_nothing_is_missing(stack: Providers, past: Past, gone: str) -> None:
    stack.sh(gone, "systemctl kill -s KILL thanos_store; systemctl stop thanos_store")
    try:
        wait_for(lambda: stores(stack) == 2, 60, "the querier sees that it is gone")
        assert [stack.value(past, host=QUERIER) for _attempt in range(5)] == [SAMPLES] * 5
    finally:
        stack.sh(gone, "systemctl start thanos_store")
    wait_for(lambda: stores(stack) == 3, 60, "it is back")
    wait_for(partial(stack.whole_past, past, host=QUERIER), 60, "all of the past")


def test_without_a_shard_its_part_is_missing(stack: Providers, past: Past) -> None:
    """So the other's hosts do not serve it, and the tests above prove something."""
    stack.sh("gcs-1", "systemctl stop thanos_store")
    try:
        wait_for(lambda: 0 < stack.value(past, host=QUERIER) < SAMPLES, 60, "a part is missing")
    finally:
        stack.sh("gcs-1", "systemctl start thanos_store")
    wait_for(partial(stack.whole_past, past, host=QUERIER), 60, "all of the past")
