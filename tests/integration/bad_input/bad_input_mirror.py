# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release mirror that misbehaves as it is told."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Mapping
from typing import Any


def archive(members: Mapping[str, bytes]) -> bytes:
    """A .tar.gz of executables."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


class Mirror:
    """Serves what it was given, on an ephemeral port. ``cut``: bytes after which every transfer breaks off."""

    def __init__(self, address: str) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut: int | None = None
        self._server = http.server.ThreadingHTTPServer((address, 0), self._handler())
        self.url = f"http://{address}:{self._server.server_port}"

    def publish(self, version: str, content: bytes, *, sums: bool = True) -> str:
        """Put an archive of Prometheus there, with or without the sha256sums.txt that vouches for it; its SHA-256."""
        folder = f"/prometheus/prometheus/releases/download/v{version}"
        name = f"prometheus-{version}.linux-amd64.tar.gz"
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"{folder}/{name}"] = content
        if sums:
            self.files[f"{folder}/sha256sums.txt"] = f"{digest}  {name}\n".encode()
        return digest

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path)
                content = mirror.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write((content or b"")[: mirror.cut])

            def log_message(self, *_args: Any) -> None:
                """Keep quiet."""

        return Handler

    def __enter__(self) -> Mirror:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
