"""What a fault is: a name, what it is to make bootmend find, and the function that breaks a machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bootmend.lab.open_machine import OpenMachine

STOP_CRITICAL_SERVICE_FAILED = 0x5A
STATUS_INVALID_IMAGE_HASH = 0xC0000428
STATUS_OBJECT_NAME_NOT_FOUND = 0xC0000034


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a fault has done to a machine, and what Windows would answer."""

    subject: str = ""
    """The file whose driver stops the boot, as it is named on the disk."""
    service: str = ""
    error_control: int | None = None
    """3 stops the machine; with less it starts without the driver."""
    stop: int | None = None
    status: int | None = None
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
    last: bool = False
    """Done after all others, because nothing can be written to the machine afterwards."""
