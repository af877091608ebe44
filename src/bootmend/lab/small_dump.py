"""A small (triage) dump out of a crashed memory: lists of drivers, the stack, blocks that tell of the processor.

    0x2000 table | context | exception | prcb | thread | process | stack | drivers, their names | unloaded drivers
    | KDBG in clear | blocks of memory | TRGD

Of the memory that the stop code's arguments point at it holds nothing, as many real ones do not: which driver a
0x5A is about is not in it. Layout as `bootmend.dumps.triage` describes it.
"""

from __future__ import annotations

import struct

from bootmend.dumps.header import CONTEXT64, HEAD64, DumpType
from bootmend.dumps.kdbg import FIELDS, SIZE
from bootmend.lab.crashed_memory import CrashedMemory
from bootmend.lab.dump_maker import header

_TABLE = 0x100
_CONTEXT, _EXCEPTION = 0x4D0, 0x98
_PRCB, _THREAD, _PROCESS = 0x800, 0x100, 0x7D0
_LAB = 0x80
_ENTRY, _LOADER = 0x90, 8
_MOST_STACK = 0x4000


def small_dump(memory: CrashedMemory, stack_top: int) -> bytes:
    """The whole file; the stack of the thread ends at `stack_top`."""
    crash = memory.crash
    out = _Parts()
    kdbg = memory.read(memory.kdbg, SIZE)
    prcb = memory.prcbs[0]
    thread = _u64(memory, prcb + _field(kdbg, "OffsetPrcbCurrentThread"))
    process = _u64(memory, thread + _field(kdbg, "OffsetKThreadApcProcess"))
    head = header(memory, DumpType.TRIAGE)
    context = out.put(head[CONTEXT64 : CONTEXT64 + _CONTEXT])
    exception = out.put(head[0xF00 : 0xF00 + _EXCEPTION])
    prcb_at, thread_at = out.put(memory.read(prcb, _PRCB)), out.put(memory.read(thread, _THREAD))
    process_at = out.put(memory.read(process, _PROCESS))
    stack_size = min(stack_top - crash.rsp, _MOST_STACK)
    stack = out.put(memory.read(crash.rsp, stack_size))
    unloaded = out.put(_unloaded(memory))
    names = [
        out.put(struct.pack("<I", len(one.path)) + one.path.encode("utf-16-le") + b"\0\0") for one in crash.modules
    ]
    pool_size = len(out.data) - (names[0] - out.base)
    drivers = out.put(b"".join(_driver(memory, number, at) for number, at in enumerate(names)))
    kdbg_at = out.put(kdbg)
    processors = _field(kdbg, "KiProcessorBlock")
    blocks = [
        (prcb, prcb_at, _PRCB),
        (thread, thread_at, _THREAD),
        (memory.kdbg, kdbg_at, SIZE),
        (processors, out.put(memory.read(processors, 8)), 8),
        (_field(kdbg, "NtBuildLab"), out.put(memory.read(_field(kdbg, "NtBuildLab"), _LAB)), _LAB),
    ]
    listed = out.put(b"".join(struct.pack("<QII", *block) for block in blocks))
    valid = out.put(b"TRGD")
    table = bytearray(_TABLE)
    size = out.base + len(out.data)
    struct.pack_into("<IIIIII", table, 0x00, 0, size, valid, context, exception, 0)
    struct.pack_into("<IIIIII", table, 0x18, unloaded, prcb_at, process_at, thread_at, stack, stack_size)
    struct.pack_into("<IIII", table, 0x30, drivers, len(names), names[0], pool_size)
    struct.pack_into("<Q", table, 0x48, crash.rsp)
    struct.pack_into("<IIII", table, 0x70, kdbg_at, SIZE, listed, len(blocks))
    return head + bytes(table) + bytes(out.data)


class _Parts:
    """What stands behind the table, each part on a multiple of 8."""

    base = HEAD64 + _TABLE

    def __init__(self) -> None:
        self.data = bytearray()

    def put(self, part: bytes) -> int:
        """Its offset in the file."""
        self.data += bytes(-len(self.data) % 8)
        at = self.base + len(self.data)
        self.data += part
        return at


def _field(kdbg: bytes, name: str) -> int:
    offset, width = FIELDS[name]
    return int.from_bytes(kdbg[offset : offset + width], "little")


def _u64(memory: CrashedMemory, address: int) -> int:
    return int.from_bytes(memory.read(address, 8), "little")


def _driver(memory: CrashedMemory, number: int, name: int) -> bytes:
    module = memory.crash.modules[number]
    entry = bytearray(_ENTRY)
    struct.pack_into("<I", entry, 0, name)
    struct.pack_into("<QQI", entry, _LOADER + 0x30, module.base, module.base + 0x1000, module.size)
    struct.pack_into("<I", entry, _LOADER + 0x78, module.checksum)
    struct.pack_into("<I", entry, _LOADER + 0x80, module.timestamp)
    return bytes(entry)


def _unloaded(memory: CrashedMemory) -> bytes:
    """A count, then for each a UNICODE_STRING without its text, the first twelve letters, first and last address."""
    rows = [struct.pack("<Q", len(memory.crash.unloaded))]
    for name, low, high in memory.crash.unloaded:
        raw = name.encode("utf-16-le")
        rows.append(struct.pack("<HHIQ24sQQ", len(raw), len(raw), 0, 0, raw[:24], low, high))
    return b"".join(rows)
