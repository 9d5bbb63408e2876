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
    _effects,
    _foreign,
    _help_flags,
    _preflight_facts,
    _preflight_listen,
    _process,
    _ready,
    _record,
    _reload,
    _uploads,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import KINDS, Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._data_copy import DataCopy
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import (
    NONE,
    RELOAD,
    REMOVE,
    RESTART,
    START,
    WRITE,
    Due,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._fileset import Fileset
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._filespec import STATE, FilesetPlan, FilesetSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http, HttpUnreachableError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._package import Package
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release import Release
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner, run
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service import Crossing, Service
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service_spec import ServiceSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, SystemClock, Verdict, wait


def _order(version: str) -> tuple[int, ...]:
    """A version as numbers that compare; what follows the three of them does not count."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


_ERROR = re.compile(r'level"?[=:]"?error', re.IGNORECASE)  # a line of either log format
# So long (seconds) a process that runs may take to answer at all: Alertmanager listens within a second of its start.
_ANSWER_TIMEOUT = 5.0
# What the module component may bring one to; the ends are those of a trial, of the files alone (ahead) or of all.
ENDS = ("settled", "proved", "reverted")
STATES = ("staged", "started", "active", "ahead", "trial", *ENDS, "absent")
# What may be asked of a component that has less pending.
ASKS = (RELOAD, RESTART)


@dataclasses.dataclass
class Outcome:
    """What was found, done and is left to do for one component.

    :param pending: none, start, write, reload, restart or remove: what an activation would do.
    :param reasons: why, in sentences.
    :param at_once: whether all members of the mesh have to make that change at the same moment.
    :param ahead: whether, before the restart that is pending, what runs can take up the files that all members take up
        at the same moment.
    :param breaks: by who is broken until they changed, too (peers, clients), the changes that do it.
    :param files: those of the configuration that differ.
    :param serves: whether what is to be changed is up and ready before.
    :param runs: the version that runs, or ran last; "" where none did.
    :param endpoint: the port and prefix of what runs, where clients would be broken.
    :param keeps: the version whose data is kept for a way back; "" where none is.
    :param out_of_service: seconds for which it was not ready in this change; None where it never was away.
    :param actions: what was changed (in check mode: would be), in sentences.
    :param foreign: files below the configuration folder that this collection did not write.
    :param seconds: how long a start took until it was proved; ``waited_for``: what for, the last sentences.
    :param former_cohort: component, environment and name of the set that it still serves, where another is wanted.
    """

    pending: str = NONE
    reasons: list[str] = dataclasses.field(default_factory=list)
    at_once: bool = False
    ahead: bool = False
    breaks: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    files: list[str] = dataclasses.field(default_factory=list)
    serves: bool = False
    runs: str = ""
    endpoint: dict[str, t.Any] | None = None
    keeps: str = ""
    out_of_service: float | None = None
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
        shown = {key: value for key, value in dataclasses.asdict(self).items() if key != "diff"}
        return {**shown, "changed": self.changed}


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
    :param asked: reload or restart: what is to be done even where less is pending.
    """

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        *,
        apply: bool,
        asked: str = "",
        runner: Runner = run,
        http: Http | None = None,
        clock: Clock | None = None,
        state_root: str = STATE,
    ) -> None:
        self.name = str(params["name"])
        self.held = params.get("state") == "staged"
        self.leaves = params.get("state") == "absent"
        self._apply = apply
        self._asked = asked
        self._effects = _effects.table(params.get("effects"))
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
        # A program of the distribution is no release of ours: it has no version here, and other flags.
        self._packaged = "executable" in params["release"]
        self.release: Release | Package = (
            Package(params["release"])
            if self._packaged
            else Release(ReleaseSpec.from_params(params["release"]), runner=runner, clock=self._clock)
        )
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
        self._reloads = self.api is not None and self.api.kind in KINDS
        # A version older than this one can't be relied on to open what the wanted version writes.
        self._back_to = str(params.get("back_to") or "")
        folders = self.service.spec.unit.data_dirs
        self._copy = DataCopy(folders[0]) if folders else None
        self._uploads: t.Mapping[str, str] = params.get("uploads") or {}
        self.told: list[str] = []  # what became of the data

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
            self._found(outcome, self.config.plan())
            return outcome
        installed = self.release.install(self._archive, apply=self._apply).changed
        if installed:
            outcome.actions.append(f"installed {self.release.spec.name} {self.release.spec.version}".strip())
        outcome.actions += self.service.prepare(apply=self._apply)
        files = self.config.plan()
        outcome.foreign = files.foreign
        self._found(outcome, files)
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

    def activate(self, *, only_start: bool = False, ahead: bool = False, settle: bool = True) -> Outcome:
        """Stage, then do what is pending, prove it, or put everything back as it was.

        :param only_start: leave alone what already serves.
        :param ahead: where the files can be taken up before the restart that is pending, do that alone.
        :param settle: False keeps the former unit, files and data at hand: ``settle`` or ``revert`` must follow. A run
            that is cut off before has the next one put the former files back, and begin anew.
        :raises HAError: when the change was refused; the former version and configuration serve again then.
        """
        outcome = self.stage()
        if self.held or outcome.pending == NONE or (only_start and outcome.pending != START):
            return self._finish(outcome)
        if outcome.pending == REMOVE:
            return self._remove(outcome)
        if ahead and not outcome.ahead and outcome.pending == RESTART and not (outcome.at_once or outcome.breaks):
            raise HAError(
                "what runs no longer takes the configuration that all members take up now; nothing was changed",
                where=self.service.unit,
                do="look at the host (a full disk, a file that somebody edits), then run again.",
                untouched=True,
            )
        ahead = ahead and outcome.ahead
        action = RELOAD if ahead else outcome.pending
        files = self.config.plan()
        if ahead:
            outcome.reasons = list(_effects.of_files(self._effects, (*files.written, *files.removed)).reasons)
        outcome.diff += self._shown(files.diff) + ([] if ahead else self.service.plan().diff)
        outcome.actions += [f"wrote {os.path.join(self._spec.root, path)}" for path in files.written]
        outcome.actions += [f"removed {os.path.join(self._spec.root, path)}" for path in files.removed]
        outcome.actions.append(f"{action} of {self.service.unit}: {'; '.join(outcome.reasons)}")
        if not self._apply:
            return outcome
        crossing = None if ahead else self._crossing(outcome)
        if files.changed:
            self.config.swap()
        undo = self.config.rollback if files.changed else None
        begun = time.time()
        try:
            started = None
            if not ahead:
                started = self.service.activate(
                    self._serves_new,
                    undo=undo,
                    former_look=self._former_is_ready,
                    crossing=crossing,
                    action=action if action in (START, RESTART) else "",
                    settle=settle,
                )
            if started:
                outcome.seconds, outcome.waited_for = started.seconds, list(started.waited_for)
                outcome.out_of_service = started.out_of_service if outcome.serves else None
            elif action == RELOAD:
                self._reload(undo)
        except HAError as error:
            error.facts.setdefault("reasons", outcome.reasons)
            error.facts.setdefault("versions", self._versions(outcome))
            error.what = "; ".join([error.what, *self.told])
            if action == RELOAD:
                # Prometheus' own answer may name nothing but its configuration file (query_log_file, seen with 3.5.3).
                logged = self.service.log_tail(begun).splitlines()
                error.said = "\n".join([error.said, *(line for line in logged if _ERROR.search(line))]).strip()
            # Where it failed before anything was started (a read-only unit folder), nobody has put the files back yet;
            # a second rollback does nothing. What it can't do now, the journal does in the next run.
            if undo:
                with contextlib.suppress(HAError):
                    undo()
            raise
        outcome.pending = outcome.pending if ahead else NONE
        outcome.actions += self.told
        if not settle:
            return outcome
        if files.changed:
            self.config.commit()
        return self._finish(outcome)

    def settle(self, *, proved: bool = False) -> Outcome:
        """Let go of the former unit and files after an activation that kept them.

        :param proved: of the former version's data, too.
        """
        outcome = Outcome()
        if not self._apply or self.leaves:
            return outcome
        self.config.settle()
        self.service.settle()
        if self.service.status().pending:  # its files went ahead
            self._former_secrets.write(sorted(self._all_secrets()))
            return outcome
        if proved and self._copy:
            kept = self._copy.kept()
            if self._copy.drop() and kept:
                outcome.actions.append(f"let go of the data of {self.name} {kept.version}")
        return self._finish(outcome)

    def revert(self) -> Outcome:
        """After an activation that kept the former unit and files: these are back, and run.

        :raises HAError: when the former one does not come back.
        """
        outcome = Outcome(runs=self._version())
        if not self._apply or self.leaves:
            return outcome
        crossing = Crossing(lambda: None, self._restore)
        undone, started = self.service.revert(self._former_is_ready, undo=self.config.put_back, crossing=crossing)
        if started:
            outcome.seconds, outcome.waited_for = started.seconds, list(started.waited_for)
            outcome.out_of_service = started.out_of_service
        elif undone and self._reloads and self.api and self._http:
            # The former generation is not known; the time of the reload against that of the files proves enough.
            _reload.reload(dataclasses.replace(self.api, generation=None), self._http, self._clock)
        if undone:
            outcome.actions += [f"put the former {self.name} {self._version()} back", *self.told]
        return outcome

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

    def _found(self, outcome: Outcome, files: FilesetPlan) -> None:
        """What is pending, and what those who change one host after the other must know of it."""
        due = self.pending(files)
        if due.reasons:  # these name what runs, which may be a secret of former times
            known = self._all_secrets()
            outcome.reasons = [_diff.mask(reason, (), known) for reason in due.reasons]
        outcome.pending, outcome.at_once = due.action, due.at_once
        outcome.ahead = self._goes_ahead(due, files)
        outcome.breaks = {who: list(changes) for who, changes in due.breaks.items()}
        outcome.files = [*files.written, *files.removed]
        outcome.runs = self._version()
        kept = self._copy.kept() if self._copy else None
        outcome.keeps = kept.version if kept else ""
        if outcome.pending in (NONE, START):
            outcome.serves = outcome.pending == NONE
            return
        running = self.service.status().running
        endpoint = _effects.endpoint(running.argv[1:]) if running else None
        outcome.endpoint = endpoint if "clients" in outcome.breaks else None
        outcome.serves = self._is_ready(endpoint).done

    def pending(self, files: FilesetPlan) -> Due:
        """What an activation would do, and why; nothing is changed.

        :param files: what would change of its files.
        :raises HAError: when it does not let itself be asked.
        """
        if self.leaves:
            action, reasons = self._removal(files)
            return Due(action, tuple(reasons))
        due = self._due(files)
        if self._asked == RELOAD and not self._reloads:
            return due
        if self._asked and due.action not in (START, RESTART, self._asked):
            # What all reload at once, they need not restart at once.
            at_once = due.at_once and (self._asked == due.action or bool(due.breaks))
            return Due(self._asked, (f"a {self._asked} was asked for", *due.reasons), at_once, due.breaks)
        return due

    def _goes_ahead(self, due: Due, files: FilesetPlan) -> bool:
        """Whether what runs takes up, before it restarts, what all members have to take up at the same moment.

        Members that restart one after the other would have two configurations for so long, and notify twice.
        """
        if due.action != RESTART or due.at_once or due.breaks:
            return False
        changed = _effects.of_files(self._effects, (*files.written, *files.removed))
        running = self.service.status().running if changed.at_once else None
        if not running:
            return False
        release = os.path.dirname(os.path.dirname(running.argv[0]))
        try:
            return not self.config.check(self._commands, {"release": release}, missing_ok=True)
        except HAError:  # it needs the new version, or is wrong for that, too, which the stage says
            return False

    def _due(self, files: FilesetPlan) -> Due:
        state = self.service.status()
        changed = _effects.of_files(self._effects, (*files.written, *files.removed))
        if state.pending:
            felt = Due()
            if state.running:
                wanted = self.service.wanted.argv[1:]
                felt = _effects.of_flags(self._effects, state.running.argv[1:], wanted)
            return dataclasses.replace(felt, action=state.pending.action, reasons=state.pending.reasons)
        if changed.action not in (NONE, WRITE):
            return changed
        if self.service.plan().changed:
            action = RELOAD if self._reloads else WRITE
            return Due(action, (*changed.reasons, f"{self.service.path} differs"))
        if self.api and self._http:
            loaded = self._loaded(self.api, self._http, state.unit.pid)
            if not loaded.ok:
                return Due(RELOAD, (*changed.reasons, loaded.why))
        return changed

    # -- data on the way to another version ------------------------------------------------------------------------

    def _version(self) -> str:
        """The version that runs, else the one that the installed unit names."""
        return _preflight_facts.installed(self.name, "", self._runner).version

    def _versions(self, outcome: Outcome) -> str:
        wanted = self.release.spec.version
        return f"{outcome.runs} -> {wanted}" if outcome.runs not in ("", wanted) else wanted

    def _crossing(self, outcome: Outcome) -> Crossing | None:
        """Data that the former version could not open once the new one has written is kept, and put back.

        :raises HAError: where it can't be kept; nothing was touched then.
        """
        wanted = self.release.spec.version
        if not self._copy or not outcome.runs or outcome.runs == wanted:
            return None
        copy, version = self._copy, outcome.runs
        kept = copy.kept()
        if kept and kept.version == wanted:
            copy.require_recent(kept)
            return Crossing(lambda: self.told.append(copy.restore().words), lambda: None)
        if not (self._back_to and _order(outcome.runs) < _order(self._back_to)):
            return None
        copy.possible()
        # What runs has written since a copy was taken that an earlier run left.
        runs = self.service.status().running is not None
        stale = kept is not None and not kept.restoring and (runs or copy.is_old(kept))

        def forth() -> None:
            if kept and kept.restoring:  # a way back that was cut off
                self.told.append(copy.restore().words)
            if stale:
                copy.drop()
            copy.keep(version)
            outcome.keeps = version
            outcome.actions.append(f"kept the data of {self.name} {version} until the roll is proved")

        return Crossing(forth, self._restore)

    def _restore(self) -> None:
        """Put the data back that was kept of the version whose unit is in place, if any was."""
        kept = self._copy.kept() if self._copy else None
        if self._copy and kept and kept.version == self._version():
            self.told.append(self._copy.restore().words)

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
        if os.access(unit.executable, os.X_OK) and not self._packaged:
            refused = _help_flags.refused(self._runner, unit.executable, unit.args)
            if refused:
                raise HAError(
                    f"{self.name} {self.release.spec.version} refuses its command line; nothing was changed",
                    where=f"variable {self.name}_extra_args",
                    said="\n".join(refused),
                    do="correct or remove the flag.",
                )
        self.service.check(apply=self._apply)

    def _is_ready(self, endpoint: t.Mapping[str, t.Any] | None = None) -> Verdict:
        """:param endpoint: where it answers, if not where it is planned to."""
        if not (self.api and self._http):
            return Verdict(True)
        api = dataclasses.replace(self.api, url=_effects.url_at(self.api.url, endpoint))
        return _ready.check(api, _ready.Expect(), self._http)

    def _former_is_ready(self) -> Verdict:
        """Of what the installed unit starts, once the former one is back."""
        command = next(iter(_process.drop_in_commands(self.service.path)), ())
        return self._is_ready(_effects.endpoint(command[1:]))

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

    def _all_secrets(self) -> set[str]:
        """The former ones included, which only the disk knows."""
        return self.secrets.union(self._former_secrets.read() or ())

    def _shown(self, diff: t.Sequence[dict[str, str]]) -> list[dict[str, str]]:
        """The diff without values of secret keys, the former ones included, which only the disk knows."""
        shown = []
        known = self._all_secrets()
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
        parts = (
            "its configuration; the package stays"
            if self._packaged
            else "its configuration and releases; its data stays"
        )
        outcome.actions.append(f"removed {unit}{parts}")
        if self._apply:
            self._upload()
            self.service.remove()
            self.config.remove()
            self.release.remove(spare=True)
            self._cohort.forget()
            self._former_secrets.forget()
            outcome.pending = NONE
        return outcome

    def _upload(self) -> None:
        """Have it upload what it holds as it ends. :raises HAError: where something stays behind; it runs on then."""
        folder = self._uploads.get("data_dir", "")
        if not (folder and os.path.isdir(folder) and os.listdir(folder)):
            return
        api = Api("thanos", self._uploads["url"])
        http = self._http or api.client()

        def look() -> Verdict:
            return _ready.check(api, _ready.Expect(), http)

        if not self.service.runs():  # only as it ends it cuts a block of what its WAL has
            self.service.start(look)
        begun = time.time()
        self.service.stop()
        said = self.service.logged(_uploads.FLUSHED, begun)
        left = _uploads.not_uploaded(folder)
        if said and not left:
            return
        tail = self.service.log_tail(begun)
        self.service.start(look)
        named = ", ".join(left[:3]) + (" ..." if len(left) > 3 else "")
        what = f"{len(left)} blocks of {folder} are not in the bucket ({named})" if left else "its WAL was not flushed"
        raise HAError(
            f"{what}: it was not removed; it runs again",
            where=self.service.unit,
            said=tail,
            do="mend its way to the bucket and run again; or move the folder away, where other copies are enough.",
        )

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
