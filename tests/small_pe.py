"""A PE32+ driver of a few hundred bytes, built field by field so that a test can say what is wrong with it."""

from __future__ import annotations

import struct


def small_pe(
    *,
    code: bytes = b"\xc3" * 0x200,
    machine: int = 0x8664,
    plus64: bool = True,
    sections: list[tuple[bytes, int, int, int, int]] | None = None,
    directories: dict[int, tuple[int, int]] | None = None,
    directory_count: int = 16,
    tail: bytes = b"",
    checksum: int = 0,
) -> bytes:
    """Headers of 0x400 bytes, then `code` as the one section `.text` at RVA 0x1000 (others: `sections`), then `tail`.

    `sections` rows: name, RVA, virtual size, raw offset, raw size.
    """
    rows = sections if sections is not None else [(b".text", 0x1000, len(code), 0x400, len(code))]
    listed = directories or {}
    optional = struct.pack("<HBBIIIII", 0x20B if plus64 else 0x10B, 14, 0, len(code), 0, 0, 0x1000, 0x1000)
    optional += struct.pack("<Q", 0x140000000) if plus64 else struct.pack("<II", 0x1000, 0x400000)
    optional += struct.pack("<IIHHHHHHI", 0x1000, 0x200, 10, 0, 10, 0, 10, 0, 0)
    optional += struct.pack("<IIIHH", 0x2000, 0x400, checksum, 1, 0)
    optional += b"\0" * (32 if plus64 else 16) + struct.pack("<II", 0, directory_count)
    for number in range(min(directory_count, 16)):
        optional += struct.pack("<II", *listed.get(number, (0, 0)))
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    head = head.ljust(0x80, b"\0") + b"PE\0\0"
    head += struct.pack("<HHIIIHH", machine, len(rows), 0x5F000000, 0, 0, len(optional), 0x22) + optional
    for name, rva, size, raw, raw_size in rows:
        head += struct.pack("<8sIIIIIIHHI", name, size, rva, raw_size, raw, 0, 0, 0, 0, 0x60000020)
    assert len(head) <= 0x400
    return head.ljust(0x400, b"\0") + code + tail
