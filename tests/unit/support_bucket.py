# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of the bucket tools: a real MinIO on loopback, and blocks that promtool made and Thanos uploaded.

Both are built from their modules (`python3 -m lab up --thanos`), which takes CI's machine ten minutes that it has
not: a test that needs them is skipped where they are not there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _bucket_tools
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._objstore import metas
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner, run
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support

VERSIONS = ["0.40.1", "0.42.4"]
USER, PASSWORD = "lab", "lab-secret-key"
HOUR = 3600
EU, US = {"region": "eu", "replica": "eu-1"}, {"region": "us", "replica": "us-1"}


def built(name: str) -> Path:
    """A program that the lab builds; without it, the test is skipped."""
    found = sorted((support.LAB_CACHE / "bin").glob(f"{name}/*"))
    if not found:
        pytest.skip(f"{name} is not built: python3 -m lab up --thanos")
    return found[-1]


def thanos(version: str) -> Path:
    return built(f"thanos-v{version}")


@contextlib.contextmanager
def minio(folder: Path) -> t.Iterator[str]:
    """A MinIO with its data in a folder, in which a bucket is a folder. :returns: ``host:port``."""
    program = built("minio-*")
    port = support.free_port()
    env = {**os.environ, "MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD, "HOME": str(folder)}
    (folder / "data").mkdir()
    command = [str(program), "server", "--quiet", "--address", f"127.0.0.1:{port}", str(folder / "data")]
    with (folder / "minio.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"MinIO did not start: {(folder / 'minio.log').read_text()[-1000:]}")
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


class Store:
    """Buckets of an object store, and the tools on them.

    :param endpoint: MinIO's; "": buckets are folders (FILESYSTEM), in which a test can put marks that are old.
    :param data: the folder that holds the buckets.
    """

    def __init__(self, endpoint: str, data: Path, version: str, folder: Path) -> None:
        self.endpoint = endpoint
        self.data = data
        self.executable = str(thanos(version))
        self.folder = folder

    def config(self, bucket: str, /, **details: t.Any) -> dict[str, t.Any]:
        """The configuration of a bucket, which is there then."""
        (self.data / bucket).mkdir(exist_ok=True, parents=True)
        if not self.endpoint:
            return {"type": "FILESYSTEM", "config": {"directory": str(self.data / bucket)}}
        config = {"bucket": bucket, "endpoint": self.endpoint, "access_key": USER, "secret_key": PASSWORD}
        return {"type": "S3", "config": {**config, "insecure": True, **details}}

    def file(self, bucket: str, /, **details: t.Any) -> str:
        path = self.folder / f"{bucket}.yml"
        path.write_text(json.dumps(self.config(bucket, **details)))
        return str(path)

    def bucket(self, *args: str, bucket: str = "main") -> str:
        """What a tool of Thanos prints."""
        command, *rest = args
        argv = [self.executable, "tools", "bucket", command, f"--objstore.config-file={self.file(bucket)}", *rest]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def upload(
        self, begin: float, hours: float, labels: t.Mapping[str, str] | None = None, *, bucket: str = "main"
    ) -> list[str]:
        """Blocks of 2 h of one series with a sample a minute from then on. :returns: their ids."""
        made = self.folder / "made"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        first = int(begin)
        lines = [f'some_total{{n="1"}} {when % 1000} {when}' for when in range(first, first + int(hours * HOUR), 60)]
        (made / "in.om").write_text("\n".join(["# TYPE some counter", *lines, "# EOF", ""]))
        promtool = support.binaries("prometheus", "3.5.3") / "promtool"
        command = [
            str(promtool),
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            str(made / "in.om"),
            str(made / "blocks"),
        ]
        subprocess.run(command, check=True, capture_output=True)
        given = [f'--label={key}="{value}"' for key, value in (labels or EU).items()]
        self.bucket("upload-blocks", f"--path={made}/blocks", *given, bucket=bucket)
        return sorted(path.name for path in (made / "blocks").iterdir() if len(path.name) == 26)

    def ids(self, bucket: str = "main", *args: str) -> set[str]:
        return {meta["ulid"] for meta in metas(self.bucket("ls", "--output=json", *args, bucket=bucket))}

    def mark(self, block: str, *, bucket: str = "main", ago: float = 0.0) -> None:
        """Mark a block for deletion, as if that had been so long ago (seconds; in a folder alone)."""
        self.bucket("mark", f"--id={block}", "--marker=deletion-mark.json", "--details=test", bucket=bucket)
        if ago:
            mark = {"id": block, "version": 1, "details": "test", "deletion_time": int(time.time() - ago)}
            (self.data / bucket / block / "deletion-mark.json").write_text(json.dumps(mark))

    def params(self, tool: str, **more: t.Any) -> dict[str, t.Any]:
        """A module's parameters with their defaults."""
        known = {name: spec.get("default") for name, spec in _bucket_tools.SPEC.items()}
        config = {"executable": self.executable, "config_file": self.file("main"), "timeout": 60}
        return {**known, "tool": tool, **config, **more}

    def run(
        self,
        tool: str,
        *,
        apply: bool = True,
        runner: Runner = run,
        now: t.Callable[[], float] = time.time,
        **more: t.Any,
    ) -> dict[str, t.Any]:
        return _bucket_tools.run(self.params(tool, **more), runner, apply=apply, now=now)
