"""Reading what the engine says, and telling processes apart."""

from __future__ import annotations

import json
import os

from lab import containers, engine, status


def test_parse_inspect() -> None:
    text = json.dumps(
        [
            {
                "Name": "/pha-dev-eu-1",
                "State": {"Running": True},
                "Config": {"Labels": {containers.LABEL: "dev", containers.SPEC_LABEL: "abc"}},
                "NetworkSettings": {"Networks": {"pha-dev": {"IPAddress": "172.30.93.11"}}},
            },
            {
                "Name": "/pha-dev-eu-2",
                "State": {"Running": False},
                "Config": {"Labels": None},
                "NetworkSettings": {
                    "Networks": {"pha-dev": {"IPAMConfig": {"IPv4Address": "172.30.93.12"}, "IPAddress": ""}}
                },
            },
        ]
    )
    assert containers.parse_inspect(text) == [
        containers.Container("pha-dev-eu-1", True, "abc", "172.30.93.11"),
        containers.Container("pha-dev-eu-2", False, "", "172.30.93.12"),
    ]


def test_start_time_tells_processes_apart() -> None:
    own = engine.start_time(os.getpid())
    assert own is not None
    assert own == engine.start_time(os.getpid())
    assert engine.start_time(2**22 + 1) is None


def test_status_table() -> None:
    unit = {"state": "active", "url": "http://172.30.93.11:9090/"}
    text = status.table(
        {
            "name": "dev",
            "subnet": "172.30.93.0/24",
            "controller": "172.30.93.1",
            "mirror_url": "http://172.30.93.2:8080",
            "webhook_url": "http://172.30.93.2:8090",
            "services": "running",
            "hosts": [
                {"host": "eu-1", "address": "172.30.93.11", "state": "running", "units": {"prometheus": unit}},
                {"host": "eu-2", "address": "172.30.93.12", "state": "missing", "units": {}},
            ],
        }
    )
    assert "active http://172.30.93.11:9090/" in text
    assert text.splitlines()[-1].split() == ["eu-2", "172.30.93.12", "missing", "-", "-", "-"]
