# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that is on trial: settled or put back, cut off, and the data on the way to another version and back."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Component, Outcome
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._data_copy import COPY, DataCopy
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_component import Host
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_service import Behaviour

OLD, NEW = "2.53.3", "3.5.3"
FLAG: dict[str, t.Any] = {"args": ["--yone=1"]}


class Upgraded(Host):
    """A host whose Prometheus writes a file of its version into its data at each start.

    ``steps``: what was done to the service, with the version in its unit file and whether a copy of data is kept then.
    """

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        self.steps: list[tuple[str, str, bool]] = []
        self.start_takes = 0.0
        self.refuses = ""  # checkers below that folder do

    def __call__(
        self, argv: t.Sequence[str], *, cwd: str | None = None, timeout: float = 60.0, **_more: t.Any
    ) -> Completed:
        if self.refuses and self.refuses in argv[0] and "check" in argv:
            return Completed(1, "", "it is new")
        verb = argv[1] if argv[0] == "systemctl" else ""
        if verb in ("stop", "start", "restart"):
            self.steps.append((verb, self.version_of(self.systemd.text()), (self.data / COPY).exists()))
        done = super().__call__(argv, cwd=cwd, timeout=timeout)
        if verb in ("start", "restart") and self.running():
            version = self.version_of(self.running())
            (self.data / f"by-{version}").write_text(version)
            self.answers_at = self.clock.now + self.start_takes
        return done

    def version_of(self, text: str) -> str:
        return text.partition(f"{self.opt}/prometheus/")[2].partition("/")[0]

    def forget(self) -> None:
        super().forget()
        self.steps.clear()

    def written(self) -> list[str]:
        """The names in the data folder."""
        return sorted(path.name for path in self.data.iterdir())

    def upgrade(self, **values: t.Any) -> Component:
        return self.component(**{"version": NEW, "back_to": "2.55.0", **values})


@pytest.fixture
def host(tmp_path: Path) -> Upgraded:
    return Upgraded(tmp_path)


def end(component: Component) -> None:
    """The end of its process, which frees its locks."""
    component.config._release()
    component.service._files._release()


def trial(component: Component) -> Outcome:
    try:
        return component.activate(settle=False)
    finally:
        end(component)


def journals(host: Host) -> list[str]:
    """What is not settled."""
    return sorted(path.parent.name for path in (host.base / "state/prometheus").glob("*/journal.json"))


def configured(host: Host) -> str:
    return (host.config / "prometheus.yml").read_text()


# -- the files ahead of a restart --------------------------------------------------------------------------------------

AT_ONCE = ({"match": "prometheus.yml", "action": "reload", "at_once": True},)
BOTH: dict[str, t.Any] = {"generation": "g2", "effects": AT_ONCE, **FLAG}


def ahead(component: Component) -> Outcome:
    try:
        return component.activate(ahead=True, settle=False)
    finally:
        end(component)


def test_files_that_all_take_up_at_the_same_moment_go_ahead_of_a_restart(host: Upgraded) -> None:
    host.serve()
    assert host.component(**BOTH).stage().ahead
    outcome = ahead(host.component(**BOTH))
    assert (outcome.pending, outcome.reasons) == ("restart", ["prometheus.yml differs"])
    assert (host.generation, host.steps, journals(host)) == ("g2", [], ["config"])
    host.component(**BOTH).settle()
    assert (journals(host), host.systemd.verbs()) == ([], [])
    left = host.component(**BOTH).stage()
    assert (left.pending, left.ahead, left.files) == ("restart", False, [])
    assert trial(host.component(**BOTH)).pending == "none"
    assert [verb for verb, _version, _kept in host.steps] == ["restart"]


def test_files_that_went_ahead_are_put_back_by_a_reload(host: Upgraded) -> None:
    host.serve()
    ahead(host.component(**BOTH))
    host.component(**BOTH).revert()
    assert (host.generation, journals(host), host.steps) == ("g1", [], [])


def test_a_reload_that_is_refused_ahead_of_a_restart_leaves_all_as_it_was(host: Upgraded) -> None:
    host.serve()
    with pytest.raises(HAError, match="reload"):
        ahead(host.component(extra="# refused on reload\n", **BOTH))
    assert (host.generation, journals(host), host.steps) == ("g1", [], [])
    assert "generation g1" in configured(host)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({**BOTH, "effects": ()}, id="files that members take up one by one"),
        pytest.param({"effects": AT_ONCE, **FLAG}, id="no file"),
        pytest.param({"effects": AT_ONCE, "generation": "g2"}, id="no restart"),
        pytest.param({**BOTH, "effects": (*AT_ONCE, {"match": "--*", "action": "restart", "at_once": True})}, id="all"),
        pytest.param(
            {**BOTH, "effects": (*AT_ONCE, {"match": "--*", "action": "restart", "breaks": "clients"})}, id="moves"
        ),
    ],
)
def test_what_does_not_go_ahead(host: Upgraded, values: dict[str, t.Any]) -> None:
    host.serve()
    assert not host.component(**values).stage().ahead


def test_what_has_no_reload_is_asked_for_none(host: Upgraded) -> None:
    """HAProxy: it takes up its files by a restart, which its unit asks for."""
    host.serve()
    component = host.component(asked="reload")
    component._reloads = False
    assert component.stage().pending == "none"
    (path,) = host.systemd.units.glob("*.service")
    path.write_text(host.systemd.text() + "# by hand\n")
    component = host.component()
    component._reloads = False
    assert component.stage().pending == "write"


def test_what_the_running_version_refuses_does_not_go_ahead(host: Upgraded) -> None:
    host.serve(version=OLD)
    wanted: dict[str, t.Any] = {**BOTH, "version": NEW}
    assert host.component(**wanted).stage().ahead
    host.refuses = f"/{OLD}/"
    assert not host.component(**wanted).stage().ahead
    assert trial(host.component(**wanted)).pending == "none", "the new one takes it"


# -- settled, or put back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "left", "verbs"),
    [
        pytest.param({"generation": "g2"}, ["config"], [], id="configuration"),
        pytest.param(FLAG, ["unit"], ["daemon-reload", "restart"], id="flags"),
        pytest.param({"generation": "g2", **FLAG}, ["config", "unit"], ["daemon-reload", "restart"], id="both"),
        pytest.param({"version": "3.6.0"}, ["unit"], ["daemon-reload", "restart"], id="version"),
    ],
)
def test_a_trial_is_open_until_it_is_settled(
    host: Host, values: dict[str, t.Any], left: list[str], verbs: list[str]
) -> None:
    host.serve()
    outcome = trial(host.component(**values))
    assert (outcome.pending, journals(host), host.systemd.verbs()) == ("none", left, verbs)
    assert host.generation == values.get("generation", "g1")
    host.forget()
    assert host.component(**values).settle().pending == "none"
    assert (journals(host), host.systemd.verbs(), host.asked) == ([], [], [])
    assert host.component(**values).activate().changed is False


def test_links_and_older_versions_wait_until_it_is_settled(host: Host) -> None:
    host.serve(version="3.4.0")
    host.serve()
    trial(host.component(version="3.6.0"))
    assert "3.5.3" in os.readlink(host.links / "promtool")
    assert Path(host.executable("3.4.0")).exists()
    actions = host.component(version="3.6.0").settle().actions
    assert actions == [f"linked promtool into {host.links}", "pruned prometheus 3.4.0"]
    assert "3.6.0" in os.readlink(host.links / "promtool")


@pytest.mark.parametrize(
    ("values", "verbs", "reloads", "out"),
    [
        pytest.param({"generation": "g2"}, [], 1, False, id="configuration"),
        pytest.param({"generation": "g2", **FLAG}, ["daemon-reload", "stop", "start"], 0, True, id="flags"),
        pytest.param({"version": "3.6.0"}, ["daemon-reload", "stop", "start"], 0, True, id="version"),
    ],
)
def test_what_was_on_trial_is_put_back(
    host: Host, values: dict[str, t.Any], verbs: list[str], reloads: int, out: bool
) -> None:
    host.serve()
    before = configured(host), host.systemd.text(), host.running()
    trial(host.component(**values))
    assert (configured(host), host.systemd.text(), host.running()) != before
    host.forget()
    outcome = host.component(**values).revert()
    assert (configured(host), host.systemd.text(), host.running()) == before
    assert (host.systemd.verbs(), host.asked.count("POST /-/reload")) == (verbs, reloads)
    assert (host.generation, journals(host)) == ("g1", [])
    assert outcome.actions == ["put the former prometheus 3.5.3 back"]
    assert (outcome.out_of_service is not None, outcome.seconds is not None) == (out, out)
    host.forget()
    again = host.component(**values).revert()
    assert (again.changed, host.systemd.verbs(), host.asked) == (False, [], [])
    assert host.component().activate().changed is False


def test_what_the_module_took_back_itself_is_not_put_back_again(host: Host) -> None:
    host.serve()
    host.systemd.behaviours[host.executable("3.6.0")] = Behaviour(lives=0.5, logs="level=error msg=panic")
    component = host.component("g2", version="3.6.0")
    with pytest.raises(HAError, match="panic") as caught:
        trial(component)
    assert caught.value.facts["versions"] == "3.5.3 -> 3.6.0"
    host.forget()
    assert host.component("g2", version="3.6.0").revert().changed is False
    assert (host.systemd.verbs(), host.running()) == ([], host.executable("3.5.3"))


def test_there_is_nothing_to_put_back_where_nothing_is_installed(host: Host) -> None:
    """A first start that failed leaves no unit."""
    outcome = host.component().revert()
    assert (outcome.changed, outcome.runs, host.systemd.verbs()) == (False, "", [])


@pytest.mark.parametrize("method", ["settle", "revert"])
def test_in_check_mode_neither_does_anything(host: Host, method: str) -> None:
    host.serve()
    trial(host.component("g2", **FLAG))
    before = host.disk()
    host.forget()
    assert getattr(host.component("g2", apply=False, **FLAG), method)().changed is False
    assert (host.disk(), host.systemd.verbs(), journals(host)) == (before, [], ["config", "unit"])


def test_a_trial_that_was_cut_off_is_rolled_back_and_begun_anew(host: Host) -> None:
    host.serve()
    before = configured(host), host.systemd.text()
    trial(host.component("g2", version="3.6.0"))
    staged = host.component("g2", version="3.6.0").stage()
    assert (configured(host), host.systemd.text(), journals(host)) == (*before, [])
    assert [action.partition(" to the former")[0] for action in staged.actions[:2]] == [
        "rolled an interrupted change back"
    ] * 2
    # The new one runs and need not be started again; it has to know its files.
    assert (staged.pending, staged.files, staged.runs) == ("reload", ["prometheus.yml"], "3.6.0")
    host.forget()
    assert trial(host.component("g2", version="3.6.0")).pending == "none"
    assert host.systemd.verbs() == ["daemon-reload"]
    assert host.component("g2", version="3.6.0").revert().changed
    assert (configured(host), host.systemd.text(), host.running()) == (*before, host.executable("3.5.3"))


# -- what is found ----------------------------------------------------------------------------------------------------


def test_how_long_it_was_away(host: Upgraded) -> None:
    host.serve()
    host.start_takes = 20.0
    outcome = trial(host.component(**FLAG))
    assert outcome.out_of_service is not None
    assert 20 <= outcome.out_of_service < 21, "until it was ready, not until it was proved to stay so"
    assert outcome.seconds is not None
    assert outcome.seconds >= outcome.out_of_service + 3


def test_one_that_served_nobody_was_not_taken_out_of_service(host: Host) -> None:
    host.serve()
    host.answers_at = float("inf")
    component = host.component(**FLAG)
    staged = component.stage()
    assert (staged.pending, staged.serves) == ("restart", False)
    host.answers_at = 0.0
    assert host.component(**FLAG).stage().serves is True
    assert host.component().stage().serves is True
    host.component(state="absent").activate()
    assert host.component().stage().serves is False


PORT: list[dict[str, t.Any]] = [
    {"match": "--web.listen-address", "action": "restart", "part": "port", "breaks": "clients"}
]


def test_a_web_endpoint_that_moves_is_asked_where_it_still_answers(host: Host) -> None:
    at = ["--web.listen-address=0.0.0.0:9090", "--web.external-url=http://x/p"], "http://127.0.0.1:9090/p"
    to = ["--web.listen-address=0.0.0.0:9191", "--web.external-url=http://x/p"], "http://127.0.0.1:9191/p"
    host.serve(args=at[0], url=at[1])
    values: dict[str, t.Any] = {"args": to[0], "url": to[1], "effects": PORT}
    staged = host.component(**values).stage()
    assert (staged.pending, staged.serves, staged.endpoint) == ("restart", True, {"port": 9090, "prefix": "/p"})
    assert staged.breaks == {"clients": ["--web.listen-address: 0.0.0.0:9090 -> 0.0.0.0:9191"]}
    assert trial(host.component(**values)).pending == "none"
    assert host.component(**values).revert().changed, "the former one was seen to be ready at its own port"
    assert host.component(args=at[0], url=at[1]).stage().endpoint is None


TABLE: list[dict[str, t.Any]] = [
    {"match": "targets/*", "action": "write"},
    {"match": "mesh.yml", "action": "reload", "at_once": True},
    {"match": "--xone", "action": "restart", "at_once": True, "breaks": "peers"},
]


def test_what_the_process_reads_by_itself_is_only_written(host: Host) -> None:
    host.serve(effects=TABLE)
    files = {"targets/node.yml": "[]\n"}
    staged = host.component(effects=TABLE, files=files).stage()
    assert (staged.pending, staged.files, staged.reasons) == (
        "write",
        ["targets/node.yml"],
        ["targets/node.yml differs"],
    )
    outcome = host.component(effects=TABLE, files=files).activate()
    assert (outcome.pending, host.systemd.verbs(), host.asked.count("POST /-/reload")) == ("none", [], 0)
    assert (host.config / "targets/node.yml").exists()
    assert host.component(effects=TABLE, files=files).activate().changed is False


def test_a_reload_that_is_owed_is_not_hidden_by_a_file_that_takes_none(host: Host) -> None:
    host.serve(effects=TABLE)
    host.loaded = "# generation g0\n"
    staged = host.component(effects=TABLE, files={"targets/node.yml": "[]\n"}).stage()
    assert staged.pending == "reload"
    assert staged.reasons[0] == "targets/node.yml differs"
    assert "generation g0" in staged.reasons[1]


@pytest.mark.parametrize(
    ("values", "asked", "pending", "reasons", "at_once"),
    [
        ({}, "reload", "reload", ["a reload was asked for"], False),
        ({}, "restart", "restart", ["a restart was asked for"], False),
        ({"generation": "g2"}, "reload", "reload", ["prometheus.yml differs"], False),
        ({"generation": "g2"}, "restart", "restart", ["a restart was asked for", "prometheus.yml differs"], False),
        (FLAG, "reload", "restart", ["argument --yone=1 is new", "argument --xone=1 is gone"], True),
        ({"files": {"mesh.yml": ""}}, "", "reload", ["mesh.yml differs"], True),
        ({"files": {"mesh.yml": ""}}, "reload", "reload", ["mesh.yml differs"], True),
        ({"files": {"mesh.yml": ""}}, "restart", "restart", ["a restart was asked for", "mesh.yml differs"], False),
        (
            {"files": {"targets/a.yml": ""}},
            "reload",
            "reload",
            ["a reload was asked for", "targets/a.yml differs"],
            False,
        ),
    ],
)
def test_what_is_asked_for_is_done_where_less_is_pending(
    host: Host, values: dict[str, t.Any], asked: str, pending: str, reasons: list[str], at_once: bool
) -> None:
    host.serve()
    staged = host.component(asked=asked, effects=TABLE, **values).stage()
    assert (staged.pending, staged.reasons, staged.at_once) == (pending, reasons, at_once)
    host.forget()
    outcome = host.component(asked=asked, effects=TABLE, **values).activate()
    assert outcome.pending == "none"
    assert [verb for verb in host.systemd.verbs() if verb != "daemon-reload"] == ["restart"] * (pending == "restart")
    assert host.asked.count("POST /-/reload") == (pending == "reload")


@pytest.mark.parametrize("asked", ["reload", "restart"])
def test_what_does_not_run_is_started_whatever_is_asked(host: Host, asked: str) -> None:
    assert host.component(asked=asked).stage().pending == "start"


# -- the data on the way to another version ---------------------------------------------------------------------------

BEFORE = [f"by-{OLD}", "later"]


def serve_old(host: Upgraded) -> None:
    host.serve(version=OLD)
    (host.data / "later").write_text("x")
    host.forget()


def test_data_is_kept_before_the_new_unit_is_there(host: Upgraded) -> None:
    """A reboot in between must not start the new version on data of which there is no copy."""
    serve_old(host)
    outcome = trial(host.upgrade())
    assert host.steps == [("stop", OLD, False), ("start", NEW, True)]
    assert host.systemd.verbs() == ["stop", "daemon-reload", "start"]
    assert outcome.keeps == OLD
    assert f"kept the data of prometheus {OLD} until the roll is proved" in outcome.actions
    assert sorted(path.name for path in (host.data / COPY / "data").iterdir()) == BEFORE
    assert outcome.out_of_service is not None


def test_the_copy_is_let_go_only_when_all_is_proved(host: Upgraded) -> None:
    serve_old(host)
    trial(host.upgrade())
    assert host.upgrade().settle().keeps == ""
    assert host.upgrade().stage().keeps == OLD
    assert host.upgrade(apply=False).settle(proved=True).changed is False
    assert f"let go of the data of prometheus {OLD}" in host.upgrade().settle(proved=True).actions
    assert not (host.data / COPY).exists()
    assert host.upgrade().settle(proved=True).changed is False
    assert host.upgrade().stage().keeps == ""


def test_a_new_version_that_dies_leaves_the_former_one_s_data(host: Upgraded) -> None:
    serve_old(host)
    host.systemd.behaviours[host.executable(NEW)] = Behaviour(lives=0.5, logs="level=error msg=panic")
    with pytest.raises(HAError) as caught:
        trial(host.upgrade())
    assert host.steps == [("stop", OLD, False), ("start", NEW, True), ("stop", OLD, True), ("start", OLD, False)]
    assert host.written() == BEFORE
    assert f"the former one ({host.executable(OLD)}) runs again" in caught.value.what
    assert f"put back the data that {OLD} had written until " in caught.value.what
    assert " s, 1 files" in caught.value.what, "what is lost is told"
    assert caught.value.facts["versions"] == f"{OLD} -> {NEW}"


def test_a_trial_that_is_put_back_has_the_former_one_s_data(host: Upgraded) -> None:
    serve_old(host)
    trial(host.upgrade())
    assert f"by-{NEW}" in host.written()
    host.forget()
    outcome = host.upgrade().revert()
    assert host.steps == [("stop", OLD, True), ("start", OLD, False)]
    assert (host.running(), host.written()) == (host.executable(OLD), BEFORE)
    put_back, lost = outcome.actions
    assert put_back == f"put the former prometheus {OLD} back"
    assert lost.startswith(f"put back the data that {OLD} had written until ")


def test_a_trial_that_was_cut_off_can_still_be_put_back_with_its_data(host: Upgraded) -> None:
    serve_old(host)
    trial(host.upgrade())
    assert trial(host.upgrade()).pending == "none"
    host.upgrade().revert()
    assert (host.running(), host.written()) == (host.executable(OLD), BEFORE)


def test_a_copy_that_an_earlier_run_left_is_renewed(host: Upgraded) -> None:
    """What runs has written since it was taken."""
    host.serve(version=OLD)
    DataCopy(str(host.data)).keep(OLD)
    (host.data / "later").write_text("x")
    trial(host.upgrade())
    assert sorted(path.name for path in (host.data / COPY / "data").iterdir()) == BEFORE


def test_a_copy_of_what_does_not_run_is_not_renewed(host: Upgraded) -> None:
    """The new version may have written since, in a run that was cut off."""
    serve_old(host)
    DataCopy(str(host.data)).keep(OLD)
    host.systemd(["systemctl", "stop", "prometheus.service"])
    (host.data / f"by-{NEW}").write_text("x")
    assert trial(host.upgrade()).pending == "none"
    host.upgrade().revert()
    assert host.written() == BEFORE


def test_a_way_back_that_was_cut_off_is_gone_to_its_end_first(host: Upgraded) -> None:
    serve_old(host)
    DataCopy(str(host.data)).keep(OLD)
    (host.data / f"by-{NEW}").write_text("x")
    (host.data / COPY / "record.json").rename(host.data / COPY / "restoring.json")
    outcome = trial(host.upgrade())
    assert sorted(path.name for path in (host.data / COPY / "data").iterdir()) == BEFORE
    assert any(action.startswith(f"put back the data that {OLD} had written") for action in outcome.actions)


def test_going_back_to_the_version_whose_data_is_kept_puts_it_back(host: Upgraded) -> None:
    serve_old(host)
    host.upgrade().activate()
    assert f"by-{NEW}" in host.written()
    host.forget()
    outcome = host.component(version=OLD).activate()
    assert (host.running(), host.written()) == (host.executable(OLD), BEFORE)
    assert host.steps[0][:2] == ("stop", NEW)
    assert any(action.startswith(f"put back the data that {OLD} had written") for action in outcome.actions)


@pytest.mark.parametrize(
    ("runs", "values"),
    [
        pytest.param("2.55.1", {}, id="the way back is documented"),
        pytest.param(OLD, {"back_to": ""}, id="any version opens it"),
        pytest.param(NEW, {"generation": "g2"}, id="the same version"),
        pytest.param(NEW, {"version": "3.6.0", "back_to": "2.55.0"}, id="a younger one"),
    ],
)
def test_no_copy_where_none_is_needed(host: Upgraded, runs: str, values: dict[str, t.Any]) -> None:
    host.serve(version=runs)
    outcome = trial(host.upgrade(**values))
    assert (outcome.pending, outcome.keeps, (host.data / COPY).exists()) == ("none", "", False)
    assert "stop" not in host.systemd.verbs()


def test_data_that_can_t_be_kept_stops_the_change_before_anything_is_touched(host: Upgraded) -> None:
    serve_old(host)
    (host.data / "wal").symlink_to("/elsewhere")
    before = configured(host), host.systemd.text(), host.running()
    with pytest.raises(HAError, match="leads out of"):
        trial(host.upgrade(generation="g2"))
    assert ((configured(host), host.systemd.text(), host.running()), host.systemd.verbs()) == (before, [])
