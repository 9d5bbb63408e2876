# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that stands in for components which do not run yet, so that peers can prove the way to their ports.

It answers only who knows the run's nonce. It ends as soon as every expected peer has said goodbye, when `end` asks it
to, or at its deadline; it runs as nobody where it is started by root. It is found by an abstract socket (unix(7)), so
it leaves no file behind.

What is spoken on TCP, a line each: ``<nonce> <peer>``, ``<answer>``, ``bye``, ``heard tcp udp``; on UDP one datagram
each way, the first and the second of these.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import selectors
import signal
import socket
import struct
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _foreign
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

PREFIX = "prometheus_ha_preflight_"
_LONGEST = 512  # bytes of a line: a nonce and a host's name
_SILENCE = 5.0  # seconds a stranger may stay connected without a word
_END_TIMEOUT = 2.0  # seconds that a listener has to end when asked; one that hangs ends at its deadline (SIGALRM)
_LONGEST_REPLY = 4 << 20  # bytes; a thousand peers of two ports with the longest names are less than 1 MB

Place = t.Tuple[str, int, str]  # address, port, protocol


def answer(nonce: str, peer: str) -> str:
    """What proves to a peer that this listener heard it, and not something that merely echoes."""
    return hashlib.sha256(f"{nonce} {peer}".encode()).hexdigest()


def bound(address: str, port: int, protocol: str) -> socket.socket:
    """A socket on the address that a component will listen on. :raises OSError: when it can't be had."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    family, kind, number, _name, place = socket.getaddrinfo(
        address.strip("[]") or None, port, type=kind, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, number)
    try:
        if protocol == "tcp":
            # As Go does: connections that were closed a moment ago must not block the port. Not for UDP, where two
            # could then share a port.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and place[0] == "::":
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.setblocking(False)
        made.bind(place)
        if protocol == "tcp":
            made.listen(1024)
    except OSError:
        made.close()
        raise
    return made


class Listener:
    """The loop of the process; ``heard`` is by port (as text, for JSON) and peer: which protocols."""

    def __init__(
        self,
        sockets: t.Mapping[Place, socket.socket],
        control: socket.socket,
        nonce: str,
        expected: t.Mapping[int, t.Collection[str]],
    ) -> None:
        self.heard: dict[str, dict[str, list[str]]] = {}
        self._nonce = nonce
        self._missing = {(port, peer) for port, peers in expected.items() for peer in peers}
        self._sockets = dict(sockets)
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._clients: dict[socket.socket, tuple[int, bytes, str, float]] = {}  # port, unread, peer, since
        self._leaving: set[socket.socket] = set()
        self._selector.register(control, selectors.EVENT_READ, self._asked_to_end)
        self._ended = False
        for (_address, port, protocol), made in sockets.items():
            handler = self._connected if protocol == "tcp" else self._datagram
            self._selector.register(made, selectors.EVENT_READ, lambda of, port=port, run=handler: run(of, port))

    def run(self, seconds: float, clock: t.Callable[[], float] = time.monotonic) -> None:
        """Until everybody was heard, somebody asks for the end, or the time is over."""
        deadline = clock() + seconds
        while self._missing and not self._ended and clock() < deadline:
            for key, _events in self._selector.select(min(1.0, max(deadline - clock(), 0.0))):
                with contextlib.suppress(OSError):  # of one peer: it connects again
                    key.data(key.fileobj)
            for client in [client for client, known in self._clients.items() if not known[2]]:
                if clock() - self._clients[client][3] > _SILENCE:
                    self._drop(client)

    def close(self) -> None:
        for made in (*self._clients, *self._sockets.values(), self._control):
            made.close()

    def _note(self, port: int, peer: str, protocol: str) -> None:
        known = self.heard.setdefault(str(port), {}).setdefault(peer, [])
        if protocol not in known:
            known.append(protocol)

    def _peer(self, line: bytes) -> str:
        """Who speaks; empty for anybody without the nonce."""
        words = line.decode("utf-8", "replace").split()
        return words[1] if len(words) == 2 and words[0] == self._nonce else ""

    def _datagram(self, made: socket.socket, port: int) -> None:
        data, sender = made.recvfrom(_LONGEST)
        peer = self._peer(data)
        if peer:
            self._note(port, peer, "udp")
            made.sendto(answer(self._nonce, peer).encode(), sender)

    def _connected(self, made: socket.socket, port: int) -> None:
        client, _address = made.accept()
        client.settimeout(1.0)
        self._clients[client] = (port, b"", "", time.monotonic())
        self._selector.register(client, selectors.EVENT_READ, self._spoken)

    def _drop(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._clients[client]
        client.close()

    def _spoken(self, client: socket.socket) -> None:
        port, unread, peer, since = self._clients[client]
        try:
            data = client.recv(_LONGEST)
        except OSError:
            data = b""
        *lines, unread = (unread + data).split(b"\n")
        if not data or len(unread) > _LONGEST:
            self._drop(client)
            if client in self._leaving:
                self._leaving.remove(client)
                self._missing.discard((port, peer))
            return
        for line in lines:
            if peer and line == b"bye":
                client.sendall(f"heard {' '.join(self.heard[str(port)][peer])}\n".encode())
                # The peer closes first: who does keeps the connection in TIME_WAIT, and the port not quite free.
                self._leaving.add(client)
                return
            peer = peer or self._peer(line)
            if not peer:
                self._drop(client)
                return
            self._note(port, peer, "tcp")
            client.sendall(f"{answer(self._nonce, peer)}\n".encode())
        self._clients[client] = (port, unread, peer, since)

    def _asked_to_end(self, control: socket.socket) -> None:
        asker, _address = control.accept()
        with asker:
            _pid, uid, _gid = struct.unpack("3i", asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if uid not in (0, os.geteuid()):
                return
            self._ended = True
            self.close()  # before the reply: who has it may use the ports
            asker.settimeout(1.0)
            asker.sendall(json.dumps(self.heard).encode())


def _name(nonce: str, host: str = "") -> str:
    """What a run's listeners are found by: of all hosts of an inventory that are one machine, or of one."""
    return "_".join(
        [PREFIX + hashlib.sha256(nonce.encode()).hexdigest()[:16], *([answer(host, "")[:8]] if host else [])]
    )


def start(
    sockets: t.Mapping[Place, socket.socket],
    nonce: str,
    host: str,
    expected: t.Mapping[int, t.Collection[str]],
    seconds: float,
) -> int:
    """Leave a process with these bound sockets behind. Returns its pid once it listens.

    :param host: whom it stands in for; one of a name at a time.
    :param expected: by port, the peers after whom it ends.
    :param seconds: the latest end.
    :raises HAError: when it does not come up.
    """
    ready, told = os.pipe()
    child = os.fork()
    if child:
        os.close(told)
        for made in sockets.values():
            made.close()
        os.waitpid(child, 0)
        with os.fdopen(ready, "rb") as pipe:
            said = pipe.read(32)
        if not said.isdigit():
            raise HAError("the stand-in for the ports did not start", where="preflight", do="Run again.")
        return int(said)
    try:  # never back into the module: two of it would answer
        os.setsid()
        if os.fork() == 0:
            os.close(ready)
            _serve(sockets, nonce, host, expected, seconds, told)
    finally:
        os._exit(0)


def _serve(
    sockets: t.Mapping[Place, socket.socket],
    nonce: str,
    host: str,
    expected: t.Mapping[int, t.Collection[str]],
    seconds: float,
    told: int,
) -> None:
    # Whatever happens to the loop: SIGALRM ends the process a little after its deadline.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.alarm(int(seconds) + 5)
    _detach({told, *(made.fileno() for made in sockets.values())})
    _drop_root()
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.bind("\0" + _name(nonce, host))
    control.listen(8)
    listener = Listener(sockets, control, nonce, expected)
    os.write(told, str(os.getpid()).encode())
    os.close(told)
    listener.run(seconds)


def _nobody() -> tuple[int, int]:
    """The user and group that a listener runs as; by number, as the kernel has it, where there is no such name."""
    try:
        known = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534  # /proc/sys/kernel/overflowuid, overflowgid
    return known.pw_uid, known.pw_gid


def _drop_root() -> None:
    """Root never listens for strangers. :raises OSError: when it can't be given up: nothing is started then."""
    if os.geteuid() != 0:
        return
    user, group = _nobody()
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if 0 in (*os.getresuid(), *os.getresgid()):
        raise PermissionError("the user nobody is root")


def _detach(kept: t.Collection[int]) -> None:
    """Let go of the folder and of all open files: SSH waits until nobody holds its pipes."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _trusted() -> set[int]:
    """The users whose word counts: anybody may bind a name that begins as ours."""
    return {0, os.geteuid(), _nobody()[0]}


def _reply(asker: socket.socket, deadline: float) -> bytes:
    """All that is said until the other side closes. :raises OSError: too late. :raises ValueError: too much."""
    data = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("no end of the reply")
        asker.settimeout(left)
        part = asker.recv(65536)
        if not part:
            return data
        data += part
        if len(data) > _LONGEST_REPLY:
            raise ValueError("no listener says so much")


def _end(name: str) -> dict[str, t.Any] | None:
    """End a listener; what it has heard, or None where there is none of ours."""
    deadline = time.monotonic() + _END_TIMEOUT
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.settimeout(_END_TIMEOUT)
        try:
            asker.connect("\0" + name)
            _pid, uid, _gid = struct.unpack("3i", asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if uid not in _trusted():
                return None
            heard = json.loads(_reply(asker, deadline))
        except (OSError, ValueError, RecursionError):  # most likely it was about to end by itself
            return None
    return heard if isinstance(heard, dict) else None


def end(nonce: str, host: str) -> dict[str, t.Any] | None:
    """End this run's listener of a host: what it has heard by port and peer; None where it has ended itself."""
    return _end(_name(nonce, host))


def _found(proc: str) -> dict[str, str]:
    """What may be listeners: the inodes of their sockets by name (proc(5), /proc/net/unix)."""
    with open(os.path.join(proc, "net/unix"), encoding="utf-8", errors="replace") as file:
        sockets = [line.split() for line in file if f" @{PREFIX}" in line]
    return {fields[7][1:]: fields[6] for fields in sockets if len(fields) == 8}


def end_leftovers(nonce: str = "", proc: str = "/proc") -> int:
    """End the listeners of other runs, which were cut off; how many there were.

    :param nonce: this run's, where it may have listeners itself by now.
    """
    others = sorted(name for name in _found(proc) if not nonce or not name.startswith(_name(nonce)))
    return sum(1 for name in others if _end(name) is not None)


def leftovers(proc: str = "/proc") -> set[int]:
    """The processes that `end_leftovers` would end, for who may change nothing."""
    holders = {owner.pid for owner in _foreign.owners(set(_found(proc).values()), proc).values()}
    return {pid for pid in holders if _user(pid, proc) in _trusted()}


def _user(pid: int, proc: str) -> int:
    """Whose process it is; its folder's owner is root where it gave root up. -1: it ended meanwhile."""
    with contextlib.suppress(OSError), open(os.path.join(proc, str(pid), "status"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("Uid:"):
                return int(line.split()[2])
    return -1
