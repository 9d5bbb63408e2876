"""The lab's services container: release mirror, webhook receiver, and MinIO where it is given.

Runs as one plain script inside the services container (it imports nothing of
the lab). The mirror serves a folder read-only. The receiver keeps each
notification with its time of arrival, which is how drills and the benchmark
count lost and doubled ones. MinIO is a process of its own; /run/minio.pid has
its number, for drills that stop it. A bucket is a folder below its data.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Server(ThreadingHTTPServer):
    """Many hosts fetch or notify at the same moment: a long queue of connections."""

    daemon_threads = True
    request_queue_size = 256


class MirrorHandler(SimpleHTTPRequestHandler):
    """A static tree; GET and HEAD only, since the base class knows no others."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *args: Any) -> None:
        """Keep the container's log short."""


class Notifications:
    """What the receiver got, in order of arrival; safe for many threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._items: list[dict[str, Any]] = []

    def add(self, receiver: str, body: Any) -> None:
        """Record one notification."""
        with self._lock:
            self._items.append({"receiver": receiver, "time": self._clock(), "body": body})

    def get(self, receiver: str | None = None) -> list[dict[str, Any]]:
        """All notifications, or those of one receiver."""
        with self._lock:
            return [i for i in self._items if receiver is None or i["receiver"] == receiver]

    def clear(self) -> int:
        """Forget everything; return how many there were."""
        with self._lock:
            count = len(self._items)
            self._items.clear()
            return count


class WebhookHandler(BaseHTTPRequestHandler):
    """POST /webhook/<name>, GET or DELETE /notifications, GET /healthz."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def __init__(self, store: Notifications, *args: Any) -> None:
        self._store = store
        super().__init__(*args)

    def _answer(self, code: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self) -> None:
        """Health, or what came in."""
        url = urlsplit(self.path)
        if url.path == "/healthz":
            self._answer(200, {"status": "ok"})
        elif url.path == "/notifications":
            receiver = parse_qs(url.query).get("receiver", [None])[0]
            self._answer(200, self._store.get(receiver))
        else:
            self._answer(404, {"error": f"no such path: {url.path}"})

    def do_POST(self) -> None:
        """Record a notification; the sender sees 200 only once it is kept."""
        body = self._body()
        name = unquote(urlsplit(self.path).path).removeprefix("/webhook/")
        if not name or name.startswith("/"):
            self._answer(404, {"error": "POST /webhook/<name>"})
            return
        try:
            value = json.loads(body)
        except ValueError as error:
            self._answer(400, {"error": f"the body is not JSON: {error}"})
            return
        self._store.add(name, value)
        self._answer(200, {"status": "recorded"})

    def do_DELETE(self) -> None:
        """Start afresh."""
        self._body()
        if urlsplit(self.path).path == "/notifications":
            self._answer(200, {"cleared": self._store.clear()})
        else:
            self._answer(404, {"error": "DELETE /notifications"})

    def log_message(self, *args: Any) -> None:
        """Keep the container's log short."""


def mirror_server(address: tuple[str, int], folder: str) -> Server:
    """The mirror's server, not yet serving."""
    return Server(address, partial(MirrorHandler, directory=folder))


def webhook_server(address: tuple[str, int], store: Notifications) -> Server:
    """The receiver's server, not yet serving."""
    return Server(address, partial(WebhookHandler, store))


# Known to everybody who reads this: the store holds nothing but what the lab makes.
MINIO_USER, MINIO_PASSWORD = "lab", "lab-secret-key"
BUCKETS = ("thanos", "copy", "other")


def start_minio(binary: str, data: Path = Path("/srv/minio"), pid: Path = Path("/run/minio.pid")) -> None:
    """Start the object store with its buckets."""
    for bucket in BUCKETS:
        (data / bucket).mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "MINIO_ROOT_USER": MINIO_USER, "MINIO_ROOT_PASSWORD": MINIO_PASSWORD}
    process = subprocess.Popen(
        [binary, "server", "--quiet", "--address", ":9000", str(data)], env=environment, stdin=subprocess.DEVNULL
    )
    pid.write_text(f"{process.pid}\n")


def main() -> int:
    """Serve all until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", required=True, help="the mirror's folder")
    parser.add_argument("--bind", default="0.0.0.0", help="address to listen on")
    parser.add_argument("--mirror-port", type=int, default=8080)
    parser.add_argument("--webhook-port", type=int, default=8090)
    parser.add_argument("--minio", help="the object store's program")
    args = parser.parse_args()
    # As process 1 of a container it would not get the default action of signals.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if args.minio:
        start_minio(args.minio)
    mirror = mirror_server((args.bind, args.mirror_port), args.dir)
    threading.Thread(target=mirror.serve_forever, daemon=True).start()
    with webhook_server((args.bind, args.webhook_port), Notifications()) as webhooks:
        webhooks.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
