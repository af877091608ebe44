"""storport.sys is the one that setup brought, as an update that was cut off leaves it: it lacks a function."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.faults.boot_file import named, replace_file, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STATUS_DRIVER_ENTRYPOINT_NOT_FOUND
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "import-unresolved"


def _apply(machine: OpenMachine) -> Outcome:
    library = named(machine, "storport.sys")
    importers = machine.critical(lambda binary: binary.name.lower() in ("stornvme.sys", "storvsc.sys"))
    if not library.outdated or not importers:
        raise Misuse(
            say("lab.no_victim", name=_NAME, why="no driver imports from storport.sys, or it has no older copy")
        )
    replace_file(machine, library, machine.windows.read(library.outdated))
    return stopped(machine, importers[0], STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, [library.path])


FAULT = Fault(
    name=_NAME,
    description="storport.sys is older than the drivers that import from it, and lacks a function",
    expect="import_unresolved",
    apply=_apply,
)
