"""The newest events of a Windows event log (.evtx), read from its end.

A log is a header of 4096 bytes and chunks of 64 KiB, which Windows fills in a ring; a chunk stands for
itself and says which record numbers it holds. The header is only brought up to date when the log is
closed, so after a crash it is stale: the newest chunk is found by the record numbers. Each chunk is
parsed by itself (package evtx), so that a broken one costs its own events and no others.

Source: "Windows XML Event Log (EVTX) format", Joachim Metz, libevtx documentation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from evtx import PyEvtxParser

from bootmend.binary import View
from bootmend.errors import ParseError

HEADER, CHUNK = 4096, 65536
MAGIC, CHUNK_MAGIC = b"ElfFile\0", b"ElfChnk\0"
_CHUNK_HEAD = 128
_MOST_HEADS = 1024
"""Chunks whose numbers are looked at (a log of 64 MiB; Windows' own have 20): those around the header's newest."""
_ONE_CHUNK = MAGIC + bytes(16) + (1).to_bytes(8, "little") + b"\x80\0\0\0\x01\0\x03\0\0\x10\x01\0" + bytes(HEADER - 44)
"""The header of a log with a single chunk."""

Read = Callable[[int, int], bytes]
"""`length` bytes from `offset` of the log, fewer at its end."""


@dataclass(frozen=True, slots=True)
class Event:
    record: int
    """Its number in the log."""
    when: datetime
    provider: str
    id: int
    data: Mapping[str, str]
    """Of EventData or UserData, by name; values without a name are called "1", "2", ..."""


@dataclass(slots=True)
class Events:
    """Newest first."""

    events: list[Event] = field(default_factory=list)
    broken: int = 0
    """Chunks of which not everything could be read."""


def newest_events(read: Read, size: int, file: str, most_chunks: int) -> Events:
    """The events of the newest chunks. Raises ParseError for what is no event log, or has no chunk that reads."""
    head = View(read(0, 128), file)
    if size < HEADER or head.bytes(0, 8, "an event log's header") != MAGIC:
        raise ParseError(file, 0, "an event log's magic ElfFile")
    found = Events()
    chunks = _newest_chunks(read, (size - HEADER) // CHUNK, head.u64(16), file)
    for index, announced in chunks[:most_chunks]:
        events = _parse(read(HEADER + index * CHUNK, CHUNK))
        found.events.extend(reversed(events))
        found.broken += len(events) < announced
    return found


def _newest_chunks(read: Read, count: int, current: int, file: str) -> list[tuple[int, int]]:
    """Index and number of records of each chunk that is in use, the newest first."""
    first = max(0, min(current if current < count else 0, count) - _MOST_HEADS // 2) if count > _MOST_HEADS else 0
    found: list[tuple[int, int, int]] = []
    strange = False
    for index in range(first, min(first + _MOST_HEADS, count)):
        data = read(HEADER + index * CHUNK, _CHUNK_HEAD)
        low, high = int.from_bytes(data[24:32], "little"), int.from_bytes(data[32:40], "little")
        if data[:8] == CHUNK_MAGIC and 0 < low <= high:
            found.append((high, index, high - low + 1))
        else:
            strange = strange or any(data)
    if strange and not found:
        raise ParseError(file, HEADER, "a chunk's magic ElfChnk")
    return [(index, records) for _, index, records in sorted(found, reverse=True)]


def _parse(chunk: bytes) -> list[Event]:
    """The events of a chunk in its own order, as far as they can be read."""
    found: list[Event] = []
    try:
        for record in PyEvtxParser(BytesIO(_ONE_CHUNK + chunk), number_of_threads=1).records_json():
            event = _event(record) if isinstance(record, dict) else None
            if event is not None:
                found.append(event)
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException:  # the parser tells damage by RuntimeError, and by a panic that is no Exception
        return found
    return found


def _event(record: Mapping[str, Any]) -> Event | None:
    """None for one whose XML is not that of an event."""
    try:
        body = json.loads(record["data"])["Event"]
        system = body["System"]
        number = system["EventID"]
        if isinstance(number, dict):
            number = number["#text"]
        # Always UTC; versions of the package write that with a Z, with " UTC", or with both.
        written = str(record["timestamp"]).removesuffix(" UTC").removesuffix("Z")
        when = datetime.fromisoformat(written).replace(tzinfo=UTC)
        provider = str(system["Provider"]["#attributes"]["Name"])
        return Event(int(record["event_record_id"]), when, provider, int(number), _data(body))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _data(body: Mapping[str, Any]) -> dict[str, str]:
    """Names and values, of EventData as of the one element that UserData holds."""
    holder = body.get("EventData") or next(iter((body.get("UserData") or {}).values()), None)
    if not isinstance(holder, dict):
        return {}
    unnamed = holder.get("Data")
    texts = unnamed.get("#text", []) if isinstance(unnamed, dict) else unnamed if unnamed is not None else []
    listed = texts if isinstance(texts, list) else [texts]
    found = {str(number): _text(text) for number, text in enumerate(listed, 1)}
    found.update((name, _text(value)) for name, value in holder.items() if name not in ("Data", "#attributes"))
    return found


def _text(value: object) -> str:
    """JSON's null is an empty value."""
    if isinstance(value, dict):
        value = value.get("#text", "")
    return "" if value is None else str(value)
