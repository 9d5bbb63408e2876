# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as tests see it: its hosts, the APIs of what runs there, what the webhook got, and runs of playbooks."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.parse
import urllib.request
from pathlib import Path

import testinfra
import yaml

ROOT = Path(__file__).resolve().parents[2]
NAME = os.environ.get("LAB_NAME", "default")
SETS = {"eu": ("eu-1", "eu-2"), "us": ("us-1", "us-2")}
MESH = ("am-1", "am-2", "am-3")
REPLICAS = tuple(host for replicas in SETS.values() for host in replicas)
#: The host whose exporter is down from the first notification to the end of the tests.
LOUD = "am-1"

T = t.TypeVar("T")
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


def wait_for(look: t.Callable[[], T], seconds: float, what: str) -> T:
    """The first true answer. :raises AssertionError: when there is none in that time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s (last answer: {answer!r})"
        time.sleep(0.2)


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of ansible-playbook: its exit code, all that it printed, and by host what its recap says."""

    rc: int
    output: str
    changed: dict[str, int]
    seconds: float

    def succeeded(self) -> Run:
        assert self.rc == 0, self.output
        return self

    @property
    def failed(self) -> set[str]:
        """The hosts that failed or could not be reached, by its recap."""
        found = RECAP.findall(self.output)
        return {host for host, _changed, *bad in found if any(int(count) for count in bad)}


class Running:
    """A run that goes on; it leads a session of its own."""

    def __init__(self, command: t.Sequence[str], env: t.Mapping[str, str]) -> None:
        self._file = tempfile.NamedTemporaryFile(mode="w", prefix="run-")  # noqa: SIM115
        self.begun = time.time()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return Path(self._file.name).read_text()

    @property
    def over(self) -> bool:
        return self.process.poll() is not None

    def wait(self, seconds: float = 400) -> Run:
        """Its result. :raises AssertionError: when it hangs; then it is ended."""
        try:
            rc = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"not done within {seconds} s:\n{self.output}") from None
        output = self.output
        self._file.close()
        changed = {host: int(count) for host, count, _unreachable, _failed in RECAP.findall(output)}
        return Run(rc, output, changed, time.time() - self.begun)

    def kill(self) -> None:
        """kill -9 of the run, its main process first; what it started on hosts goes on as it may."""
        # A worker leads a session of its own, so no group has them all.
        workers = [pid for pid in _children(self.process.pid) if b"ansible-playbook" in _command_line(pid)]
        for pid in (self.process.pid, *workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def _children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@dataclasses.dataclass(frozen=True)
class Process:
    """The main process of a unit and how often systemd has restarted it by itself."""

    pid: int
    restarts: int


class Stack:
    """A lab of the demo's hosts.

    :param name: the lab's.
    :param inventories: what its hosts run, the later ones on top.
    """

    def __init__(self, name: str = NAME, inventories: t.Sequence[str] = ("inventory/lab",)) -> None:
        self.inventories = tuple(inventories)
        command = [sys.executable, "-m", "lab", "status", "--name", name, "--json"]
        state = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
        self.addresses: dict[str, str] = {host["host"]: host["address"] for host in state["hosts"]}
        self.network: str = state["subnet"]
        self.subnet = self.network.rpartition(".")[0]
        self.webhook = state["webhook_url"]
        self._hosts: dict[str, t.Any] = {}
        self._sockets = tempfile.TemporaryDirectory(prefix="ssh")

    # -- hosts -----------------------------------------------------------------------------------------------------

    def host(self, name: str) -> t.Any:
        """The host as testinfra has it: over SSH as ops, with sudo."""
        if name not in self._hosts:
            cache = os.environ.get("LAB_CACHE") or Path.home() / ".cache/prometheus_ha_lab"
            options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
            share = f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath={self._sockets.name}/%C"
            self._hosts[name] = testinfra.get_host(
                f"ssh://ops@{self.addresses[name]}",
                sudo=True,
                ssh_identity_file=f"{cache}/ssh/id_ed25519",
                ssh_extra_args=f"{options} {share}",
            )
        return self._hosts[name]

    def sh(self, name: str, command: str) -> str:
        """What a command prints as root on a host. :raises AssertionError: when it fails."""
        done = self.host(name).run("bash -c %s", command)
        assert done.rc == 0, f"{name}: {command}: {done.stdout}{done.stderr}"
        return str(done.stdout).strip()

    def process(self, name: str, unit: str) -> Process:
        shown = self.sh(name, f"systemctl show -p MainPID -p NRestarts --value {unit}").split()
        return Process(int(shown[0]), int(shown[1]))

    def processes(self) -> dict[str, int]:
        """The main process of every replica and member."""
        units = {**dict.fromkeys(REPLICAS, "prometheus"), **dict.fromkeys(MESH, "alertmanager")}
        return {name: self.process(name, unit).pid for name, unit in units.items()}

    def files(self, name: str, folder: str) -> dict[str, str]:
        """The content hash of every file below a folder."""
        listed = self.sh(name, f"cd {folder} && find . -type f -exec sha256sum {{}} +")
        return {path: digest for digest, path in (line.split(None, 1) for line in listed.splitlines())}

    # -- APIs ------------------------------------------------------------------------------------------------------

    def fetch(self, url: str, data: bytes | None = None, method: str | None = None) -> str:
        """What a URL answers with. :raises OSError: for no answer and for a refusal."""
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.read().decode())

    def ask(self, url: str, body: t.Any = None, method: str | None = None) -> t.Any:
        """As fetch, for JSON."""
        text = self.fetch(url, None if body is None else json.dumps(body).encode(), method)
        return json.loads(text) if text else None

    def prometheus(self, name: str, path: str) -> t.Any:
        return self.ask(f"http://{self.addresses[name]}:9090/api/v1/{path}")["data"]

    def metrics(self, name: str) -> str:
        """What a Prometheus says of itself."""
        return self.fetch(f"http://{self.addresses[name]}:9090/metrics")

    def alertmanager(self, name: str, path: str, body: t.Any = None, method: str | None = None) -> t.Any:
        return self.ask(f"http://{self.addresses[name]}:9093/api/v2/{path}", body, method)

    def whole(self) -> bool:
        """Whether all members are ready and see one another, and every replica is ready."""
        try:
            states = [self.alertmanager(name, "status")["cluster"] for name in MESH]
            for name in REPLICAS:
                self.fetch(f"http://{self.addresses[name]}:9090/-/ready")
        except OSError:
            return False
        return all(state["status"] == "ready" and len(state["peers"]) == len(MESH) for state in states)

    def exporter(self, name: str) -> str:
        """The instance label of the host's node_exporter."""
        return f"{self.addresses[name]}:9100"

    def alerts(self, member: str, name: str, *matchers: str) -> list[dict[str, t.Any]]:
        """What a member knows of InstanceDown for a host's exporter."""
        wanted = [f'instance="{self.exporter(name)}"', 'alertname="InstanceDown"', *matchers]
        query = "&".join(f"filter={urllib.parse.quote(matcher)}" for matcher in wanted)
        found: list[dict[str, t.Any]] = self.alertmanager(member, f"alerts?{query}")
        return found

    def notified(self, name: str, region: str, since: float) -> list[int]:
        """How many alerts each notification held that the webhook got for a host's exporter, as that region sees it."""
        group = {"alertname": "InstanceDown", "instance": self.exporter(name), "region": region}
        return [
            len(item["body"]["alerts"])
            for item in self.ask(f"{self.webhook}/notifications?receiver=lab")
            if item["time"] >= since and item["body"]["status"] == "firing" and item["body"]["groupLabels"] == group
        ]

    def quiet(self) -> bool:
        """Whether every outage that was notified is also notified as over: a new one would not be told apart."""
        last = {
            json.dumps(item["body"]["groupLabels"], sort_keys=True): item["body"]["status"]
            for item in self.ask(f"{self.webhook}/notifications?receiver=lab")
        }
        return "firing" not in last.values()

    # -- playbooks -------------------------------------------------------------------------------------------------

    def start(self, playbook: Path, *args: str, overlay: Path | None = None) -> Running:
        """Begin a playbook on the lab's inventory, with further inventory from a folder on top."""
        inventories = [*self.inventories, *([str(overlay)] if overlay else [])]
        command = ["ansible-playbook", *(word for path in inventories for word in ("-i", path))]
        command += ["-e", f"lab_subnet={self.subnet}", *args, str(playbook)]
        ours = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_"))}
        env = {**ours, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PYTHONUNBUFFERED": "1"}
        return Running(command, env)

    def play(self, playbook: Path, *args: str, overlay: Path | None = None) -> Run:
        """As start, to its end."""
        return self.start(playbook, *args, overlay=overlay).wait()

    def site(self, *args: str, overlay: Path | None = None) -> Run:
        return self.play(ROOT / "site.yml", *args, overlay=overlay)


def write_overlay(
    folder: Path,
    *,
    groups: t.Mapping[str, t.Any] | None = None,
    hosts: t.Mapping[str, t.Any] | None = None,
    joins: t.Mapping[str, t.Sequence[str]] | None = None,
) -> Path:
    """Write an inventory that goes on top of another.

    :param groups, hosts: variables by name.
    :param joins: by group, hosts that join it.
    """
    for kind, variables in (("group_vars", groups or {}), ("host_vars", hosts or {})):
        (folder / kind).mkdir(parents=True, mode=0o700)
        for name, values in variables.items():
            (folder / kind / f"{name}.yml").write_text(yaml.safe_dump(values))
    members: dict[str, t.Any] = {
        group: {"hosts": {name: {} for name in names}} for group, names in (joins or {}).items()
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": members}}))
    return folder
