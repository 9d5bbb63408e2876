# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of dashboards: their queries, with the variables written out as Grafana does where all are chosen."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._catalogue import DASHBOARDS
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import Choice, Dashboard

# Grafana's own are not among the templates.
_BUILT_IN = {"__rate_interval": "5m"}
# Of a choice without an expression for all of it, what its values look like.
_VALUES = {"job": "federate-.+"}
_USED = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))")


class Shown(t.NamedTuple):
    """A query of a panel, or of a variable."""

    uid: str
    title: str
    expr: str


def names_used(text: str) -> set[str]:
    """The variables that a text uses, without Grafana's own."""
    found = {braced or plain for braced, plain in _USED.findall(text)}
    return {name for name in found if not name.startswith("__")}


def written_out(board: Dashboard, expr: str) -> str:
    """:raises KeyError: for a variable that the dashboard does not have."""
    values = dict(_BUILT_IN)
    for variable in board.variables:
        if isinstance(variable, Choice):
            values[variable.name] = variable.everything or _VALUES[variable.name]
        else:
            values[variable.name] = variable.value
    return _USED.sub(lambda match: values[match[1] or match[2]], expr)


def queries() -> list[Shown]:
    """All queries of all dashboards, those of their variables included."""
    found: list[Shown] = []
    for board in DASHBOARDS:
        shown = [(panel.title, query.expr) for panel in board.panels for query in panel.queries]
        shown += [(variable.title, variable.series) for variable in board.variables if isinstance(variable, Choice)]
        found += [Shown(board.uid, title, written_out(board, expr)) for title, expr in shown]
    return found
