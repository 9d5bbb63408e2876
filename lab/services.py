"""The lab's services container: release mirror, webhook receiver, and object stores where they are given.

Runs as one plain script inside the services container (it imports nothing of
the lab). The mirror serves a folder read-only. The receiver keeps each
notification with its time of arrival, which is how drills and the benchmark
count lost and doubled ones. MinIO is a process of its own; /run/minio.pid has
its number, for drills that stop it. A bucket is a folder below its data.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
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


class JsonHandler(BaseHTTPRequestHandler):
    """Answers in JSON."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def _answer(self, code: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, *args: Any) -> None:
        """Keep the container's log short."""


class WebhookHandler(JsonHandler):
    """POST /webhook/<name>, GET or DELETE /notifications, GET /healthz."""

    def __init__(self, store: Notifications, *args: Any) -> None:
        self._store = store
        super().__init__(*args)

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


# The DER of a SHA-256 digest's type, before the digest (RFC 8017, 9.2).
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_EXPONENT = 65537


def is_signed(assertion: str, modulus: int) -> bool:
    """Whether a JWT is signed with the RSA key of that modulus (RS256: RFC 7518, 3.3; RFC 8017, 8.2.2)."""
    signed, _dot, signature = assertion.rpartition(".")
    size = (modulus.bit_length() + 7) // 8
    try:
        number = int.from_bytes(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)), "big")
    except binascii.Error:
        return False
    end = b"\0" + _SHA256 + hashlib.sha256(signed.encode()).digest()
    return pow(number, _EXPONENT, modulus).to_bytes(size, "big") == b"\0\1" + b"\xff" * (size - 2 - len(end)) + end


class TokenHandler(JsonHandler):
    """POST /token, as Google's answers a service account; what it grants opens nothing."""

    def __init__(self, modulus: int, *args: Any) -> None:
        self._modulus = modulus
        super().__init__(*args)

    def do_POST(self) -> None:
        """Grant a token to whoever has the key."""
        assertion = parse_qs(self._body().decode()).get("assertion", [""])[0]
        if is_signed(assertion, self._modulus):
            self._answer(200, {"access_token": "lab", "token_type": "Bearer", "expires_in": 3600})
        else:
            self._answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})


def mirror_server(address: tuple[str, int], folder: str) -> Server:
    """The mirror's server, not yet serving."""
    return Server(address, partial(MirrorHandler, directory=folder))


def webhook_server(address: tuple[str, int], store: Notifications) -> Server:
    """The receiver's server, not yet serving."""
    return Server(address, partial(WebhookHandler, store))


def token_server(address: tuple[str, int], modulus: int) -> Server:
    """The server that grants tokens, not yet serving."""
    return Server(address, partial(TokenHandler, modulus))


# Known to everybody who reads this: the store holds nothing but what the lab makes.
MINIO_USER, MINIO_PASSWORD = "lab", "lab-secret-key"
# As everywhere where none is written; without one, any that a client names would do.
MINIO_REGION = "us-east-1"
BUCKETS = ("thanos", "copy", "other")


def start_minio(binary: str, data: Path = Path("/srv/minio"), pid: Path = Path("/run/minio.pid")) -> None:
    """Start the object store with its buckets."""
    for bucket in BUCKETS:
        (data / bucket).mkdir(parents=True, exist_ok=True)
    account = {"MINIO_ROOT_USER": MINIO_USER, "MINIO_ROOT_PASSWORD": MINIO_PASSWORD}
    environment = {**os.environ, **account, "MINIO_SITE_REGION": MINIO_REGION}
    process = subprocess.Popen(
        [binary, "server", "--quiet", "--address", ":9000", str(data)], env=environment, stdin=subprocess.DEVNULL
    )
    pid.write_text(f"{process.pid}\n")


def start_azurite(folder: Path, port: int) -> None:
    """Start Azure's object store; its account and key are azurite's well-known ones. Clients make their containers."""
    keys = ("--cert", f"{folder}/providers/ca.pem", "--key", f"{folder}/providers/azurite.key")
    place = ("--blobHost", "0.0.0.0", "--blobPort", str(port), "--location", "/srv/azurite")
    program = (f"{folder}/node", f"{folder}/azurite/node_modules/azurite/dist/src/blob/main.js")
    # Thanos' client may speak a newer version of the API than azurite knows.
    subprocess.Popen(
        [*program, *place, *keys, "--skipApiVersionCheck", "--disableTelemetry", "--silent"], stdin=subprocess.DEVNULL
    )


def start_gcs(program: Path, port: int) -> None:
    """Start Google's object store with its buckets, in memory. It answers to the name by which clients ask it."""
    place = ("-scheme", "http", "-port", str(port), "-public-host", f"services:{port}")
    subprocess.Popen([program, "-backend", "memory", "-log-level", "error", *place], stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    for bucket in BUCKETS:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/storage/v1/b",
            json.dumps({"name": bucket}).encode(),
            {"Content-Type": "application/json", "Host": f"services:{port}"},
        )
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=5):
                break
            time.sleep(0.2)


def start_providers(folder: Path, gcs_port: int, azure_port: int, token_port: int) -> None:
    """Start the object stores of other providers, and what grants tokens."""
    modulus = int((folder / "providers/modulus").read_text(), 16)
    tokens = token_server(("0.0.0.0", token_port), modulus)
    threading.Thread(target=tokens.serve_forever, daemon=True).start()
    start_azurite(folder, azure_port)
    start_gcs(folder / "fake-gcs-server", gcs_port)


def main() -> int:
    """Serve all until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", required=True, help="the mirror's folder")
    parser.add_argument("--bind", default="0.0.0.0", help="address to listen on")
    parser.add_argument("--mirror-port", type=int, default=8080)
    parser.add_argument("--webhook-port", type=int, default=8090)
    parser.add_argument("--minio", help="the object store's program")
    text = "ports of other providers' object stores (GCS, Azure) and of what grants tokens; programs are in /lab"
    parser.add_argument("--providers", nargs=3, type=int, metavar="PORT", help=text)
    args = parser.parse_args()
    # As process 1 of a container it would not get the default action of signals.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if args.minio:
        start_minio(args.minio)
    if args.providers:
        start_providers(Path("/lab"), *args.providers)
    mirror = mirror_server((args.bind, args.mirror_port), args.dir)
    threading.Thread(target=mirror.serve_forever, daemon=True).start()
    with webhook_server((args.bind, args.webhook_port), Notifications()) as webhooks:
        webhooks.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
