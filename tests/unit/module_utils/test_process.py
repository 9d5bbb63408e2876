# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs, against what is wanted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _process
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._process import Running, UnitState, Wanted
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._unit import HASH_VARIABLE
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_service import Commands, add_process

ARGV = ("/opt/x/1/bin/prometheus", "--a=1", "--b", "--c=1", "--c=2")
SHOWN = """LoadState=loaded
ActiveState=active
SubState=running
Result=success
MainPID=77
NRestarts=2
UnitFileState=enabled
NeedDaemonReload=yes
DropInPaths=/etc/systemd/system/prometheus.service.d/a.conf /run/b.conf
"""


def now(
    argv: tuple[str, ...] = ARGV, executable: str = ARGV[0], *, deleted: bool = False, unit_hash: str = "h"
) -> Running:
    return Running(77, executable, deleted, argv, unit_hash, 42.0, 0, "active")


def test_what_systemd_says_is_read_in_one_call() -> None:
    runner = Commands({"systemctl show": Completed(0, SHOWN, "")})
    state = _process.show("prometheus.service", runner)
    assert len(runner.called) == 1
    assert state == UnitState(
        "loaded",
        "active",
        "running",
        "success",
        77,
        2,
        True,
        True,
        ("/etc/systemd/system/prometheus.service.d/a.conf", "/run/b.conf"),
    )
    assert state.words == "active (running)"


def test_a_host_without_systemd_is_told() -> None:
    with pytest.raises(HAError, match="run by systemd"):
        _process.show("x.service", Commands({}))


def test_a_process_is_read_from_proc(tmp_path: Path) -> None:
    runner = Commands({"systemctl show": Completed(0, SHOWN, "")})
    assert _process.running("prometheus.service", runner, str(tmp_path)) is None  # gone since
    add_process(tmp_path, 77, ARGV, environment={"A": "1=2", HASH_VARIABLE: "abc"})
    found = _process.running("prometheus.service", runner, str(tmp_path))
    ticks = os.sysconf("SC_CLK_TCK")
    assert found == Running(77, ARGV[0], False, ARGV, "abc", 4200 / ticks, 2, "active")


def test_a_binary_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    add_process(tmp_path, 77, ARGV, executable=ARGV[0] + " (deleted)")
    found = _process.process(UnitState(pid=77), str(tmp_path))
    assert found
    assert (found.executable, found.deleted) == (ARGV[0], True)


def test_no_main_process_is_none(tmp_path: Path) -> None:
    assert _process.process(UnitState(pid=0), str(tmp_path)) is None


@pytest.mark.parametrize("more", [[], ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]])
def test_a_real_process_of_another_user_can_be_read(tmp_path: Path, more: list[str]) -> None:
    """Also without CAP_SYS_PTRACE, which containers lack: setpriv drops it."""
    assert os.geteuid() == 0, "run this test as root, as the module does"
    sleep = shutil.which("sleep")
    assert sleep
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *more]
    with subprocess.Popen([*other, sleep, "30"]) as child:
        script = (
            "import time; time.sleep(0.3)\n"
            "from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _process\n"
            f"found = _process.process(_process.UnitState(pid={child.pid}))\n"
            "print(found.executable, open('/proc/self/status').read().count('\\t0\\t0\\t0\\t0\\n'))\n"
        )
        without = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", sys.executable, "-c", script]
        collections = str(Path(__file__).parents[3] / ".cache/collections")
        env = {**os.environ, "PYTHONPATH": collections}
        done = subprocess.run(without, env=env, capture_output=True, text=True, check=False, cwd=tmp_path)
        child.kill()
    # Uid and Gid (real, effective, saved, file system) are root's again.
    assert done.stdout == f"{os.path.realpath(sleep)} 2\n", done.stderr


@pytest.mark.parametrize(
    ("running", "reasons"),
    [
        (now(), ()),
        (
            now(executable="/opt/x/0/bin/prometheus", argv=("/opt/x/0/bin/prometheus", *ARGV[1:]), unit_hash="old"),
            ("the binary differs: runs /opt/x/0/bin/prometheus, wanted /opt/x/1/bin/prometheus",),
        ),
        (now(deleted=True), ("the binary /opt/x/1/bin/prometheus was replaced since it was started",)),
        (
            now((ARGV[0], "--a=2", "--old", "--c=1", "--c=2"), unit_hash="old"),
            ("argument --a differs: runs --a=2, wanted --a=1", "argument --b is new", "argument --old is gone"),
        ),
        (
            now((*ARGV[:3], "--c=2", "--c=1"), unit_hash="old"),
            ("argument --c differs: runs --c=2 --c=1, wanted --c=1 --c=2",),
        ),
        (now((ARGV[0], "--b", "--a=1", "--c=1", "--c=2")), ("the order of the arguments differs",)),
        (now(unit_hash="old"), ("the unit's settings, other than the command line, changed since it was started",)),
        (now(unit_hash=""), ("it was not started from a unit of this collection",)),
        # A script: the kernel shows its interpreter.
        (now(("/bin/sh", *ARGV), "/usr/bin/dash"), ()),
        (now(("/bin/sh", "-eu", *ARGV), "/usr/bin/dash"), ()),
        (now(("/bin/sh", *ARGV[:-1]), "/usr/bin/dash"), ("argument --c differs: runs --c=1, wanted --c=1 --c=2",)),
    ],
)
def test_a_restart_is_pending_for_these_reasons(running: Running, reasons: tuple[str, ...]) -> None:
    found = _process.pending(Wanted(ARGV, "h"), running)
    assert (found.action, found.reasons) == ("restart" if reasons else "none", reasons)
    assert bool(found) is bool(reasons)


def test_a_link_to_the_binary_is_the_binary(tmp_path: Path) -> None:
    link = tmp_path / "prometheus"
    link.symlink_to("/bin/sh")
    real = os.path.realpath("/bin/sh")
    assert not _process.pending(Wanted((str(link),), "h"), now((str(link),), real))


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (UnitState(), "it does not run"),
        (UnitState(active="failed", sub="failed", result="exit-code"), r"it failed \(exit-code\)"),
        (
            UnitState(active="activating", sub="auto-restart", restarts=4),
            r"systemd restarted it 4 times and says activating \(auto-restart\)",
        ),
        (None, "it does not run"),
    ],
)
def test_a_start_is_pending_without_a_process(state: UnitState | None, reason: str) -> None:
    found = _process.pending(Wanted(ARGV, "h"), None, state)
    assert found.action == "start"
    assert re.search(reason, found.reasons[0])


def test_what_is_being_stopped_does_not_count_as_running() -> None:
    assert not _process.pending(Wanted(ARGV, "h"), now(), UnitState(active="active"))
    found = _process.pending(Wanted(ARGV, "h"), now(), UnitState(active="deactivating", sub="stop-sigterm"))
    assert (found.action, found.reasons) == ("start", ("it is being stopped",))


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("[Service]\nLimitNOFILE=1\n# ExecStart=/x\nExecStartPre=/y\n", []),
        ("[Service]\nExecStart=\n", [()]),
        (
            '[Service]\nExecStart=\n ExecStart = /x --a \\\n  "--b=c d" --e=%%f$$g\n',
            [("/x", "--a", "--b=c d", "--e=%f$g")],
        ),
        ('[Service]\nExecStart=/x "--open\n', [('/x "--open',)]),
    ],
)
def test_the_command_line_of_a_drop_in(tmp_path: Path, text: str, commands: list[tuple[str, ...]]) -> None:
    path = tmp_path / "a.conf"
    assert _process.drop_in_commands(str(path)) == []
    path.write_text(text)
    assert _process.drop_in_commands(str(path)) == commands
