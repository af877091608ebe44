"""A folder: slots of 32 bytes, each a file's own record or a piece of a long name.

Slot: name 11, attributes 1, case flags 1, times 7, first cluster (high) 2, time 2, date 2,
first cluster (low) 2, size 4. A first byte of 0 ends the folder, 0xE5 marks a free slot. The
long name's pieces stand before the record, last piece first, each with the alias's checksum:
a long name that does not fit its record was left behind by a program that knew none, and
counts for nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.disk.device import BlockDevice
from bootmend.errors import Refused
from bootmend.texts import say
from bootmend.volumes.fat.names import UNITS_IN_A_SLOT, checksum, short_name
from bootmend.volumes.fat.times import filetime
from bootmend.volumes.volume import DIRECTORY

SLOT = 32
MOST_SLOTS = 65536
"""What a folder can hold at all: 2 MiB of slots."""

_RECORD = struct.Struct("<11sBBBHHHHHHHI")
assert _RECORD.size == SLOT
_END, _DELETED = 0x00, 0xE5
_VOLUME_LABEL, _LONG_NAME = 0x08, 0x0F


@dataclass(frozen=True, slots=True)
class Record:
    """A file or folder as its slots tell it; `slots` is the half-open range of them, long name included."""

    name: str
    alias: str
    attributes: int
    first_cluster: int
    size: int
    modified: int
    """FILETIME."""
    slots: range
    raw: bytes
    """Its own 32 bytes."""

    @property
    def directory(self) -> bool:
        return bool(self.attributes & DIRECTORY)


def pack_record(alias: bytes, attributes: int, first_cluster: int, size: int, moment: tuple[int, int]) -> bytes:
    """The 32 bytes of a new record; `moment` is (date, clock) for all its times."""
    date, clock = moment
    high, low = first_cluster >> 16, first_cluster & 0xFFFF
    return _RECORD.pack(alias, attributes, 0, 0, clock, date, date, high, clock, date, low, size)


class Directory:
    """The slots of one folder in memory, and where they stand. Changes reach the device with `save`."""

    def __init__(self, device: BlockDevice, places: list[tuple[int, int]], fixed: bool, wide: bool) -> None:
        """`places`: (offset, length) on the device, in order; `fixed`: cannot grow; `wide`: 32-bit cluster numbers."""
        self._device = device
        self._places = places
        self._wide = wide
        self.fixed = fixed
        self._saved = b"".join(device.read(offset, length) for offset, length in places)
        self._data = bytearray(self._saved)
        self._records: list[Record] | None = None

    def records(self) -> list[Record]:
        """Files and folders, in the order of the disk, without ``.`` and ``..``."""
        if self._records is None:
            self._records = list(self._parse())
        return self._records

    def label(self) -> str | None:
        """The volume's label, which only the root folder has."""
        for _, at in self._own_slots():
            raw = self._data[at * SLOT : (at + 1) * SLOT]
            if raw[11] & (_VOLUME_LABEL | DIRECTORY) == _VOLUME_LABEL:
                return bytes(raw[:11]).decode("cp437").rstrip(" ")
        return None

    def names(self) -> list[tuple[str, str]]:
        """(name, alias) of every record."""
        return [(record.name, record.alias) for record in self.records()]

    def erase(self, record: Record) -> None:
        self._records = None
        for at in record.slots:
            self._data[at * SLOT] = _DELETED

    def rewrite(self, record: Record, raw: bytes) -> None:
        """Another 32 bytes for the record's own slot."""
        self._records = None
        at = record.slots[-1] * SLOT
        self._data[at : at + SLOT] = raw

    def shortage(self, count: int) -> int:
        """How many slots the folder lacks to take `count` more in a row; Refused if it cannot have them."""
        start, end = self._room(count)
        missing = max(start + count - end, 0)
        if missing and (self.fixed or end + missing > MOST_SLOTS):
            raise Refused(say("volumes.folder_full"))
        return missing

    def extend(self, offset: int, length: int) -> None:
        """A new cluster at the end; what stood in it does not count."""
        self._places.append((offset, length))
        self._saved += self._device.read(offset, length)
        self._data += bytes(length)

    def insert(self, slots: list[bytes]) -> None:
        """Puts `slots` in the first room for them; `shortage` must be 0 by now."""
        self._records = None
        start, end = self._room(len(slots))
        ended = self._end()
        stop = start + len(slots)
        self._data[start * SLOT : stop * SLOT] = b"".join(slots)
        if stop > ended and stop < end:  # what lies behind the old end may be anything: end it anew
            self._data[stop * SLOT : (stop + 1) * SLOT] = bytes(SLOT)

    def save(self) -> None:
        """Writes the slots that changed, and no others."""
        at = 0
        for offset, length in self._places:
            for low in range(at, at + length, SLOT):
                if self._data[low : low + SLOT] != self._saved[low : low + SLOT]:
                    self._device.write(offset + low - at, bytes(self._data[low : low + SLOT]))
            at += length
        self._saved = bytes(self._data)

    def last_cluster_offset(self) -> int:
        return self._places[-1][0]

    def _parse(self) -> Iterator[Record]:
        for first, at in self._own_slots():
            raw = bytes(self._data[at * SLOT : (at + 1) * SLOT])
            if not raw[11] & _VOLUME_LABEL and raw[:2] not in (b". ", b".."):
                yield self._record(raw, range(first, at + 1))

    def _end(self) -> int:
        """The number of the slot that ends the folder."""
        at = self._data[::SLOT].find(_END)
        return at if at >= 0 else len(self._data) // SLOT

    def _room(self, count: int) -> tuple[int, int]:
        """(first slot of the first `count` free ones in a row, slots there are); the run may reach past the end."""
        total, ended = len(self._data) // SLOT, self._end()
        start = 0
        for at in range(ended):
            if self._data[at * SLOT] != _DELETED:
                start = at + 1
            elif at + 1 - start == count:
                break
        return start, total

    def _own_slots(self) -> Iterator[tuple[int, int]]:
        """(first slot with its long name, own slot) of everything that is not free."""
        first = 0
        for at in range(self._end()):
            if self._data[at * SLOT] == _DELETED:
                first = at + 1
            elif self._data[at * SLOT + 11] & 0x3F != _LONG_NAME:
                yield first, at
                first = at + 1

    def _record(self, raw: bytes, slots: range) -> Record:
        name, attributes, flags, _, _, _, _, high, clock, date, low, size = _RECORD.unpack(raw)
        long_name, first = self._long_name(slots, checksum(name))
        alias = short_name(name, 0)
        return Record(
            name=long_name or (short_name(name, flags) if flags else alias),
            alias=alias,
            attributes=attributes,
            first_cluster=(high << 16 | low) & 0x0FFFFFFF if self._wide else low,
            size=size,
            modified=filetime(date, clock),
            slots=range(first, slots.stop),
            raw=raw,
        )

    def _long_name(self, slots: range, mark: int) -> tuple[str, int]:
        """(the long name, its first slot), or nothing and the record's own slot where the pieces do not fit."""
        own = slots[-1]
        units = b""
        for number, at in enumerate(range(own - 1, slots.start - 1, -1), 1):
            piece = bytes(self._data[at * SLOT : (at + 1) * SLOT])
            if piece[0] & 0x3F != number or piece[13] != mark:
                break
            units += piece[1:11] + piece[14:26] + piece[28:32]
            if piece[0] & 0x40:
                if len(units) > 20 * 2 * UNITS_IN_A_SLOT:
                    break
                return units.decode("utf-16-le", "surrogatepass").split("\0", 1)[0], at
        return "", own
