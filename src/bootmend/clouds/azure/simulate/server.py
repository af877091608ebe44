"""HTTP in and out, on localhost."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from bootmend.clouds.azure.simulate.callers import is_own, is_page
from bootmend.clouds.azure.simulate.front import Front, Seen
from bootmend.clouds.azure.simulate.wire import Answer, Call, Dropped
from bootmend.clouds.azure.simulate.world import new_guid

__all__ = ["Seen", "make_server"]

_LARGEST_BODY = 8 << 20


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body leave together: apart, the second waits 40 ms for the answer to the first (RFC 896)."""
    front: Front

    def _serve(self) -> None:
        split = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        if is_page(headers, self.connection.getsockname()[1]):
            self._send(Answer(403))
            return
        call = Call(
            self.command,
            unquote(split.path),
            dict(parse_qsl(split.query, keep_blank_values=True)),
            headers,
            self.rfile.read(length),
            base=f"http://{headers['host']}",
        )
        try:
            answer = self.front.handle(call)
        except Dropped:
            self.close_connection = True
            return
        self._send(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  names of http.server

    def _send(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            answer.headers.setdefault("Content-Type", "application/json; charset=utf-8")
        self.send_response(answer.status)
        self.send_header("x-ms-request-id", new_guid())
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers and answer.status != 204:
            self.send_header("Content-Length", str(len(body) if isinstance(body, bytes) else 0))
        self.end_headers()
        if self.command == "HEAD" or body is None:
            return
        for piece in [body] if isinstance(body, bytes) else body:
            self.wfile.write(piece)

    def handle(self) -> None:
        if not is_own(self.request.getsockname(), self.client_address):
            return
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client went away

    def log_message(self, *_: object) -> None:
        """Nothing: a line of the log would hold the signatures of links."""


def make_server(front: Front, port: int) -> ThreadingHTTPServer:
    """Listens on localhost only; port 0 finds a free one."""

    class Handler(_Handler):
        pass

    Handler.front = front
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server
