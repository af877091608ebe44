"""Files that Windows keeps compressed behind a reparse point (CompactOS, "WOF").

The plain $DATA is a hole; the stream WofCompressedData holds a table of chunk ends (one fewer than
there are chunks; 4 bytes each, 8 from 4 GiB on), then the chunks. A chunk as long as its plain form
is stored, not compressed. XPRESS and LZX are decoded by libwim.
Format: [MS-FSCC] 2.1.2.15 and WOF_EXTERNAL_INFO / FILE_PROVIDER_EXTERNAL_INFO in the Windows SDK.
"""

from __future__ import annotations

from array import array
from functools import cache
from itertools import pairwise

from bootmend.binary import View
from bootmend.errors import ParseError, Refused
from bootmend.libwim import LZX, XPRESS, Decompressor
from bootmend.texts import say
from bootmend.volumes.ntfs.stream import Stream
from bootmend.volumes.volume import File

TAG = 0x80000017
STREAM = "WofCompressedData"
_WIM, _FILE = 1, 2
"""Providers."""
ALGORITHMS = {0: (XPRESS, 4096), 1: (LZX, 32768), 2: (XPRESS, 8192), 3: (XPRESS, 16384)}
"""Algorithm of the reparse point -> (libwim's number, chunk in bytes)."""
WIDE = 1 << 32
MAX_SIZE = 1 << 40
READ_AT_ONCE = 1 << 20


def algorithm_of(reparse: View, what: str) -> int:
    """The algorithm a WOF reparse point names; a file that lives in a WIM archive is refused."""
    version, provider = reparse.u32(8, "WOF version"), reparse.u32(12, "WOF provider")
    if version == 1 and provider == _WIM:
        raise Refused(say("ntfs.wim_backed", path=what), say("ntfs.wim_backed_next"))
    algorithm = reparse.u32(20, "WOF algorithm")
    if version != 1 or provider != _FILE or reparse.u32(16, "version of the file provider") != 1:
        raise reparse.fail(8, "WOF version 1, provider 1 or 2", f"version {version}, provider {provider}")
    if algorithm not in ALGORITHMS:
        raise reparse.fail(20, "a compression algorithm 0 to 3", str(algorithm))
    return algorithm


class WofFile(File):
    """The plain content of `packed`, `size` bytes; decodes only the chunks that are asked for."""

    def __init__(self, packed: Stream, size: int, algorithm: int) -> None:
        self._packed = packed
        self.size = size
        self._what = packed.what
        if not 0 <= size <= MAX_SIZE:
            raise ParseError(self._what, 0, f"a plain size up to {MAX_SIZE}", str(size))
        kind, self._chunk = ALGORITHMS[algorithm]
        self._decoder = _decoder(kind, self._chunk)
        self._chunks = -(-size // self._chunk)
        self._width = 8 if size >= WIDE else 4
        self._table = max(0, self._chunks - 1) * self._width
        if self._table > packed.size:
            raise ParseError(self._what, 0, f"a table of {self._chunks - 1} chunk ends", f"{packed.size} bytes")

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if offset < 0 or offset >= end:
            return b""
        first, last = offset // self._chunk, (end - 1) // self._chunk
        step = max(1, READ_AT_ONCE // self._chunk)
        plain = bytearray()
        for start in range(first, last + 1, step):
            self._decode(start, min(last + 1, start + step), plain)
        begin = offset - first * self._chunk
        return bytes(memoryview(plain)[begin : begin + end - offset])

    def _decode(self, start: int, stop: int, into: bytearray) -> None:
        """Appends the plain chunks `start` to `stop`."""
        bounds = self._bounds(start, stop)
        base = self._table + bounds[0]
        packed = self._packed.read(base, bounds[-1] - bounds[0])
        for number in range(start, stop):
            low, high = bounds[number - start] - bounds[0], bounds[number - start + 1] - bounds[0]
            plain = min(self._chunk, self.size - number * self._chunk)
            if high - low == plain:
                into += packed[low:high]
            else:
                decoded = self._decoder.decode(packed[low:high], plain)
                if decoded is None:
                    raise ParseError(self._what, base + low, f"a compressed chunk of {plain} plain bytes")
                into += decoded

    def _bounds(self, start: int, stop: int) -> list[int]:
        """Where chunks `start` to `stop` begin, and where the last of them ends, from the end of the table."""
        low = max(0, start - 1)
        ends = array("I" if self._width == 4 else "Q")
        ends.frombytes(self._packed.read(low * self._width, (min(stop, self._chunks - 1) - low) * self._width))
        bounds = ([0] if start == 0 else []) + list(ends)
        if stop == self._chunks:
            bounds.append(self._packed.size - self._table)
        room = self._packed.size - self._table
        for at, (one, next_one) in enumerate(pairwise(bounds)):
            if not one < next_one <= room or next_one - one > self._chunk:
                where = (low + at) * self._width
                raise ParseError(self._what, where, f"a chunk of 1 to {self._chunk} bytes", f"{one} to {next_one}")
        return bounds


@cache
def _decoder(kind: int, chunk: int) -> Decompressor:
    return Decompressor(kind, chunk)
