"""A small part of a dump that is a dump itself: the pages that its analysis stands on, and the stacks.

    header | SDMP/FDMP head, bitmap | the pages, by frame

Pages are taken as they are, whole: what else stands in one comes along. The analysis is run, and what it read is what
is kept (page tables, the debugger's block, lists of modules and processes, processors); then the stacks of all
processors, and the code that a stack runs through as far as the dump holds it. A small dump is small already: it is
taken whole, but bounded. Of a kind whose pages are not read here the header is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bootmend.dumps.dump import Dump
from bootmend.dumps.fields import analyze_fields
from bootmend.dumps.header import HEAD32, HEAD64, DumpType
from bootmend.dumps.memory import PAGE, PagedMemory
from bootmend.dumps.stack import walk
from bootmend.dumps.verdict import judge
from bootmend.errors import InputError
from bootmend.texts import say

MOST_FRAMES = 4096
"""16 MiB; an analysis takes some eighty pages."""
MOST_SMALL = 16 << 20
"""Bytes of a small dump; real ones have 0.3 to 4 MB."""
_STACK_PAGES = 8
_MOST_STACKS = 64
_WIDEST = 1 << 30
"""Page frames, 4 TiB of memory: the bitmap of more would take longer than it is worth."""
_TYPE, _SPACE = {HEAD32: 0xF88, HEAD64: 0xF98}, 0xFA0
"""Where the header has its type, by its size; and the space that the dump takes."""
_PIECE = 1 << 20
_BITMAP = 0x38
_KINDS = {
    DumpType.FULL: DumpType.BITMAP_FULL,
    DumpType.BITMAP_FULL: DumpType.BITMAP_FULL,
    DumpType.KERNEL: DumpType.BITMAP_KERNEL,
    DumpType.BITMAP_KERNEL: DumpType.BITMAP_KERNEL,
}
"""What it becomes: the older layouts have their newer one."""


def mini_dump(dump: Dump) -> Iterator[bytes]:
    """The file, piece by piece. Raises InputError at once where there can be none."""
    kind = _KINDS.get(DumpType(dump.header.type)) if dump.header.type in set(DumpType) else None
    if kind is None and dump.triage is None:
        return iter([dump.reader.bytes(0, dump.header.size, "the header")])
    if kind is None:
        return _whole(dump)
    frames = _frames(dump)
    if frames and frames[-1] >= _WIDEST:
        raise InputError(say("dumps.mini_too_wide", file=dump.name, frame=f"{frames[-1]:#x}"))
    return _pages(dump, kind, frames)


def _whole(dump: Dump) -> Iterator[bytes]:
    size = min(dump.length, MOST_SMALL)
    return (dump.reader.bytes(at, min(_PIECE, size - at), "a small dump") for at in range(0, size, _PIECE))


def _frames(dump: Dump) -> list[int]:
    """Those that an analysis reads, in order."""
    memory = dump.memory
    if not isinstance(memory, PagedMemory):
        return []
    stack = walk(dump)
    analyze_fields(dump, judge(dump, stack), stack)
    contexts = [dump.context, dump.fault_context, *(one.context for one in dump.processors[:_MOST_STACKS])]
    for pointer in dict.fromkeys(context.sp & -PAGE for context in contexts if context is not None):
        for page in range(_STACK_PAGES):
            if memory.read(pointer + page * PAGE, PAGE) is None:
                break
    return sorted(islice(memory.frames, MOST_FRAMES))


def _pages(dump: Dump, kind: DumpType, frames: list[int]) -> Iterator[bytes]:
    bits = frames[-1] + 1 if frames else 1
    length = -(-bits // 8)
    start, kind_at = dump.header.size, _TYPE[dump.header.size]
    first_page = -(-(start + _BITMAP + length) // PAGE) * PAGE
    head = bytearray(dump.reader.bytes(0, start, "the header"))
    head[kind_at : kind_at + 4] = kind.to_bytes(4, "little")
    head[_SPACE : _SPACE + 8] = (first_page + len(frames) * PAGE).to_bytes(8, "little")
    yield bytes(head)
    magic = b"FDMPDUMP" if kind is DumpType.BITMAP_FULL else b"SDMPDUMP"
    numbers = b"".join(number.to_bytes(8, "little") for number in (first_page, len(frames), bits))
    yield magic.ljust(0x20, b"\0") + numbers
    yield from _bitmap(frames, length)
    yield bytes(first_page - start - _BITMAP - length)
    for frame in frames:
        page = dump.memory.page(frame) if isinstance(dump.memory, PagedMemory) else None
        yield page if page is not None else bytes(PAGE)


def _bitmap(frames: list[int], length: int) -> Iterator[bytes]:
    """In pieces: the memory of a large machine has a bitmap of megabytes, nearly all zeros."""
    at = 0
    for start in range(0, length, _PIECE):
        piece = bytearray(min(_PIECE, length - start))
        while at < len(frames) and frames[at] // 8 < start + len(piece):
            piece[frames[at] // 8 - start] |= 1 << frames[at] % 8
            at += 1
        yield bytes(piece)
