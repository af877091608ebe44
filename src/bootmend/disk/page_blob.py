"""PageBlob: an Azure page blob, written in place; and pages copied from blob to blob by the server.

    write    whole pages of 512 bytes (the rest of the first and last is read), at most 4 MiB a call, one
             after the other, each on the condition that the blob is as the write before left it (If-Match)
    copy     Put Page From URL: the bytes go from storage to storage, not through this machine

A write whose answer was lost may or may not have been done. The next try then fails on its own condition;
if the pages read as they are to be, that is our write, and the blob's new ETag is taken from that answer.

Source: Microsoft, "Put Page" and "Put Page From URL" (REST).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from bootmend.disk.client import USUAL, Client, Patience, Stand
from bootmend.disk.connections import Answer
from bootmend.disk.http import WORKERS, HttpDisk
from bootmend.disk.page_cache import PAGE
from bootmend.disk.page_ranges import PAGE_BLOB, VERSION
from bootmend.disk.url import Url
from bootmend.errors import DeviceError, Refused
from bootmend.texts import say

SECTOR = 512
MOST_AT_ONCE = 4 << 20
"""What one call may write."""
_GAP = 64 << 10


class PageBlob(HttpDisk):
    """The blob behind a URL, for reading and writing; opened on purpose only, never by the URL alone.

    One writer at a time: whoever else writes to it makes the next write, and the next read, a ChangedMeanwhile.
    """

    writable = True

    def _open(self) -> None:
        super()._open()
        self._refuse_others()

    def _refuse_others(self) -> None:
        if self.leased:
            raise Refused(say("http.leased", url=self.name), say("http.leased_next"))
        if not self.pages_known or self.size % SECTOR:
            raise Refused(say("http.no_pages", url=self.name), say("http.read_only_next"))

    def _write(self, offset: int, data: bytes) -> None:
        start, end = offset - offset % SECTOR, offset + len(data) + -(offset + len(data)) % SECTOR
        head = self._read(start, offset - start) if start < offset else b""
        tail = self._read(offset + len(data), end - offset - len(data)) if end > offset + len(data) else b""
        whole = head + data + tail
        for at in range(0, len(whole), MOST_AT_ONCE):
            self._put(start + at, whole[at : at + MOST_AT_ONCE])

    def _put(self, start: int, data: bytes) -> None:
        end = start + len(data)
        self._cache.drop(range(start // PAGE, -(-end // PAGE)))
        tries = self._client.traffic.retries
        headers = {"x-ms-page-write": "update", "x-ms-range": f"bytes={start}-{end - 1}", **VERSION}
        answer = self._client.ask("PUT", (201, 412), headers, more="comp=page", body=data)
        if answer.status == 412 and answer.headers.get("x-ms-error-code", "").startswith("Lease"):
            raise self._client.broken("http.leased")
        if answer.status == 412:
            answer = self._own_write(start, data, tried_before=self._client.traffic.retries > tries)
        self._client.stand = Stand.of(answer)

    def _own_write(self, start: int, data: bytes, *, tried_before: bool) -> Answer:
        """The answer that shows our own write, whose first answer was lost; ChangedMeanwhile where it was not ours."""
        if not tried_before:
            raise self._client.changed()
        self._client.stand = None
        answer = self._client.ask("GET", (206,), {"Range": f"bytes={start}-{start + len(data) - 1}"}, most=len(data))
        self._check(answer, start, start + len(data))
        if answer.body != data:
            raise self._client.changed()
        return answer


class UploadBlob(PageBlob):
    """The blob of a disk that is being uploaded, for writing whole pages; nothing is read of it.

    That the link of an upload gives bytes is documented nowhere; its properties AzCopy asks for as well
    (https://github.com/Azure/azure-storage-azcopy, ste/sender-pageBlob.go).
    """

    def _open(self) -> None:
        answer = self._properties()
        length = answer.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,19}", length):
            raise self._client.broken("http.no_size")
        self.size = int(length)
        self.pages_known, self.leased = answer.headers.get("x-ms-blob-type") == PAGE_BLOB, False
        self._refuse_others()

    def _properties(self) -> Answer:
        answer = self._client.ask("HEAD", (200,))
        self._client.stand = Stand.of(answer)
        return answer

    def _read(self, offset: int, length: int) -> bytes:
        raise DeviceError(f"{self.name}: {length} bytes at {offset:#x} of an upload cannot be read")

    def _own_write(self, start: int, data: bytes, *, tried_before: bool) -> Answer:
        """The page is put again: nobody else has the link of an upload, and the same bytes do no harm."""
        if not tried_before:
            raise self._client.changed()
        self._client.stand = None
        self._properties()
        headers = {"x-ms-page-write": "update", "x-ms-range": f"bytes={start}-{start + len(data) - 1}", **VERSION}
        return self._client.ask("PUT", (201,), headers, more="comp=page", body=data)


def page_ranges(url: str, patience: Patience = USUAL) -> list[tuple[int, int]]:
    """Half-open ranges of a page blob that may hold something else than zeros, ascending; all of it if not told."""
    with HttpDisk(url, patience=patience) as disk:
        return list(disk.data_extents())


def put_page_from_url(
    source: str,
    target: str,
    ranges: Iterable[tuple[int, int]],
    *,
    source_etag: str = "",
    patience: Patience = USUAL,
    told: Callable[[int], None] = lambda _: None,
    workers: int = WORKERS,
) -> int:
    """Has the server copy `ranges` (half-open, whole sectors) from one page blob to the same places of another.

    Gives the bytes copied; `told` hears of each piece. `source_etag`: refuse another state of the source.
    Nobody else may write to the target meanwhile. May be repeated: the same pages come out the same.
    """
    there, here = Client(Url.parse(target), patience), Url.parse(source)
    condition = {"x-ms-source-if-match": source_etag} if source_etag else {}

    def copy(piece: tuple[int, int]) -> int:
        span = f"bytes={piece[0]}-{piece[1] - 1}"
        from_there = {"x-ms-copy-source": here.text, "x-ms-source-range": span, **condition}
        headers = {"x-ms-page-write": "update", "x-ms-range": span, **from_there, **VERSION}
        there.ask("PUT", (201,), headers, more="comp=page")
        return piece[1] - piece[0]

    done = 0
    pool = ThreadPoolExecutor(workers, "bootmend-copy")
    try:
        for count in pool.map(copy, _pieces(ranges)):
            done += count
            told(count)
    finally:
        there.close()
        pool.shutdown(wait=True, cancel_futures=True)
    return done


def _pieces(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What one call copies each. Small gaps are copied along: that costs less than a call."""
    for low, high in _joined(ranges):
        for at in range(low, high, MOST_AT_ONCE):
            yield at, min(at + MOST_AT_ONCE, high)


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start = end = 0
    for low, high in ranges:
        if end > start and low - end > _GAP:
            yield start, end
            start = low
        elif end == start:
            start = low
        end = high
    if end > start:
        yield start, end
