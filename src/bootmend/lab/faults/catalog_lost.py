"""The catalog that vouches for a critical driver is gone from the store; its twin lies in servicing\\Packages."""

from __future__ import annotations

from bootmend.lab.contents import CATROOT, SERVICING
from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine

_NAME = "catalog-lost"


def _apply(machine: OpenMachine) -> Outcome:
    victim = machine.victim(
        _NAME,
        lambda binary: binary.signing == "catalog" and binary.owner == "inbox" and bool(binary.catalogs),
        "no in-box driver that is loaded at boot relies on a catalog alone",
    )
    lost = [f"{CATROOT}\\{name}" for name in victim.catalogs]
    for path in lost:
        machine.windows.delete(path)
    covered = [
        binary.name
        for binary in machine.manifest.binaries
        if binary.signing == "catalog" and set(binary.catalogs) <= set(victim.catalogs) and binary.loads_at_boot
    ]
    return broken(
        machine,
        victim,
        STATUS_INVALID_IMAGE_HASH,
        lost,
        unresolved=covered,
        twins=[f"{SERVICING}\\{name}" for name in victim.catalogs],
    )


FAULT = Fault(
    name=_NAME,
    description="the catalog of a critical driver is gone from the catalog store",
    expect="catalog_missing",
    apply=_apply,
)
