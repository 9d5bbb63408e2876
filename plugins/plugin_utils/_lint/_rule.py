# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule is, and what it looks at. A family's file declares its rules with :func:`rule` and lists them."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components._base import Files
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, defect
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import Snapshot
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology


@dataclasses.dataclass(frozen=True)
class Problem:
    """One violation of a rule.

    :param where: an inventory path that can be searched for: ``Instance.where()``, ``HostVariables.where()``.
    :param severity: error, warning or undecided, where it is not the rule's own.
    """

    where: str
    what: str
    do: str
    severity: str | None = None


@functools.lru_cache(maxsize=4096)
def parsed(text: str) -> t.Any:
    """YAML as data, each text read once. :raises yaml.YAMLError: when it is none."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """What rules look at: the inventory, the model, and what was rendered of it.

    :param slices: by host, its slices; a component that can't be rendered has none (I03 says why).
    """

    snapshot: Snapshot
    topology: Topology
    slices: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]
    files: Files
    _configs: dict[tuple[str, str], dict[str, t.Any] | None] = dataclasses.field(default_factory=dict, repr=False)

    def config(self, instance: Instance) -> dict[str, t.Any] | None:
        """An instance's main configuration as data; None where it has none or it can't be rendered (I03 says why)."""
        key = (instance.name, instance.kind.name)
        if key not in self._configs:
            build = _registry.component(instance.kind.name).config
            try:
                self._configs[key] = None if build is None else build(instance, self.topology, self.files)
            except HAError:
                self._configs[key] = None
            except Exception:  # the renderer, which uses it, breaks on it as well, and that is told
                if _registry.component(instance.kind.name).render is None:
                    raise
                self._configs[key] = None
        return self._configs[key]

    def rendered(self, instance: Instance) -> t.Mapping[str, t.Any] | None:
        """An instance's slice; None where it could not be rendered."""
        slices = self.slices.get(instance.name, ())
        return next((item for item in slices if item["name"] == instance.kind.name), None)

    def rule_groups(self, prometheus: Instance) -> list[tuple[str, dict[str, t.Any]]]:
        """A Prometheus' rule groups, each with the variable (and file) that it is from; unreadable files are left out.

        promtool refuses those at staging, in its own words.
        """
        found: list[tuple[str, dict[str, t.Any]]] = []
        for file in (self.rendered(prometheus) or {"config": {"files": []}})["config"]["files"]:
            if not file["path"].startswith("rules/") or file["path"].startswith("rules/prometheus_ha_"):
                continue
            try:
                data = parsed(file["content"])
            except yaml.YAMLError:
                continue
            groups = data.get("groups") if isinstance(data, dict) else None
            found += [(file["source"], group) for group in groups or [] if isinstance(group, dict)]
        return found


S = t.TypeVar("S")


@dataclasses.dataclass(frozen=True)
class Rule(t.Generic[S]):
    """A rule of the registry: docs/preflight.md is generated from these.

    :param severity: error (stops) or warning (printed; stops under prometheus_ha_strict).
    :param sentence: the rule, in one sentence.
    :param prevents: the failure it prevents.
    :param source: the upstream document or file it is from.
    :param check: its violations; what it looks at is a :class:`Subject`, or what hosts said of themselves.
    """

    id: str
    severity: str
    sentence: str
    prevents: str
    source: str
    check: t.Callable[[S], t.Iterator[Problem]]

    def findings(self, subject: S) -> t.Iterator[Finding]:
        """What the rule says; where it breaks, that, so that a defect of one rule hides nothing that others found."""
        try:
            for problem in self.check(subject):
                yield Finding(self.id, problem.severity or self.severity, problem.where, problem.what, problem.do)
        except Exception as problem:  # whatever it is: tests/unit fail for a finding of this kind
            yield defect(self.id, "inventory", f"the rule {self.id}", problem)


def rule(
    id: str,  # noqa: A002 - the field's name
    severity: str,
    sentence: str,
    *,
    prevents: str,
    source: str,
) -> t.Callable[[t.Callable[[S], t.Iterator[Problem]]], Rule[S]]:
    """Declare the decorated function as a rule."""

    def declare(check: t.Callable[[S], t.Iterator[Problem]]) -> Rule[S]:
        return Rule(id, severity, sentence, prevents, source, check)

    return declare
