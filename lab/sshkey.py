"""The key pair by which the controller reaches the lab's hosts."""

from __future__ import annotations

from pathlib import Path

from lab import cache
from lab.run import run


def private_key() -> Path:
    """Where the private key lies."""
    return cache.folder("ssh") / "id_ed25519"


def ensure() -> str:
    """Make the key pair once; return the public key."""
    path = private_key()
    public = path.with_suffix(".pub")
    with cache.lock("ssh"):
        path.parent.chmod(0o700)
        if not (path.is_file() and public.is_file()):
            path.unlink(missing_ok=True)
            public.unlink(missing_ok=True)
            comment = "prometheus_ha lab"
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return public.read_text().strip()


def options() -> list[str]:
    """Arguments of ssh: the hosts are made anew all the time, keys are not kept."""
    return [
        *("-i", str(private_key())),
        *("-o", "StrictHostKeyChecking=no"),
        *("-o", "UserKnownHostsFile=/dev/null"),
        *("-o", "LogLevel=ERROR"),
    ]
