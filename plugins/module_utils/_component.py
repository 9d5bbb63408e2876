# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A component of a host as a whole: its release, configuration and service, staged, then activated as one change."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import (
    _configure,
    _diff,
    _download,
    _foreign,
    _help_flags,
    _preflight_listen,
    _ready,
    _record,
    _reload,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._fileset import Fileset
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._filespec import STATE, FilesetPlan, FilesetSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http, HttpUnreachableError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release import Release
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner, run
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service import Service
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service_spec import ServiceSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, SystemClock, Verdict, wait

_ERROR = re.compile(r'level"?[=:]"?error', re.IGNORECASE)  # a line of either log format
# So long (seconds) a process that runs may take to answer at all: Alertmanager listens within a second of its start.
_ANSWER_TIMEOUT = 5.0
NONE, START, RELOAD, RESTART, REMOVE = "none", "start", "reload", "restart", "remove"


@dataclasses.dataclass
class Outcome:
    """What was found, done and is left to do for one component.

    :param pending: none, start, reload, restart or remove: what an activation would do.
    :param reasons: why, in sentences.
    :param actions: what was changed (in check mode: would be), in sentences.
    :param foreign: files below the configuration folder that this collection did not write.
    :param seconds: how long a start took until it was proved; ``waited_for``: what for, the last sentences.
    :param former_cohort: component, environment and name of the set that it still serves, where another is wanted.
    """

    pending: str = NONE
    reasons: list[str] = dataclasses.field(default_factory=list)
    actions: list[str] = dataclasses.field(default_factory=list)
    diff: list[dict[str, str]] = dataclasses.field(default_factory=list)
    foreign: list[str] = dataclasses.field(default_factory=list)
    seconds: float | None = None
    waited_for: list[str] = dataclasses.field(default_factory=list)
    former_cohort: list[str] | None = None

    @property
    def changed(self) -> bool:
        return bool(self.actions)

    def result(self) -> dict[str, t.Any]:
        """The component's part of the module's result."""
        shown = {key: value for key, value in dataclasses.asdict(self).items() if key != "diff" and value is not None}
        return {**shown, "former_cohort": self.former_cohort, "changed": self.changed}


def secrets(params: t.Mapping[str, t.Any]) -> set[str]:
    """The values of a slice that no output may show: its own list, passwords, a mirror's URL.

    The plan finds them in its data; of a slice written by hand they are the values of secret keys in masked files.
    """
    values = set(params.get("secrets") or ())
    if params.get("secrets") is None:
        files = params["config"].get("files") or ()
        values = _diff.secret_values(file["content"].encode() for file in files if file.get("masked"))
    password = ((params.get("api") or {}).get("http") or {}).get("password")
    source = _download.secrets(str(params["release"].get("source", "")))
    return {*values, *_diff.quoted(values), *source, *([password] if password else [])}


class Component:
    """One component of the host's slice (its shape is in docs/development.md).

    :param apply: False in check mode: the same decisions, without a write.
    """

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        *,
        apply: bool,
        runner: Runner = run,
        http: Http | None = None,
        clock: Clock | None = None,
        state_root: str = STATE,
    ) -> None:
        self.name = str(params["name"])
        self.held = params.get("state") == "staged"
        self.leaves = params.get("state") == "absent"
        self._apply = apply
        self._runner = runner
        self._clock = clock or SystemClock()
        self._archive = params["release"].get("archive")
        self.secrets = secrets(params)
        self._state_root = state_root
        self._state_dir = os.path.join(state_root, self.name)
        self._cohort = _record.Record(os.path.join(self._state_dir, "cohort.json"))
        # What was secret so far: a vaulted value that is replaced or gone is in the former files alone, under any key.
        self._former_secrets = _record.Record(os.path.join(self._state_dir, "secrets.json"))
        self._wanted_cohort = list(params.get("cohort") or ())
        self.release = Release(ReleaseSpec.from_params(params["release"]), runner=runner, clock=self._clock)
        config = {**params["config"], "state_dir": os.path.join(self._state_dir, "config")}
        self._commands = [list(command) for command in params["config"].get("check") or ()]
        self._spec = FilesetSpec.from_params(config)
        if self.leaves:
            self._spec = self._spec.leaving()
        self.config = Fileset(self._spec, runner)
        files = params["config"].get("files") or ()
        self._masked = {os.path.join(self._spec.root, file["path"]) for file in files if file.get("masked")}
        # Of a component that leaves, only names and places are known.
        folder = self._folder if not self.leaves else "/opt"
        self.service = Service(
            ServiceSpec.from_params(params["service"], component=self.name, release=folder),
            runner=runner,
            clock=self._clock,
            state_root=state_root,
            secrets=self.secrets,
        )
        self.api = self._endpoint(params["api"]) if params.get("api") else None
        self._http = http or (self.api.client() if self.api else None)

    @property
    def _folder(self) -> str:
        return self.release.path

    def _endpoint(self, params: t.Mapping[str, t.Any]) -> Api:
        """What a reload reads: all our files but those of file-based discovery, which are read when they change."""
        paths = [os.path.join(self._spec.root, file.path) for file in self._spec.files]
        return dataclasses.replace(
            Api.from_params(params), files=tuple(path for path in paths if "/targets/" not in path)
        )

    # -- before any change -----------------------------------------------------------------------------------------

    def in_the_way(self) -> list[_foreign.Finding]:
        """Another installation, or another owner of a port.

        What a live preflight that was cut off left on our ports is none: it is ended, in check mode passed over.
        """
        found = self._others()
        if any(one.kind == "port" for one in found):
            if self._apply:
                _preflight_listen.end_leftovers()
            found = self._others(() if self._apply else _preflight_listen.leftovers())
        return found

    def _others(self, stand_ins: t.Collection[int] = ()) -> list[_foreign.Finding]:
        unit = self.service.spec.unit
        return self.service.drop_ins() + _foreign.find(
            self.name,
            unit=unit.file,
            runner=self._runner,
            data_dirs=unit.data_dirs,
            config_files=[os.path.join(self._spec.root, file.path) for file in self._spec.files],
            ports=self.service.spec.ports,
            stand_ins=stand_ins,
            state_root=self._state_root,
        )

    def lacks_archive(self) -> str | None:
        """The architecture whose archive the controller must bring, if any."""
        if self.leaves or self._archive or not self._apply:
            return None
        state = self.release.inspect()
        return state.arch if state.needs_archive else None

    # -- converging ------------------------------------------------------------------------------------------------

    def stage(self) -> Outcome:
        """Prepare everything that running processes do not notice, and say what is pending.

        :raises HAError: nothing that runs was touched then, nor its files.
        """
        outcome = Outcome(former_cohort=self._cohort.other_than(self._wanted_cohort))
        if self._apply:
            self._claim()
            outcome.actions += self.service.recover() + self.config.recover()
        if self.leaves:
            outcome.pending, outcome.reasons = self.pending(self.config.plan())
            return outcome
        installed = self.release.install(self._archive, apply=self._apply).changed
        if installed:
            outcome.actions.append(f"installed {self.name} {self.release.spec.version}")
        outcome.actions += self.service.prepare(apply=self._apply)
        files = self.config.plan()
        outcome.foreign = files.foreign
        outcome.pending, outcome.reasons = self.pending(files)
        if outcome.pending != NONE or installed:
            self._check()
        if self._apply:
            self.config.record()
            self.service.record()
            if outcome.pending == NONE:
                self._keep_cohort()
        # Harmless to what runs. An activation enables it too, but there is none where nothing else is pending.
        if outcome.pending == NONE and not self.held and self.service.enable(apply=self._apply):
            outcome.actions.append(f"enabled {self.service.unit}, so that it starts at boot")
        return outcome

    def activate(self, *, only_start: bool = False) -> Outcome:
        """Stage, then do what is pending, prove it, or put everything back as it was.

        :param only_start: leave alone what already serves.
        :raises HAError: when the change was refused; the former version and configuration serve again then.
        """
        outcome = self.stage()
        if self.held or outcome.pending == NONE or (only_start and outcome.pending != START):
            return self._finish(outcome)
        if outcome.pending == REMOVE:
            return self._remove(outcome)
        files = self.config.plan()
        outcome.diff += self._shown(files.diff) + self.service.plan().diff
        outcome.actions += [f"wrote {os.path.join(self._spec.root, path)}" for path in files.written]
        outcome.actions += [f"removed {os.path.join(self._spec.root, path)}" for path in files.removed]
        outcome.actions.append(f"{outcome.pending} of {self.service.unit}: {'; '.join(outcome.reasons)}")
        if not self._apply:
            return outcome
        if files.changed:
            self.config.swap()
        undo = self.config.rollback if files.changed else None
        begun = time.time()
        try:
            started = self.service.activate(self._serves_new, undo=undo, former_look=self._is_ready)
            if started:
                outcome.seconds, outcome.waited_for = started.seconds, list(started.waited_for)
            elif outcome.pending == RELOAD:
                self._reload(undo)
        except HAError as error:
            error.facts.setdefault("reasons", outcome.reasons)
            if outcome.pending == RELOAD:
                # Prometheus' own answer may name nothing but its configuration file (query_log_file, seen with 3.5.3).
                logged = self.service.log_tail(begun).splitlines()
                error.said = "\n".join([error.said, *(line for line in logged if _ERROR.search(line))]).strip()
            # Where it failed before anything was started (a read-only unit folder), nobody has put the files back yet;
            # a second rollback does nothing. What it can't do now, the journal does in the next run.
            if undo:
                with contextlib.suppress(HAError):
                    undo()
            raise
        if files.changed:
            self.config.commit()
        outcome.pending = NONE
        return self._finish(outcome)

    # -- parts -----------------------------------------------------------------------------------------------------

    def _claim(self) -> None:
        """Our state folder says that the component's folders are ours; see _foreign.find."""
        if not self.leaves:
            os.makedirs(self._state_dir, mode=0o700, exist_ok=True)

    def _removal(self, files: FilesetPlan) -> tuple[str, list[str]]:
        ours = self.service.is_ours() or files.removed
        reasons = ["its state is absent"] if ours else []
        if self.service.is_foreign():
            reasons.append(f"{self.service.unit} is not ours: left alone")
        return (REMOVE if ours else NONE), reasons

    def pending(self, files: FilesetPlan) -> tuple[str, list[str]]:
        """What an activation would do, and why; nothing is changed.

        :param files: what would change of its files.
        :raises HAError: when it does not let itself be asked.
        """
        if self.leaves:
            return self._removal(files)
        state = self.service.status()
        if state.pending:
            return state.pending.action, list(state.pending.reasons)
        if files.changed:
            return RELOAD, [f"{path} differs" for path in (*files.written, *files.removed)]
        if self.service.plan().changed:
            return RELOAD, [f"{self.service.path} differs"]
        if self.api and self._http:
            loaded = self._loaded(self.api, self._http, state.unit.pid)
            if not loaded.ok:
                return RELOAD, [loaded.why]
        return NONE, []

    def _loaded(self, api: Api, http: Http, pid: int) -> _reload.Loaded:
        """What the process has loaded; one that was just started gets a moment to answer."""
        found: list[_reload.Loaded] = []

        def look() -> Verdict:
            try:
                found.append(_reload.loaded(api, http))
            except HttpUnreachableError as error:
                return Verdict(False, f"{error.what}: {error.said}")
            return Verdict(True)

        waited = wait(look, timeout=_ANSWER_TIMEOUT, clock=self._clock)
        if not found:
            unit = self.service.unit
            raise HAError(
                f"it runs (pid {pid}), but does not answer at {api.url} for {waited.seconds:.0f} s",
                where=unit,
                said=waited.verdict.waiting_for,
                do=f"Look at journalctl -u {unit}; restart it by hand (systemctl restart {unit}), then run again.",
            )
        return found[-1]

    def _check(self) -> None:
        """The component's own words on the new configuration, its flags and its unit, before anything changes."""
        self.config.check(self._commands, {"release": self._folder}, missing_ok=not self._apply)
        unit = self.service.spec.unit
        if os.access(unit.executable, os.X_OK):
            refused = _help_flags.refused(self._runner, unit.executable, unit.args)
            if refused:
                raise HAError(
                    f"{self.name} {self.release.spec.version} refuses its command line; nothing was changed",
                    where=f"variable {self.name}_extra_args",
                    said="\n".join(refused),
                    do="correct or remove the flag.",
                )
        self.service.check(apply=self._apply)

    def _is_ready(self) -> Verdict:
        if not (self.api and self._http):
            return Verdict(True)
        return _ready.check(self.api, _ready.Expect(), self._http)

    def _serves_new(self) -> Verdict:
        """Ready, and what it loaded is what is on disk."""
        ready = self._is_ready()
        if not ready.done or not (self.api and self._http):
            return ready
        loaded = _reload.loaded(self.api, self._http)
        return Verdict(loaded.ok, "" if loaded.ok else loaded.why)

    def _reload(self, undo: t.Callable[[], None] | None) -> None:
        if not (self.api and self._http):
            return
        if undo is None:
            _reload.reload(self.api, self._http, self._clock)
        else:
            _configure.take_up(_configure.Running(self.api, self._http, self._clock), undo)

    def _shown(self, diff: t.Sequence[dict[str, str]]) -> list[dict[str, str]]:
        """The diff without values of secret keys, the former ones included, which only the disk knows."""
        shown = []
        known = self.secrets.union(self._former_secrets.read() or ())
        for entry in diff:
            if self.leaves or entry["after_header"] in self._masked:  # of one that leaves no file is known any more
                both = [entry["before"].encode(), entry["after"].encode()]
                entry = {**entry, **{side: _diff.mask(entry[side], both, known) for side in ("before", "after")}}
            else:
                entry = {**entry, **{side: _diff.mask(entry[side], (), known) for side in ("before", "after")}}
            shown.append(entry)
        return shown

    def _remove(self, outcome: Outcome) -> Outcome:
        outcome.diff += self._shown(self.config.plan().diff)
        kept = self.service.is_foreign()
        unit = "" if kept else f"{self.service.unit}, "
        outcome.actions.append(f"removed {unit}its configuration and releases; its data stays")
        if self._apply:
            self.service.remove()
            self.config.remove()
            self.release.remove()
            self._cohort.forget()
            self._former_secrets.forget()
            outcome.pending = NONE
        return outcome

    def _keep_cohort(self) -> None:
        """What serves as wanted serves its set: the next run knows it as the former one."""
        if self._apply and self._wanted_cohort:
            self._cohort.write(self._wanted_cohort)
        if self._apply:
            self._former_secrets.write(sorted(self.secrets))

    def _finish(self, outcome: Outcome) -> Outcome:
        """Links to the tools, and the oldest versions gone: only once the wanted one serves."""
        if self.held or self.leaves or outcome.pending != NONE:
            return outcome
        if os.path.isdir(self._folder) and self.release.link(apply=self._apply):
            outcome.actions.append(f"linked {', '.join(self.release.spec.links)} into {self.release.spec.link_dir}")
        self._keep_cohort()
        outcome.actions += [f"pruned {self.name} {version}" for version in self.release.prune(apply=self._apply)]
        return outcome
