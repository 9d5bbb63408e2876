# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's order of work: nothing is changed before everything is looked at; and the module run as a script."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _foreign, _lease
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Outcome
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.modules import component as module
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import for_host
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    ROOT,
    good,
    hosts,
)

MODULE = ROOT / ".cache/collections/ansible_collections/baremetal/prometheus_ha/plugins/modules/component.py"


@dataclasses.dataclass
class World:
    """What the played components find, and what was asked of them."""

    foreign: dict[str, str] = dataclasses.field(default_factory=dict)
    archives: dict[str, str] = dataclasses.field(default_factory=dict)
    fails: str = ""
    done: list[str] = dataclasses.field(default_factory=list)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()

    class Played:
        def __init__(self, params: dict[str, t.Any], *, apply: bool, asked: str = "") -> None:
            self.name: str = params["name"]
            self.asked = f" ({asked})" if asked else ""
            self.leaves = params["state"] == "absent"
            self.apply = apply

        def in_the_way(self) -> list[_foreign.Finding]:
            world.done.append(f"look {self.name}")
            found = world.foreign.get(self.name)
            return [_foreign.Finding("unit", found, "remove it.", found)] if found else []

        def lacks_archive(self) -> str | None:
            return world.archives.get(self.name)

        def _do(self, what: str) -> Outcome:
            world.done.append(f"{what} {self.name}{self.asked}")
            if world.fails == self.name:
                raise HAError("it is broken")
            return Outcome(actions=[what], diff=[{"before": "", "after": self.name}])

        def stage(self) -> Outcome:
            return self._do("stage")

        def activate(self, *, only_start: bool = False, ahead: bool = False, settle: bool = True) -> Outcome:
            did = "start" if only_start else "activate" if settle else "send ahead of" if ahead else "try"
            return self._do("remove" if self.leaves else did)

        def settle(self, *, proved: bool = False) -> Outcome:
            return self._do("let all go of" if proved else "settle")

        def revert(self) -> Outcome:
            return self._do("revert")

    monkeypatch.setattr(module, "Component", Played)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return world


def run(
    state: str = "active", *, apply: bool = True, states: t.Sequence[str] = ("present", "present"), asked: str = ""
) -> t.Any:
    names = ("prometheus", "alertmanager")
    plan = [{"name": name, "state": own} for name, own in zip(names, states, strict=True)]
    return module.run({"name": None, "state": state, "asked": asked or None, "plan": plan}, apply=apply)


@pytest.mark.parametrize(
    "state, states, done",
    [
        ("staged", ["present", "present"], ["stage prometheus", "stage alertmanager"]),
        ("started", ["present", "present"], ["start prometheus", "start alertmanager"]),
        ("active", ["present", "present"], ["activate prometheus", "activate alertmanager"]),
        ("active", ["absent", "present"], ["remove prometheus", "activate alertmanager"]),
        ("absent", ["present", "present"], ["remove prometheus", "remove alertmanager"]),
        ("trial", ["present", "present"], ["try prometheus", "try alertmanager"]),
        ("trial", ["absent", "present"], ["remove prometheus", "try alertmanager"]),
        ("ahead", ["present", "present"], ["send ahead of prometheus", "send ahead of alertmanager"]),
        ("settled", ["present", "present"], ["settle prometheus", "settle alertmanager"]),
        ("proved", ["present", "present"], ["let all go of prometheus", "let all go of alertmanager"]),
        ("reverted", ["present", "present"], ["revert prometheus", "revert alertmanager"]),
    ],
)
def test_order(world: World, state: str, states: list[str], done: list[str]) -> None:
    result = run(state, states=states)
    assert [line for line in world.done if not line.startswith("look")] == done
    assert result["changed"] is True
    assert list(result["components"]) == ["prometheus", "alertmanager"]
    assert [entry["after"] for entry in result["diff"]] == ["prometheus", "alertmanager"]


def test_something_foreign_for_the_second_stops_the_first_too(world: World) -> None:
    world.foreign["alertmanager"] = "prometheus-alertmanager.service"
    with pytest.raises(HAError) as caught:
        run()
    assert world.done == ["look prometheus", "look alertmanager"]
    assert "prometheus-alertmanager.service" in str(caught.value)
    assert "nothing was changed" in str(caught.value)


def test_what_leaves_is_not_in_its_own_way(world: World) -> None:
    world.foreign["prometheus"] = "something"
    run(states=["absent", "present"])
    assert world.done == ["look alertmanager", "remove prometheus", "activate alertmanager"]


@pytest.mark.parametrize("state", ["settled", "proved", "reverted"])
def test_the_end_of_a_trial_needs_nothing_of_the_new_one(world: World, state: str) -> None:
    """What took its port meanwhile, or an archive that is gone, is no reason to stay between two."""
    world.foreign["prometheus"] = "something"
    world.archives = {"alertmanager": "arm64"}
    assert list(run(state)["components"]) == ["prometheus", "alertmanager"]


def test_what_is_asked_for_reaches_the_components(world: World) -> None:
    run("staged", asked="restart")
    assert world.done[-2:] == ["stage prometheus (restart)", "stage alertmanager (restart)"]


def test_missing_archives_are_asked_for_before_any_change(world: World) -> None:
    world.archives = {"alertmanager": "arm64"}
    assert run() == {"changed": False, "fetch": {"alertmanager": "arm64"}}
    assert world.done == ["look prometheus", "look alertmanager"]


def test_a_failure_names_its_component_and_ends_the_call(world: World) -> None:
    world.fails = "prometheus"
    with pytest.raises(HAError) as caught:
        run()
    assert caught.value.facts["component"] == "prometheus"
    assert "activate alertmanager" not in world.done


def test_all_go_back_whatever_becomes_of_one(world: World) -> None:
    """Of a change that is taken back, nothing of it may stay because another one's way back failed."""
    world.fails = "prometheus"
    with pytest.raises(HAError) as caught:
        run("reverted")
    assert caught.value.facts["component"] == "prometheus"
    assert [line for line in world.done if line.startswith("revert")] == ["revert prometheus", "revert alertmanager"]


def test_without_a_plan(world: World) -> None:
    with pytest.raises(HAError, match="no plan"):
        module.run({"name": None, "state": "active", "asked": None, "plan": None}, apply=True)
    assert world.done == []


# -- alone on the host ------------------------------------------------------------------------------------------------

LEASE: dict[str, t.Any] = {"run": "r", "seconds": 60.0}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done of lease and lock, on a host whose lock lies in a folder of the test."""
    done: list[str] = []
    lock = str(tmp_path / "lock")
    monkeypatch.setattr(_lease, "hold", lambda params: done.append(f"hold {params['run']}"))
    real = _lease.exclusive

    def exclusive(timeout: float) -> t.ContextManager[None]:
        done.append("lock")
        return real(lock, timeout=timeout)

    monkeypatch.setattr(_lease, "exclusive", exclusive)
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.0)
    return done


@pytest.mark.parametrize(
    ("lease", "apply", "done"),
    [(LEASE, True, ["hold r", "lock"]), (None, True, ["lock"]), (LEASE, False, []), (None, False, [])],
)
def test_who_changes_a_host_is_alone(host: list[str], lease: t.Any, apply: bool, done: list[str]) -> None:
    with module.alone({"lease": lease}, apply=apply):
        assert host == done


@pytest.mark.usefixtures("host")
def test_a_process_of_ours_that_is_still_at_work_is_told_as_such() -> None:
    with module.alone({"lease": None}, apply=True), pytest.raises(HAError) as caught, module.alone(
        {"lease": LEASE}, apply=True
    ):
        pytest.fail("two at once")
    assert caught.value.facts["busy"].startswith("another process of this collection")


@pytest.mark.usefixtures("host")
def test_what_fails_under_the_lock_is_no_other_process() -> None:
    with pytest.raises(HAError) as caught, module.alone({"lease": None}, apply=True):
        raise HAError("it is broken")
    assert "busy" not in caught.value.facts


@pytest.mark.parametrize("lease", [None, LEASE])
def test_without_root_nothing_is_tried(host: list[str], lease: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root is asked for before the lease, whose file nobody else could write; check mode needs no root."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HAError, match="become: true"), module.alone({"lease": lease}, apply=True):
        pytest.fail("something was tried")
    with module.alone({"lease": lease}, apply=False):
        assert host == []


# -- as a script ------------------------------------------------------------------------------------------------------


def script(tmp_path: Path, plan: t.Any, *, check: bool = True) -> dict[str, t.Any]:
    """The module in check mode on a host without systemd, whatever this one has."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "systemctl").write_text("#!/bin/sh\necho 'System has not been booted with systemd' >&2\nexit 1\n")
    (tools / "systemctl").chmod(0o755)
    args = {"state": "staged", "plan": plan, "_ansible_check_mode": check, "_ansible_remote_tmp": str(tmp_path)}
    (tmp_path / "args.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": args}))
    paths = f"{ROOT / '.cache/collections'}"
    env = {**os.environ, "PYTHONPATH": paths, "PATH": f"{tools}:{os.environ['PATH']}"}
    argv = [sys.executable, str(MODULE), str(tmp_path / "args.json")]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout)
    return result


SECRET = {**AM_CONFIG, "global": {"smtp_auth_password": "hunter2-hunter2"}}


def test_a_real_slice_is_taken_and_its_secrets_are_not_shown(tmp_path: Path) -> None:
    """The plan's own slice, whole: an unknown key would be refused."""
    found = good(hosts("a", groups=["prometheus", "alertmanager"], alertmanager_config=SECRET))
    plan = [for_host(item, "expect") for item in found.hosts["a"]]
    result = script(tmp_path, plan)
    assert result["failed"] is True
    assert "systemd does not answer" in result["msg"]
    assert "has not been booted with systemd" in result["msg"]
    assert "hunter2" not in json.dumps(result)


@pytest.mark.parametrize(
    "plan, words",
    [
        ([{"name": "prometheus"}], "missing required arguments: config, release, service"),
        ([{"name": "prometheus", "release": {}, "config": {}, "service": {}, "nope": 1}], "nope"),
        (None, "there is no plan"),
    ],
)
def test_bad_arguments(tmp_path: Path, plan: t.Any, words: str) -> None:
    result = script(tmp_path, plan)
    assert result["failed"] is True
    assert words in result["msg"]
