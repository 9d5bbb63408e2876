# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a run, computed once on the controller and kept as files that all workers read.

The construct and its figures are in the design notes on ansible-core: the first action that needs the plan takes a
lock in the run's own temporary folder, computes and writes one 0600 file a host; the others wait, then read. So it
works with --limit, in check mode, under any strategy and in a user's own playbook.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import multiprocessing
import os
import pathlib
import shutil
import threading
import typing as t
import urllib.parse

from ansible import constants
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _bucket_hosts,
    _inventory,
    _live,
    _registry,
    _render,
    _report,
    _summary,
    _terminal,
    _topology,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._controller_files import ControllerFiles, folders
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, InventoryError, defect
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import live_hosts

FOLDER = "prometheus_ha"
Former = t.Mapping[t.Tuple[str, str], _topology.Place]
ALL = "*"  # no host's name


def run_pid() -> int:
    """The process id of the run: workers are its children."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent is not None and parent.pid is not None else os.getpid()


def _root() -> pathlib.Path:
    """The run's own folder, made on first use; leavings of dead runs, which hold decrypted values, are removed."""
    root = pathlib.Path(vars(constants)["DEFAULT_LOCAL_TMP"], FOLDER)
    if not (root / "run").exists():
        for other in root.parent.parent.glob(f"*/{FOLDER}"):
            with contextlib.suppress(OSError, ValueError):
                if not pathlib.Path("/proc", str(int((other / "run").read_text()))).exists():
                    shutil.rmtree(other.parent, ignore_errors=True)
        (root / "pending").mkdir(parents=True, exist_ok=True, mode=0o700)
        root.chmod(0o700)
        _write(root / "run", str(run_pid()))
    return root


def _write(path: pathlib.Path, text: str) -> None:
    """Whole or not at all, readable for the user alone."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    beside.replace(path)


def _file(folder: pathlib.Path, host: str) -> pathlib.Path:
    return folder / (urllib.parse.quote(host, safe="") + ".json")


def _layer(task_vars: t.Mapping[str, t.Any], templar: t.Any) -> dict[str, t.Any]:
    """What play, role or task say beyond the inventory; raw, so that each host of the play templates it for itself.

    :raises HAError: for what the slices of other hosts depend on: these see the inventory alone.
    """
    host = task_vars["inventory_hostname"]
    raw = task_vars["hostvars"].raw_get(host)
    missing = object()
    # Without ansible_host: Ansible gives every host without one its own name.
    layer = {
        name: task_vars[name]
        for name in _registry.NAMES - {"ansible_host"}
        if name in task_vars and task_vars[name] != raw.get(name, missing)
    }
    leaving = {name for name in layer if name.endswith("_state") and templar.template(layer[name]) == "absent"}
    if refused := sorted(layer.keys() & _registry.SHARED | leaving):
        raise HAError(
            f"a play or role sets {', '.join(refused)}, on which the configuration of other hosts depends",
            where=f"host {host}, variable {refused[0]}",
            do="set it in the inventory (group_vars, host_vars), where all hosts see it.",
        )
    return layer


@dataclasses.dataclass(frozen=True)
class Store:
    """The plan as the workers see it."""

    folder: pathlib.Path

    def slices(self, host: str, name: str | None = None) -> list[dict[str, t.Any]]:
        """The slices of a host, or the one of a component. :raises HAError: when the plan has none."""
        path = _file(self.folder, host)
        slices: list[dict[str, t.Any]] = json.loads(path.read_text()) if path.exists() else []
        found = [item for item in slices if name in (None, item["name"])]
        if not found:
            raise HAError(
                f"the plan has {'nothing' if name is None else 'no ' + name} for this host",
                where=f"host {host}",
                do=f"put it into the inventory group {name or 'of a component'} (see prometheus_ha_groups).",
            )
        return found

    @property
    def summary(self) -> dict[str, t.Any]:
        """members (host names in plan order), report (text), notes (lines), counts (fields of a Summary)."""
        data: dict[str, t.Any] = json.loads((self.folder / "summary").read_text())
        return data

    @property
    def findings(self) -> list[Finding]:
        """What is wrong, and what the inventory ignores: errors first."""
        return [Finding(**item) for item in json.loads((self.folder / "findings").read_text())]

    def is_first(self, what: str) -> bool:
        """Whether nobody did this with the plan before."""
        try:
            (self.folder / what).touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            return False
        return True

    def require_sound(self) -> None:
        """:raises InventoryError: where a finding stops the run."""
        if errors := int((self.folder / "done").read_text()):
            raise InventoryError(errors)


def obtain(task_vars: t.Mapping[str, t.Any], templar: t.Any, loader: t.Any) -> Store:
    """The plan of this run, sound; what is to be said of it is said once a run.

    :raises InventoryError: when the inventory has problems.
    """
    store = look(task_vars, templar, loader)
    if store.is_first("told"):
        _terminal.tell_briefly(_untold(store.findings), store.summary["notes"])
    store.require_sound()
    return store


def _untold(findings: t.Sequence[Finding]) -> list[Finding]:
    """Those that no other plan of this run, as a role's own variables make one, has told."""
    path = _root() / "told"
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        told = set(file.read().splitlines())
        new = {hashlib.sha256(str(finding).encode()).hexdigest(): finding for finding in findings}
        new = {digest: finding for digest, finding in new.items() if digest not in told}
        file.writelines(f"{digest}\n" for digest in new)
    path.chmod(0o600)
    return list(new.values())


def look(task_vars: t.Mapping[str, t.Any], templar: t.Any, loader: t.Any, *, former: Former | None = None) -> Store:
    """The plan of this run with whatever is wrong with it, computed by whoever comes first.

    :param former: the plan for the time in which these endpoints have not moved yet, see _topology.Topology.

    :raises HAError: when a play or role sets what belongs into the inventory.
    """
    layer = _layer(task_vars, templar)
    hosts = list(task_vars.get("ansible_play_hosts_all", [])) if layer else []
    key = (sorted(layer.items()), hosts, *([sorted(former.items())] if former else []))
    folder = _root() / ("plan-" + hashlib.sha256(repr(key).encode()).hexdigest()[:16])
    folder.mkdir(exist_ok=True, mode=0o700)
    if not (folder / "done").exists():
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "done").exists():
                with _terminal.patience(f"Reading and checking {len(task_vars['hostvars'])} hosts ..."):
                    _compute(folder, task_vars, templar, loader, layer, hosts, former)
    return Store(folder)


def _compute(
    folder: pathlib.Path,
    task_vars: t.Mapping[str, t.Any],
    templar: t.Any,
    loader: t.Any,
    layer: t.Mapping[str, t.Any],
    hosts: t.Sequence[str],
    former: Former | None,
) -> None:
    hostvars = task_vars["hostvars"]
    snapshot = _inventory.load(hostvars, templar, _registry.NAMES, folders(task_vars), _registry.COHORT_NAMES)
    for host in hosts:
        variables = {**hostvars.raw_get(host), **layer, "hostvars": hostvars}
        scoped = templar.copy_with_new_env(available_variables=variables)
        values, problems, secrets = _inventory.template_each(scoped, layer, layer)
        snapshot = snapshot.with_values(host, values, problems, secrets, variables)
    plan = _render.plan(snapshot, ControllerFiles(loader), former)
    sound = not any(finding.stops for finding in plan.findings)
    watched = _watched(plan) if sound else set()
    keep("peers", ALL, _live.peers(plan.topology) if sound else {})
    keep("buckets", ALL, _bucket_hosts.buckets(plan.topology) if sound else [])
    canaries = {str(one.options["prometheus_ha_canary"] or "") for one in plan.topology.instances}
    keep("canary", ALL, sorted(canaries - {""}))
    for host, slices in plan.hosts.items():
        more = {"origins": snapshot.hosts[host].origins}
        _write(
            _file(folder, host),
            json.dumps([{**item, **more, "watched": (host, item["name"]) in watched} for item in slices]),
        )
    plan, report = _reported(plan)
    errors = sum(finding.stops for finding in plan.findings)
    summary = {
        "members": list(plan.hosts),
        "report": report,
        "notes": _summary.notes(plan.topology),
        "counts": dataclasses.asdict(_summary.Summary.of(plan.topology, plan.findings)),
    }
    _write(folder / "summary", json.dumps(summary))
    _write(folder / "findings", json.dumps([dataclasses.asdict(finding) for finding in plan.findings]))
    _write(folder / "done", str(errors))


def _watched(plan: _render.Plan) -> set[tuple[str, str]]:
    """The instances (host, component) of which the live preflight judges any change."""
    return {
        (instance.name, instance.kind.name)
        for instance in plan.topology.instances
        if live_hosts.has_rules_on_changes(instance, plan.topology)
    }


def _reported(plan: _render.Plan) -> tuple[_render.Plan, str]:
    """The plan's report, "" where something stops the run; what breaks in its making is one finding more."""
    if any(finding.stops for finding in plan.findings):
        return plan, ""
    try:
        return plan, _report.table(plan)
    except HAError:
        raise
    except Exception as problem:  # whatever it is: what was found must still be told
        broken = defect("I03", "inventory", "the table of the topology", problem)
        return dataclasses.replace(plan, findings=(broken, *plan.findings)), ""


def record_attempt(host: str) -> None:
    """Remember that a host was begun: one that is lost on the way (unreachable, failed) never reports back."""
    (_root() / "attempts").mkdir(exist_ok=True, mode=0o700)
    _write(_file(_root() / "attempts", host), host)


def forget_attempt(host: str) -> None:
    """What was begun on the host came to its end."""
    _file(_root() / "attempts", host).unlink(missing_ok=True)


def due(hosts: t.Iterable[str]) -> dict[str, dict[str, t.Any]]:
    """By host that was staged in this run, what each of its components has pending."""
    return {host: found["components"] for host, found in kept("pending", hosts).items()}


def record_pending(host: str, components: t.Mapping[str, t.Mapping[str, t.Any]]) -> None:
    """Remember what a host has pending, for the lookup that makes waves of it: name -> see _converge.part()."""
    path = _file(_root() / "pending", host)
    known = json.loads(path.read_text())["components"] if path.exists() else {}
    _write(path, json.dumps({"host": host, "components": {**known, **components}}))
    forget_attempt(host)


def all_pending() -> list[dict[str, t.Any]]:
    """What each host that was staged in this run has pending, in plan order.

    :raises HAError: when a host was begun and did not come back: then nothing else is to be changed.
    """
    lost = sorted(path.read_text() for path in (_root() / "attempts").glob("*.json"))
    if lost:
        raise HAError(
            f"nothing further is activated: {', '.join(lost)} failed or could not be reached earlier in this run",
            do="see that host's error above, correct it and run again.",
        )
    return sorted(staged(), key=lambda item: min((part["order"] for part in item["components"].values()), default=0))


def staged() -> list[dict[str, t.Any]]:
    """What each host that was staged in this run has pending, whatever became of others; ``host``, ``components``."""
    return [json.loads(path.read_text()) for path in (_root() / "pending").glob("*.json")]


@contextlib.contextmanager
def turn(host: str, components: t.Collection[str]) -> t.Iterator[t.Callable[[], None]]:
    """Be the only host of this run that changes what serves in its replica sets and meshes.

    Waves see to that in the collection's own plays. This holds in any play: under a strategy that lets hosts run
    ahead, or where all hosts run the task at once, the others wait for their turn. Where one failed or was lost in its
    turn, nobody has another.

    :param components: those that are to be activated; what only has to be started needs no turn.
    :returns: what to call when the change succeeded.
    :raises HAError: when another host of a set or mesh was lost.
    """
    path = _file(_root() / "pending", host)
    known = json.loads(path.read_text())["components"] if path.exists() else {}
    changing = [part for name, part in known.items() if name in components and part["pending"] not in ("none", "start")]
    cohorts = sorted({json.dumps(cohort) for part in changing for cohort in part["cohorts"]})
    folder = _root() / "turns"
    folder.mkdir(exist_ok=True, mode=0o700)
    with contextlib.ExitStack() as stack:
        files = []
        for cohort in cohorts:
            file = stack.enter_context((folder / hashlib.sha256(cohort.encode()).hexdigest()).open("a+"))
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if (before := file.read()) not in ("", host):
                raise HAError(
                    f"{before} failed or could not be reached while it was changed; {host} stands in for it now",
                    where=f"host {host}",
                    do="see that host's error above, correct it and run again.",
                )
            file.truncate(0)
            file.write(host)
            file.flush()
            files.append(file)

        def done() -> None:
            for file in files:
                file.truncate(0)

        yield done


def model(task_vars: t.Mapping[str, t.Any], templar: t.Any) -> tuple[_inventory.Snapshot, _topology.Topology]:
    """By the inventory alone, made anew: the plan's files hold only what was rendered of it."""
    exclusive = _registry.COHORT_NAMES
    snapshot = _inventory.load(task_vars["hostvars"], templar, _registry.NAMES, folders(task_vars), exclusive)
    return snapshot, _topology.build(snapshot, _registry.KINDS)


def canaries() -> list[str]:
    """The names of the replica sets and meshes of which the first host goes ahead."""
    found: list[str] = kept("canary", [ALL]).get(ALL, [])
    return found


def moving() -> Former:
    """By host and component, where those still answer whose web endpoint moves in this run; what counts is what was
    found when it was first asked for, since it is forgotten of those that have moved."""
    with first("moving") as is_first:
        if is_first:
            found = [
                [item["host"], name, part["endpoint"]]
                for item in all_pending()
                for name, part in item["components"].items()
                if part["endpoint"]
            ]
            keep("moving", ALL, found)
    return {(host, name): _topology.Place(**endpoint) for host, name, endpoint in kept("moving", [ALL])[ALL]}


def transition(task_vars: t.Mapping[str, t.Any], templar: t.Any, loader: t.Any) -> Store:
    """The plan for the time in which web endpoints have not moved yet: who talks to them lists both places."""
    store = look(task_vars, templar, loader, former=moving())
    store.require_sound()
    return store


def record_clients(found: t.Mapping[str, t.Sequence[t.Any]]) -> None:
    """Remember who has to list both places: by host, the cohorts of its components that do, each with its files."""
    keep("clients", ALL, found)


def clients() -> dict[str, dict[tuple[str, ...], list[str]]]:
    """By host that has to list both places of an endpoint that moves, the cohorts of its components that do, and where:
    paths below the configuration's root.
    """
    found = kept("clients", [ALL]).get(ALL, {})
    return {host: {tuple(cohort): paths for cohort, paths in parts} for host, parts in found.items()}


def peers() -> dict[str, list[str]]:
    """By host, those to or from which the live preflight proves a way."""
    found: dict[str, list[str]] = kept("peers", [ALL]).get(ALL, {})
    return found


def buckets() -> list[dict[str, t.Any]]:
    """The buckets of the inventory, see _bucket_hosts."""
    found: list[dict[str, t.Any]] = kept("buckets", [ALL]).get(ALL, [])
    return found


def bucket_hosts(tool: str) -> list[str]:
    """The hosts on which a bucket tool runs, of those that the play of the plan covered.

    :raises HAError: when no plan was made in this run, or there is nowhere to run it.
    """
    members()
    return _bucket_hosts.hosts(buckets(), tool, kept("covered", [ALL]).get(ALL, []))


def keep(kind: str, host: str, data: t.Any) -> None:
    """Remember something of a host for later tasks of this run, which may be other processes; None forgets it."""
    folder = _root() / kind
    folder.mkdir(exist_ok=True, mode=0o700)
    if data is None:
        _file(folder, host).unlink(missing_ok=True)
    else:
        _write(_file(folder, host), json.dumps(data))


def kept(kind: str, hosts: t.Iterable[str]) -> dict[str, t.Any]:
    """What was remembered of these hosts; those of which nothing was are left out."""
    files = {host: _file(_root() / kind, host) for host in hosts}
    return {host: json.loads(file.read_text()) for host, file in files.items() if file.exists()}


@contextlib.contextmanager
def first(kind: str) -> t.Iterator[bool]:
    """Whether the caller is the run's first with this; the others wait until the first has done it."""
    with (_root() / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = _root() / f"{kind}.done"
        yield not done.exists()
        done.touch(mode=0o600)


def begin(store: Store, task_vars: t.Mapping[str, t.Any]) -> list[str]:
    """The plan's hosts, remembered for the plays that target them.

    :raises HAError: when these plays would have no host: they would be skipped, and the run a success.
    """
    members: list[str] = store.summary["members"]
    if not store.summary["counts"]["hosts"]:
        raise HAError(
            "no host of the inventory runs anything of this collection",
            do="put hosts into the groups prometheus and alertmanager, or name yours by prometheus_ha_groups.",
        )
    limit = task_vars.get("ansible_limit")
    if limit and members and not set(members) & set(task_vars["ansible_play_hosts_all"]):
        raise HAError(
            f"--limit {limit} leaves no host that runs anything of this collection",
            do=f"limit to some of {_summary.named(members)}.",
        )
    record_members(members)
    keep("covered", ALL, list(task_vars["ansible_play_hosts_all"]))
    return members


def record_members(members: t.Sequence[str]) -> None:
    """Remember the plan's hosts, for plays that target them."""
    _write(_root() / "members", json.dumps(list(members)))


def members() -> list[str]:
    """The hosts of the plan. :raises HAError: when no plan was made in this run."""
    path = _root() / "members"
    if not path.exists():
        raise HAError(
            "no plan was made in this run: the inventory has no host, or no earlier play ran the plan",
            do="see ansible-inventory --graph with the same -i, and begin a playbook of your own with the plan.",
        )
    found: list[str] = json.loads(path.read_text())
    return found
