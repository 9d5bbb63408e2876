# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one HTTP client against real servers on loopback, plain and TLS."""

from __future__ import annotations

import base64
import contextlib
import http.server
import ipaddress
import ssl
import threading
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import (
    HttpClient,
    HttpOptions,
    HttpUnreachableError,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = int(self.path.strip("/") or 200)
        body = self.headers.get("Authorization", "nobody").encode()
        self.send_response(status)
        self.send_header("X-Test", "yes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["Content-Type"].encode() + b" " + body)

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002 - the base class names it so
        pass


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> t.Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Authority:
    """A CA of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        self.file = folder / "ca.pem"
        own = self._sign(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None))
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: t.Any) -> x509.Certificate:
        now = datetime.now(timezone.utc)
        builder = x509.CertificateBuilder(self.name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for a DNS name or an address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(name))]
        except ValueError:
            names = [x509.DNSName(name)]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key, x509.SubjectAlternativeName(names))
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths

    def server(self, name: str, *, clients: bool = False) -> ssl.SSLContext:
        certificate, key = self.issue(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients:
            context.load_verify_locations(self.file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.mark.parametrize("status", [200, 404, 500, 503])
def test_every_status_is_an_answer(status: int) -> None:
    with serving() as port:
        answer = HttpClient().get(f"http://127.0.0.1:{port}/{status}")
    assert (answer.status, answer.headers["x-test"], answer.text) == (status, "yes", "nobody")


def test_post_and_credentials() -> None:
    options = HttpOptions.from_params({"username": "u", "password": "p:w", "timeout": 5.0, "ca_file": None})
    with serving() as port:
        posted = HttpClient().request("POST", f"http://127.0.0.1:{port}/", b"{}")
        asked = HttpClient(options).get(f"http://127.0.0.1:{port}/")
    assert posted.text == "application/json {}"
    assert asked.text == "Basic " + base64.b64encode(b"u:p:w").decode()


def test_never_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with serving() as port:
        assert HttpClient().get(f"http://127.0.0.1:{port}/").status == 200


def test_no_answer_is_an_error_of_its_own() -> None:
    with pytest.raises(HttpUnreachableError, match=r"GET http://127.0.0.1:1/: no answer") as caught:
        HttpClient().get("http://127.0.0.1:1/")
    assert "refused" in caught.value.said


def test_what_is_not_json_is_told() -> None:
    with serving() as port, pytest.raises(HAError, match="not JSON: 'nobody'"):
        HttpClient().get(f"http://127.0.0.1:{port}/").json()


@pytest.mark.parametrize(
    ("certificate", "options", "says"),
    [
        pytest.param("127.0.0.1", {}, "", id="the address"),
        pytest.param("prom.example", {"server_name": "prom.example"}, "", id="the name it must hold"),
        pytest.param("prom.example", {}, "not valid for '127.0.0.1'", id="another name"),
        pytest.param("prom.example", {"server_name": "other.example"}, "other.example", id="not the wanted name"),
        pytest.param("127.0.0.1", {"ca_file": None}, "self-signed|unable to get local issuer", id="another CA"),
    ],
)
def test_certificates(tmp_path: Path, certificate: str, options: dict[str, t.Any], says: str) -> None:
    authority = Authority(tmp_path)
    client = HttpClient(HttpOptions.from_params({"ca_file": str(authority.file), **options}))
    with serving(authority.server(certificate)) as port:
        if not says:
            assert client.get(f"https://127.0.0.1:{port}/").status == 200
            return
        with pytest.raises(HttpUnreachableError) as caught:
            client.get(f"https://127.0.0.1:{port}/")
    assert any(part in caught.value.said for part in says.split("|")), caught.value.said


def test_client_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("scraper.example")
    with serving(authority.server("127.0.0.1", clients=True)) as port:
        url = f"https://127.0.0.1:{port}/"
        known = HttpOptions(ca_file=str(authority.file), cert_file=str(certificate), key_file=str(key))
        assert HttpClient(known).get(url).status == 200
        with pytest.raises(HttpUnreachableError):
            HttpClient(HttpOptions(ca_file=str(authority.file))).get(url)


def test_a_missing_certificate_file_is_no_traceback() -> None:
    with pytest.raises(HttpUnreachableError, match="no answer"):
        HttpClient(HttpOptions(ca_file="/nonexistent/ca.pem")).get("https://127.0.0.1:1/")
