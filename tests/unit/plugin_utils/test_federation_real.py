# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source behind TLS and a password, federated by a real Prometheus with the rendered job."""

from __future__ import annotations

import datetime
import ipaddress
import json
import subprocess
import time
import typing as t
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import binaries, free_port, prometheus
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VERSION = "3.5.3"
#: Of Prometheus' documentation of basic authentication: bcrypt of "test".
HASHED = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"


def certificate(folder: Path) -> None:
    """One that signs itself, for the loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))


def source(folder: Path) -> list[str]:
    """A Prometheus' files: it records one aggregate. :returns: its flags."""
    certificate(folder)
    rules = {"groups": [{"name": "x", "interval": "1s", "rules": [{"record": "cluster:one:sum", "expr": "vector(1)"}]}]}
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"]}))
    web = {
        "tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"},
        "basic_auth_users": {"ops": HASHED},
    }
    (folder / "web.yml").write_text(yaml.safe_dump(web))
    return [f"--web.config.file={folder / 'web.yml'}"]


def ask(url: str, path: str) -> t.Any:
    with urllib.request.urlopen(f"{url}{path}", timeout=5) as answer:
        return json.load(answer)["data"]


@pytest.mark.parametrize("password", ["test", "wrong"])
def test_a_source_behind_tls_and_a_password(tmp_path: Path, password: str) -> None:
    below, above = tmp_path / "below", tmp_path / "above"
    below.mkdir()
    above.mkdir()
    port = free_port()
    entry = {
        "url": f"https://127.0.0.1:{port}",
        "match": ['{__name__=~"cluster:.+"}'],
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "tls_config": {"ca_file": str(below / "cert.pem")},
        "basic_auth": {"username": "ops", "password": password},
    }
    found = support_plan.plan(
        support_plan.prometheus("g-1", prometheus_federate=[entry], prometheus_external_labels={"site": "g"})
    )
    item = support_plan.slice_of(found, "g-1")
    for path, text in support_plan.contents(item).items():
        (above / path).parent.mkdir(parents=True, exist_ok=True)
        (above / path).write_text(text)
    flags = source(below)
    binary = binaries("prometheus", VERSION) / "prometheus"
    command = [str(binary), f"--config.file={below / 'prometheus.yml'}", f"--storage.tsdb.path={below / 'data'}"]
    with subprocess.Popen(
        [*command, f"--web.listen-address=127.0.0.1:{port}", *flags], stderr=subprocess.DEVNULL
    ) as process:
        try:
            with prometheus(VERSION, above / "prometheus.yml") as running:
                query = urllib.parse.urlencode({"query": "cluster:one:sum"})
                deadline = time.monotonic() + 40
                while time.monotonic() < deadline:
                    values = ask(running.url, f"/api/v1/query?{query}")["result"]
                    targets = ask(running.url, "/api/v1/targets?state=active")["activeTargets"]
                    said = "".join(target["lastError"] for target in targets)
                    if values or "401" in said:
                        break
                    time.sleep(0.5)
        finally:
            process.terminate()
    if password == "test":
        assert [one["value"][1] for one in values] == ["1"]
    else:
        assert values == []
        assert "401" in said
