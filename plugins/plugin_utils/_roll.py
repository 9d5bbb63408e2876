# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's turn in a rolling change: what of it changes, what is told of it, and how a failure reads."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _effects
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import (
    NONE,
    RELOAD,
    RESTART,
    START,
    WRITE,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _gate, _registry, _store, _waves
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._run_summary import Entry, sentence

Slices = t.Sequence[t.Mapping[str, t.Any]]
Found = t.Mapping[str, t.Mapping[str, t.Any]]


def changing(slices: Slices, phase: str, host: str, only: str = "", tier: str | None = None) -> Slices:
    """The slices of a host that have their turn in a phase.

    :param tier: None: those of all.
    :raises HAError: where the host was not staged.
    """
    due = _store.due([host]).get(host, {})
    if missing := [item["name"] for item in slices if item["name"] not in due]:
        what = f"{', '.join(missing)} was not staged in this run, so that nobody knows what is pending"
        do = "have the module component stage it (state: staged) in an earlier play."
        raise HAError(what, where=f"host {host}", do=do)
    if phase == "clients":
        mine = _store.clients().get(host, {})
        return [item for item in slices if tuple(item["cohort"]) in mine]
    serving = _waves.serving(one["components"] for one in _store.staged())
    beside = list(due.values())
    return [
        item
        for item in slices
        if _waves.phase(due[item["name"]], only, serving, beside) == phase and tier in (None, due[item["name"]]["tier"])
    ]


def require_all(slices: Slices, turn: Turn, task_vars: t.Mapping[str, t.Any], only: str = "") -> None:
    """A change that peers feel until they made it, too, is made by all or none.

    :raises HAError: where a member is not in the play, which would be cut off by the others' change.
    """
    play = set(task_vars["ansible_play_hosts"])
    if turn.phase == "flip" and (unlisted := sorted(_store.clients().keys() - _store.due(_store.clients()).keys())):
        raise HAError(
            f"the web endpoint would move away from {', '.join(unlisted)}, which --limit leaves out: they would go on "
            "at the former place. Nothing was changed",
            where=f"host {turn.host}",
            do="run without --limit.",
        )
    for item in slices:
        part = turn.due[item["name"]]
        if "peers" not in part["breaks"]:
            if part["at_once"] or part["ahead"]:
                _require_whole(item["name"], turn.host, only)
            continue
        others = [
            one["host"]
            for one in _store.staged()
            for part in one["components"].values()
            if item["cohort"] in part["cohorts"]
        ]
        known = _store.kept("gate", [turn.host]).get(turn.host, {}).get(item["name"], {"hosts": others})
        if absent := sorted({*others, *known["hosts"]} - play):
            raise HAError(
                f"{item['name']} can't talk to its peers until all of them have changed, and {', '.join(absent)} would "
                "not: --limit leaves them out, or they failed. Nothing was changed",
                where=f"host {turn.host}",
                do="run without --limit, with all of them up.",
            )


def _require_whole(name: str, host: str, only: str) -> None:
    """:raises HAError: where a member would keep the former configuration: two of them notify twice."""
    mesh = _store.kept("gate", [host]).get(host, {}).get(name, {"hosts": []})["hosts"]
    if absent := sorted(set(mesh) - _store.due(mesh).keys()):
        raise HAError(
            f"a new configuration of {name} goes to all members of a mesh at the same moment, and {', '.join(absent)} "
            "would keep the former one, so that both notify: --limit leaves them out. Nothing was changed",
            where=f"host {host}",
            do="run without --limit, or with all members in it.",
        )
    _require_turns(name, host, mesh, only)


def _require_turns(name: str, host: str, mesh: t.Sequence[str], only: str) -> None:
    """:raises HAError: where a run that does less than all passes a member by that has the configuration pending."""
    serving = _waves.serving(one["components"] for one in _store.staged())
    pending = {member: due[name] for member, due in _store.due(mesh).items() if name in due and due[name]["files"]}
    left = [one for one, part in pending.items() if part["pending"] != START and not _waves.phase(part, only, serving)]
    if left:
        raise HAError(
            f"a new configuration of {name} goes to all members of a mesh at the same moment, and this playbook leaves "
            f"{', '.join(left)} alone, which have another change pending. Nothing was changed",
            where=f"host {host}",
            do="run site.",
        )


def require_forks(host: str, forks: int) -> None:
    """:raises HAError: where not all that change at the same moment have a process of Ansible each."""
    waves: list[list[str]] = _store.kept("waves", ["together"]).get("together", [])
    hosts = next((hosts for hosts in waves if host in hosts), [])
    if len(hosts) > forks:
        raise HAError(
            f"{len(hosts)} hosts change at the same moment, and Ansible works on {forks} at once. Nothing was changed",
            where=f"host {host}",
            do=f"run with --forks {len(hosts)}, or set forks in ansible.cfg.",
        )


def mixed(slices: Slices, turn: Turn) -> list[str]:
    """What is to be said of members that take up a new configuration while they restart: not all at once then.

    What runs does not accept it, or the web endpoint moves, too.
    """
    found = []
    for item in slices:
        part = turn.due[item["name"]]
        at_once = _effects.of_files(_effects.table(item.get("effects")), part["files"]).at_once
        if at_once and not (part["at_once"] or part["ahead"]) and part["pending"] == RESTART:
            found.append(
                f"{' '.join(item['cohort'][1:])}: the members of {item['name']} restart one after the other, and each "
                "takes up the new configuration then, since "
                + ("their web endpoint moves, too" if part["breaks"] else "what runs does not accept it")
                + "; until the last has it, what the two route differently is told twice."
                + (" A run with the configuration alone, before this one, avoids that." if part["breaks"] else "")
            )
    return found


class Turn:
    """What a host's turn did, step by step, for the run's summary.

    :param check: nothing is done, only told.
    """

    def __init__(self, host: str, phase: str, *, check: bool = False) -> None:
        self.host = host
        self.phase = phase
        self.check = check
        self.due: dict[str, dict[str, t.Any]] = {}
        self.slices: Slices = ()
        self.gates: dict[str, float] = {}
        self.out: dict[str, float] = {}
        self.touched = False
        self._began = time.time()
        self._clock = time.monotonic()

    def begin(self, slices: Slices) -> None:
        self.slices = slices
        self.due = _store.due([self.host]).get(self.host, {})

    def passed(self, state: str, gate: _gate.Passed | None) -> None:
        """:param gate: None where there was none to pass."""
        self.touched = True
        if gate is not None:
            self.gates[state] = round(gate.seconds, 2)

    def tried(self, components: Found) -> None:
        """What the trial did."""
        self.out = {name: found["out_of_service"] for name, found in components.items() if found["out_of_service"]}

    def reverted(self, components: Found) -> None:
        """What the way back cost on top."""
        for name, found in components.items():
            if found["out_of_service"]:
                self.out[name] = self.out.get(name, 0.0) + found["out_of_service"]

    def splits(self, after: _gate.Passed | None) -> list[str]:
        """For how long peers did not hear one another that had to change together: until all saw all again."""
        waited = 0.0 if after is None else sum(after.waited.values())
        return [
            f"{self.host}: the peers of {name} were split for {self.out.get(name, 0.0) + waited:.1f} s at most"
            for name in (item["name"] for item in self.slices)
            if "peers" in self.due[name]["breaks"]
        ]

    def goes_ahead(self, name: str) -> bool:
        """Whether this turn is about a component's configuration alone, which restarts in a later one."""
        return self.phase == "together" and bool(self.due[name]["ahead"])

    def left(self, components: Found) -> dict[str, dict[str, t.Any]]:
        """What is pending once the turn is over: in the phase ``clients`` the planned configuration, of what took up
        its configuration ahead the restart.
        """
        rest: dict[str, t.Any] = {
            "at_once": False,
            "ahead": False,
            "breaks": {},
            "files": [],
            "endpoint": None,
            "serves": True,
        }
        if self.phase == "clients":
            rest["reasons"] = ["both places of what moved are listed"]
        result = {name: {**found, **rest} for name, found in components.items()}
        both = _store.clients().get(self.host, {}) if self.phase == "clients" else {}
        for item in self.slices:
            name, paths = item["name"], both.get(tuple(item["cohort"]), [])
            found = result.get(name, {})
            if self.phase == "clients" and self.due[name]["packaged"]:
                found["pending"] = RESTART
            elif self.phase == "clients":
                due = _effects.of_files(_effects.table(item.get("effects")), paths)
                found.update(pending=due.action, files=paths)
            elif self.goes_ahead(name):
                found["reasons"] = self.due[name]["reasons"]
        return result

    def versions(self, name: str, wanted: str) -> str:
        runs: str = self.due.get(name, {}).get("runs", "")
        if name in self.due and self.goes_ahead(name):
            return runs
        return f"{runs} -> {wanted}" if runs not in ("", wanted) else wanted

    def named(self, slices: Slices) -> str:
        """Components with their versions, for a sentence."""
        return ", ".join(
            f"{item['name']} {self.versions(item['name'], item['release'].get('version', ''))}".strip()
            for item in slices
        )

    def staged(self) -> list[Entry]:
        """For the summary of a host that was staged: what is pending there, unless a later turn does it."""
        self.begin(self.slices)
        return [self._entry(item, "staged") for item in self.slices if self.due[item["name"]]["pending"] != NONE]

    def entries(self) -> list[Entry]:
        """For the summary of a turn that went well."""
        return [self._entry(item, self._did(item["name"])) for item in self.slices]

    def failed(self, error: HAError) -> list[Entry]:
        """For the summary of a turn that failed; what was not touched is no entry."""
        if not self.touched:
            return []
        did = "taken back" if error.facts.get("taken_back") else "failed"
        words = sentence(error.what)
        return [self._entry(item, did, error=words) for item in self.slices]

    def _did(self, name: str) -> str:
        part = self.due[name]
        if self.phase == "clients" or self.goes_ahead(name):
            return RELOAD
        return "flip" if part["breaks"] else str(part["pending"])

    def _entry(self, item: t.Mapping[str, t.Any], did: str, *, error: str = "") -> Entry:
        name, part = item["name"], self.due[item["name"]]
        own = time.monotonic() - self._clock - sum(self.gates.values())
        number, count = wave(self.host, self.phase)
        return Entry(
            host=self.host,
            component=name,
            title=_registry.component(name).kind.title,
            did=did,
            check=self.check,
            cohort=" ".join(item["cohort"][1:]),
            began=self._began,
            seconds=round(max(own, 0.0) / len(self.slices), 2),
            why=tuple(f"{path} differs" for path in part["files"]) if self.goes_ahead(name) else tuple(part["reasons"]),
            wave=number,
            waves=count,
            version_from=part["runs"] or None,
            version_to=item["release"].get("version") or None,
            out_of_service=self.out.get(name),
            gate_before=self.gates.get("before"),
            gate_after=self.gates.get("after"),
            ok=not error,
            error=error,
        )


def wave(host: str, phase: str) -> tuple[int | None, int | None]:
    """Which wave of how many a host is in."""
    waves: list[list[str]] = _store.kept("waves", [phase]).get(phase, [])
    number = next((index for index, hosts in enumerate(waves, 1) if host in hosts), None)
    return number, len(waves) if number else None


def outside(turn: Turn, components: Found) -> list[Entry]:
    """For the summary of what was done outside of waves: first starts, and in a play of the user's own.

    :param turn: as it began, before anything was done.
    """
    if not turn.due:
        return []  # not staged: nobody knows what was pending
    turn.tried(components)
    done = [name for name, found in components.items() if turn.check or found["pending"] == NONE]
    turn.slices = [item for item in turn.slices if item["name"] in done and turn.due[item["name"]]["pending"] != NONE]
    return turn.entries()


def refused(result: t.Mapping[str, t.Any]) -> HAError:
    """A module's failure as the error that it was."""
    known = ("component", "reasons", "option", "rolled_back", "versions", "untouched")
    facts = {key: result[key] for key in known if key in result}
    return HAError(str(result.get("msg", "the module failed")), **facts)


def relied_on(error: HAError, slices: Slices, turn: Turn) -> list[str]:
    """Those that would be needed while what failed is taken back, and are away themselves.

    A reload takes nobody down, so that it may be taken back whatever the others do.
    """
    found = list(error.facts.pop("relied_on", ()))
    mild = (WRITE, RELOAD)
    names = [item["name"] for item in slices]
    return found if any(turn.due[one]["pending"] not in mild and not turn.goes_ahead(one) for one in names) else []


def left(error: HAError, away: t.Sequence[str], turn: Turn) -> HAError:
    """What failed, where taking it back would leave nobody: what was changed goes on serving.

    Its former files stay in the journal, so the next run begins with these, and proves it or takes it back.
    """
    what = turn.named(turn.slices)
    names = ", ".join(away)
    return HAError(
        f"{what} serves on {turn.host} and was left there: {names} does not, so taking it back would leave nobody: "
        f"{error.what}",
        said=error.said,
        do=f"bring back {names}, then run again: that proves {turn.host}, or takes it back. {error.do}",
        **error.facts,
    )


def foreseen(host: str, before: _gate.Passed | None) -> dict[str, t.Any]:
    """What check mode says of a gate, which it looks at once."""
    found = [one.sentence for one in before.open] if before else []
    told = [
        f"{host}: the gate is closed now, and a real run is refused unless it opens in time: {one}" for one in found
    ]
    return {"waiting_for": found, **({"warnings": told} if told else {})}


def taken_back(error: HAError, back: t.Mapping[str, t.Any], turn: Turn) -> HAError:
    """What failed, headed by what became of it.

    :param back: the module's result of putting the former back where it had not done so itself.
    """
    names = [error.facts["component"]] if error.facts.get("component") else [item["name"] for item in turn.slices]
    items = [item for item in turn.slices if item["name"] in names]
    what = turn.named(items)
    did = [action for found in (back.get("components") or {}).values() for action in found["actions"]]
    facts = {key: value for key, value in error.facts.items() if key != "versions"}
    if back.get("failed"):
        ending = f"and the former could not be put back: {back.get('msg')}"
        return HAError(f"{what} failed, {ending}\n{error.what}", said=error.said, do=error.do, **facts)
    if not did and not error.facts.get("rolled_back"):
        return HAError(
            f"{what} failed, and was restarted as it had been, so that there is nothing to take back: {error.what}",
            said=error.said,
            do=error.do,
            **facts,
        )
    former = "; ".join(did) or "what ran before serves again"
    head = f"{what} was taken back ({former})"
    return HAError(f"{head}: {error.what}", said=error.said, do=error.do, **{**facts, "taken_back": True})
