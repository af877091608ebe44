"""The reading half of an NTFS volume: all our own, never writes, never raises anything but our errors.

    device -> Boot -> Mft -> Folders -> Tree -> Stream

Only LZNT1-compressed files are read through libntfs-3g, in a read-only session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError, Missing, ParseError
from bootmend.texts import say
from bootmend.volumes.ntfs.boot import read_boot
from bootmend.volumes.ntfs.dirty import is_dirty
from bootmend.volumes.ntfs.engine import Session
from bootmend.volumes.ntfs.index import Folders
from bootmend.volumes.ntfs.logfile import Journal, read_journal
from bootmend.volumes.ntfs.mft import LOGFILE, UPCASE, VOLUME, FileRecord, Mft
from bootmend.volumes.ntfs.names import UPCASE_BYTES, Names
from bootmend.volumes.ntfs.records import DATA, VOLUME_NAME
from bootmend.volumes.ntfs.stream import Stream
from bootmend.volumes.ntfs.tree import Place, Tree, parts, points_elsewhere
from bootmend.volumes.ntfs.wof import STREAM, TAG, WofFile, algorithm_of
from bootmend.volumes.volume import Elsewhere, Entry, Extent, File, NotInPlace, Volume, VolumeState

READ_AT_ONCE = 1 << 24
_KEPT_ELSEWHERE = {0x80000013: "deduplicated", 0x80000005: "archived", 0x80000007: "single instance"}
_FETCHED_WHOLE = 4 << 20
"""A larger file is a long read anyway, which is fetched side by side when it comes."""
_RECALL = 0x00400000 | 0x00001000
"""Attributes of a cloud file whose content is not here: recall on data access, offline."""


class NtfsReading(Volume):
    """What `NtfsVolume` adds its writing to."""

    kind = "ntfs"

    def __init__(self, device: BlockDevice, name: str = "", writable: bool = False) -> None:
        """Raises ParseError where boot sector or $MFT are not sound; `device` is the volume alone."""
        self.device = device
        self.name = name or device.name
        self.writable = writable and device.writable
        self._boot = read_boot(device, self.name)
        self.serial = self._boot.serial
        self.cluster_size = self._boot.cluster_size
        self._session: Session | None = None
        self._mft = Mft(device, self._boot, self.name)
        self._mft.beyond = self._settle
        self._folders = Folders(self._mft, Names(self._upcase, self.name))
        self._tree = Tree(self._mft, self._folders)
        self.label = self._label()

    def state(self) -> VolumeState:
        journal = self._journal()
        return VolumeState(is_dirty(self._mft), journal.state, journal.version, self._hibernated())

    def listdir(self, path: str) -> list[Entry]:
        """Sizes and times as noted in the folder (what Windows lists too), `links` always 1; `stat` is exact."""
        folder = self._tree.file(path)
        tag = self._tree.reparse_tag(folder)
        if points_elsewhere(tag):
            raise Elsewhere(say("ntfs.is_link", path=f"{self.name}{path}", tag=tag))
        if not folder.directory:
            raise Missing(say("ntfs.not_a_folder", path=f"{self.name}{path}"))
        return list(self._tree.list(folder))

    def stat(self, path: str) -> Entry:
        if not parts(path):
            return self._tree.entry(self._tree.file(path), "\\")
        place = self._existing(path)
        assert place.entry is not None
        return self._tree.entry(self._mft.file(place.entry.reference), self._tree.long_name(place))

    def open(self, path: str) -> File:
        file = self._tree.file(path)
        tag = self._tree.reparse_tag(file)
        where = f"{self.name}{path}"
        if points_elsewhere(tag):
            raise Elsewhere(say("ntfs.is_link", path=where, tag=tag))
        if file.directory:
            raise Missing(say("ntfs.is_folder", path=where))
        if tag == TAG:
            return self._open_wof(file, where)
        stream = self._data(file)
        recalled = tag and self._tree.entry(file, "").attributes & _RECALL
        if tag in _KEPT_ELSEWHERE or recalled:
            raise InputError(say("ntfs.elsewhere", path=where, tag=tag))
        if stream.encrypted:
            raise InputError(say("ntfs.encrypted", path=where))
        if stream.compressed and not stream.resident:
            return _Compressed(self, file.base.reference, stream.size)
        return stream

    def extents(self, path: str) -> list[Extent]:
        file = self._tree.file(path)
        tag = self._tree.reparse_tag(file)
        if file.directory or tag:
            reason = "is a folder" if file.directory else f"has a reparse point ({tag:#x})"
            raise NotInPlace(f"{self.name}{path}: cannot be rewritten in place: it {reason}")
        return self._data(file).extents()

    def prefetch(self, paths: Iterable[str]) -> None:
        """Their file records first, all at once, then all their clusters."""
        if self.device.traffic is None:
            return
        references: list[int] = []
        for path in paths:
            with suppress(InputError):
                entry = self._tree.place(path).entry
                references += [entry.reference] if entry is not None else []
        self._mft.prefetch(references)
        self.device.prefetch(self._clusters(references))

    def _clusters(self, references: list[int]) -> Iterator[tuple[int, int]]:
        """Half-open ranges of the volume that hold the files' content, plain or as Windows has compressed it."""
        for reference in references:
            with suppress(InputError):
                file = self._mft.file(reference)
                for stream in (self._mft.stream(file, DATA, name) for name in ("", STREAM)):
                    if stream is not None and not stream.resident and stream.initialized <= _FETCHED_WHOLE:
                        yield from ((at, at + size) for at, size in stream.places(0, stream.initialized))

    def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            session.close()
            self._mft.reload()
            self._forget()

    def _existing(self, path: str) -> Place:
        place = self._tree.place(path)
        if place.entry is None:
            raise Missing(say("ntfs.missing", path=f"{self.name}{path}"))
        return place

    def _data(self, file: FileRecord) -> Stream:
        stream = self._mft.stream(file, DATA)
        if stream is None:
            raise self._mft.raw(file.base.number).fail(0, "a $DATA attribute")
        return stream

    def _open_wof(self, file: FileRecord, where: str) -> File:
        point = self._tree.reparse(file)
        packed = self._mft.stream(file, DATA, STREAM)
        assert point is not None
        algorithm = algorithm_of(point, where)
        if packed is None:
            raise point.fail(0, f"a stream {STREAM}")
        return WofFile(packed, self._data(file).size, algorithm)

    def _engine(self, writable: bool) -> Session:
        """The session that is open, or a new one."""
        if self._session is not None and writable and not self._session.writable:
            self.close()
        if self._session is None:
            self._session = Session(self.device, self.name, writable)
        return self._session

    def decompressed(self, reference: int, offset: int, length: int) -> bytes:
        return self._engine(writable=False).read(reference, DATA, "", offset, length)

    def _settle(self) -> bool:
        """Ends the engine's session, so that the device shows how far the $MFT has grown."""
        if self._session is None:
            return False
        self.close()
        return True

    def _forget(self) -> None:
        self._mft.forget()
        self._folders.forget()
        self._tree.forget()

    def _journal(self) -> Journal:
        return read_journal(self._system_stream(LOGFILE), self.name)

    def _system_stream(self, number: int) -> Stream:
        return self._data(self._mft.file(number))

    def _upcase(self) -> bytes:
        return self._system_stream(UPCASE).read(0, UPCASE_BYTES + 1)

    def _label(self) -> str:
        """Empty where $Volume cannot be read: that must not keep anyone from reading the rest."""
        try:
            label = self._mft.file(VOLUME).first(VOLUME_NAME)
        except ParseError:
            return ""
        return label.value.utf16(0, len(label.value) & ~1) if label and label.value else ""

    def _hibernated(self) -> bool:
        """`hibr` (Windows 7) or `HIBR` at the start of hiberfil.sys; `wake`, `RSTR` or zeros: it has been resumed."""
        try:
            return self.open("\\hiberfil.sys").read(0, 4) in (b"hibr", b"HIBR")
        except InputError:
            return False


class _Compressed(File):
    """An LZNT1-compressed file, read through the engine."""

    def __init__(self, volume: NtfsReading, reference: int, size: int) -> None:
        self._volume = volume
        self._reference = reference
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if offset < 0 or offset >= end:
            return b""
        pieces = []
        while offset < end:
            step = min(end - offset, READ_AT_ONCE)
            pieces.append(self._volume.decompressed(self._reference, offset, step))
            offset += step
        return b"".join(pieces)
