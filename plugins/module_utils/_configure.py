# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A configuration as a whole: its files change, the running process takes them up, or all goes back."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _diff, _reload
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api, answers
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._fileset import Fileset, FilesetPlan
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock


@dataclasses.dataclass(frozen=True)
class Running:
    """The process that is to take the files up."""

    api: Api
    http: Http
    clock: Clock | None = None


@dataclasses.dataclass(frozen=True)
class Configured:
    """What was done, or in check mode would be.

    :param reloaded: why the process was made to reload, "" when it was not.
    :param proof: what proves that it runs the files; "" when nothing runs or nobody asked.
    :param unchecked: checkers that are not installed yet (check mode only).
    """

    plan: FilesetPlan
    recovered: list[str]
    reloaded: str = ""
    proof: str = ""
    unchecked: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.plan.changed or self.recovered or self.reloaded)


def configure(
    fileset: Fileset,
    commands: t.Sequence[t.Sequence[str]],
    *,
    replace: t.Mapping[str, str] | None = None,
    running: Running | None = None,
    apply: bool,
) -> Configured:
    """Recover, plan, check, swap, reload with proof, commit; without ``apply`` nothing below root is changed.

    What the process has loaded is looked at also when no file changes: a reload that a cut-off run still owed is done.

    :raises HAError: the former files are then in place, and a process that took up new ones runs the former again.
    """
    recovered = fileset.recover() if apply else []
    plan = fileset.plan()
    unchecked = tuple(fileset.check(commands, replace, missing_ok=not apply)) if plan.changed else ()
    if running is not None:
        paths = tuple(os.path.join(fileset.root, file.path) for file in fileset.spec.files)
        running = dataclasses.replace(running, api=dataclasses.replace(running.api, files=running.api.files + paths))
        if not answers(running.api, running.http):
            running = None
    if not plan.changed:
        state = _reload.loaded(running.api, running.http) if running else _reload.Loaded(True, "")
        if state.ok or running is None:
            return Configured(plan, recovered, proof=state.why)
        proof = _take_up(fileset, running) if apply else ""
        return Configured(plan, recovered, state.why, proof)
    why = "files changed" if running else ""
    if not apply:
        return Configured(plan, recovered, why, unchecked=unchecked)
    proof = ""
    if running:
        _reload.await_start(running.api, running.http, running.clock)
    fileset.swap()
    if running:
        proof = take_up(running, fileset.rollback)
    fileset.commit()
    return Configured(plan, recovered, why, proof)


def take_up(running: Running, rollback: t.Callable[[], None]) -> str:
    """Reload the files that were swapped in; returns the proof.

    :raises HAError: they were refused; the former files are then in place again and, where it takes them, loaded.
    """
    try:
        return _reload.reload(running.api, running.http, running.clock).proof
    except HAError as error:
        rollback()
        raise _back(running, error) from error


def _take_up(fileset: Fileset, running: Running) -> str:
    """Reload and prove it; the words of a refusal may quote values of secret files, which are masked."""
    try:
        return _reload.reload(running.api, running.http, running.clock).proof
    except HAError as error:
        said = _diff.mask(error.said, [file.content for file in fileset.spec.files if file.secret])
        raise HAError(error.what, where=error.where, said=said, do=error.do, **error.facts) from error


def _back(running: Running, refusal: HAError) -> HAError:
    """Have the process take up the former files, which are in place again; the error to raise."""
    if refusal.facts.get("forbidden"):
        what = f"{refusal.what}; the former files are back, and it still runs them"
        return HAError(what, where=refusal.where, said=refusal.said, do=refusal.do, rolled_back=True, former_runs=True)
    # The former generation is not known; the time of the reload against that of the files proves enough.
    former = dataclasses.replace(running.api, generation=None)
    try:
        _reload.reload(former, running.http, running.clock)
    except HAError as error:
        what = f"{refusal.what}; the former files are back, but {former.kind} does not run them: {error.what}"
        said = "\n".join(part for part in (refusal.said, error.said) if part)
        return HAError(what, where=refusal.where, said=said, do=refusal.do, rolled_back=True, former_runs=False)
    what = f"{refusal.what}; the former files are back, and it runs them"
    return HAError(what, where=refusal.where, said=refusal.said, do=refusal.do, rolled_back=True, former_runs=True)
