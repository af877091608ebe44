"""A volume as Windows 10 leaves it when the power goes: journal 2.0, not closed, one change still only in it.

Modelled on the $LogFile of a Windows 10 volume that was not dismounted: page layout, restart areas,
checkpoints, table dumps and the two records of a finished transaction are laid out as there. The change
that waits is the commonest of all: new times of one file (UpdateResidentValue on its standard
information, then ForgetTransaction). A replay puts it into the file record; nothing else tells it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from bootmend.disk.device import BlockDevice
from bootmend.errors import Misuse
from bootmend.volumes.ntfs.boot import SECTOR, read_boot
from bootmend.volumes.ntfs.dirty import set_dirty
from bootmend.volumes.ntfs.index import Folders
from bootmend.volumes.ntfs.mft import LOGFILE, UPCASE, FileRecord, Mft
from bootmend.volumes.ntfs.names import Names
from bootmend.volumes.ntfs.records import DATA, STANDARD_INFORMATION, redo_fixups
from bootmend.volumes.ntfs.stream import Stream
from bootmend.volumes.ntfs.tree import Tree

LATER = 10_000_000 * 60
"""One minute, in units of 100 ns."""

_PAGE = 4096
_FIRST_PAGE, _FIRST_TAIL, _DATA_START = 34, 2, 0x40
_ROOM = _PAGE - _DATA_START
_LAP = 4
"""How often the log says it has wrapped; Windows begins near that too."""
_RESTART_AREA, _CLIENT = 0x30, 0x70
_RECORD = struct.Struct("<QQQIIIIHHHH")
"""LSN, previous, undo next, length of the client's data, client, record type, transaction, flags, reserved."""
_OPERATION = struct.Struct("<HHHHHHHHHHHHQ")
"""Redo, undo, their offsets and lengths, attribute, clusters, offsets in record and attribute, block, flags, VCN."""
assert _RECORD.size == 0x30 and _OPERATION.size == 0x20
_CLIENT_RECORD, _CHECKPOINT = 1, 2
_COMPENSATION, _UPDATE_RESIDENT, _FORGET, _OPEN_ATTRIBUTES = 0x01, 0x07, 0x1B, 0x1D
_MFT_ATTRIBUTE = 0x18
"""Where $MFT:$DATA stands in the table of open attributes."""
_TRANSACTION = 0x18


@dataclass(frozen=True, slots=True)
class Pending:
    """A change that stands in the journal alone: standard information of a file from its `modified` time on."""

    record: int
    old: bytes
    new: bytes
    record_offset: int
    attribute_offset: int


def mark_crashed(device: BlockDevice, path: str = "\\", later: int = LATER) -> int:
    """The power goes right after `path` was touched: its new modified time, which only the journal has, is returned.

    `device` is a sound volume that is not open elsewhere; `later` is how much the time moves (100 ns).
    """
    boot = read_boot(device, "")
    mft = Mft(device, boot, "")
    upcase = mft.stream(mft.file(UPCASE))
    log = mft.stream(mft.file(LOGFILE))
    if upcase is None or log is None or log.initialized < (_FIRST_PAGE + 2) * _PAGE:
        raise Misuse("this volume has no journal that could be marked")
    tree = Tree(mft, Folders(mft, Names(lambda: upcase.read(0, upcase.size), "")))
    pending = _touched(tree.file(path), later)
    _write_log(log, _Writer(log.size), mft, pending)
    set_dirty(mft)
    return int.from_bytes(pending.new[:8], "little")


def _touched(file: FileRecord, later: int) -> Pending:
    """Modified, changed and accessed times move; Windows logs the rest of the attribute with them."""
    standard = file.first(STANDARD_INFORMATION)
    if standard is None or standard.value is None:
        raise Misuse("this file has no times to be changed")
    value = standard.value.bytes(0, standard.size)
    times = [int.from_bytes(value[at : at + 8], "little") + later for at in (0x08, 0x10, 0x18)]
    new = struct.pack("<3Q", *times) + value[0x20:]
    return Pending(file.base.number, value[0x08:], new, standard.at, 0x18 + 0x08)


def _write_log(log: Stream, writer: _Writer, mft: Mft, pending: Pending) -> None:
    while writer.on_first_page():
        writer.forget(writer.update(replace(pending, new=pending.old), mft))  # long done
    first = writer.checkpoint(oldest=0, table=0)
    table = writer.open_attributes()
    second = writer.checkpoint(oldest=first, table=table)
    writer.forget(writer.update(pending, mft))
    for at in range(0, log.initialized // _PAGE * _PAGE, _PAGE):  # small clusters may end amid a page
        log.write(at, b"\xff" * _PAGE)
    pages = writer.pages()
    for number, page in enumerate(pages):
        log.write((_FIRST_PAGE + number) * _PAGE, page)
    log.write(_FIRST_TAIL * _PAGE, pages[-1])
    log.write(0, writer.restart(current=second, oldest=first))
    log.write(_PAGE, writer.restart(current=first, oldest=first))


class _Page:
    """A record page that is being filled."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.end = _DATA_START
        """Where the last record that ends here ends."""
        self.last = self.last_ended = 0
        """LSNs of the last record that begins here, and of the last that ends here."""


class _Writer:
    """Fills the record pages of a log of `size` bytes, from the first one on."""

    def __init__(self, size: int) -> None:
        self._size = size // _PAGE * _PAGE
        self._sequence_bits = 67 - self._size.bit_length()
        self._pages = [_Page()]

    def on_first_page(self) -> bool:
        return len(self._pages) == 1

    def _lsn(self) -> int:
        """Of the record that comes next: the lap above, its offset divided by 8 below."""
        if len(self._pages[-1].data) > _ROOM - _RECORD.size:
            self._pages.append(_Page())
        offset = (_FIRST_PAGE + len(self._pages) - 1) * _PAGE + _DATA_START + len(self._pages[-1].data)
        return _LAP << (64 - self._sequence_bits) | offset >> 3

    def _add(self, kind: int, transaction: int, data: bytes, previous: int = 0) -> int:
        """A record, which goes on behind the head of the next page where this one has no more room."""
        lsn = self._lsn()
        data += bytes(-len(data) % 8)
        rest = _RECORD.pack(lsn, previous, previous, len(data), 0, kind, transaction, 0, 0, 0, 0) + data
        self._pages[-1].last = lsn
        while len(self._pages[-1].data) + len(rest) > _ROOM:
            room = _ROOM - len(self._pages[-1].data)
            self._pages[-1].data += rest[:room]
            rest = rest[room:]
            self._pages.append(_Page())
        page = self._pages[-1]
        page.data += rest
        page.end = _DATA_START + len(page.data)
        page.last = page.last_ended = lsn
        return lsn

    def checkpoint(self, oldest: int, table: int) -> int:
        """Where a restart begins: the LSNs and lengths of the table dumps before it."""
        start = oldest or self._lsn()
        length = 0x40 if table else 0
        data = struct.pack("<IIQQQQQ4I", 1, 0, start, table, 0, 0, 0, length, 0, 0, 0)
        data += struct.pack("<QQQQQQ", 0, 0, _PAGE, 0, 0, oldest)
        return self._add(_CHECKPOINT, 0, data)

    def open_attributes(self) -> int:
        """The table of open attributes with one entry: $MFT:$DATA."""
        table = struct.pack("<HHH6xIII", 0x28, 1, 1, 0xFFFFFFFF, 0, 0)
        table += struct.pack("<IIIIQQQ", 0xFFFFFFFF, 0, DATA, 1, 1 << 48, self._lsn(), 0)
        operation = _operation(_OPEN_ATTRIBUTES, 0, len(table), 0)
        return self._add(_CLIENT_RECORD, _TRANSACTION, operation + bytes(8) + table)

    def update(self, pending: Pending, mft: Mft) -> int:
        size = mft.boot.record_size
        at = pending.record * size
        (place, _), *_ = mft.table.places(at, at + SECTOR)
        cluster = mft.boot.cluster_size
        clusters = [place // cluster + number for number in range(max(1, size // cluster))]
        operation = _operation(
            _UPDATE_RESIDENT, _UPDATE_RESIDENT, len(pending.new), len(pending.old), pending, len(clusters),
            place % cluster // SECTOR, at // cluster,
        )  # fmt: skip
        data = operation + struct.pack(f"<{len(clusters)}Q", *clusters) + pending.new + pending.old
        return self._add(_CLIENT_RECORD, _TRANSACTION, data)

    def forget(self, previous: int) -> int:
        data = _operation(_FORGET, _COMPENSATION, 0, 0) + b"\xff" * 8
        return self._add(_CLIENT_RECORD, _TRANSACTION, data, previous)

    def pages(self) -> list[bytes]:
        """The record pages, protected."""
        return [_sealed(page) for page in self._pages]

    def restart(self, current: int, oldest: int) -> bytes:
        """A restart page of version 2.0 whose client, NTFS, has not closed the log."""
        head = struct.pack("<4sHHQIIHHH", b"RSTR", 0x1E, _PAGE // SECTOR + 1, 0, _PAGE, _PAGE, _RESTART_AREA, 0, 2)
        area = struct.pack(
            "<QHHHHIHHQIHHI", current, 1, 0xFFFF, 0, 0, self._sequence_bits, 0xE0, 0x40, self._size, 0x70, 0x30, 0x40, 1
        )  # fmt: skip
        client = struct.pack("<QQHHH6xI", oldest, current, 0xFFFF, 0xFFFF, 0, 8) + "NTFS".encode("utf-16-le")
        page = head.ljust(_RESTART_AREA, b"\0") + area.ljust(_CLIENT - _RESTART_AREA, b"\0") + client
        return redo_fixups(page.ljust(_PAGE, b"\0"))


def _sealed(page: _Page) -> bytes:
    head = struct.pack(
        "<4sHHQIHHH6xQ", b"RCRD", 0x28, _PAGE // SECTOR + 1, page.last, 1, 1, 1, page.end, page.last_ended
    )  # fmt: skip
    return redo_fixups(head.ljust(_DATA_START, b"\0") + page.data.ljust(_ROOM, b"\0"))


def _operation(
    redo: int, undo: int, new: int, old: int, pending: Pending | None = None, clusters: int = 0, block: int = 0,
    vcn: int = 0,
) -> bytes:  # fmt: skip
    """The head of a client record; `new` and `old` are lengths in bytes, one cluster slot is there at least."""
    start = _OPERATION.size + 8 * max(1, clusters)
    place = (pending.record_offset, pending.attribute_offset) if pending else (0, 0)
    return _OPERATION.pack(
        redo, undo, start, new, start + new, old, _MFT_ATTRIBUTE, clusters, *place, block, 2, vcn
    )  # fmt: skip
