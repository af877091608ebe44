"""The default entry names the loader of the other kind of firmware, as after a move between the generations."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import edited
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-path"


def _apply(machine: OpenMachine) -> Outcome:
    other = "efi" if machine.manifest.generation == 1 else "exe"
    path = rf"\Windows\system32\winload.{other}"
    return edited(machine, _NAME, "path", path, None)


FAULT = Fault(
    name=_NAME,
    description="the default entry names winload.exe where winload.efi belongs, or the other way round",
    expect="bcd_path",
    apply=_apply,
)
