"""FatVolume: the Volume contract on FAT12, FAT16 and FAT32."""

from __future__ import annotations

from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError
from bootmend.volumes.fat.check import find_damage
from bootmend.volumes.fat.directory import Record
from bootmend.volumes.fat.reader import FatFile, FatReader
from bootmend.volumes.fat.writer import FatWriter
from bootmend.volumes.volume import Entry, Extent, File, NotInPlace, Volume, VolumeState


class FatVolume(Volume):
    """A FAT volume on `device`. ParseError if there is none; `name` is what errors call it.

    Owners and ACLs do not exist here, so of `create`'s `like` only its existence counts. The first
    step that writes looks over the whole volume and is Refused if that finds damage.
    """

    def __init__(self, device: BlockDevice, name: str = "") -> None:
        self.device = device
        self.name = name or device.name
        self._reader = FatReader(device, self.name)
        self._writer: FatWriter | None = None
        geometry = self._reader.geometry
        self.kind = f"fat{geometry.bits}"
        self.serial = geometry.serial
        self.cluster_size = geometry.cluster_size
        self.label = _label(self._reader)

    def state(self) -> VolumeState:
        flag = self.device.read(self._reader.geometry.flags_offset, 1)[0] & 1
        return VolumeState(dirty=bool(flag) or not self._reader.table.shut_down_cleanly())

    def find_damage(self) -> list[str]:
        """What forbids writing here, as sentences; reads the whole tree."""
        return find_damage(self._reader)

    def listdir(self, path: str) -> list[Entry]:
        return [_entry(record) for record in self._reader.folder(path).records()]

    def stat(self, path: str) -> Entry:
        return _entry(self._reader.find(path))

    def open(self, path: str) -> File:
        return FatFile(self._reader, self._reader.file(path))

    def extents(self, path: str) -> list[Extent]:
        record = self._reader.find(path)
        if record.directory:
            raise NotInPlace(f"{self.name}{path}: is a folder")
        return self._reader.runs(record)

    def replace(self, path: str, data: bytes) -> None:
        self._reader.file(path)
        self._writing().replace(path, data)

    def create(self, path: str, data: bytes, like: str = "") -> None:
        if like:
            self._reader.file(like)
        self._writing().create(path, data)

    def delete(self, path: str) -> None:
        self._writing().delete(path)

    def mkdir(self, path: str) -> None:
        self._writing().mkdir(path)

    def rename(self, path: str, new_path: str) -> None:
        self._writing().rename(path, new_path)

    def set_attributes(self, path: str, attributes: int) -> None:
        self._writing().set_attributes(path, attributes)

    def close(self) -> None:
        """Nothing is held back: every step is on the device when it returns."""

    def _writing(self) -> FatWriter:
        if self._writer is None:
            self._writer = FatWriter(self._reader)
        return self._writer


def _entry(record: Record) -> Entry:
    return Entry(
        name=record.name,
        directory=record.directory,
        size=0 if record.directory else record.size,
        file_id=record.first_cluster,
        attributes=record.attributes,
        modified=record.modified,
    )


def _label(reader: FatReader) -> str:
    """The root folder's word counts before the boot sector's; a root that cannot be read has none."""
    try:
        label = reader.directory(reader.root).label()
    except InputError:
        label = None
    boot = reader.geometry.label
    return label if label is not None else "" if boot == "NO NAME" else boot
