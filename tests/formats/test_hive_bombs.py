"""Hives that announce more than anyone can hold: read in bounded memory, with a warning."""

from __future__ import annotations

import struct
import tracemalloc

from bootmend.formats.hive import Hive, new_hive
from bootmend.formats.hive.baseblock import BASE_SIZE, PAGE, stamp
from bootmend.formats.hive.lists import MOST_LISTED
from bootmend.formats.hive.records import NK_SUBKEY_COUNT, NK_SUBKEYS, NK_VALUE_COUNT, NK_VALUES

ENTRIES = 65000


def with_cells(*cells: bytes) -> tuple[bytearray, list[int]]:
    """An empty hive and a second bin with these cells; their offsets."""
    hive = bytearray(new_hive("ROOT"))
    start = len(hive) - BASE_SIZE
    body = bytearray()
    places = []
    for cell in cells:
        places.append(start + 32 + len(body))
        size = -(-(4 + len(cell)) // 8) * 8
        body += struct.pack("<i", -size) + cell.ljust(size - 4, b"\0")
    length = -(-(32 + len(body) + 8) // PAGE) * PAGE
    free = length - 32 - len(body)
    hive += struct.pack("<4sIIQQI", b"hbin", start, length, 0, 0, 0) + body + struct.pack("<i", free) + bytes(free - 4)
    stamp(hive, sequence=1, size=start + length)
    return hive, places


def root_at(hive: bytearray) -> int:
    return BASE_SIZE + int.from_bytes(hive[36:40], "little") + 4


def test_millions_of_values_are_cut() -> None:
    count = 1 << 22
    hive, (place,) = with_cells(struct.pack("<I", 8) * count)
    struct.pack_into("<II", hive, root_at(hive) + NK_VALUE_COUNT, count, place)
    assert NK_VALUES == NK_VALUE_COUNT + 4
    tracemalloc.start()
    read = Hive.parse(bytes(hive), "hive")
    assert read.root.values() == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * len(hive)
    assert any(f"room for {MOST_LISTED}" in warning for warning in read.warnings)


def test_millions_of_subkeys_are_cut() -> None:
    leaves = [struct.pack("<2sH", b"li", ENTRIES) + struct.pack("<I", 8) * ENTRIES for _ in range(40)]
    places = [PAGE + 32 + (4 + 4 + 4 * ENTRIES + 7) // 8 * 8 * at for at in range(len(leaves))]
    top = struct.pack(f"<2sH{len(places)}I", b"ri", len(places), *places)
    hive, found = with_cells(*leaves, top)
    assert found[:-1] == places
    struct.pack_into("<I", hive, root_at(hive) + NK_SUBKEY_COUNT, 40 * ENTRIES)
    struct.pack_into("<I", hive, root_at(hive) + NK_SUBKEYS, found[-1])
    read = Hive.parse(bytes(hive), "hive")
    assert read.root.subkeys() == []
    assert any(f"at most {MOST_LISTED} subkeys" in warning for warning in read.warnings)
