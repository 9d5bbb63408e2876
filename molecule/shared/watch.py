# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is watched, or put in the way, while a playbook runs."""

from __future__ import annotations

import collections
import contextlib
import subprocess
import threading
import typing as t
from pathlib import Path

from ansible_collections.baremetal.prometheus_ha.molecule.shared import outages, prober

R = t.TypeVar("R", bound="Repeated")


class Watch:
    """Asks endpoints every 100 ms in the background whether they serve.

    :param endpoints: name -> (address, port); on 9093 an Alertmanager must have joined its mesh, too.
    """

    def __init__(self, endpoints: t.Mapping[str, tuple[str, int]]) -> None:
        self._samples: dict[str, list[prober.Sample]] = {name: [] for name in endpoints}
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=prober.follow, args=(*endpoint, self._stop, self._samples[name].append), daemon=True
            )
            for name, endpoint in endpoints.items()
        ]

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def down(self, name: str) -> list[outages.Span]:
        """The spans in which it was out of service."""
        return outages.down(self._samples[name])

    def most_down(self, names: t.Iterable[str]) -> int:
        """How many of these were down at the same moment, at most; a quick restart may fit between two samples.

        :raises AssertionError: when one was never looked at.
        """
        names = list(names)
        assert all(self._samples[name] for name in names), "the watch saw nothing"
        spans = [self.down(name) for name in names]
        return max((count for count in range(1, len(names) + 1) if outages.together(spans, count)), default=0)


class Repeated:
    """Looks every 100 ms in the background, from the first to the last line of a with block."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def look(self) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        while not self._stop.wait(prober.INTERVAL):
            self.look()

    def __enter__(self: R) -> R:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


class CommandLines(Repeated):
    """Looks for text in the command line of any process: the lab's hosts share the kernel."""

    def __init__(self, *wanted: str) -> None:
        super().__init__()
        self.seen: collections.Counter[str] = collections.Counter()
        self._wanted = wanted

    def look(self) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().decode(errors="replace")
                self.seen.update(text for text in self._wanted if text in words)


@contextlib.contextmanager
def blocked(network: str, ports: str, *, silently: bool = False) -> t.Iterator[None]:
    """Refuse this machine the way to TCP ports of a network, whatever happens meanwhile.

    :param silently: nothing says so: packets are lost, of connections that there are, too.
    """
    how = ["DROP"] if silently else ["REJECT", "--reject-with", "tcp-reset"]
    rule = ["OUTPUT", "-p", "tcp", "-d", network, "--dport", ports, "-j", *how]
    subprocess.run(["iptables", "-w", "-I", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run(["iptables", "-w", "-D", *rule], check=True)


@contextlib.contextmanager
def cut_off(container: str) -> t.Iterator[None]:
    """No gossip reaches a member or leaves it: rules in its network namespace, in which there is no iptables."""
    inspect = ["docker", "inspect", "--format", "{{.State.Pid}}", container]
    pid = subprocess.run(inspect, check=True, capture_output=True, text=True).stdout.strip()
    inside = ["nsenter", "--target", pid, "--net", "iptables", "-w"]
    rules = [
        [chain, "-p", protocol, side, "9094", "-j", "DROP"]
        for chain in ("INPUT", "OUTPUT")
        for protocol in ("tcp", "udp")
        for side in ("--dport", "--sport")
    ]
    try:
        for rule in rules:
            subprocess.run([*inside, "-A", *rule], check=True)
        yield
    finally:
        for rule in rules:
            subprocess.run([*inside, "-D", *rule], check=False)
