"""A driver that Windows can do without is kept on a disk that is not this one."""

from __future__ import annotations

from dataclasses import replace

from bootmend.errors import Misuse
from bootmend.formats.hive import ValueType, sz
from bootmend.lab.faults.fault import Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "driver-out-of-sight"
_PLACE = "\\??\\Z:\\drivers\\"


def _apply(machine: OpenMachine) -> Outcome:
    dispensable = [
        binary
        for binary in machine.manifest.binaries
        if binary.rank is not None and binary.start == 1 and binary.error_control == 1
    ]
    if not dispensable:
        raise Misuse(say("lab.no_victim", name=_NAME, why="no system-start driver has ErrorControl 1"))
    victim = max(dispensable, key=lambda binary: binary.rank or 0)
    with machine.edit_hive("SYSTEM") as editor:
        service = f"{machine.control_set}\\Services\\{victim.service}"
        editor.set_value(service, "ImagePath", ValueType.EXPAND_SZ, sz(f"{_PLACE}{victim.name}"))
    return replace(registry_fault(machine, victim.name), service=victim.service)


FAULT = Fault(
    name=_NAME,
    description="a driver that Windows starts without is kept on another disk",
    expect="driver_out_of_sight",
    apply=_apply,
    repairable=False,
    severity="note",
)
