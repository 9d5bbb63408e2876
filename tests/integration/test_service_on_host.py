# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `service` against a real systemd, on a host of the lab.

Everything it makes on the host is named pha-test-service, and removed again; what else runs there is left alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAME = "pha-test-service"
UNIT = f"{NAME}.service"
DATA = f"/var/lib/{NAME}"
PORT = 18917
ROOT = Path(__file__).resolve().parents[2]
LAB = Path(os.environ.get("LAB_CACHE", "~/.cache/prometheus_ha_lab")).expanduser()
MODULE = "baremetal.prometheus_ha.service"
SLEEP = "import time; time.sleep(100000)"


class Host:
    """One managed host, spoken to as a user would: `ansible` ad hoc."""

    def __init__(self, address: str, mirror: str, folder: Path) -> None:
        self.mirror = mirror
        self._inventory = folder / "hosts.json"
        variables = {
            "ansible_host": address,
            "ansible_user": "ops",
            "ansible_ssh_private_key_file": str(LAB / "ssh/id_ed25519"),
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_become": True,
        }
        self._inventory.write_text(json.dumps({"all": {"hosts": {"host": variables}}}))
        self._env = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_STDOUT_CALLBACK": "minimal",
            "ANSIBLE_NOCOLOR": "1",
        }

    def _ansible(self, module: str, args: dict[str, Any], *options: str) -> str:
        ansible = Path(sys.executable).parent / "ansible"
        command = [str(ansible), "-i", str(self._inventory), "host", "-m", module, "-a", json.dumps(args), *options]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False, timeout=300)
        # A failure's words come first, on lines of their own.
        found = re.search(r"^host \| .*", done.stdout, re.DOTALL | re.MULTILINE)
        assert found, done.stdout + done.stderr
        return found[0]

    def service(self, *options: str, **params: Any) -> dict[str, Any]:
        """A run of the module over the defaults of these tests."""
        defaults = {
            "name": NAME,
            "user": NAME,
            "executable": "/usr/bin/python3",
            "args": ["-c", SLEEP],
            "data_dirs": [DATA],
            "start_timeout": 20,
        }
        shown = self._ansible(MODULE, {**defaults, **params}, *options)
        assert "Traceback" not in shown
        head, _arrow, body = shown.partition("=> ")
        return {"failed": "FAILED" in head, **json.loads(body)}

    def sh(self, script: str) -> str:
        """What a root shell prints."""
        args = {"argv": ["sh", "-c", f"exec 2>/dev/null\n{script}\ntrue"]}
        return self._ansible("ansible.builtin.command", args).partition(">>\n")[2].strip("\n")

    def clean(self) -> None:
        self.sh(
            f"systemctl disable --now {UNIT}; rm -rf {DATA} /etc/systemd/system/{UNIT}* /var/lib/prometheus_ha/{NAME};"
            f" rmdir /var/lib/prometheus_ha; systemctl daemon-reload; systemctl reset-failed {UNIT}; userdel {NAME}"
        )


@pytest.fixture(scope="module")
def host(demo_lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Host:
    made = Host(demo_lab["addresses"]["am-3"], demo_lab["mirror_url"], tmp_path_factory.mktemp("inventory"))
    made.clean()
    return made


@pytest.fixture(autouse=True)
def _clean(host: Host) -> Iterator[None]:
    yield
    host.clean()


def test_it_starts_and_a_second_run_changes_nothing(host: Host) -> None:
    nasty = ['a "b"', "it's", "$HOME", "${PATH}", "100%", "%n", "back\\slash", "new\nline", "", "#x", ";", "é", "\t"]
    params = {"args": ["-c", SLEEP, *nasty], "environment": {"TEXT": 'a "b" 100% $x \\'}}
    dry = host.service("--check", **params)
    assert (dry["changed"], dry["pending"]) == (True, "start")
    assert host.sh(f"id {NAME}; ls -d {DATA} /etc/systemd/system/{UNIT}") == ""
    first = host.service(**params)
    assert first["changes"] == dry["changes"]
    pid = first["pid"]
    # The process holds what was asked for, byte by byte.
    words = host.sh(f"tr '\\0' '\\1' < /proc/{pid}/cmdline").split("\1")
    assert words[3:-1] == nasty
    variables = host.sh(f"systemctl show -p Environment {UNIT}")
    assert "PROMETHEUS_HA_UNIT_SHA256=" in variables
    assert host.sh(f"stat -c '%U %G %a' {DATA}") == f"{NAME} {NAME} 750"
    for options in ((), ("--check",)):
        again = host.service(*options, **params)
        assert (again["changed"], again["pending"], again["pid"], again["changes"]) == (False, "none", pid, [])


def test_its_exposure_is_small_and_proc_stays_readable(host: Host) -> None:
    host.service()
    shown = host.sh(f"systemd-analyze security --no-pager {UNIT}")
    level = re.search(r"exposure level for \S+: ([0-9.]+)", shown)
    assert level, shown
    assert float(level[1]) <= 1.5
    assert host.sh(f"systemctl show -p ProcSubset {UNIT}") == "ProcSubset=all"


def test_the_unit_is_what_confines_it(host: Host) -> None:
    code = (
        "import os, time\n"
        "def can(path):\n"
        "    try: open(path, 'w').close(); return True\n"
        "    except OSError: return False\n"
        f"print('wrote:', can('{DATA}/x'), can('/etc/x'), can('/var/lib/x'), flush=True)\n" + SLEEP
    )
    host.service(args=["-c", code])
    assert "wrote: True False False" in host.sh(f"journalctl -u {UNIT} -o cat -n 20")


def test_a_first_start_that_crashes_leaves_nothing(host: Host) -> None:
    begun = time.monotonic()
    failed = host.service(executable="/bin/false", args=[])
    assert failed["failed"]
    assert failed["rolled_back"]
    assert time.monotonic() - begun < 15
    assert "does not stay up" in failed["msg"] or "could not start" in failed["msg"]
    assert "status=1/FAILURE" in failed["msg"]
    assert host.sh(f"ls /etc/systemd/system | grep {NAME}") == ""
    assert "not-found" in host.sh(f"systemctl show -p LoadState {UNIT}")


def test_one_that_answers_ready_and_then_dies_is_no_success(host: Host) -> None:
    code = (
        "import http.server as h, time\n"
        "class Ready(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200); self.end_headers()\n"
        f"server = h.HTTPServer(('127.0.0.1', {PORT}), Ready); server.timeout = 0.1\n"
        "end = time.time() + 2\n"
        "while time.time() < end: server.handle_request()\n"
        "print('panic: head is corrupt', flush=True); raise SystemExit(3)\n"
    )
    failed = host.service(args=["-c", code], api={"kind": "prometheus", "url": f"http://127.0.0.1:{PORT}"})
    assert failed["failed"]
    assert "panic: head is corrupt" in failed["msg"]
    assert "does not stay up" in failed["msg"]


def test_a_real_prometheus_is_upgraded_and_comes_back_from_a_bad_upgrade(host: Host) -> None:
    folder = f"/opt/{NAME}"
    fetch = (
        f"mkdir -p {folder}/$v && curl -sf {host.mirror}/prometheus/prometheus/releases/download/v$v/"
        f"prometheus-$v.linux-amd64.tar.gz | tar -xz -C {folder}/$v --strip-components=1"
    )
    host.sh(f"for v in 2.53.3 3.5.3; do {fetch}; done; echo '{{}}' > {folder}/prometheus.yml")
    found = host.sh(f"find {folder} -type f -name prometheus | sort").split()
    assert len(found) == 2, "the lab's mirror has no Prometheus: run `python3 -m lab mirror`"
    url = f"http://127.0.0.1:{PORT}"
    params = {
        "args": [
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={DATA}",
            f"--web.listen-address={url[7:]}",
        ],
        "api": {"kind": "prometheus", "url": url},
        "ports": [{"port": PORT, "address": "127.0.0.1"}],
    }
    try:
        assert not host.service(executable=found[0], **params)["failed"]
        upgraded = host.service(executable=found[1], **params)
        assert (upgraded["pending"], upgraded["former_executable"]) == ("restart", found[0])
        assert upgraded["reasons"] == [f"the binary differs: runs {found[0]}, wanted {found[1]}"]
        assert not host.service(executable=found[1], **params)["changed"]
        assert "process_start_time_seconds" in host.sh(f"curl -s {url}/metrics")
        bad = {**params, "args": [*params["args"], "--no-such-flag"]}
        failed = host.service(executable=found[0], **bad)
        assert failed["failed"]
        assert "no-such-flag" in failed["msg"]
        assert found[0] in failed["msg"]
        assert f"the former one ({found[1]}) runs again" in failed["msg"]
        assert not host.service(executable=found[1], **params)["changed"]
    finally:
        host.sh(f"systemctl stop {UNIT}; rm -rf {folder}")


def test_a_killed_process_comes_back_at_once(host: Host) -> None:
    pid = host.service()["pid"]
    host.sh(f"kill -9 {pid}; sleep 2")
    again = host.service()
    assert not again["changed"]
    assert again["pid"] not in (0, pid)


def test_a_crash_loop_becomes_visible(host: Host) -> None:
    host.service(
        unit_options={"RestartSec": "10ms"},
        args=["-c", f"import os, time\nwhile not os.path.exists('{DATA}/die'): time.sleep(0.1)"],
    )
    # 30 starts and deaths take some seconds.
    wait = f"for _ in $(seq 80); do systemctl is-failed -q {UNIT} && break; sleep 0.5; done"
    assert host.sh(f"touch {DATA}/die; {wait}; systemctl is-failed {UNIT}") == "failed"
    host.sh(f"rm {DATA}/die")
    dry = host.service("--check")
    assert dry["pending"] == "start"
    assert "systemd" in dry["reasons"][0]


def test_a_port_in_use_names_its_owner_before_anything_changes(host: Host) -> None:
    squatter = "pha-test-squatter"
    host.sh(f"systemd-run --unit={squatter} --uid=65534 python3 -m http.server {PORT}; sleep 1")
    try:
        failed = host.service(ports=[{"port": PORT, "variable": "prometheus_port"}])
        pid = host.sh(f"systemctl show -p MainPID --value {squatter}")
    finally:
        host.sh(f"systemctl stop {squatter}")
    assert failed["failed"]
    assert f"tcp/{PORT} is in use by pid {pid} (python3) of {squatter}.service" in failed["msg"]
    assert "prometheus_port" in failed["msg"]
    assert host.sh(f"id {NAME}") == ""
    assert not host.service(ports=[{"port": PORT}]).get("failed")


def test_a_version_that_does_not_come_up_gives_way_to_the_former(host: Host) -> None:
    host.service()
    unit = host.sh(f"cat /etc/systemd/system/{UNIT}")
    failed = host.service(executable="/bin/false", args=[])
    assert failed["failed"]
    assert failed["rolled_back"]
    assert "/bin/false" in failed["msg"]
    python = host.sh("readlink -f /usr/bin/python3")
    assert f"the former one ({python}) runs again" in failed["msg"]
    assert host.sh(f"cat /etc/systemd/system/{UNIT}") == unit
    again = host.service()
    assert (again["changed"], again["pending"]) == (False, "none")


def test_what_runs_decides_and_not_what_changed(host: Host) -> None:
    host.service()
    # A process that was started from other settings, and a unit file that looks right again.
    path = f"/etc/systemd/system/{UNIT}"
    host.sh(
        f"cp {path} /tmp/{NAME}; sed -i 's/^UMask=.*/UMask=0077/; s/^Environment=.*//' {path}; systemctl daemon-reload;"
        f" systemctl restart {UNIT}; cp /tmp/{NAME} {path}; rm /tmp/{NAME}; systemctl daemon-reload"
    )
    dry = host.service("--check")
    assert (dry["changed"], dry["pending"]) == (True, "restart")
    assert dry["reasons"] == ["it was not started from a unit of this collection"]
    changed = host.service(args=["-c", SLEEP, "--x=1"])
    assert "argument --x=1 is new" in changed["reasons"]
    assert host.service(args=["-c", SLEEP, "--x=1"])["changed"] is False


def test_a_drop_in_that_changes_the_command_is_named(host: Host) -> None:
    host.service()
    host.sh(
        f"mkdir -p /etc/systemd/system/{UNIT}.d; printf '[Service]\\nExecStart=\\nExecStart=/usr/bin/sleep 99999\\n'"
        f" > /etc/systemd/system/{UNIT}.d/hand.conf; systemctl daemon-reload"
    )
    try:
        failed = host.service(unit_options={"Nice": 5})
    finally:
        host.sh(f"rm -r /etc/systemd/system/{UNIT}.d; systemctl daemon-reload")
    assert failed["failed"]
    assert "hand.conf" in failed["msg"]


def test_a_bad_unit_is_refused_by_systemd_itself_before_it_is_installed(host: Host) -> None:
    failed = host.service(unit_options={"Type": "oneshot"})
    assert failed["failed"]
    assert "Restart=" in failed["msg"]
    assert host.sh(f"ls /etc/systemd/system | grep {NAME}") == ""


def test_stopped_and_absent(host: Host) -> None:
    host.service()
    assert host.service("--check", state="stopped")["changed"]
    assert host.service(state="stopped")["changed"]
    assert not host.service(state="stopped")["changed"]
    assert host.sh(f"systemctl is-active {UNIT}") == "inactive"
    assert host.service("--check", state="absent")["changed"]
    assert host.service(state="absent")["changed"]
    assert not host.service(state="absent")["changed"]
    assert host.sh(f"ls -d {DATA}; id -un {NAME}") == f"{DATA}\n{NAME}"
