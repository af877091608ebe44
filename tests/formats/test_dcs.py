"""WinSxS\\Backup files: blocks of LZMS, made here with libwim's compressor; damage is told with its offset."""

from __future__ import annotations

import ctypes
import random
import struct

import pytest

from bootmend.errors import ParseError
from bootmend.formats.dcs import MAGIC, expand_dcs, is_dcs
from bootmend.libwim import LZMS, load_libwim


def squeezed(plain: bytes) -> bytes:
    """One LZMS block by libwim."""
    library = load_libwim()
    library.wimlib_create_compressor.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_uint, ctypes.c_void_p]
    library.wimlib_compress.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
    ]
    library.wimlib_compress.restype = ctypes.c_size_t
    handle = ctypes.c_void_p()
    assert library.wimlib_create_compressor(LZMS, len(plain), 50, ctypes.byref(handle)) == 0
    out = ctypes.create_string_buffer(len(plain))
    length = library.wimlib_compress(plain, len(plain), out, len(plain), handle)
    library.wimlib_free_compressor.argtypes = [ctypes.c_void_p]
    library.wimlib_free_compressor(handle)
    assert 0 < length < len(plain)
    return out.raw[:length]


def dcs(blocks: list[bytes]) -> bytes:
    packed = b"".join(
        struct.pack("<II", len(data) + 4, len(plain)) + data for plain, data in ((b, squeezed(b)) for b in blocks)
    )
    return MAGIC + struct.pack("<II", len(blocks), sum(map(len, blocks))) + packed


def some_text(seed: int, size: int) -> bytes:
    rng = random.Random(seed)
    words = [bytes(rng.choices(range(97, 123), k=rng.randrange(2, 9))) for _ in range(200)]
    return b" ".join(rng.choices(words, k=size // 4))[:size]


@pytest.mark.parametrize("sizes", [[5000], [70_000, 70_000, 1234], [300_000]])
def test_blocks_come_back_plain(sizes: list[int]) -> None:
    blocks = [some_text(number, size) for number, size in enumerate(sizes)]
    data = dcs(blocks)
    assert is_dcs(data)
    assert expand_dcs(data, "x") == b"".join(blocks)


def test_a_stored_block_is_taken_as_it_is() -> None:
    data = MAGIC + struct.pack("<IIII", 1, 5, 9, 5) + b"plain"
    assert expand_dcs(data, "x") == b"plain"


@pytest.mark.parametrize("cut", [8, 13, 100, 900])
def test_a_cut_file_is_an_error_with_its_offset(cut: int) -> None:
    with pytest.raises(ParseError, match=r"^x: at offset"):
        expand_dcs(dcs([some_text(1, 5000)])[:cut], "x")


def test_sizes_that_cannot_be_are_refused_before_memory_is_taken() -> None:
    for head in (struct.pack("<II", 1, 0xFFFFFFFF), struct.pack("<II", 0xFFFFFFFF, 16)):
        with pytest.raises(ParseError):
            expand_dcs(MAGIC + head + bytes(64), "x")


def test_damage_gives_an_error_or_other_bytes_never_a_crash() -> None:
    data = dcs([some_text(3, 20_000)])
    rng = random.Random(7)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[rng.randrange(4, len(data))] ^= 1 << rng.randrange(8)
        try:
            expand_dcs(bytes(damaged), "x")
        except ParseError:
            continue
