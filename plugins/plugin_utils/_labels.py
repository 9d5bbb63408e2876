# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""External labels: what tells a replica set, and within it a replica, apart."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import parse_version

# Prometheus' legacy label names (model.LabelName.IsValidLegacy).
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# The one reserved name with a use as an external label: the HA tracker of Mimir and Cortex asks for it.
_TRACKER = "__replica__"


def _name_problem(name: object) -> str:
    if not isinstance(name, str):
        return f"the label name {name!r} is not text"
    if not name:
        return "a label name is empty"
    if not _NAME.fullmatch(name):
        return (
            f"the label name {name!r} holds characters other than letters, digits and _, or begins with a digit "
            "(Prometheus 3 itself would take it, but Thanos, federation and Alertmanager's matchers all see this label)"
        )
    if name.startswith("__") and name != _TRACKER:
        return f"the label name {name!r} is reserved for internal use, as all with __ in front"
    return ""


def check_name(name: object, where: str) -> None:
    """:raises HAError: for what can't be the name of an external label."""
    if why := _name_problem(name):
        raise HAError(f"{why[0].upper()}{why[1:]}.", where=where, do="Correct the name.")


def _value_problem(name: object, value: object, escapes: bool) -> str:
    if not isinstance(value, str):
        return f"the value of {name!r} is {value!r} and not text: quote it"
    if not value:
        return f"the value of {name!r} is empty, which is the same as no label"
    if escapes and "$" in value.replace("$$", ""):
        return f"the value {value!r} of {name!r} holds a lone $: a literal $ must be written $$"
    return ""


def refused(labels: t.Any, legacy: bool, *, metric_name: bool = True) -> t.Iterator[str]:
    """Why Prometheus would refuse the labels of a target or rule, as promtool's checks do (seen in 2.53.3 and 3.5.3).

    Numbers and booleans are taken as text; lists and mappings are not.

    :param legacy: Prometheus 2, whose names are ASCII; 3 takes any but the empty one.
    :param metric_name: whether ``__name__`` may be one of them: not in a rule.
    """
    if labels is None:
        return
    if not isinstance(labels, t.Mapping):
        yield f"labels are a mapping of names to values, not {labels!r}"
        return
    for name, value in labels.items():
        text = str(name)
        if not text:
            yield "a label's name is empty"
        elif legacy and not _NAME.fullmatch(text):
            yield f"Prometheus 2 has no label name {text!r}: letters, digits and _ only, no digit in front"
        elif text == "__name__" and not metric_name:
            yield "__name__ is the metric's name and no label of a rule"
        if isinstance(value, (t.Mapping, list, tuple)):
            yield f"the value of {text!r} is a list or mapping and not text"


def external_labels(
    labels: t.Mapping[str, t.Any],
    replica_label: str,
    replica: str,
    version: object = None,
    escape_dollar: bool = False,
    where: str = "",
) -> dict[str, str]:
    """The full external labels of one replica, sorted by name.

    Prometheus expands ``$x`` in external labels from its environment, by default since 3.0 (its migration guide), so
    there a literal ``$`` is written ``$$``; Prometheus 2 takes the text as it stands.

    :param labels: the labels that all replicas of the set share.
    :param version: Prometheus' version; None: 3 or later.
    :param escape_dollar: take the values as literal text and double each ``$`` where this version needs it.
    :param where: the inventory path for the error.
    :raises HAError: names every label at fault.
    """
    if not isinstance(labels, t.Mapping):
        raise HAError(f"The external labels are {labels!r}.", where=where, do="Write a mapping of names to values.")
    expands = version is None or parse_version(version, where).major >= 3
    problems = [_name_problem(name) for name in labels]
    if replica_label in labels:
        problems.append(f"the external label {replica_label!r} is the replica label, which each replica sets itself")
    if _name_problem(replica_label):
        problems.append(f"as the replica label {_name_problem(replica_label)}")
    full = {**labels, replica_label: replica}
    problems += [_value_problem(name, value, expands and not escape_dollar) for name, value in full.items()]
    found = [problem for problem in problems if problem]
    if found:
        what = "; ".join(found)
        raise HAError(f"{what[0].upper()}{what[1:]}.", where=where, do="Correct the external labels.")
    escape = expands and escape_dollar
    return {name: full[name].replace("$", "$$") if escape else full[name] for name in sorted(full)}


def replica_label_of(prometheus: Instance) -> str:
    """The name of the label that tells the replicas of a Prometheus' set apart."""
    return str(prometheus.opt("replica_label") or prometheus.options["prometheus_ha_replica_label"])


def shared_labels(prometheus: Instance) -> dict[str, str]:
    """The external labels that a Prometheus' whole set shares, as others see them: Prometheus 3 reads $$ as $ (P09)."""
    dollar = "$" if str(prometheus.opt("version")).startswith("2.") else "$$"
    return {str(name): str(value).replace(dollar, "$") for name, value in prometheus.opt("external_labels").items()}
