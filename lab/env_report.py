"""One line that says which source each thing of the lab came from."""

from __future__ import annotations

from lab import engine, image
from lab.run import run


def line() -> str:
    """The sources, as taken on this machine."""
    version = engine.version()
    if version is None:
        where = "none runs"
    else:
        client = run(["docker", "version", "--format", "{{.Client.Version}}"], check=False)
        origin = "started by the lab" if engine.own_pid() else "was running"
        where = f"docker {version} ({origin}; client {client.stdout.strip()})"
    return (
        f"sources: engine={where} | image={image.NAME} by debootstrap {image.SUITE} from the "
        "machine's Debian mirror (no pull tried) | releases=repacked Debian packages "
        "(upstream not asked: their checksums are pinned)"
    )
