"""The boot manager's file: gone, empty, under its other name, and on whose disk."""

from __future__ import annotations

import struct

import pytest
from store_changes import ask, fault
from strange_machines import partition, strange

from bootmend.findings import Severity
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.records import STANDARD_INFORMATION, redo_fixups, undo_fixups
from bootmend.windows.image import Image

STAGED = {1: "\\Windows\\Boot\\PCAT\\bootmgr", 2: "\\Windows\\Boot\\EFI\\bootmgfw.efi"}
PLACES = {1: ("\\bootmgr",), 2: ("\\EFI\\Microsoft\\Boot\\bootmgfw.efi", "\\EFI\\Boot\\bootx64.efi")}


@pytest.mark.parametrize("generation", [1, 2])
def test_it_comes_back_from_the_windows_folder(generation: int) -> None:
    with strange(generation) as odd:
        assert ask(odd, "boot_manager_missing") == []
        fault(odd, "boot-manager-missing")
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        image = Image(proposal.rehearsal.overlay)
        for place in PLACES[generation]:
            assert image.read_file(1, place) == odd.read(STAGED[generation])
        image.close()


@pytest.mark.parametrize("generation", [1, 2])
def test_an_empty_file_is_no_boot_manager(generation: int) -> None:
    with strange(generation) as odd:
        image = Image(odd.disk)
        for place in PLACES[generation]:
            image.put_file(1, place, b"")
        image.close()
        assert [one.severity for one in ask(odd, "boot_manager_missing")] == [Severity.CAUSE]
        odd.mended()


def test_one_that_is_there_is_not_replaced_by_a_newer_one() -> None:
    with strange(2) as odd:
        image = Image(odd.disk)
        image.put_file(1, PLACES[2][0], b"MZ of another make")
        image.close()
        assert ask(odd, "boot_manager_missing") == []


@pytest.mark.parametrize("generation", [1, 2])
def test_without_a_copy_the_way_by_hand_is_told(generation: int) -> None:
    with strange(generation) as odd:
        fault(odd, "boot-manager-missing")
        odd.volume(lambda files: files.delete(STAGED[generation]))
        (found,) = ask(odd, "boot_manager_missing")
        assert found.actions == ()
        assert "bootrec" in found.skipped[0].reason or "bcdboot" in found.skipped[0].reason


@pytest.mark.parametrize("same_disk", [True, False])
def test_a_system_partition_of_another_system(same_disk: bool) -> None:
    """An EFI system partition on which nothing of Windows stands: the machine's own word decides."""
    with strange(2) as odd:
        image = Image(odd.disk)
        image.rename_file(1, "\\EFI\\Microsoft", "\\EFI\\debian")
        image.delete_file(1, PLACES[2][1])
        image.close()
        if not same_disk:
            text = "multi(0)disk(0)rdisk(1)partition(3)".encode("utf-16-le") + b"\0\0"
            odd.hive(lambda editor: editor.set_value("ControlSet001\\Control", "SystemBootDevice", 1, text))
        found = ask(odd, "boot_manager_missing")
        assert [one.severity for one in found] == ([Severity.CAUSE] if same_disk else [])


@pytest.mark.parametrize("damage", ["wiped", "cut"])
def test_a_damaged_one_of_bios_comes_back(damage: str) -> None:
    with strange(1) as odd:
        image = Image(odd.disk)
        sound = image.read_file(1, "\\bootmgr")
        image.put_file(1, "\\bootmgr", bytes(4096) + sound[4096:] if damage == "wiped" else sound[:5000])
        image.close()
        (found,) = odd.diagnose().causes
        assert found.rule == "boot_manager_missing"
        assert found.prediction is not None
        assert "corrupt" in found.prediction.name
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        image = Image(proposal.rehearsal.overlay)
        assert image.read_file(1, "\\bootmgr") == sound
        image.close()


def test_one_of_another_version_is_left_alone() -> None:
    """Longer than the staged one, or other from its first byte on: neither wiped nor cut."""
    with strange(1) as odd:
        for content in (odd.read(STAGED[1]) + b"more", b"\xe9" + odd.read(STAGED[1])[1:5000]):
            image = Image(odd.disk)
            image.put_file(1, "\\bootmgr", content)
            image.close()
            assert ask(odd, "boot_manager_missing") == []


def test_one_that_is_compressed_is_told() -> None:
    with strange(1) as odd:
        volume = NtfsVolume(partition(odd.disk, 1), "S:")
        file = volume._tree.file("\\bootmgr")
        standard = file.first(STANDARD_INFORMATION)
        assert standard is not None
        record = bytearray(undo_fixups(volume._mft.raw(file.base.number), b"FILE").data)
        struct.pack_into("<I", record, standard.at + 0x18 + 0x20, 0x820)
        volume._mft.write(file.base.number, redo_fixups(bytes(record)))
        volume.close()
        (found,) = odd.diagnose().causes
        assert (found.rule, found.actions) == ("boot_manager_missing", ())
        assert found.prediction is not None
        assert found.prediction.name == "BOOTMGR is compressed"
        assert "compact /u" in found.skipped[0].reason
