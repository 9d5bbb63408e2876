# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alertmanager's tree of routes, walked: what each route has of its own and by inheritance."""

from __future__ import annotations

import dataclasses
import typing as t

ALL = "..."  # group_by: every label


@dataclasses.dataclass(frozen=True)
class Route:
    """One route. The intervals are text, as Prometheus' durations are written.

    :param path: where it is in the configuration: ``route.routes[0]``.
    :param parent: the path of the route it inherits from; None: it is the root.
    :param group_by: the labels, or ``...`` alone for all of them.
    :param own: the settings that it has of itself rather than by inheritance.
    """

    path: str
    parent: str | None
    receiver: str
    group_by: tuple[str, ...]
    group_wait: str
    group_interval: str
    repeat_interval: str
    own: frozenset[str]


_INHERITED = ("receiver", "group_by", "group_wait", "group_interval", "repeat_interval")
_DEFAULT = Route("", None, "", (), "30s", "5m", "4h", frozenset())


def walk(config: t.Mapping[str, t.Any]) -> list[Route]:
    """Every route of a configuration, a parent before its children; of what is not a route, none.

    An empty ``group_by`` ends grouping, as since alertmanager#4825 (seen with 0.33.1; 0.28.1 inherits there).

    Source: alertmanager dispatch/route.go, DefaultRouteOpts and NewRoute.
    """
    found: list[Route] = []
    # A stack and no recursion: nobody bounds the depth of the tree.
    left: list[tuple[t.Any, str, Route]] = [(config.get("route"), "route", _DEFAULT)]
    while left:
        given, path, parent = left.pop()
        if not isinstance(given, t.Mapping):
            continue
        route = _route(given, path, parent)
        found.append(route)
        children = given.get("routes")
        if isinstance(children, list):
            left += reversed([(child, f"{path}.routes[{index}]", route) for index, child in enumerate(children)])
    return found


def _route(given: t.Mapping[str, t.Any], path: str, parent: Route) -> Route:
    own: dict[str, t.Any] = {name: str(given[name]) for name in _INHERITED if given.get(name) not in (None, "")}
    if "group_by" in own:
        labels = given["group_by"]
        own["group_by"] = tuple(str(label) for label in labels) if isinstance(labels, list) else ()
    return dataclasses.replace(parent, **own, path=path, parent=parent.path or None, own=frozenset(own))
