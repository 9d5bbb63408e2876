# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a dial says of a peer that answers, that does not, and that is somebody else."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _preflight_dial as dial
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support


def target(
    port: int, *protocols: str, by: str = "component", address: str = "127.0.0.1", label: str = ""
) -> dial.Target:
    return dial.Target("x", address, port, protocols, by, label)


def reach(one: dial.Target, timeout: float = 0.6) -> dial.Reached:
    return dial.Dialler("nonce", "me", timeout).one(one)


@contextlib.contextmanager
def served(kind: int, answer: t.Callable[[socket.socket], None] | None = None) -> t.Iterator[int]:
    """A port of loopback; ``answer`` is run on the socket until it is closed."""
    with socket.socket(socket.AF_INET, kind) as made:
        made.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            made.listen()
        thread = threading.Thread(target=_quietly, args=(answer, made), daemon=True)
        if answer:
            thread.start()
        yield made.getsockname()[1]
        made.shutdown(socket.SHUT_RDWR) if kind == socket.SOCK_STREAM else made.close()
    if answer:
        thread.join(1)


def _quietly(answer: t.Callable[[socket.socket], None], made: socket.socket) -> None:
    made.settimeout(2)
    with contextlib.suppress(OSError):
        while True:
            answer(made)


def echo_stream(made: socket.socket) -> None:
    client, _address = made.accept()
    with client:
        client.settimeout(2)
        client.sendall(client.recv(1000))


def echo_datagram(made: socket.socket) -> None:
    data, sender = made.recvfrom(1000)
    made.sendto(data, sender)


def test_a_component_that_holds_its_port_is_proved_by_the_connection() -> None:
    with served(socket.SOCK_STREAM) as port:
        assert reach(target(port, "tcp")).outcome == {"tcp": "ok"}


def test_an_echo_is_not_the_stand_in() -> None:
    with served(socket.SOCK_STREAM, echo_stream) as port:
        assert reach(target(port, "tcp", by="listener")).outcome == {"tcp": "stranger"}
    with served(socket.SOCK_DGRAM, echo_datagram) as port:
        assert reach(target(port, "udp", by="listener")).outcome == {"udp": "timeout"}


def test_nobody_listens() -> None:
    with served(socket.SOCK_STREAM) as port:
        pass
    found = reach(target(port, "tcp", "udp"))
    assert found.outcome == {"tcp": "refused", "udp": "refused"}
    assert found.said["tcp"] == "Connection refused"


def test_a_name_that_does_not_resolve() -> None:
    found = reach(target(9094, "tcp", "udp", address="nobody.invalid"))
    assert found.outcome == {"tcp": "unresolved", "udp": "unresolved"}


def test_silence() -> None:
    with served(socket.SOCK_DGRAM) as port:
        assert reach(target(port, "udp")).outcome == {"udp": "timeout"}


def test_no_way_there() -> None:
    found = reach(target(9094, "tcp", address="255.255.255.255"))
    assert found.outcome["tcp"] in ("unreachable", "refused")


@pytest.mark.parametrize(
    "error, wanted",
    [
        (OSError(errno.ECONNREFUSED, "x"), "refused"),
        (OSError(errno.ECONNRESET, "x"), "refused"),
        (OSError(errno.ENETUNREACH, "x"), "unreachable"),
        (OSError(errno.EHOSTUNREACH, "x"), "unreachable"),
        (OSError(errno.ETIMEDOUT, "x"), "timeout"),
        (socket.timeout("timed out"), "timeout"),
        (socket.gaierror(-2, "Name or service not known"), "unresolved"),
    ],
)
def test_errors_in_words(error: OSError, wanted: str) -> None:
    assert dial._why(error) == wanted


def test_many_peers_in_their_order() -> None:
    with served(socket.SOCK_STREAM) as port:
        targets = [dial.Target(str(number), "127.0.0.1", port, ("tcp",), "component") for number in range(50)]
        found = dial.Dialler("nonce", "me", 1.0).all(targets)
    assert [one.id for one in found] == [str(number) for number in range(50)]
    assert {one.outcome["tcp"] for one in found} == {"ok"}
    assert dial.Dialler("nonce", "me", 1.0).all([]) == []


@pytest.mark.parametrize("label, head", [("", b""), ("default-main", b"\xf4\x0cdefault-main")])
def test_the_ping_of_memberlist(label: str, head: bytes) -> None:
    """Byte by byte: the label's header, the message's type, a msgpack map of SeqNo and Node."""
    body = b"\x00" + b"\x82" + b"\xa5SeqNo" + b"\xce" + b"\x00\x01\x00\x07" + b"\xa4Node" + b"\xa0"
    assert dial.gossip_ping(label, 65543) == head + body


@pytest.mark.parametrize("version", [support.ALERTMANAGER[0], support.ALERTMANAGER[-1]])
def test_a_real_alertmanager_acknowledges_it(tmp_path: Path, version: str) -> None:
    config = tmp_path / "etc" / "alertmanager.yml"
    config.parent.mkdir()
    config.write_text("route: {receiver: a}\nreceivers: [{name: a}]\n")
    port = support.free_port()
    with support.alertmanager(version, config, f"127.0.0.1:{port}", "--cluster.label=main") as running:
        assert reach(target(port, "tcp", "udp", label="main"), 5.0).outcome == {"tcp": "ok", "udp": "ok"}
        assert reach(target(port, "tcp", "udp", label="other")).outcome == {"tcp": "ok", "udp": "timeout"}
        assert "level=ERROR" not in running.log.read_text()


def test_an_acknowledged_ping_proves_udp() -> None:
    def acknowledge(made: socket.socket) -> None:
        data, sender = made.recvfrom(1000)
        at = data.index(b"\xce") + 1
        made.sendto(b"\x02\x82\xa5SeqNo\xce" + data[at : at + 4] + b"\xa7Payload\xa0", sender)

    def acknowledge_another(made: socket.socket) -> None:
        _data, sender = made.recvfrom(1000)
        made.sendto(b"\x02\x82\xa5SeqNo\xce" + struct.pack(">I", 65536) + b"\xa7Payload\xa0", sender)

    with served(socket.SOCK_DGRAM, acknowledge) as port:
        assert reach(target(port, "udp", label="main")).outcome == {"udp": "ok"}
    with served(socket.SOCK_DGRAM, acknowledge_another) as port:
        assert reach(target(port, "udp", label="main")).outcome == {"udp": "timeout"}
