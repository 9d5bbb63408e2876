# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every component's file offers, and pieces that their renderers share."""

from __future__ import annotations

import dataclasses
import fnmatch
import pathlib
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import RESTART, Effect
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _secrets, _yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Instance,
    Kind,
    Link,
    Topology,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

# The file that has generation_rule.
GENERATION_FILE = "prometheus_ha_generation.yml"
MANAGED = "# Managed by baremetal.prometheus_ha; changes made here are overwritten.\n"

# Ports that are listened on: (port, protocol, address, the variable to change).
Port = t.Tuple[int, str, str, str]


class Files(t.Protocol):
    """The controller's files, injected: globs and decrypted text."""

    def find(self, pattern: str, folders: t.Sequence[str]) -> list[str]: ...

    def read(self, path: str) -> str: ...


@dataclasses.dataclass(frozen=True)
class Package:
    """What of the distribution a component runs, where it is no release of upstream.

    :param executable: absolute path.
    """

    name: str
    executable: str


@dataclasses.dataclass(frozen=True)
class Component:
    """A component: what the model knows of it (kind), and what its file says of an instance or a cohort.

    :param ports: what an instance listens on.
    :param links: what a cohort connects to.
    :param config: an instance's main configuration as data. :raises HAError: with the variable at fault.
    :param render: an instance's slice; None: it is checked and drawn, and no role rolls it out yet.
    :param effects: what a change of each of its files and flags takes, the first row that matches; of those that no row
        names, a file takes a reload and a flag a restart.
    :param back_to: the oldest version that surely opens what this instance's version writes; "" for any.
    :param package: the distribution's, which has no version here; None: a release that its version names.
    :param zone: an instance's failure domain, where all of one may be down at once; "" where each alone may.
    :param uploads: of one that leaves, what it must have uploaded before (the slice's ``uploads``); None: nothing.
    """

    kind: Kind
    ports: t.Callable[[Instance], list[Port]]
    links: t.Callable[[Cohort, Topology], list[Link]] = lambda _cohort, _topology: []
    config: t.Callable[[Instance, Topology, Files], dict[str, t.Any]] | None = None
    render: t.Callable[[Instance, Topology, Files], dict[str, t.Any]] | None = None
    effects: tuple[Effect, ...] = ()
    back_to: t.Callable[[Instance], str] = lambda _instance: ""
    package: Package | None = None
    zone: t.Callable[[Instance, Topology], str] = lambda _instance, _topology: ""
    uploads: t.Callable[[Instance], dict[str, str] | None] = lambda _instance: None


# Of every web endpoint: clients reach it by port, path, scheme and credentials.
WEB_EFFECTS = (
    Effect("--web.listen-address", RESTART, part="port", breaks="clients"),
    Effect("--web.route-prefix", RESTART, part="prefix", breaks="clients"),
    Effect("--web.external-url", RESTART, part="prefix", breaks="clients"),
    Effect("--web.config.file", RESTART, breaks="clients"),
)


def to_yaml(data: t.Any, *, width: int = _yaml.WIDTH) -> str:
    """Plain data as a managed YAML file, keys in the given order; no line is folded within ``width``."""
    return MANAGED + _yaml.dump(data, width=width)


def checksum(instance: Instance) -> dict[str, t.Any]:
    """<role>_checksum as options of the module release. :raises HAError: when it is of another shape."""
    variable = f"{instance.kind.release or instance.kind.name}_checksum"
    given = instance.options[variable]
    if given is None:
        return {}
    if isinstance(given, str):
        return {"checksum": given}
    if isinstance(given, dict) and all(isinstance(value, str) for value in given.values()):
        return {"checksums": given}
    raise HAError(
        "a checksum is a string, or a dict of architecture to string",
        where=instance.host.where(variable),
        do="write sha256 hex digits, or {amd64: ...}.",
    )


def release(instance: Instance, *, links: t.Sequence[str]) -> dict[str, t.Any]:
    """The slice's ``release``: options of the module release."""
    name = instance.kind.release or instance.kind.name
    return {
        "name": name,
        "version": instance.version,
        "source": instance.options["prometheus_ha_release_source"],
        "fetch": instance.options["prometheus_ha_release_fetch"],
        **checksum(instance),
        "checksum_from": f"{name}_checksum",
        "keep": instance.options["prometheus_ha_release_keep"],
        "links": list(links),
    }


def port_options(ports: t.Iterable[Port]) -> list[dict[str, t.Any]]:
    """The slice's ``ports`` of a service."""
    return [
        {"port": port, "protocol": protocol, "address": address, "variable": variable}
        for port, protocol, address, variable in ports
    ]


def service(
    instance: Instance,
    *,
    args: list[str],
    ports: list[Port],
    user: str = "",
    environment: t.Mapping[str, str] | None = None,
    environment_files: t.Sequence[str] = (),
    data_dirs: t.Sequence[str] | None = None,
    shared_dirs: t.Sequence[str] = (),
    host_ip_towards: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    """The slice's ``service``: options of the module service.

    :param user: and its group; by default of the component's name.
    :param environment_files: with further variables, which the unit itself would show to everybody.
    :param data_dirs: by default its own data folder.
    :param shared_dirs: data folders of another component of the host that it writes to as well.
    """
    name = instance.kind.name
    unit_options = dict(instance.opt("unit_options"))
    if environment_files:
        more = unit_options.get("EnvironmentFile") or []
        unit_options["EnvironmentFile"] = [*environment_files, *(more if isinstance(more, list) else [more])]
    return {
        "name": name,
        "user": user or name,
        "group": user or name,
        "executable": f"{{release}}/bin/{instance.kind.release or name}",
        "args": args,
        "environment": dict(environment or {}),
        "data_dirs": [instance.opt("data_dir")] if data_dirs is None else list(data_dirs),
        "shared_dirs": list(shared_dirs),
        "ports": port_options(ports),
        "unit_options": unit_options,
        "host_ip_towards": list(host_ip_towards),
        "start_timeout": instance.opt("start_timeout"),
    }


def file(path: str, content: str, source: str, *, masked: bool = False) -> dict[str, t.Any]:
    """One file of the slice, for root and the component's group.

    :param source: the inventory variable that an error in it is blamed on.
    :param masked: the values of its secret keys (password, token, url ...) are never shown.
    """
    return {"path": path, "content": content, "mode": "0640", "source": source, "masked": masked}


def generation_rule(generation: str) -> dict[str, t.Any]:
    """The rule file that shows in /api/v1/rules which rules (and configuration) a process has loaded."""
    rule = {"record": "ha_config_generation", "expr": "vector(1)", "labels": {"sha256": generation}}
    return {"groups": [{"name": "prometheus_ha_generation", "rules": [rule]}]}


def secrets(instance: Instance, data: t.Any, *rendered: t.Any) -> list[str]:
    """The slice's ``secrets``: of its configuration by their keys, and what came encrypted wherever it is rendered."""
    encrypted = _secrets.rendered(instance.host.secrets, data, *rendered)
    return sorted(_secrets.secret_values(data) | encrypted)


def read(instance: Instance, files: Files, option: str, path: str) -> str:
    """A file that an option names. :raises HAError: with the option, when it can't be read or decrypted."""
    try:
        return files.read(path)
    except HAError as problem:
        raise HAError(problem.what, where=instance.where(option), said=problem.said, do=problem.do) from problem


def copies(
    instance: Instance,
    files: Files,
    option: str,
    target: str,
    folders: t.Sequence[str],
    *,
    taken: t.Collection[str] = (),
) -> list[dict[str, t.Any]]:
    """Files of the controller (globs of an option) as files of the slice below ``target``.

    :param taken: names that the collection uses there itself.
    :raises HAError: for a pattern that matches nothing, for two files of one name and for one that can't be there.
    """
    found: dict[str, str] = {}
    for pattern in instance.opt(option):
        paths = files.find(pattern, folders)
        if not paths:
            raise HAError(
                f"{pattern!r} matches no file on the controller (looked in {', '.join(folders) or 'no folder'})",
                where=instance.where(option),
                do="correct the pattern; relative ones start from the inventory's and the playbook's folder.",
            )
        for path in paths:
            name = pathlib.PurePath(path).name
            why = "hidden files are not loaded" if name.startswith(".") else ""
            why = "the collection writes that file itself" if name in taken else why
            if why:
                what = f"{path} can't become {target}/{name}: {why}"
                raise HAError(what, where=instance.where(option), do="rename it.")
            if found.setdefault(name, path) != path:
                raise HAError(
                    f"two files would both become {target}/{name}: {found[name]} and {path}",
                    where=instance.where(option),
                    do="rename one of them.",
                )
    return [
        file(f"{target}/{name}", read(instance, files, option, path), f"{instance.kind.name}_{option}: {path}")
        for name, path in sorted(found.items())
    ]


def listen(instance: Instance, prefix: str = "") -> str:
    """``address:port`` for a flag, from <prefix>listen_address and <prefix>port. :raises HAError: with the bad one."""
    option = f"{prefix}listen_address"
    return host_port(instance.opt(option), instance.port(f"{prefix}port"), instance.where(option))


def merge(base: dict[str, t.Any], last: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """``last`` over ``base``: dicts merge, everything else is replaced."""
    merged = dict(base)
    for key, value in last.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, t.Mapping) else value
    return merged


def merge_flags(
    wanted: dict[str, t.Any], extra: t.Mapping[str, t.Any], owners: t.Mapping[str, str]
) -> dict[str, t.Any]:
    """The rendered flags and the user's: lists add up, a flag that has a variable of its own is refused.

    :param owners: by flag, the variable that renders it.
    :raises HAError: names every such flag.
    """
    merged = dict(wanted)
    taken: list[str] = []
    for given, value in extra.items():
        flag = str(given).lstrip("-")
        if isinstance(merged.get(flag), list):
            merged[flag] = [*merged[flag], *(value if isinstance(value, list) else [value])]
        elif flag in merged or flag in owners:
            taken.append(f"--{flag} has a variable of its own: set {owners.get(flag, 'that')}")
        else:
            merged[given] = value
    if taken:
        raise HAError("; ".join(taken), do="remove it from the extra flags.")
    return merged


def extra_arg(instance: Instance, flag: str) -> t.Any:
    """The value of a flag among <role>_extra_args, with dashes or without; None where it is not given."""
    return next((value for key, value in instance.opt("extra_args").items() if str(key).lstrip("-") == flag), None)


def reserved(given: t.Mapping[str, t.Any], paths: t.Mapping[str, str]) -> list[tuple[str, str]]:
    """Which of the dotted paths (patterns) a dict sets, with the variable that owns each."""
    flat: list[str] = []
    for key, value in given.items():
        flat.append(str(key))
        if isinstance(value, t.Mapping):
            flat += [f"{key}.{inner}" for inner in value]
    return [(path, owner) for pattern, owner in paths.items() for path in flat if fnmatch.fnmatchcase(path, pattern)]
