"""Triage dumps (type 4, the small ones in \\Windows\\Minidump): a table of offsets, and blocks of virtual memory.

The table stands at 0x2000. `ValidOffset` points at the last word of the part that the kernel wrote, "TRGD":
without it, or where a block ends behind the end of the file, that was cut short. (`RequiredDumpSpace` of the header
is larger than intact files are.) An entry of the list of drivers is 0x90 bytes: the offset of its name, then the
loader's entry 8 bytes in.

Sources: mindumpdef.h of the Windows kits, rizin's description of the format; offsets checked on real dumps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bootmend.binary import View
from bootmend.dumps.header import HEAD64
from bootmend.dumps.memory import Block
from bootmend.dumps.modules import Module, Unloaded
from bootmend.dumps.reader import EndsEarly, Reader

_ENTRY, _LOADER = 0x90, 8
_UNLOADED = 56
MOST_DRIVERS = 4096
MOST_UNLOADED = 256
MOST_BLOCKS = 1 << 16
"""Real dumps hold one or two thousand."""
_LONGEST_NAME = 0x1000
_MOST_STACK = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Triage:
    """Where things stand in a triage dump; 0 is "not there". Offsets and sizes in bytes."""

    whole: bool
    """The mark at the end of its tables is there, and every block of memory lies within the file."""
    context: int
    exception: int
    prcb: int
    process: int
    thread: int
    stack: int
    stack_size: int
    stack_top: int
    """The virtual address of the first byte of the stack part."""
    debugger_data: int
    debugger_data_size: int
    blocks: tuple[Block, ...]
    modules: tuple[Module, ...]
    unloaded: tuple[Unloaded, ...]


def read_triage(reader: Reader) -> Triage:
    """The table and its lists; EndsEarly where the file ends before it, ParseError where a list makes no sense."""
    table = reader.view(HEAD64, 0x80, "the table of a triage dump")
    valid = table.u32(0x08)
    marked = valid + 4 <= reader.size and reader.bytes(valid, 4, "the mark at the end") == b"TRGD"
    blocks = _unless_cut(lambda: _blocks(reader, table))
    modules = _unless_cut(lambda: _modules(reader, table))
    unloaded = _unless_cut(lambda: _unloaded(reader, table.u32(0x18)))
    listed = blocks is not None and modules is not None and unloaded is not None
    return Triage(
        whole=marked and listed and all(one.offset + one.length <= reader.size for one in blocks or ()),
        context=table.u32(0x0C),
        exception=table.u32(0x10),
        prcb=table.u32(0x1C),
        process=table.u32(0x20),
        thread=table.u32(0x24),
        stack=table.u32(0x28),
        stack_size=min(table.u32(0x2C), _MOST_STACK),
        stack_top=table.u64(0x48),
        debugger_data=table.u32(0x70),
        debugger_data_size=table.u32(0x74),
        blocks=blocks or (),
        modules=modules or (),
        unloaded=unloaded or (),
    )


def _unless_cut(read: Callable[[], tuple[T, ...]]) -> tuple[T, ...] | None:
    """A list; None where the file ends inside of it. The other lists stand elsewhere, and may be whole."""
    try:
        return read()
    except EndsEarly:
        return None


def _blocks(reader: Reader, table: View) -> tuple[Block, ...]:
    found = []
    if table.u32(0x28) and table.u32(0x2C):
        found.append(Block(table.u64(0x48), table.u32(0x28), min(table.u32(0x2C), _MOST_STACK)))
    if table.u64(0x60) and table.u32(0x6C):
        found.append(Block(table.u64(0x60), table.u32(0x68), table.u32(0x6C)))
    count = table.u32(0x7C)
    if count > MOST_BLOCKS:
        raise table.fail(0x7C, f"at most {MOST_BLOCKS} blocks of memory", str(count))
    if count and table.u32(0x78):
        rows = reader.view(table.u32(0x78), count * 16, f"{count} blocks of memory")
        found += [
            Block(rows.u64(at), rows.u32(at + 8), rows.u32(at + 12))
            for at in range(0, count * 16, 16)
            if rows.u32(at + 12)
        ]
    return tuple(found)


def _modules(reader: Reader, table: View) -> tuple[Module, ...]:
    start, count = table.u32(0x30), table.u32(0x34)
    if not start or not count:
        return ()
    if count > MOST_DRIVERS:
        raise table.fail(0x34, f"at most {MOST_DRIVERS} drivers", str(count))
    rows = reader.view(start, count * _ENTRY, f"a list of {count} drivers")
    pool_at, pool_size = table.u32(0x38), table.u32(0x3C)
    pool = reader.view(pool_at, pool_size, "the names of drivers") if 0 < pool_size <= MOST_DRIVERS * 512 else None
    found = []
    for at in range(0, count * _ENTRY, _ENTRY):
        entry = at + _LOADER
        found.append(
            Module(
                path=_name(reader, pool, rows.u32(at)),
                base=rows.u64(entry + 0x30),
                size=rows.u32(entry + 0x40),
                checksum=rows.u32(entry + 0x78),
                timestamp=rows.u32(entry + 0x80),
                kernel=at == 0,
            )
        )
    return tuple(found)


def _name(reader: Reader, pool: View | None, offset: int) -> str:
    """A count of 16-bit letters and the letters; empty where there is no name."""
    if not offset:
        return ""
    if pool is not None and pool.base <= offset and offset + 4 <= pool.base + len(pool):
        at = offset - pool.base
        length = pool.u32(at) * 2
        if length > _LONGEST_NAME:
            raise pool.fail(at, f"a name of at most {_LONGEST_NAME} bytes", str(length))
        if at + 4 + length <= len(pool):
            return pool.utf16(at + 4, length)
    length = reader.view(offset, 4, "the length of a name").u32(0) * 2
    if length > _LONGEST_NAME:
        raise View(b"", reader.name, offset).fail(0, f"a name of at most {_LONGEST_NAME} bytes", str(length))
    return reader.view(offset + 4, length, "a name").utf16(0, length)


def _unloaded(reader: Reader, start: int) -> tuple[Unloaded, ...]:
    """A count, then records of 56 bytes: UNICODE_STRING, its first twelve letters, first and last address."""
    if not start:
        return ()
    head = reader.view(start, 8, "the count of unloaded drivers")
    count = head.u64(0)
    if count > MOST_UNLOADED:
        raise head.fail(0, f"at most {MOST_UNLOADED} unloaded drivers", str(count))
    rows = reader.view(start + 8, count * _UNLOADED, f"{count} unloaded drivers")
    found = []
    for at in range(0, count * _UNLOADED, _UNLOADED):
        length = min(rows.u16(at), 24) & ~1
        found.append(Unloaded(rows.utf16(at + 16, length).split("\0")[0], rows.u64(at + 40), rows.u64(at + 48)))
    return tuple(found)
