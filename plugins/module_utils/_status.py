# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a component of a host runs against what is planned for it; nothing is changed."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _objstore, _status_api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Component
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._process import Running
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._reload import config_hash
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner, run

# Seconds that an answer on the host's own address may take; a healthy process takes a hundredth of it.
ANSWER_TIMEOUT = 5.0
_RETENTION = "--storage.tsdb.retention."


def version_of(executable: str, name: str) -> str:
    """The version whose folder a release's executable lies in; "" for one of another installation."""
    found = re.search(rf"/{re.escape(name)}/([^/]+)/bin/[^/]+$", executable)
    return found[1] if found else ""


def retention(argv: t.Sequence[str]) -> str:
    """What the flags of a running Prometheus keep, as ``15d, 50GB``; "" where they do not say."""
    return ", ".join(arg.partition("=")[2] for arg in argv if arg.startswith(_RETENTION) and "=" in arg)


def generation(params: t.Mapping[str, t.Any]) -> str:
    """The name of the planned configuration: Prometheus' marker, or the hash that Alertmanager shows of its file.

    "" where nothing tells one configuration from another (agent mode).
    """
    api = params.get("api") or {}
    if api.get("kind") != "alertmanager":
        return str(api.get("generation") or "")
    root = params["config"]["root"]
    files = {os.path.join(root, file["path"]): file["content"] for file in params["config"].get("files") or ()}
    content = files.get(api.get("config_file"))
    return "" if content is None else format(config_hash(content.encode()), "012x")


def disk(folders: t.Sequence[str]) -> dict[str, t.Any] | None:
    """Bytes of the file system of the data folder; None where there is no folder yet."""
    for folder in folders:
        try:
            stat = os.statvfs(folder)
        except OSError:
            continue
        return {"path": folder, "free": stat.f_bavail * stat.f_frsize, "total": stat.f_blocks * stat.f_frsize}
    return None


def uptime(proc: str = "/proc") -> float:
    """Seconds since the host's boot."""
    with open(os.path.join(proc, "uptime"), encoding="ascii") as file:
        return float(file.read().split()[0])


# What a compactor logs as it halts (thanos cmd/thanos/compact.go): the error names the blocks.
HALTING = "critical error detected; halting"


def nothing(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The facts of a component of which nothing is known yet."""
    return {
        "name": params["name"],
        "held": params.get("state") == "staged",
        "leaves": params.get("state") == "absent",
        "rolled_out": False,
        "unit": {},
        "version": {"running": "", "planned": params["release"].get("version", "")},
        "generation": {"running": "", "planned": generation(params)},
        "pending": "unknown",
        "reasons": [],
        "edited": [],
        "disk": None,
        "retention": "",
        "answers": False,
        "waiting_for": "",
        "errors": [],
    }


def _bucket(params: t.Mapping[str, t.Any], running: Running, runner: Runner) -> str | None:
    """Why its bucket can't be listed, in the provider's words; "" where it can, None where it has none."""
    paths = [file["path"] for file in params["config"].get("files") or ()]
    if _objstore.OBJSTORE_FILE not in paths:
        return None
    return _objstore.unlisted(running.executable, params["config"]["root"], params["service"]["user"], runner)


def look(
    component: Component,
    params: t.Mapping[str, t.Any],
    http: Http | None = None,
    proc: str = "/proc",
    runner: Runner = run,
) -> dict[str, t.Any]:
    """The facts of one component; each part that can't be had is told in ``errors``, and the others are there.

    :param params: the component's slice.
    """
    found = {**nothing(params), "disk": disk(component.service.spec.unit.data_dirs)}
    try:
        running = _unit(component, found, proc)
        if running and component.api:
            answer = _status_api.ask(component.api, http or component.api.client(), params.get("expect") or {})
            found["generation"]["running"] = answer.pop("generation", "")
            found.update(answer)
            if found.get("halted"):
                found["halted_because"] = component.service.logged(HALTING)
        if running:
            found["bucket"] = _bucket(params, running, runner)
        files = component.config.plan()
        found["edited"] = [os.path.join(params["config"]["root"], path) for path in files.edited]
        due = component.pending(files)
        found["pending"], found["reasons"] = due.action, list(due.reasons)
    except HAError as error:
        text = ": ".join(part for part in (error.what, error.said) if part)
        if found["answers"] or not found["errors"]:  # of one that does not answer, once is enough
            found["errors"].append(text)
    return found


def _unit(component: Component, found: dict[str, t.Any], proc: str) -> Running | None:
    """Put in what systemd and the process say. :raises HAError: when one can't be asked."""
    found["rolled_out"] = component.service.is_ours()
    state = component.service.status()
    running = state.running
    found["unit"] = {
        "name": component.service.unit,
        "state": state.unit.words,
        "result": state.unit.result,
        "enabled": state.unit.enabled,
        "pid": running.pid if running else 0,
        "restarts": state.unit.restarts,
        "seconds": round(max(uptime(proc) - running.started, 0.0), 1) if running else None,
        "executable": running.executable if running else "",
    }
    if running:
        found["version"]["running"] = version_of(running.executable, component.release.spec.name)
        found["retention"] = retention(running.argv)
    return running
