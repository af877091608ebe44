"""Kernel dumps of every kind out of one crashed memory, for tests and for the lab's machines.

Files are written sparse: a dump of a machine with much memory costs what its pages cost. Formats as
`bootmend.dumps` describes them; the numbers of kdmp-parser, an independent reader, are held against these.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO

from bootmend.dumps.header import CONTEXT64, HEAD64, DumpType
from bootmend.lab.crashed_memory import PAGE, CrashedMemory, context

_FILL = b"PAGE"


def write_full(target: BinaryIO, memory: CrashedMemory, runs: list[tuple[int, int]] | None = None) -> int:
    """A complete dump (type 1) of these runs of frames (first, count); gives its size."""
    listed = runs or [(0, memory.frames)]
    target.write(header(memory, DumpType.FULL, listed))
    offset = HEAD64
    for first, count in listed:
        for frame, page in memory.pages.items():
            if first <= frame < first + count:
                target.seek(offset + (frame - first) * PAGE)
                target.write(page)
        offset += count * PAGE
    return _grown(target, offset)


def write_bitmap(target: BinaryIO, memory: CrashedMemory, kind: DumpType, *, also: Iterable[int] = ()) -> int:
    """A bitmap dump (5, 6), or one of the older layout (2); frames of `also` are in it, all zeros."""
    frames = sorted({*memory.pages, *also})
    bits = bytearray(-(-memory.frames // 8))
    for frame in frames:
        bits[frame // 8] |= 1 << frame % 8
    older = kind == DumpType.KERNEL
    start = 0x28 if older else 0x38
    first_page = -(-(HEAD64 + start + len(bits)) // PAGE) * PAGE
    target.write(header(memory, kind))
    if older:
        head = struct.pack("<8sIIIII4xQ", b"SDMPDUMP", 0, first_page, memory.frames, len(frames), memory.frames, 0)
    else:
        magic = b"FDMPDUMP" if kind == DumpType.BITMAP_FULL else b"SDMPDUMP"
        head = struct.pack("<8s24xQQQ", magic, first_page, len(frames), memory.frames)
    target.write(head + bits)
    for rank, frame in enumerate(frames):
        if frame in memory.pages:
            target.seek(first_page + rank * PAGE)
            target.write(memory.pages[frame])
    return _grown(target, first_page + len(frames) * PAGE)


def _grown(target: BinaryIO, size: int) -> int:
    """Its last pages may be zeros that were never written."""
    if target.seek(0, 2) < size:
        target.seek(size - 1)
        target.write(b"\0")
    return size


def header(memory: CrashedMemory, kind: DumpType, runs: list[tuple[int, int]] | None = None) -> bytes:
    """The first 0x2000 bytes; what is not set is filled with "PAGE", as Windows does."""
    crash = memory.crash
    data = bytearray(_FILL * (HEAD64 // 4))
    data[:8] = b"PAGEDU64"
    struct.pack_into("<IIQ", data, 0x08, 15, crash.build, memory.root << 12)
    struct.pack_into("<QQQ", data, 0x18, 0xFFFFFA8000000000, memory.loaded_list, memory.process_list)
    struct.pack_into("<III", data, 0x30, 0x8664, crash.processors, crash.code)
    struct.pack_into("<4Q", data, 0x40, *memory.arguments)
    struct.pack_into("<Q", data, 0x80, memory.kdbg)
    if runs is not None:
        struct.pack_into("<IIQ", data, 0x88, len(runs), 0, sum(count for _, count in runs))
        for at, run in enumerate(runs):
            struct.pack_into("<QQ", data, 0x98 + 16 * at, *run)
    registers = context(crash.rip, crash.rsp, crash.registers)
    data[CONTEXT64 : CONTEXT64 + len(registers)] = registers
    struct.pack_into("<IIQQII", data, 0xF00, 0x80000003, 1, 0, crash.rip, 0, 0)
    struct.pack_into("<I", data, 0xF98, kind)
    struct.pack_into("<QQ", data, 0xFA0, HEAD64 + PAGE * len(memory.pages), crash.system_time)
    data[0xFB0 : 0xFB0 + 128] = bytes(128)
    struct.pack_into("<Q", data, 0x1030, crash.up_time)
    struct.pack_into("<II", data, 0x1040, 3, 0x90)
    return bytes(data)
