"""What a fault is: a name, what it is to make bootmend find, and the function that breaks a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bootmend.lab.contents import CONFIG
from bootmend.lab.manifest import BinaryFacts
from bootmend.lab.open_machine import OpenMachine

STOP_CRITICAL_SERVICE_FAILED = 0x5A
STOP_INACCESSIBLE_BOOT_DEVICE = 0x7B
STATUS_INVALID_IMAGE_HASH = 0xC0000428
STATUS_OBJECT_NAME_NOT_FOUND = 0xC0000034
STATUS_INVALID_IMAGE_FORMAT = 0xC000007B


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a fault has done to a machine, and what Windows would answer."""

    subject: str = ""
    """The file whose driver stops the boot, as it is named on the disk."""
    service: str = ""
    start: int | None = None
    error_control: int | None = None
    stops: bool = False
    """The machine does not start; otherwise it starts without the driver."""
    stop: int | None = None
    """Bug check code; None where the machine starts."""
    status: int | None = None
    """NTSTATUS shown with it; None where the machine starts."""
    screen: str = "stop"
    """What a person would see where the boot ends: stop, boot_manager, bios, recovery, stuck."""
    touched: tuple[str, ...] = ()
    """Files changed, made or removed: volume number, colon, path."""
    details: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    name: str
    description: str
    """One line, for people."""
    expect: str | None
    """The rule that is to speak up; None where nothing is wrong with what the machine boots from."""
    apply: Callable[[OpenMachine], Outcome]
    repairable: bool = True
    """False where the disk alone does not hold what a repair needs: a donor does."""
    accept: tuple[str, ...] = ()
    """Words for `--accept` without which it is not mended."""
    severity: str = "cause"
    """How much the rule is to make of it: cause, risk or note."""
    generations: tuple[int, ...] = (1, 2)
    """Where it can be."""
    last: bool = False
    """Done after all others, because nothing can be written to the machine afterwards."""


def broken(
    machine: OpenMachine, victim: BinaryFacts, status: int, touched: Iterable[str], **details: object
) -> Outcome:
    """The outcome of a fault that makes `victim` fail to load with `status`. `touched` are paths on the Windows volume.

    Bug check 0x5A is for critical drivers (ErrorControl 3). A boot-start one is looked at by the boot loader
    first, which may stop with the same status on a screen of its own: nothing on a disk tells which it will be.
    """
    critical = victim.error_control == 3
    return Outcome(
        subject=victim.name,
        service=victim.service,
        start=victim.start,
        error_control=victim.error_control,
        stops=critical,
        stop=STOP_CRITICAL_SERVICE_FAILED if critical else None,
        status=status if critical else None,
        touched=tuple(machine.address(path) for path in touched),
        details=details,
    )


def registry_fault(machine: OpenMachine, subject: str, *, stop: int | None = None, **details: object) -> Outcome:
    """The outcome of a fault that only changed the SYSTEM hive; `stop` is None where the machine still starts."""
    return Outcome(
        subject=subject,
        stops=stop is not None,
        stop=stop,
        touched=(machine.address(f"{CONFIG}\\SYSTEM"),),
        details=details,
    )
