"""What the faults of boot loader, kernel and libraries share."""

from __future__ import annotations

from collections.abc import Iterable

from bootmend.lab.faults.fault import Outcome
from bootmend.lab.manifest import BinaryFacts
from bootmend.lab.open_machine import OpenMachine


def loader(machine: OpenMachine) -> BinaryFacts:
    """The winload that this generation starts."""
    return named(machine, "winload.exe" if machine.manifest.generation == 1 else "winload.efi")


def named(machine: OpenMachine, name: str) -> BinaryFacts:
    """The file of that name in System32 or System32\\drivers."""
    places = tuple(f"\\windows\\system32\\{folder}{name.lower()}" for folder in ("", "drivers\\"))
    return next(binary for binary in machine.manifest.binaries if binary.path.lower() in places)


def replace_file(machine: OpenMachine, binary: BinaryFacts, data: bytes) -> None:
    """Another file in its place, as copying one over it does: its hard link in WinSxS keeps the old one."""
    machine.windows.delete(binary.path)
    machine.windows.create(binary.path, data)


def stopped(
    machine: OpenMachine, binary: BinaryFacts, status: int, touched: Iterable[str] = (), **details: object
) -> Outcome:
    """The outcome of a fault that ends the boot at the boot manager's or the boot loader's screen."""
    return Outcome(
        subject=binary.name,
        stops=True,
        status=status,
        screen="boot_manager",
        touched=tuple(machine.address(path) for path in (touched or (binary.path,))),
        details=details,
    )
