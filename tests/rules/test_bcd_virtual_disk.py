"""Native boot: a Windows in a virtual disk's file is neither the one beside it nor an image in memory."""

from __future__ import annotations

from uuid import UUID

import pytest
from store_changes import ask, change_store, fault, put
from strange_machines import Strange, strange

from bootmend.findings import Severity
from bootmend.formats.bcd import BcdObject, FileDevice, GptPartition, Store, StoreEditor, VhdPartition, partition_of

PATH = "\\vhd\\windows.vhdx"


def the_file(odd: Strange) -> None:
    odd.volume(lambda files: files.mkdir("\\vhd"))
    odd.volume(lambda files: files.create(PATH, b"vhdxfile"))


@pytest.mark.parametrize("generation", [1, 2])
def test_one_that_is_there_is_right_and_was_not_looked_at(generation: int) -> None:
    with strange(generation) as odd:
        fault(odd, "bcd-virtual-disk")
        the_file(odd)
        found = odd.diagnose()
        assert found.findings == []
        assert any("virtual disk" in note for note in found.notes)


def test_the_windows_beside_it_is_not_taken_for_the_default() -> None:
    with strange() as odd:
        fault(odd, "bcd-virtual-disk")
        the_file(odd)
        assert not odd.diagnose().windows.boots_by_default


def test_one_on_another_disk_is_a_risk() -> None:
    with strange() as odd:

        def change(editor: StoreEditor, _: Store, entry: BcdObject) -> None:
            elsewhere = GptPartition(UUID(int=1 << 64), UUID(int=2 << 64))
            for name in ("device", "osdevice"):
                put(editor, entry, name, VhdPartition(UUID(int=5 << 64), FileDevice(elsewhere, PATH)))

        change_store(odd, change)
        (found,) = odd.diagnose().findings
        assert (found.rule, found.severity, found.prediction) == ("bcd_virtual_disk", Severity.RISK, None)


def test_without_another_entry_nothing_is_chosen() -> None:
    with strange() as odd:

        def change(editor: StoreEditor, _: Store, entry: BcdObject) -> None:
            osdevice = entry.element("osdevice")
            assert osdevice is not None
            assert osdevice.device is not None
            here = partition_of(osdevice.device)
            assert here is not None
            for name in ("device", "osdevice"):
                put(editor, entry, name, VhdPartition(UUID(int=5 << 64), FileDevice(here, PATH)))

        change_store(odd, change)
        (found,) = ask(odd, "bcd_virtual_disk")
        assert (found.severity, found.actions) == (Severity.CAUSE, ())
        assert found.skipped
        the_file(odd)
        assert ask(odd, "bcd_virtual_disk") == []
