# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a run is, and whether another one is dead: real processes where there can be one, else a /proc of files."""

from __future__ import annotations

import getpass
import multiprocessing
import os
import re
import socket
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _lease as host
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _lease


@pytest.fixture
def child() -> t.Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def made_proc(base: Path, *, boot: str = "boot-1", namespace: str = "pid:[1]", started: int = 4200) -> str:
    """A /proc that shows the tests' own process as a run."""
    for name, text in (
        ("sys/kernel/random/boot_id", boot + "\n"),
        (f"{os.getpid()}/stat", f"{os.getpid()} (a ) b) S 1 {' '.join(['0'] * 17)} {started} 0 0\n"),
    ):
        (base / name).parent.mkdir(parents=True)
        (base / name).write_text(text)
    (base / str(os.getpid()) / "ns").mkdir()
    (base / str(os.getpid()) / "ns" / "pid").symlink_to(namespace)
    (base / "self").symlink_to(str(os.getpid()))
    return str(base)


def test_a_run_is_named_by_what_the_kernel_says() -> None:
    own = _lease.mine(os.getpid())
    assert own.keys() <= host.LEASE_SPEC.keys()
    assert own["who"] == f"{getpass.getuser()}@{socket.gethostname()}"
    assert re.fullmatch("[0-9a-f-]{36}", own["boot"])
    assert re.fullmatch(r"pid:\[\d+\]", own["namespace"])
    assert own["pid"] == os.getpid()
    assert own["started"] == int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) > 0
    assert re.fullmatch("[0-9a-f]{32}", own["run"])


def _worker(results: t.Any) -> None:
    results.put(_lease.mine(os.getppid()))


def test_it_is_the_same_in_every_worker(child: subprocess.Popen[bytes]) -> None:
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    workers = [fork.Process(target=_worker, args=(results,)) for _number in range(3)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=30) for _worker in workers]
    for worker in workers:
        worker.join(30)
    own = _lease.mine(os.getpid())
    assert found == [own] * 3
    other = _lease.mine(child.pid)
    assert (other["run"] != own["run"], other["controller"]) == (True, own["controller"])


@pytest.mark.parametrize("other", [{"boot": "boot-2"}, {"namespace": "pid:[2]"}, {"started": 4201}])
def test_another_start_is_another_run(tmp_path: Path, other: dict[str, t.Any]) -> None:
    one = _lease.mine(os.getpid(), proc=made_proc(tmp_path / "one"))
    two = _lease.mine(os.getpid(), proc=made_proc(tmp_path / "two", **other))
    assert (one["started"], one["boot"], one["namespace"]) == (4200, "boot-1", "pid:[1]")
    assert one["run"] != two["run"]
    assert one["controller"] == two["controller"]


def test_a_controller_is_its_id_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    procs = [made_proc(tmp_path / boot, boot=boot) for boot in ("boot-1", "boot-2")]
    ids = {"one": "0" * 31 + "1\n", "two": "0" * 31 + "2\n", "none": "", "uninitialized": "uninitialized\n"}
    for name, text in ids.items():
        (tmp_path / name).write_text(text)

    def controllers(name: str) -> list[str]:
        return [_lease.mine(os.getpid(), proc=proc, machine_id=str(tmp_path / name))["controller"] for proc in procs]

    first = controllers("one")
    assert first[0] == first[1]  # rebooted
    assert ids["one"].strip() not in first[0]
    assert controllers("two")[0] != first[0]
    # Without an id two machines may look alike: another boot is another controller.
    for name in ("none", "uninitialized", "missing"):
        assert len({*controllers(name), first[0]}) == 3
    monkeypatch.setattr(socket, "gethostname", lambda: "other")
    assert controllers("one")[0] != first[0]


def test_a_worker_that_outlives_its_run_gets_no_lease(child: subprocess.Popen[bytes]) -> None:
    _lease.mine(child.pid)
    child.kill()
    child.wait()
    with pytest.raises(HAError, match=f"main process {child.pid} is gone"):
        _lease.mine(child.pid)


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> t.NoReturn:
        raise KeyError("uid")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert _lease.mine(os.getpid())["who"] == f"{os.getuid()}@{socket.gethostname()}"


def test_without_proc_there_is_a_run_and_nobody_is_gone(tmp_path: Path) -> None:
    """macOS; and a /proc of another pid namespace, whose numbers mean other processes."""
    foreign = made_proc(tmp_path / "proc")
    (tmp_path / "proc" / "self").unlink()
    (tmp_path / "proc" / "self").symlink_to("1")
    for proc in (str(tmp_path / "none"), foreign):
        one, two = (_lease.mine(pid, proc=proc) for pid in (10, 11))
        assert (one["boot"], one["namespace"], one["started"], one["pid"]) == ("", "", 0, 10)
        assert one["run"] != two["run"]
        assert one["controller"] == two["controller"]
        assert not _lease.is_gone(one, two, proc)


# -- dead or not -------------------------------------------------------------------------------------------------------


def test_a_living_process_is_not_gone_and_a_killed_one_is(child: subprocess.Popen[bytes]) -> None:
    own, holder = _lease.mine(os.getpid()), _lease.mine(child.pid)
    assert not _lease.is_gone(holder, own)
    assert not _lease.is_gone(own, own)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{child.pid}").exists()
    assert _lease.is_gone(holder, own)  # dead, though nobody waited for it yet
    child.wait()
    assert _lease.is_gone(holder, own)


def test_another_process_with_its_pid_is_not_it(child: subprocess.Popen[bytes]) -> None:
    own, now = _lease.mine(os.getpid()), _lease.mine(child.pid)
    assert _lease.is_gone({**now, "started": now["started"] - 1}, own)


def test_who_is_hidden_is_not_gone(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    """A /proc mounted with hidepid shows no process of another user."""
    proc = made_proc(tmp_path / "proc")
    own = _lease.mine(os.getpid(), proc=proc)
    holder = {**own, "run": "x", "pid": child.pid}
    assert not _lease.is_gone(holder, own, proc)
    child.kill()
    child.wait()
    assert _lease.is_gone(holder, own, proc)


@pytest.mark.parametrize(
    ("holder", "gone"),
    [
        pytest.param({}, True, id="no such process"),
        pytest.param({"boot": "boot-0"}, True, id="rebooted since"),
        pytest.param({"boot": "boot-0", "pid": os.getpid()}, True, id="rebooted since, its number is in use"),
        pytest.param({"controller": "other"}, False, id="another controller"),
        pytest.param({"controller": "other", "boot": "boot-0"}, False, id="another controller, another boot"),
        pytest.param({"namespace": "pid:[2]"}, False, id="another container"),
        pytest.param({"namespace": "pid:[2]", "boot": "boot-0"}, False, id="another container, perhaps elsewhere"),
        pytest.param({"boot": ""}, False, id="unknown boot"),
        pytest.param({"started": 0}, False, id="unknown start"),
        pytest.param({"pid": 0}, False, id="no pid"),
        pytest.param({"pid": -999999}, False, id="a group of processes"),
        pytest.param({"pid": 2**70}, False, id="no number of a process"),
    ],
)
def test_only_what_is_certain_counts(
    tmp_path: Path, child: subprocess.Popen[bytes], holder: dict[str, t.Any], gone: bool
) -> None:
    proc = made_proc(tmp_path / "proc")
    own = _lease.mine(os.getpid(), proc=proc)
    child.kill()
    child.wait()
    assert _lease.is_gone({**own, "run": "x", "pid": child.pid, **holder}, own, proc) is gone


def test_of_a_record_that_says_nothing_nothing_is_certain() -> None:
    assert not _lease.is_gone({}, _lease.mine(os.getpid()))
