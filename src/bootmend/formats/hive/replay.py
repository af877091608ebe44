"""Pages of a log written over a hive, and the proof that the result is one."""

from __future__ import annotations

from collections.abc import Sequence

from bootmend.errors import ParseError
from bootmend.formats.hive.baseblock import BASE_SIZE, SECTOR, BaseBlock, stamp
from bootmend.formats.hive.bins import walk_bins
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.check import check
from bootmend.texts import say

MOST_GROWTH = 1 << 26
"""Bytes a hive may grow by in a replay, all entries together; no log holds as much."""


class Unreplayable(Exception):
    """A log cannot be applied; the message is a sentence for a person."""


def start(primary: bytes, base: BaseBlock | None, log: bytes) -> bytearray:
    """The primary to write on, with a base block: its own, or where that is damaged (None) the log's."""
    data = bytearray(primary)
    if base is None:
        data += bytes(max(BASE_SIZE - len(data), 0))
        data[:SECTOR] = log[:SECTOR]
        data[28:32] = bytes(4)
    return data


def write_pages(data: bytearray, size: int, pages: Sequence[tuple[int, bytes]], primary: int) -> None:
    """Write pages at their offsets into a hive that then has `size` bytes of hive bins. Raises Unreplayable.

    `primary`: bytes of the hive before its first log was applied.
    """
    if BASE_SIZE + size > primary + MOST_GROWTH:
        raise Unreplayable(say("hive.log_grows", size=size))
    data += bytes(max(BASE_SIZE + size - len(data), 0))
    for offset, page in pages:
        data[BASE_SIZE + offset : BASE_SIZE + offset + len(page)] = page
    stamp(data, sequence=0, size=size)


def prove(data: bytearray, file: str, *, whole: bool = False) -> None:
    """Raise Unreplayable unless the hive has its bins and a root key; `whole`: unless all of it is sound."""
    base = BaseBlock.parse(data, file)
    try:
        for _ in walk_bins(data, file, base.size):
            pass
        Cells(data, file, base.size).key(base.root)
    except ParseError as error:
        raise Unreplayable(say("hive.replay_broken", why=error)) from error
    if whole and not check(data, file).sound:
        raise Unreplayable(say("hive.log_other"))
