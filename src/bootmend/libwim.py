"""Decompression of Microsoft's XPRESS, LZX and LZMS by libwim: blocks of bytes in, plain bytes out.

libwim is a C library on hostile input: a block is given to it with both lengths, and it never
writes more than the plain length it is told.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_int, c_size_t, c_void_p
from ctypes.util import find_library
from functools import cache

from bootmend.errors import InputError, Unequipped
from bootmend.texts import say

XPRESS, LZX, LZMS = 1, 2, 3
"""libwim's numbers (enum wimlib_compression_type)."""


class Decompressor:
    """One algorithm, for plain blocks of at most `block` bytes."""

    def __init__(self, algorithm: int, block: int) -> None:
        self._library = load_libwim()
        self._out = ctypes.create_string_buffer(block)
        self._handle = c_void_p()
        status = self._library.wimlib_create_decompressor(algorithm, block, byref(self._handle))
        if status:
            raise InputError(
                f"libwim: no decompressor for algorithm {algorithm}, blocks of {block} bytes: error {status}"
            )

    def decode(self, packed: bytes, size: int) -> bytes | None:
        """`packed` as `size` plain bytes; None where it is not sound."""
        if size > len(self._out):
            return None
        if self._library.wimlib_decompress(packed, len(packed), self._out, size, self._handle):
            return None
        return self._out.raw[:size]

    def __del__(self) -> None:
        if self._handle:
            self._library.wimlib_free_decompressor(self._handle)


@cache
def load_libwim() -> ctypes.CDLL:
    """The library itself; Unequipped, with the line that installs it, where it is missing."""
    for name in ("libwim.so.15", find_library("wim")):
        if not name:
            continue
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.wimlib_create_decompressor.argtypes = [c_int, c_size_t, c_void_p]
        library.wimlib_create_decompressor.restype = c_int
        library.wimlib_decompress.argtypes = [c_void_p, c_size_t, c_void_p, c_size_t, c_void_p]
        library.wimlib_decompress.restype = c_int
        library.wimlib_free_decompressor.argtypes = [c_void_p]
        return library
    raise Unequipped(say("ntfs.no_libwim"))
