"""The default entry asks for an in-memory configuration hive, and there is none."""

from __future__ import annotations

from bootmend.formats.bcd import BcdObject, StoreEditor
from bootmend.lab.faults.boot_store import default_entry, put
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-imc-device"
_STOP_CONFIG_INITIALIZATION_FAILED = 0x67


def _apply(machine: OpenMachine) -> Outcome:
    _, entry = default_entry(machine, _NAME)
    with machine.edit_store() as editor:
        _ask(editor, entry)
    return Outcome(
        subject=entry.name,
        stops=True,
        stop=_STOP_CONFIG_INITIALIZATION_FAILED,
        touched=(f"{machine.manifest.system_partition}:{machine.manifest.store}",),
    )


def _ask(editor: StoreEditor, entry: BcdObject) -> None:
    osdevice = entry.element("osdevice")
    assert osdevice is not None
    assert osdevice.device is not None
    put(editor, entry, "imcdevice", osdevice.device)


FAULT = Fault(
    name=_NAME,
    description="the default entry asks for an in-memory configuration hive that is not there",
    expect="bcd_imc_device",
    apply=_apply,
)
