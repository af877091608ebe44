"""The $LogFile's records, read in order: what NTFS had promised itself when the power went.

    restart page -> oldest LSN -> record -> record -> ... -> the first one that is not there

An LSN holds the place of its record: its low bits, times 8, are the offset in the log; the rest
counts how often the log has wrapped. The newest pages stand twice: in the tail copies at the
front (2 pages in version 1.1, 32 in 2.0) first, in their own places later.
Format: LFS record pages and log records in the linux-ntfs project's notes; the page layout of
2.0 was read off a log that Windows 10 left behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.binary import View
from bootmend.errors import ParseError
from bootmend.volumes.ntfs.logfile import MAX_PAGE, RestartPage, restart_pages
from bootmend.volumes.ntfs.records import undo_fixups
from bootmend.volumes.volume import File

RECORD_HEADER, CLIENT_HEADER = 0x30, 0x20
"""Bytes of a record before its client's data, and of that data before the cluster list."""
CLIENT_RECORD, CHECKPOINT = 1, 2
"""Record types."""
TAIL_PAGES = {"1.1": 2, "2.0": 32}
FIRST_TAIL = 2
MAX_RECORD = 128 << 10
MAX_WINDOW = 64 << 20
"""Bytes of records read at most; Windows' own logs are 64 MiB at most by default."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """`clusters`: the cluster numbers its change lies on, from 512-byte `block` of the first. A checkpoint has none."""

    lsn: int
    kind: int
    transaction: int
    redo: int
    undo: int
    clusters: tuple[int, ...]
    block: int = 0


class LogReader:
    """The pages of a log whose restart pages are sound; raises ParseError where they are not."""

    def __init__(self, log: File, name: str) -> None:
        self._log = log
        self._file = f"{name}\\$LogFile"
        pages = restart_pages(log.read(0, 2 * MAX_PAGE), name)
        if not pages:
            raise ParseError(self._file, 0, "a restart page")
        self.restart: RestartPage = max(pages, key=lambda page: page.lsn)
        view, area = self.restart.page, self.restart.area
        self.page_size = self.restart.log_page_size
        self.size = min(log.size, view.u64(area + 0x18))
        sequence_bits = view.u32(area + 0x10)
        client = area + view.u16(area + 0x16)
        self.oldest = view.u64(client, "the oldest LSN")
        self._data_start = view.u16(area + 0x26)
        if self.restart.version not in TAIL_PAGES:
            raise view.fail(0x1A, "log version 1.1 or 2.0", self.restart.version)
        self.first_page = FIRST_TAIL + TAIL_PAGES[self.restart.version]
        if self.page_size != 4096 or not 0x30 <= self._data_start < 0x100 or self._data_start % 8:
            raise view.fail(0x14, "pages of 4096 bytes", f"{self.page_size}, data from {self._data_start:#x}")
        self._offset_bits = 64 - sequence_bits
        if not 10 <= self._offset_bits <= 40 or (1 << self._offset_bits) * 8 < self.size:
            raise view.fail(area + 0x10, "sequence bits that leave room for offsets", str(sequence_bits))
        self._pages = self.size // self.page_size
        if self._pages <= self.first_page:
            raise view.fail(area + 0x18, f"more than {self.first_page} pages", str(self._pages))
        self._tails = self._find_tails()
        self._held: tuple[int, View | None] = (-1, None)
        """The page read last: fifty records stand in one."""

    def offset_of(self, lsn: int) -> int:
        return (lsn & ((1 << self._offset_bits) - 1)) << 3

    def records(self) -> Iterator[LogRecord]:
        """From the oldest LSN a restart needs to the last record written."""
        offset, lap = self.offset_of(self.oldest), self.oldest >> self._offset_bits
        read = 0
        while (raw := self._record(offset, lap)) is not None:
            record, length = raw
            yield record
            read += length
            if read > min(self.size, MAX_WINDOW):
                raise ParseError(self._file, offset, "an end of the log")
            offset, wrapped = self._next(offset, length)
            lap += wrapped

    def _record(self, offset: int, lap: int) -> tuple[LogRecord, int] | None:
        """The record that begins there in that lap, and its length; None where another or nothing stands."""
        page = self._page(offset // self.page_size)
        at = offset % self.page_size
        if page is None or at < self._data_start or at + RECORD_HEADER > self.page_size:
            return None
        if page.u64(at) != lap << self._offset_bits | offset >> 3:
            return None
        length = page.u32(at + 0x18)
        if length % 8 or length > MAX_RECORD:
            raise page.fail(at + 0x18, "the length of a log record", str(length))
        data = self._data(offset, RECORD_HEADER + length)
        if data is None:
            return None
        kind = data.u32(0x20)
        if kind == CHECKPOINT:
            return LogRecord(data.u64(0), kind, 0, 0, 0, ()), RECORD_HEADER + length
        if kind != CLIENT_RECORD:
            raise data.fail(0x20, "a record type 1 or 2", str(kind))
        count = data.u16(0x3E, "the number of clusters")
        clusters = tuple(data.u64(0x50 + 8 * number, "a cluster of the record") for number in range(count))
        block = data.u16(0x44, "the block in the first cluster")
        record = LogRecord(data.u64(0), kind, data.u32(0x24), data.u16(0x30), data.u16(0x32), clusters, block)
        return record, RECORD_HEADER + length

    def _data(self, offset: int, length: int) -> View | None:
        """`length` bytes of a record, page headers left out; None if a page it needs was never written."""
        pieces = []
        start = offset
        number, at = divmod(offset, self.page_size)
        while length:
            page = self._page(number)
            if page is None:
                return None
            piece = page.bytes(at, min(length, self.page_size - at))
            pieces.append(piece)
            length -= len(piece)
            number, at = self._after(number), self._data_start
        return View(b"".join(pieces), self._file, start)

    def _next(self, offset: int, length: int) -> tuple[int, int]:
        """Where the record after this one begins, and 1 if that is a lap later."""
        number, at = divmod(offset, self.page_size)
        wrapped = 0
        while length > self.page_size - at:
            length -= self.page_size - at
            following = self._after(number)
            wrapped += following < number
            number, at = following, self._data_start
        at += length
        if self.page_size - at < RECORD_HEADER:
            following = self._after(number)
            wrapped += following < number
            number, at = following, self._data_start
        return number * self.page_size + at, wrapped

    def _after(self, number: int) -> int:
        return number + 1 if number + 1 < self._pages else self.first_page

    def _page(self, number: int) -> View | None:
        """The newer of a page and its tail copy, fixups undone; None where neither was written."""
        if self._held[0] != number:
            self._held = (number, self._newest(number))
        return self._held[1]

    def _newest(self, number: int) -> View | None:
        own = self._read(number)
        tail = self._tails.get(number)
        if own is None or tail is None:
            return own or tail
        return tail if tail.u64(0x20) > own.u64(0x20) else own

    def _read(self, number: int) -> View | None:
        raw = self._log.read(number * self.page_size, self.page_size)
        if raw[:4] != b"RCRD":
            return None
        try:
            return undo_fixups(View(raw, self._file, number * self.page_size), b"RCRD")
        except ParseError:  # torn by the power cut: what it held was not promised yet
            return None

    def _find_tails(self) -> dict[int, View]:
        """Tail copies by the page they stand for, the newest of each."""
        tails: dict[int, View] = {}
        for number in range(FIRST_TAIL, self.first_page):
            page = self._read(number)
            if page is None:
                continue
            # 1.1 notes the place of its own; in 2.0 the last LSN tells it.
            place = page.u64(8) if self.restart.version == "1.1" else self.offset_of(page.u64(8))
            target = place // self.page_size
            if not self.first_page <= target < self._pages:
                continue
            if target not in tails or page.u64(0x20) > tails[target].u64(0x20):
                tails[target] = page
        return tails
