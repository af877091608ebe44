"""Every catalog of the store is gone; the twins lie in servicing\\Packages and in the driver packages."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.contents import CATROOT
from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "catalog-store-lost"


def _apply(machine: OpenMachine) -> Outcome:
    unresolved = machine.critical(lambda binary: binary.signing == "catalog")
    if not unresolved:
        raise Misuse(say("lab.no_victim", name=_NAME, why="no driver that is loaded at boot relies on a catalog alone"))
    victim = unresolved[0]
    names = [entry.name for entry in machine.windows.listdir(CATROOT) if not entry.directory]
    for name in names:
        machine.windows.delete(f"{CATROOT}\\{name}")
    return broken(machine, victim, STATUS_INVALID_IMAGE_HASH, [CATROOT], catalogs=len(names))


FAULT = Fault(
    name=_NAME,
    description="the whole catalog store is empty",
    expect="catalog_missing",
    apply=_apply,
)
