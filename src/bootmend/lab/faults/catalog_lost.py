"""The catalog that vouches for a critical driver is gone from the store; its twin lies in servicing\\Packages.

The logs tell of it as they would: code integrity refused the driver, the machine stopped, and came up once more in
safe mode, which wrote the stop down.
"""

from __future__ import annotations

from bootmend.lab.contents import CATROOT, SERVICING
from bootmend.lab.faults.fault import (
    STATUS_INVALID_IMAGE_HASH,
    STOP_CRITICAL_SERVICE_FAILED,
    Fault,
    Outcome,
    broken,
)
from bootmend.lab.logs import CODE_INTEGRITY, LOGS, crashed, refused
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
    machine.log(
        [
            refused("2024-02-18 18:58:50", 3004, victim.path),
            *crashed("2024-02-18 19:04:00", STOP_CRITICAL_SERVICE_FAILED, STATUS_INVALID_IMAGE_HASH),
        ]
    )
    covered = [
        binary.name
        for binary in machine.manifest.binaries
        if binary.signing == "catalog" and set(binary.catalogs) <= set(victim.catalogs) and binary.loads_at_boot
    ]
    return broken(
        machine,
        victim,
        STATUS_INVALID_IMAGE_HASH,
        [*lost, f"{LOGS}\\System.evtx", f"{LOGS}\\{CODE_INTEGRITY}.evtx"],
        unresolved=covered,
        twins=[f"{SERVICING}\\{name}" for name in victim.catalogs],
    )


FAULT = Fault(
    name=_NAME,
    description="the catalog of a critical driver is gone from the catalog store",
    expect="catalog_missing",
    apply=_apply,
)
