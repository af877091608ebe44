"""Machines nobody's lab makes: a lab machine's volumes in other places, and single files and settings made odd.

with strange(2) as odd:                      a healthy machine on a writable overlay
    odd.volume(lambda files: files.delete(...))
    odd.service("filecrypt", ImagePath="...")
    odd.propose()
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lab_machines import Broken, broken

from bootmend.disk.device import BlockDevice, Window
from bootmend.disk.overlay import Overlay
from bootmend.formats.hive import HiveEditor, ValueType
from bootmend.lab.manifest import BinaryFacts, Manifest
from bootmend.repair import Diagnosis, Proposal, diagnose, propose
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.partitions import read_partitions
from bootmend.windows.desk import Desk
from bootmend.windows.donor import Donor, Given
from bootmend.windows.image import Image

CATROOT = "\\Windows\\System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
PACKAGES = "\\Windows\\servicing\\Packages"
DRIVERS = "\\Windows\\System32\\drivers"
DRIVER_STORE = "\\Windows\\System32\\DriverStore\\FileRepository"
SYSTEM = "\\Windows\\System32\\config\\SYSTEM"
SOFTWARE = "\\Windows\\System32\\config\\SOFTWARE"


class Pieces(BlockDevice):
    """A disk of zeros with other devices laid over it, each from its own offset on; they do not overlap."""

    def __init__(self, size: int, pieces: Sequence[tuple[int, BlockDevice]], sector_size: int = 512) -> None:
        self.name = "pieces"
        self.size = size
        self.sector_size = sector_size
        self.pieces = sorted(pieces, key=lambda piece: piece[0])

    def _read(self, offset: int, length: int) -> bytes:
        found = bytearray(length)
        for start, device in self.pieces:
            low, high = max(offset, start), min(offset + length, start + device.size)
            if low < high:
                found[low - offset : high - offset] = device.read(low - start, high - low)
        return bytes(found)

    def _write(self, offset: int, data: bytes) -> None:
        raise AssertionError(f"{len(data)} bytes written to the layer below at {offset}")

    def data_extents(self) -> Iterator[tuple[int, int]]:
        for start, device in self.pieces:
            for low, high in device.data_extents():
                yield (start + low, start + high)


@dataclass
class Strange:
    """A machine on `disk`, whose Windows stands in partition `number`; every change goes to the overlay."""

    disk: Overlay
    given: Given
    number: int
    manifest: Manifest

    def volume(self, change: Callable[[NtfsVolume], object]) -> None:
        """Changes files of the Windows volume."""
        place = next(p for p in read_partitions(self.disk).partitions if p.number == self.number)
        with NtfsVolume(Window(self.disk, place.start, place.size), "strange", writable=True) as files:
            change(files)

    def read(self, path: str) -> bytes:
        image = Image(self.disk)
        try:
            return image.read_file(self.number, path)
        finally:
            image.close()

    def hive(self, change: Callable[[HiveEditor], object], path: str = SYSTEM) -> None:
        image = Image(self.disk)
        desk = Desk(image)
        change(desk.hive(self.number, path).editor)
        desk.save()
        image.close()

    def service(self, name: str, **values: int | str | None) -> None:
        """Sets values of a service in the current control set; None removes one."""

        def change(editor: HiveEditor) -> None:
            key = f"ControlSet001\\Services\\{name}"
            editor.create_key(key)
            for value, content in values.items():
                if content is None:
                    editor.delete_value(key, value)
                elif isinstance(content, int):
                    editor.set_value(key, value, ValueType.DWORD, struct.pack("<I", content))
                else:
                    text = content.encode("utf-16-le") + b"\0\0"
                    editor.set_value(key, value, ValueType.EXPAND_SZ, text)

        self.hive(change)

    def damage(self, *paths: str, offset: int = 0x600, length: int = 64) -> None:
        """Other bytes in place."""

        def change(files: NtfsVolume) -> None:
            for path in paths:
                old = files.open(path).read(offset, length)
                files.write_in_place(path, offset, bytes(byte ^ 0x5A for byte in old))

        self.volume(change)

    def facts(self, name: str) -> BinaryFacts:
        return next(binary for binary in self.manifest.binaries if binary.name.lower() == name.lower())

    def donors(self, *donors: Donor) -> None:
        self.given = Given(self.given.trust, donors)

    def diagnose(self) -> Diagnosis:
        found = diagnose(self.disk, self.given)
        found.image.close()
        return found

    def propose(self, accept: Sequence[str] = (), only: Sequence[str] = ()) -> Proposal:
        proposal = propose(self.disk, self.given, accept=frozenset(accept), only=only)
        proposal.diagnosis.image.close()
        return proposal

    def mended(self, left: Collection[str] = ()) -> Proposal:
        """A repair that silences everything but the causes of the rules in `left`, or the test fails with the rest."""
        proposal = self.propose()
        assert proposal.rehearsal is not None, proposal.diagnosis.findings
        after = proposal.rehearsal.after
        assert proposal.worth_doing, (proposal.rehearsal.left, proposal.rehearsal.new)
        assert {one.rule for one in after.causes} <= set(left), after.findings
        return proposal


@contextmanager
def strange(generation: int = 2, fault: str = "healthy") -> Iterator[Strange]:
    with broken(generation, fault) as sample:
        yield of(sample)


def of(sample: Broken) -> Strange:
    return Strange(sample.disk, sample.given, sample.machine.manifest.windows_partition, sample.machine.manifest)


def partition(device: BlockDevice, number: int) -> Window:
    """The bytes of one partition, wherever they stand."""
    place = next(p for p in read_partitions(device).partitions if p.number == number)
    return Window(device, place.start, place.size)
