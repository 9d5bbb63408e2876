# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts about Thanos' rulers and receivers: what is evaluated and alerted, what is received and copied."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Group,
    RuleData,
    Scene,
    of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._thanos import (
    MEMBER,
    NO_QUERIER,
    PERCENT,
    RECEIVERS,
    of_any,
    share,
    watched,
)

SENDING = Alert(
    "ThanosRuleSenderIsFailingAlerts",
    "critical",
    "5m",
    "A ruler drops alerts: no Alertmanager takes them, or its queue is full.",
)
NO_EVALUATIONS = Alert(
    "ThanosNoRuleEvaluations", "critical", "5m", "A ruler has rules loaded, and evaluates none of them."
)
EVALUATIONS = Alert(
    "ThanosRuleHighRuleEvaluationFailures",
    "critical",
    "5m",
    "A ruler's evaluations fail, though a querier answers.",
    0.05,
    "share of evaluations",
)
RULE_RELOAD = Alert(
    "ThanosRuleConfigReloadFailure", "critical", "5m", "A ruler refused its rules, and evaluates those that it had."
)
REPLICATION = Alert(
    "ThanosReceiveHighReplicationFailures",
    "warning",
    "5m",
    "Copies from one receiver to the others fail, though all ingestors answer.",
    0.05,
    "share of copies",
)
HTTP = Alert(
    "ThanosReceiveHttpRequestErrorRateHigh",
    "critical",
    "5m",
    "A receiver refuses what is written to it by errors of its own (5xx): senders keep it, and fall behind.",
    0.05,
    "share of requests",
)
CONFIG = Alert(
    "ThanosReceiveConfigInconsistent",
    "critical",
    "10m",
    "Receivers have loaded different hashrings, so that they send the same series to different ingestors.",
)
RECEIVE_RELOAD = Alert(
    "ThanosReceiveConfigReloadFailure",
    "warning",
    "5m",
    "A receiver refused its hashrings, and goes by those that it had.",
)
ALERTS = (SENDING, NO_EVALUATIONS, EVALUATIONS, RULE_RELOAD, REPLICATION, HTTP, CONFIG, RECEIVE_RELOAD)

_RULE, _RECEIVE = of("thanos_rule"), of_any(*RECEIVERS)
_GROUPS = ("rule_group", "strategy")
_COHORT = f"without ({', '.join(_watch.OF_MEMBER)})"


def _rulers(scene: Scene) -> t.Iterator[RuleData | None]:
    yield scene.alert(
        SENDING,
        f"rate(thanos_alert_sender_alerts_dropped_total{{{_RULE}}}[5m]) > 0\nor\n"
        f"rate(thanos_alert_queue_alerts_dropped_total{{{_RULE}}}[5m]) > 0",
        f"The ruler {MEMBER} drops alerts",
    )
    evaluations = f"prometheus_rule_evaluations_total{{{_RULE}}}"
    loaded = f"sum without (file, group, strategy) (thanos_rule_loaded_rules{{{_RULE}}})"
    yield scene.alert(
        NO_EVALUATIONS,
        f"{loaded} > 0\nunless\nsum without ({', '.join(_GROUPS)}) (rate({evaluations}[5m])) > 0",
        f"The ruler {MEMBER} evaluates none of its {{{{ $value }}}} rules",
    )
    yield scene.alert(
        EVALUATIONS,
        share(f"prometheus_rule_evaluation_failures_total{{{_RULE}}}", evaluations, *_GROUPS)
        + f"\n> {scene.threshold(EVALUATIONS)}\nunless on () (\n{NO_QUERIER}\n)",
        f"The ruler {MEMBER} fails with {PERCENT} of its evaluations",
    )
    # A missed scrape must not end what was seen before it.
    yield scene.alert(
        RULE_RELOAD,
        f"last_over_time(thanos_rule_config_last_reload_successful{{{_RULE}}}[5m]) == 0",
        f"The ruler {MEMBER} refused its rules",
    )


def _receivers(scene: Scene) -> t.Iterator[RuleData | None]:
    copies = f"thanos_receive_replications_total{{{_RECEIVE}"
    yield scene.alert(
        REPLICATION,
        share(f'{copies}, result="error"}}', f"{copies}}}", "result")
        + f"\n> {scene.threshold(REPLICATION)}\nand\nthanos_receive_replication_factor{{{_RECEIVE}}} > 1\n"
        f"unless on () (\nup{{{of('thanos_receive')}}} == 0\n)",
        f"{PERCENT} of the copies from the receiver {MEMBER} to others fail",
    )
    written = f'http_requests_total{{{_RECEIVE}, handler="receive"'
    yield scene.alert(
        HTTP,
        share(f'{written}, code=~"5.."}}', f"{written}}}", "code", "handler", "method", "tenant")
        + f"\n> {scene.threshold(HTTP)}",
        f"The receiver {MEMBER} refuses {PERCENT} of what is written to it",
    )
    known = f"thanos_receive_config_hash{{{_RECEIVE}}}"
    yield scene.alert(
        CONFIG,
        f"max by ({_watch.COMPONENT}) ({known}) != min by ({_watch.COMPONENT}) ({known})",
        "Members of {{ $labels.ha_component }} have loaded different hashrings",
    )
    yield scene.alert(
        RECEIVE_RELOAD,
        f"last_over_time(thanos_receive_config_last_reload_successful{{{_RECEIVE}}}[5m]) == 0",
        f"The receiver {MEMBER} refused its hashrings",
    )


def groups(scene: Scene) -> t.Iterator[Group]:
    if scene.watched("thanos_rule"):
        yield "thanos_rule", list(_rulers(scene))
    if watched(scene, *RECEIVERS):
        yield "thanos_receive", list(_receivers(scene))
