# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks endpoints every 100 ms whether they serve. Runs by itself on a host of its own: the standard library only.

    python3 prober.py FILE NAME=ADDRESS:PORT ...

writes a line ``NAME BEGIN END 0|1`` a sample (seconds since the epoch) until it is ended.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
import typing as t

INTERVAL = 0.1
TIMEOUT = 3.0
ALERTMANAGER = 9093
# When it began, when it ended, and whether the endpoint served.
Sample = t.Tuple[float, float, bool]


def serves(address: str, port: int) -> bool:
    """Whether a replica says that it is ready; on 9093, whether a member has joined its mesh."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/api/v2/status" if port == ALERTMANAGER else "/-/ready")
        answer = connection.getresponse()
        body = answer.read()
        return answer.status == 200 and (port != ALERTMANAGER or json.loads(body)["cluster"]["status"] == "ready")
    except (OSError, http.client.HTTPException, ValueError, LookupError):
        return False
    finally:
        connection.close()


def follow(address: str, port: int, stop: threading.Event, keep: t.Callable[[Sample], object]) -> None:
    """Hand a sample to ``keep`` every 100 ms until told to stop."""
    while not stop.wait(INTERVAL):
        begun = time.time()
        served = serves(address, port)
        keep((begun, time.time(), served))


def line(name: str, sample: Sample) -> str:
    begun, ended, served = sample
    return f"{name} {begun:.3f} {ended:.3f} {served:d}\n"


def parse(text: str) -> dict[str, list[Sample]]:
    """The samples of a file by name, without a last line that is not whole."""
    found: dict[str, list[Sample]] = {}
    for entry in text.splitlines(keepends=True):
        if entry.endswith("\n"):
            name, begun, ended, served = entry.split()
            found.setdefault(name, []).append((float(begun), float(ended), served == "1"))
    return found


def main(path: str, *endpoints: str) -> None:
    with open(path, "w", buffering=1) as file:
        threads = []
        for endpoint in endpoints:
            name, _equals, where = endpoint.partition("=")
            address, _colon, port = where.rpartition(":")

            def keep(sample: Sample, name: str = name) -> None:
                file.write(line(name, sample))

            stop = threading.Event()
            threads.append(threading.Thread(target=follow, args=(address, int(port), stop, keep)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
