# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on their way out of the core: judged by what the inventory ignores, without secrets, grouped, in order."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, grouped, masked, ordered
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._ignore import UNUSABLE, Consents
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import Snapshot
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import (
    LAST_RULES,
    LIVE_RULES,
    RULES,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.ignores import Judged
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._sealed import unsaid

STATIC = frozenset(rule.id for rule in RULES)
LIVE = frozenset(rule.id for rule in LIVE_RULES)


def judge(
    findings: t.Iterable[Finding],
    consents: Consents,
    before: t.Iterable[Finding] | None = None,
    *,
    everywhere: bool = True,
) -> list[Finding]:
    """The findings as the inventory's consents make them, and what is wrong with the consents.

    :param before: where these are of the live rules, what came of the others; an entry may be for either.
    :param everywhere: whether all hosts were looked at: else an entry without a finding may be for another.
    """
    judged = consents.judge(findings)
    if before is None:
        complete = not any(finding.id in UNUSABLE for finding in judged)
        subject = Judged(consents, consents.entries, STATIC | LIVE, STATIC - LIVE if complete else frozenset())
    else:
        consents.remember(before)
        subject = Judged(consents, (), STATIC | LIVE, LIVE if everywhere else frozenset())
    return judged + consents.judge(finding for rule in LAST_RULES for finding in rule.findings(subject))


def told(findings: t.Sequence[Finding], snapshot: Snapshot, secrets: t.Iterable[str] = ()) -> tuple[Finding, ...]:
    """The findings as people and programs get them: nothing secret, one for all hosts of a line, errors first.

    :param secrets: what is secret beyond that which came encrypted.
    """
    sealed = snapshot.sealed_strings()
    quiet = masked(findings, {*snapshot.secrets(), *secrets}, set().union(*sealed.values()))
    return tuple(ordered(grouped(unsaid(quiet, snapshot.sealed, sealed))))


def secrets_of(slices: t.Iterable[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    """What is secret by its key in a configuration.

    Prometheus shows the URLs that it uses (only their passwords are secret); Alertmanager's are <secret_url>.
    """
    for item in slices:
        for secret in item.get("secrets", ()):
            if item["name"] == "alertmanager" or "://" not in secret:
                yield secret
