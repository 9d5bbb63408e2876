"""What runs where, as a table or as JSON."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lab import containers, labs, plan


def _units(container: str) -> dict[str, str]:
    _rc, text = containers.execute(container, "systemctl", "is-active", *labs.UNITS)
    return dict(zip(labs.UNITS, text.split(), strict=False))


def _host(host: plan.Host, found: dict[str, containers.Container]) -> dict[str, Any]:
    there = found.get(host.container)
    entry: dict[str, Any] = {"host": host.name, "address": host.address, "units": {}}
    if there is None:
        return {**entry, "state": "missing"}
    if not there.running:
        return {**entry, "state": "stopped"}
    _rc, state = containers.execute(host.container, "systemctl", "is-system-running")
    urls = {unit: f"http://{host.address}:{port}/" for unit, port in labs.PORTS.items()}
    units = {unit: {"state": active, "url": urls[unit]} for unit, active in _units(host.container).items()}
    return {**entry, "state": state, "units": units}


def collect(name: str) -> dict[str, Any]:
    """Ask the engine and the hosts."""
    lab = labs.require_plan(name)
    found = containers.of_lab(name)
    with ThreadPoolExecutor(max_workers=8) as pool:
        hosts = list(pool.map(lambda host: _host(host, found), lab.hosts))
    services = found.get(lab.services_container)
    return {
        "name": name,
        "subnet": lab.subnet,
        "controller": lab.gateway,
        "mirror_url": lab.mirror_url,
        "webhook_url": lab.webhook_url,
        "services": "running" if services and services.running else "not running",
        "hosts": hosts,
    }


def table(status: dict[str, Any]) -> str:
    """The same for people."""
    rows = [["HOST", "ADDRESS", "STATE", *(unit.upper() for unit in labs.UNITS)]]
    for host in status["hosts"]:
        cells = [
            f"{unit['state']} {unit['url']}" if unit["state"] == "active" else unit["state"]
            for unit in (host["units"].get(name, {"state": "-"}) for name in labs.UNITS)
        ]
        rows.append([host["host"], host["address"], host["state"], *cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        f"lab {status['name']}: {status['subnet']}, controller {status['controller']}, services {status['services']}",
        f"mirror {status['mirror_url']}  webhooks {status['webhook_url']}",
    ]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
