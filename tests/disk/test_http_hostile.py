"""A server that sends anything at all: an answer of ours in bounded time and memory, never a traceback."""

from __future__ import annotations

import random
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from contracts.block_device import SIZE, pattern

from bootmend.disk import connections
from bootmend.disk.client import Patience
from bootmend.disk.http import BLOCK, HttpDisk
from bootmend.errors import BootmendError

MOST = (1 << 63) - 1
ONCE = Patience(tries=1, first_wait=0.0)


@contextmanager
def speaking(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A server that says whatever `answer` makes of a request's head, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                with near, suppress(OSError):
                    head = b""
                    while not head.endswith(b"\r\n\r\n"):
                        head += near.recv(4096)
                    near.sendall(answer(head))

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/disk?sig=hidden"
    finally:
        listener.close()


def sound(head: bytes) -> bytes:
    """What a good server says to a request for a range."""
    asked = next((line[13:] for line in head.split(b"\r\n") if line.startswith(b"Range: bytes=")), b"0-511")
    low, high = (int(number) for number in asked.split(b"-"))
    body = pattern()[low : high + 1]
    told = f"bytes {low}-{low + len(body) - 1}/{SIZE}"
    lines = ["HTTP/1.1 206 Partial Content", 'ETag: "1"', f"Content-Range: {told}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_the_sound_answer_is_read() -> None:
    with speaking(sound) as url, HttpDisk(url, patience=ONCE) as disk:
        assert disk.read(0, SIZE) == pattern()


def test_damaged_answers_are_errors_or_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SILENCE", 1.0)
    dice = random.Random(6)

    def damaged(head: bytes) -> bytes:
        answer = bytearray(sound(head))
        border = answer.index(b"\r\n\r\n")
        for _ in range(dice.randrange(4)):
            at = dice.randrange(border)
            kind = dice.randrange(4)
            if kind == 0:
                answer[at] = dice.randrange(256)
            elif kind == 1:
                del answer[at : at + dice.randrange(1, 30)]
            elif kind == 2:
                answer[at:at] = dice.randbytes(dice.randrange(1, 30))
            else:
                answer[at:at] = dice.choice((b"\r\n", b"\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"-", b"9" * 40))
        return bytes(answer)

    read = 0
    with speaking(damaged) as url:
        for _ in range(300):
            with suppress(BootmendError), HttpDisk(url, patience=ONCE) as disk:
                if disk.size == SIZE and disk.read(0, SIZE) == pattern():
                    read += 1
    assert read > 20  # not all damage hurts


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 100_000,
        b"HTTP/1.1 206 \r\n" + b"A: b\r\n" * 5000,
        b"HTTP/1.1 206 \r\nA: " + b"b" * 200_000,
        b"HTTP/1.1 100 \r\n\r\n" * 1000,
        b"HTTP/1.1 206 \r\nContent-Range: bytes 0-65535/%d\r\nContent-Length: %d\r\n\r\n" % (MOST, MOST),
        b"HTTP/1.1 206 \r\nContent-Length: -1\r\n\r\nabc",
        b"HTTP/1.1 206 \r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nabc",
        b"HTTP/1.1 206 \r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"HTTP/1.1 500 \r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 500_000,
        b"HTTP/1.1 429 \r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 \r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 \r\nLocation: //[\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 \r\nLocation: https://" + b"\xff" * 300 + b"/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 206 \r\nContent-Range: bytes 0-0/99999999999999999999999999\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 206 \r\nContent-Range: bytes */0\r\nContent-Length: 0\r\n\r\n",
        b"ICY 206 OK\r\n\r\n",
    ],
)
def test_strange_answers_are_one_sentence(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SILENCE", 1.0)
    tracemalloc.start()
    try:
        with speaking(lambda _: answer) as url, pytest.raises(BootmendError) as caught:
            HttpDisk(url, patience=Patience(tries=2, first_wait=0.0))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert "hidden" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_disk_as_large_as_a_number_can_say() -> None:
    """The size is the server's word: nothing is made as large as it says."""

    def vast(_: bytes) -> bytes:
        told = f"Content-Range: bytes 0-{BLOCK - 1}/{MOST}\r\nContent-Length: {BLOCK}"
        return f"HTTP/1.1 206 \r\n{told}\r\n\r\n".encode() + bytes(BLOCK)

    tracemalloc.start()
    try:
        with speaking(vast) as url, HttpDisk(url, patience=ONCE) as disk:
            assert disk.size == MOST
            disk.prefetch([(0, disk.size)])
            with pytest.raises(BootmendError):
                disk.read(disk.size - 512, 512)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
