"""What the faults of sectors share: bytes of the disk written over, and a firmware that finds nothing."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.faults.fault import Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say


def overwrite(machine: OpenMachine, fault: str, offset: int, data: bytes) -> None:
    """Raises Misuse where these bytes stand there already: another fault was here first."""
    machine.close()
    if machine.device.read(offset, len(data)) == data:
        raise Misuse(say("lab.no_victim", name=fault, why=f"these bytes stand at {offset:#x} already"))
    machine.device.write(offset, data)


def nothing_boots(subject: str) -> Outcome:
    return Outcome(subject=subject, stops=True, screen="bios")
