"""ntoskrnl.exe is the one that setup brought, while drivers are those of the last update: it lacks a function."""

from __future__ import annotations

from dataclasses import replace

from bootmend.errors import Misuse
from bootmend.formats.pe import Pe
from bootmend.lab.faults.boot_file import named, replace_file, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STATUS_DRIVER_ENTRYPOINT_NOT_FOUND
from bootmend.lab.import_table import usual_exports
from bootmend.lab.manifest import BinaryFacts
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "import-unresolved-kernel"
_KERNEL = "ntoskrnl.exe"


def _apply(machine: OpenMachine) -> Outcome:
    kernel = named(machine, _KERNEL)
    needed = any(_asks_for_the_new(machine, one) for one in machine.critical(lambda binary: binary.start == 0))
    if not kernel.outdated or not needed:
        raise Misuse(say("lab.no_victim", name=_NAME, why="the kernel has no older copy, or no driver needs the new"))
    replace_file(machine, kernel, machine.windows.read(kernel.outdated))
    # Which importer comes first, a library of the kernel or a driver, depends on the build and the seed.
    return replace(stopped(machine, kernel, STATUS_DRIVER_ENTRYPOINT_NOT_FOUND), subject="")


def _asks_for_the_new(machine: OpenMachine, binary: BinaryFacts) -> bool:
    """It imports the function that the older kernel lacks."""
    imports = Pe.parse(machine.windows.read(binary.path), binary.path).imports()
    wanted = usual_exports(_KERNEL)[-1]
    return any(wanted in names for module, names in imports.items() if module.lower() == _KERNEL)


FAULT = Fault(
    name=_NAME,
    description="ntoskrnl.exe is older than the drivers that import from it, and lacks a function",
    expect="import_unresolved",
    apply=_apply,
)
