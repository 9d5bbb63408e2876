# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what the inventory ignores of the preflight. They judge the other rules' findings, so they come last."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._ignore import (
    UNUSABLE,
    VARIABLE,
    Consents,
    Entry,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._spelling import nearest


@dataclasses.dataclass(frozen=True)
class Judged:
    """What the rules of this file look at.

    :param consents: which have judged the findings of the other rules.
    :param entries: those whose form is to be looked at.
    :param ids: the rules that there are.
    :param seen: those of them that saw all that they look at, so that an entry without a finding is a stale one.
    """

    consents: Consents
    entries: tuple[Entry, ...]
    ids: frozenset[str]
    seen: frozenset[str]


@rule(
    "I10",
    "error",
    f"Each entry of {VARIABLE} names a rule that can be ignored, and says why.",
    prevents="A risk that nobody remembers having taken; an entry that is believed to work.",
    source="the collection's inventory contract",
)
def i10_ignores_are_explained(judged: Judged) -> t.Iterator[Problem]:
    for entry in judged.entries:
        if not entry.id:
            yield Problem(entry.where, f"an entry has no id: {dict(entry.data)}.", "give the id of the rule.")
        elif entry.id in UNUSABLE:
            what = f"{entry.id} can't be ignored: without the value that it names there is nothing to roll out."
            yield Problem(entry.where, what, "correct that value, and remove the entry.")
        elif entry.id in OWN:
            what = f"{entry.id} can't be ignored: it is about these entries."
            yield Problem(entry.where, what, "correct or remove the entry that it names.")
        elif entry.id not in judged.ids:
            meant = nearest(entry.id.upper(), sorted(judged.ids), near=0.6)
            what = f"there is no rule {entry.id!r}{f': is {meant} meant?' if meant else '.'}"
            yield Problem(
                entry.where, what, "correct the id (docs/preflight.md lists all), or remove the entry.", "warning"
            )
        elif not entry.reason:
            what = f"the entry for {entry.id} has no reason, so it ignores nothing."
            yield Problem(entry.where, what, "say why in reason.")
        else:
            yield from _unknown_hosts(entry, judged.consents.hosts)


def _unknown_hosts(entry: Entry, known: frozenset[str]) -> t.Iterator[Problem]:
    unknown = [host for host in entry.hosts or () if host not in known]
    if unknown:
        what = f"the entry for {entry.id} is for {', '.join(unknown)}, which the inventory does not have."
        yield Problem(entry.where, what, "name hosts as the inventory does, no groups.", "warning")


@rule(
    "I11",
    "warning",
    f"Each entry of {VARIABLE} silences something.",
    prevents="An old entry that will hide a new mistake.",
    source="the collection's inventory contract",
)
def i11_ignores_are_needed(judged: Judged) -> t.Iterator[Problem]:
    for entry in judged.consents.unused():
        there = entry.hosts is None or judged.consents.hosts & {*entry.hosts}
        if entry.id in judged.seen and entry.id not in UNUSABLE and entry.reason and there:
            what = f"the entry for {entry.id} ({entry.reason}) ignores nothing: there is no such finding."
            yield Problem(entry.where, what, "remove the entry.")


RULES = (i10_ignores_are_explained, i11_ignores_are_needed)
OWN = tuple(each.id for each in RULES)
