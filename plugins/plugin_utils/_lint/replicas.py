# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the replicas of a set are rendered alike: decided by what was rendered, explained by the variables."""

from __future__ import annotations

import contextlib
import typing as t

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._diff import MASK, names_secret
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance

# The flags that change what rules see or when alerts fire; others, such as the retention, may differ.
FLAGS = ("query.lookback-delta", "rules.alert.for-outage-tolerance", "rules.alert.for-grace-period")
_COMMAND_LINE = "the command line"
_MAIN = "prometheus.yml"
_MARKER = "rules/prometheus_ha_generation.yml"
_WATCHING = ("prometheus_rule_packages", "prometheus_watch_stack")
# The variables that a part is rendered from, where their names do not say so.
_MAKERS = {
    "alerting": (
        "prometheus_alert_relabel_configs",
        "prometheus_alertmanager_meshes",
        "prometheus_ha_alert_replica_label",
        "prometheus_replica_label",
    ),
    "scrape_configs": ("prometheus_scrape_configs", "prometheus_shard", "prometheus_federate", *_WATCHING),
    "targets": ("prometheus_targets", *_WATCHING),
    "rules": ("prometheus_rules", "prometheus_rule_files", "prometheus_rule_package_options", *_WATCHING),
    _COMMAND_LINE: ("prometheus_extra_args",),
}
_LONGEST = 120
_MISSING = object()

Part = t.Tuple[str, str]
Difference = t.Tuple[t.List[str], t.Any, t.Any]


@rule(
    "P02",
    "error",
    "Once the replica label is removed, the configuration, the rules, the target files, and the flags that change what "
    "rules see are the same on all replicas of a set.",
    prevents="Replicas that evaluate different things: alerts of one alone, series that do not deduplicate.",
    source="prometheus-operator Documentation/platform/high-availability.md",
)
def p02_replicas_are_alike(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts_of("prometheus"):
        rendered = [instance for instance in cohort.instances if subject.rendered(instance) is not None]
        if len(rendered) < 2:
            continue
        first, *others = rendered
        model = _parts(subject, first)
        for other in others:
            if prometheus.replica_label(other) != prometheus.replica_label(first):
                continue  # P01 says so, and it is in the alert relabelling as well
            parts = _parts(subject, other)
            if parts != model:
                yield from _problems(cohort, (first, model), (other, parts), _hidden(subject, first, other))


def _parts(subject: Subject, instance: Instance) -> dict[Part, t.Any]:
    """All that must be equal, by file and key; external labels are the business of P01."""
    config = subject.config(instance) or {}
    overall = config.get("global", {})
    parts: dict[Part, t.Any] = {(_MAIN, key): value for key, value in config.items() if key != "global"}
    parts.update({(_MAIN, f"global.{key}"): value for key, value in overall.items() if key != "external_labels"})
    for file in (subject.rendered(instance) or {})["config"]["files"]:
        if file["path"] not in (_MAIN, _MARKER):
            parts[file["path"], ""] = file["content"]
    flags = {str(name).lstrip("-"): value for name, value in instance.opt("extra_args").items()}
    parts.update({(_COMMAND_LINE, f"--{flag}"): flags[flag] for flag in FLAGS if flag in flags})
    return parts


def _problems(
    cohort: Cohort,
    one: tuple[Instance, dict[Part, t.Any]],
    two: tuple[Instance, dict[Part, t.Any]],
    hidden: t.Sequence[str],
) -> t.Iterator[Problem]:
    """One problem for each variable that differs, with the first place where it shows."""
    (first, model), (other, parts) = one, two
    unlike = [name for name in other.options if other.options[name] != first.options[name]]
    places: dict[str, list[Part]] = {}
    for part in dict.fromkeys([*model, *parts]):
        if model.get(part, _MISSING) != parts.get(part, _MISSING):
            places.setdefault(_variable(part, unlike), []).append(part)
    for variable, found in places.items():
        file, key = found[0]
        path, here, there = _difference(found[0], model.get(found[0], _MISSING), parts.get(found[0], _MISSING))
        shown = [_shown([key, *path], value, hidden) for value in (here, there)]
        more = f"; {len(found) - 1} more of its parts differ" if len(found) > 1 else ""
        what = f"{file}: {''.join([key, *path]).lstrip('.')}" if key or path else file
        holder = first if variable in first.host.values and variable not in other.host.values else other
        yield Problem(
            holder.host.where(variable),
            f"{cohort.title} is not rendered alike: {what} is {shown[0]} on {first.name} "
            f"and {shown[1]} on {other.name}{more}.",
            _do(here, there, first, other),
        )


def _variable(part: Part, unlike: t.Sequence[str]) -> str:
    """The variable that makes a part differ, among those that do."""
    file, key = part
    if "prometheus_agent" in unlike:
        return "prometheus_agent"
    name = key.rpartition(".")[2] if file == _MAIN else file.partition("/")[0]
    makers = (*_MAKERS.get(name, ()), f"prometheus_{name}", "prometheus_config")
    return next((variable for variable in makers if variable in unlike), makers[0])


def _difference(part: Part, here: t.Any, there: t.Any) -> Difference:
    """Where two values first differ: the path, and what is there on either side."""
    if part[0] not in (_MAIN, _COMMAND_LINE) and isinstance(here, str) and isinstance(there, str):
        here, there = _readable(here, there)
    path: list[str] = []
    while True:
        if isinstance(here, dict) and isinstance(there, dict):
            steps = [(f".{key}", key) for key in dict.fromkeys([*here, *there])]
            steps = [step for step in steps if here.get(step[1], _MISSING) != there.get(step[1], _MISSING)]
            if not steps:
                return path, here, there
            here, there = here.get(steps[0][1], _MISSING), there.get(steps[0][1], _MISSING)
        elif isinstance(here, list) and isinstance(there, list) and here != there:
            longest = max(len(here), len(there))
            at = next(n for n in range(longest) if here[n : n + 1] != there[n : n + 1])
            steps = [(f"[{at}]", at)]
            here, there = (side[at] if at < len(side) else _MISSING for side in (here, there))
        else:
            return path, here, there
        path.append(steps[0][0])


def _readable(here: str, there: str) -> tuple[t.Any, t.Any]:
    """Two files as data, or line by line where they are none or hold the same."""
    with contextlib.suppress(yaml.YAMLError):
        one, two = yaml.safe_load(here), yaml.safe_load(there)
        if one != two:
            return one, two
    return here.splitlines(), there.splitlines()


def _hidden(subject: Subject, *instances: Instance) -> list[str]:
    """What is secret there, the longest first. Of a URL only the password is: Prometheus shows the rest itself."""
    found = {secret for instance in instances for secret in (subject.rendered(instance) or {})["secrets"]}
    return sorted((secret for secret in found if "://" not in secret), key=lambda secret: (-len(secret), secret))


def _shown(path: t.Sequence[str], value: t.Any, hidden: t.Sequence[str]) -> str:
    """A value in a sentence: single ones alone, and secret ones masked before a long one is cut."""
    if value is _MISSING:
        return "missing"
    if not any(path) or isinstance(value, (dict, list)):
        return "there"
    if any(names_secret(step.lstrip(".")) and step != ".url" for step in path):
        return MASK
    if not isinstance(value, str):
        return repr(value)
    for secret in hidden:
        value = value.replace(secret, MASK)
    return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}...")


def _do(here: t.Any, there: t.Any, first: Instance, other: Instance) -> str:
    """The usual cause is a template of the host's own name or address."""
    for own in ("name", "address"):
        one, two = str(getattr(first, own)), str(getattr(other, own))
        if one in str(here) and str(here).replace(one, two) == str(there):
            return (
                f"what differs is each host's own {own}, as a template such as inventory_hostname gives it: "
                "write what is the same on all replicas, for example all of them."
            )
    return "set it once for the whole set, in its group; only prometheus_replica differs between replicas."


RULES = (p02_replicas_are_alike,)
