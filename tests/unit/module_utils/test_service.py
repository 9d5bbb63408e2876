# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Activation with proof and the way back, over the real transaction and a systemd of files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _service, _service_spec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service import Crossing, Look, Service
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service_spec import ServiceSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Verdict
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_service import (
    Behaviour,
    Clock,
    Commands,
    Systemd,
)

FORMER, NEW = "/opt/x/1/bin/prometheus", "/opt/x/2/bin/prometheus"


class Lab:
    """One host with one service; what was there before is built by the same code."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.clock = Clock()
        self.systemd = Systemd(base, self.clock)
        self.unit = base / "units" / "prometheus.service"

    def service(self, executable: str = NEW, *args: str, secrets: tuple[str, ...] = (), **params: Any) -> Service:
        spec = ServiceSpec.from_params(
            {"name": "prometheus", "user": "root", "executable": executable, "args": list(args), **params}
        )
        return Service(
            spec,
            runner=self.systemd,
            clock=self.clock,
            proc=str(self.systemd.proc),
            unit_folder=str(self.systemd.units),
            state_root=str(self.base / "state"),
            secrets=secrets,
            now=self.clock.time,
        )

    def serve(self, executable: str = FORMER, *args: str) -> Service:
        """A service that runs, as an earlier run left it."""
        service = self.service(executable, *args)
        assert service.activate() is not None
        self.systemd.called.clear()
        return service

    def tried(self, executable: str = NEW) -> Service:
        """One whose activation is on trial; the process that did it has ended."""
        service = self.service(executable)
        service.activate(settle=False)
        service._files._release()
        return self.service(executable)

    def runs(self) -> str:
        now = self.service().status().running
        return now.executable if now else ""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def ready_after(lab: Lab, seconds: float) -> Look:
    begun = lab.clock.now
    return lambda: Verdict(lab.clock.now - begun >= seconds, "replaying the WAL")


def test_a_first_start_is_enabled_proved_and_not_repeated(lab: Lab) -> None:
    service = lab.service()
    assert service.status().pending.action == "start"
    started = service.activate(ready_after(lab, 30))
    assert started
    assert 30 <= started.seconds < 35
    assert started.waited_for == ("replaying the WAL", "it answers ready and must now stay up")
    assert lab.systemd.verbs() == ["daemon-reload", "start", "enable"]
    assert (lab.runs(), started.pid) == (NEW, service.status().unit.pid)
    lab.systemd.called.clear()
    again = lab.service()
    assert not again.status().pending
    assert again.activate() is None
    assert lab.systemd.verbs() == []


def test_what_runs_decides_even_when_the_unit_file_is_right_already(lab: Lab) -> None:
    lab.serve()
    cut_off = lab.service()
    cut_off._files.swap()
    cut_off._files.commit()  # an earlier run that came no further
    service = lab.service()
    assert not service.plan().changed
    assert service.status().pending.reasons[0] == f"the binary differs: runs {FORMER}, wanted {NEW}"
    service.activate()
    assert lab.runs() == NEW


def test_a_unit_file_edited_by_hand_is_put_back_without_a_restart(lab: Lab) -> None:
    service = lab.serve()
    pid = service.status().unit.pid
    wanted = lab.unit.read_text()
    lab.unit.write_text(wanted + "# by hand\n")
    assert service.plan().changed
    assert service.activate() is None
    assert lab.unit.read_text() == wanted
    assert (service.status().unit.pid, lab.systemd.verbs()) == (pid, ["daemon-reload"])


def test_a_former_version_comes_back_before_the_error_is_told(lab: Lab) -> None:
    lab.serve()
    before = lab.unit.read_text()
    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5, logs="panic: unknown block\n")
    with pytest.raises(HAError) as caught:
        lab.service().activate()
    error = caught.value
    assert f"the former one ({FORMER}) runs again" in error.what
    assert NEW in error.where
    assert "panic: unknown block" in error.said
    assert error.facts["rolled_back"] is True
    assert (lab.runs(), lab.unit.read_text()) == (FORMER, before)
    assert not lab.service(FORMER).status().pending
    assert not lab.service(FORMER).plan().changed


def test_a_restart_that_systemd_is_about_to_make_is_not_one_of_the_former_version(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow host more than the second between two restarts passes before the former version is started."""
    lab.serve()
    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5)
    start = lab.systemd._start

    def slowly() -> Completed:
        lab.clock.sleep(2)
        lab.systemd._live()
        return start()

    monkeypatch.setattr(lab.systemd, "_start", slowly)
    with pytest.raises(HAError) as caught:
        lab.service().activate()
    assert caught.value.facts["rolled_back"] is True
    assert lab.runs() == FORMER


def test_one_that_never_gets_ready_gives_way_too(lab: Lab) -> None:
    lab.serve()
    former_is_asked: list[float] = []

    def former_look() -> Verdict:
        former_is_asked.append(lab.clock.now)
        return Verdict(True)

    service = lab.service(start_timeout=40)
    with pytest.raises(HAError, match=r"not ready after 4\d s, still waiting for: replaying the WAL"):
        service.activate(ready_after(lab, 10_000), former_look=former_look)
    assert former_is_asked
    assert lab.runs() == FORMER


def test_a_hopeless_look_does_not_wait_for_the_timeout(lab: Lab) -> None:
    begun = lab.clock.now
    with pytest.raises(HAError, match="401"):
        lab.service().activate(lambda: Verdict(False, "status 401", hopeless=True))
    assert lab.clock.now - begun < 5


def test_a_look_that_fails_is_a_failed_start(lab: Lab) -> None:
    lab.serve()

    def look() -> Verdict:
        raise HAError("the answer is not JSON")

    with pytest.raises(HAError, match="not JSON"):
        lab.service().activate(look, former_look=lambda: Verdict(True))
    assert lab.runs() == FORMER


def test_what_belongs_to_the_former_is_put_back_before_it_starts(lab: Lab) -> None:
    lab.serve()
    order: list[str] = []

    def undo() -> None:
        order.extend(lab.systemd.verbs())
        assert FORMER in lab.unit.read_text()

    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5)
    with pytest.raises(HAError, match="runs again"):
        lab.service().activate(undo=undo)
    assert order == ["daemon-reload", "restart", "daemon-reload"]
    # systemd, which is about to restart the new one, is told not to.
    assert lab.systemd.verbs()[3:] == ["stop", "restart"]


def test_when_the_former_does_not_come_back_both_are_told(lab: Lab) -> None:
    lab.serve()
    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5, logs="panic: new\n")
    lab.systemd.behaviours[FORMER] = Behaviour(lives=0.5, logs="panic: former\n")
    with pytest.raises(HAError) as caught:
        lab.service().activate()
    assert f"nor does the former one ({FORMER}) come back" in caught.value.what
    assert "panic: new" in caught.value.said
    assert "panic: former" in caught.value.said
    assert caught.value.facts["rolled_back"] is False


@pytest.mark.parametrize("behaviour", [Behaviour(lives=0.5), Behaviour(starts=False), Behaviour(lives=2.2)])
def test_a_first_start_that_fails_leaves_nothing(lab: Lab, behaviour: Behaviour) -> None:
    lab.systemd.behaviours[NEW] = behaviour
    with pytest.raises(HAError, match="its unit removed again"):
        lab.service().activate()
    assert not lab.unit.exists()
    assert (lab.runs(), lab.systemd.enabled, lab.systemd.loaded) == ("", False, "")


def test_one_that_was_stopped_for_good_is_stopped_again(lab: Lab) -> None:
    former = lab.serve()
    former.stop()
    lab.systemd.enabled = False
    before = lab.unit.read_text()
    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5)
    with pytest.raises(HAError, match="stopped, as it was before"):
        lab.service().activate()
    assert (lab.runs(), lab.unit.read_text()) == ("", before)


def test_one_that_is_to_run_and_did_not_is_not_left_down(lab: Lab) -> None:
    """A run that was cut off between stop and start left it so."""
    lab.serve().stop()
    before = lab.unit.read_text()
    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5)
    with pytest.raises(HAError, match="the former one runs again, ready after"):
        lab.service().activate()
    assert (lab.runs(), lab.unit.read_text()) == (FORMER, before)


# -- on trial, and what is done to the data meanwhile ----------------------------------------------------------------


class Data:
    """What is done while the service is stopped: when it is, and what its unit file starts then."""

    def __init__(self, lab: Lab, *, fails: str = "") -> None:
        self.lab = lab
        self.fails = fails
        self.steps: list[tuple[str, str, str]] = []

    def _step(self, name: str) -> None:
        found = re.search(r"^ExecStart=(\S+)", self.lab.unit.read_text(), re.MULTILINE)
        self.steps.append((name, found[1] if found else "", self.lab.runs()))
        if self.fails == name:
            raise HAError(f"{name} failed")

    @property
    def crossing(self) -> Crossing:
        return Crossing(lambda: self._step("forth"), lambda: self._step("back"))


def test_data_is_crossed_while_it_is_stopped_and_before_the_new_unit_is_there(lab: Lab) -> None:
    lab.serve()
    data = Data(lab)
    started = lab.service().activate(crossing=data.crossing)
    assert started
    assert data.steps == [("forth", FORMER, "")]
    assert lab.systemd.verbs() == ["stop", "daemon-reload", "start"]
    assert lab.runs() == NEW


def test_the_way_back_crosses_again_after_the_former_unit_is_there(lab: Lab) -> None:
    lab.serve()
    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5)
    data = Data(lab)
    with pytest.raises(HAError, match="runs again"):
        lab.service().activate(crossing=data.crossing)
    assert data.steps == [("forth", FORMER, ""), ("back", FORMER, "")]
    assert lab.runs() == FORMER


@pytest.mark.parametrize(
    ("fails", "words", "runs"),
    [
        ("forth", f"forth failed; the former one ({FORMER}) runs again", FORMER),
        ("back", f"nor does the former one ({FORMER}) come back: back failed", ""),
    ],
)
def test_data_that_can_t_be_crossed(lab: Lab, fails: str, words: str, runs: str) -> None:
    lab.serve()
    before = lab.unit.read_text()
    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5)
    with pytest.raises(HAError) as caught:
        lab.service().activate(crossing=Data(lab, fails=fails).crossing)
    assert words in caught.value.what
    assert (lab.runs(), lab.unit.read_text()) == (runs, before)


def test_nothing_is_crossed_where_nothing_is_started(lab: Lab) -> None:
    lab.serve()
    data = Data(lab)
    assert lab.service(FORMER).activate(crossing=data.crossing) is None
    assert (data.steps, lab.systemd.verbs()) == ([], [])


def test_out_of_service_begins_with_the_stop(lab: Lab) -> None:
    lab.serve()

    def slow() -> None:
        lab.clock.sleep(7)

    started = lab.service().activate(ready_after(lab, 20), crossing=Crossing(slow, slow))
    assert started
    assert 20 <= started.out_of_service < 21
    assert started.seconds >= started.out_of_service + _service.STABLE


@pytest.mark.parametrize("action", ["restart", "start"])
def test_what_is_asked_for_is_done_where_nothing_is_pending(lab: Lab, action: str) -> None:
    lab.serve()
    assert lab.service(FORMER).activate(action=action) is not None
    assert lab.systemd.verbs() == [action]


def test_a_trial_is_settled_or_reverted(lab: Lab) -> None:
    lab.serve()
    former = lab.unit.read_text()
    lab.tried().settle()
    assert (lab.runs(), lab.service().recover(), lab.service().plan().changed) == (NEW, [], False)
    lab.tried(FORMER)
    lab.systemd.called.clear()
    undone: list[str] = []

    def undo() -> bool:
        undone.extend(lab.systemd.verbs())
        return True

    found, started = lab.service(FORMER).revert(undo=undo)
    assert (found, started is not None, lab.runs()) == (True, True, NEW)
    assert (undone, lab.systemd.verbs()) == (["daemon-reload"], ["daemon-reload", "restart"])
    assert lab.unit.read_text() != former
    lab.systemd.called.clear()
    assert lab.service(FORMER).revert(undo=lambda: False) == (False, None)
    assert lab.systemd.verbs() == []


def test_a_unit_of_which_no_more_than_a_comment_changed_is_put_back_without_a_restart(lab: Lab) -> None:
    lab.serve()
    wanted = lab.unit.read_text()
    lab.unit.write_text(wanted + "# by hand\n")
    lab.tried(FORMER)
    assert lab.service(FORMER).revert() == (True, None)
    assert (lab.unit.read_text(), lab.runs()) == (wanted + "# by hand\n", FORMER)


def test_one_that_a_revert_finds_down_is_started(lab: Lab) -> None:
    lab.serve()
    lab.tried()
    lab.systemd(["systemctl", "stop", "prometheus.service"])
    found, started = lab.service().revert()
    assert (found, started is not None, lab.runs()) == (True, True, FORMER)


def test_a_former_one_that_does_not_come_back_is_an_error(lab: Lab) -> None:
    lab.serve()
    lab.tried()
    lab.systemd.behaviours[FORMER] = Behaviour(lives=0.5)
    with pytest.raises(HAError, match="does not stay up"):
        lab.service().revert()


@pytest.mark.parametrize("lives", [0.1, 0.9, 1.5, 2.9])
def test_ready_between_two_crashes_is_never_success(lab: Lab, lives: float) -> None:
    lab.systemd.behaviours[NEW] = Behaviour(lives=lives)
    with pytest.raises(HAError, match="does not stay up"):
        lab.service().activate(lambda: Verdict(True))


def test_one_that_dies_as_soon_as_it_is_ready_is_a_failure(lab: Lab) -> None:
    lab.systemd.behaviours[NEW] = Behaviour(lives=20.5)
    with pytest.raises(HAError, match="does not stay up"):
        lab.service().activate(ready_after(lab, 20))


def test_a_process_that_is_another_one_is_a_failure(lab: Lab) -> None:
    lab.serve()
    killed: list[bool] = []

    def look() -> Verdict:
        if not killed:
            killed.append(True)
            lab.systemd.kill()
        return Verdict(True)

    with pytest.raises(HAError, match=r"systemd had to restart it 1 times"):
        lab.service(FORMER).restart(look)


def test_secrets_never_reach_the_log_lines(lab: Lab) -> None:
    lab.systemd.behaviours[NEW] = Behaviour(lives=0.5, logs="bad password hunter2-more and hunter2\n")
    with pytest.raises(HAError) as caught:
        lab.service(secrets=("hunter2", "hunter2-more", "")).activate()
    assert "bad password ******** and ********" in str(caught.value)


def test_the_log_is_that_of_the_last_start(lab: Lab) -> None:
    show = "LoadState=loaded\nInvocationID=0123abcd\n"
    table = {"systemctl show": Completed(0, show, ""), "journalctl": Completed(0, "panic\n", "")}
    service = lab.service()
    commands = service._runner = Commands(table)
    assert service.log_tail(1000.9) == "panic"
    (asked,) = (line for line in commands.called if line.startswith("journalctl"))
    assert asked.endswith("--quiet _SYSTEMD_INVOCATION_ID=0123abcd + INVOCATION_ID=0123abcd")
    commands.table["journalctl"] = Completed(0, "", "")  # it has not logged anything yet
    service.log_tail(1000.9)
    assert commands.called[-1].endswith("--unit=prometheus.service")
    assert "--since=@1000" in commands.called[-1]


def test_the_line_that_says_why_is_shown_before_the_last_ones() -> None:
    usage = [f"  --flag-{number}  Some flag." for number in range(200)]
    shown = _service.telling(["starting", "Error parsing command line arguments: unknown flag", *usage])
    assert shown == ["Error parsing command line arguments: unknown flag", "[...]", *usage[-20:]]
    assert _service.telling(["a", "b"]) == ["a", "b"]
    # A crash loop says the same again and again.
    assert _service.telling(["error: x"] * 50 + usage)[:2] == ["error: x", "[...]"]


def test_a_drop_in_that_runs_something_else_is_named_and_does_not_loop(lab: Lab) -> None:
    lab.serve()
    lab.systemd.drop_in = "/usr/bin/other --x"
    with pytest.raises(HAError) as caught:
        lab.service().activate()
    assert "it runs, but not as wanted" in str(caught.value)
    assert "hand.conf" in str(caught.value)


def test_a_cut_off_activation_is_rolled_back_by_the_next_run(lab: Lab) -> None:
    lab.serve()
    before = lab.unit.read_text()
    cut_off = lab.service()
    cut_off._files.swap()
    cut_off._files._release()  # its process died, and its lock with it
    assert lab.service(FORMER).recover()
    assert lab.unit.read_text() == before
    assert "daemon-reload" in lab.systemd.verbs()
    assert lab.service(FORMER).recover() == []


def test_check_asks_systemd_and_wants_the_executable(lab: Lab, tmp_path: Path) -> None:
    service = lab.service()
    service.check(apply=False)
    with pytest.raises(HAError, match="is not there to be run"):
        service.check(apply=True)
    binary = tmp_path / "prometheus"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    service = lab.service(str(binary))
    service.check(apply=True)
    lab.systemd.verify = Completed(1, "", "prometheus.service: bad setting")
    with pytest.raises(HAError, match="bad setting"):
        service.check(apply=True)
    lab.systemd.verify = Completed(127, "", "systemd-analyze: No such file")
    service.check(apply=True)


def test_prepare_makes_the_data_folder(lab: Lab, tmp_path: Path) -> None:
    path = str(tmp_path / "data")
    service = lab.service(data_dirs=[path])
    assert service.prepare(apply=False) == [f"folder {path} created"]
    assert not os.path.exists(path)
    assert service.prepare(apply=True) == [f"folder {path} created"]
    assert service.prepare(apply=True) == []


def test_stop_and_remove(lab: Lab) -> None:
    service = lab.serve()
    assert service.is_ours()
    assert service.stop()
    assert not service.stop()
    assert service.is_ours()
    assert service.remove()
    assert not service.remove()
    assert not service.is_ours()
    assert not lab.unit.exists()


def test_a_unit_of_another_is_not_removed(lab: Lab) -> None:
    lab.unit.write_text("[Service]\nExecStart=/usr/bin/prometheus\n")
    lab.systemd(["systemctl", "daemon-reload"])
    lab.systemd(["systemctl", "start", "prometheus.service"])
    lab.systemd.called.clear()
    service = lab.service()
    assert (service.is_ours(), service.is_foreign(), service.remove()) == (False, True, False)
    assert (lab.systemd.verbs(), lab.runs()) == ([], "/usr/bin/prometheus")


def test_what_runs_tells_whose_unit_it_is_when_its_file_is_gone(lab: Lab) -> None:
    service = lab.serve()
    lab.unit.unlink()
    assert (service.is_ours(), service.is_foreign()) == (True, False)
    assert service.remove()
    assert lab.runs() == ""


def test_a_unit_of_another_is_not_overwritten(lab: Lab) -> None:
    lab.unit.write_text("[Service]\nExecStart=/usr/bin/prometheus\n")
    with pytest.raises(HAError, match="in the way"):
        lab.service().activate()
    assert lab.unit.read_text().startswith("[Service]")


# -- the spec ------------------------------------------------------------------------------------------------------

BASE: dict[str, Any] = {"name": "am", "user": "am", "executable": "{release}/bin/am"}


def test_release_and_own_address_are_filled_in() -> None:
    asked: list[str] = []

    def source(towards: str) -> str:
        asked.append(towards)
        return "10.0.0.7"

    params = {
        **BASE,
        "args": ["--a={release}/x", "--advertise={host_ip}:9094", "--web={host_ip}:9093", "{other}"],
        "environment": {"HOME": "{release}"},
        "host_ip_towards": ["10.0.0.1:9094", "10.0.0.2:9094"],
    }
    spec = ServiceSpec.from_params(params, release="/opt/am/1", source=source)
    assert spec.unit.argv == (
        "/opt/am/1/bin/am",
        "--a=/opt/am/1/x",
        "--advertise=10.0.0.7:9094",
        "--web=10.0.0.7:9093",
        "{other}",
    )
    assert spec.unit.environment == {"HOME": "/opt/am/1"}
    assert asked == ["10.0.0.1:9094"]
    assert spec.component == "am"


def test_an_ipv6_address_comes_in_brackets_and_nobody_is_asked_in_vain() -> None:
    params = {**BASE, "args": ["{host_ip}:1"], "host_ip_towards": ["x"]}
    spec = ServiceSpec.from_params(params, release="/r", source=lambda _towards: "fd00::7")
    assert spec.unit.args == ("[fd00::7]:1",)
    ServiceSpec.from_params({**BASE, "host_ip_towards": ["no.such.host.invalid"]}, release="/r")


@pytest.mark.parametrize(
    ("params", "says"),
    [({"args": ["{host_ip}"]}, "no peer is named"), ({"executable": "{release}/x"}, "no release is given")],
)
def test_a_placeholder_without_its_value_is_told(params: dict[str, Any], says: str) -> None:
    with pytest.raises(HAError, match=says):
        ServiceSpec.from_params({**BASE, "executable": "/bin/x", **params})


@pytest.mark.parametrize(
    ("towards", "says"),
    [
        ("127.0.0.1:9094", "has only 127.0.0.1"),
        ("[::1]:9094", "has only ::1"),
        ("no.such.host.invalid:9094", "knows no way"),
        ("a..b", "knows no way"),
    ],
)
def test_an_address_that_peers_cannot_use_is_refused(towards: str, says: str) -> None:
    with pytest.raises(HAError, match=says):
        _service_spec.source_address(towards)


def test_the_address_is_that_of_the_way_there() -> None:
    # TEST-NET-1 (RFC 5737): no packet is sent, the kernel only looks the route up.
    try:
        found = _service_spec.source_address("192.0.2.1:9094")
    except HAError as error:  # a machine without a default route
        assert "knows no way" in error.what
        return
    assert found in os.popen("hostname -I").read().split()


def test_the_argument_spec_is_what_the_spec_reads() -> None:
    assert set(_service_spec.SERVICE_SPEC) == {
        *("name", "user", "group", "executable", "args", "environment", "data_dirs", "ports", "unit_options"),
        *("shared_dirs", "host_ip_towards", "start_timeout"),
    }
