"""A client of one NBD export over a connected socket.

Source: the NBD protocol (NetworkBlockDevice/nbd, doc/proto.md): fixed newstyle handshake,
NBD_OPT_GO, structured replies and the base:allocation context where the server has them.
One request at a time; what the server says that it may not say is a DeviceError. A request that was broken off
before its reply was read would leave the reply to the next one, which may be the putting back of a commit that was
stopped: a signal waits for the reply.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from bootmend.disk.undisturbed import undisturbed
from bootmend.errors import DeviceError

_GREETING = struct.Struct(">8s8sH")
_OPTION = struct.Struct(">8sII")
_OPTION_REPLY = struct.Struct(">QIII")
_REQUEST = struct.Struct(">IHHQQI")
_SIMPLE = struct.Struct(">IIQ")
_CHUNK = struct.Struct(">IHHQI")

_OPTION_REPLY_MAGIC = 0x3E889045565A9
_REQUEST_MAGIC, _SIMPLE_MAGIC, _CHUNK_MAGIC = 0x25609513, 0x67446698, 0x668E33EF
_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_OPT_GO, _OPT_STRUCTURED, _OPT_SET_CONTEXT = 7, 8, 10
_REP_ACK, _REP_INFO, _REP_META_CONTEXT, _REP_ERROR = 1, 3, 4, 1 << 31
_CMD_READ, _CMD_WRITE, _CMD_DISC, _CMD_FLUSH, _CMD_BLOCK_STATUS = 0, 1, 2, 3, 7
_FLAG_READ_ONLY, _FLAG_SEND_FLUSH = 2, 4
_CHUNK_NONE, _CHUNK_DATA, _CHUNK_HOLE, _CHUNK_STATUS, _CHUNK_ERROR = 0, 1, 2, 5, 1 << 15
_DONE = 1
_STATE_ZERO = 2

_MOST_AT_ONCE = 1 << 20
_MOST_REPLY = 1 << 16
"""Bytes of an option reply that we are willing to take."""
_MOST_OPTION_REPLIES = 64


class NbdClient:
    """`size`, `read_only`, and reads and writes that are inside them; a lost server is a DeviceError."""

    def __init__(self, connection: socket.socket, name: str, export: str = "") -> None:
        self._socket = connection
        self._name = name
        self._cookie = 0
        self._flags = 0
        self.size = 0
        self._greet()
        self._structured = self._asks(_OPT_STRUCTURED, b"")
        self._contexts = self._structured and self._asks(_OPT_SET_CONTEXT, _context_query(export))
        if not self._asks(_OPT_GO, struct.pack(">I", len(export)) + export.encode() + struct.pack(">H", 0)):
            raise self._broken("does not offer the export")
        self.read_only = bool(self._flags & _FLAG_READ_ONLY)

    def read(self, offset: int, length: int) -> bytes:
        content = bytearray(length)
        rest = memoryview(content)
        while rest:
            piece = rest[:_MOST_AT_ONCE]
            with undisturbed():
                self._request(_CMD_READ, offset, len(piece))
                if self._structured:
                    self._structured_read(offset, piece)
                else:
                    self._simple_read(piece)
            offset += len(piece)
            rest = rest[len(piece) :]
        return bytes(content)

    def write(self, offset: int, data: bytes) -> None:
        for low in range(0, len(data), _MOST_AT_ONCE):
            piece = data[low : low + _MOST_AT_ONCE]
            with undisturbed():
                self._request(_CMD_WRITE, offset + low, len(piece), piece)
                self._acknowledged()

    def flush(self) -> None:
        if self._flags & _FLAG_SEND_FLUSH:
            with undisturbed():
                self._request(_CMD_FLUSH, 0, 0)
                self._acknowledged()

    def extents(self) -> Iterator[tuple[int, int]]:
        """Half-open ranges that do not read as zeros for sure, ascending; all of it if the server cannot say."""
        at = 0
        while at < self.size:
            if not self._contexts:
                yield (at, self.size)
                return
            with undisturbed():
                self._request(_CMD_BLOCK_STATUS, at, min(self.size - at, 1 << 31))
                told = self._status()
            for length, state in told:
                if not state & _STATE_ZERO:
                    yield (at, min(at + length, self.size))
                at += length

    def disconnect(self) -> None:
        """Says goodbye, if anyone is still there."""
        try:
            self._request(_CMD_DISC, 0, 0)
        except DeviceError:
            pass
        finally:
            self._socket.close()

    def _greet(self) -> None:
        magic, option, flags = _GREETING.unpack(self._receive(_GREETING.size))
        if magic != b"NBDMAGIC" or option != b"IHAVEOPT" or not flags & _FIXED_NEWSTYLE:
            raise self._broken("does not speak fixed newstyle NBD")
        self._send(struct.pack(">I", flags & (_FIXED_NEWSTYLE | _NO_ZEROES)))

    def _asks(self, option: int, data: bytes) -> bool:
        """Whether the server grants an option; what it tells on the way is noted."""
        self._send(_OPTION.pack(b"IHAVEOPT", option, len(data)) + data)
        granted = option != _OPT_SET_CONTEXT  # for a context an ACK alone means "none of these"
        for _ in range(_MOST_OPTION_REPLIES):
            magic, about, kind, length = _OPTION_REPLY.unpack(self._receive(_OPTION_REPLY.size))
            if magic != _OPTION_REPLY_MAGIC or about != option or length > _MOST_REPLY:
                raise self._broken("answers an option with something else")
            body = self._receive(length)
            if kind & _REP_ERROR:
                return False
            if kind == _REP_ACK:
                return granted
            if kind == _REP_META_CONTEXT:
                granted = True
            elif kind == _REP_INFO and length >= 12 and body[:2] == b"\0\0":
                self.size, self._flags = struct.unpack_from(">QH", body, 2)
        raise self._broken("answers an option without end")

    def _request(self, command: int, offset: int, length: int, data: bytes = b"") -> None:
        self._cookie += 1
        self._send(_REQUEST.pack(_REQUEST_MAGIC, 0, command, self._cookie, offset, length) + data)

    def _simple_read(self, into: memoryview) -> None:
        magic, error, cookie = _SIMPLE.unpack(self._receive(_SIMPLE.size))
        if magic != _SIMPLE_MAGIC or cookie != self._cookie:
            raise self._broken("answers with something else")
        if error:
            raise self._broken(f"reports error {error}")
        self._receive_into(into)

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """(kind, length of the body still to be received) of every chunk of a structured reply."""
        failure = ""
        flags = 0
        while not flags & _DONE:
            magic, flags, kind, cookie, length = _CHUNK.unpack(self._receive(_CHUNK.size))
            if magic != _CHUNK_MAGIC or cookie != self._cookie or length > _MOST_AT_ONCE + 8:
                raise self._broken("answers with something else")
            if kind & _CHUNK_ERROR:
                failure = str(int.from_bytes(self._receive(length)[:4], "big"))
            elif kind == _CHUNK_NONE:
                self._receive(length)
            else:
                yield kind, length
        if failure:
            raise self._broken(f"reports error {failure}")

    def _structured_read(self, offset: int, into: memoryview) -> None:
        """Fills `into`, which is zeros, with what the chunks of one reply bring."""
        told = 0
        for kind, size in self._chunks():
            at = int.from_bytes(self._receive(min(size, 8)), "big") - offset
            hole = kind == _CHUNK_HOLE and size == 12
            if not hole and (kind != _CHUNK_DATA or size < 8):
                raise self._broken("answers a read with something else")
            count = int.from_bytes(self._receive(4), "big") if hole else size - 8
            if at < 0 or count <= 0 or at + count > len(into):
                raise self._broken("answers a read with bytes from elsewhere")
            if not hole:
                self._receive_into(into[at : at + count])
            told += count
        if told != len(into):
            raise self._broken(f"gave {told} of {len(into)} bytes")

    def _acknowledged(self) -> None:
        """The answer to a request that carries no data: simple or structured, as the server likes."""
        magic = int.from_bytes(self._receive(4), "big")
        rest = self._receive((_CHUNK.size if magic == _CHUNK_MAGIC else _SIMPLE.size) - 4)
        if magic == _SIMPLE_MAGIC:
            error, cookie = struct.unpack(">IQ", rest)
            length = 0
        else:
            _, kind, cookie, length = struct.unpack(">HHQI", rest)
            body = self._receive(min(length, _MOST_REPLY))
            error = int.from_bytes(body[:4], "big") if kind & _CHUNK_ERROR else 0
        if magic not in (_SIMPLE_MAGIC, _CHUNK_MAGIC) or cookie != self._cookie or length > _MOST_REPLY:
            raise self._broken("answers with something else")
        if error:
            raise self._broken(f"reports error {error}")

    def _status(self) -> list[tuple[int, int]]:
        """(length, state) of the extents that a block status reply describes, at least one of some length."""
        found: list[tuple[int, int]] = []
        for kind, size in self._chunks():
            body = self._receive(size)
            if kind != _CHUNK_STATUS or size < 12 or size % 8 != 4:
                raise self._broken("answers a block status with something else")
            found += struct.iter_unpack(">II", body[4:])
        if not found or any(length == 0 for length, _ in found):
            raise self._broken("describes no extent")
        return found

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._broken(f"is gone: {error}") from error

    def _receive(self, length: int) -> bytes:
        received = bytearray(length)
        self._receive_into(memoryview(received))
        return bytes(received)

    def _receive_into(self, rest: memoryview) -> None:
        while rest:
            try:
                count = self._socket.recv_into(rest)
            except OSError as error:
                raise self._broken(f"is gone: {error}") from error
            if not count:
                raise self._broken("is gone")
            rest = rest[count:]

    def _broken(self, what: str) -> DeviceError:
        return DeviceError(f"{self._name}: the NBD server {what}")


def _context_query(export: str) -> bytes:
    query = b"base:allocation"
    return struct.pack(">I", len(export)) + export.encode() + struct.pack(">II", 1, len(query)) + query
