"""Triage dumps (type 4, the small ones in \\Windows\\Minidump): a table of offsets, and blocks of virtual memory.

The table stands behind the header. `ValidOffset` points at the last word of the part that the kernel wrote, "TRGD":
without it, or where a block ends behind the end of the file, that was cut short. (`RequiredDumpSpace` of the header
is larger than intact files are.) An entry of the list of drivers is the offset of its name, then the loader's entry,
one pointer in.

Sources: mindumpdef.h of the Windows kits, rizin's description of the format; the 64-bit offsets were checked on real
dumps, of 32-bit ones none was at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bootmend.binary import View
from bootmend.dumps.header import Header
from bootmend.dumps.memory import Block
from bootmend.dumps.modules import LOADERS, Module, Unloaded
from bootmend.dumps.reader import EndsEarly, Reader

_NAME = 24
"""Bytes of an unloaded driver's name."""
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


@dataclass(frozen=True, slots=True)
class _Table:
    """The offsets in the table of what stands elsewhere in 32-bit dumps."""

    data_page: int
    debugger_data: int
    blocks: int
    size: int


_TABLES = {8: _Table(0x60, 0x70, 0x78, size=0x80), 4: _Table(0x4C, 0x58, 0x60, size=0x68)}
"""By the bytes of a pointer."""


def read_triage(reader: Reader, header: Header) -> Triage:
    """The table and its lists; EndsEarly where the file ends before it, ParseError where a list makes no sense."""
    width = header.bits // 8
    at = _TABLES[width]
    table = reader.view(header.size, at.size, "the table of a triage dump")
    valid = table.u32(0x08)
    marked = valid + 4 <= reader.size and reader.bytes(valid, 4, "the mark at the end") == b"TRGD"
    blocks = _unless_cut(lambda: _blocks(reader, table, width))
    modules = _unless_cut(lambda: _modules(reader, table, width))
    unloaded = _unless_cut(lambda: _unloaded(reader, table.u32(0x18), width))
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
        stack_top=_pointer(table, 0x48, width),
        debugger_data=table.u32(at.debugger_data),
        debugger_data_size=table.u32(at.debugger_data + 4),
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


def _pointer(view: View, offset: int, width: int) -> int:
    return view.u64(offset) if width == 8 else view.u32(offset)


def _blocks(reader: Reader, table: View, width: int) -> tuple[Block, ...]:
    at, found = _TABLES[width], []
    if table.u32(0x28) and table.u32(0x2C):
        found.append(Block(_pointer(table, 0x48, width), table.u32(0x28), min(table.u32(0x2C), _MOST_STACK)))
    page, place = _pointer(table, at.data_page, width), at.data_page + width
    if page and table.u32(place + 4):
        found.append(Block(page, table.u32(place), table.u32(place + 4)))
    start, count = table.u32(at.blocks), table.u32(at.blocks + 4)
    if count > MOST_BLOCKS:
        raise table.fail(at.blocks + 4, f"at most {MOST_BLOCKS} blocks of memory", str(count))
    if count and start:
        rows = reader.view(start, count * 16, f"{count} blocks of memory")
        # 64 bits wide in every dump; a 32-bit address may stand there with its sign.
        found += [
            Block(_pointer(rows, row, width), rows.u32(row + 8), rows.u32(row + 12))
            for row in range(0, count * 16, 16)
            if rows.u32(row + 12)
        ]
    return tuple(found)


def _modules(reader: Reader, table: View, width: int) -> tuple[Module, ...]:
    start, count = table.u32(0x30), table.u32(0x34)
    if not start or not count:
        return ()
    if count > MOST_DRIVERS:
        raise table.fail(0x34, f"at most {MOST_DRIVERS} drivers", str(count))
    loader = LOADERS[width]
    size = width + loader.size
    rows = reader.view(start, count * size, f"a list of {count} drivers")
    pool_at, pool_size = table.u32(0x38), table.u32(0x3C)
    pool = reader.view(pool_at, pool_size, "the names of drivers") if 0 < pool_size <= MOST_DRIVERS * 512 else None
    found = []
    for at in range(0, count * size, size):
        entry = at + width
        found.append(
            Module(
                path=_name(reader, pool, rows.u32(at)),
                base=_pointer(rows, entry + loader.base, width),
                size=rows.u32(entry + loader.image_size),
                checksum=rows.u32(entry + loader.checksum),
                timestamp=rows.u32(entry + loader.timestamp),
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


def _unloaded(reader: Reader, start: int, width: int) -> tuple[Unloaded, ...]:
    """A count, then records: UNICODE_STRING, its first twelve letters, first and last address."""
    if not start:
        return ()
    head = reader.view(start, width, "the count of unloaded drivers")
    count = _pointer(head, 0, width)
    if count > MOST_UNLOADED:
        raise head.fail(0, f"at most {MOST_UNLOADED} unloaded drivers", str(count))
    letters, size = 2 * width, 4 * width + _NAME
    rows = reader.view(start + width, count * size, f"{count} unloaded drivers")
    found = []
    for at in range(0, count * size, size):
        name = rows.utf16(at + letters, min(rows.u16(at), _NAME) & ~1).split("\0")[0]
        first = at + letters + _NAME
        found.append(Unloaded(name, _pointer(rows, first, width), _pointer(rows, first + width, width)))
    return tuple(found)
