"""The boot manager's file: gone, empty, under its other name, and on whose disk."""

from __future__ import annotations

import pytest
from store_changes import ask, fault
from strange_machines import strange

from bootmend.findings import Severity
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
