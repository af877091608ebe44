"""Transaction logs of Windows 8.1 and later: entries `HvLE`, each a set of whole pages.

    0    base block of the log (type 6): its sequence number is the first entry's
    512  HvLE | HvLE | ...   at multiples of 512, numbered on without a gap

Behind the last entry stand older ones, whole and with valid hashes: the log is a ring that is
never wiped. The chain therefore ends where the numbers do not go on.
Source: "Windows registry file format specification" (M. Suhanov), New format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.formats.hive.baseblock import PAGE, SECTOR, BaseBlock
from bootmend.formats.hive.marvin import marvin32

ENTRY = struct.Struct("<4sIIIIIQQ")
"""Signature, size, flags, sequence number, hive bins size, pages, hash of what follows, hash of the 32 bytes so far."""
PAGE_REFERENCE = struct.Struct("<II")
"""Offset from the first hive bin, and size."""
assert ENTRY.size == 40


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One flush: pages to write, and the size of the hive bins after it."""

    sequence: int
    hive_size: int
    pages: tuple[tuple[int, bytes], ...]
    """(offset from the first hive bin, content)"""


@dataclass(frozen=True, slots=True)
class NewLog:
    """What a log of the new format holds, as far as its chain of entries goes."""

    base: BaseBlock
    entries: tuple[LogEntry, ...]
    torn: bool
    """The chain ends at an entry that carries the next number, but fails its hash or makes no sense."""


def read_new_log(log: bytes, base: BaseBlock) -> NewLog:
    """Read a log whose base block is sound and of the new type."""
    entries: list[LogEntry] = []
    place, expected = SECTOR, base.sequences[0]
    torn = False
    while place + ENTRY.size <= len(log):
        signature, size, _, sequence = ENTRY.unpack_from(log, place)[:4]
        if signature != b"HvLE" or sequence != expected:
            break
        entry = _entry(log, place)
        if entry is None:
            torn = True
            break
        entries.append(entry)
        place += size
        expected = (expected + 1) & 0xFFFFFFFF
    return NewLog(base, tuple(entries), torn)


def highest_number(log: bytes, base: BaseBlock) -> int:
    """The highest sequence number anywhere in a log, older entries behind the chain included."""
    return max([*base.sequences, *_numbers(log)])


def _entry(log: bytes, place: int) -> LogEntry | None:
    """The entry at `place`, or None if a hash is wrong or its pages do not fit."""
    _, size, _, sequence, hive_size, count, hash1, hash2 = ENTRY.unpack_from(log, place)
    content = memoryview(log)[place : place + size]
    start = ENTRY.size + count * PAGE_REFERENCE.size
    if size % SECTOR or len(content) != size or start > size or hive_size % PAGE or hive_size == 0:
        return None
    if hash2 != marvin32(content[:32]) or hash1 != marvin32(content[ENTRY.size :]):
        return None
    pages: list[tuple[int, bytes]] = []
    for offset, length in PAGE_REFERENCE.iter_unpack(content[ENTRY.size : start]):
        if offset % SECTOR or length % SECTOR or offset + length > hive_size or start + length > size:
            return None
        pages.append((offset, bytes(content[start : start + length])))
        start += length
    return LogEntry(sequence, hive_size, tuple(pages))


def _numbers(log: bytes) -> Iterator[int]:
    """Sequence numbers of everything that looks like an entry and has the right hash over its header."""
    place = log.find(b"HvLE", SECTOR)
    while place >= 0 and place + ENTRY.size <= len(log):
        if place % SECTOR == 0:
            header = ENTRY.unpack_from(log, place)
            if header[7] == marvin32(log[place : place + 32]):
                yield header[3]
        place = log.find(b"HvLE", place + 4)
