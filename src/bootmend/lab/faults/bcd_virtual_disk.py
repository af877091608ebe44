"""The default entry starts a Windows out of a virtual disk that is gone; another entry starts the one beside it."""

from __future__ import annotations

from uuid import UUID

from bootmend.formats.bcd import WELL_KNOWN, FileDevice, VhdPartition, partition_of
from bootmend.lab.faults.boot_store import number, put, stopped, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-virtual-disk"
_PATH = r"\vhd\windows.vhdx"


def _apply(machine: OpenMachine) -> Outcome:
    store, entry = untouched_store(machine, _NAME)
    osdevice = entry.element("osdevice")
    here = partition_of(osdevice.device) if osdevice is not None and osdevice.device is not None else None
    assert here is not None
    native = UUID(int=entry.id.int ^ 0x33)
    device = VhdPartition(UUID(int=entry.id.int ^ 0x55), FileDevice(here, _PATH))
    with machine.edit_store() as editor:
        editor.create_object(native, entry.type)
        for element in entry.elements.values():
            editor.set_raw(native, element.id, element.raw_type, element.raw)
        for name in ("device", "osdevice"):
            editor.set(native, number(entry, name), device)
        put(editor, store.objects[WELL_KNOWN["bootmgr"]], "default", native)
    return stopped(machine, None, f"{{{native}}}")


FAULT = Fault(
    name=_NAME,
    description="the default entry starts a Windows out of a virtual disk that is gone",
    expect="bcd_virtual_disk",
    apply=_apply,
    accept=("start-other-windows",),
)
