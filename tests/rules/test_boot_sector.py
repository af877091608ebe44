"""Boot sectors: the copy that can be believed, the place that a BIOS counts from, and what is nobody's business."""

from __future__ import annotations

import pytest
from store_changes import ask
from strange_machines import Strange, partition, strange

from bootmend.disk.overlay import Overlay
from bootmend.findings import Severity
from bootmend.volumes.detect import Unknown, open_volume
from bootmend.volumes.fat import FatVolume
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.boot_code import CODE, JUMP
from bootmend.volumes.ntfs.spare import find_spare

HIDDEN = 0x1C
GRUB = b"GRUB \0".rjust(0x180, b"\x90")


def told(odd: Strange) -> list[tuple[str, Severity]]:
    return [(one.subject, one.severity) for one in ask(odd, "boot_sector")]


@pytest.mark.parametrize("generation", [1, 2])
def test_healthy(generation: int) -> None:
    with strange(generation) as odd:
        assert told(odd) == []


@pytest.mark.parametrize("generation", [1, 2])
def test_hidden_sectors_of_the_windows_volume_mean_nothing(generation: int) -> None:
    with strange(generation) as odd:
        partition(odd.disk, odd.number).write(HIDDEN, b"\7\0\0\0")
        assert told(odd) == []


@pytest.mark.parametrize(("code", "severity"), [(b"", Severity.CAUSE), (GRUB, Severity.RISK)])
def test_another_loader_may_set_the_hidden_sectors_itself(code: bytes, severity: Severity) -> None:
    with strange(1) as odd:
        if code:
            odd.disk.write(0, code.ljust(440, b"\0"))
        system = partition(odd.disk, 1)
        system.write(HIDDEN, b"\7\0\0\0")
        system.write(510, bytes(2))
        assert told(odd) == [("partition 1", severity)]
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        mended = partition(proposal.rehearsal.overlay, 1).read(0, 512)
        assert mended[HIDDEN : HIDDEN + 4] == (system.start // 512).to_bytes(4, "little")
        assert mended[510:] == b"\x55\xaa"


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("damage", ["zeros", "name", "geometry"])
def test_a_damaged_sector_comes_back_from_its_copy(number: int, damage: str) -> None:
    with strange(1) as odd:
        volume = partition(odd.disk, number)
        before = volume.read(0, 512)
        volume.write({"zeros": 0, "name": 3, "geometry": 0x0D}[damage], bytes(512 if damage == "zeros" else 8))
        assert told(odd) == [(f"partition {number}", Severity.CAUSE)]
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        assert partition(proposal.rehearsal.overlay, number).read(0, 512) == before


@pytest.mark.parametrize("part", [JUMP, CODE])
@pytest.mark.parametrize("byte", [b"\0", b"\xf6"])
def test_wiped_code_comes_back_from_the_copy(part: slice, byte: bytes) -> None:
    with strange(1) as odd:
        system = partition(odd.disk, 1)
        before = system.read(0, 512)
        system.write(part.start, byte * (part.stop - part.start))
        assert told(odd) == [("partition 1 boot code", Severity.CAUSE)]
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        assert partition(proposal.rehearsal.overlay, 1).read(0, 512) == before
        assert proposal.rehearsal.changed_bytes <= 512


def test_wiped_code_without_a_copy_of_this_volume_is_only_told() -> None:
    with strange(1) as odd:
        system = partition(odd.disk, 1)
        system.write(CODE.start, bytes(CODE.stop - CODE.start))
        system.write(system.size - 512 + 0x48, b"another serial")
        (found,) = ask(odd, "boot_sector")
        assert (found.severity, found.actions) == (Severity.CAUSE, ())
        assert "bootsect" in found.skipped[0].reason


@pytest.mark.parametrize("behind", [b"", b"\7\0B\0O\0O\0T\0M\0G\0R\0"])
def test_windows_code_that_leads_to_zeros(behind: bytes) -> None:
    with strange(1) as odd:
        system = partition(odd.disk, 1)
        system.write(CODE.start, bytes.fromhex("fa33c08ed0bc007c"))
        system.write(512, behind)
        assert told(odd) == ([] if behind else [("partition 1 boot code", Severity.CAUSE)])


def test_code_of_volumes_that_no_bios_starts_means_nothing() -> None:
    for generation in (1, 2):
        with strange(generation) as odd:
            partition(odd.disk, odd.number).write(CODE.start, bytes(CODE.stop - CODE.start))
            assert told(odd) == []


@pytest.mark.parametrize("damage", ["zeros", "jump", "geometry"])
def test_the_sector_of_an_efi_system_partition_comes_back(damage: str) -> None:
    with strange(2) as odd:
        system = partition(odd.disk, 1)
        before = system.read(0, 512)
        system.write({"zeros": 0, "jump": 0, "geometry": 0x0D}[damage], bytes(512 if damage == "zeros" else 8))
        (found,) = ask(odd, "boot_sector")
        assert (found.subject, found.severity) == ("partition 1", Severity.CAUSE)
        assert found.prediction is not None
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        assert partition(proposal.rehearsal.overlay, 1).read(0, 512) == before


@pytest.mark.parametrize("spoil", ["copy", "size", "table", "none"])
def test_a_copy_of_fat32_that_cannot_be_believed(spoil: str) -> None:
    with strange(2) as odd:
        volume = partition(Overlay(odd.disk), 1)
        reserved = int.from_bytes(volume.read(14, 2), "little")
        volume.write(0, bytes(512))
        if spoil == "copy":
            volume.write(6 * 512, bytes(512))
        elif spoil == "size":
            volume.write(6 * 512 + 32, (100_000).to_bytes(4, "little"))
        elif spoil == "table":
            volume.write(reserved * 512, bytes(4))
        found = open_volume(volume, "v")
        assert isinstance(found, FatVolume if spoil == "none" else Unknown)


@pytest.mark.parametrize("spoil", ["copy", "size", "mft", "none"])
def test_a_copy_that_cannot_be_believed(spoil: str) -> None:
    """A volume that was made into something else keeps the old copy at its end."""
    with strange(1) as odd:
        volume = partition(Overlay(odd.disk), 1)
        head = volume.read(0, 512)
        volume.write(0, bytes(512))
        at = volume.size - 512
        if spoil == "copy":
            volume.write(at, bytes(512))
        elif spoil == "size":
            volume.write(at + 0x28, (1000).to_bytes(8, "little"))
        elif spoil == "mft":
            cluster = int.from_bytes(head[0x30:0x38], "little") * 4096
            volume.write(cluster, b"\xff" * 4)
        found = open_volume(volume, "v")
        assert isinstance(found, NtfsVolume if spoil == "none" else Unknown)
        assert (find_spare(volume, "v") is not None) == (spoil == "none")


def test_another_file_system_in_its_place_is_what_counts() -> None:
    with strange(1) as odd:
        volume = partition(Overlay(odd.disk), 1)
        volume.write(0, bytes(4096))
        volume.write(0x438, b"\x53\xef")
        found = open_volume(volume, "v")
        assert isinstance(found, Unknown)
        assert "ext" in found.what
