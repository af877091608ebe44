"""Files by path on a FAT volume, read only."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError, Missing, ParseError
from bootmend.texts import say
from bootmend.volumes.fat.bootsector import Geometry, read_geometry
from bootmend.volumes.fat.directory import MOST_SLOTS, SLOT, Directory, Record
from bootmend.volumes.fat.names import fold
from bootmend.volumes.fat.table import Table
from bootmend.volumes.volume import DIRECTORY, Extent, File


class FatReader:
    """Paths to records, records to bytes. Missing and ParseError as the Volume contract says."""

    def __init__(self, device: BlockDevice, name: str) -> None:
        self.device = device
        self.name = name
        self.geometry: Geometry = read_geometry(device, name)
        self.table = Table(device, self.geometry, name)
        self.root = Record("\\", "\\", DIRECTORY, self.geometry.root_cluster, 0, 0, range(0), b"")

    def find(self, path: str) -> Record:
        """The record of `path`; the root has one too, made up."""
        return self.trail(path)[-1]

    def trail(self, path: str) -> list[Record]:
        """The records from the root to `path`. A folder that holds one above itself is a ParseError."""
        trail = [self.root]
        for part in (part for part in path.split("\\") if part):
            if not trail[-1].directory:
                raise Missing(say("volumes.missing", path=f"{self.name}{path}"))
            found = self.lookup(self.directory(trail[-1]), part)
            if found is None:
                raise Missing(say("volumes.missing", path=f"{self.name}{path}"))
            if found.directory and any(found.first_cluster == above.first_cluster for above in trail):
                raise ParseError(f"{self.name}{path}", 0, "a folder of its own", "one that holds itself")
            trail.append(found)
        return trail

    def lookup(self, folder: Directory, name: str) -> Record | None:
        """By long name or alias, in any case."""
        wanted = fold(name)
        return next((one for one in folder.records() if wanted in (fold(one.name), fold(one.alias))), None)

    def directory(self, record: Record) -> Directory:
        """The slots of a folder."""
        geometry = self.geometry
        wide = geometry.bits == 32
        if record.first_cluster == 0 and not wide and record is self.root:
            return Directory(self.device, [(geometry.root_offset, geometry.root_size)], True, wide)
        most = max(MOST_SLOTS * SLOT // geometry.cluster_size, 1)
        clusters = self.table.chain(record.first_cluster, most)
        places = [(geometry.cluster_offset(cluster), geometry.cluster_size) for cluster in clusters]
        return Directory(self.device, places, False, wide)

    def folder(self, path: str) -> Directory:
        """The slots of the folder `path`; Missing if it is a file."""
        record = self.find(path)
        if not record.directory:
            raise Missing(say("volumes.missing", path=f"{self.name}{path}"))
        return self.directory(record)

    def file(self, path: str) -> Record:
        """The record of a file; a folder is an InputError."""
        record = self.find(path)
        if record.directory:
            raise InputError(say("volumes.folder", path=f"{self.name}{path}"))
        return record

    def runs(self, record: Record) -> list[Extent]:
        """Where a file's bytes stand, up to its size; clusters that follow each other are one extent."""
        size = self.geometry.cluster_size
        extents: list[Extent] = []
        at = 0
        for cluster in self.table.beginning(record.first_cluster, -(-record.size // size)):
            offset, length = self.geometry.cluster_offset(cluster), min(size, record.size - at)
            if extents and extents[-1].volume_offset + extents[-1].length == offset:
                last = extents.pop()
                extents.append(Extent(last.file_offset, last.volume_offset, last.length + length))
            else:
                extents.append(Extent(at, offset, length))
            at += length
        return extents


class FatFile(File):
    """A file's extents, read as one; its chain is followed at the first read.

    So a file of 4 GiB whose size is refused costs nothing: its chain may have eight million clusters.
    """

    def __init__(self, reader: FatReader, record: Record) -> None:
        self.size = record.size
        self._device = reader.device
        self._reader = reader
        self._record = record

    @cached_property
    def _extents(self) -> list[Extent]:
        return self._reader.runs(self._record)

    @cached_property
    def _starts(self) -> list[int]:
        return [extent.file_offset for extent in self._extents]

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0:
            raise InputError(f"{self._device.name}: read of {length} bytes at {offset} of a file")
        end = min(offset + length, self.size)
        pieces: list[bytes] = []
        while offset < end:
            extent = self._extents[bisect_right(self._starts, offset) - 1]
            inside = offset - extent.file_offset
            count = min(extent.length - inside, end - offset)
            pieces.append(self._device.read(extent.volume_offset + inside, count))
            offset += count
        return b"".join(pieces)
