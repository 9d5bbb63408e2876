# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render: Topology -> HostPlan, the slices of a host. A failing variable becomes a finding and stops no other."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry, _topology, _versions
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components._base import Files
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, defect, error
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._ignore import Consents
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import Snapshot
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._judge import judge, secrets_of, told
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import RULES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Subject
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology

HostPlan = t.List[t.Dict[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that a run needs: the topology, what is wrong with it, and the slices by host."""

    topology: Topology
    findings: tuple[Finding, ...]
    hosts: dict[str, HostPlan]


def render_instance(instance: Instance, topology: Topology, files: Files) -> dict[str, t.Any]:
    """One component's slice. One that leaves needs only to be known by name. :raises HAError: with the variable."""
    component = _registry.component(instance.kind.name)
    known = {
        "name": instance.kind.name,
        "state": instance.opt("state"),
        "cohort": list(instance.cohort),
        "zone": component.zone(instance, topology),
    }
    if component.package:
        known["release"] = dataclasses.asdict(component.package)
    if instance.opt("state") == "absent":
        return {**absent(instance), **known}
    if component.package is None:
        _versions.parse_version(instance.version, instance.host.where(instance.version_variable))
    if component.render is None:
        return known
    effects = [dict(vars(effect)) for effect in component.effects]
    return {
        **known,
        "effects": effects,
        "back_to": component.back_to(instance),
        **component.render(instance, topology, files),
    }


def absent(instance: Instance) -> dict[str, t.Any]:
    """What is needed to remove a component: where its parts are."""
    name = instance.kind.name
    uploads = _registry.component(name).uploads(instance)
    return {
        **({"uploads": uploads} if uploads else {}),
        "release": {"name": instance.kind.release or name},
        "config": {"root": f"/etc/{name}", "files": [], "owner": "root", "group": "root"},
        "service": {"name": name, "user": name, "group": name, "executable": f"{{release}}/bin/{name}", "args": []},
    }


def render_host(name: str, topology: Topology, files: Files) -> tuple[HostPlan, list[Finding]]:
    """The slices of a host and what keeps any of them from being rendered."""
    slices: HostPlan = []
    findings: list[Finding] = []
    for instance in topology.by_host.get(name, []):
        if _registry.component(instance.kind.name).render is None:
            continue
        rendered = _try(instance, topology, files)
        if isinstance(rendered, Finding):
            findings.append(rendered)
        else:
            slices.append(rendered)
    return slices, findings


def _try(instance: Instance, topology: Topology, files: Files) -> dict[str, t.Any] | Finding:
    try:
        return render_instance(instance, topology, files)
    except HAError as problem:
        words = problem.what if problem.what.endswith((".", "?")) else f"{problem.what}."
        words += f" {problem.said}" if problem.said else ""
        return error("I03", problem.where or f"host {instance.name}", words, problem.do)
    except Exception as problem:  # whatever it is: tests/unit fail for a finding of this kind
        return defect("I03", f"host {instance.name}", f"rendering {instance.kind.title}", problem)


def render_hosts(topology: Topology, files: Files) -> tuple[dict[str, HostPlan], list[Finding]]:
    """The slices by host, in plan order, and what could not be rendered."""
    rendered: dict[str, HostPlan] = {}
    failed: list[Finding] = []
    for order, name in enumerate(topology.by_host):
        slices, unrendered = render_host(name, topology, files)
        failed += unrendered
        if slices or unrendered:
            rendered[name] = [{**item, "order": order} for item in slices]
    return rendered, failed


def check(subject: Subject, failed: t.Iterable[Finding]) -> tuple[Finding, ...]:
    """What every rule says, with what could not be rendered, as the inventory's consents make it."""
    findings = [finding for rule in RULES for finding in rule.findings(subject)]
    consents = Consents.of(subject.snapshot)
    # A variable that a rule, its type or a peer's rendering already named is not reported twice; but only what stops
    # the run counts, since without its slice a host would be left out silently.
    said = {finding.where for finding in consents.judge(findings) if finding.stops}
    for finding in failed:
        if finding.where not in said:
            findings.append(finding)
            said.add(finding.where)
    rendered = secrets_of(item for slices in subject.slices.values() for item in slices)
    return told(judge(findings, consents), subject.snapshot, rendered)


def plan(snapshot: Snapshot, files: Files, former: t.Mapping[tuple[str, str], _topology.Place] | None = None) -> Plan:
    """Snapshot -> Plan, linear in hosts. :param former: see Topology."""
    topology = dataclasses.replace(_topology.build(snapshot, _registry.KINDS), former=former or {})
    rendered, failed = render_hosts(topology, files)
    return Plan(topology, check(Subject(snapshot, topology, rendered, files), failed), rendered)
