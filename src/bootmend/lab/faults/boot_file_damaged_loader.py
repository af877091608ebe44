"""The boot loader was replaced by a file with other bytes in it; its name in WinSxS keeps the real one."""

from __future__ import annotations

from bootmend.lab.faults.boot_file import loader, replace_file, stopped
from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    victim = loader(machine)
    data = bytearray(machine.windows.read(victim.path))
    data[0x600:0x640] = bytes(byte ^ 0xA5 for byte in data[0x600:0x640])
    replace_file(machine, victim, bytes(data))
    return stopped(machine, victim, STATUS_INVALID_IMAGE_HASH)


FAULT = Fault(
    name="boot-file-damaged-loader",
    description="the boot loader's bytes are not those that were signed; WinSxS holds a sound copy",
    expect="boot_file_damaged",
    apply=_apply,
)
