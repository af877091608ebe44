"""Marvin32, the hash that guards the entries of transaction logs.

Source: "Windows registry file format specification" (M. Suhanov), Log entries; the algorithm is
described in US patent 8,555,405. Any 32-bit word of the data is one round.
"""

from __future__ import annotations

import struct

SEED = 0x82EF4D887A4E55C5
"""The seed of every log, as an integer: its low half first."""
_CHUNK = 1 << 16
_MASK = 0xFFFFFFFF


def marvin32(data: bytes | memoryview, seed: int = SEED) -> int:
    """The 64-bit hash of `data`."""
    low, high = seed & _MASK, seed >> 32
    whole = len(data) & ~3
    for start in range(0, whole, _CHUNK):
        length = min(_CHUNK, whole - start)
        low, high = _rounds(low, high, struct.unpack_from(f"<{length // 4}I", data, start))
    rest = bytes(data[whole:]) + b"\x80"
    low, high = _rounds(low, high, (int.from_bytes(rest, "little"), 0))
    return high << 32 | low


def _rounds(low: int, high: int, words: tuple[int, ...]) -> tuple[int, int]:
    for word in words:
        low = (low + word) & _MASK
        high ^= low
        low = ((low << 20 | low >> 12) + high) & _MASK
        high = ((high << 9 | high >> 23) & _MASK) ^ low
        low = ((low << 27 | low >> 5) + high) & _MASK
        high = (high << 19 | high >> 13) & _MASK
    return low, high
