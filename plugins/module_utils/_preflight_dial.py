# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a peer's port, proved from this host: by what stands in for the component, or by the component itself."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import errno
import os
import socket
import struct
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._preflight_listen import answer

OK, TIMEOUT, REFUSED, UNREACHABLE, UNRESOLVED, STRANGER = (
    "ok",
    "timeout",
    "refused",
    "unreachable",
    "unresolved",
    "stranger",
)
_AGAIN = 0.25  # seconds until a datagram is sent again: UDP may lose one
_MOST = 32  # peers at a time


@dataclasses.dataclass(frozen=True)
class Target:
    """A port of a peer.

    :param by: ``listener`` (see _preflight_listen), or ``component``: the component's own process answers.
    :param gossip_label: of an Alertmanager that answers itself: its cluster.label.
    """

    id: str
    address: str
    port: int
    protocols: tuple[str, ...]
    by: str
    gossip_label: str = ""


@dataclasses.dataclass(frozen=True)
class Reached:
    """How it went, by protocol: ok, timeout, refused, unreachable, unresolved or stranger; ``said`` in words.

    :param heard: the protocols in which the peer says it was heard, whether its reply came through or not.
    """

    id: str
    outcome: dict[str, str]
    said: dict[str, str]
    heard: list[str]


_REFUSALS = {errno.ECONNREFUSED: REFUSED, errno.ECONNRESET: REFUSED}


def _why(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return UNRESOLVED
    if isinstance(error, socket.timeout) or error.errno == errno.ETIMEDOUT:
        return TIMEOUT
    return _REFUSALS.get(error.errno or 0, UNREACHABLE)


def gossip_ping(label: str, number: int) -> bytes:
    """A ping of hashicorp/memberlist, which Alertmanager gossips with: it is acknowledged to whoever sent it.

    Wire format: net.go (pingMsg is 0, its body msgpack; an empty Node is not compared) and label.go (244, the
    label's length, the label).

    :param number: 65536 to 2**32 - 1; the acknowledgement holds it as it is here.
    """
    head = bytes([244, len(label.encode())]) + label.encode() if label else b""
    return head + b"\x00\x82\xa5SeqNo\xce" + struct.pack(">I", number) + b"\xa4Node\xa0"


class Dialler:
    """Dials for one host; ``timeout`` in seconds is for each protocol."""

    def __init__(self, nonce: str, me: str, timeout: float) -> None:
        self._nonce = nonce
        self._me = me
        self._timeout = timeout

    def all(self, targets: t.Sequence[Target]) -> list[Reached]:
        """Many at once, in the order of the targets."""
        with concurrent.futures.ThreadPoolExecutor(max(1, min(_MOST, len(targets)))) as pool:
            return list(pool.map(self.one, targets))

    def one(self, target: Target) -> Reached:
        reached = Reached(target.id, {}, {}, [])
        with contextlib.ExitStack() as stack:
            stream = None
            if "tcp" in target.protocols:
                try:
                    stream = stack.enter_context(
                        socket.create_connection((target.address, target.port), timeout=self._timeout)
                    )
                    self._greet(stream, target, reached)
                except OSError as error:
                    self._failed(reached, "tcp", error)
            if "udp" in target.protocols:
                try:
                    self._exchange(stream, target, reached)
                except OSError as error:
                    self._failed(reached, "udp", error)
            if stream is not None and reached.outcome["tcp"] == OK and target.by == "listener":
                with contextlib.suppress(OSError):
                    stream.sendall(b"bye\n")
                    reached.heard.extend(self._line(stream).split()[1:])
        return reached

    @staticmethod
    def _failed(reached: Reached, protocol: str, error: OSError) -> None:
        reached.outcome[protocol] = _why(error)
        reached.said[protocol] = str(error.strerror or error)

    def _greet(self, stream: socket.socket, target: Target, reached: Reached) -> None:
        if target.by == "listener":
            stream.sendall(f"{self._nonce} {self._me}\n".encode())
            reached.outcome["tcp"] = OK if self._line(stream) == answer(self._nonce, self._me) else STRANGER
        else:
            reached.outcome["tcp"] = OK

    @staticmethod
    def _line(stream: socket.socket) -> str:
        data = b""
        while not data.endswith(b"\n") and len(data) < 1024:
            part = stream.recv(1024)
            if not part:
                break
            data += part
        return data.decode("utf-8", "replace").strip()

    def _exchange(self, stream: socket.socket | None, target: Target, reached: Reached) -> None:
        """A datagram there and back, sent again until the time is over."""
        if target.by == "listener":
            question, wanted = f"{self._nonce} {self._me}".encode(), answer(self._nonce, self._me).encode()
        else:
            number = int.from_bytes(os.urandom(4), "big") | 0x10000
            question, wanted = gossip_ping(target.gossip_label, number), struct.pack(">I", number)
        if stream is not None:
            family, place = stream.family, stream.getpeername()
        else:
            family, _kind, _number, _name, place = socket.getaddrinfo(
                target.address, target.port, type=socket.SOCK_DGRAM
            )[0]
        deadline = time.monotonic() + self._timeout
        last: OSError | None = None
        with socket.socket(family, socket.SOCK_DGRAM) as made:
            made.settimeout(_AGAIN)
            made.connect(place)
            while time.monotonic() < deadline:
                failed = self._try(made, question, wanted)
                if failed is None:
                    reached.outcome["udp"] = OK
                    return
                last = failed if last is None or not isinstance(failed, socket.timeout) else last
        raise last or socket.timeout("timed out")

    @staticmethod
    def _try(made: socket.socket, question: bytes, wanted: bytes) -> OSError | None:
        """One datagram; None when it was answered. Refused by an ICMP message, others may still come through."""
        try:
            made.send(question)
            return None if wanted in made.recv(2048) else socket.timeout("timed out")
        except socket.timeout as error:
            return error
        except OSError as error:
            time.sleep(_AGAIN)
            return error
