"""Images whose tables are small and would take for ever."""

from __future__ import annotations

import struct

from bounded_work import bounded_work
from small_pe import small_pe

from bootmend.errors import ParseError
from bootmend.formats.pe import Pe

ENTRIES = 4096
SUBFOLDER = 0x80000000


def folder(*rows: tuple[int, int]) -> bytes:
    head = struct.pack("<IIHHHH", 0, 0, 0, 0, 0, len(rows))
    return head + b"".join(struct.pack("<II", kind, place) for kind, place in rows)


def test_resource_folders_that_multiply_are_walked_one_way_only() -> None:
    """4,096 kinds that share one folder of 4,096 names that share one empty folder: 16 million ways to nothing."""
    size = 16 + 8 * ENTRIES
    kinds = folder(*[(16, SUBFOLDER | size)] * ENTRIES)
    names = folder(*[(1, SUBFOLDER | 2 * size)] * ENTRIES)
    resources = kinds + names + folder()
    data = small_pe(code=resources + bytes(-len(resources) % 512), directories={2: (0x1000, len(resources))})
    with bounded_work(calls=50_000):
        assert Pe.parse(data, "bomb.sys").version() is None


def test_every_section_table_up_to_65535_is_judged_by_its_count() -> None:
    data = bytearray(small_pe())
    at = data.index(b"PE\0\0") + 6
    for count in (0, 97, 1000, 65535):
        data[at : at + 2] = count.to_bytes(2, "little")
        try:
            Pe.parse(bytes(data), "sections.sys")
        except ParseError as error:
            assert "1 to 96 sections" in str(error)
        else:
            raise AssertionError(count)
