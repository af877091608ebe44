"""The system partition is deleted from the table: Windows' own is all that is left."""

from __future__ import annotations

import struct
from zlib import crc32

from bootmend.disk.device import BlockDevice
from bootmend.errors import Misuse
from bootmend.lab.faults.boot_store import untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "system-partition-missing"
_ENTRY = 128


def _apply(machine: OpenMachine) -> Outcome:
    untouched_store(machine, _NAME)
    manager = "\\bootmgr" if machine.manifest.generation == 1 else "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"
    sector = machine.system_partition.read(0, 512)
    fits = machine.manifest.generation == 2 or sector[0x1C:0x20] == (machine.system_partition.start // 512).to_bytes(
        4, "little"
    )
    active = machine.manifest.generation == 2 or machine.device.read(446, 1) == b"\x80"
    if not (machine.system.exists(manager) and fits and active):
        raise Misuse(say("lab.no_victim", name=_NAME, why="what stands on its system partition is broken already"))
    machine.close()
    slot = machine.manifest.system_partition - 1
    if machine.manifest.generation == 1:
        machine.device.write(446 + 16 * slot, bytes(16))
    else:
        for header in (512, machine.device.size - 512):
            _forget(machine.device, header, slot)
    return nothing_boots("system_partition")


def _forget(device: BlockDevice, at: int, slot: int) -> None:
    """One copy of a GPT of 512-byte sectors without that entry."""
    header = bytearray(device.read(at, 92))
    table, count = struct.unpack_from("<QI", header, 72)
    entries = bytearray(device.read(table * 512, count * _ENTRY))
    entries[slot * _ENTRY : (slot + 1) * _ENTRY] = bytes(_ENTRY)
    struct.pack_into("<I", header, 88, crc32(entries))
    struct.pack_into("<I", header, 16, 0)
    struct.pack_into("<I", header, 16, crc32(header))
    device.write(table * 512, bytes(entries))
    device.write(at, bytes(header))


FAULT = Fault(
    name=_NAME,
    description="the system partition is deleted from the partition table",
    expect="system_partition_missing",
    apply=_apply,
    repairable=False,
)
