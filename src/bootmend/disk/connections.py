"""One HTTP exchange at a time, over connections that are kept: TLS always checked, proxies of the environment.

What a server may do to us is bounded: an exchange has a deadline that a trickle of bytes does not move, and
of a body no more is read than the caller is willing to take. Errors are those of `http.client` and `OSError`;
what they mean is `client.py`'s matter.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from bootmend.disk.url import Url
from bootmend.errors import InputError
from bootmend.texts import say

SILENCE = 30.0
"""Seconds without a byte, after which a server counts as gone."""
LONGEST = 60.0
"""Seconds that one exchange may take in all."""
MOST_OF_AN_ERROR = 64 << 10
MOST_IDLE = 16
_STALE = (RemoteDisconnected, ConnectionResetError, BrokenPipeError)
"""How a connection answers that the server has given up since its last use."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    """By name, whatever its case."""
    body: bytes
    whole: bool = True
    """False: the server has more to say than was of use."""


class Connections:
    """Thread-safe; a connection serves one exchange at a time."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int], list[HTTPConnection]] = {}
        self._busy: set[HTTPConnection] = set()
        self._lock = threading.Lock()
        self._closed = False

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Reading all roots takes a while, and not every URL is https. Honours SSL_CERT_FILE and SSL_CERT_DIR."""
        return ssl.create_default_context()

    def exchange(
        self, method: str, url: Url, target: str, headers: Mapping[str, str], body: bytes, most: Mapping[int, int]
    ) -> Answer:
        """`most`: by status, how many bytes of a body are of use; of any other, a start that may tell what is wrong."""
        connection = self._take(url)
        try:
            while True:
                fresh = connection.sock is None
                try:
                    return self._exchange(connection, url, method, target, headers, body, most)
                except _STALE:
                    connection.close()
                    if fresh or method != "GET":
                        raise
        except BaseException:
            self._drop(connection)
            raise

    def _exchange(
        self,
        connection: HTTPConnection,
        url: Url,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        most: Mapping[int, int],
    ) -> Answer:
        deadline = time.monotonic() + LONGEST
        connection.response_class = lambda sock, *rest, **how: HTTPResponse(_Timed(sock, deadline), *rest, **how)  # type: ignore[assignment,arg-type]
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(LONGEST if body else SILENCE)
        connection.request(method, target, body=body or None, headers=dict(headers))
        response = connection.getresponse()
        content, whole = _body(response, most.get(response.status, MOST_OF_AN_ERROR))
        response.close()  # an empty body is not closed by reading it
        if whole and not response.will_close:
            self._give_back(connection, url)
        else:
            self._drop(connection)
        return Answer(response.status, response.headers, content, whole)

    def _take(self, url: Url) -> HTTPConnection:
        with self._lock:
            if self._closed:
                raise HTTPException("closed")
            idle = self._idle.get((url.scheme, url.host, url.port))
            connection = idle.pop() if idle else self._made(url)
            self._busy.add(connection)
            return connection

    def _give_back(self, connection: HTTPConnection, url: Url) -> None:
        with self._lock:
            self._busy.discard(connection)
            idle = self._idle.setdefault((url.scheme, url.host, url.port), [])
            if len(idle) < MOST_IDLE and not self._closed:
                idle.append(connection)
                return
        connection.close()

    def _drop(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    def close(self) -> None:
        """Ends exchanges under way, too."""
        with self._lock:
            self._closed = True
            idle, self._idle = [one for each in self._idle.values() for one in each], {}
            busy = list(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            if connection.sock is not None:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:  # it is closed already
                    continue

    def _made(self, url: Url) -> HTTPConnection:
        proxy = proxy_for(url)
        if not proxy:
            return self._direct(url.scheme, url.host, url.port)
        try:
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            host, port = parts.hostname, parts.port or 8080
        except ValueError:
            host, port, parts = None, 0, urlsplit("")
        if host is None or parts.scheme != "http":
            raise InputError(say("http.proxy"))
        connection = self._direct(url.scheme, host, port)
        connection.set_tunnel(url.host, url.port, _proxy_access(parts.username, parts.password))
        return connection

    def _direct(self, scheme: str, host: str, port: int) -> HTTPConnection:
        if scheme == "https":
            return HTTPSConnection(host, port, timeout=SILENCE, context=self._tls)
        return HTTPConnection(host, port, timeout=SILENCE)


def proxy_for(url: Url) -> str:
    """The proxy that the environment wants for it; plain http goes to this very machine only, where none leads."""
    if url.scheme != "https" or proxy_bypass(url.host):
        return ""
    return getproxies().get("https", "")


def _proxy_access(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    both = f"{unquote(user)}:{unquote(password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(both.encode()).decode()}"}


def _body(response: HTTPResponse, most: int) -> tuple[bytes, bool]:
    """What is of use of the body, and whether that is all of it. IncompleteRead where the server broke off."""
    told = response.length
    room = bytearray(min(most, told) if told is not None else most)
    done = 0
    with memoryview(room) as view:
        while done < len(room) and (count := response.readinto(view[done:])):
            done += count
    if told is not None and done < len(room):
        raise IncompleteRead(b"", told - done)
    # Without a length told, only its end shows that it is as long as it should be.
    whole = told == done if told is not None else done < len(room) or not response.read(1)
    return bytes(room[:done]), whole


class _Timed:
    """A socket whose reads end at a deadline, however the bytes trickle."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._deadline), 1 << 16)


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._under = sock.makefile("rb", buffering=0)  # keeps the socket open for as long as the answer is read
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(min(SILENCE, left))
        return self._under.readinto(buffer)

    def close(self) -> None:
        self._under.close()
        super().close()
