"""What stands on the disk, joined: partitions, volumes, Windows installations.

An `Image` over a plain device only reads. Over an overlay it is also an `EditTarget`: content
that fits the clusters a file owns is written there directly (in place first), and everything
else goes through the file system's engine, which is started on a volume only when the first
such edit comes, after the journal policy of that volume has been applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bootmend.disk.device import BlockDevice, Window
from bootmend.errors import InputError, Missing, ParseError, Refused
from bootmend.texts import say
from bootmend.volumes.detect import Locked, Unknown, open_volume
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.partitions import Partition, PartitionTable, read_partitions
from bootmend.volumes.tables.partition import LDM_DATA, LDM_METADATA, MBR_LDM, MSR, SPREAD, STORAGE_SPACES
from bootmend.volumes.volume import SETTABLE, NotInPlace, Volume, Waiting

SECTOR = 512
"""In-place edits are compared and written in units of this many bytes."""

DISCARD_LOG = "discard-ntfs-log"
"""The word for `--accept` that allows wiping an NTFS journal that cannot be replayed."""

ONE_DISK_OF_SEVERAL = "one-disk-of-several"
"""The word for `--accept` that allows changes of a volume that may have a twin or other pieces on other disks."""

_KINDS = {
    MSR: "windows.type_msr",
    LDM_METADATA: "windows.type_ldm_metadata",
    LDM_DATA: "windows.type_ldm",
    MBR_LDM: "windows.type_ldm",
    STORAGE_SPACES: "windows.type_spaces",
}
"""What a partition without a file system of its own is, by its type."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A partition whose file system was recognised but cannot be read; `reason` is the reader's error."""

    reason: str


Content = Volume | Locked | Unknown | Unreadable


class Image:
    """A disk's volumes by number (the partition's), opened when first asked for."""

    def __init__(self, device: BlockDevice, *, accept: frozenset[str] = frozenset()) -> None:
        self.device = device
        self.accept = accept
        self.table: PartitionTable = read_partitions(device)
        self.journal_notes: list[str] = []
        self._contents: dict[int, Content] = {}
        self._engines: set[int] = set()

    @property
    def partitions(self) -> list[Partition]:
        return self.table.partitions

    def content(self, number: int) -> Content:
        """What stands in partition `number`; Missing if there is no such partition."""
        if number not in self._contents:
            self._contents[number] = self._open(number, writable=False)
        return self._contents[number]

    def volume(self, number: int) -> Volume:
        """The readable volume in partition `number`, or an InputError that says why there is none."""
        content = self.content(number)
        if isinstance(content, Volume):
            return content
        raise InputError(say("windows.volume_unreadable", number=number, reason=describe(content)))

    def volumes(self) -> Iterator[tuple[int, Volume]]:
        for partition in self.partitions:
            content = self.content(partition.number)
            if isinstance(content, Volume):
                yield partition.number, content

    def mounted_partition(self, data: bytes) -> int | None:
        """The partition that a value of MountedDevices names: `DMIO:ID:` + GUID, or MBR signature + byte offset."""
        return self._mounted.get(data)

    @cached_property
    def _mounted(self) -> dict[bytes, int]:
        names: dict[bytes, int] = {}
        for partition in self.partitions:
            if partition.guid is not None:
                names.setdefault(b"DMIO:ID:" + partition.guid.bytes_le, partition.number)
            if self.table.mbr_signature is not None:
                place = partition.start.to_bytes(8, "little")
                names.setdefault(self.table.mbr_signature.to_bytes(4, "little") + place, partition.number)
        return names

    def _open(self, number: int, *, writable: bool) -> Content:
        for partition in self.partitions:
            if partition.number == number:
                name = f"{self.device.name}:{number}"
                window = Window(self.device, partition.start, partition.size, name)
                try:
                    content = open_volume(window, name, writable=writable)
                    kind = _KINDS.get(partition.type_id)
                    return Unknown(say(kind)) if isinstance(content, Unknown) and kind else content
                except InputError as error:
                    return Unreadable(str(error))
        raise Missing(say("windows.no_partition", number=number, disk=self.device.name))

    def _engine(self, number: int, *, to_write: bool = True) -> Volume:
        """The volume with its engine allowed to write; once started it serves reads as well."""
        if number not in self._engines:
            self.volume(number).close()
            content = self._open(number, writable=True)
            self._contents[number] = content
            self._engines.add(number)
            if isinstance(content, NtfsVolume):
                note = content.prepare_journal(DISCARD_LOG in self.accept, to_write=to_write)
                if note:
                    self.journal_notes.append(note)
        return self.volume(number)

    def flush(self) -> None:
        """Everything written so far is on the device; the engines are ended."""
        for number in sorted(self._engines):
            content = self._contents.pop(number)
            if isinstance(content, Volume):
                content.close()
        self._engines.clear()

    def close(self) -> None:
        self.flush()
        for content in self._contents.values():
            if isinstance(content, Volume):
                content.close()
        self._contents.clear()

    def read_file(self, volume: int, path: str) -> bytes:
        return self.volume(volume).read(path)

    def has_file(self, volume: int, path: str) -> bool:
        return self.volume(volume).exists(path)

    def settle(self, number: int, *, to_write: bool = True) -> bool:
        """Replays an unclean NTFS journal, so that the volume reads as Windows will see it; whether there was one.

        Only over an overlay; without `to_write` nothing that comes of it may reach the disk. Raises Refused where it
        cannot be proven safe: the volume then stays as it was.
        """
        volume = self.volume(number)
        if not isinstance(volume, NtfsVolume) or volume.state().journal != "unclean":
            return False
        self._engine(number, to_write=to_write)
        return True

    def _may_change(self, number: int) -> None:
        """Half of a mirror changed alone, its halves differ; what Windows then reads is anybody's guess."""
        types = [partition.type_id for partition in self.partitions if partition.number == number]
        if types[0] in SPREAD and ONE_DISK_OF_SEVERAL not in self.accept:
            reason = say("windows.spread", number=number, disk=self.device.name)
            raise Refused(reason, say("windows.spread_next", risk=ONE_DISK_OF_SEVERAL))

    def put_file(self, volume: int, path: str, data: bytes) -> None:
        self._may_change(volume)
        try:
            written = self._rewrite(self.volume(volume), path, data)
        except Waiting:
            # Where the file's clusters are is settled by the journal alone.
            written = self._rewrite(self._engine(volume), path, data)
        if not written:
            self._engine(volume).replace(path, data)

    def _rewrite(self, files: Volume, path: str, data: bytes) -> bool:
        """Whether `data` could be put onto the clusters that the file owns."""
        if files.stat(path).size != len(data):
            return False
        try:
            old = files.read(path)
            for start, end in differing(old, data):
                files.write_in_place(path, start, data[start:end])
        except (NotInPlace, ParseError):  # ParseError: its old content is broken, as with a damaged compressed file
            return False
        return True

    def create_file(self, volume: int, path: str, data: bytes, like: str = "") -> None:
        self._may_change(volume)
        self._engine(volume).create(path, data, like)

    def delete_file(self, volume: int, path: str) -> None:
        self._may_change(volume)
        self._engine(volume).delete(path)

    def rename_file(self, volume: int, path: str, new_path: str) -> None:
        """A file or folder gets another name, or another place on the same volume."""
        self._may_change(volume)
        self._engine(volume).rename(path, new_path)

    def set_attributes(self, volume: int, path: str, attributes: int) -> None:
        """DOS attributes, as `Volume.set_attributes` takes them; nothing is written where they stand so."""
        present = self.volume(volume).stat(path).attributes
        if (present ^ attributes) & SETTABLE:
            self._may_change(volume)
            self._engine(volume).set_attributes(path, attributes)

    def make_folder(self, volume: int, path: str) -> None:
        self._may_change(volume)
        self._engine(volume).mkdir(path)

    def write_disk(self, offset: int, data: bytes) -> None:
        """Bytes outside of files: partition table, boot sectors. What is known of the volumes is read anew."""
        self.flush()
        self.close()
        self.device.write(offset, data)
        self.table = read_partitions(self.device)
        self.__dict__.pop("_mounted", None)


def differing(old: bytes, new: bytes) -> Iterator[tuple[int, int]]:
    """Half-open ranges, in whole sectors, where two contents of the same length differ; ascending, joined."""
    start: int | None = None
    for at in range(0, len(old), SECTOR):
        same = old[at : at + SECTOR] == new[at : at + SECTOR]
        if same and start is not None:
            yield (start, at)
            start = None
        elif not same and start is None:
            start = at
    if start is not None:
        yield (start, len(old))


def describe(content: Content) -> str:
    """What a partition holds, in a word or a sentence."""
    if isinstance(content, Volume):
        return content.kind
    if isinstance(content, Locked):
        return say("windows.locked", kind=content.kind)
    if isinstance(content, Unknown):
        return content.what
    return content.reason


def address(volume: int, path: str) -> str:
    """How a report names a file: its volume's number and its path."""
    return f"volume {volume}:{path}"


def locked_volumes(image: Image) -> list[int]:
    """Numbers of the partitions that are encrypted."""
    return [p.number for p in image.partitions if isinstance(image.content(p.number), Locked)]
