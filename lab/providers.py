"""Object stores of other providers: fake-gcs-server and azurite, and what their clients need to trust them.

Azure's client builds ``https://<account>.<endpoint>``, so azurite has a certificate for that name, which the lab's
network knows as the services container's. Google's wants a token even from an emulator: the services container grants
one to whoever signs with the key of the service account that is made here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import cache, golang, npm
from lab.run import run

ACCOUNT, DOMAIN = "devstoreaccount1", "blob.lab"
AZURE_NAME = f"{ACCOUNT}.{DOMAIN}"
AZURE_PORT, GCS_PORT, TOKEN_PORT = 10000, 4443, 8095


@dataclass(frozen=True)
class Providers:
    """What the services container gets.

    :ivar mounts: by path in the container, files and folders of the machine.
    """

    mounts: Mapping[str, Path]

    @property
    def options(self) -> list[str]:
        """Arguments of ``docker run``."""
        volumes = [word for target, source in self.mounts.items() for word in ("--volume", f"{source}:{target}:ro")]
        return [*volumes, "--network-alias", AZURE_NAME]


def _certificate(folder: Path) -> None:
    """For azurite, its own CA: ca.pem is what clients trust."""
    name, key = folder / "ca.pem", folder / "azurite.key"
    if name.is_file() and key.is_file():
        return
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN={DOMAIN}"]
    run([*command, "-addext", f"subjectAltName=DNS:{AZURE_NAME}", "-keyout", str(key), "-out", str(name)])


def _service_account(folder: Path, name: str) -> str:
    """A service account's key file as Google's console gives it; the modulus of its key."""
    path = folder / name
    if not path.is_file():
        key = run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).stdout
        account = {
            "type": "service_account",
            "project_id": "lab",
            "private_key_id": "lab",
            "private_key": key,
            "client_email": "thanos@lab",
            "client_id": "1",
            "token_uri": f"http://services:{TOKEN_PORT}/token",
        }
        cache.write_atomic(path, json.dumps(account, indent=2).encode(), mode=0o600)
    key = json.loads(path.read_text())["private_key"]
    return run(["openssl", "rsa", "-noout", "-modulus"], stdin=key).stdout.strip().partition("=")[2]


def ensure() -> Providers:
    """Programs and keys in the cache, made where they are missing.

    ``stranger.json`` is a service account whose key the lab does not know: for tests of a refusal.
    """
    gcs = golang.ensure(golang.FAKE_GCS)
    azurite = npm.ensure(npm.AZURITE)
    folder = cache.folder("providers")
    with cache.lock("providers"):
        _certificate(folder)
        modulus = _service_account(folder, "service-account.json")
        _service_account(folder, "stranger.json")
        cache.write_atomic(folder / "modulus", f"{modulus}\n".encode())
    mounts = {
        "/lab/fake-gcs-server": gcs,
        "/lab/node": npm.node(),
        "/lab/azurite": azurite,
        "/lab/providers": folder,
    }
    return Providers(mounts)
