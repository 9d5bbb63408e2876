# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query balancer: HAProxy of the distribution beside a query frontend, which asks one address for all queriers."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _durations
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import (
    _base,
    _haproxy,
    _modelled,
    _thanos,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Group,
    Instance,
    Kind,
    Topology,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

NAME = "thanos_query_balancer"
DOWNSTREAM = Option(
    "thanos_query_frontend_downstream_url",
    "str",
    "What is asked: a querier, or a balancer of your own before several. Without a path, with which a frontend is "
    "never ready: that of queriers below a prefix is for a balancer to add, but for C(/-/ready).",
    shown_default="the environment's queriers, through HAProxy of the distribution on the loopback",
)
# What a frontend's rendering reads of it.
PLACE: tuple[Option, ...] = (
    Option(
        f"{NAME}_enabled",
        "bool",
        "Whether HAProxy of the distribution runs on the loopback of a frontend, and leads it to the queriers that are "
        "ready. Not beside one with O(thanos_query_frontend_downstream_url).",
        default=True,
    ),
    _haproxy.state_option(NAME),
    Option(f"{NAME}_port", "int", "The balancer's port on the loopback.", default=10917),
)
OPTIONS: tuple[Option, ...] = (*PLACE, *_haproxy.unit_options(NAME))

_FRONTENDS_STATE = tuple(
    option
    for option in _thanos.role_options("thanos_query_frontend", port=10913)
    if option.name == "thanos_query_frontend_state"
)

KIND = Kind(
    name=NAME,
    title="Thanos Query balancer",
    groups=(Group("thanos_query_frontend"),),
    cohort="query balancers",
    cohort_variable=None,
    options=OPTIONS,
    enabled_by=f"{NAME}_enabled",
    enabled_unless=DOWNSTREAM.name,
    leaves_with="thanos_query_frontend_state",
    tier="thanos_query_frontend",
    borrowed=(DOWNSTREAM, *_FRONTENDS_STATE),
)
# Seconds between two looks at a querier; so many in a row that fail take it out, so many that don't bring it back.
CHECK_INTERVAL, FALL, RISE = 1, 2, 2


def target(frontend: Instance) -> str:
    """Where a frontend reaches it. :raises HAError: when the port is none."""
    where = frontend.host.where(f"{NAME}_port")
    return host_port(_haproxy.ADDRESS, frontend.options[f"{NAME}_port"], where)


def common_prefix(queriers: t.Sequence[Instance]) -> str:
    """The path below which all queriers answer. :raises HAError: when they differ, with the variable."""
    first = queriers[0].prefix if queriers else ""
    for querier in queriers:
        if querier.prefix != first:
            raise HAError(
                f"{querier.name} answers below {querier.prefix or '/'}, {queriers[0].name} below {first or '/'}, and "
                "frontends ask any of them the same.",
                where=querier.where("route_prefix"),
                do="give the queriers of an environment one thanos_query_route_prefix (by default the path of "
                "thanos_query_external_url).",
            )
    return first


def longest_query(queriers: t.Sequence[Instance]) -> int:
    """Seconds that a query may take, by the most patient querier; I07 tells what is no duration."""
    found = (_durations.known(querier.opt("timeout")) for querier in queriers)
    return math.ceil(max((one for one in found if one is not None), default=0) / _durations.SECOND)


def haproxy(queriers: t.Sequence[tuple[str, str]], bind: str, prefix: str, longest: int) -> str:
    """HAProxy's configuration: the queriers in turn; a query that one can't take any more is asked of the next.

    :param queriers: name and ``host:port`` of each.
    :param prefix: the path below which all of them answer queries. It is added here and not by the frontend, which
        would look for their readiness below it, too, where it is not (thanos cmd/thanos/query_frontend.go). Their own
        pages have it already.
    :param longest: seconds that a query may take.
    """
    has_it = f"{{ path /-/ready {prefix} }} || {{ path_beg {prefix}/ }}"
    below = [f"    http-request set-path {prefix}%[path] unless {has_it}"] if prefix else []
    lines = [
        *_haproxy.head(CHECK_INTERVAL, f"fall {FALL} rise {RISE}", longest),
        "frontend queries",
        f"    bind {bind}",
        "    monitor-uri /balancer/-/ready",
        "    default_backend queriers",
        "",
        "backend queriers",
        *below,
        "    balance roundrobin",
        "    http-check send meth GET uri /-/ready",
        "    retries 3",
        "    option redispatch 1",
        "    retry-on conn-failure empty-response 503",
        *(_haproxy.server(number, name, place) for number, (name, place) in enumerate(queriers)),
    ]
    return "\n".join([*lines, ""])


def _queriers(environment: str, topology: Topology) -> list[Instance]:
    found = _modelled.of_environment(topology, environment, "thanos_query")
    return [querier for cohort in found for querier in cohort.instances]


def render(instance: Instance, topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A balancer's slice. :raises HAError: with the variable at fault."""
    asked = _queriers(instance.environment, topology)
    queriers = [place for one in asked for place in _haproxy.places(one, topology)]
    bind = host_port(_haproxy.ADDRESS, instance.port(), instance.where("port"))
    text = haproxy(queriers, bind, common_prefix(asked), longest_query(asked))
    found = _haproxy.rendered(instance, text, "thanos_query_port")
    found["api"]["url"] += "/balancer"
    return found


COMPONENT = _base.Component(
    kind=KIND,
    ports=_haproxy.ports,
    render=render,
    effects=_haproxy.EFFECTS,
    package=_haproxy.PACKAGE,
)
