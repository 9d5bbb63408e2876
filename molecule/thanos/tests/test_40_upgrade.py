# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole tier from one version to the next, under queries, in Thanos' order; and a rerun that has nothing to do."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import Run
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import (
    EXPORTERS,
    FRONTEND,
    NEW,
    OLD,
    SCRAPED,
    Load,
    Thanos,
)

#: In operations.md's order; all hosts of a tier before any of the next.
ORDER = [
    *("thanos_store", "thanos_receive", "thanos_receive_router", "", "thanos_rule", "thanos_query"),
    *("thanos_query_frontend", "thanos_compact"),
]


@pytest.fixture(scope="module")
def upgrade(stack: Thanos) -> t.Iterator[tuple[Run, Load]]:
    """Undisturbed, from OLD to NEW."""
    stack.roll(groups={"all": {"thanos_version": OLD}}).succeeded()
    with Load(stack, f"count(up{{{SCRAPED}}})", 2 * EXPORTERS) as load:
        run = stack.roll(groups={"all": {"thanos_version": NEW}})
    yield run.succeeded(), load


def test_no_query_failed_and_none_was_wrong(upgrade: tuple[Run, Load]) -> None:
    run, load = upgrade
    print(f"upgrade in {run.seconds:.1f} s: {load.count} queries, {load.retried} asked twice")
    assert load.count > 5 * run.seconds
    assert load.failed == []
    assert load.wrong == []


def test_it_went_tier_by_tier_with_the_compactor_still(upgrade: tuple[Run, Load]) -> None:
    plays = re.findall(r"^PLAY \[Change in waves ?(\S*)\]", upgrade[0].output, re.MULTILINE)
    assert list(dict.fromkeys(plays)) == ORDER
    before = upgrade[0].output.partition("PLAY [Change in waves")[0]
    assert "changed: [am-3]" in before.partition("PLAY [Stand the compactors still]")[2]


@pytest.mark.usefixtures("upgrade")
def test_everything_runs_the_new_version(stack: Thanos) -> None:
    for host in ("eu-1", "am-1", "am-2", FRONTEND):
        running = stack.sh(host, "for pid in $(pgrep -x thanos); do readlink /proc/$pid/exe; done").split()
        assert running and all(f"/{NEW}/" in path for path in running), (host, running)
    assert stack.metric("am-3", 10912, "thanos_compact_halted") == 0


@pytest.mark.usefixtures("upgrade")
def test_a_rerun_changes_nothing(stack: Thanos) -> None:
    run = stack.roll(groups={"all": {"thanos_version": NEW}}).succeeded()
    assert "Nothing was changed" in run.output
    print(f"a rerun takes {run.seconds:.1f} s")
