# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in for a component: real processes on loopback, each gone at the end."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _preflight_listen as listen
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._preflight_dial import Dialler, Target


class Stand(t.NamedTuple):
    """A listener on one port of loopback, by TCP and UDP."""

    pid: int
    port: int
    nonce: str

    def dial(self, me: str, nonce: str = "") -> dict[str, str]:
        target = Target("x", "127.0.0.1", self.port, ("tcp", "udp"), "listener")
        return Dialler(nonce or self.nonce, me, 1.0).one(target).outcome

    def is_gone(self) -> bool:
        """Ended (this machine may be slow to reap it), and the port free for others."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if not _lives(self.pid):
                for protocol in ("tcp", "udp"):
                    listen.bound("127.0.0.1", self.port, protocol).close()
                return True
            time.sleep(0.02)
        return False


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.fixture
def stand() -> t.Iterator[t.Callable[..., Stand]]:
    made: list[Stand] = []

    def start(*expected: str, seconds: float = 20.0) -> Stand:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        sockets = {("127.0.0.1", port, name): listen.bound("127.0.0.1", port, name) for name in ("tcp", "udp")}
        nonce = secrets.token_hex(8)
        made.append(Stand(listen.start(sockets, nonce, "me", {port: expected}, seconds), port, nonce))
        return made[-1]

    yield start
    for one in made:
        listen.end(one.nonce, "me")
        assert one.is_gone(), f"process {one.pid} was left behind"


def test_it_ends_by_itself_when_everybody_said_goodbye(stand: t.Callable[..., Stand]) -> None:
    one = stand("a", "b")
    assert one.dial("a") == {"tcp": "ok", "udp": "ok"}
    assert _lives(one.pid)
    assert one.dial("b") == {"tcp": "ok", "udp": "ok"}
    assert one.is_gone()
    with socket.socket() as again:
        again.bind(("127.0.0.1", one.port))  # free also for those who do not set SO_REUSEADDR
    assert listen.end(one.nonce, "me") is None


def test_it_ends_when_asked_and_says_what_it_heard(stand: t.Callable[..., Stand]) -> None:
    one = stand("a", "b")
    one.dial("a")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(f"{one.nonce} b".encode(), ("127.0.0.1", one.port))
        datagram.settimeout(2)
        assert datagram.recv(100) == listen.answer(one.nonce, "b").encode()
    assert listen.end(one.nonce, "me") == {str(one.port): {"a": ["tcp", "udp"], "b": ["udp"]}}
    assert one.is_gone()


def test_it_ends_at_its_deadline(stand: t.Callable[..., Stand]) -> None:
    assert stand("a", seconds=0.3).is_gone()


def test_it_answers_nobody_without_the_nonce(stand: t.Callable[..., Stand]) -> None:
    one = stand("a")
    assert one.dial("a", nonce="wrong") == {"tcp": "stranger", "udp": "timeout"}
    with socket.create_connection(("127.0.0.1", one.port), timeout=2) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(100) == b""
    with socket.create_connection(("127.0.0.1", one.port), timeout=2) as stranger:
        stranger.sendall(b"x" * 2000)
        assert _is_cut_off(stranger)
    assert listen.end(one.nonce, "me") == {}


def _is_cut_off(stream: socket.socket) -> bool:
    try:
        return stream.recv(1) == b""
    except ConnectionResetError:
        return True


def test_who_is_silent_keeps_nobody_waiting(stand: t.Callable[..., Stand]) -> None:
    one = stand("a")
    with socket.create_connection(("127.0.0.1", one.port), timeout=2):
        assert one.dial("a") == {"tcp": "ok", "udp": "ok"}
    assert one.is_gone()


def test_it_is_nobody_and_holds_nothing_of_its_starter(stand: t.Callable[..., Stand], tmp_path: Path) -> None:
    with (tmp_path / "open").open("w"):
        one = stand("a")
        assert str(tmp_path / "open") not in _open_files(one.pid)
    status = Path(f"/proc/{one.pid}/status").read_text()
    if os.geteuid() == 0:
        assert "Uid:\t65534\t65534\t65534\t65534" in status
        assert "Groups:\t \n" in status
    assert os.readlink(f"/proc/{one.pid}/cwd") == "/"
    assert os.getsid(one.pid) != os.getsid(0)


def test_without_a_user_nobody_it_is_still_not_root(
    stand: t.Callable[..., Stand], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_name: str) -> t.NoReturn:
        raise KeyError("nobody")

    monkeypatch.setattr("pwd.getpwnam", unknown)
    status = Path(f"/proc/{stand('a').pid}/status").read_text()
    uid = 65534 if os.geteuid() == 0 else os.geteuid()
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status


@pytest.mark.parametrize("call", ["setgroups", "setgid", "setuid"])
def test_who_can_not_give_up_root_does_not_listen(
    stand: t.Callable[..., Stand], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refused(_value: object) -> t.NoReturn:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, refused if name == call else lambda _value: None)
    with pytest.raises(HAError, match="the stand-in for the ports did not start"):
        stand("a")


def _open_files(pid: int) -> list[str]:
    folder = Path(f"/proc/{pid}/fd")
    return [os.readlink(link) for link in folder.iterdir()]


def test_what_a_run_that_was_cut_off_left_is_ended(stand: t.Callable[..., Stand], tmp_path: Path) -> None:
    one, two, other, current = stand("a"), stand("b"), stand("c"), stand("d")
    (tmp_path / "net").mkdir()
    lines = Path("/proc/net/unix").read_text().splitlines(keepends=True)
    mine = {
        listen._name(one.nonce, "me"),
        listen._name(two.nonce, "me"),
        listen._name(current.nonce, "me"),
    }  # and none of another test that runs meanwhile
    (tmp_path / "net" / "unix").write_text("".join(line for line in lines if mine & {line.rpartition("@")[2].strip()}))
    assert listen.end_leftovers(current.nonce, str(tmp_path)) == 2
    assert one.is_gone()
    assert two.is_gone()
    assert _lives(other.pid)
    assert _lives(current.pid)
    assert listen.end_leftovers(current.nonce, str(tmp_path)) == 0


class Impostor:
    """A socket of a name that begins as ours: anybody on the host can have one."""

    def __init__(self, part: bytes, pause: float) -> None:
        self.name = f"{listen.PREFIX}impostor_{secrets.token_hex(4)}"
        self.asked = 0
        self._over = threading.Event()
        self._part, self._pause = part, pause
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind("\0" + self.name)
        self._socket.listen(5)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self._socket.settimeout(0.05)
        while not self._over.is_set():
            try:
                client, _address = self._socket.accept()
            except TimeoutError:
                continue
            self.asked += 1
            with client, contextlib.suppress(OSError):
                client.sendall(self._part)
                while self._pause and not self._over.wait(self._pause):
                    client.sendall(self._part)

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()


@pytest.mark.parametrize(
    ("part", "pause"),
    [
        pytest.param(b"[" * 300_000, 0.0, id="nested too deep"),
        pytest.param(b" ", 0.05, id="drop by drop without an end"),
        pytest.param(b" " * 1_000_000, 0.0001, id="more than a listener says"),
        pytest.param(b"[1]", 0.0, id="something else"),
        pytest.param(b"{", 0.0, id="no JSON"),
        pytest.param(b"", 60.0, id="nothing at all"),
    ],
)
def test_what_only_claims_to_be_a_listener_neither_fails_nor_hangs_a_run(
    part: bytes, pause: float, tmp_path: Path
) -> None:
    impostor = Impostor(part, pause)
    begun = time.monotonic()
    try:
        assert _ended(tmp_path, impostor.name) == 0
    finally:
        impostor.close()
    assert impostor.asked == 1
    assert time.monotonic() - begun < 5
    assert _lives(os.getpid())


def test_another_users_word_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "_trusted", lambda: {os.geteuid() + 1})
    impostor = Impostor(b'{"9093": {}}', 60.0)
    begun = time.monotonic()
    try:
        assert _ended(tmp_path, impostor.name) == 0
    finally:
        impostor.close()
    assert time.monotonic() - begun < 1  # it is not even listened to


def test_whose_word_counts() -> None:
    assert listen._trusted() == {0, os.geteuid(), 65534}


def _ended(folder: Path, *names: str) -> int:
    """How many leftovers were ended on a host that has these sockets only."""
    (folder / "net").mkdir()
    lines = Path("/proc/net/unix").read_text().splitlines(keepends=True)
    found = [line for line in lines if line.rpartition("@")[2].strip() in names]
    assert len(found) == len(names)
    (folder / "net" / "unix").write_text("".join(found))
    return listen.end_leftovers("another run", str(folder))


def test_an_address_that_is_not_the_hosts() -> None:
    with pytest.raises(OSError, match="Cannot assign requested address"):
        listen.bound("192.0.2.1", 19094, "tcp")


def test_a_port_that_is_taken(stand: t.Callable[..., Stand]) -> None:
    one = stand("a")
    for protocol in ("tcp", "udp"):
        with pytest.raises(OSError, match="Address already in use"):
            listen.bound("127.0.0.1", one.port, protocol)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_ipv6(protocol: str) -> None:
    made = listen.bound("[::1]", 0, protocol)
    assert made.getsockname()[0] == "::1"
    made.close()
