"""The NBD client against servers that lie: every answer it may not take is a DeviceError, and none hangs it."""

from __future__ import annotations

import random
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from ctrl_c import heeding_ctrl_c

from bootmend.disk.nbd import NbdClient
from bootmend.errors import DeviceError

SIZE = 1 << 16
CONTENT = random.Random(4).randbytes(SIZE)


class Server:
    """A small NBD server of our own, on the other end of a socket pair; `change` may falsify what it sends."""

    def __init__(
        self, structured: bool, flags: int = 1 | 4, change: Callable[[bytes], bytes] = lambda sent: sent
    ) -> None:
        self.structured = structured
        self.flags = flags
        self.change = change
        self.data = bytearray(CONTENT)
        self.here, there = socket.socketpair()
        there.settimeout(20)
        self.client_end = there
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def take(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            piece = self.here.recv(count - len(got))
            if not piece:
                raise ConnectionError
            got += piece
        return got

    def send(self, data: bytes) -> None:
        self.here.sendall(self.change(data))

    def serve(self) -> None:
        try:
            self.handshake()
            while self.request():
                pass
        except OSError:
            pass
        finally:
            self.here.close()

    def handshake(self) -> None:
        self.send(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
        self.take(4)
        option = 0
        while option != 7:
            _, option, length = struct.unpack(">8sII", self.take(16))
            self.take(length)
            header = struct.pack(">QI", 0x3E889045565A9, option)
            if option in (8, 10) and not self.structured:
                self.send(header + struct.pack(">II", (1 << 31) + 1, 0))
                continue
            if option == 10:
                self.send(header + struct.pack(">III", 4, 19, 1) + b"base:allocation")
            if option == 7:
                self.send(header + struct.pack(">IIHQH", 3, 12, 0, SIZE, self.flags))
            self.send(header + struct.pack(">II", 1, 0))

    def request(self) -> bool:
        _, _, command, cookie, offset, length = struct.unpack(">IHHQQI", self.take(28))
        if command == 1:
            self.data[offset : offset + length] = self.take(length)
        if command == 2:
            return False
        if command == 7:
            body = struct.pack(">IIIII", 1, 4096, 0, SIZE - 4096, 3)
            self.send(struct.pack(">IHHQI", 0x668E33EF, 1, 5, cookie, len(body)) + body)
        elif command == 0 and self.structured:
            half = length // 2
            for at, end, done in ((offset + half, offset + length, 0), (offset, offset + half, 1)):
                body = struct.pack(">Q", at) + self.data[at:end]
                self.send(struct.pack(">IHHQI", 0x668E33EF, done, 1, cookie, len(body)) + body)
        else:
            self.send(
                struct.pack(">IIQ", 0x67446698, 0, cookie)
                + (self.data[offset : offset + length] if command == 0 else b"")
            )
        return True


@pytest.mark.parametrize("structured", [False, True])
def test_an_honest_server(structured: bool) -> None:
    server = Server(structured)
    client = NbdClient(server.client_end, "test")
    assert (client.size, client.read_only) == (SIZE, False)
    assert client.read(0, SIZE) == CONTENT
    assert client.read(5000, 3001) == CONTENT[5000:8001]
    client.write(100, b"written")
    client.flush()
    assert client.read(90, 30) == CONTENT[90:100] + b"written" + CONTENT[107:120]
    assert list(client.extents()) == ([(0, 4096)] if structured else [(0, SIZE)])
    client.disconnect()
    server.thread.join(10)
    assert not server.thread.is_alive()


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("command", ["read", "write", "flush", "extents"])
def test_ctrl_c_in_the_middle_leaves_no_reply_to_the_next_request(structured: bool, command: str) -> None:
    pressing = False

    def change(sent: bytes) -> bytes:
        if pressing:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return sent

    server = Server(structured, change=change)
    client = NbdClient(server.client_end, "test")
    ask: dict[str, Callable[[], object]] = {
        "read": lambda: client.read(512, 1024),
        "write": lambda: client.write(0, bytes(512)),
        "flush": client.flush,
        "extents": lambda: list(client.extents()),
    }
    with heeding_ctrl_c():
        pressing = structured or command != "extents"  # without its contexts such a server is not asked
        with pytest.raises(KeyboardInterrupt) if pressing else nullcontext():
            ask[command]()
        pressing = False
        assert client.read(4096, 512) == CONTENT[4096:4608]


def test_a_read_only_export() -> None:
    client = NbdClient(Server(True, flags=1 | 2).client_end, "test")
    assert client.read_only
    client.flush()
    client.disconnect()


@pytest.mark.parametrize("structured", [False, True])
def test_a_server_that_lies_is_an_error_and_never_a_hang(structured: bool) -> None:
    """One bit of everything it sends falsified in turn: an error, or the content as it is."""
    dice = random.Random(structured)
    errors = 0
    for turn in range(100):
        sent = 0
        target, bit = dice.randrange(150), dice.randrange(8)

        def change(data: bytes, target: int = target, bit: int = bit) -> bytes:
            nonlocal sent
            at, sent = target - sent, sent + len(data)
            if not 0 <= at < len(data):
                return data
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            return bytes(changed)

        server = Server(structured, change=change)
        server.client_end.settimeout(0.1)
        try:
            client = NbdClient(server.client_end, "test")
            assert len(client.read(0, 100)) == 100
            if client.size < 1 << 24:  # of a size of 2^48 there is no end of extents to tell
                list(client.extents())
        except DeviceError as error:
            assert "test" in str(error)
            errors += 1
        finally:
            server.client_end.close()
            server.thread.join(10)
        assert not server.thread.is_alive(), turn
    assert errors > 30


@pytest.mark.parametrize(
    "greeting", [b"", b"NBDMAGIC", b"NBDMAGIC\0\0\x42\x02\x81\x86\x12\x53" + bytes(140), b"HTTP/1.1 400"]
)
def test_what_is_no_nbd_server(greeting: bytes) -> None:
    here, there = socket.socketpair()
    there.settimeout(5)
    here.sendall(greeting)
    here.close()
    with pytest.raises(DeviceError):
        NbdClient(there, "test")
    there.close()
