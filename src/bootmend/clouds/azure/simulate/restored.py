"""An oracle for a broken disk whose healthy twin is at hand: it boots when what was lost is there again.

The two are compared once, and what differs is kept: whole files by hash, values of registry hives and boot stores one
by one (a repaired hive is not the healthy one byte for byte), and the bytes that belong to no file (partition tables,
boot sectors). A fault breaks more than a repair needs to mend (boot entries that nobody starts
have it too), so a disk boots when SOMETHING of that is on it as on the healthy one, unless a test asks for ALL of it.
A repair that mends in another way, such as switching a driver off instead of bringing its file back, does not boot
here: for such a fault give a function.

Nothing of bootmend's diagnosis is asked; files and hives are read by its readers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bootmend.clouds.azure.simulate.wire import Json
from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice
from bootmend.errors import BootmendError
from bootmend.formats.hive import Hive, Key
from bootmend.volumes.volume import Volume
from bootmend.windows.image import Image

_LARGEST = 256 << 20
_BOOT_SECTORS = 16 * 512
_TALES = (".evtx", ".etl", ".log", ".log1", ".log2", ".regtrans-ms", ".blf", ".dmp")
"""They tell of a fault and are none."""
_SECTOR = 512
_TABLE = 1 << 20
"""A partition table lies within so many bytes of an end of the disk."""


def differences(broken: Path, healthy: Path) -> Json:
    """What the healthy disk has and the broken one has not, as an oracle's `want`."""
    with open_disk(str(broken)) as bad, open_disk(str(healthy)) as good:
        here, there = Image(bad), Image(good)
        try:
            files: list[list[Any]] = []
            values: list[list[Any]] = []
            for number, volume in there.volumes():
                other = here.content(number) if number in {one.number for one in here.partitions} else None
                if not isinstance(other, Volume):
                    continue
                for path in _changed(volume, other):
                    told = _values_apart(volume, other, path)
                    if told is None:
                        files.append([number, path, _digest(volume, path)])
                    else:
                        values += [[number, path, *one] for one in told]
            return {"files": files, "values": values, "ranges": list(_outside_files(bad, good, there))}
        finally:
            here.close()
            there.close()


def is_restored(disk: Path, want: Json, *, whole: bool = False) -> bool:
    """Whether something of it is on this disk, or all of it. On one that cannot be read nothing is."""
    try:
        with open_disk(str(disk)) as device:
            image = Image(device)
            try:
                found = [_hash(device.read(offset, length)) == told for offset, length, told in want["ranges"]]
                found += [_digest(image.volume(number), path) == told for number, path, told in want["files"]]
                found += _same_values(image, want["values"])
            finally:
                image.close()
    except BootmendError:
        return False
    return bool(found) and (all(found) if whole else any(found))


def _changed(volume: Volume, other: Volume) -> Iterator[str]:
    """Files of the healthy volume that are missing or different on the other one, and those that only that one has."""
    ours, theirs = dict(_files(volume)), dict(_files(other))
    for path in sorted({*ours, *theirs}):
        if path.lower().endswith(_TALES):
            continue
        same_size = path in ours and path in theirs and ours[path] == theirs[path]
        if not same_size or _digest(volume, path) != _digest(other, path):
            yield path


def _files(volume: Volume) -> Iterator[tuple[str, int]]:
    """(path, size) of every file."""
    folders = [""]
    while folders:
        at = folders.pop()
        for entry in volume.listdir(at or "\\"):
            if entry.name in (".", "..") or entry.reparse_tag:
                continue
            if entry.directory:
                folders.append(f"{at}\\{entry.name}")
            elif entry.size <= _LARGEST:
                yield f"{at}\\{entry.name}", entry.size


def _digest(volume: Volume, path: str) -> str | None:
    """None for a file that is not there, or not to be read."""
    try:
        return _hash(volume.read(path, _LARGEST))
    except BootmendError:
        return None


def _values_apart(volume: Volume, other: Volume, path: str) -> list[list[Any]] | None:
    """[key, value, type and data in hex, or None where it is not to be there]; None if it is no hive on both."""
    good, bad = _values(volume, path), _values(other, path)
    if good is None or bad is None:
        return None
    return [[*name, good.get(name)] for name in sorted({*good, *bad}) if good.get(name) != bad.get(name)]


def _same_values(image: Image, want: list[list[Any]]) -> Iterator[bool]:
    held: dict[tuple[int, str], dict[tuple[str, str], str] | None] = {}
    for number, path, key, value, told in want:
        place = (number, path)
        if place not in held:
            held[place] = _values(image.volume(number), path)
        values = held[place]
        yield values is not None and values.get((key, value)) == told


def _values(volume: Volume, path: str) -> dict[tuple[str, str], str] | None:
    """Every value of a hive by (key, name) in lower case; None if it is none."""
    try:
        hive = Hive.parse(volume.read(path, _LARGEST), path)
    except BootmendError:
        return None
    return {
        (key.path.lower(), value.name.lower()): f"{value.type}:{value.data.hex()}"
        for key in _keys(hive.root)
        for value in key.values()
    }


def _keys(root: Key) -> Iterator[Key]:
    waiting = [root]
    while waiting:
        key = waiting.pop()
        yield key
        waiting += key.subkeys()


def _outside_files(bad: BlockDevice, good: BlockDevice, image: Image) -> Iterator[tuple[int, int, str]]:
    """(offset, length, hash) of sectors that differ before, between and behind the partitions, and in boot sectors."""
    for start, end in _outside(good.size, image):
        here, there = (device.read(start, end - start) for device in (bad, good))
        for at in range(0, end - start, _SECTOR):
            if here[at : at + _SECTOR] != there[at : at + _SECTOR]:
                yield start + at, _SECTOR, _hash(there[at : at + _SECTOR])


def _outside(size: int, image: Image) -> Iterator[tuple[int, int]]:
    """[start, end) of no partition's files; of a wide gap, what stands at both of its ends."""
    at = 0
    for one in [*sorted(image.partitions, key=lambda one: one.start), None]:
        end = size if one is None else one.start + min(_BOOT_SECTORS, one.size)
        if end - at <= 2 * _TABLE:
            yield at, max(at, end)
        else:
            yield at, at + _TABLE
            yield end - _TABLE, end
        at = end if one is None else max(end, one.start + one.size - _SECTOR)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
