# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the inventory itself: values that can't be used, names that nobody knows, groups that disagree."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _labels, _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import COMMON
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option, effective
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._spelling import NEAR, VERY_NEAR, nearest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import named
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import normal_address, normal_port


@rule(
    "I01",
    "error",
    "Every variable that a host needs can be read: nothing in it is undefined, refers to itself, or is encrypted "
    "with a password that the run was not given.",
    prevents="A default in the place of what was meant.",
    source="Ansible: templating and vault",
)
def i01_readable(subject: Subject) -> t.Iterator[Problem]:
    for each in subject.topology.unreadable:
        what = f"the value can't be read: {each.why.rstrip('.')}."
        yield Problem(each.host.where(each.variable), what, "define what it uses, or correct it.")


@rule(
    "I02",
    "error",
    "Every variable is of the type, and one of the choices, that its role's documentation says.",
    prevents="A configuration with the text of a list, or a switch that is on because its text is not empty.",
    source="docs/reference, the pages of the roles",
)
def i02_types(subject: Subject) -> t.Iterator[Problem]:
    for each in subject.topology.mistyped:
        yield Problem(each.host.where(each.variable), f"{each.why.rstrip('.')}.", "give a value of that type.")


@rule(
    "I03",
    "error",
    "Every variable can be rendered; every endpoint has an address and a port that others can use.",
    prevents="A host that is rolled out half, and peers that look for it in vain.",
    source="Ansible's inventory; prometheus and alertmanager --help",
)
def i03_usable_endpoints(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.instances:
        for problem in unusable(instance):
            yield Problem(problem.where, problem.what, problem.do)


def unusable(instance: Instance) -> list[HAError]:
    """All that is wrong with an instance's endpoint, and with its other ports: one a place."""
    parts: list[t.Callable[[], object]] = [lambda: instance.url, lambda: instance.own_url, lambda: instance.address]
    parts += [lambda: instance.prefix, instance.port, lambda: _check_ports(instance)]
    if f"{instance.kind.name}_listen_address" in instance.options:
        parts.append(lambda: normal_address(instance.opt("listen_address"), instance.where("listen_address")))
    found: dict[str, HAError] = {}
    for problem in filter(None, map(_failure, parts)):
        found.setdefault(problem.where, problem)
    return list(found.values())


def _failure(part: t.Callable[[], object]) -> HAError | None:
    try:
        part()
    except HAError as problem:
        return problem
    return None


def _check_ports(instance: Instance) -> None:
    for port, _protocol, _address, variable in _registry.component(instance.kind.name).ports(instance):
        normal_port(port, instance.host.where(variable))


# By prefix, whether the table of variables below it is complete: of what is only modelled it is not.
_PREFIXES = {
    "prometheus_ha_": True,
    **{f"{component.kind.name}_": component.render is not None for component in _registry.COMPONENTS},
}


def _rest(variable: str) -> str:
    """Without the first word, which unknown and known variables have in common."""
    return variable.partition("_")[2]


@functools.lru_cache(maxsize=None)
def _suggestion(variable: str) -> tuple[bool, str | None]:
    """Whether an unknown variable is worth a word, and the known one that is like it."""
    prefix = max((prefix for prefix in _PREFIXES if variable.startswith(prefix)), key=len, default="")
    complete = _PREFIXES.get(prefix, False)
    word = variable.partition("_")[0]
    known = {_rest(name): name for name in sorted(_registry.NAMES) if name.startswith(f"{word}_")}
    near = nearest(_rest(variable), known, NEAR if complete else VERY_NEAR)
    return complete or near is not None, None if near is None else known[near]


def _concerned(subject: Subject, host: HostVariables, variable: str) -> bool:
    """Whether a host's variable is this collection's business: others have variables of such names, too."""
    return host.name in subject.topology.by_host or variable.startswith("prometheus_ha_")


@rule(
    "I04",
    "warning",
    "Every variable with one of the collection's prefixes is one that the collection knows.",
    prevents="A setting that is thought to hold and does not, because its name is mistyped.",
    source="docs/reference, the pages of the roles",
)
def i04_known_variables(subject: Subject) -> t.Iterator[Problem]:
    for host in subject.snapshot.hosts.values():
        for variable in host.unknown:
            told, near = _suggestion(variable)
            if told and _concerned(subject, host, variable):
                do = f"write {near}." if near else "remove it, or name a variable of your own in another way."
                yield Problem(host.where(variable), "the collection has no such variable.", do)


def _group_names() -> tuple[str, ...]:
    return tuple(dict.fromkeys(group.name for kind in _registry.KINDS for group in kind.groups))


def _own_groups() -> list[str]:
    """The groups whose names nobody gives to something else."""
    return [name for name in _group_names() if name != "loadbalancer"]


def _keys(option: Option) -> tuple[str, ...] | None:
    # The groups are the registry's, which is made of the tables.
    return _group_names() if option.name == "prometheus_ha_groups" else option.keys


_KEYED = tuple(
    (option, keys)
    for option in dict.fromkeys(option for kind in _registry.KINDS for option in kind.table)
    if (keys := _keys(option)) is not None
)


def _mappings(value: t.Any, named: bool = False) -> t.Iterator[t.Mapping[t.Any, t.Any]]:
    """The mappings that an option's keys are about: the value, the items of a list, or those of named lists."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
    elif isinstance(value, dict) and named:
        for item in value.values():
            yield from _mappings(item)
    elif isinstance(value, dict):
        yield value


@rule(
    "I05",
    "warning",
    "Every key inside a structured variable of the collection is one that the collection knows.",
    prevents="A setting that is thought to hold and does not, because its key is mistyped.",
    source="docs/reference, the pages of the roles; what Prometheus and Alertmanager define is checked by their tools",
)
def i05_known_keys(subject: Subject) -> t.Iterator[Problem]:
    for host in subject.snapshot.hosts.values():
        for option, known in _KEYED:
            if option.name not in host.values or not _concerned(subject, host, option.name):
                continue
            value = effective((option,), host.values)[0][option.name]
            unknown = {str(key): None for item in _mappings(value, option.named) for key in item if key not in known}
            for key in unknown:
                near = nearest(key, known)
                listed = f"its keys are {', '.join(known)}"
                do = f"write {near}; {listed}." if near else f"remove or correct it; {listed}."
                yield Problem(host.where(option.name), f"it has no key {key!r}.", do)


@rule(
    "I06",
    "error",
    "Where groups of a host set its replica set, its mesh or its environment, they agree, or one is below the others.",
    prevents="A host in another set than one of its groups says: Ansible keeps one value and hides the others.",
    source="ansible/inventory/helpers.py: groups count by depth, priority and name",
)
def i06_groups_agree(subject: Subject) -> t.Iterator[Problem]:
    for name, instances in subject.topology.by_host.items():
        host = subject.snapshot.hosts[name]
        read = {"prometheus_ha_environment", *(instance.kind.cohort_variable for instance in instances)}
        for variable in [variable for variable in host.rivals if variable in read]:
            said = ", ".join(f"{group} says {value!r}" for group, value in host.rivals[variable].items())
            yield Problem(
                host.where(variable),
                f"groups disagree: {said}; Ansible takes {host.values.get(variable)!r}.",
                f"take the host out of a group, or set {variable} for the host, or in a group below these.",
            )


@rule(
    "I08",
    "error",
    "Labels of prometheus_targets and of rules have names and values that the pinned Prometheus takes.",
    prevents="A configuration that is refused on the host; targets that are dropped without a word at run time.",
    source="promtool check config and check rules of 2.53.3 and 3.5.3; prometheus model/rulefmt, rulefmt.go",
)
def i08_labels(subject: Subject) -> t.Iterator[Problem]:
    judged: dict[tuple[int, bool], tuple[t.Any, list[str]]] = {}
    for instance in subject.topology.of("prometheus"):
        legacy = str(instance.opt("version")).startswith("2.")
        for name, groups in instance.opt("targets").items():
            for item in _dicts(groups):
                for what in _labels.refused(item.get("labels"), legacy):
                    yield Problem(instance.where("targets"), f"{name}: {what}.", "correct the labels.")
        for source, group in subject.rule_groups(instance):
            # The replicas of a set share their files, which are read once.
            key = (id(group), legacy)
            if key not in judged:
                judged[key] = (group, list(_refused_of_rules(group, legacy)))
            variable, _colon, path = source.partition(": ")
            for what in judged[key][1]:
                words = f"{path}: {what}." if path else f"{what}."
                yield Problem(instance.host.where(variable), words, "correct the labels.")


def _dicts(value: t.Any) -> list[dict[str, t.Any]]:
    """The mappings of a list; what is of another shape is promtool's business."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _refused_of_rules(group: t.Mapping[str, t.Any], legacy: bool) -> t.Iterator[str]:
    for each in _dicts(group.get("rules")):
        name = each.get("alert") or each.get("record")
        for what in _labels.refused(each.get("labels"), legacy, metric_name=False):
            yield f"rule {name}: {what}"
        for what in _labels.refused(each.get("annotations"), legacy):
            yield f"annotations of rule {name}: {what}"


@rule(
    "I09",
    "warning",
    "Each of the collection's groups that is there, or that prometheus_ha_groups names, has hosts; none is mistyped; "
    "where hosts run nothing, Alertmanagers are not left without a Prometheus (an error without any host at all).",
    prevents="A component that is rolled out nowhere, because its group is empty or has another name.",
    source="docs/inventory.md",
)
def i09_groups_have_hosts(subject: Subject) -> t.Iterator[Problem]:
    present = {group for host in subject.snapshot.hosts.values() for group in host.groups}
    told = {each.variable for each in (*subject.topology.unreadable, *subject.topology.mistyped)}
    missing: dict[tuple[str, str], HostVariables] = {}
    for host in subject.snapshot.hosts.values():
        mapped = effective(_GROUPS, host.values)[0]["prometheus_ha_groups"]
        for name, group in mapped.items():
            if name in _group_names() and group not in present:
                missing.setdefault((name, str(group)), host)
    for (name, group), host in missing.items():
        yield Problem(
            host.where("prometheus_ha_groups"),
            f"{name} is mapped to the group {group!r}, in which there is no host.",
            "correct the name, put hosts into the group, or remove the line.",
        )
    if "prometheus_ha_groups" in told:
        return
    near = _mistyped_groups(subject)
    if not subject.topology.by_host:
        meant = f" Is {' and '.join(f'{group!r} meant to be {name}' for group, name in near.items())}?" if near else ""
        yield Problem(
            "inventory",
            f"no host of the inventory runs anything of this collection.{meant}",
            "put hosts into the groups prometheus and alertmanager, or name yours by prometheus_ha_groups.",
            "error",
        )
        return
    for group, name in near.items():
        yield Problem(
            "inventory",
            f"the group {group!r} is none of the collection's, and its name is much like {name}.",
            f"write {name}, or map it: prometheus_ha_groups: {{{name}: {group}}}.",
        )
    used = {*present, *_mapped(subject)}
    for group in _own_groups():
        if group in subject.snapshot.groups and group not in used:
            what = f"the group {group} has no host."
            yield Problem("inventory", what, "put hosts into it, or remove it.")
    yield from _alerted_by_nobody(subject, near)


def _alerted_by_nobody(subject: Subject, near: t.Mapping[str, str]) -> t.Iterator[Problem]:
    """Alertmanagers without a Prometheus, where hosts that run nothing may be it; those of another inventory may too.

    :param near: mistyped groups; these, and a group without hosts, are told by themselves.
    """
    of = subject.topology.of
    idle = [name for name in subject.snapshot.hosts if name not in subject.topology.by_host]
    if idle and of("alertmanager") and not of("prometheus", "thanos_rule") and not near:
        yield Problem(
            "inventory",
            f"there are Alertmanagers, no host is in the group prometheus, and {named(idle)} "
            f"{'run' if len(idle) > 1 else 'runs'} nothing of this collection.",
            "put the hosts of Prometheus into that group, or name yours by prometheus_ha_groups.",
        )


def _mapped(subject: Subject) -> dict[str, str]:
    """What hosts call groups of the collection: its name by theirs; and by its own name, that which is renamed."""
    found: dict[str, str] = {}
    for host in subject.snapshot.hosts.values():
        for name, group in effective(_GROUPS, host.values)[0]["prometheus_ha_groups"].items():
            found.update({str(group): name, name: str(group)})
    return found


def _mistyped_groups(subject: Subject) -> dict[str, str]:
    """Groups whose names are those of the collection but for a slip: theirs, with the collection's."""
    taken = {*_group_names(), *_mapped(subject), "all", "ungrouped"}
    near = {group: _near_group(group) for group in subject.snapshot.groups if group not in taken}
    found = {group: name for group, name in near.items() if name is not None}
    # A group above or below the right one, as alertmanagers or prometheus1, is no slip.
    beside = {
        group
        for host in subject.snapshot.hosts.values()
        for group in found.keys() & set(host.groups)
        if found[group] not in host.groups
    }
    return {group: name for group, name in found.items() if group in beside}


@functools.lru_cache(maxsize=4096)
def _near_group(group: str) -> str | None:
    """The collection's group that is meant; the same letters with a word more or less are another group's name."""
    words = [name for name in _own_groups() if name.count("_") == group.count("_") and abs(len(name) - len(group)) < 3]
    return nearest(group, words, VERY_NEAR)


@rule(
    "I13",
    "error",
    "prometheus_ha_canary names a replica set or a mesh that there is.",
    prevents="A change that goes everywhere at once, although one set was to try it first.",
    source="the collection's operations guide",
)
def i13_canary(subject: Subject) -> t.Iterator[Problem]:
    known = {cohort.name for cohort in subject.topology.cohorts.values()}
    for host in {instance.name: instance for instance in subject.topology.instances}.values():
        name = host.options["prometheus_ha_canary"]
        if name and name not in known:
            near = nearest(str(name), sorted(known))
            do = f"did you mean {near!r}?" if near else f"name one of {', '.join(sorted(known - {''}))}."
            yield Problem(host.host.where("prometheus_ha_canary"), f"there is no replica set or mesh {name!r}.", do)


_GROUPS = tuple(option for option in COMMON if option.name == "prometheus_ha_groups")


RULES = (
    i01_readable,
    i02_types,
    i03_usable_endpoints,
    i04_known_variables,
    i05_known_keys,
    i06_groups_agree,
    i08_labels,
    i09_groups_have_hosts,
    i13_canary,
)
