# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks on their way through the buckets of two providers, and who may see the keys."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.molecule.providers.support import (
    FRONTEND,
    HOSTS,
    INVENTORY,
    QUERY,
    SAMPLES,
    STEP,
    Past,
    Providers,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared import blocks
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import ROOT, wait_for

#: In private keys and of the account of azurite; what a file of the bucket's has, and nothing else.
KEYS = {"gcs": "PRIVATE KEY", "azure": "Eby8vdM02xNOcqFlqUwJPLlm"}
ODD = yaml.safe_load((ROOT / INVENTORY / "group_vars/gcs.yml").read_text())["thanos_objstore_environment"]["LAB_ODD"]


@pytest.mark.parametrize("provider", HOSTS)
def test_what_is_uploaded_is_listed_and_served(stack: Providers, pasts: dict[str, Past], provider: str) -> None:
    past = pasts[provider]
    assert len(past.ids) == 24
    assert stack.sources(past.host) >= set(past.ids)
    print(f"{provider}: 24 blocks were in the bucket after {past.seconds:.0f} s", end=" ")
    wait_for(lambda: stack.whole_past(past, host=past.host), 90, "the gateways' answer")
    assert stack.value(past, host=past.host, port=FRONTEND) == SAMPLES
    local = stack.prometheus(past.host, f"query?query=past_total&time={past.end - STEP}")["result"]
    assert local == [], "the replica itself still has it"
    for port in (QUERY, FRONTEND):
        (series,) = stack.range(past, "past_total", host=past.host, port=port)
        assert len(series["values"]) == SAMPLES


def test_what_is_uploaded_is_compacted(stack: Providers, pasts: dict[str, Past]) -> None:
    past = pasts["azure"]

    def compacted() -> bool:
        """Of four blocks of two hours each; the newest of a stream stay as they are (thanos pkg/compact/planner.go)."""
        return any(len(meta["compaction"]["sources"]) == 4 for meta in blocks.in_bucket(stack, past.host))

    wait_for(compacted, 180, "a block of eight hours")
    wait_for(lambda: stack.whole_past(past, host=past.host), 60, "the gateways' answer")
    assert stack.metric(past.host, 10912, "thanos_compact_halted") == 0


@pytest.mark.parametrize("provider", HOSTS)
def test_keys_are_for_the_service_alone(stack: Providers, provider: str) -> None:
    host = HOSTS[provider]
    for unit, group in (("sidecar", "prometheus"), ("store", "thanos")):
        path = f"/etc/thanos_{unit}/objstore.yml"
        assert stack.sh(host, f"stat -c '%a %U %G' {path}") == f"640 root {group}"
        assert KEYS[provider] in stack.sh(host, f"cat {path}")
    shown = stack.sh(host, "ps axww -o args; systemctl cat 'thanos_*' 'prometheus*'; systemctl show 'thanos_*'")
    assert KEYS[provider] not in shown


@pytest.mark.parametrize("unit", ["thanos_sidecar", "thanos_store"])
def test_the_environment_arrives_as_it_was_given(stack: Providers, unit: str) -> None:
    pid = stack.process("gcs-1", unit).pid
    words = stack.sh("gcs-1", f"tr '\\0' '\\n' < /proc/{pid}/environ").splitlines()
    assert f"LAB_ODD={ODD}" in words
    assert "STORAGE_EMULATOR_HOST=services:4443" in words
    group = "prometheus" if unit == "thanos_sidecar" else "thanos"
    assert stack.sh("gcs-1", f"stat -c '%a %U %G' /etc/{unit}/environment") == f"640 root {group}"
    assert "LAB_ODD" not in stack.sh("gcs-1", f"systemctl cat {unit}")
    # The querier has no bucket to ask.
    assert "LAB_ODD" not in stack.sh("gcs-1", f"cat /proc/{stack.process('gcs-1', 'thanos_query').pid}/environ")


def test_status_can_ask_the_buckets(stack: Providers) -> None:
    run = stack.play(ROOT / "playbooks/status.yml").succeeded()
    # A sidecar each, four store gateways and a compactor.
    assert run.output.count("bucket ok") == 2 + 4 + 1, run.output
    assert "bucket away" not in run.output


def test_a_second_run_changes_nothing(stack: Providers) -> None:
    run = stack.site().succeeded()
    assert set(run.changed.values()) == {0}, run.output
