# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Thanos components have in common: variables, ports, who is in one environment, and how one is rendered."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _environment
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import RESTART, WRITE, Effect
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._objstore import ENVIRONMENT, OBJSTORE_FILE
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _buckets, _common, _flags, _waves
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _modelled
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._spelling import nearest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Link, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port, url_path

VERSION = "0.42.4"
OUTSIDE = "Store APIs outside the inventory"
# The upstream release that has all of them, and the account that they run as. A sidecar runs as its Prometheus does.
RELEASE = ACCOUNT = "thanos"

# One binary is all of Thanos, so its version is one variable; a group may set another for its hosts.
_RELEASE = tuple(
    option
    for option in _common.role_options("thanos", version=VERSION, port=0)
    if option.name in ("thanos_version", "thanos_checksum")
)
SHARED: tuple[Option, ...] = _RELEASE
OBJSTORE = Option(
    "thanos_objstore_config",
    "dict",
    "The object store, as Thanos documents it: C({type, config, prefix}). Sidecars, rulers and receivers upload their "
    "blocks to it where it is set; store gateways and compactors need it. Keep its keys in a vault.",
    keys=_buckets.KEYS,
    secret=True,
    shared=True,
)
OBJSTORE_ENVIRONMENT = Option(
    "thanos_objstore_environment",
    "dict",
    "Environment variables of whatever uses the object store, its try by the preflight included: C(HTTPS_PROXY), "
    "C(AWS_*), C(GOOGLE_APPLICATION_CREDENTIALS) and what else a provider's client reads. Kept in a file for root and "
    "the component's group.",
    default={},
    secret=True,
    shared=True,
)
BUCKET: tuple[Option, ...] = (OBJSTORE, OBJSTORE_ENVIRONMENT)
TENANTS = Option(
    "thanos_tenants",
    "list",
    "The tenants that remote write may name, of a hashring's ingestors: its own.",
    elements="str",
    shown_default="any that no other hashring has",
    shared=True,
)
# What the playbooks bucket_*.yml take; they run beside a compactor, else beside a store gateway.
BUCKET_TOOLS: tuple[Option, ...] = (
    Option(
        "thanos_bucket_replicate_to",
        "dict",
        "C(bucket_replicate.yml): the bucket that takes the copy, of the shape of O(thanos_objstore_config). Keep its "
        "keys in a vault.",
        keys=_buckets.KEYS,
        secret=True,
    ),
    Option(
        "thanos_bucket_replicate_rpo",
        "str",
        "C(bucket_replicate.yml): how old the newest sample of a stream of this inventory may be in the copy; above it "
        "the run fails.",
    ),
    Option(
        "thanos_bucket_verify_issues",
        "list",
        "C(bucket_verify.yml): what is looked for. V(index_known_issues) downloads the index of every block.",
        elements="str",
        default=["overlapped_blocks", "duplicated_compaction"],
        choices=("overlapped_blocks", "duplicated_compaction", "index_known_issues"),
    ),
    *(
        Option(
            f"thanos_bucket_retention_{name}",
            "str",
            f"C(bucket_retention.yml): how long {what} are kept this time; V(0d) is for ever.",
            shown_default=f"O(thanos_compact_retention_{name})",
        )
        for name, what in (("raw", "raw samples"), ("5m", "samples of 5 minutes"), ("1h", "samples of an hour"))
    ),
    Option(
        "thanos_bucket_delete_delay",
        "str",
        "C(bucket_cleanup.yml): how long a block stays once it is marked for deletion, this time.",
        shown_default="O(thanos_compact_delete_delay)",
    ),
)
# The variables that no single Thanos component owns.
TABLE: tuple[Option, ...] = (*SHARED, *BUCKET, TENANTS, *BUCKET_TOOLS)


def role_options(
    role: str, *, port: int, grpc_port: int | None = None, data_dir: str | None = None, web: bool = False
) -> tuple[Option, ...]:
    """The rows that every Thanos component has, under its role's prefix.

    :param grpc_port: the default of its gRPC port; None: it has none.
    :param data_dir: the default of its data folder; None: it keeps nothing.
    :param web: it has pages for people, whose path can be chosen.
    """
    left_out = {f"{role}_version", f"{role}_checksum"}
    if not web:
        left_out |= {f"{role}_external_url", f"{role}_route_prefix"}
    rows = [option for option in _common.role_options(role, version=VERSION, port=port) if option.name not in left_out]
    if data_dir is None:  # nothing is replayed
        rows = [
            dataclasses.replace(option, description="Seconds a start may take.", default=120)
            if option.name == f"{role}_start_timeout"
            else option
            for option in rows
        ]
    if grpc_port is not None:
        rows += [
            Option(
                f"{role}_grpc_listen_address", "str", "The address the gRPC endpoint listens on.", default="0.0.0.0"
            ),
            Option(f"{role}_grpc_port", "int", "The port of the gRPC endpoint.", default=grpc_port, shared=True),
        ]
    if data_dir is not None:
        rows.append(Option(f"{role}_data_dir", "str", "The data folder.", default=data_dir))
    return tuple(rows)


def ports(instance: Instance) -> list[_base.Port]:
    """HTTP, and gRPC, remote write and Cap'n Proto where the component has them."""
    name = instance.kind.name
    return [
        (instance.opt(f"{prefix}port"), "tcp", instance.opt(f"{prefix}listen_address"), f"{name}_{prefix}port")
        for prefix in ("", "grpc_", "remote_write_", "capnproto_")
        if f"{name}_{prefix}port" in instance.options
    ]


def grpc_endpoint(instance: Instance) -> str:
    """``host:port`` at which peers reach the gRPC endpoint. :raises HAError: when a part of it is not usable."""
    return host_port(instance.address, instance.port("grpc_port"), instance.where("grpc_port"))


def grpc_endpoints(instance: Instance, topology: Topology) -> list[str]:
    """As :func:`grpc_endpoint`, and where it still answers until it has moved."""
    where = instance.where("grpc_port")
    return [host_port(instance.address, port, where) for port in topology.grpc_ports(instance)]


def bucket(instance: Instance) -> _buckets.Bucket | None:
    """The bucket of an instance, if it has one. :raises HAError: with the variable, when it can't be read."""
    config = instance.options["thanos_objstore_config"]
    return _buckets.bucket(config, instance.host.where("thanos_objstore_config")) if config else None


def usable_bucket(instance: Instance) -> _buckets.Bucket | None:
    """As :func:`bucket`; none where it can't be read, which T22 tells."""
    try:
        return bucket(instance)
    except HAError:
        return None


def of_bucket(topology: Topology, kind: str) -> dict[_buckets.Bucket, list[Instance]]:
    """The instances of a component by their bucket, whatever their environments."""
    found: dict[_buckets.Bucket, list[Instance]] = {}
    for instance in topology.of(kind):
        place = usable_bucket(instance)
        if place is not None:
            found.setdefault(place, []).append(instance)
    return found


def bucket_links(cohort: Cohort, verb: str) -> list[Link]:
    """A cohort's connection to its bucket."""
    found = usable_bucket(cohort.instances[0])
    return [Link(cohort, verb, found.title, (found.title,))] if found else []


def store_api_links(cohort: Cohort, topology: Topology, *names: str) -> list[Link]:
    """What a cohort asks by the Store API: every member of some components of its environment."""
    return [
        Link(cohort, "queries", target, tuple(map(grpc_endpoint, target.instances)))
        for target in _modelled.of_environment(topology, cohort.environment, *names)
    ]


def query_links(cohort: Cohort, topology: Topology) -> list[Link]:
    """What a cohort asks by HTTP: the queriers of its environment."""
    queriers = _modelled.of_environment(topology, cohort.environment, "thanos_query")
    return [_modelled.link(cohort, "queries", target) for target in queriers]


def labels(instance: Instance, name: str) -> dict[str, str]:
    """The labels that tell a ruler's or a receiver's cohort from all other producers, without the replica label.

    :param name: of the one label that stands there where the inventory sets none.
    """
    given: t.Mapping[str, t.Any] | None = instance.opt("labels")
    if given is None:
        return {name: f"{instance.cohort[1]}-{instance.cohort[2]}"}
    return {str(key): str(value) for key, value in given.items()}


class Row(t.NamedTuple):
    """A flag of the command line.

    :param option: the component's own option that it renders, or another variable's full name.
    :param value: as _flags.command_line_flags takes it; LEFT_OUT: the flag is not given.
    """

    flag: str
    option: str
    value: t.Any


LEFT_OUT: list[str] = []


def given(value: t.Any) -> t.Any:
    """The value of a flag that is left out where the inventory sets none."""
    return LEFT_OUT if value is None else value


@dataclasses.dataclass(frozen=True)
class Text:
    """A file below the component's configuration folder.

    :param source: the inventory variable that it comes from.
    :param data: what of it may hold secrets under their keys.
    """

    path: str
    content: str
    source: str
    data: t.Any = None

    @property
    def reread(self) -> bool:
        """Whether the process notices by itself that it changed."""
        return self.path in REREAD


# In any case of letters (thanos pkg/queryfrontend/config.go, pkg/store/cache/factory.go).
CACHES = ("IN-MEMORY", "MEMCACHED", "REDIS")
# A file that is read at the start alone takes a restart; these are looked at again (thanos: file_sd, hashrings).
REREAD = ("endpoints.yml", _waves.HASHRINGS)
EFFECTS = (
    *(Effect(path, WRITE) for path in REREAD),
    Effect("rules/*", "reload"),
    *(
        Effect(f"--{flag}", RESTART, part="port", breaks="clients")
        for flag in ("http-address", "grpc-address", "remote-write.address")
    ),
    Effect("*", RESTART),
)


def folder(instance: Instance) -> str:
    """Where its files lie."""
    return f"/etc/{instance.kind.name}"


def yaml_file(path: str, data: t.Any, source: str) -> Text:
    """A file that Thanos reads as YAML."""
    return Text(path, _base.to_yaml(data), source, data)


def objstore_files(instance: Instance) -> list[Text]:
    """The object store's configuration and its client's environment, where there is one.

    :raises HAError: for an environment that can't be written.
    """
    config = instance.options["thanos_objstore_config"]
    if not config:
        return []
    source = OBJSTORE_ENVIRONMENT.name
    variables = instance.options[source]
    try:
        text = _environment.write(variables)
    except HAError as problem:
        raise HAError(problem.what, where=instance.host.where(source), do=problem.do) from problem
    environment = [Text(ENVIRONMENT, text, source, variables)] if variables else []
    return [yaml_file(OBJSTORE_FILE, config, OBJSTORE.name), *environment]


def objstore_row(instance: Instance) -> Row:
    """The flag that names it."""
    config = instance.options["thanos_objstore_config"]
    value = f"{folder(instance)}/{OBJSTORE_FILE}" if config else LEFT_OUT
    return Row("objstore.config-file", "thanos_objstore_config", value)


def cache(instance: Instance, option: str) -> t.Mapping[str, t.Any] | None:
    """A cache's configuration, where there is one. :raises HAError: when its type is none of Thanos'."""
    config: t.Mapping[str, t.Any] | None = instance.opt(option)
    if not config:
        return None
    kind = config.get("type")
    if str(kind).upper() not in CACHES:
        near = nearest(str(kind).upper(), CACHES)
        raise HAError(
            f"the cache's type is {kind!r}, which Thanos has not." if "type" in config else "the cache has no type.",
            where=instance.where(option),
            do=f"did you mean {near!r}?" if near else f"write one of {', '.join(CACHES)}.",
        )
    return config


def common_rows(instance: Instance) -> list[Row]:
    """The flags of every component."""
    rows = [Row("http-address", "port", _base.listen(instance))]
    if f"{instance.kind.name}_grpc_port" in instance.options:
        rows.append(Row("grpc-address", "grpc_port", _base.listen(instance, "grpc_")))
    return rows


def web_rows(instance: Instance) -> list[Row]:
    """The flags of one with pages for people."""
    external = url_path(instance.opt("external_url") or "", instance.where("external_url")).rstrip("/")
    return [
        Row("web.external-prefix", "external_url", external or LEFT_OUT),
        # The external prefix, where it is not given (thanos cmd/thanos/query.go).
        Row("web.route-prefix", "route_prefix", instance.prefix or ("/" if external else LEFT_OUT)),
    ]


def probe_url(instance: Instance) -> str:
    """Readiness and metrics lie at the root, whatever the prefix (thanos pkg/server/http)."""
    return instance.own_url[: -len(instance.prefix)] if instance.prefix else instance.own_url


def rendered(
    instance: Instance,
    command: str,
    rows: t.Sequence[Row],
    files: t.Sequence[Text] = (),
    *,
    user: str = ACCOUNT,
    data_dirs: t.Sequence[str] | None = None,
    shared_dirs: t.Sequence[str] = (),
    api: t.Mapping[str, t.Any] | None = None,
    check: t.Sequence[t.Sequence[str]] = (),
) -> dict[str, t.Any]:
    """A component's slice (docs/development.md).

    :param command: of the program.
    :param rows: flags beyond those that all have.
    :param data_dirs: by default its own data folder.
    :param api: what of the slice's ``api`` is other than for one that can only say that it is ready.
    :raises HAError: with the variable at fault.
    """
    name = instance.kind.name
    wanted: dict[str, t.Any] = {}
    owners: dict[str, str] = {}
    for row in (*common_rows(instance), *rows):
        wanted[row.flag] = row.value
        own = f"{name}_{row.option}"
        owners[row.flag] = own if own in instance.options else row.option
    # The same release is several components, each with flags of its own.
    table = "thanos_receive" if name == "thanos_receive_router" else name
    try:
        merged = _base.merge_flags(
            {flag: value for flag, value in wanted.items() if value is not LEFT_OUT}, instance.opt("extra_args"), owners
        )
        args = _flags.command_line_flags(merged, component=table, version=instance.version)
    except HAError as problem:
        raise HAError(problem.what, where=problem.where or instance.where("extra_args"), do=problem.do) from problem
    texts = [_base.file(text.path, text.content, text.source, masked=True) for text in files]
    # What is read at the start alone, nobody tells afterwards: this way, its unit does.
    at_start = [[text.path, text.content] for text in files if not (text.reread or text.path.startswith("rules/"))]
    environment = {"CONFIGURATION_SHA256": hashlib.sha256(repr(at_start).encode()).hexdigest()} if at_start else {}
    service = _base.service(
        instance,
        args=[command, *args],
        environment_files=[f"{folder(instance)}/{ENVIRONMENT}" for text in files if text.path == ENVIRONMENT],
        ports=ports(instance),
        user=user,
        environment=environment,
        data_dirs=data_dirs,
        shared_dirs=shared_dirs,
    )
    return {
        "release": _base.release(instance, links=[RELEASE]),
        "config": {
            "root": folder(instance),
            "owner": "root",
            "group": user,
            "files": texts,
            "check": [list(each) for each in check],
        },
        "service": service,
        "api": {
            "kind": "thanos",
            "url": probe_url(instance),
            "http": {},
            "timeout": instance.opt("start_timeout"),
            **(api or {}),
        },
        "expect": {},
        "secrets": _base.secrets(instance, [text.data for text in files], texts, service),
    }


def replica(instance: Instance) -> str:
    """A ruler's or a receiver's value of its replica label."""
    return str(instance.opt("replica") or instance.name)
