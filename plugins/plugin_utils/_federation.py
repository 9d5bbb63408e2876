# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who federates whom: the entries of prometheus_federate, how each is rendered, and jobs that are written by hand."""

from __future__ import annotations

import dataclasses
import fnmatch
import typing as t
import urllib.parse

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _balancer, _labels, _relabel, _versions
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._spelling import nearest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Link, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import (
    host_port,
    normal_prefix,
    split_host_port,
)

KEYS = (
    "replica_set",
    "url",
    "match",
    "mode",
    "address",
    "replica_label",
    "job_name",
    "scrape_interval",
    "scrape_timeout",
    "sample_limit",
    "scheme",
    "tls_config",
    "basic_auth",
    "authorization",
)
# How a source is spoken to, as Prometheus has it.
_SPEECH = ("tls_config", "basic_auth", "authorization")
# A guard, not a measure: a site's aggregates are some thousand series, and a selector that went wrong is far above.
SAMPLE_LIMIT = 10_000
MATCH = "match[]"

_PATH = "/federate"
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """One job of a Prometheus that federates.

    :param variable: the option that it is from: federate or scrape_configs.
    :param title: what people know it by.
    :param config: the scrape configuration, as Prometheus has it.
    :param sets: the replica sets of the inventory that it is known to take from.
    :param sources: the replicas that it scrapes one by one; none where it goes through an address that moves.
    :param complete: no further target can be among those that are not known here.
    :param balanced: it goes through the balancer on the host itself.
    """

    reader: Instance
    variable: str
    title: str
    config: t.Mapping[str, t.Any]
    sets: tuple[Cohort, ...]
    sources: tuple[Instance, ...]
    complete: bool = True
    balanced: bool = False

    @property
    def where(self) -> str:
        return self.reader.where(self.variable)

    @property
    def selectors(self) -> t.Any:
        """Its ``match[]``, whatever that is; None where there is none."""
        params = self.config.get("params")
        return params.get(MATCH) if isinstance(params, dict) else None

    @property
    def targets(self) -> list[str]:
        return [target["__address__"] for target in _static_targets(self.config)]


def federates(config: t.Mapping[str, t.Any]) -> bool:
    """Whether a scrape configuration is one of another Prometheus' /federate."""
    return str(config.get("metrics_path", "")).rstrip("/").endswith(_PATH)


def jobs(prometheus: Instance, topology: Topology) -> list[Job]:
    """All the jobs that federate; entries that can't be read are left out (F07 says why)."""
    return [*(job for job in entries(prometheus, topology) if isinstance(job, Job)), *_by_hand(prometheus, topology)]


def scrape_configs(prometheus: Instance, topology: Topology) -> list[dict[str, t.Any]]:
    """The entries of prometheus_federate as scrape configurations. :raises HAError: with what is wrong with the first.

    A shard does not narrow them: which replicas are scraped is what the entry says.
    """
    found: list[dict[str, t.Any]] = []
    for job in entries(prometheus, topology):
        if isinstance(job, HAError):
            raise job
        if problem := unaddressed(job):
            raise problem
        found.append(dict(job.config))
    return found


def expected(prometheus: Instance, topology: Topology, replica: t.Callable[[Instance], str]) -> dict[str, t.Any]:
    """The part of a slice's ``expect`` about federation; nothing where it does not federate.

    :param replica: a source's value of its replica label.
    :returns: ``federates``: by job that honors labels, and by ``host:port`` of those of its sources that are scraped
        one by one, the replica label that their series carry.
    """
    found: dict[str, dict[str, dict[str, str]]] = {}
    for job in jobs(prometheus, topology):
        if job.config.get("honor_labels") is True:
            kept = job.sources if job.variable == "federate" else ()
            found[str(job.config.get("job_name"))] = {
                host_port(source.address, source.port()): {_labels.replica_label_of(source): replica(source)}
                for source in kept
            }
    return {"federates": found} if found else {}


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """What a replica set federates: sets of the inventory, and URLs outside."""
    found: dict[t.Any, tuple[Cohort | str, list[str]]] = {}
    for job in jobs(cohort.instances[0], topology):
        known = {host_port(source.address, source.port()): source.cohort for source in job.sources}
        for target in job.targets:
            key = known.get(target) or (job.sets[0].instances[0].cohort if job.sets and not job.sources else None)
            end: Cohort | str = topology.cohorts[key] if key else "Prometheus outside the inventory"
            found.setdefault(key, (end, []))[1].append(target)
    return [Link(cohort, "federates", end, tuple(dict.fromkeys(targets))) for end, targets in found.values()]


def unaddressed(job: Job) -> HAError | None:
    """What is wrong with a sticky entry that has no address, where no balancer runs on the host itself."""
    if job.variable != "federate" or job.targets:
        return None
    return HAError(
        f"{job.title} is sticky and has no address.",
        where=job.where,
        do="set federation_balancer_enabled: true (its state being present), so that HAProxy on the host itself leads "
        "to one replica at a time; or its address: a balancer or virtual IP of your own that does; or use mode both.",
    )


def balanced(prometheus: Instance, topology: Topology) -> list[Cohort]:
    """The source sets that a Prometheus takes through the balancer on its own host, in the order of the entries."""
    found = [job for job in entries(prometheus, topology) if isinstance(job, Job) and job.balanced]
    return list({cohort.name: cohort for job in found for cohort in job.sets}.values())


def entries(prometheus: Instance, topology: Topology) -> list[Job | HAError]:
    """Each entry of prometheus_federate as a job, or what is wrong with it."""
    found: list[Job | HAError] = []
    taken = [str(config.get("job_name")) for config in prometheus.opt("scrape_configs")]
    for number, entry in enumerate(prometheus.opt("federate"), 1):
        reader = _Entry(prometheus, entry, number)
        try:
            job = reader.job(topology)
            if job.config["job_name"] in taken:
                raise reader.wrong(f"there is another job {job.config['job_name']!r}", "give it a job_name of its own.")
            taken.append(job.config["job_name"])
            found.append(job)
        except HAError as problem:
            found.append(problem)
    return found


@dataclasses.dataclass(frozen=True)
class _Entry:
    """One entry of prometheus_federate."""

    prometheus: Instance
    given: t.Mapping[str, t.Any]
    number: int

    def wrong(self, what: str, do: str) -> HAError:
        return HAError(f"entry {self.number}: {what}.", where=self.prometheus.where("federate"), do=do)

    def job(self, topology: Topology) -> Job:
        """:raises HAError: when it names no source, or has a value that can't be."""
        name, url, mode = self._text("replica_set"), self._text("url"), self.given.get("mode", "both")
        if (name is None) == (url is None):
            raise self.wrong(
                "it names its source by one of replica_set and url",
                "set replica_set for a set of the inventory, or url for a Prometheus outside of it.",
            )
        if mode not in ("both", "sticky"):
            raise self.wrong(f"the mode is {mode!r}", "write both or sticky.")
        if self._text("address") is not None and (mode != "sticky" or url is not None):
            raise self.wrong(
                "only a sticky replica_set has an address", "write mode: sticky, or remove it; a url says it all."
            )
        sticky = mode == "sticky"
        return self._outside(url, sticky) if name is None else self._set(self._cohort(name, topology), topology, sticky)

    def _set(self, source: Cohort, topology: Topology, sticky: bool) -> Job:
        first = source.instances[0]
        if len({instance.prefix for instance in source.instances}) > 1:
            raise self.wrong(f"the replicas of {source.title} have different route prefixes", "give them one.")
        targets = [host_port(instance.address, instance.port()) for instance in source.instances]
        # Of one that is about to move, the place where it still answers, too.
        leaving = [
            (host_port(instance.address, port), prefix)
            for instance in ([] if sticky else source.instances)
            for port, prefix in topology.places(instance)[:-1]
        ]
        address, prefix = self._text("address"), first.prefix
        scheme = self._scheme("http")
        balanced = sticky and address is None and _balancer.serves(self.prometheus)
        spoken = [key for key in _SPEECH if self.given.get(key)] + (["scheme"] if scheme == "https" else [])
        if balanced and spoken:
            raise self.wrong(
                f"it goes through the balancer on the host, which asks replicas without {', '.join(spoken)}",
                "give it an address of your own, or use mode both.",
            )
        if balanced:
            targets, prefix = [_balancer.target(self.prometheus)], self._path(source)
        elif sticky:
            targets = [host_port(*self._split(address, first.port()))] if address else []
        label = self._text("replica_label") or _labels.replica_label_of(first)
        return Job(
            reader=self.prometheus,
            variable="federate",
            title=f"entry {self.number} ({source.title})",
            config=self._config(source.name, scheme, targets, prefix, leaving, drop=label if sticky else None),
            sets=(source,),
            sources=() if sticky else source.instances,
            balanced=balanced,
        )

    def _outside(self, url: str | None, sticky: bool) -> Job:
        try:
            parts = urllib.parse.urlsplit(url or "")
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            parts, port = urllib.parse.SplitResult("", "", "", "", ""), 0
        # The URL is not repeated: it may hold a password.
        if not parts.hostname or not port or parts.username or parts.password or parts.query or parts.fragment:
            raise self.wrong(
                "the url is not that of a Prometheus",
                "write http or https, a host, and where there are, port and path prefix; no user, query or fragment.",
            )
        if self.given.get("scheme") is not None:
            raise self.wrong("the url has a scheme already", "remove the key scheme.")
        target = host_port(parts.hostname, port, self.prometheus.where("federate"))
        path = parts.path.rstrip("/").removesuffix(_PATH)
        label = self._text("replica_label")
        if sticky and label is None:
            label = str(self.prometheus.options["prometheus_ha_replica_label"])
        prefix = normal_prefix(path, self.prometheus.where("federate"))
        return Job(
            reader=self.prometheus,
            variable="federate",
            title=f"entry {self.number} ({target})",
            config=self._config(target, parts.scheme, [target], prefix, drop=label if sticky else None),
            sets=(),
            sources=(),
        )

    def _config(
        self,
        name: str,
        scheme: str,
        targets: list[str],
        prefix: str,
        leaving: t.Sequence[tuple[str, str]] = (),
        *,
        drop: str | None,
    ) -> dict[str, t.Any]:
        config: dict[str, t.Any] = {
            "job_name": self._text("job_name") or f"federate-{name}",
            "honor_labels": True,
            "metrics_path": f"{prefix}{_PATH}",
            "params": {MATCH: self.given.get("match")},
            "sample_limit": self._sample_limit(),
            "static_configs": [
                *([{"targets": targets}] if targets else []),
                *({"targets": [place], "labels": {"__metrics_path__": f"{old}{_PATH}"}} for place, old in leaving),
            ],
        }
        if scheme != "http":
            config["scheme"] = scheme
        for key in ("scrape_interval", "scrape_timeout", *_SPEECH):
            if self.given.get(key) is not None:
                config[key] = self.given[key]
        if drop:
            config["metric_relabel_configs"] = [{"regex": drop, "action": "labeldrop"}]
        elif _versions.parse_version(self.prometheus.opt("version"), self.prometheus.where("version")).line >= (2, 48):
            # Samples carry their source's time, of which no end is tracked by default: a replica's last values would
            # stay for five minutes after its death, and win where they are the maximum. Of a sticky source they may
            # stay: they bridge the way to the next replica.
            config["track_timestamps_staleness"] = True
        return config

    def _cohort(self, name: str, topology: Topology) -> Cohort:
        environment = self.prometheus.environment
        cohort = topology.cohorts.get(("prometheus", environment, name))
        if cohort is None:
            known = [key[2] for key in topology.cohorts if key[:2] == ("prometheus", environment)]
            near = nearest(name, known)
            raise self.wrong(
                f"there is no replica set {name!r} in the environment {environment!r}",
                f"did you mean {near!r}?" if near else f"name one of {', '.join(sorted(known))}.",
            )
        if cohort.instances[0].opt("agent"):
            raise self.wrong(
                f"{cohort.title} runs in agent mode, which answers no queries", "federate what it writes to."
            )
        return cohort

    def _path(self, source: Cohort) -> str:
        try:
            return _balancer.path(source)
        except HAError as problem:
            raise self.wrong(problem.what, problem.do) from problem

    def _split(self, address: str, port: int) -> tuple[str, int]:
        return split_host_port(address, port, self.prometheus.where("federate"))

    def _scheme(self, default: str) -> str:
        scheme = self.given.get("scheme", default)
        if scheme not in _PORTS:
            raise self.wrong(f"the scheme is {scheme!r}", "write http or https.")
        return str(scheme)

    def _sample_limit(self) -> int:
        limit = self.given.get("sample_limit", SAMPLE_LIMIT)
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise self.wrong(f"the sample_limit is {limit!r}", "write a whole number.")
        return limit

    def _text(self, key: str) -> str | None:
        value = self.given.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.wrong(f"{key} is {value!r} and no text", "write a name, or leave it out.")
        return value


def _by_hand(prometheus: Instance, topology: Topology) -> t.Iterator[Job]:
    """The jobs of prometheus_scrape_configs whose path ends in /federate."""
    for config in prometheus.opt("scrape_configs"):
        if not federates(config):
            continue
        found, complete = _known(config, prometheus, topology)
        sets = {source.cohort: topology.cohort(source) for source in found}
        title = f"job {config.get('job_name')!r}"
        yield Job(prometheus, "scrape_configs", title, config, tuple(sets.values()), tuple(found), complete)


def _known(config: t.Mapping[str, t.Any], prometheus: Instance, topology: Topology) -> tuple[list[Instance], bool]:
    """The replicas of the inventory that a job scrapes, and whether there can be no others."""
    targets = [*_static_targets(config), *_own_files(config, prometheus)]
    discovered = any(key.endswith("_sd_configs") and key != "file_sd_configs" for key in config)
    # What a shard leaves of them depends on a hash, so as to who else scrapes the rest.
    complete = not discovered and prometheus.opt("shard") is None
    found: dict[str, Instance] = {}
    for target in targets:
        labels = {"job": str(config.get("job_name", "")), **target}
        try:
            after = _relabel.relabel(labels, config.get("relabel_configs") or [], version=prometheus.opt("version"))
        except UndecidedError:
            complete = False
            continue
        source = after and _source(after.get("__address__", ""), config, prometheus, topology)
        if source:
            found.setdefault(source.name, source)
    return list(found.values()), complete


def _source(target: str, config: t.Mapping[str, t.Any], prometheus: Instance, topology: Topology) -> Instance | None:
    try:
        address, port = split_host_port(target, _PORTS.get(str(config.get("scheme", "http")), 80))
        source = topology.by_endpoint.get((prometheus.address if address in _LOOPBACK else address, port))
    except HAError:
        return None
    return source if source and source.kind.name == "prometheus" else None


def _static_targets(config: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    return _targets(config.get("static_configs"))


def _listed(value: t.Any) -> list[t.Any]:
    """A list, or nothing where another shape is: promtool refuses that."""
    return value if isinstance(value, list) else []


def _own_files(config: t.Mapping[str, t.Any], prometheus: Instance) -> list[dict[str, str]]:
    """The targets of those files of prometheus_targets that a job reads."""
    patterns = [
        str(pattern).removeprefix("/etc/prometheus/")
        for discovery in _mappings(config.get("file_sd_configs"))
        for pattern in _listed(discovery.get("files"))
    ]
    return [
        target
        for name, groups in prometheus.opt("targets").items()
        if any(fnmatch.fnmatchcase(f"targets/{name}.yml", pattern) for pattern in patterns)
        for target in _targets(groups)
    ]


def _targets(groups: t.Any) -> list[dict[str, str]]:
    """The targets of ``[{targets: [...], labels: {...}}]`` as label sets; promtool refuses what has another shape."""
    return [
        {**_labels_of(group), "__address__": str(target)}
        for group in _mappings(groups)
        for target in _listed(group.get("targets"))
    ]


def _labels_of(group: t.Mapping[str, t.Any]) -> dict[str, str]:
    labels = group.get("labels")
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}


def _mappings(items: t.Any) -> list[dict[str, t.Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
