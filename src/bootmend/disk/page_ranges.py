"""Which pages of a page blob are in use: Get Page Ranges, window by window.

A large blob that was written in small pieces has more ranges than a server works out in one answer, so the
question is asked for windows: smaller ones after each that fails, down to a smallest, below which
the rest counts as used. A server that refuses the question (a SAS without the right, or no Azure at all)
gets the same answer: everything may be data, and is read.

Source: Microsoft, "Get Page Ranges" (REST, version 2020-10-02 for `maxresults` and `marker`).
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote
from xml.parsers import expat

from bootmend.disk.client import Client

PAGE_BLOB = "PageBlob"
VERSION = {"x-ms-version": "2020-10-02"}
WINDOW, SMALLEST = 16 << 30, 128 << 20
MOST_RANGES = 10_000
"""In one answer; the service gives no more."""
MOST_XML = 4 << 20
_LONGEST_TEXT = 4096
_SERVER_SECONDS = 20
"""The server is to give up before we take its silence for its end."""
_TOO_MUCH = frozenset((500, 504))
_REFUSED = frozenset((400, 401, 403, 404, 405, 409, 411, 416, 501))


def used_ranges(client: Client, size: int) -> Iterator[tuple[int, int]]:
    """Half-open ranges that may hold something else than zeros, ascending, inside `size` bytes."""
    at, window = 0, WINDOW
    while at < size:
        high = min(at + window, size)
        try:
            found = list(_window(client, at, high))
        except _TooMuch:
            window //= 2
            if window < SMALLEST:
                yield at, size
                return
            continue
        except _NotTold:
            yield at, size
            return
        yield from found
        at = high


class _TooMuch(Exception):
    """The server cannot answer for so large a window."""


class _NotTold(Exception):
    """The server does not answer this question, or not so that it could be understood."""


def _window(client: Client, low: int, high: int) -> Iterator[tuple[int, int]]:
    marker = ""
    before = low
    while True:
        more = f"comp=pagelist&timeout={_SERVER_SECONDS}&maxresults={MOST_RANGES}"
        more += f"&marker={quote(marker, safe='')}" if marker else ""
        headers = {"x-ms-range": f"bytes={low}-{high - 1}", **VERSION}
        answer = client.ask("GET", {200, *_TOO_MUCH, *_REFUSED}, headers, more=more, most=MOST_XML)
        if answer.status in _TOO_MUCH:
            raise _TooMuch
        if answer.status != 200:
            raise _NotTold
        client.same_blob(answer)
        listed = _PageList(answer.body)
        for start, end in listed.ranges:
            if not before <= start < end <= high:
                raise _NotTold
            yield start, end
            before = end
        if not listed.marker:
            return
        if not listed.ranges:  # a marker that leads nowhere would lead there for ever
            raise _NotTold
        marker = listed.marker


class _PageList:
    """The answer's XML: flat, without a document type (so without entities), bounded by the size of the body."""

    def __init__(self, body: bytes) -> None:
        self.ranges: list[tuple[int, int]] = []
        self.marker = ""
        self._path: list[str] = []
        self._text = ""
        self._start = -1
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._opens
        parser.EndElementHandler = self._closes
        parser.CharacterDataHandler = self._says
        parser.StartDoctypeDeclHandler = _no_document_type
        try:
            parser.Parse(body, True)
        except (expat.ExpatError, ValueError) as error:
            raise _NotTold from error

    def _opens(self, name: str, _: dict[str, str]) -> None:
        if len(self._path) == 3 or (not self._path and name != "PageList"):
            raise _NotTold
        self._path.append(name)
        self._text = ""

    def _says(self, text: str) -> None:
        self._text += text[:_LONGEST_TEXT]
        if len(self._text) > _LONGEST_TEXT:
            raise _NotTold

    def _closes(self, _: str) -> None:
        text, path = self._text.strip(), tuple(self._path)
        self._path.pop()
        self._text = ""
        if path == ("PageList", "PageRange", "Start"):
            self._start = int(text)
        elif path == ("PageList", "PageRange", "End"):
            self.ranges.append((self._start, int(text) + 1))
        elif path == ("PageList", "NextMarker"):
            self.marker = text
        if len(self.ranges) > MOST_RANGES:
            raise _NotTold


def _no_document_type(*_: object) -> None:
    raise _NotTold
