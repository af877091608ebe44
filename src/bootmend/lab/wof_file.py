"""Compresses a file as CompactOS does: an own stream of XPRESS or LZX chunks, a hole, a reparse point."""

from __future__ import annotations

import ctypes
import struct
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_void_p

from bootmend.errors import Misuse
from bootmend.libwim import load_libwim
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.wof import ALGORITHMS, STREAM, TAG, WIDE

_LEVEL = 50
"""libwim's normal effort."""


def compact(volume: NtfsVolume, path: str, algorithm: int = 0) -> None:
    """`algorithm`: 0 XPRESS4K, 1 LZX, 2 XPRESS8K, 3 XPRESS16K; the file must be plain and not empty."""
    data = volume.read(path)
    if not data:
        raise Misuse("an empty file is not compressed")
    volume.add_stream(path, STREAM, pack(data, algorithm))
    volume.make_hole(path, len(data))
    volume.set_reparse(path, struct.pack("<IHHIIII", TAG, 16, 0, 1, 2, 1, algorithm))


def pack(data: bytes, algorithm: int) -> bytes:
    """The stream: where each chunk but the last ends, then the chunks; one that does not shrink is stored."""
    kind, size = ALGORITHMS[algorithm]
    library = load_libwim()
    library.wimlib_create_compressor.argtypes = [c_int, c_size_t, c_uint, c_void_p]
    library.wimlib_compress.argtypes = [c_char_p, c_size_t, c_char_p, c_size_t, c_void_p]
    library.wimlib_compress.restype = c_size_t
    library.wimlib_free_compressor.argtypes = [c_void_p]
    library.wimlib_free_compressor.restype = None
    handle = c_void_p()
    if library.wimlib_create_compressor(kind, size, _LEVEL, byref(handle)):
        raise Misuse(f"libwim has no compressor for algorithm {algorithm}")
    out = ctypes.create_string_buffer(size)
    chunks = []
    for at in range(0, len(data), size):
        chunk = data[at : at + size]
        length = library.wimlib_compress(chunk, len(chunk), out, len(chunk) - 1, handle) if len(chunk) > 1 else 0
        chunks.append(out.raw[:length] if length else chunk)
    library.wimlib_free_compressor(handle)
    width = "Q" if len(data) >= WIDE else "I"
    ends, end = [], 0
    for chunk in chunks[:-1]:
        end += len(chunk)
        ends.append(end)
    return struct.pack(f"<{len(ends)}{width}", *ends) + b"".join(chunks)
