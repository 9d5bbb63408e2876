# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule package is: a function from who evaluates it, and where, to rule groups."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._spelling import nearest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Topology

RuleData = t.Dict[str, t.Any]
# (name, rules); a rule that is switched off is None.
Group = t.Tuple[str, t.Sequence[t.Optional[RuleData]]]

RUNBOOKS = "https://github.com/baremetal-prometheus-ha/prometheus_ha/blob/main/docs/runbooks"
SEVERITIES = ("critical", "warning", "none")
# The keys of prometheus_rule_package_options, and of each of its alerts.
KEYS = (
    "labels",
    "severities",
    "alerts",
    "runbook_url",
    "instance_labels",
    "http_requests",
    "http_duration",
    "http_code",
    "http_labels",
)
ALERT_KEYS = ("enabled", "for", "threshold", "labels")


@dataclasses.dataclass(frozen=True)
class Alert:
    """An alert of a package, as far as it is the same everywhere.

    :param severity: one of SEVERITIES.
    :param wait: its ``for``; "" fires at once.
    :param means: one sentence, for the documentation.
    :param threshold: where it begins to fire, in ``unit``; None: there is nothing to choose.
    """

    name: str
    severity: str
    wait: str
    means: str
    threshold: float | None = None
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Settings:
    """prometheus_rule_package_options, checked."""

    given: t.Mapping[str, t.Any]

    @classmethod
    def of(cls, prometheus: Instance, known: t.Mapping[str, Alert]) -> Settings:
        """:param known: every alert of every package, by name.

        :raises HAError: for what no package takes; I05 and I07 tell unknown keys and durations.
        """
        given = prometheus.opt("rule_package_options")
        problem = next(_problems(given, known), None)
        if problem:
            raise HAError(problem[0], where=prometheus.where("rule_package_options"), do=problem[1])
        return cls(given)

    def get(self, key: str, default: t.Any) -> t.Any:
        value = self.given.get(key)
        return default if value is None else value

    def of_alert(self, alert: Alert) -> t.Mapping[str, t.Any]:
        found: t.Mapping[str, t.Any] = self.get("alerts", {}).get(alert.name) or {}
        return found


def _problems(given: t.Mapping[str, t.Any], known: t.Mapping[str, Alert]) -> t.Iterator[tuple[str, str]]:
    for key in ("labels", "severities", "alerts"):
        if not isinstance(given.get(key) or {}, dict):
            yield f"{key} is no mapping", "write a mapping, or leave it out."
    for key in ("runbook_url", "http_requests", "http_duration", "http_code"):
        if not isinstance(given.get(key) or "", str):
            yield f"{key} is {given[key]!r} and no text", "write one, or leave it out."
    for key in ("instance_labels", "http_labels"):
        names = given.get(key) or []
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            yield f"{key} is no list of label names", "write a list, or leave it out."
    for severity in given.get("severities") or {}:
        if severity not in SEVERITIES:
            yield f"no alert has the severity {severity!r}", f"name {', '.join(SEVERITIES)}."
    for name, options in (given.get("alerts") or {}).items():
        yield from _problems_of_alert(str(name), options, known)


def _problems_of_alert(name: str, options: t.Any, known: t.Mapping[str, Alert]) -> t.Iterator[tuple[str, str]]:
    if name not in known:
        near = nearest(name, known)
        yield f"no package has an alert {name!r}", f"did you mean {near}?" if near else "see docs/rule-packages.md."
        return
    if not isinstance(options or {}, dict):
        yield f"{name} is no mapping", f"write {{{', '.join(ALERT_KEYS)}}}, each where it is wanted."
        return
    for key, value in (options or {}).items():
        if key not in ALERT_KEYS:
            near = nearest(str(key), ALERT_KEYS)
            listed = f"its keys are {', '.join(ALERT_KEYS)}"
            yield f"{name} has no {key!r}", f"write {near}; {listed}." if near else f"{listed}."
        elif key == "enabled" and not isinstance(value, bool):
            yield f"{name}: enabled is {value!r}", "write true or false."
        elif key == "threshold" and known[name].threshold is None:
            yield f"{name} has no threshold", "remove it."
        elif key == "threshold" and (isinstance(value, bool) or not isinstance(value, (int, float))):
            yield f"{name}: the threshold is {value!r}", f"write a number of {known[name].unit}."
        elif key == "labels" and not isinstance(value or {}, dict):
            yield f"{name}: labels is no mapping", "write a mapping, or leave it out."


@dataclasses.dataclass(frozen=True)
class Scene:
    """Who evaluates a package, and where."""

    prometheus: Instance
    topology: Topology
    settings: Settings

    def watched(self, component: str) -> list[Cohort]:
        """The sets or meshes of a component that it watches."""
        found = _watch.watched(self.prometheus, self.topology)
        return [cohort for cohort in found if cohort.kind.name == component]

    def threshold(self, alert: Alert, least: float = 0) -> str:
        """The user's, else the alert's own, but no less than what makes sense here; as PromQL has it."""
        own = self.settings.of_alert(alert).get("threshold")
        return f"{max(alert.threshold or 0, least) if own is None else own:.12g}"

    def alert(
        self, alert: Alert, expr: str, summary: str, labels: t.Mapping[str, str] | None = None
    ) -> RuleData | None:
        """An alerting rule; None where it is switched off.

        :param summary: a template, in which $labels are those of the expression alone.
        :param labels: those that the expression does not give.
        """
        options = self.settings.of_alert(alert)
        if options.get("enabled") is False:
            return None
        wait = str(alert.wait if options.get("for") is None else options["for"])
        severity = self.settings.get("severities", {}).get(alert.severity, alert.severity)
        own = {name: literal(value) for name, value in (labels or {}).items()}
        runbooks = str(self.settings.get("runbook_url", RUNBOOKS)).rstrip("/")
        return {
            "alert": alert.name,
            "expr": expr.strip(),
            **({"for": wait} if wait else {}),
            "labels": {
                "severity": severity,
                **own,
                **self.settings.get("labels", {}),
                **(options.get("labels") or {}),
            },
            "annotations": {"summary": summary, "runbook_url": f"{runbooks}/{alert.name}.md"},
        }


def literal(text: str) -> str:
    """A text within a label or an annotation of a rule, where {{ begins a template."""
    return text.replace("{{", '{{ "{{" }}')


@dataclasses.dataclass(frozen=True, eq=False)
class Package:
    """A rule package.

    :param about: one sentence, for the documentation.
    :param groups: its rule groups; none where there is nothing to say, as of federation where nobody federates.
    :param includes: the names of the packages that come with it.
    """

    name: str
    about: str
    groups: t.Callable[[Scene], t.Iterable[Group]]
    alerts: tuple[Alert, ...] = ()
    includes: tuple[str, ...] = ()


def quoted(text: str) -> str:
    """A text as a string of PromQL."""
    return json.dumps(text, ensure_ascii=False)


def of(component: str, cohort: Cohort | None = None) -> str:
    """The matchers of a component's series, or of one set or mesh of it, without braces."""
    group = "" if cohort is None else f", {_watch.GROUP}={quoted(cohort.name)}"
    return f"{_watch.COMPONENT}={quoted(component)}{group}"


def record(name: str, expr: str) -> RuleData:
    return {"record": name, "expr": expr}
