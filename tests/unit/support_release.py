# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of releases: archives made to order, a mirror on loopback that can misbehave, the module as a script."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import typing as t
import urllib.parse
from pathlib import Path

import ansible
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._download import Downloader
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release import Release, ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import REPOSITORIES
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".cache" / "collections"
MODULE = COLLECTIONS / "ansible_collections/baremetal/prometheus_ha/plugins/modules/release.py"
SCRIPT = "#!/bin/sh\necho {name} {version}\n"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A member to put into an archive."""

    name: str
    content: bytes = b""
    mode: int = 0o644
    kind: bytes = tarfile.REGTYPE
    to: str = ""


def tarball(entries: t.Iterable[Entry]) -> bytes:
    """A .tar.gz of these members, exactly as named."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.size, info.mode, info.type, info.linkname = len(entry.content), entry.mode, entry.kind, entry.to
            tar.addfile(info, io.BytesIO(entry.content))
    return packed.getvalue()


def release(
    name: str = "prometheus", version: str = "3.5.3", arch: str = "amd64", extra: t.Iterable[Entry] = (), size: int = 0
) -> bytes:
    """An archive in the projects' layout; ``size`` random bytes more make it slow to fetch and unpack."""
    top = f"{name}-{version}.linux-{arch}"
    tool = "promtool" if name == "prometheus" else "amtool"
    return tarball(
        [
            Entry(top, kind=tarfile.DIRTYPE, mode=0o755),
            Entry(f"{top}/{name}", SCRIPT.format(name=name, version=version).encode(), 0o755),
            Entry(f"{top}/{tool}", SCRIPT.format(name=tool, version=version).encode() + os.urandom(size), 0o775),
            Entry(f"{top}/LICENSE", b"Apache\n", 0o600),
            Entry(f"{top}/consoles/index.html", b"<html>\n"),
            *extra,
        ]
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def publish(
    root: Path,
    content: bytes,
    *,
    name: str = "prometheus",
    version: str = "3.5.3",
    arch: str = "amd64",
    sums: bool = True,
    flat: bool = False,
) -> Path:
    """Put an archive on a mirror's tree, with its sha256sums.txt; returns its path."""
    folder = root if flat else root / REPOSITORIES[name] / "releases" / "download" / f"v{version}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}.linux-{arch}.tar.gz"
    path.write_bytes(content)
    if sums:
        with open(folder / "sha256sums.txt", "a", encoding="utf-8") as file:
            file.write(f"{sha256(content)}  {path.name}\n")
    return path


@dataclasses.dataclass
class Mirror:
    """A mirror on loopback. ``script`` is what the next requests of archives get, one entry each, then the truth:

    an int is a status; ``cut:<n>`` sends n bytes of the body and hangs up; ``stall:<n>`` sends n and then nothing.
    """

    url: str
    root: Path
    script: list[int | str] = dataclasses.field(default_factory=list)
    ranges: bool = True
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # (path or URL, Range)
    headers: list[dict[str, str]] = dataclasses.field(default_factory=list)
    freed: threading.Event = dataclasses.field(default_factory=threading.Event)

    def of(self, end: str) -> list[tuple[str, str]]:
        """The requests whose path ends so."""
        return [asked for asked in self.asked if asked[0].endswith(end)]


def _handler(mirror: Mirror) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_request(self, *_args: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            span = self.headers.get("Range", "")
            mirror.asked.append((self.path, span))
            mirror.headers.append(dict(self.headers))
            path = mirror.root / urllib.parse.urlsplit(self.path).path.lstrip("/")  # a proxy gets the whole URL
            step = mirror.script.pop(0) if mirror.script and self.path.endswith(".tar.gz") else 0
            if isinstance(step, int) and step:
                self.send_error(step)
            elif not path.is_file():
                self.send_error(404)
            else:
                self.answer(path.read_bytes(), span, str(step or ""))

        def answer(self, body: bytes, span: str, step: str) -> None:
            start = int(span[len("bytes=") : -1]) if span and mirror.ranges else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("ETag", f'"{sha256(body)[:16]}"')
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            kind, _colon, count = step.partition(":")
            with contextlib.suppress(OSError):
                self.wfile.write(body[start : start + int(count)] if count else body[start:])
            if kind == "stall":
                self.wfile.flush()
                mirror.freed.wait(30)

    return Handler


@contextlib.contextmanager
def serving(root: Path) -> t.Iterator[Mirror]:
    """The tree over HTTP, on a port of its own."""
    mirror = Mirror("", root)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(mirror))
    mirror.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield mirror
    finally:
        mirror.freed.set()
        server.shutdown()
        server.server_close()


class FakeClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def time(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def environment(home: Path) -> dict[str, str]:
    """A clean one: no proxy, a home of its own."""
    env = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    env.pop("XDG_CACHE_HOME", None)
    return {**env, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


def module_command(
    home: Path, args: dict[str, t.Any], python: str = sys.executable
) -> tuple[list[str], dict[str, str]]:
    """The module as a script: argv and environment. The interpreter sees ansible and the collections, no more."""
    libraries = home / "lib"
    libraries.mkdir(parents=True, exist_ok=True)
    if not (libraries / "ansible").exists():
        (libraries / "ansible").symlink_to(Path(ansible.__file__).parent)
    file = home / f"args-{os.urandom(4).hex()}.json"
    file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_remote_tmp": str(home / "tmp"), **args}}))
    env = {**environment(home), "PYTHONPATH": f"{libraries}:{COLLECTIONS}"}
    return [python, str(MODULE), str(file)], env


def run_module(home: Path, args: dict[str, t.Any], python: str = sys.executable) -> dict[str, t.Any]:
    """The module's result; anything but JSON (a traceback) fails the test."""
    argv, env = module_command(home, args, python)
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout)
    return result


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """What lies below a folder: mode and content by path, to tell whether anything was touched."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.name != ".lock":
            content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b"/"
            found[str(path.relative_to(root))] = (path.lstat().st_mode, content)
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Host:
    """A host's folders and what is injected; ``make`` gives the release as the next run would see it."""

    def __init__(self, tmp_path: Path, mirror: Mirror) -> None:
        self.root = tmp_path / "opt"
        self.bin = tmp_path / "bin"
        self.bin.mkdir()
        self.mirror = mirror
        self.free = 10**12
        self.running: list[str] = []
        self.commands: list[list[str]] = []
        self.restorecon = 0
        self.selinux = str(tmp_path / "enforce")

    def run(self, argv: t.Sequence[str], **_kwargs: t.Any) -> Completed:
        self.commands.append(list(argv))
        return Completed(self.restorecon, "", "restorecon: no policy" if self.restorecon else "")

    def make(self, **params: t.Any) -> Release:
        defaults = {
            "name": "prometheus",
            "version": "3.5.3",
            "arch": "amd64",
            "root": str(self.root),
            "link_dir": str(self.bin),
            "source": self.mirror.url,
            "fetch": "target",
        }
        return Release(
            ReleaseSpec.from_params({**defaults, **params}),
            runner=self.run,
            downloader=Downloader(clock=FakeClock()),
            free=lambda _folder: self.free,
            running=lambda: self.running,
            selinux=self.selinux,
        )

    def publish(self, version: str = "3.5.3", **kwargs: t.Any) -> str:
        content = release(version=version, **kwargs)
        publish(self.mirror.root, content, version=version)
        return sha256(content)

    def install(self, version: str, **params: t.Any) -> Release:
        if not list(self.mirror.root.rglob(f"*-{version}.linux-amd64.tar.gz")):
            self.publish(version)
        made = self.make(version=version, **params)
        made.install()
        return made
