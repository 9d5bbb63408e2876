# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a run as files: computed once whoever comes first, read by all, and the controller's own files."""

from __future__ import annotations

import concurrent.futures
import json
import os
import stat
import time
import typing as t
from pathlib import Path

import pytest
from ansible import constants
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _inventory,
    _registry,
    _render,
    _store,
    _summary,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._controller_files import ControllerFiles
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import InventoryError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Place
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan as support
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_store
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_store import part as staged


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of a run of ansible."""
    folder = tmp_path / "tmp" / "ansible-local-42x"
    folder.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(folder))
    return folder


class HostVars(dict[str, dict[str, t.Any]]):
    def raw_get(self, host_name: str) -> dict[str, t.Any]:
        return self[host_name]


def task_vars(host: str = "p-1", *, more: t.Mapping[str, t.Any] | None = None, **common: t.Any) -> dict[str, t.Any]:
    """What an action of ``host`` is given; ``common`` is in the inventory, ``more`` only in the task."""
    hosts = {name: {"inventory_hostname": name, "group_names": ["prometheus"], **common} for name in ("p-1", "p-2")}
    play = {"ansible_play_hosts_all": ["p-1"], "inventory_hostname": host}
    return {**hosts[host], **play, "hostvars": HostVars(hosts), **(more or {})}


def obtain(variables: dict[str, t.Any]) -> _store.Store:
    loader = DataLoader()
    return _store.obtain(variables, Templar(loader=loader, variables=variables), loader)


# -- the plan ---------------------------------------------------------------------------------------------------------


def test_many_workers_compute_one_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    original = _inventory.load

    def counting(*args: t.Any, **kwargs: t.Any) -> t.Any:
        computed.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(_inventory, "load", counting)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda number: obtain(task_vars(f"p-{number % 2 + 1}")), range(16)))
    assert len(computed) == 1
    assert len({store.folder for store in stores}) == 1
    assert stores[0].slices("p-2", "prometheus")[0]["release"]["version"] == "3.5.3"


def test_a_slice_says_whether_the_live_preflight_judges_its_changes() -> None:
    size = {"storage": {"tsdb": {"retention": {"size": "1GB"}}}}
    version: dict[str, t.Any] = {"prometheus_version": "3.11.2", "prometheus_checksum": "sha256:" + "0" * 64}
    assert not obtain(task_vars()).slices("p-1", "prometheus")[0]["watched"]
    assert _store.peers() == {}  # two that have no Alertmanager
    ignored = [{"id": "P04", "reason": "a test"}]
    watched = task_vars(prometheus_config=size, prometheus_ha_preflight_ignore=ignored, **version)
    assert _store._watched(_plan_of(watched)) == {("p-1", "prometheus"), ("p-2", "prometheus")}


def _plan_of(variables: dict[str, t.Any]) -> _render.Plan:
    templar = Templar(loader=DataLoader(), variables=variables)
    snapshot = _inventory.load(variables["hostvars"], templar, _registry.NAMES, (), _registry.COHORT_NAMES)
    return _render.plan(snapshot, ControllerFiles(DataLoader()))


def test_the_files_are_the_user_s_alone(run: Path) -> None:
    obtain(task_vars())
    _store.record_pending("p-1", {})
    _store.record_members(["p-1"])
    for path in (run / "prometheus_ha").rglob("*"):
        if path.name != "lock":
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert not [path for path in run.rglob("*") if path.name.startswith(".")]


def test_problems_are_raised_by_whoever_asks_and_told_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for host in ("p-1", "p-2"):
        with pytest.raises(InventoryError, match="has 1 problem;"):
            obtain(task_vars(host, prometheus_port="many"))
    assert len(list((run / "prometheus_ha").glob("plan-*"))) == 1
    told = capsys.readouterr()
    assert told.out.count("I02 error hosts p-1, p-2, variable prometheus_port") == 1
    assert "I02" not in told.err


def test_what_two_plans_of_a_run_have_in_common_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A role's own variables make a plan of their own."""
    obtain(task_vars(prometheus_verson="3.5.3"))
    obtain(task_vars(more={"prometheus_retention": "20d"}, prometheus_verson="3.5.3"))
    assert capsys.readouterr().err.count("variable prometheus_verson") == 1


def test_the_notes_of_a_plan_are_told_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_summary, "notes", lambda _topology: ["a note"])
    for host in ("p-1", "p-2"):
        obtain(task_vars(host))
    assert capsys.readouterr().err.count("a note") == 1


def test_a_plan_that_is_looked_at_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    loader = DataLoader()
    variables = task_vars(prometheus_port="many")
    store = _store.look(variables, Templar(loader=loader, variables=variables), loader)
    assert "prometheus_port" in [finding.place.variable for finding in store.findings]
    assert store.summary["counts"]["errors"] == 1
    assert capsys.readouterr() == ("", "")
    with pytest.raises(InventoryError):
        store.require_sound()


def test_only_one_is_the_first() -> None:
    store = obtain(task_vars())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda _number: store.is_first("x"), range(16))) == [False] * 15 + [True]
    assert store.is_first("y")


def test_what_a_role_gives_is_a_plan_of_its_own_for_the_hosts_of_the_play() -> None:
    plain = obtain(task_vars())
    layered = obtain(task_vars(more={"prometheus_replica": trust_as_template("r-{{ inventory_hostname }}")}))
    assert plain.folder != layered.folder

    def labels(store: _store.Store, host: str) -> str:
        files = store.slices(host)[0]["config"]["files"]
        return next(str(file["content"]) for file in files if file["path"] == "prometheus.yml")

    assert "replica: r-p-1" in labels(layered, "p-1")
    assert "replica: p-2" in labels(layered, "p-2")
    assert "replica: p-1" in labels(plain, "p-1")


def test_variables_that_the_plan_does_not_read_make_no_other_plan() -> None:
    assert obtain(task_vars()).folder == obtain(task_vars(more={"my_own": 1, "ansible_loop_var": "x"})).folder


@pytest.mark.parametrize(
    "host, name, words",
    [
        ("web", None, "the plan has nothing for this host"),
        ("p-1", "alertmanager", "the plan has no alertmanager for this host"),
    ],
)
def test_a_host_without_a_slice(host: str, name: str | None, words: str) -> None:
    with pytest.raises(HAError) as caught:
        obtain(task_vars()).slices(host, name)
    assert caught.value.what == words
    assert caught.value.where == f"host {host}"


def test_the_summary() -> None:
    summary = obtain(task_vars()).summary
    assert summary["members"] == ["p-1", "p-2"]
    assert "replica set default" in summary["report"]


@pytest.mark.parametrize("name", ["../../etc/x", "a/b", "10.0.0.1", "[2001:db8::1]", "ü", "done", "summary"])
def test_any_host_name_is_a_file_within_the_folder(tmp_path: Path, name: str) -> None:
    path = _store._file(tmp_path, name)
    assert path.parent == tmp_path
    assert path.name.endswith(".json")


def test_files_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    _store._write(path, "former")

    def fail(*_args: t.Any, **_kwargs: t.Any) -> t.NoReturn:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fdopen", fail)
    with pytest.raises(OSError, match="disk full"):
        _store._write(path, "new")
    assert path.read_text() == "former"


# -- what workers tell one another ------------------------------------------------------------------------------------


def part(pending: str, order: int) -> dict[str, t.Any]:
    return {"pending": pending, "cohorts": [["prometheus", "default", "eu"]], "order": order}


def test_what_is_pending_comes_back_in_plan_order_and_component_by_component() -> None:
    _store.record_pending("b", {"prometheus": part("reload", 2)})
    _store.record_pending("a", {"prometheus": part("start", 1)})
    _store.record_pending("b", {"alertmanager": part("none", 2)})
    _store.record_pending("b", {"prometheus": part("none", 2)})
    found = _store.all_pending()
    assert [item["host"] for item in found] == ["a", "b"]
    assert {name: what["pending"] for name, what in found[1]["components"].items()} == {
        "prometheus": "none",
        "alertmanager": "none",
    }


def test_nothing_is_activated_when_a_host_was_lost() -> None:
    _store.record_attempt("a")
    _store.record_attempt("b")
    _store.record_pending("a", {"prometheus": part("reload", 1)})
    with pytest.raises(HAError, match="b failed or could not be reached"):
        _store.all_pending()
    _store.record_pending("b", {"prometheus": part("none", 2)})
    assert len(_store.all_pending()) == 2


def test_two_of_a_set_never_change_at_once() -> None:
    """Under strategy free, or where a play runs the task on all hosts at once."""
    for order, host in enumerate("abc"):
        _store.record_pending(host, {"prometheus": part("restart", order)})
    now: list[str] = []
    most: list[int] = []

    def change(host: str) -> None:
        with _store.turn(host, ["prometheus"]) as done:
            now.append(host)
            most.append(len(now))
            time.sleep(0.05)
            now.remove(host)
            done()

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(change, "abc"))
    assert most == [1, 1, 1]


def test_first_starts_need_no_turn() -> None:
    for order, host in enumerate("ab"):
        _store.record_pending(host, {"prometheus": part("start", order)})
    with _store.turn("a", ["prometheus"]), _store.turn("b", ["prometheus"]) as done:
        done()


def test_nobody_has_a_turn_after_one_that_was_lost() -> None:
    for order, host in enumerate("ab"):
        _store.record_pending(host, {"prometheus": part("restart", order)})
    with _store.turn("a", ["prometheus"]):
        pass  # it never said that it succeeded
    with pytest.raises(HAError, match="a failed or could not be reached while it was changed"), _store.turn(
        "b", ["prometheus"]
    ):
        pytest.fail("b had a turn")
    with _store.turn("a", ["prometheus"]) as done:  # it may try again
        done()
    with _store.turn("b", ["prometheus"]) as done:
        done()


def test_what_is_due_is_what_was_staged() -> None:
    assert _store.due(["a", "b"]) == {}
    _store.record_pending("a", {"prometheus": part("reload", 1)})
    assert _store.due(["a", "b"]) == {"a": {"prometheus": part("reload", 1)}}


# -- while web endpoints move -----------------------------------------------------------------------------------------

STACK = (support.prometheus("p-1", "p-2"), support.alertmanager("am-1", "am-2", "am-3"))
THERE = {"port": 9999, "prefix": "/x"}


def moves(**hosts: t.Any) -> None:
    """Alertmanagers (``_`` for ``-``) by where they still answer."""
    for host, endpoint in hosts.items():
        found = staged("restart", cohort=["alertmanager", "default", "default"], endpoint=endpoint)
        _store.record_pending(host.replace("_", "-"), {"alertmanager": found})


def test_what_moves_is_what_moved_when_it_was_first_asked_for() -> None:
    _store.record_pending("p-1", {"prometheus": staged("reload")})
    moves(am_1=THERE, am_2=THERE)
    found = {(host, "alertmanager"): Place(9999, "/x") for host in ("am-1", "am-2")}
    assert _store.moving() == found
    moves(am_1=None)
    assert _store.moving() == found, "the others still talk to both places"


def test_what_moves_is_not_known_while_a_host_is_lost() -> None:
    moves(am_1=THERE)
    _store.record_attempt("am-2")
    with pytest.raises(HAError, match="am-2 failed or could not be reached"):
        _store.moving()
    _store.forget_attempt("am-2")
    assert list(_store.moving()) == [("am-1", "alertmanager")]


def transition(host: str) -> _store.Store:
    variables = support_store.task_vars(host, *STACK)
    return _store.transition(variables, support_store.templar_of(variables), DataLoader())


def test_the_plan_for_the_time_of_a_move_lists_both_places() -> None:
    planned = support_store.obtain(support_store.task_vars("p-1", *STACK))
    moves(am_1=THERE)
    both = transition("p-1")
    assert both.folder != planned.folder
    assert transition("p-2").folder == both.folder

    def told(store: _store.Store, host: str) -> list[tuple[str, str]]:
        managers = support.loaded(store.slices(host, "prometheus")[0], "prometheus.yml")["alerting"]["alertmanagers"]
        return [(place, one["path_prefix"]) for one in managers for place in one["static_configs"][0]["targets"]]

    former, rest = [("am-1.example:9999", "/x")], [(f"am-{number}.example:9093", "/") for number in (1, 2, 3)]
    assert told(planned, "p-1") == rest
    assert sorted(told(both, "p-1")) == sorted(former + rest)
    expected = both.slices("p-1", "prometheus")[0]["expect"]["alertmanagers"]
    assert list(expected) == ["am-1.example:9999", "am-2.example:9093", "am-3.example:9093"], "where it still answers"
    for host in ("am-1", "am-2"):
        assert both.slices(host)[0]["config"]["files"] == planned.slices(host)[0]["config"]["files"]
        assert both.slices(host)[0]["service"] == planned.slices(host)[0]["service"]


def test_who_has_to_list_both_places() -> None:
    assert _store.clients() == {}
    _store.record_clients({"p-1": [(["prometheus", "default", "eu"], ["prometheus.yml"])]})
    assert _store.clients() == {"p-1": {("prometheus", "default", "eu"): ["prometheus.yml"]}}
    _store.record_clients({})
    assert _store.clients() == {}


@pytest.mark.parametrize(("name", "found"), [(None, []), ("default", ["default"])])
def test_who_goes_ahead_is_known_without_the_inventory(name: str | None, found: list[str]) -> None:
    assert _store.canaries() == []
    obtain(task_vars(prometheus_ha_canary=name) if name else task_vars())
    assert _store.canaries() == found


def test_without_a_plan_there_are_no_members() -> None:
    with pytest.raises(HAError, match="no plan was made in this run"):
        _store.members()
    _store.record_members(["b", "a"])
    assert _store.members() == ["b", "a"]


def test_leavings_of_dead_runs_are_swept(run: Path) -> None:
    dead = run.parent / "ansible-local-1" / "prometheus_ha"
    unfinished = run.parent / "ansible-local-2" / "prometheus_ha"
    alive = run.parent / "ansible-local-3" / "prometheus_ha"
    for folder, text in ((dead, "999999999"), (unfinished, None), (alive, str(os.getppid()))):
        folder.mkdir(parents=True)
        if text:
            (folder / "run").write_text(text)
    _store.record_members([])
    assert [folder.exists() for folder in (dead.parent, unfinished, alive)] == [False, True, True]
    assert json.loads((run / "prometheus_ha" / "run").read_text()) == os.getpid()
