"""Damage to NTFS: file records, sizes, folders, and the files the file system keeps for itself."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

from hostile.changes import put, scribble
from hostile.terrain import CONFIG, FOLDERS, HIVES, Strike, Terrain

from bootmend.binary import View
from bootmend.errors import ParseError
from bootmend.volumes.ntfs.mft import NUMBER
from bootmend.volumes.ntfs.records import DATA, INDEX_ALLOCATION, redo_fixups, undo_fixups


def _record(ground: Terrain, number: int, change: Callable[[bytearray], object]) -> Strike:
    """A file record after `change`, its fixups right."""
    raw = ground.mft.raw(number)
    plain = bytearray(undo_fixups(raw, b"FILE").data)
    change(plain)
    protected = redo_fixups(bytes(plain)) if plain[4:6] == raw.data[4:6] and plain[6:8] == raw.data[6:8] else plain
    at, _ = next(iter(ground.mft.table.places(number * len(protected), (number + 1) * len(protected))))
    return [(ground.windows.start + at, bytes(protected))]


def _attributes(data: bytearray) -> Iterator[tuple[int, int, int]]:
    """(offset, type, length) of the attributes of a plain record, as far as they make sense."""
    at = int.from_bytes(data[0x14:0x16], "little")
    while at + 16 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 0xFFFFFFFF or length < 16 or at + length > len(data):
            return
        yield at, kind, length
        at += length


def _break_attribute(dice: random.Random, data: bytearray) -> None:
    """One field of one attribute, or of the record's own header."""
    found = list(_attributes(data))
    if not found or dice.random() < 0.15:
        put(dice, data, *dice.choice(((0x10, 2), (0x12, 2), (0x14, 2), (0x16, 2), (0x18, 4), (0x1C, 4), (0x20, 8))))
        return
    at, _, length = dice.choice(found)
    if data[at + 8]:
        fields: tuple[tuple[int, int], ...] = (
            (0x10, 8),
            (0x18, 8),
            (0x20, 2),
            (0x22, 2),
            (0x28, 8),
            (0x30, 8),
            (0x38, 8),
            (0x0C, 2),
        )
        if dice.random() < 0.4:
            start = at + int.from_bytes(data[at + 0x20 : at + 0x22], "little")
            scribble(dice, data, min(start, len(data)), at + length)
            return
    else:
        fields = ((0x10, 4), (0x14, 2))
        if dice.random() < 0.5:
            scribble(dice, data, at + 0x18, at + length)
            return
    offset, width = dice.choice((*fields, (0, 4), (4, 4), (8, 1), (9, 1), (0x0A, 2), (0x0C, 2)))
    put(dice, data, at + offset, width, 0x20, 0x30, 0x80, 0x90, 0xA0, 0xC0)


def _insert_attribute(data: bytearray, kind: int, value: bytes) -> None:
    """A resident attribute before the first of a higher type, if there is room."""
    value = value + bytes(-len(value) % 8)
    new = struct.pack("<IIBBHHHIHH", kind, 0x18 + len(value), 0, 0, 0x18, 0, 0x33, len(value), 0x18, 0) + value
    used = int.from_bytes(data[0x18:0x1C], "little")
    if used + len(new) > len(data) - 8:
        return
    at = next((place for place, found, _ in _attributes(data) if found > kind), None)
    if at is None:
        return
    data[at:] = (new + data[at:])[: len(data) - at]
    data[0x18:0x1C] = (used + len(new)).to_bytes(4, "little")


def _attribute_list(dice: random.Random, number: int, count: int) -> bytes:
    """Entries of an attribute list that name this record, others, and records that are not there."""
    entries = b""
    for _ in range(dice.randint(1, 8)):
        target = dice.choice((number, 0, 1, 5, dice.randrange(count), count, count + 1, NUMBER, dice.getrandbits(48)))
        kind = dice.choice((0x10, 0x30, 0x80, 0x90, 0xA0))
        length = dice.choice((0x20, 0x20, 0x20, 0x20, 0x1A, 0, 8, 0xFFFF))
        vcn = dice.choice((0, 0, 1, 1 << 40))
        entries += struct.pack("<IHBBQQH6x", kind, length, 0, 0x1A, vcn, target | 1 << 48, 0)
    return entries


def _reparse(dice: random.Random) -> bytes:
    """WOF of all kinds, junctions, links, and rubbish."""
    tag = dice.choice((0x80000017, 0x80000017, 0xA0000003, 0xA000000C, 0x80000013, 0x9000001A, dice.getrandbits(32)))
    body = struct.pack("<IIII", 1, dice.choice((1, 2, 2, 2, 7)), 1, dice.choice((0, 1, 2, 3, 4, 0xFFFFFFFF)))
    return struct.pack("<IHH", tag, len(body), 0) + body[: dice.choice((16, 16, 16, 8, 0))]


def _targets(ground: Terrain, dice: random.Random) -> int:
    """The record of something that a diagnosis reads."""
    choice = dice.randrange(4)
    if choice == 0:
        return dice.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))
    if choice == 1:
        folders = [path for path in FOLDERS if ground.windows.volume.exists(path)]
        return ground.number(dice.choice(folders))
    if choice == 2:
        hives = [f"{CONFIG}\\{name}" for name in HIVES if ground.windows.volume.exists(f"{CONFIG}\\{name}")]
        return ground.number(dice.choice(hives))
    return ground.number(dice.choice((*ground.drivers, *ground.catalogs)))


def records(ground: Terrain, dice: random.Random) -> Strike:
    """File records: headers, attributes, run lists, sizes, attribute lists, reparse points."""
    number = _targets(ground, dice)

    def change(data: bytearray) -> None:
        kind = dice.random()
        if kind < 0.12:
            _insert_attribute(data, 0x20, _attribute_list(dice, number, ground.mft.count))
        elif kind < 0.22:
            _insert_attribute(data, 0xC0, _reparse(dice))
        elif kind < 0.32:
            for at, type_, _ in _attributes(data):
                if type_ == DATA and data[at + 8]:
                    data[at + 0x0C : at + 0x0E] = dice.choice((1, 0x8000, 0x4000, 0x8001)).to_bytes(2, "little")
                    data[at + 0x22 : at + 0x24] = dice.choice((0, 4, 4, 4, 16, 0xFFFF)).to_bytes(2, "little")
                    break
        elif kind < 0.37:
            scribble(dice, data)
        else:
            for _ in range(dice.randint(1, 2)):
                _break_attribute(dice, data)

    return _record(ground, number, change)


def sizes(ground: Terrain, dice: random.Random) -> Strike:
    """Data attributes that claim to be huge, on a run of nothing or on the clusters they have."""
    number = _targets(ground, dice)

    def change(data: bytearray) -> None:
        for at, kind, length in _attributes(data):
            if kind not in (DATA, INDEX_ALLOCATION) or not data[at + 8]:
                continue
            clusters = dice.choice((1 << 10, 1 << 16, 1 << 18, 1 << 22, 1 << 25, 1 << 36, (1 << 47) - 1))
            start = at + int.from_bytes(data[at + 0x20 : at + 0x22], "little")
            if dice.random() < 0.7 and start + 10 < at + length:
                data[start : start + 9] = bytes([0x07]) + clusters.to_bytes(7, "little") + b"\0"
                data[at + 0x18 : at + 0x20] = (clusters - 1).to_bytes(8, "little")
            size = clusters << 12
            struct.pack_into("<QQQ", data, at + 0x28, size, size, dice.choice((0, size, size // 2)))
            if dice.random() < 0.5:
                data[at + 0x0C : at + 0x0E] = (0x8000).to_bytes(2, "little")

    return _record(ground, number, change)


def folders(ground: Terrain, dice: random.Random) -> Strike:
    """Index roots and blocks: loops, wrong ways, entries of wrong length, folders inside themselves."""
    volume = ground.windows.volume
    folders = [path for path in FOLDERS if volume.exists(path)]
    number = ground.number(dice.choice(folders))
    places = [ground.number(path) for path in folders]
    stream = ground.mft.stream(ground.mft.file(number), INDEX_ALLOCATION, "$I30")

    def change(data: bytearray, header: int) -> None:
        at = header + int.from_bytes(data[header : header + 4], "little")
        end = min(len(data), header + int.from_bytes(data[header + 4 : header + 8], "little"))
        entries = []
        while at + 16 <= end:
            length = int.from_bytes(data[at + 8 : at + 10], "little")
            if length < 16:
                break
            entries.append((at, length))
            at += length
        if not entries or dice.random() < 0.15:
            put(dice, data, header + dice.choice((0, 4, 8, 12)), 4)
            return
        at, length = dice.choice(entries)
        kind = dice.randrange(6)
        if kind == 0:
            data[at : at + 6] = dice.choice(places).to_bytes(6, "little")
        elif kind == 1:
            put(dice, data, at + dice.choice((8, 10, 12)), 2)
        elif kind == 2 and length >= 24:
            data[at + 12] ^= 1
            put(dice, data, at + length - 8, 8, 0, 1, 2, 4)
        elif kind == 3 and length >= 0x58:
            put(dice, data, at + dice.choice((0x10, 0x40, 0x48, 0x4C, 0x50)), dice.choice((1, 4)))
        elif kind == 4 and length >= 0x60:
            data[at + 0x52 : at + length - 8] = dice.randbytes(length - 8 - 0x52)
        else:
            scribble(dice, data, at, at + length)

    if stream is None or not stream.initialized or dice.random() < 0.3:

        def change_root(data: bytearray) -> None:
            for at, kind, _ in _attributes(data):
                if kind == 0x90:
                    value = at + int.from_bytes(data[at + 0x14 : at + 0x16], "little")
                    if dice.random() < 0.2:
                        put(dice, data, value + dice.choice((0, 4, 8, 12)), 4)
                    else:
                        change(data, value + 0x10)
                    return

        return _record(ground, number, change_root)
    block = dice.randrange(stream.initialized // 4096) * 4096
    plain = bytearray(_plain(stream.read(block, 4096), b"INDX"))
    if dice.random() < 0.1:
        put(dice, plain, 0x10, 8)
    else:
        change(plain, 0x18)
    place, _ = next(iter(stream.places(block, block + 4096)))
    protected = redo_fixups(bytes(plain)) if plain[:4] == b"INDX" else bytes(plain)
    return [(ground.windows.start + place, protected)]


def _plain(data: bytes, magic: bytes) -> bytes:
    """Without its fixups, if it has sound ones."""
    try:
        return bytes(undo_fixups(View(data, ""), magic).data)
    except ParseError:
        return data


def system_files(ground: Terrain, dice: random.Random) -> Strike:
    """$MFTMirr, $LogFile, $AttrDef, $Bitmap, $Secure, $UpCase: what mounting and repairing read."""
    number, name = dice.choice(
        ((1, ""), (2, ""), (2, ""), (2, ""), (4, ""), (6, ""), (10, ""), (9, "$SDS"), (0, "bitmap"))
    )
    kind = 0xB0 if name == "bitmap" else DATA
    stream = ground.mft.stream(ground.mft.file(number), kind, "" if name == "bitmap" else name)
    if stream is None or stream.resident or not stream.initialized:
        return []
    top = stream.initialized if dice.random() < 0.3 else min(stream.initialized, 3 * 4096 if number != 2 else 40 * 4096)
    length = min(4096, stream.initialized)
    at = dice.randrange(max(1, top - length + 1)) // 4096 * 4096
    data = bytearray(stream.read(at, length))
    magic = bytes(data[:4])
    if magic in (b"RSTR", b"RCRD") and dice.random() < 0.8:
        data = bytearray(_plain(bytes(data), magic))
        if magic == b"RSTR":
            fields = (0x10, 0x14, 0x18, 0x1A, 0x1C, 0x30, 0x38, 0x3C, 0x3E, 0x40, 0x46, 0x48, 0x56, 0x70, 0x78)
            put(dice, data, dice.choice(fields), dice.choice((2, 4, 8)))
        else:
            scribble(dice, data, 0x08, 0x400)
        data = bytearray(redo_fixups(bytes(data)))
    else:
        scribble(dice, data)
    return [(ground.windows.start + place, bytes(data[:size])) for place, size in stream.places(at, at + length)][:1]
