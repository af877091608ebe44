"""An HTTP server of one disk in memory or in a file: plain, or a page blob as Azure's, with faults on demand.

It proves our use of HTTP, not a vendor's behaviour. What it does as a page blob is taken from Microsoft's
REST documentation of Get Blob, Get Page Ranges, Put Page and Put Page From URL.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

Fault = Callable[["Handler"], bool]
"""Does its mischief and says whether that was the whole answer."""

SECRET = "s3cr3tSignature%2Bkept%3D"
SAS = f"sv=2021-08-06&sr=b&se=2999-01-01T00%3A00%3A00Z&sp=rw&sig={SECRET}"


class DiskServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, content: bytes | Path, *, page_blob: bool = False, latency: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.disk = bytearray(content) if isinstance(content, bytes) else bytearray()
        self.file = os.open(content, os.O_RDONLY) if isinstance(content, Path) else None
        self.written: dict[int, bytes] = {}
        """Sectors that were written over those of the file, which stays as it is."""
        self.page_blob = page_blob
        self.latency = latency
        self.version = 1
        self.etag: Callable[[], str] = lambda: f'"0x{self.version:X}"'
        self.faults: deque[Fault] = deque()
        """Each takes one request; Put Page and the page list included."""
        self.always: Fault | None = None
        self.seen: list[tuple[str, str, str]] = []
        """Method, query's `comp`, range."""
        self.headers_seen: list[dict[str, str]] = []
        self.lock = threading.Lock()

    @property
    def size(self) -> int:
        return os.fstat(self.file).st_size if self.file is not None else len(self.disk)

    def bytes_at(self, start: int, length: int) -> bytes:
        if self.file is None:
            return bytes(self.disk[start : start + length])
        data = bytearray(os.pread(self.file, length, start))
        for at in range(start - start % 512, start + length, 512) if self.written else ():
            low, high = max(at, start), min(at + 512, start + length)
            if at in self.written:
                data[low - start : high - start] = self.written[at][low - at : high - at]
        return bytes(data)

    def put(self, start: int, data: bytes) -> None:
        with self.lock:
            self.version += 1
            if self.file is None:
                self.disk[start : start + len(data)] = data
            else:
                self.written.update((start + at, data[at : at + 512]) for at in range(0, len(data), 512))

    def used(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Ranges in use: of a file what its file system keeps, of memory whatever is not zeros."""
        if self.file is None:
            yield from ((at, at + 512) for at in range(start, end, 512) if any(self.disk[at : at + 512]))
            return
        places = [(at, at + 512) for at in self.written if start <= at < end]
        while start < end:
            try:
                low = os.lseek(self.file, start, os.SEEK_DATA)
            except OSError:
                break
            start = min(os.lseek(self.file, low, os.SEEK_HOLE), end)
            places += [(low, start)] if low < end else []
        yield from sorted(places)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/disks/os%20disk.vhd"

    @property
    def signed(self) -> str:
        return f"{self.url}?{SAS}"

    @property
    def kinds(self) -> Counter[str]:
        return Counter(f"{method} {comp}".strip() for method, comp, _ in self.seen)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what some tests are about."""

    def server_close(self) -> None:
        super().server_close()
        if self.file is not None:
            os.close(self.file)


@contextmanager
def serving(
    content: bytes | Path, *, page_blob: bool = False, latency: float = 0.0, tls: ssl.SSLContext | None = None
) -> Iterator[DiskServer]:
    server = DiskServer(content, page_blob=page_blob, latency=latency)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: DiskServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the tests look at `seen`."""

    def do_GET(self) -> None:
        if self._begin():
            return
        if self.query.get("comp") == ["pagelist"]:
            self._page_list()
            return
        self.give(*self.asked())

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        """What a client asks a proxy for, which this is not."""
        if not self._begin():
            self.say(501)

    def do_PUT(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self._begin():
            return
        if self.headers.get("If-Match", self.server.etag()) != self.server.etag():
            self.say(412, {"x-ms-error-code": "ConditionNotMet"})
            return
        if "x-ms-copy-source" in self.headers:
            self.body = _fetched(self.headers["x-ms-copy-source"], self.headers["x-ms-source-range"])
        self.put()
        self.say(201, {"ETag": self.server.etag()})

    def put(self) -> None:
        start, end = self._span(self.headers["x-ms-range"])
        assert self.server.page_blob and start % 512 == 0 and end % 512 == 0 and end - start <= 4 << 20
        assert self.headers["x-ms-page-write"] == "update" and len(self.body) == end - start
        self.server.put(start, self.body)

    def _begin(self) -> bool:
        """Notes the request, waits as the network would, plays the next fault; True if that was the answer."""
        server = self.server
        self.query = parse_qs(urlsplit(self.path).query)
        asked = self.headers.get("Range") or self.headers.get("x-ms-range") or ""
        with server.lock:
            server.seen.append((self.command, self.query.get("comp", [""])[0], asked))
            server.headers_seen.append(dict(self.headers))
            fault = server.faults.popleft() if server.faults else server.always
        time.sleep(server.latency)
        return fault is not None and fault(self)

    def _span(self, text: str) -> tuple[int, int]:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", text)
        assert match is not None, text
        return int(match[1]), int(match[2]) + 1

    def asked(self) -> tuple[int, int]:
        if "Range" not in self.headers:
            return 0, self.server.size
        start, end = self._span(self.headers["Range"])
        return start, min(end, self.server.size)

    def give(self, start: int, end: int, other: dict[str, str] | None = None) -> bool:
        """A range, or all where no range was asked for; `other` headers on top. Always True."""
        server = self.server
        if self.headers.get("If-Match", server.etag()) != server.etag():
            self.say(412, {"x-ms-error-code": "ConditionNotMet"})
            return True
        headers = {"ETag": server.etag(), "Content-Range": f"bytes {start}-{end - 1}/{server.size}", **(other or {})}
        if server.page_blob:
            headers["x-ms-blob-type"] = "PageBlob"
        if start >= end:
            self.say(416, {"Content-Range": f"bytes */{server.size}"})
        elif "Range" in self.headers:
            self.say(206, headers, server.bytes_at(start, end - start))
        else:
            headers.pop("Content-Range")
            self.say(200, headers, server.bytes_at(start, end - start))
        return True

    def say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _page_list(self) -> None:
        start, end = self._span(self.headers["x-ms-range"])
        if not self.server.page_blob:
            self.say(400, {"x-ms-error-code": "InvalidQueryParameterValue"})
            return
        at = int(self.query.get("marker", [str(start)])[0])
        most = int(self.query["maxresults"][0])
        found: list[tuple[int, int]] = []
        marker = ""
        for low, high in self.server.used(at, end):
            if found and found[-1][1] >= low:
                found[-1] = (found[-1][0], max(found[-1][1], high))
            elif len(found) == most:
                marker = str(low)
                break
            else:
                found.append((low, high))
        ranges = "".join(f"<PageRange><Start>{a}</Start><End>{b - 1}</End></PageRange>" for a, b in found)
        listed = f'<?xml version="1.0" encoding="utf-8"?><PageList>{ranges}<NextMarker>{marker}</NextMarker></PageList>'
        self.say(200, {"ETag": self.server.etag()}, listed.encode())


def _fetched(url: str, span: str) -> bytes:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = HTTPConnection(parts.hostname, parts.port)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Range": span})
    body = connection.getresponse().read()
    connection.close()
    return body


# Faults.


def status(code: int, **headers: str) -> Fault:
    def fault(handler: Handler) -> bool:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.say(code, told, b"<Error/>")
        return True

    return fault


def reset(handler: Handler) -> bool:
    """The connection ends without an answer, the hard way."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.close_connection = True
    handler.connection.close()
    return True


def truncated(handler: Handler) -> bool:
    """Half of the body, and the connection ends."""
    start, end = handler.asked()
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{handler.server.size}")
    handler.send_header("ETag", handler.server.etag())
    handler.send_header("Content-Length", str(end - start))
    handler.end_headers()
    handler.wfile.write(handler.server.bytes_at(start, (end - start) // 2))
    handler.wfile.flush()
    handler.close_connection = True
    return True


def shifted(handler: Handler) -> bool:
    """Other bytes than those asked for, and it says so."""
    start, end = handler.asked()
    return handler.give(start + 512, end)


def mislabelled(handler: Handler) -> bool:
    """Fewer bytes than asked for, in good order."""
    start, end = handler.asked()
    return handler.give(start, end - 512)


def all_of_it(handler: Handler) -> bool:
    """A server that has never heard of ranges."""
    handler.say(200, {"ETag": handler.server.etag()}, handler.server.bytes_at(0, handler.server.size))
    return True


def written_first(handler: Handler) -> bool:
    """The write is done, its answer lost."""
    handler.put()
    return reset(handler)


def trickling(handler: Handler) -> bool:
    """A byte now and then, for ever."""
    handler.send_response(206)
    try:
        for _ in range(10_000):
            handler.wfile.write(b"X-A: b\r\n")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass
    handler.close_connection = True
    return True


def moved(location: str, code: int = 302) -> Fault:
    return status(code, Location=location)
