# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of what queries about Thanos name: all of its components on loopback, scraped every second.

Thanos is built, which takes minutes: `python -m lab mirror --thanos` does, and so does whatever brings up a lab with
it (the demo, the scenario thanos). Where nobody did, what needs it is skipped.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import (
    LAB_CACHE,
    Running,
    binaries,
    free_port,
    process,
    prometheus,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_metrics import NOBODY

THANOS = ["0.40.1", "0.42.4"]
PROMETHEUS = "3.5.3"
# Seconds of a block, and of what four are compacted into.
BLOCK, COMPACTED = 2 * 3600, 8 * 3600


def thanos(version: str) -> str:
    """The program, where this machine has built it."""
    program = LAB_CACHE / "bin" / f"thanos-v{version}" / "thanos"
    if not program.exists():
        pytest.skip(f"Thanos {version} is not built on this machine; `python -m lab mirror --thanos` builds it")
    return str(program)


def objstore(folder: Path) -> Path:
    """The configuration of a bucket that is a folder."""
    (folder / "bucket").mkdir(parents=True, exist_ok=True)
    file = folder / "objstore.yml"
    file.write_text(yaml.safe_dump({"type": "FILESYSTEM", "config": {"directory": str(folder / "bucket")}}))
    return file


def upload_blocks(version: str, folder: Path, hours_ago: int) -> None:
    """Put four blocks into the bucket that a compactor makes one of, and a fifth: it leaves out the newest."""
    begin = int(time.time()) - hours_ago * 3600
    begin -= begin % COMPACTED
    # They reach to the end of what they become, else they are no whole of it yet.
    times = [*range(begin, begin + COMPACTED, 60), begin + COMPACTED - 0.001]
    times += range(begin + COMPACTED, begin + COMPACTED + BLOCK, 60)
    samples = [f'old{{x="1"}} 1 {at}' for at in times]
    text = folder / "samples.txt"
    text.write_text("\n".join(["# TYPE old gauge", *samples, "# EOF"]) + "\n")
    blocks = folder / f"blocks-{hours_ago}"
    promtool = str(binaries("prometheus", PROMETHEUS) / "promtool")
    made = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(blocks)]
    upload = [thanos(version), "tools", "bucket", "upload-blocks", f"--path={blocks}", '--label=site="eu"']
    for argv in (made, [*upload, f"--objstore.config-file={objstore(folder)}"]):
        subprocess.run(argv, check=True, capture_output=True, timeout=60)


def mark_a_block(version: str, folder: Path) -> None:
    """Mark the oldest block of the bucket for deletion, as another compactor does."""
    metas = (json.loads(file.read_text()) for file in (folder / "bucket").glob("*/meta.json"))
    block = min(metas, key=lambda meta: meta["minTime"])["ulid"]
    argv = [thanos(version), "tools", "bucket", "mark", f"--objstore.config-file={objstore(folder)}", f"--id={block}"]
    argv += ["--marker=deletion-mark.json", "--details=by somebody else"]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)


@contextlib.contextmanager
def compactor(version: str, folder: Path, name: str = "compact", interval: str = "2s") -> t.Iterator[Running]:
    """A compactor that looks at everything every few seconds."""
    argv = ["--wait", f"--wait-interval={interval}", "--consistency-delay=0s", "--compact.cleanup-interval=1s"]
    argv += ["--compact.progress-interval=1s", f"--objstore.config-file={objstore(folder)}"]
    with component(version, folder, "compact", *argv, f"--data-dir={folder}/{name}") as running:
        yield running


@contextlib.contextmanager
def component(version: str, folder: Path, command: str, *args: str) -> t.Iterator[Running]:
    """A component, from when it is ready."""
    url = f"http://127.0.0.1:{free_port()}"
    (folder / "etc").mkdir(parents=True, exist_ok=True)
    argv = [thanos(version), command, f"--http-address={url[7:]}", *args]
    with process(argv, url, folder / "etc" / "none.yml") as running:
        yield running


@dataclasses.dataclass(frozen=True)
class Stack:
    """What runs. :ivar watcher: the Prometheus that scrapes it. :ivar frontend: where people ask."""

    watcher: Running
    frontend: Running
    parts: t.Mapping[str, Running]

    def ask(self) -> None:
        """Queries of all kinds, as people ask them."""
        now = time.time()
        span = {"query": "sum(up)", "start": now - 600, "end": now, "step": 15}
        asked: dict[str, dict[str, t.Any]] = {
            "query": {"query": "last_over_time(old[12d])"},
            "query_range": span,
            "labels": {},
        }
        for path, query in asked.items():
            url = f"{self.frontend.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
            with contextlib.suppress(urllib.error.URLError):
                urllib.request.urlopen(url, timeout=10).close()


def _file(folder: Path, name: str, data: t.Any) -> Path:
    file = folder / "etc" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(data))
    return file


def job(name: str, running: Running) -> dict[str, t.Any]:
    """The scrape configuration of one member, labelled as the stack's own jobs label it."""
    own = {"ha_component": name, "ha_group": "default", "ha_member": f"{name}-1"}
    return {"job_name": f"ha-{name}", "static_configs": [{"targets": [running.url[7:]], "labels": own}]}


@contextlib.contextmanager
def running_thanos(version: str, folder: Path) -> t.Iterator[Stack]:
    """All components of Thanos over a bucket that is a folder, and the Prometheus of a sidecar that scrapes them."""
    thanos(version)  # or the test is skipped
    upload_blocks(version, folder, hours_ago=200)
    bucket = f"--objstore.config-file={objstore(folder)}"
    grpc = {name: f"127.0.0.1:{free_port()}" for name in ("sidecar", "store", "rule", "receive", "query", "router")}
    ring = folder / "etc" / "hashrings.json"
    ring.parent.mkdir(parents=True, exist_ok=True)
    ring.write_text(json.dumps([{"hashring": "default", "endpoints": [{"address": grpc["receive"]}]}]))
    stores = [{"address": grpc[name]} for name in ("sidecar", "store", "rule", "receive")]
    rules = [{"record": "a", "expr": "vector(1)"}, {"alert": "A", "expr": "vector(1)"}]
    rule_file = _file(folder, "rules.yml", {"groups": [{"name": "a", "interval": "1s", "rules": rules}]})
    mesh = {"api_version": "v2", "static_configs": [NOBODY], "timeout": "1s"}
    every = {"scrape_interval": "1s", "external_labels": {"replica": "eu-1"}}
    server = _file(folder / "server", "prometheus.yml", {"global": every})
    writes = f"127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as opened:

        def start(command: str, *args: str) -> Running:
            return opened.enter_context(component(version, folder, command, *args))

        watcher = opened.enter_context(
            prometheus(
                PROMETHEUS, server, "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h"
            )
        )
        parts = {"prometheus": watcher}
        data = f"--tsdb.path={server.parent.parent}/prometheus-data"
        parts["thanos_sidecar"] = start(
            "sidecar", f"--prometheus.url={watcher.url}", data, bucket, f"--grpc-address={grpc['sidecar']}"
        )
        parts["thanos_store"] = start("store", bucket, f"--data-dir={folder}/store", f"--grpc-address={grpc['store']}")
        for name, more in {
            "receive": [bucket, f"--grpc-address={grpc['receive']}", f"--remote-write.address=127.0.0.1:{free_port()}"],
            "router": [
                *(f"--grpc-address={grpc['router']}", f"--remote-write.address={writes}"),
                *(f"--receive.hashrings-file={ring}", "--receive.replication-factor=1"),
            ],
        }.items():
            # Its other port for writes is one for all receivers of a host, unless it is given.
            own = [f"--tsdb.path={folder}/{name}", f"--receive.capnproto-address=127.0.0.1:{free_port()}"]
            part = "thanos_receive_router" if name == "router" else "thanos_receive"
            parts[part] = start("receive", *own, f'--label=receive_replica="{name}"', *more)
        endpoints = _file(folder, "endpoints.yml", {"endpoints": stores})
        parts["thanos_query"] = querier = start(
            "query",
            f"--endpoint.sd-config-file={endpoints}",
            "--endpoint.sd-config-reload-interval=1s",
            f"--grpc-address={grpc['query']}",
        )
        asked = _file(folder, "query.yml", [{"static_configs": [querier.url[7:]], "scheme": "http"}])
        alerts = _file(folder, "alertmanagers.yml", {"alertmanagers": [mesh]})
        parts["thanos_rule"] = start(
            "rule",
            *(bucket, f"--data-dir={folder}/rule", f"--grpc-address={grpc['rule']}", f"--rule-file={rule_file}"),
            *(f"--query.config-file={asked}", f"--alertmanagers.config-file={alerts}", '--label=ruler="1"'),
        )
        parts["thanos_query_frontend"] = frontend = start(
            "query-frontend", f"--query-frontend.downstream-url={querier.url}"
        )
        parts["thanos_compact"] = opened.enter_context(compactor(version, folder))
        config = {
            "global": every,
            "scrape_configs": [job(name, each) for name, each in parts.items()],
            "remote_write": [{"url": f"http://{writes}/api/v1/receive", "queue_config": {"batch_send_deadline": "1s"}}],
        }
        server.write_text(yaml.safe_dump(config))
        urllib.request.urlopen(f"{watcher.url}/-/reload", data=b"", timeout=20).close()
        yield Stack(watcher, frontend, parts)
