"""Mirror and webhook receiver over real HTTP on loopback."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lab import services


@contextmanager
def serving(server: services.Server) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@pytest.fixture
def webhooks() -> Iterator[int]:
    ticks = count(100)
    store = services.Notifications(clock=lambda: float(next(ticks)))
    with serving(services.webhook_server(("127.0.0.1", 0), store)) as port:
        yield port


def notifications(port: int, query: str = "") -> Any:
    status, body = ask(port, "GET", f"/notifications{query}")
    assert status == 200
    return json.loads(body)


def test_records_filters_and_clears(webhooks: int) -> None:
    assert ask(webhooks, "GET", "/healthz")[0] == 200
    assert notifications(webhooks) == []
    assert ask(webhooks, "POST", "/webhook/team-a", b'{"n": 1}')[0] == 200
    assert ask(webhooks, "POST", "/webhook/team%20b", b'{"n": 2}')[0] == 200
    assert notifications(webhooks) == [
        {"receiver": "team-a", "time": 100.0, "body": {"n": 1}},
        {"receiver": "team b", "time": 101.0, "body": {"n": 2}},
    ]
    assert [n["body"]["n"] for n in notifications(webhooks, "?receiver=team-a")] == [1]
    assert notifications(webhooks, "?receiver=nobody") == []
    assert json.loads(ask(webhooks, "DELETE", "/notifications")[1]) == {"cleared": 2}
    assert notifications(webhooks) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/webhook/x", b"not json", 400),
        ("POST", "/webhook/", b"{}", 404),
        ("POST", "/other", b"{}", 404),
        ("GET", "/webhook/x", None, 404),
        ("DELETE", "/", None, 404),
    ],
)
def test_refused(webhooks: int, method: str, path: str, body: bytes | None, status: int) -> None:
    assert ask(webhooks, method, path, body)[0] == status
    assert notifications(webhooks) == []


def test_none_is_lost_among_many_senders(webhooks: int) -> None:
    with ThreadPoolExecutor(max_workers=16) as pool:
        done = list(pool.map(lambda n: ask(webhooks, "POST", "/webhook/x", str(n).encode())[0], range(100)))
    assert done == [200] * 100
    assert sorted(n["body"] for n in notifications(webhooks)) == list(range(100))


def test_mirror_is_static_and_read_only(tmp_path: Path) -> None:
    (tmp_path / "mirror" / "a").mkdir(parents=True)
    (tmp_path / "mirror" / "a" / "x.tar.gz").write_bytes(b"data")
    (tmp_path / "secret").write_text("no")
    with serving(services.mirror_server(("127.0.0.1", 0), str(tmp_path / "mirror"))) as port:
        assert ask(port, "GET", "/a/x.tar.gz") == (200, b"data")
        assert ask(port, "GET", "/missing")[0] == 404
        assert ask(port, "GET", "/../secret")[0] == 404
        assert ask(port, "PUT", "/a/x.tar.gz", b"other")[0] == 501
        assert ask(port, "DELETE", "/a/x.tar.gz")[0] == 501
    assert (tmp_path / "mirror" / "a" / "x.tar.gz").read_bytes() == b"data"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A key by the machine's openssl, and its modulus."""
    path = tmp_path_factory.mktemp("keys") / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
    shown = subprocess.run(["openssl", "rsa", "-in", path, "-noout", "-modulus"], check=True, capture_output=True)
    return path, int(shown.stdout.decode().partition("=")[2], 16)


def assertion(key: Path, text: bytes = b'{"iss": "thanos@lab"}') -> str:
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg": "RS256"}', text))
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed, check=True, capture_output=True)
    return (signed + b"." + base64.urlsafe_b64encode(done.stdout).rstrip(b"=")).decode()


def token(port: int, what: str) -> tuple[int, Any]:
    status, body = ask(port, "POST", "/token", urllib.parse.urlencode({"assertion": what}).encode())
    return status, json.loads(body)


def test_a_token_is_for_whoever_has_the_key(keys: tuple[Path, int]) -> None:
    key, modulus = keys
    good = assertion(key)
    with serving(services.token_server(("127.0.0.1", 0), modulus)) as port:
        status, granted = token(port, good)
        assert (status, granted["token_type"]) == (200, "Bearer")
        for bad in (good.replace("eyJ", "eyK", 1), good[:-8] + "AAAAAAAA", "no.jwt.at-all", ""):
            assert token(port, bad) == (
                400,
                {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
            )
