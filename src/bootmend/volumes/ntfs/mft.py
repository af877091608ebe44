"""The $MFT: file records by number, and the attributes of a file joined over all its records.

number -> Record (base) -> attribute list? -> extension Records -> FileRecord -> Stream
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.errors import ParseError
from bootmend.volumes.ntfs.boot import Boot
from bootmend.volumes.ntfs.records import (
    ATTRIBUTE_LIST,
    DATA,
    IN_USE,
    IS_DIRECTORY,
    Attribute,
    Record,
    parse_record,
)
from bootmend.volumes.ntfs.stream import Stream

NUMBER = (1 << 48) - 1
"""Masks the record number out of a file reference."""
MFT, MIRROR, LOGFILE, VOLUME, ROOT, UPCASE = 0, 1, 2, 3, 5, 10
FIRST_USER_RECORD = 24
KEPT_RECORDS, KEPT_ATTRIBUTES = 2048, 1 << 15
MOST_ATTRIBUTES = 1 << 14
"""Of one file, over all its records: more than an attribute list of 256 KiB has room for."""
MAX_ATTRIBUTE_LIST = 256 << 10


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file: its base record, and its attributes out of every record it owns."""

    base: Record
    attributes: tuple[Attribute, ...]

    @property
    def directory(self) -> bool:
        return bool(self.base.flags & IS_DIRECTORY)

    def first(self, kind: int, name: str = "") -> Attribute | None:
        return next((one for one in self.attributes if one.type == kind and one.name == name), None)


class Mft:
    """Reads what stands on the device now; `forget()` after anything else has written there."""

    def __init__(self, device: BlockDevice, boot: Boot, name: str) -> None:
        self.device = device
        self.boot = boot
        self.name = name
        self.beyond: Callable[[], bool] = lambda: False
        """Asked when a record lies beyond the table: True if the table may have grown and was written since."""
        self._records: OrderedDict[int, FileRecord] = OrderedDict()
        self._kept = 0
        """Attributes in `_records`."""
        self._table = self._find_table()

    def forget(self) -> None:
        self._records.clear()
        self._kept = 0

    def reload(self) -> None:
        """Reads the table's own clusters again: it may have grown."""
        self.forget()
        self._table = self._find_table()

    @property
    def count(self) -> int:
        """Records the table holds."""
        return self._table.initialized // self.boot.record_size

    @property
    def table(self) -> Stream:
        return self._table

    def raw(self, number: int) -> View:
        """The record as it stands on the disk, fixups in place."""
        size = self.boot.record_size
        if not 0 <= number < self.count and not (self.beyond() and number < self.count):
            raise ParseError(f"{self.name}\\$MFT", number * size, f"a record below {self.count}", str(number))
        return View(self._table.read(number * size, size), f"{self.name}\\$MFT", number * size)

    def prefetch(self, references: Iterable[int]) -> None:
        """These files are about to be asked for."""
        size = self.boot.record_size
        numbers = {reference & NUMBER for reference in references}
        places = (self._table.places(at * size, (at + 1) * size) for at in sorted(numbers) if at < self.count)
        self.device.prefetch((at, at + length) for parts in places for at, length in parts)

    def write(self, number: int, record: bytes) -> None:
        """A whole record, its fixups done, to the table and to $MFTMirr where that holds it too."""
        size = self.boot.record_size
        self._table.write(number * size, record)
        mirror = self.stream(self.file(MIRROR))
        if mirror is not None and (number + 1) * size <= mirror.size:
            mirror.write(number * size, record)
        self.forget()

    def file(self, reference: int) -> FileRecord:
        """The file of a reference (number and sequence; sequence 0: whatever is there). Raises ParseError."""
        number = reference & NUMBER
        file = self._records.get(number)
        if file is None:
            file = self._join(parse_record(self.raw(number), number))
            self._keep(number, file)
        base, wanted = file.base, reference >> 48
        if not base.flags & IN_USE or base.base or (wanted and base.sequence != wanted):
            found = f"flags {base.flags:#x}, base {base.base:#x}, sequence {base.sequence}"
            where = number * self.boot.record_size
            raise ParseError(f"{self.name}\\$MFT", where, f"file record {number} with sequence {wanted} in use", found)
        return file

    def _keep(self, number: int, file: FileRecord) -> None:
        self._records[number] = file
        self._kept += len(file.attributes)
        while len(self._records) > KEPT_RECORDS or (self._kept > KEPT_ATTRIBUTES and len(self._records) > 1):
            _, oldest = self._records.popitem(last=False)
            self._kept -= len(oldest.attributes)

    def numbers(self, file: FileRecord) -> list[int]:
        """Of all file records that the file owns, its base record first."""
        return [file.base.number, *self._extensions(file.base)]

    def stream(self, file: FileRecord, kind: int = DATA, name: str = "") -> Stream | None:
        parts = [one for one in file.attributes if one.type == kind and one.name == name]
        if not parts:
            return None
        what = f"{self.name}\\$MFT[{file.base.number}]" + (f":{name}" if name else "")
        return Stream(self.device, self.boot.cluster_size, self.boot.clusters, what, parts)

    def _join(self, base: Record) -> FileRecord:
        attributes = list(base.attributes)
        for number in self._extensions(base):
            extension = parse_record(self.raw(number), number)
            if extension.base & NUMBER != base.number or not extension.flags & IN_USE:
                where = number * self.boot.record_size
                raise ParseError(f"{self.name}\\$MFT", where, f"an extension of record {base.number}")
            attributes += extension.attributes
            if len(attributes) > MOST_ATTRIBUTES:
                where = number * self.boot.record_size
                raise ParseError(f"{self.name}\\$MFT", where, f"at most {MOST_ATTRIBUTES} attributes of one file")
        return FileRecord(base, tuple(attributes))

    def _extensions(self, base: Record) -> list[int]:
        """Numbers of the other records in the attribute list, each once, in its order."""
        parts = [one for one in base.attributes if one.type == ATTRIBUTE_LIST]
        if not parts or not base.flags & IN_USE:
            return []
        what = f"{self.name}\\$MFT[{base.number}]:$ATTRIBUTE_LIST"
        stream = Stream(self.device, self.boot.cluster_size, self.boot.clusters, what, parts)
        if stream.size > MAX_ATTRIBUTE_LIST:
            raise ParseError(what, 0, f"at most {MAX_ATTRIBUTE_LIST} bytes", str(stream.size))
        view = View(stream.read(0, stream.size), what)
        numbers: dict[int, None] = {}
        at = 0
        while at < len(view):
            length = view.u16(at + 4, "an entry of an attribute list")
            if length < 0x1A:
                raise view.fail(at + 4, "the length of an entry", str(length))
            numbers[view.u64(at + 0x10) & NUMBER] = None
            at += length
        numbers.pop(base.number, None)
        return list(numbers)

    def _find_table(self) -> Stream:
        """The table's own clusters: record 0, then what its extensions add, each readable through those before."""
        size = self.boot.record_size
        where = self.boot.mft_lcn * self.boot.cluster_size
        view = View(self.device.read(where, size), f"{self.name}\\$MFT")
        base = parse_record(view, MFT)
        parts = [one for one in base.attributes if one.type == DATA and not one.name]
        if not parts:
            raise view.fail(0, "the $DATA attribute of the $MFT")
        what = f"{self.name}\\$MFT"
        mapped = parts[0].last_vcn + 1
        sizes = parts[0]
        room = mapped * self.boot.cluster_size
        head = replace(sizes, size=min(sizes.size, room), initialized=min(sizes.initialized, room))
        self._table = Stream(self.device, self.boot.cluster_size, self.boot.clusters, what, [head])
        if self._table.resident or sizes.initialized < FIRST_USER_RECORD * size:
            raise view.fail(0, "a $MFT on clusters of its own")
        for number in self._extensions(base):
            more = parse_record(self.raw(number), number)
            parts += [one for one in more.attributes if one.type == DATA and not one.name]
            parts.sort(key=lambda one: one.first_vcn)
        return Stream(self.device, self.boot.cluster_size, self.boot.clusters, what, parts)
