# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's turn: what is asked of which host in which order, and what becomes of a change that fails on the way."""

from __future__ import annotations

import copy
import dataclasses
import os
import types
import typing as t
from pathlib import Path

import pytest
from ansible import context
from ansible.parsing.dataloader import DataLoader
from ansible_collections.baremetal.prometheus_ha.plugins.action import roll
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Outcome
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._reload import config_hash
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _converge,
    _gate,
    _gate_run,
    _lease,
    _roll,
    _run_summary,
    _store,
    _waves,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan as support
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Steps
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_store import (
    begin_run,
    obtain,
    part,
    task_vars,
    templar_of,
)

MEMBERS = ("am-1", "am-2", "am-3")
PAIR = support.prometheus("p-1", "p-2", prometheus_version="3.5.3")
STACK = (PAIR, support.alertmanager(*MEMBERS))
OLD = {"runs": "2.53.3", "reasons": ["the binary differs"]}
AWAY = {"answers": False, "error": "refused"}


@dataclasses.dataclass
class Call:
    """A module that was called on a host."""

    host: str
    module: str
    args: dict[str, t.Any]

    def __str__(self) -> str:
        return f"{self.host} {self.args['state']}" if self.module == "component" else f"{self.host} {self.module}"


class World:
    """The hosts of a run: all is well, but for what a test says.

    :param views: by host, what is seen there instead of a component that is well; ``refuses``: what its look ends in;
        ``leases``: another run's lease there.
    :param answers: by state of the module component, its answers in order; the last stays.
    """

    def __init__(self, *parts: t.Any) -> None:
        self.parts = parts or STACK
        self.calls: list[Call] = []
        self.views: dict[str, dict[str, t.Any]] = {}
        self.refuses: dict[str, dict[str, t.Any]] = {}
        self.leases: dict[str, dict[str, t.Any]] = {}
        self.answers: dict[str, list[dict[str, t.Any]]] = {}
        self.on_trial: t.Callable[[], None] = lambda: None

    @property
    def done(self) -> list[str]:
        """The calls; of several looks at a host in a row only one."""
        told = [str(call) for call in self.calls]
        return [line for line, before in zip(told, ["", *told], strict=False) if line != before]

    @property
    def changes(self) -> list[str]:
        return [str(call) for call in self.calls if call.module == "component"]

    def answer(self, host: str, module: str, args: dict[str, t.Any]) -> dict[str, t.Any]:
        self.calls.append(Call(host, module, copy.deepcopy(args)))
        if module == "gate_info":
            if host in self.refuses:
                return self.refuses[host]
            views = [self._view(host, check["kind"]) for check in args["checks"]]
            return {"views": views, "leased": self.leases.get(host)}
        if args["state"] == "trial":
            self.on_trial()
        given = self.answers.get(args["state"], [])
        if given:
            return dict(given.pop(0) if len(given) > 1 else given[0])
        return did(*(item["name"] for item in args["plan"]), out_of_service=1.5 if args["state"] == "trial" else None)

    def _view(self, host: str, kind: str) -> dict[str, t.Any]:
        (item,) = obtain(task_vars(host, *self.parts)).slices(host, kind)
        well: dict[str, t.Any] = {"answers": True, "error": "", "started": 1.0, "uptime": 500.0}
        if kind == "prometheus":
            well.update(ready=True, reloaded=True, wal_corruptions=0.0, checkpoint_failures=0.0, targets={"a": "up"})
            well.update(scrape_intervals=["15s"], rules=1, generations=[item["api"]["generation"]], alerting=[])
            well.update(firing=[], unreached={}, dropped_alertmanagers=0, evaluation_interval=30.0)
            well.update(alertmanagers=[f"{name}.example:9093" for name in MEMBERS])
        else:
            main = next(file for file in item["config"]["files"] if file["path"] == "alertmanager.yml")
            well.update(status="ready", members=dict.fromkeys(MEMBERS, ""), silences=[])
            well.update(config_hash=config_hash(main["content"].encode()))
        return {**well, **self.views.get(host, {})}

    def roll(
        self,
        host: str,
        *,
        check: bool = False,
        strategy: str = "linear",
        play: t.Sequence[str] = (),
        **args: t.Any,
    ) -> dict[str, t.Any]:
        world = self

        class Played(roll.ActionModule):
            def call(self, module: str, args: t.Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
                return world.answer(task_vars["inventory_hostname"], module, dict(args))

            def _delegated(self, host: str, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
                del task_vars
                return world.answer(host, "gate_info", args)

            def _provide(self, item: t.Mapping[str, t.Any], arch: str) -> dict[str, t.Any]:
                return {"archive": f"/tmp/{item['name']}-{arch}"}

            def _install(self, component: str, package: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
                world.calls.append(Call(task_vars["inventory_hostname"], f"package {package}", {"for": component}))
                return {}

            def _remove_tmp_path(self, tmp_path: t.Any, force: bool = False) -> None:
                """There is none."""

        variables = task_vars(host, *self.parts, play=play)
        on = types.SimpleNamespace(strategy=strategy)
        task: t.Any = types.SimpleNamespace(
            action="baremetal.prometheus_ha.roll", args=args, check_mode=check, async_val=0, get_play=lambda: on
        )
        connection: t.Any = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None))
        action = Played(task, connection, t.cast(t.Any, None), DataLoader(), templar_of(variables))
        return action.run(task_vars=variables)


def did(*names: str, **found: t.Any) -> dict[str, t.Any]:
    return {"changed": True, "components": {name: Outcome(actions=["did it"], **found).result() for name in names}}


def staged(name: str, **hosts: t.Any) -> None:
    """What hosts (``_`` for ``-``) have pending of a component."""
    for host, found in hosts.items():
        cohort = [name, "default", "default"]
        _store.record_pending(host.replace("_", "-"), {name: {**found, "cohorts": [cohort]}})
    _store.record_members([*PAIR, *MEMBERS])


def refusal(words: str = "it is broken", **facts: t.Any) -> dict[str, t.Any]:
    return {"failed": True, **HAError(words, **facts).result()}


def entries(result: dict[str, t.Any]) -> list[_run_summary.Entry]:
    return _run_summary.collect({"host": result["ansible_stats"]["data"]})


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_run(tmp_path, monkeypatch)
    monkeypatch.setattr(_gate, "SystemClock", Steps)


@pytest.fixture
def world() -> World:
    """Two replicas are to get another version."""
    world = World()
    staged("prometheus", p_1=part("restart", **OLD), p_2=part("restart", **OLD))
    return world


# -- a turn that goes well --------------------------------------------------------------------------------------------


def test_a_turn(world: World) -> None:
    result = world.roll("p-1")
    assert world.done == [
        "p-2 gate_info",
        "p-1 gate_info",
        "p-1 trial",
        "p-2 gate_info",
        "p-1 gate_info",
        "p-1 settled",
    ]
    assert (result["changed"], result["waiting_for"], list(result["gates"])) == (True, [], ["before", "after"])
    assert "failed" not in result
    (entry,) = entries(result)
    assert (entry.host, entry.did, entry.cohort, entry.why) == (
        "p-1",
        "restart",
        "default default",
        ("the binary differs",),
    )
    assert (entry.version_from, entry.version_to, entry.out_of_service) == ("2.53.3", "3.5.3", 1.5)
    assert (entry.gate_before, entry.gate_after, entry.ok, entry.check) == (0.0, 0.0, True, False)
    left = _store.due(["p-1", "p-2"])
    assert {host: found["prometheus"]["pending"] for host, found in left.items()} == {"p-1": "none", "p-2": "restart"}
    assert "failed" not in world.roll("p-2"), "it has its turn"


def test_the_gate_after_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that is young by its own clock; time passes by sleeping alone."""

    class Clock(Steps):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            world.views["p-1"] = {"uptime": self.now}

    world.on_trial = lambda: world.views.update({"p-1": {"uptime": 0.0}})
    monkeypatch.setattr(_gate, "SystemClock", Clock)
    result = world.roll("p-1")
    assert result["gates"] == {"before": 0.0, "after": 30.0}
    assert entries(result)[0].gate_after == 30.0


def test_two_components_of_a_host_are_one_trial() -> None:
    both = support.hosts(
        "p-1", "am-1", "am-2", groups=("prometheus", "alertmanager"), alertmanager_config=support.AM_CONFIG
    )
    world = World(both)
    _store.record_members(list(both))
    found = {name: part("restart", cohort=[name, "default", "default"]) for name in ("prometheus", "alertmanager")}
    for host in both:
        _store.record_pending(host, found)
        world.views[host] = {
            "alertmanagers": [f"{name}.example:9093" for name in both],
            "members": dict.fromkeys(both, ""),
        }
    result = world.roll("p-1")
    assert "failed" not in result, result.get("msg")
    assert world.changes == ["p-1 trial", "p-1 settled"]
    assert [item["name"] for item in world.calls[-1].args["plan"]] == ["prometheus", "alertmanager"]
    assert [entry.component for entry in entries(result)] == ["prometheus", "alertmanager"]
    assert [item["name"] for item in world.calls[-1].args["plan"]] == ["prometheus", "alertmanager"]
    assert world.roll("am-1", name="alertmanager")["components"].keys() == {"alertmanager"}


def test_one_that_leaves(world: World) -> None:
    world.parts = (*STACK, support.prometheus("p-3", prometheus_state="absent"))
    staged("prometheus", p_3=part("remove", runs="3.5.3", version=""))
    result = world.roll("p-3")
    assert "failed" not in result, result.get("msg")
    assert world.done[:3] == ["p-1 gate_info", "p-2 gate_info", "p-3 trial"]
    (entry,) = entries(result)
    assert (entry.did, entry.version_from, entry.version_to) == ("remove", "3.5.3", None)


def test_a_host_that_lacks_the_release_gets_it(world: World) -> None:
    world.answers["trial"] = [{"changed": False, "fetch": {"prometheus": "arm64"}}, did("prometheus")]
    assert "failed" not in world.roll("p-1")
    first, second = (call.args for call in world.calls if call.args.get("state") == "trial")
    assert "archive" not in first["plan"][0]["release"]
    assert second["plan"][0]["release"]["archive"] == "/tmp/prometheus-arm64"


def test_a_host_that_lacks_a_package_of_the_distribution_gets_it() -> None:
    entry = {"replica_set": "default", "match": ['{__name__="a"}'], "mode": "sticky"}
    top = support.hosts(
        "g-1", groups=("prometheus_federation",), federation_balancer_enabled=True, prometheus_federate=[entry]
    )
    world = World(PAIR, top)
    pending = part("restart", runs="", version="", cohorts=[["federation_balancer", "default", "federation"]])
    _store.record_pending("g-1", {"federation_balancer": pending})
    world.answers["trial"] = [
        {"changed": False, "fetch": {"federation_balancer": "package"}},
        did("federation_balancer"),
    ]
    result = world.roll("g-1", name="federation_balancer")
    assert "failed" not in result, result.get("msg")
    assert world.done == ["g-1 trial", "g-1 package haproxy", "g-1 trial", "g-1 settled"]


@pytest.mark.parametrize("asked", ["reload", "restart"])
def test_what_is_asked_for_is_asked_of_the_trial_alone(world: World, asked: str) -> None:
    world.roll("p-1", asked=asked)
    asked_of = {call.args["state"]: call.args.get("asked") for call in world.calls if call.module == "component"}
    assert asked_of == {"trial": asked, "settled": None}


# -- whose turn it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "args"),
    [
        pytest.param(part("none"), {}, id="nothing is pending"),
        pytest.param(part("start"), {}, id="a first start"),
        pytest.param(part("restart"), {"phase": "flip"}, id="another phase"),
        pytest.param(part("reload"), {"only": "release"}, id="not what the run is about"),
        pytest.param(part("restart"), {"phase": "clients"}, id="it talks to nothing that moves"),
    ],
)
def test_who_has_no_turn(found: t.Any, args: dict[str, t.Any]) -> None:
    world = World()
    staged("prometheus", p_1=found)
    result = world.roll("p-1", **args)
    assert (result["skipped"], result["changed"], world.calls) == (True, False, [])
    assert "ansible_stats" not in result
    assert _store.all_pending(), "nothing was begun"


def test_one_that_was_not_staged_is_refused() -> None:
    world = World()
    result = world.roll("p-1")
    assert result["failed"] is True
    assert result["msg"].startswith("host p-1: prometheus was not staged in this run")
    assert world.calls == []


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_hosts_that_run_ahead_are_refused(world: World, strategy: str) -> None:
    result = world.roll("p-1", strategy=strategy)
    assert f"host p-1: the play's strategy is {strategy}; waves need hosts that go in step" in result["msg"]
    assert world.calls == []


# -- the gate before --------------------------------------------------------------------------------------------------


def test_where_the_gate_before_stays_closed_nothing_is_done(world: World) -> None:
    world.views["p-2"] = AWAY
    result = world.roll("p-1")
    assert world.changes == []
    assert result["msg"].startswith(
        "host p-1: the gate before the change of prometheus stays closed after 30.0 of 30 s"
    )
    assert "p-2 does not answer: refused. Nothing was changed." in result["msg"]
    assert (result["predicate"], "taken_back" in result) == ("answer", False)
    assert entries(result) == [], "what was not touched is no entry"
    with pytest.raises(HAError, match="p-1 failed"):
        _store.all_pending()
    assert "p-1 failed or could not be reached while it was changed" in world.roll("p-2")["msg"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"failed": True, "msg": "another run is changing this host"}, "another run is changing this host"),
        ({"unreachable": True, "msg": "no route to host"}, "no route to host"),
        ({"failed": True}, "the host could not be asked"),
    ],
)
def test_a_peer_that_can_t_be_asked_does_not_stand_in(world: World, answer: dict[str, t.Any], words: str) -> None:
    world.refuses["p-2"] = answer
    result = world.roll("p-1")
    assert f"answer: p-2 does not answer: {words}. Nothing was changed" in result["msg"]
    assert world.changes == []


def test_one_that_serves_nobody_is_repaired_whatever_the_others_do(world: World) -> None:
    world.views["p-2"] = AWAY
    world.views["p-1"] = {"ready": False, "status": 503}
    world.on_trial = world.views.clear
    assert "failed" not in world.roll("p-1")


def test_where_another_task_passed_the_gate_before_it_is_not_asked_again(world: World) -> None:
    result = world.roll("p-1", gate_before=False)
    assert world.done[0] == "p-1 trial"
    assert list(result["gates"]) == ["after"]


# -- taken back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reverted", "head"),
    [
        (did("prometheus"), "prometheus 2.53.3 -> 3.5.3 was taken back (did it): "),
        (
            {"changed": False, "components": {"prometheus": Outcome().result()}},
            "prometheus 2.53.3 -> 3.5.3 was taken back (what ran before serves again): ",
        ),
    ],
)
def test_a_trial_that_fails_is_taken_back_once(world: World, reverted: dict[str, t.Any], head: str) -> None:
    world.answers["trial"] = [refusal("it does not stay up", component="prometheus", said="panic", rolled_back=True)]
    world.answers["reverted"] = [reverted]
    result = world.roll("p-1")
    assert world.changes == ["p-1 trial", "p-1 reverted"]
    assert result["msg"].startswith(f"host p-1: {head}it does not stay up")
    assert "panic" in result["msg"]
    assert (result["taken_back"], result["component"]) == (True, "prometheus")
    (entry,) = entries(result)
    assert (entry.did, entry.ok, entry.version_from, entry.version_to) == ("taken back", False, "2.53.3", "3.5.3")
    assert entry.error.startswith(head)
    with pytest.raises(HAError, match="p-1 failed"):
        _store.all_pending()


def test_a_gate_after_that_stays_closed_takes_the_change_back(world: World) -> None:
    world.on_trial = lambda: world.views.update({"p-1": {"wal_corruptions": 1.0}})
    world.answers["reverted"] = [did("prometheus", out_of_service=2.25)]
    result = world.roll("p-1")
    assert world.changes == ["p-1 trial", "p-1 reverted"]
    assert result["msg"].startswith(
        "host p-1: prometheus 2.53.3 -> 3.5.3 was taken back (did it): the gate after the change of prometheus stays "
        "closed: WAL corruption: p-1 found its WAL corrupt 1 times"
    )
    assert (result["predicate"], result["taken_back"]) == ("WAL corruption", True)
    (entry,) = entries(result)
    assert (entry.did, entry.out_of_service) == ("taken back", 3.75), "both ways"
    assert "p-1 failed or could not be reached" in world.roll("p-2")["msg"], "the second is never touched"


def leave(world: World, pending: str) -> dict[str, t.Any]:
    """A turn in which the peer goes away while the changed one is proved."""
    staged("prometheus", p_1=part(pending, **OLD), p_2=part("restart", **OLD))
    world.on_trial = lambda: world.views.update({"p-2": AWAY})
    return world.roll("p-1")


def test_one_that_serves_is_not_taken_back_while_its_peer_is_away(world: World) -> None:
    result = leave(world, "restart")
    assert world.changes == ["p-1 trial"], "taking it back restarts it, and then nobody serves"
    assert result["msg"].startswith(
        "host p-1: prometheus 2.53.3 -> 3.5.3 serves on p-1 and was left there: p-2 does not, so taking it back would "
        "leave nobody: the gate after the change of prometheus stays closed after 600.0 of 600 s: peers: p-2 does not"
    )
    assert "bring back p-2, then run again: that proves p-1, or takes it back." in result["msg"]
    assert not {"taken_back", "relied_on"} & result.keys()
    assert [(entry.did, entry.ok) for entry in entries(result)] == [("failed", False)]


@pytest.mark.parametrize("pending", ["reload", "write"])
def test_what_takes_nobody_down_is_taken_back_whatever_the_others_do(world: World, pending: str) -> None:
    assert leave(world, pending)["taken_back"]
    assert world.changes == ["p-1 trial", "p-1 reverted"]


def test_one_that_does_not_serve_itself_is_taken_back(world: World) -> None:
    staged("prometheus", p_1=part("restart", **OLD), p_2=part("restart", **OLD))
    world.on_trial = lambda: world.views.update({"p-1": {"ready": False, "status": 503}, "p-2": AWAY})
    assert world.roll("p-1")["taken_back"]


def test_a_restart_that_changes_nothing_has_nothing_to_take_back(world: World) -> None:
    world.on_trial = lambda: world.views.update({"p-1": {"wal_corruptions": 1.0}})
    world.answers["reverted"] = [{"changed": False, "components": {"prometheus": Outcome().result()}}]
    result = world.roll("p-1")
    assert "failed, and was restarted as it had been, so that there is nothing to take back: the gate" in result["msg"]
    assert "taken_back" not in result


def test_where_the_former_does_not_come_back_both_are_told(world: World) -> None:
    world.answers["trial"] = [refusal("it does not stay up", component="prometheus")]
    world.answers["reverted"] = [refusal("the disk is full")]
    result = world.roll("p-1")
    assert result["msg"].startswith(
        "host p-1: prometheus 2.53.3 -> 3.5.3 failed, and the former could not be put back: the disk is full."
    )
    assert "it does not stay up" in result["msg"]
    assert "taken_back" not in result
    (entry,) = entries(result)
    assert (entry.did, entry.ok) == ("failed", False)


def test_what_fails_together_is_told_too() -> None:
    """Its gate before was passed by another task."""
    world = World()
    staged("alertmanager", **{name.replace("-", "_"): part("reload", at_once=True) for name in MEMBERS})
    world.answers["trial"] = [refusal("it does not stay up", component="alertmanager")]
    world.answers["reverted"] = [refusal("the disk is full")]
    result = world.roll("am-1", phase="together", gate_before=False)
    assert [(entry.did, entry.ok) for entry in entries(result)] == [("failed", False)]


def test_where_settling_fails_the_new_one_serves_on(world: World) -> None:
    world.answers["settled"] = [refusal("the disk is full")]
    result = world.roll("p-1")
    assert world.changes == ["p-1 trial", "p-1 settled"]
    assert (result["failed"], "the disk is full" in result["msg"]) == (True, True)
    with pytest.raises(HAError, match="p-1 failed"):
        _store.all_pending()


# -- check mode -------------------------------------------------------------------------------------------------------


def test_check_mode_looks_once_and_settles_nothing(world: World) -> None:
    world.views["p-2"] = AWAY
    result = world.roll("p-1", check=True)
    assert world.done == ["p-2 gate_info", "p-1 gate_info", "p-1 trial"]
    assert result["waiting_for"] == ["p-2 does not answer: refused"]
    assert result["warnings"] == [
        "p-1: the gate is closed now, and a real run is refused unless it opens in time: p-2 does not answer: refused"
    ]
    assert not any("lease" in call.args for call in world.calls)
    (entry,) = entries(result)
    assert (entry.check, entry.ok, entry.words) == (True, True, "would restart")
    assert _store.due(["p-1"])["p-1"]["prometheus"]["pending"] == "restart"
    assert "failed" not in world.roll("p-2", check=True)


def test_check_mode_tells_a_refusal_as_what_it_is(world: World) -> None:
    """Nothing was changed that would have to be taken back."""
    world.answers["trial"] = [refusal("the flag is unknown", component="prometheus")]
    result = world.roll("p-1", check=True)
    assert world.changes == ["p-1 trial"]
    assert result["msg"] == "host p-1: the flag is unknown."
    assert "taken_back" not in result


# -- all at once ------------------------------------------------------------------------------------------------------

SPLITS = part("restart", at_once=True, breaks={"peers": ["--cluster.label: a -> b"]})


@pytest.mark.parametrize("play", [MEMBERS[:2], ("am-1", "am-3", "p-1", "p-2")])
def test_what_splits_a_mesh_is_done_by_all_or_none(play: tuple[str, ...]) -> None:
    world = World()
    staged("alertmanager", am_1=SPLITS, am_2=SPLITS, am_3=SPLITS)
    result = world.roll("am-1", phase="together", gate_before=False, play=play)
    (absent,) = set(MEMBERS) - set(play)
    assert f"can't talk to its peers until all of them have changed, and {absent} would not" in result["msg"]
    assert world.calls == []


def test_a_member_that_was_not_even_staged_counts_too() -> None:
    """With --limit nothing is known of it but what the model says."""
    world = World()
    staged("alertmanager", am_1=SPLITS, am_2=SPLITS)
    variables = task_vars("am-1", *STACK)
    _gate_run.obtain(variables, templar_of(variables), obtain(variables))  # the gate of an earlier task
    result = world.roll("am-1", phase="together", gate_before=False, play=MEMBERS[:2])
    assert "and am-3 would not" in result["msg"]
    assert world.calls == []


def test_all_members_change_at_the_same_moment(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    staged("alertmanager", am_1=SPLITS, am_2=SPLITS, am_3=SPLITS)
    with _store.turn("am-2", ["alertmanager"]) as done:  # another one is at it
        result = world.roll("am-1", phase="together", gate_before=False)
        done()
    assert "failed" not in result, result.get("msg")
    assert world.changes == ["am-1 trial", "am-1 settled"]
    assert entries(result)[0].did == "flip"
    assert "am-1: the peers of alertmanager were split for 1.5 s at most" in "".join(capsys.readouterr())


AHEAD = part(
    "restart",
    ahead=True,
    runs="0.28.1",
    version="0.33.1",
    files=["alertmanager.yml"],
    reasons=["the binary differs"],
)


@pytest.mark.parametrize("check", [False, True])
def test_a_configuration_goes_ahead_of_a_restart_and_the_restart_has_its_turn_later(check: bool) -> None:
    world = World()
    staged("alertmanager", am_1=AHEAD, am_2=AHEAD, am_3=AHEAD)
    world.answers["ahead"] = [did("alertmanager", pending="restart", ahead=True, files=["alertmanager.yml"])]
    result = world.roll("am-1", phase="together", gate_before=False, check=check)
    assert "failed" not in result, result.get("msg")
    assert world.changes == ["am-1 ahead", *([] if check else ["am-1 settled"])]
    (entry,) = entries(result)
    assert (entry.did, entry.why) == ("reload", ("alertmanager.yml differs",))
    rest = _store.due(["am-1"])["am-1"]["alertmanager"]
    assert (rest["pending"], rest["ahead"], rest["files"]) == ("restart", False, [])
    assert rest["reasons"] == AHEAD["reasons"], "why it restarts later"
    assert _waves.phase(rest) == "change"


def test_a_configuration_that_goes_ahead_goes_to_all_members_or_none() -> None:
    world = World()
    staged("alertmanager", am_1=AHEAD)
    with_gate("am-1")
    result = world.roll("am-1", phase="together", gate_before=False, play=MEMBERS[:1])
    assert "goes to all members of a mesh at the same moment, and am-2, am-3 would keep the former one" in result["msg"]
    assert world.calls == []


def test_a_member_that_this_playbook_leaves_alone_would_keep_the_former_one() -> None:
    """upgrade: one has the version already, and only a reload pending."""
    world = World()
    staged("alertmanager", am_1=AHEAD, am_2=AHEAD, am_3=part("reload", at_once=True, files=["alertmanager.yml"]))
    with_gate("am-1")
    result = world.roll("am-1", phase="together", gate_before=False, only="release")
    assert "this playbook leaves am-3 alone, which have another change pending" in result["msg"]
    assert world.calls == []


def test_a_configuration_that_goes_ahead_is_taken_back_whoever_is_away() -> None:
    """By a reload, which takes nobody down; and it is no upgrade that failed."""
    world = World()
    staged("alertmanager", am_1=AHEAD, am_2=AHEAD, am_3=AHEAD)
    world.answers["ahead"] = [did("alertmanager", pending="restart", ahead=True, files=["alertmanager.yml"])]
    world.views["am-2"] = AWAY
    result = world.roll("am-1", phase="together", gate_before=False)
    assert world.changes == ["am-1 ahead", "am-1 reverted"]
    assert "alertmanager 0.28.1 was taken back" in result["msg"]
    assert "0.33.1" not in result["msg"]


def with_gate(host: str) -> None:
    """The gate of an earlier task has asked the model who is in the mesh."""
    variables = task_vars(host, *STACK)
    _gate_run.obtain(variables, templar_of(variables), obtain(variables))


def test_a_configuration_that_a_member_would_not_take_up_is_refused() -> None:
    """Two configurations have two kinds of group keys, and notify twice."""
    world = World()
    staged("alertmanager", am_1=part("reload", at_once=True), am_2=part())
    with_gate("am-1")
    result = world.roll("am-1", phase="together", gate_before=False, play=MEMBERS[:1])
    assert "goes to all members of a mesh at the same moment, and am-3 would keep the former one" in result["msg"]
    assert world.calls == []
    staged("alertmanager", am_3=part())
    assert "failed" not in world.roll("am-1", phase="together", gate_before=False, play=MEMBERS[:1]), "they have it"


@pytest.mark.parametrize(("forks", "refused"), [(3, False), (2, True)])
def test_all_that_change_at_the_same_moment_need_a_process_each(
    forks: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    staged("alertmanager", **{name.replace("-", "_"): part("reload", at_once=True) for name in MEMBERS})
    _store.keep("waves", "together", [["p-1"], list(MEMBERS)])
    monkeypatch.setattr(context, "CLIARGS", {"forks": forks})
    result = world.roll("am-1", phase="together", gate_before=False)
    assert ("3 hosts change at the same moment, and Ansible works on 2 at once" in result.get("msg", "")) is refused
    assert (world.calls == []) is refused


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (part("restart", files=["alertmanager.yml"]), True),
        (part("restart"), False),
        (part("reload", files=["alertmanager.yml"], at_once=True), False),
        (AHEAD, False),
    ],
)
def test_members_that_take_up_a_configuration_by_a_restart_are_told_of(changes: t.Any, told: bool) -> None:
    slices = obtain(task_vars("am-1", *STACK)).slices("am-1")
    staged("alertmanager", am_1=changes)
    turn = _roll.Turn("am-1", "change")
    turn.begin(slices)
    found = _roll.mixed(slices, turn)
    assert bool(found) is told
    assert all("default: the members of alertmanager restart one after the other" in line for line in found)


# -- web endpoints that move ------------------------------------------------------------------------------------------

THERE = {"port": 9999, "prefix": "/x"}
MOVES = part("restart", breaks={"clients": ["--web.listen-address: :9999 -> :9093"]}, endpoint=THERE)


def urls(world: World) -> dict[str, list[str]]:
    """Where the members were asked, in order."""
    found: dict[str, list[str]] = {}
    for call in world.calls:
        if call.module == "gate_info":
            found.setdefault(call.host, []).append(call.args["checks"][0]["url"])
    return found


def test_nothing_moves_away_from_who_does_not_learn_of_it() -> None:
    """With --limit the play that has clients list both places has no host."""
    world = World()
    staged("alertmanager", am_1=MOVES, am_2=MOVES, am_3=MOVES)
    _store.record_clients(
        {host: [(["prometheus", "default", "default"], ["prometheus.yml"])] for host in ("p-1", "p-2")}
    )
    result = world.roll("am-1", phase="flip")
    assert "the web endpoint would move away from p-1, p-2, which --limit leaves out" in result["msg"]
    assert world.calls == []


def test_each_is_asked_where_it_answers_at_that_time() -> None:
    world = World()
    staged("alertmanager", am_1=MOVES, am_2=MOVES, am_3=part())
    result = world.roll("am-1", phase="flip")
    assert "failed" not in result, result.get("msg")
    former, planned = "http://127.0.0.1:9999/x", "http://127.0.0.1:9093"
    assert urls(world) == {"am-1": [former, planned], "am-2": [former, former], "am-3": [planned, planned]}
    assert _store.due(["am-1"])["am-1"]["alertmanager"]["endpoint"] is None
    world.calls.clear()
    assert "failed" not in world.roll("am-2", phase="flip")
    assert urls(world) == {"am-2": [former, planned], "am-1": [planned, planned], "am-3": [planned, planned]}


def test_who_talks_to_what_moves_gets_the_plan_of_both_places() -> None:
    world = World()
    staged("alertmanager", am_1=MOVES, am_2=part(), am_3=part())
    staged("prometheus", p_1=part("restart", files=["prometheus.yml"]), p_2=part("restart", files=["prometheus.yml"]))
    _store.record_clients(
        {host: [(["prometheus", "default", "default"], ["prometheus.yml"])] for host in ("p-1", "p-2")}
    )
    variables = task_vars("p-1", *STACK)
    both = _store.transition(variables, templar_of(variables), DataLoader())
    wanted = both.slices("p-1")[0]
    for host in ("p-1", "p-2"):
        world.views[host] = {"alertmanagers": ["am-1.example:9999", "am-2.example:9093", "am-3.example:9093"]}
    world.on_trial = lambda: world.views["p-1"].update(generations=[wanted["api"]["generation"]])
    result = world.roll("p-1", phase="clients")
    assert "failed" not in result, result.get("msg")
    (sent,) = next(call.args["plan"] for call in world.calls if call.module == "component")
    assert [file["content"] for file in sent["config"]["files"]] == [
        file["content"] for file in wanted["config"]["files"]
    ]
    assert entries(result)[0].did == "reload"
    left = _store.due(["p-1"])["p-1"]["prometheus"]
    assert (left["pending"], left["files"]) == ("reload", ["prometheus.yml"]), "what is planned comes after the move"


# -- the lease --------------------------------------------------------------------------------------------------------


def test_every_call_is_under_the_lease_of_this_run(world: World) -> None:
    world.parts = (*STACK, support.prometheus("p-3"))
    assert "failed" not in world.roll("p-1")
    own = _lease.mine(os.getpid())
    of = {str(call): call.args.get("lease") for call in world.calls}
    assert of == {
        **dict.fromkeys(("p-1 gate_info", "p-2 gate_info", "p-1 trial", "p-1 settled"), own),
        "p-3 gate_info": None,  # nobody staged it in this run
    }


def holder(**changes: t.Any) -> dict[str, t.Any]:
    """Who has the lease of the host: a run of this controller."""
    return {**_lease.mine(os.getpid()), "run": "another", **changes}


def test_the_lease_of_a_run_that_is_gone_is_taken_over(world: World) -> None:
    gone = holder(pid=2**22 + 1, started=1)
    world.answers["trial"] = [refusal("another run is changing this host", lease_holder=gone), did("prometheus")]
    assert "failed" not in world.roll("p-1")
    first, second = (call.args["lease"] for call in world.calls if call.args.get("state") == "trial")
    assert second == {**first, "over": "another"}
    assert "over" not in first


@pytest.mark.parametrize(("holds", "refused"), [(holder(), True), (holder(pid=2**22 + 1, started=1), False)])
def test_a_peer_that_another_run_is_changing_does_not_stand_in(
    world: World, holds: dict[str, t.Any], refused: bool
) -> None:
    """A run with --limit has no lease on it. Each of two such runs finds the other's."""
    world.parts = (*STACK, support.prometheus("p-3"))
    world.leases["p-3"] = holds
    result = world.roll("p-1")
    assert ("lease: another run is changing p-3: " in result.get("msg", "")) is refused
    assert (world.changes == []) is refused
    assert {call.args.get("run") for call in world.calls if call.host == "p-3"} == {_lease.mine(os.getpid())["run"]}


def test_the_lease_of_a_run_that_lives_is_respected(world: World) -> None:
    world.answers["trial"] = [refusal("another run is changing this host", lease_holder=holder())]
    result = world.roll("p-1")
    assert world.changes == ["p-1 trial"], "it is not for this run to put anything back"
    assert result["msg"] == "host p-1: another run is changing this host."
    assert not {"taken_back", "lease_holder"} & result.keys()


def test_what_an_earlier_run_left_at_work_is_waited_for(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    busy = refusal("another process of this collection is at work", busy="another process is at work")
    world.answers["trial"] = [busy, busy, did("prometheus")]
    assert "failed" not in world.roll("p-1")
    assert world.changes == ["p-1 trial"] * 3 + ["p-1 settled"]
    told = "p-1: waiting for what an earlier run left at work there: another process is at work"
    assert told in "".join(capsys.readouterr())


def test_what_an_earlier_run_left_at_work_for_too_long_is_not_disturbed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_converge, "_MARGIN", -1e6)
    world.answers["trial"] = [refusal("another process of this collection is at work", busy="x")]
    result = world.roll("p-1")
    assert world.changes == ["p-1 trial"]
    assert result["msg"] == "host p-1: another process of this collection is at work."
    assert not {"taken_back", "busy"} & result.keys()


# -- parts ------------------------------------------------------------------------------------------------------------


def test_what_is_done_outside_of_waves_is_an_entry_too() -> None:
    slices = obtain(task_vars("p-1", *STACK)).slices("p-1")
    assert _roll.outside(begun(slices), did("prometheus")["components"]) == [], "nobody staged it"
    staged("prometheus", p_1=part("start", runs=""))
    (entry,) = _roll.outside(begun(slices), did("prometheus", out_of_service=None)["components"])
    assert (entry.did, entry.version_from, entry.wave, entry.gate_before) == ("start", None, None, None)
    left = did("prometheus", pending="restart")["components"]
    assert _roll.outside(begun(slices), left) == [], "it is still to be done"
    assert [one.did for one in _roll.outside(begun(slices, check=True), left)] == ["start"], "it would be done"
    staged("prometheus", p_1=part("none"))
    assert _roll.outside(begun(slices), did("prometheus")["components"]) == []


def begun(slices: t.Any, *, check: bool = False) -> _roll.Turn:
    turn = _roll.Turn("p-1", "", check=check)
    turn.begin(slices)
    return turn


# -- in real runs -----------------------------------------------------------------------------------------------------


def test_a_real_run_without_a_stage(tmp_path: Path) -> None:
    inventory = {"prometheus": {"hosts": support.local("p-1", "p-2")}}
    task = {"baremetal.prometheus_ha.roll": {"phase": "change"}}
    ran = support.playbook(tmp_path, inventory, [{"hosts": "p-1", "gather_facts": False, "tasks": [task]}])
    assert ran.rc != 0
    assert "host p-1: prometheus was not staged in this run, so that nobody knows what is pending" in ran.words
    assert "have the module component stage it (state: staged) in an earlier play" in ran.words
