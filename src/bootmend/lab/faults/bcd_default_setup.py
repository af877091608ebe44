"""The boot manager starts Windows Setup by default, out of an image that is no longer on the disk."""

from __future__ import annotations

from uuid import UUID

from bootmend.errors import Misuse
from bootmend.formats.bcd import WELL_KNOWN, ObjectType, RamdiskDevice, Value, element_id, partition_of
from bootmend.lab.faults.boot_store import default_entry, put, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "bcd-default-setup"
_IMAGE = r"\$WINDOWS.~BT\Sources\SafeOS\winre.wim"


def _apply(machine: OpenMachine) -> Outcome:
    store, entry = default_entry(machine, _NAME)
    if store.default is not entry:
        raise Misuse(say("lab.no_victim", name=_NAME, why="its default entry is broken already"))
    manager = store.objects[WELL_KNOWN["bootmgr"]]
    setup = UUID(int=entry.id.int ^ 0xA5)
    osdevice = entry.element("osdevice")
    place = partition_of(osdevice.device) if osdevice is not None and osdevice.device is not None else None
    if place is None:
        raise Misuse(say("lab.no_victim", name=_NAME, why="its default entry names no partition"))
    image = RamdiskDevice(place, _IMAGE)
    with machine.edit_store() as editor:
        editor.create_object(setup, ObjectType.OS_LOADER)
        elements: dict[str, Value] = {
            "device": image,
            "osdevice": image,
            "description": "Windows Setup",
            "systemroot": r"\windows",
        }
        for name, value in elements.items():
            number = element_id(name, ObjectType.OS_LOADER)
            assert number is not None
            editor.set(setup, number, value)
        put(editor, manager, "default", setup)
    return stopped(machine, None, manager.name)


FAULT = Fault(
    name=_NAME,
    description="the boot manager starts Windows Setup, whose image is gone",
    expect="bcd_default",
    apply=_apply,
)
