# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For config, reload and ready: real binaries from the lab's mirror, processes on loopback, modules as scripts."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

import ansible
import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import HttpUnreachableError, Response

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".cache" / "collections"
MODULES = COLLECTIONS / "ansible_collections/baremetal/prometheus_ha/plugins/modules"
LAB_CACHE = Path(os.environ.get("LAB_CACHE") or Path.home() / ".cache" / "prometheus_ha_lab")
PROMETHEUS = ["2.53.3", "3.5.3"]
ALERTMANAGER = ["0.28.1", "0.33.1"]
# Where Debian's build of Alertmanager reads its templates; the lab's tarballs are repacked from it.
TEMPLATES = Path("/usr/share/prometheus/alertmanager")


def _need(path: Path) -> Path:
    if not path.exists():
        pytest.fail(f"{path} is missing: run `python3 -m lab mirror`")
    return path


@functools.lru_cache(maxsize=None)
def binaries(name: str, version: str) -> Path:
    """The folder with a release's binaries, unpacked once from the lab's mirror."""
    top = f"{name}-{version}.linux-amd64"
    archive = _need(LAB_CACHE / f"releases/prometheus/{name}/releases/download/v{version}/{top}.tar.gz")
    stamp = archive.stat()
    place = LAB_CACHE / "unpacked" / f"{top}-{stamp.st_size}-{stamp.st_mtime_ns}"
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        scratch = tempfile.mkdtemp(dir=place.parent)
        with tarfile.open(archive) as tar:
            tar.extractall(scratch)
        with contextlib.suppress(OSError):  # another session was faster
            os.rename(os.path.join(scratch, top), place)
        shutil.rmtree(scratch, ignore_errors=True)
    return place


def alertmanager_templates() -> None:
    """Put the templates in place that Debian's build reads, where they are missing."""
    if (TEMPLATES / "default.tmpl").exists() and (TEMPLATES / "email.tmpl").exists():
        return
    packages = sorted((LAB_CACHE / "build/debs").glob("prometheus-alertmanager_0.33*.deb"))
    package = _need(packages[-1] if packages else LAB_CACHE / "build/debs/prometheus-alertmanager_0.33.1-5_amd64.deb")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["dpkg-deb", "-x", str(package), scratch], check=True)
        TEMPLATES.mkdir(parents=True, exist_ok=True)
        for name in ("default.tmpl", "email.tmpl"):
            shutil.copy(Path(scratch) / TEMPLATES.relative_to("/") / name, TEMPLATES / name)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclasses.dataclass(frozen=True)
class Running:
    """A real process on loopback."""

    url: str
    config: Path
    pid: int
    log: Path

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return str(answer.read().decode())


@contextlib.contextmanager
def process(argv: t.Sequence[str], url: str, config: Path) -> t.Iterator[Running]:
    """Start it in the folder of its configuration, wait until it is ready, end it by its pid."""
    log = config.parent.parent / f"{Path(argv[0]).name}-{url.rpartition(':')[2]}.log"
    with log.open("wb") as output:
        started = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, cwd=config.parent)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(
                f"{url}/-/ready", timeout=2
            ):
                break
            if started.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{argv[0]} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield Running(url, config, started.pid, log)
    finally:
        started.kill()
        started.wait()


@contextlib.contextmanager
def prometheus(version: str, config: Path, *args: str, lifecycle: bool = True) -> t.Iterator[Running]:
    """A Prometheus with this configuration file, its data beside the file's folder."""
    url = f"http://127.0.0.1:{free_port()}"
    argv = [
        str(binaries("prometheus", version) / "prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={config.parent.parent}/prometheus-data",
        f"--web.listen-address={url[7:]}",
        *(["--web.enable-lifecycle"] if lifecycle else []),
        *args,
    ]
    with process(argv, url, config) as running:
        yield running


@contextlib.contextmanager
def alertmanager(version: str, config: Path, cluster: str = "", *args: str) -> t.Iterator[Running]:
    """An Alertmanager with this configuration file; ``cluster``: the address it gossips on, "" for none."""
    alertmanager_templates()
    url = f"http://127.0.0.1:{free_port()}"
    argv = [
        str(binaries("alertmanager", version) / "alertmanager"),
        f"--config.file={config}",
        f"--storage.path={config.parent.parent}/alertmanager-data-{url.rpartition(':')[2]}",
        f"--web.listen-address={url[7:]}",
        f"--cluster.listen-address={cluster}",
        "--cluster.gossip-interval=20ms",
        *args,
    ]
    with process(argv, url, config) as running:
        yield running


def run_module(name: str, args: t.Mapping[str, t.Any], *, check: bool = False) -> dict[str, t.Any]:
    """Run a module's file as the connection would: arguments as JSON, the result from its last line."""
    internal = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": tempfile.gettempdir()}
    script = (
        "import sys, json, runpy\n"
        "from ansible.module_utils import basic\n"
        "basic._ANSIBLE_ARGS = sys.stdin.buffer.read()\n"
        "basic._ANSIBLE_PROFILE = 'legacy'\n"
        f"runpy.run_path({str(MODULES / name)!r} + '.py', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**args, **internal}}),
        env={**os.environ, "PYTHONPATH": f"{COLLECTIONS}{os.pathsep}{Path(ansible.__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.strip():
        pytest.fail(f"{name} printed nothing:\n{done.stderr}")
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def reply(status: int, body: t.Any = "") -> Response:
    """An answer; anything but text becomes JSON."""
    return Response(status, {}, (body if isinstance(body, str) else json.dumps(body)).encode())


class Replies:
    """An Http over a table from path (without its query) to replies; a list is answered one by one, its last for good.

    A path that is not in it refuses the connection. ``asked`` keeps the paths.
    """

    def __init__(self, table: t.Mapping[str, Response | list[Response]]) -> None:
        self.table = {path: list(item) if isinstance(item, list) else [item] for path, item in table.items()}
        self.asked: list[str] = []

    def request(self, method: str, url: str, body: bytes | None = None, timeout: float | None = None) -> Response:
        del body, timeout
        path = "/" + url.partition("://")[2].partition("/")[2].partition("?")[0]
        self.asked.append(path)
        if path not in self.table:
            raise HttpUnreachableError(f"{method} {url}: no answer", said="refused") from ConnectionRefusedError()
        replies = self.table[path]
        return replies.pop(0) if len(replies) > 1 else replies[0]


class Steps:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
