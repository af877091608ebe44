"""An in-memory configuration hive that is asked for: there, gone, and inherited."""

from __future__ import annotations

import pytest
from store_changes import ask, change_store, put
from strange_machines import strange

from bootmend.formats.bcd import WELL_KNOWN, BcdObject, BootDevice, Store, StoreEditor


def test_a_machine_that_has_its_hive_keeps_it() -> None:
    with strange() as odd:

        def change(editor: StoreEditor, _: Store, entry: BcdObject) -> None:
            osdevice = entry.element("osdevice")
            assert osdevice is not None
            assert osdevice.device is not None
            put(editor, entry, "imcdevice", osdevice.device)
            put(editor, entry, "imchivename", "\\Windows\\System32\\config\\SOFTWARE")

        change_store(odd, change)
        assert ask(odd, "bcd_imc_device") == []


@pytest.mark.parametrize("holder", ["default", "bootloadersettings", "globalsettings"])
def test_it_is_deleted_where_it_stands(holder: str) -> None:
    with strange(1) as odd:

        def change(editor: StoreEditor, store: Store, entry: BcdObject) -> None:
            found = entry if holder == "default" else store.objects[WELL_KNOWN[holder]]
            editor.set(found.id, 0x21000138, BootDevice())

        change_store(odd, change)
        (found,) = ask(odd, "bcd_imc_device")
        assert found.prediction is not None
        assert found.prediction.stop == 0x67
        odd.mended()
