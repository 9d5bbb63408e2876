# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small lab that runs already, bad inventories for it, and proof that a refusal did no harm."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
NAME = "scratch"
SUBNET = "172.30.94"
HOSTS = {"p-1": f"{SUBNET}.11", "p-2": f"{SUBNET}.12", "a-1": f"{SUBNET}.13", "a-2": f"{SUBNET}.14"}
GATEWAY = f"{SUBNET}.1"  # this machine, as the lab's hosts reach it
SECRET = "hunter2"  # every password of the inventory begins so

# Everything that a run may write, with its content where it is small; and whatever it might leave beside.
FILES = r"""
cd /
find etc/prometheus etc/alertmanager etc/systemd/system var/lib/prometheus_ha opt/prometheus_ha usr/local/bin \
  \( -name lock -o -name .lock \) -prune -o -printf '%p %y %m %u:%g %l\n' 2>/dev/null | sort
find etc/prometheus etc/alertmanager etc/systemd/system var/lib/prometheus_ha -type f ! -name lock \
  -exec sha256sum {} + 2>/dev/null | sort -k2
find opt/prometheus_ha -type f ! -name .lock -printf '%p %s %T@\n' 2>/dev/null | sort
find etc var/lib opt home/ops/.ansible/tmp root/.ansible/tmp -mindepth 1 -maxdepth 1 -printf '%p\n' 2>/dev/null | sort
getent passwd prometheus alertmanager || true
"""
UNITS = "systemctl show --property=Id,MainPID,ActiveState,SubState,FragmentPath prometheus.service alertmanager.service"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of ansible-playbook, as its user sees it."""

    rc: int
    output: str
    seconds: float

    @property
    def words(self) -> str:
        """The output as running text: line breaks and the frame around quoted words gone."""
        return " ".join(re.sub(r"^\s*\| ", "", line) for line in self.output.split("\n")).replace("\\n", " ")

    def refused(self, *told: str) -> None:
        """It failed, said these words (white space aside), and neither a traceback nor a secret."""
        assert self.rc != 0, f"it passed:\n{self.output}"
        self.decent()
        text = " ".join(self.words.split())
        missing = [words for words in told if words not in text]
        assert not missing, f"not said: {missing}\n{self.output}"

    def passed(self, *, changed: bool | None = None) -> None:
        """It passed; ``changed``: whether any host reported a change (None: either)."""
        assert self.rc == 0, self.output
        self.decent()
        if changed is not None:
            assert bool(re.search(r"changed=[1-9]", self.output)) is changed, self.output

    def decent(self) -> None:
        assert "Traceback" not in self.output, self.output
        assert SECRET not in self.output, self.output


class Lab:
    """The lab's hosts, converged once; ``site`` runs site.yml over its inventory with files laid over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: list[str] = []
        self._runs = 0

    # -- runs --------------------------------------------------------------------------------------------------------

    def inventory(self, overlay: Mapping[str, Any]) -> Path:
        """A copy of the inventory with further or other files: text as it is, data as YAML."""
        self._runs += 1
        copy = self.folder / f"inventory{self._runs}"
        shutil.copytree(HERE / "inventory", copy)
        for name, content in overlay.items():
            path = copy / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        return copy

    def site(
        self, overlay: Mapping[str, Any] | None = None, *options: str, env: Mapping[str, str] | None = None
    ) -> Run:
        """Run site.yml. Files of the overlay are paths below the inventory, as ``host_vars/p-1.yml``."""
        return self.playbook("site.yml", self.inventory(overlay or {}), *options, env=env)

    def playbook(self, playbook: str, inventory: Path, *options: str, env: Mapping[str, str] | None = None) -> Run:
        command = [str(BIN / "ansible-playbook"), "-i", str(inventory), playbook, *options]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_TIMEOUT": "5",
            "COLUMNS": "1000",
            # Releases of the tests' own mirrors stay out of the user's cache.
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            **(env or {}),
        }
        begun = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        run = Run(done.returncode, done.stdout, time.monotonic() - begun)
        self.log.append(f"$ {' '.join(command[3:])} -> {run.rc}, {run.seconds:.1f} s\n{run.output}")
        return run

    # -- hosts -------------------------------------------------------------------------------------------------------

    def sh(self, host: str, script: str) -> str:
        """What a root shell in the host's container prints; it needs neither SSH nor Python there."""
        command = ["docker", "exec", f"pha-{NAME}-{host}", "sh", "-c", script]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def state(self) -> dict[str, dict[str, str]]:
        """What runs on each host, what it has loaded, and every file that a run may write."""
        with concurrent.futures.ThreadPoolExecutor(len(HOSTS)) as pool:
            return dict(zip(HOSTS, pool.map(self._state, HOSTS), strict=True))

    def _state(self, host: str) -> dict[str, str]:
        units, _mark, files = self.sh(host, f"{UNITS}; echo ====; {FILES}").partition("====")
        return {"units": units, "files": files, "loaded": loaded(host)}

    @contextlib.contextmanager
    def unharmed(self, *, restarted: Sequence[str] = (), settle: float = 15.0) -> Iterator[None]:
        """What is done inside leaves processes, loaded configurations and files as they were.

        :param restarted: hosts whose process may be another one afterwards, all else equal.
        :param settle: seconds that a restarted member may take until its mesh is whole again.
        """
        before = _comparable(self.state(), restarted)
        yield
        deadline = time.monotonic() + settle
        while (after := _comparable(self.state(), restarted)) != before and restarted and time.monotonic() < deadline:
            time.sleep(0.5)
        changes = "\n".join(difflib.unified_diff(before, after, "before", "after", n=0, lineterm=""))
        assert not changes, changes

    def is_whole(self, *options: str, changed: bool | None = False) -> None:
        """The corrected rerun: the good inventory passes, and where nothing had been touched changes nothing."""
        self.site({}, *options).passed(changed=changed)


def _comparable(state: Mapping[str, Mapping[str, str]], restarted: Sequence[str]) -> list[str]:
    lines = []
    for host, parts in state.items():
        text = parts["units"] + parts["files"] + parts["loaded"]
        if host in restarted:
            text = re.sub(r"MainPID=[1-9]\d*", "MainPID=some", text)
        lines += [f"{host}: {line}" for line in text.splitlines() if line]
    return lines


def get(url: str) -> str:
    """The body, or why there is none."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body.decode()
    except (urllib.error.URLError, OSError) as error:
        return f"no answer: {error}"


def loaded(host: str) -> str:
    """What a running component says of itself: that it is ready, and which configuration it runs."""
    base = f"http://{HOSTS[host]}:{9090 if host.startswith('p') else 9093}"
    ready = get(f"{base}/-/ready").strip()
    if host.startswith("p"):
        rules = get(f"{base}/api/v1/rules?type=record&rule_name[]=ha_config_generation")
        config = get(f"{base}/api/v1/status/config")
        return f"{ready}\n{re.findall('[0-9a-f]{64}', rules)}\n{config}"
    config_hash = re.findall(r"^alertmanager_config_hash .*", get(f"{base}/metrics"), re.MULTILINE)
    status = json.loads(get(f"{base}/api/v2/status"))
    return f"{ready}\n{config_hash}\n{status['cluster']['status']} {len(status['cluster']['peers'])}"


def plan_error(rule: str, where: str) -> tuple[str, ...]:
    """What every problem of the inventory must say: its rule, its path, and that nothing happened."""
    return (f"{rule} error", where, "no host was touched", "Do: ")
