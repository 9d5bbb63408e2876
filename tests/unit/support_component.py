# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host for the tests of components: real release, real files, real unit; systemd and Prometheus are played."""

from __future__ import annotations

import os
import time
import typing as t
import urllib.parse
from pathlib import Path

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _effects, _preflight_facts
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Component
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import HttpUnreachableError, Response
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service import Service
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_release
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_service import OK, Clock, Systemd

HELP = Completed(0, "Flags:\n      --xone=X  One.\n      --yone=Y  Other.\n", "")


class OnHost(Component):
    """A component that looks at the played host's processes, not at this machine's."""

    host: Host

    def _version(self) -> str:
        systemd = self.host.systemd
        folders = {"proc": str(systemd.proc), "unit_folder": str(systemd.units)}
        return _preflight_facts.installed(self.name, "", self.host, **folders).version


class Host:
    """A managed host in a folder, on which a Prometheus is played that loads what lies on its disk.

    It answers at the port and below the prefix that its arguments say, else at 9090.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.config, self.opt, self.links, self.data = (base / name for name in ("etc", "opt", "bin", "data"))
        self.links.mkdir()
        self.clock = Clock()
        self.systemd = Systemd(base, self.clock)
        self.tools: list[str] = []
        self.checker, self.help = OK, HELP
        self.archives: dict[str, Path] = {}
        self.loaded = ""
        self.loaded_at = 0.0
        self.pid = 0
        self.asked: list[str] = []
        self.answers_at = 0.0

    # What the component is given ------------------------------------------------------------------------------------

    def __call__(
        self, argv: t.Sequence[str], *, cwd: str | None = None, timeout: float = 60.0, **_more: t.Any
    ) -> Completed:
        if argv[0].startswith(str(self.opt)):
            self.tools.append(" ".join(argv))
            if argv[-1] != "--help":
                return self.checker
            return self.help if len(argv) > 2 else HELP
        return self.systemd(argv, cwd=cwd, timeout=timeout)

    def request(self, method: str, url: str, body: bytes | None = None, timeout: float | None = None) -> Response:
        del body, timeout
        parts = urllib.parse.urlsplit(url)
        running = [int(entry.name) for entry in (self.base / "proc").iterdir() if entry.name.isdigit()]
        place = (running and _effects.endpoint(self._arguments(running[0]))) or {"port": 9090, "prefix": ""}
        path = parts.path + ("?" + parts.query if parts.query else "")
        path = path[len(place["prefix"]) :] if path.startswith(place["prefix"]) else ""
        self.asked.append(f"{method} {path}")
        if not (running and path) or parts.port != place["port"] or self.clock.now < self.answers_at:
            raise HttpUnreachableError(f"{method} {url}: no answer", said="refused")
        if running != [self.pid]:
            self.pid = running[0]
            self.load()
        status, text = 200, ""
        if path == "/-/reload" and not self.load():
            status, text = 500, "failed to reload config: one or more errors occurred"
        if path == "/metrics":
            text = "prometheus_config_last_reload_successful 1\n"
            text += f"prometheus_config_last_reload_success_timestamp_seconds {self.loaded_at}\n"
        if path.startswith("/api/v1/rules"):
            rule = '{"name": "ha_config_generation", "labels": {"sha256": "%s"}}'
            text = '{"status": "success", "data": {"groups": [{"rules": [%s]}]}}' % (rule % self.generation)
        return Response(status, {}, text.encode())

    def _arguments(self, pid: int) -> list[str]:
        return (self.base / "proc" / str(pid) / "cmdline").read_text().split("\0")[1:-1]

    # The Prometheus -------------------------------------------------------------------------------------------------

    @property
    def generation(self) -> str:
        return self.loaded.partition("generation ")[2].strip()

    def load(self) -> bool:
        text = (self.config / "prometheus.yml").read_text()
        if "refused on reload" in text:
            return False
        time.sleep(0.01)  # a file system's clock is coarser than ours
        self.loaded, self.loaded_at = text, time.time()
        return True

    # What the tests do ----------------------------------------------------------------------------------------------

    def archive(self, version: str) -> Path:
        if version not in self.archives:
            content = support_release.release(version=version)
            self.archives[version] = support_release.publish(self.base / "mirror", content, version=version)
        return self.archives[version]

    def component(
        self,
        generation: str = "g1",
        *,
        version: str = "3.5.3",
        state: str = "present",
        apply: bool = True,
        extra: str = "",
        args: t.Sequence[str] = ("--xone=1",),
        files: t.Mapping[str, str] | None = None,
        archive: bool = True,
        fetch: str = "controller",
        cohort: t.Sequence[str] = (),
        secrets: t.Sequence[str] | None = None,
        ports: t.Sequence[t.Mapping[str, t.Any]] = (),
        url: str = "http://127.0.0.1:9090",
        effects: t.Sequence[t.Mapping[str, t.Any]] = (),
        back_to: str = "",
        uploads: t.Mapping[str, str] | None = None,
        asked: str = "",
    ) -> Component:
        packed = self.archive(version)
        main = f"{extra}# generation {generation}\n"
        params: dict[str, t.Any] = {
            "name": "prometheus",
            "state": state,
            "cohort": list(cohort),
            "secrets": secrets,
            "effects": list(effects),
            "back_to": back_to,
            "uploads": uploads,
            "release": {
                "name": "prometheus",
                "version": version,
                "root": str(self.opt),
                "link_dir": str(self.links),
                "links": ["promtool"],
                "keep": 1,
                "arch": "amd64",
                "fetch": fetch,
                "checksum": support_release.sha256(packed.read_bytes()),
                **({"archive": str(packed)} if archive else {}),
            },
            "config": {
                "root": str(self.config),
                "files": [
                    {"path": "prometheus.yml", "content": main, "masked": True},
                    *({"path": path, "content": content} for path, content in (files or {}).items()),
                ],
                "check": [["{release}/bin/promtool", "check", "config", "{root}/prometheus.yml"]],
            },
            "service": {
                "name": "prometheus",
                "user": "prometheus",
                "group": "prometheus",
                "executable": "{release}/bin/prometheus",
                "args": list(args),
                "data_dirs": [str(self.data)],
                "start_timeout": 30,
                "ports": list(ports),
            },
            "api": {
                "kind": "prometheus",
                "url": url,
                "generation": generation,
                "config_file": str(self.config / "prometheus.yml"),
            },
        }
        state_root = str(self.base / "state")
        made = OnHost(params, apply=apply, asked=asked, runner=self, http=self, clock=self.clock, state_root=state_root)
        made.host = self
        made.service = Service(
            made.service.spec,
            runner=self,
            clock=self.clock,
            proc=str(self.systemd.proc),
            unit_folder=str(self.systemd.units),
            state_root=state_root,
        )
        return made

    def serve(self, generation: str = "g1", **values: t.Any) -> None:
        """Bring it up; forget what was called for that."""
        self.component(generation, **values).activate()
        assert self.generation == generation
        self.forget()

    def forget(self) -> None:
        for calls in (self.systemd.called, self.tools, self.asked):
            calls.clear()

    def executable(self, version: str) -> str:
        return str(self.opt / "prometheus" / version / "bin" / "prometheus")

    def running(self) -> str:
        """The executable of what runs, or nothing."""
        found = [entry for entry in self.systemd.proc.iterdir() if entry.name.isdigit()]
        return os.readlink(found[0] / "exe") if found else ""

    def disk(self) -> dict[str, tuple[int, bytes]]:
        """Everything but the processes."""
        return {
            path: what
            for path, what in support_release.tree(self.base).items()
            if not path.startswith(("proc", "mirror"))
        }
