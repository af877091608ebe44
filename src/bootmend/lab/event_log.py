"""Windows event logs (.evtx): new ones, and more events for one that is there.

Each record brings the template of its XML with it, as the first of its kind does in a real chunk; no two
records share one, so that a record can be added without knowing the others.

Source: "Windows XML Event Log (EVTX) format", Joachim Metz, libevtx documentation.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bootmend.errors import Misuse, ParseError
from bootmend.formats.event_log import CHUNK, CHUNK_MAGIC, HEADER, MAGIC

_RECORDS = 512
"""Where the records of a chunk begin."""
_FRAGMENT = b"\x0f\x01\x01\x00"
_STRING, _U8, _U16, _U64, _FILETIME = 0x01, 0x04, 0x06, 0x0A, 0x11
_NO_DEPENDENCY = 0xFFFF


@dataclass(frozen=True, slots=True)
class LabEvent:
    when: int
    """FILETIME."""
    provider: str
    id: int
    data: Mapping[str, str] = field(default_factory=dict)
    """Names that are numbers ("1", "2") make values without a name, as the EventLog service writes them."""
    level: int = 4
    channel: str = "System"


def new_log(events: Iterable[LabEvent], computer: str, chunks: int) -> bytes:
    """A log that was closed properly, with room for `chunks` chunks."""
    return add_events(_header(0, 1, chunks) + bytes(CHUNK * chunks), events, computer)


def add_events(log: bytes, events: Iterable[LabEvent], computer: str) -> bytes:
    """The log with more events at its end. Raises Misuse where its chunks are full."""
    if log[:8] != MAGIC:
        raise ParseError("event log", 0, "an event log's magic ElfFile")
    count = (len(log) - HEADER) // CHUNK
    chunks = [_Chunk(bytearray(log[at : at + CHUNK])) for at in range(HEADER, HEADER + count * CHUNK, CHUNK)]
    newest = max(range(count), key=lambda index: chunks[index].last)
    number = chunks[newest].last
    for event in events:
        number += 1
        if not chunks[newest].add(number, event, computer):
            newest += 1
            if newest == count or not chunks[newest].add(number, event, computer):
                raise Misuse("the event log has no room for another event")
    return _header(newest, number + 1, count) + b"".join(chunk.sealed() for chunk in chunks)


def _header(newest: int, next_record: int, chunks: int) -> bytes:
    head = struct.pack("<8sQQQIHHHH", MAGIC, 0, newest, next_record, 128, 1, 3, HEADER, chunks).ljust(120, b"\0")
    return (head + struct.pack("<II", 0, zlib.crc32(head))).ljust(HEADER, b"\0")


class _Chunk:
    """64 KiB with records, or not used yet."""

    def __init__(self, data: bytearray) -> None:
        self._data = data
        used = data[:8] == CHUNK_MAGIC
        self.first, self.last = struct.unpack_from("<QQ", data, 24) if used else (0, 0)
        self._last_at, self._free = struct.unpack_from("<II", data, 44) if used else (0, _RECORDS)

    def add(self, number: int, event: LabEvent, computer: str) -> bool:
        """Whether there was room."""
        xml = _Xml(self._free + 24)
        body = xml.event(event, number, computer)
        body += bytes(-len(body) % 8 + 4)  # records end on 8 bytes
        size = 24 + len(body) + 4
        if self._free + size > CHUNK:
            return False
        record = struct.pack("<4sIQQ", b"**\0\0", size, number, event.when) + body + struct.pack("<I", size)
        self._data[self._free : self._free + size] = record
        self._last_at, self._free = self._free, self._free + size
        self.first, self.last = self.first or number, number
        return True

    def sealed(self) -> bytes:
        """With its header and checksums."""
        if not self.last:
            return bytes(self._data)
        records = zlib.crc32(self._data[_RECORDS : self._free])
        numbers = (self.first, self.last, self.first, self.last)
        struct.pack_into("<8s4QIIII", self._data, 0, CHUNK_MAGIC, *numbers, 128, self._last_at, self._free, records)
        checked = zlib.crc32(self._data[128:_RECORDS], zlib.crc32(self._data[:120]))
        struct.pack_into("<I", self._data, 124, checked)
        return bytes(self._data)


class _Xml:
    """Binary XML of one record; `at` is where in the chunk it begins."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._out = bytearray()
        self._values: list[tuple[int, bytes]] = []

    def event(self, event: LabEvent, number: int, computer: str) -> bytes:
        self._out += _FRAGMENT + b"\x0c\x01"
        name = uuid.uuid5(uuid.NAMESPACE_OID, f"{event.provider}/{event.id}")
        self._out += name.bytes_le[:4]
        self._out += struct.pack("<I", self._here + 4)
        self._out += struct.pack("<I", 0) + name.bytes_le
        length = self._reserve()
        self._out += _FRAGMENT
        self._template(event, number, computer)
        self._out += b"\0"
        self._fill(length)
        self._out += struct.pack("<I", len(self._values))
        for kind, value in self._values:
            self._out += struct.pack("<HBB", len(value), kind, 0)
        for _, value in self._values:
            self._out += value
        return bytes(self._out)

    def _template(self, event: LabEvent, number: int, computer: str) -> None:
        with_names = [(name, value) for name, value in event.data.items() if not name.isdecimal()]
        unnamed = [value for name, value in event.data.items() if name.isdecimal()]
        ends = [self._open("Event", {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"})]
        ends.append(self._open("System"))
        self._empty("Provider", {"Name": event.provider})
        self._leaf("EventID", _U16, struct.pack("<H", event.id))
        self._leaf("Level", _U8, bytes([event.level]))
        self._empty("TimeCreated", {"SystemTime": (_FILETIME, struct.pack("<Q", event.when))})
        self._leaf("EventRecordID", _U64, struct.pack("<Q", number))
        self._leaf("Channel", _STRING, event.channel.encode("utf-16-le"))
        self._leaf("Computer", _STRING, computer.encode("utf-16-le"))
        self._close(ends.pop())
        ends.append(self._open("EventData"))
        for name, value in with_names:
            self._leaf("Data", _STRING, value.encode("utf-16-le"), {"Name": name})
        for value in unnamed:
            self._leaf("Data", _STRING, value.encode("utf-16-le"))
        while ends:
            self._close(ends.pop())

    @property
    def _here(self) -> int:
        return self._at + len(self._out)

    def _reserve(self) -> int:
        """Room for a length that is only known later; the place of it."""
        self._out += bytes(4)
        return len(self._out) - 4

    def _fill(self, place: int) -> None:
        struct.pack_into("<I", self._out, place, len(self._out) - place - 4)

    def _name(self, name: str) -> None:
        """A name where it is used: offset of itself, then next of its kind, hash, length, text."""
        hashed = 0
        for character in name:
            hashed = (hashed * 65599 + ord(character)) & 0xFFFFFFFF
        self._out += struct.pack("<I", self._here + 4)
        self._out += struct.pack("<IHH", 0, hashed & 0xFFFF, len(name)) + name.encode("utf-16-le") + b"\0\0"

    def _substitute(self, kind: int, value: bytes) -> None:
        self._out += b"\x0d" + struct.pack("<HB", len(self._values), kind)
        self._values.append((kind, value))

    def _start(self, name: str, attributes: Mapping[str, str | tuple[int, bytes]]) -> int:
        self._out += b"\x41" if attributes else b"\x01"
        self._out += struct.pack("<H", _NO_DEPENDENCY)
        place = self._reserve()
        self._name(name)
        if attributes:
            listed = self._reserve()
            for number, (attribute, value) in enumerate(attributes.items(), 1):
                self._out += b"\x06" if number == len(attributes) else b"\x46"
                self._name(attribute)
                if isinstance(value, str):
                    self._out += b"\x05\x01" + struct.pack("<H", len(value)) + value.encode("utf-16-le")
                else:
                    self._substitute(*value)
            self._fill(listed)
        return place

    def _open(self, name: str, attributes: Mapping[str, str] | None = None) -> int:
        place = self._start(name, attributes or {})
        self._out += b"\x02"
        return place

    def _close(self, place: int) -> None:
        self._out += b"\x04"
        self._fill(place)

    def _empty(self, name: str, attributes: Mapping[str, str | tuple[int, bytes]]) -> None:
        place = self._start(name, attributes)
        self._out += b"\x03"
        self._fill(place)

    def _leaf(self, name: str, kind: int, value: bytes, attributes: Mapping[str, str] | None = None) -> None:
        place = self._open(name, attributes)
        self._substitute(kind, value)
        self._close(place)
