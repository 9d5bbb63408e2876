# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about Thanos Receive: hashrings, their copies, and routers."""

from __future__ import annotations

import contextlib
import fnmatch
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _remote_write, _waves
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _thanos, thanos_receive
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology

_HASHRINGS = "thanos_receive_hashrings"
_FACTOR = "thanos_receive_replication_factor"
_TENANTS = "thanos_tenants"


def _by_environment(topology: Topology) -> dict[str, list[Instance]]:
    """Routers and ingestors, which share hashrings."""
    found: dict[str, list[Instance]] = {}
    for instance in topology.of("thanos_receive", "thanos_receive_router"):
        found.setdefault(instance.environment, []).append(instance)
    return found


def _sizes(subject: Subject, members: list[Instance]) -> list[tuple[str, int]]:
    """The hashrings of an environment, and how many ingestors each has."""
    given = members[0].options[_HASHRINGS]
    if given is not None:
        return [
            (str(ring.get("hashring") or number), len(thanos_receive.endpoints(ring)))
            for number, ring in enumerate(given, 1)
        ]
    rings: dict[str, int] = {}
    for member in members:
        if member.kind.name == "thanos_receive":
            cohort = subject.topology.cohort(member)
            rings[cohort.name] = len(cohort.instances)
    return list(rings.items())


def quorum(factor: int) -> int:
    """How many copies make a write good. Source: thanos pkg/receive/handler.go, writeQuorum; 2 by thanos#7669."""
    return 1 if factor == 2 else factor // 2 + 1


@rule(
    "T11",
    "error",
    "A hashring has at least as many ingestors as copies are made, routers and ingestors make as many, and writes go "
    "on without one ingestor (two copies, or three and more; not one, where there are several ingestors).",
    prevents="Remote write that is refused with 503, at once or when the first ingestor is restarted.",
    source="thanos pkg/receive/hashring.go and handler.go; https://github.com/thanos-io/thanos/issues/7669",
)
def t11_copies_and_quorum(subject: Subject) -> t.Iterator[Problem]:
    for members in _by_environment(subject.topology).values():
        first = members[0]
        for member in members:
            if member.options[_FACTOR] != first.options[_FACTOR]:
                yield Problem(
                    member.host.where(_FACTOR),
                    f"it is {_said(member)} for {member.name} and {_said(first)} for {first.name}.",
                    "set it for all routers and ingestors at once.",
                )
        for name, size in _sizes(subject, members):
            factor = thanos_receive.replication_factor(first, size)
            if not size:
                yield Problem(
                    first.host.where(_HASHRINGS),
                    f"the hashring {name} has no ingestor.",
                    "list its endpoints, each as <host>:<gRPC port>, or leave the variable out.",
                )
            elif factor > size or factor < 1:
                what = f"{factor} copies are wanted of each series, and the hashring {name} has {size} ingestors."
                yield Problem(first.host.where(_FACTOR), what, f"write a number from 1 to {size}, or add ingestors.")
            elif size > 1 and factor - quorum(factor) < 1:
                yield Problem(
                    first.host.where(_FACTOR),
                    f"with {factor} cop{'y' if factor == 1 else 'ies'} a write needs {quorum(factor)}, so the hashring "
                    f"{name} of {size} ingestors stops when one of them does.",
                    "write 3, or 2 where there are two ingestors.",
                )


def _said(instance: Instance) -> str:
    given = instance.options[_FACTOR]
    return "not set" if given is None else str(given)


@rule(
    "T12",
    "error",
    "Hashrings use ketama, and say so where they are given by hand; they are the same for all routers and ingestors, "
    "and by hand name every ingestor as it names itself, and no router. Each takes tenants of its own, the same for "
    "all of its ingestors, but for the last one, which may take whatever is left.",
    prevents="Series that move to other ingestors with each change, writes that go round in circles, and hashrings "
    "that get nothing, or only what some routers hand them.",
    source="thanos docs/components/receive.md, hashrings and routing receive; pkg/receive/hashring.go, multiHashring",
)
def t12_hashrings_agree(subject: Subject) -> t.Iterator[Problem]:
    for members in _by_environment(subject.topology).values():
        first = members[0]
        written: str | None = None
        for member in members:
            yield from _algorithms(member)
            text = _file(member, subject)
            written = written or text
            if member.options[_HASHRINGS] != first.options[_HASHRINGS] or text not in (None, written):
                yield Problem(
                    member.host.where(_HASHRINGS),
                    f"{member.name} and {first.name} have different hashrings.",
                    "set them for all routers and ingestors at once.",
                )
        if first.options[_HASHRINGS] is not None:
            yield from _membership(
                members, {each for ring in first.options[_HASHRINGS] for each in thanos_receive.endpoints(ring)}
            )
        else:
            yield from _said_tenants(members, subject.topology)
        yield from _left_nothing(first, subject.topology)


def _file(member: Instance, subject: Subject) -> str | None:
    """The hashrings as they are rendered; None of an ingestor behind routers, and where they can't be (I03)."""
    files = (subject.rendered(member) or {"config": {"files": []}})["config"]["files"]
    return next((str(file["content"]) for file in files if file["path"] == _waves.HASHRINGS), None)


def _said_tenants(members: list[Instance], topology: Topology) -> t.Iterator[Problem]:
    """Ingestors that want others than their hashring takes, and routers that want others than all hashrings take."""
    all_of: dict[str, set[str]] = {}
    for ingestor in (member for member in members if member.kind.name == "thanos_receive"):
        ring = topology.cohort(ingestor)
        first = ring.instances[0]
        taken = all_of.setdefault(ring.name, set(thanos_receive.tenants(ring)))
        given = set(map(str, ingestor.options[_TENANTS] or ()))
        if given != taken:
            yield Problem(
                ingestor.host.where(_TENANTS),
                f"it is {_listed(given)} for {ingestor.name} and {_listed(taken)} for {first.name}, and both are of "
                f"{ring.title}.",
                "set it for all ingestors of the hashring at once.",
            )
    taken = set().union(*all_of.values()) if all(all_of.values()) else set()
    for router in (member for member in members if member.kind.name == "thanos_receive_router"):
        given = set(map(str, router.options[_TENANTS] or ()))
        if given and all_of and given != taken:
            yield Problem(
                router.host.where(_TENANTS),
                f"it is {_listed(given)} for {router.name}, and the hashrings take {_listed(taken)}, as their "
                "ingestors say.",
                "leave it out for routers, and set it for ingestors.",
            )


def _listed(tenants: t.Iterable[str]) -> str:
    return ", ".join(sorted(tenants)) or "any tenant"


def _left_nothing(member: Instance, topology: Topology) -> t.Iterator[Problem]:
    """Hashrings that get less than they seem to, since Thanos asks them in turn."""
    owners: dict[str, str] = {}
    rest = ""
    with contextlib.suppress(HAError):  # I03 says it
        rings = thanos_receive.hashrings(member, topology)
        firsts = {
            one.name: one.instances[0]
            for one in topology.cohorts_of("thanos_receive")
            if one.environment == member.environment
        }
        for number, ring in enumerate(rings, 1):
            name = str(ring.get("hashring") or number)
            by_hand = member.options[_HASHRINGS] is not None
            where = member.host.where(_HASHRINGS) if by_hand else firsts[name].host.where(_TENANTS)
            wanted = _wanted(ring)
            twice = [tenant for tenant in wanted if tenant in owners]
            if rest:
                yield Problem(
                    where,
                    f"the hashring {rest} comes first, has no tenants and takes whatever no other took: {name} gets "
                    "nothing.",
                    "give tenants to all hashrings but one, which is the last.",
                )
            elif twice:
                yield Problem(
                    where,
                    f"the hashring {owners[twice[0]]} comes first and has {', '.join(twice)}, too: {name} gets nothing "
                    "of them.",
                    "give each tenant to one hashring.",
                )
            owners.update({tenant: name for tenant in wanted if tenant not in owners})
            rest = rest or ("" if wanted else name)


def _wanted(ring: t.Mapping[str, t.Any]) -> list[str]:
    """The tenants of a hashring as Thanos' file has it; none: all."""
    given = ring.get("tenants")
    return [str(each) for each in given] if isinstance(given, list) else []


def _algorithms(member: Instance) -> t.Iterator[Problem]:
    variable = "thanos_receive_hashring_algorithm"
    if member.options[variable] != "ketama":
        what = "hashmod moves most series to other ingestors whenever one comes or goes."
        yield Problem(member.host.where(variable), what, "write ketama, or leave it out.")
    for number, ring in enumerate(member.options[_HASHRINGS] or [], 1):
        if ring.get("algorithm") != "ketama":
            yield Problem(
                member.host.where(_HASHRINGS),
                f"the hashring {ring.get('hashring') or number} has the algorithm {ring.get('algorithm')!r}.",
                "write algorithm: ketama.",
            )


def _membership(members: list[Instance], endpoints: set[str]) -> t.Iterator[Problem]:
    """Ingestors that the given hashrings lack, and routers that are in them."""
    for member in members:
        ingests = member.kind.name == "thanos_receive"
        try:
            own = thanos_receive.local_endpoint(member) if ingests else _thanos.grpc_endpoint(member)
        except HAError:
            continue  # I03 says so
        if ingests and own not in endpoints:
            yield Problem(
                member.where("local_endpoint"),
                f"no hashring has the ingestor {own}, so it takes nothing.",
                f"add it to {_HASHRINGS}, or correct thanos_receive_local_endpoint.",
            )
        elif not ingests and own in endpoints:
            what = f"a hashring has the router {own}, which keeps nothing."
            yield Problem(member.host.where(_HASHRINGS), what, "list ingestors alone.")


@rule(
    "T20",
    "error",
    "Routers have ingestors in their environment, or hashrings that name some.",
    prevents="Remote write that nobody takes.",
    source="thanos docs/components/receive.md, routing receive",
)
def t20_ingestors_to_write_to(subject: Subject) -> t.Iterator[Problem]:
    for members in _by_environment(subject.topology).values():
        kinds = {member.kind.name for member in members}
        for router in members if "thanos_receive" not in kinds else []:
            if not router.options[_HASHRINGS]:
                yield Problem(
                    router.host.where(_HASHRINGS),
                    f"the environment {router.environment!r} has no ingestor for {router.name} to write to.",
                    "put hosts into thanos_receive.",
                )


# Flags by which a receiver finds the tenant in another way than by the usual header.
_OTHER_WAYS = {"receive.tenant-header", "receive.tenant-certificate-field", "receive.split-tenant-label-name"}
_HEADER = "thanos-tenant"


@rule(
    "T26",
    "error",
    "Every tenant that a Prometheus of the inventory writes as is one that a hashring takes.",
    prevents="Remote write that is answered with 500 (no matching hashring to handle tenant) for ever.",
    source="thanos pkg/receive/hashring.go, multiHashring; pkg/tenancy/tenancy.go, GetTenantFromHTTP",
)
def t26_tenants_are_taken(subject: Subject) -> t.Iterator[Problem]:
    routed = {router.environment for router in subject.topology.of("thanos_receive_router")}
    rings: dict[str, list[dict[str, t.Any]]] = {}
    for writer in subject.topology.of("prometheus"):
        for endpoint in _remote_write.endpoints(writer, subject.topology):
            receiver = endpoint.receiver.instances[0] if endpoint.receiver else None
            if receiver is None or not receiver.kind.name.startswith("thanos_receive"):
                continue
            # Behind routers an ingestor takes whatever comes.
            behind = receiver.kind.name == "thanos_receive" and receiver.environment in routed
            if behind or _OTHER_WAYS & {str(flag).lstrip("-") for flag in receiver.opt("extra_args")}:
                continue
            if receiver.environment not in rings:
                rings[receiver.environment] = []
                with contextlib.suppress(HAError):  # I03 says it
                    rings[receiver.environment] = thanos_receive.hashrings(receiver, subject.topology)
            there = rings[receiver.environment]
            named = _named_tenant(endpoint.config)
            tenant = named or str(receiver.options["thanos_receive_default_tenant"])
            if there and not any(_takes(ring, tenant) for ring in there):
                made = endpoint.config not in writer.opt("remote_write")
                yield Problem(
                    writer.where("receive_tenant") if made else endpoint.where,
                    f"it writes as the tenant {tenant}{'' if named else ' (thanos_receive_default_tenant)'}, and the "
                    f"hashrings of the environment {receiver.environment!r} take "
                    f"{_listed({each for ring in there for each in _wanted(ring)})}.",
                    "write as one of them, or add it to the thanos_tenants of a hashring's ingestors.",
                )


def _named_tenant(config: t.Mapping[str, t.Any]) -> str:
    """The tenant that a remote write names; "" for none."""
    headers = config.get("headers")
    given = headers.items() if isinstance(headers, t.Mapping) else ()
    return next((str(value) for name, value in given if str(name).lower() == _HEADER and value), "")


def _takes(ring: t.Mapping[str, t.Any], tenant: str) -> bool:
    wanted = _wanted(ring)
    if ring.get("tenant_matcher_type") == "glob":
        return not wanted or any(fnmatch.fnmatchcase(tenant, each) for each in wanted)
    return not wanted or tenant in wanted


RULES = (t11_copies_and_quorum, t12_hashrings_agree, t20_ingestors_to_write_to, t26_tenants_are_taken)
