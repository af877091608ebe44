"""HttpDisk: the disk behind a URL, read by ranges. An Azure disk's SAS is one, any server with ranges another.

What a round trip costs shapes everything here:

    a miss        fetches the 64 KiB block around it; where reads go on from the last one, twice as
                  much each time, but never more than has been read in that way before
    a long read   is cut in pieces that are fetched side by side; nearby misses become one request
    prefetch      fetches just the pages named, side by side

Only what was fetched last is kept, so memory is bounded whatever the disk's size. The first answer's ETag
is pinned: bytes of two states of a blob never meet. A server that does not keep to what it was asked
(no ranges, other ranges, another length) is refused, because its bytes would be of other places.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from bootmend.disk.client import USUAL, Client, Patience, Stand
from bootmend.disk.connections import Answer
from bootmend.disk.device import BlockDevice
from bootmend.disk.page_cache import PAGE, PageCache, runs
from bootmend.disk.page_ranges import PAGE_BLOB, used_ranges
from bootmend.disk.url import Url
from bootmend.errors import InputError
from bootmend.texts import say

BLOCK = 64 << 10
PIECE = 1 << 20
"""The most that one request asks for: pieces of a long read are fetched side by side."""
STRIDE = 16 << 20
"""The most of a read that passes through the cache at once."""
KEPT = 160 << 20
"""Bytes: all that a diagnosis looks at, so that the rehearsal of a repair does not fetch it again."""
WORKERS = 8
GAP = 16
"""Pages between two that are wanted: fewer are cheaper to fetch along than to ask twice."""
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_OF_NOTHING = re.compile(r"bytes \*/0")


class HttpDisk(BlockDevice):
    """Read-only and thread-safe. Opening it is one request, and two where the server does not tell the size at once."""

    def __init__(self, url: str, *, cache: int = KEPT, patience: Patience = USUAL) -> None:
        """`cache` in bytes. InputError for what is no URL or no disk, Unreachable where it cannot be read."""
        self._client = Client(Url.parse(url), patience)
        self.name = self._client.name
        self.traffic = self._client.traffic
        self._cache = PageCache(cache)
        self._most_ahead = min(cache // 4, STRIDE)
        self._lock = threading.Lock()
        self._workers: ThreadPoolExecutor | None = None
        self._next = -1
        """The page after the last miss, and how many that miss fetched: whether reading goes on there."""
        self._pace = 0
        try:
            self._open()
        except BaseException:
            self._client.close()
            raise

    def _open(self) -> None:
        answer = self._client.ask("GET", (206, 200, 416), {"Range": f"bytes=0-{BLOCK - 1}"}, most=BLOCK)
        if answer.status == 416 and _OF_NOTHING.fullmatch(answer.headers.get("Content-Range", "")):
            raise InputError(say("disk.empty", path=self.name))
        if answer.status == 200 and answer.headers.get("Content-Length") == "0":
            raise InputError(say("disk.empty", path=self.name))
        if answer.status != 206:
            raise self._client.broken("http.no_ranges")
        self._client.stand = Stand.of(answer)
        self.size = self._told_size(answer)
        self._check(answer, 0, min(BLOCK, self.size))
        self._cache.put(0, answer.body)
        self.pages_known = answer.headers.get("x-ms-blob-type") == PAGE_BLOB
        """The server can tell which pages of the blob are in use."""
        self.leased = answer.headers.get("x-ms-lease-status", "").lower() == "locked"
        """Somebody holds a lease on the blob, as a running machine does: nobody else can write to it."""

    def _told_size(self, answer: Answer) -> int:
        parts = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if parts is None:
            raise self._client.broken("http.wrong_range", wanted=f"0-{BLOCK - 1}", found=_told_range(answer))
        if parts[3] != "*":
            return int(parts[3])
        length = self._client.ask("HEAD", (200,)).headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,19}", length):
            raise self._client.broken("http.no_size")
        return int(length)

    def _read(self, offset: int, length: int) -> bytes:
        if length <= STRIDE:
            return self._stride(offset, length)
        whole = bytearray()
        for at in range(offset, offset + length, STRIDE):
            whole += self._stride(at, min(STRIDE, offset + length - at))
        return bytes(whole)

    def _stride(self, offset: int, length: int) -> bytes:
        first, last = offset // PAGE, (offset + length - 1) // PAGE
        pages = self._cache.get(range(first, last + 1))
        if len(pages) < last + 1 - first:
            missing = [number for number in range(first, last + 1) if number not in pages]
            pages.update(self._fetched(self._widened(missing)))
        start = offset - first * PAGE
        if first == last:
            return pages[first][start : start + length]
        return b"".join([pages[number] for number in range(first, last + 1)])[start : start + length]

    def _widened(self, missing: list[int]) -> list[tuple[int, int]]:
        """Runs of pages to fetch for those missing: whole blocks, and some ahead where reading goes on."""
        block, most = BLOCK // PAGE, PIECE // PAGE
        end_of_disk = -(-self.size // PAGE)
        wanted: list[tuple[int, int]] = []
        with self._lock:
            for low, high in runs(missing, GAP):
                ahead = min(most, 2 * self._pace) if low == self._next else 0
                stop = max(high + -high % block, low + ahead)
                start = max(low - low % block, wanted[-1][1] if wanted else 0)
                wanted.append((start, min(stop, end_of_disk)))
                self._next, self._pace = wanted[-1][1], wanted[-1][1] - low
        return [trimmed for low, high in wanted if (trimmed := self._trimmed(low, high, missing))]

    def _trimmed(self, low: int, high: int, missing: list[int]) -> tuple[int, int] | None:
        """Without what is here already at both ends; a page of `missing` stays, for it may have come and gone."""
        lost = {*self._cache.missing(range(low, high)), *(one for one in missing if low <= one < high)}
        return (min(lost), max(lost) + 1) if lost else None

    def prefetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        wanted: set[int] = set()
        for low, high in ranges:
            pages = range(max(low, 0) // PAGE, -(-min(high, self.size) // PAGE))
            if (len(wanted) + len(pages)) * PAGE > self._most_ahead:
                break
            wanted.update(pages)
        self._fetched(runs(self._cache.missing(sorted(wanted)), GAP))

    def _fetched(self, wanted: Iterable[tuple[int, int]]) -> dict[int, bytes]:
        """The pages of half-open runs, by number; pieces are fetched side by side."""
        step = PIECE // PAGE
        pieces = [(at, min(at + step, high)) for low, high in wanted for at in range(low, high, step)]
        pages: dict[int, bytes] = {}
        if len(pieces) == 1:
            return self._piece(pieces[0])
        if pieces:
            for fetched in self._side_by_side().map(self._piece, pieces):
                pages.update(fetched)
        return pages

    def _piece(self, run: tuple[int, int]) -> dict[int, bytes]:
        start, end = run[0] * PAGE, min(run[1] * PAGE, self.size)
        return self._cache.put(run[0], self._range(start, end))

    def _range(self, start: int, end: int) -> bytes:
        answer = self._client.ask("GET", (206, 200), {"Range": f"bytes={start}-{end - 1}"}, most=end - start)
        if answer.status != 206:
            raise self._client.broken("http.no_ranges")
        self._check(answer, start, end)
        self._client.same_blob(answer)
        return answer.body

    def _check(self, answer: Answer, start: int, end: int) -> None:
        """That these are the bytes asked for."""
        parts = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        told = (int(parts[1]), int(parts[2]) + 1) if parts is not None else None
        size_known = parts is not None and parts[3] in ("*", str(self.size))
        encoded = answer.headers.get("Content-Encoding", "identity").lower() != "identity"
        fits = len(answer.body) == end - start and answer.whole
        if told != (start, end) or not size_known or not fits or encoded:
            raise self._client.broken("http.wrong_range", wanted=f"{start}-{end - 1}", found=_told_range(answer))

    def data_extents(self) -> Iterator[tuple[int, int]]:
        """By the blob's page ranges; all of it where they are not to be had."""
        if self.pages_known:
            yield from used_ranges(self._client, self.size)
        else:
            yield from super().data_extents()

    def _side_by_side(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(WORKERS, "bootmend-http")
            return self._workers

    def _write(self, offset: int, data: bytes) -> None:
        raise NotImplementedError  # a device that is read-only is not asked to

    def close(self) -> None:
        self._client.close()
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)


def _told_range(answer: Answer) -> str:
    return answer.headers.get("Content-Range", f"{len(answer.body)} bytes")[:80]
