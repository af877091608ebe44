"""The dump of a lab machine that stopped on loading one of its drivers: every module in it is an image on its disk.

    the machine's kernel and drivers (their time stamps and sizes) ─┐
    last_calls: stack and registers as a processor left them ───────┼─ CrashedMemory ─ dump_maker, small_dump
    the driver's names and the status ──────────────────────────────┘

Pages of images are not in the dump: whoever follows its stack does so through the files on the disk.
"""

from __future__ import annotations

from io import BytesIO

from bootmend.dumps.header import DumpType
from bootmend.errors import Misuse
from bootmend.formats.pe import Pe
from bootmend.lab.crashed_memory import KERNEL, PAGE, Crash, CrashedMemory, CrashedModule
from bootmend.lab.dump_maker import write_bitmap
from bootmend.lab.last_calls import (
    BLOCK,
    KERNEL_BASE,
    STACK_TOP,
    arguments,
    block,
    left_behind,
    put_stack,
    stopped_at,
)
from bootmend.lab.manifest import BinaryFacts
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.small_dump import small_dump
from bootmend.texts import say

_KERNEL, _HAL = "\\Windows\\System32\\ntoskrnl.exe", "\\Windows\\System32\\hal.dll"
_OTHERS, _GAP = KERNEL + 0x2C00000, 0x10000
"""Where the HAL and the drivers stand, each so far behind the other."""
_SECOND = 10_000_000
_UP = 12
"""Seconds from the firmware to the drivers that start with the system."""
FRAMES = 0x10000
"""Of a machine with 256 MiB: the bitmap of its dump takes two pages."""


def crashed_memory(machine: OpenMachine, victim: BinaryFacts, status: int, when: int) -> CrashedMemory:
    """The machine at the moment (a FILETIME) at which it stopped because `victim` was not loaded."""
    if machine.manifest.bits != 64:
        raise Misuse(say("lab.no_victim", name="a dump", why="its processor is not a 64-bit one"))
    registers, _ = left_behind()
    number, _, revision = machine.manifest.build.partition(".")
    crash = Crash(
        code=0x5A,
        arguments=arguments(status),
        modules=tuple(_modules(machine, victim)),
        unloaded=(),
        processes=("System",),
        build=int(number),
        lab=f"{number}.{revision}.amd64fre.lab_release.240118-1200",
        rip=stopped_at(),
        rsp=registers[4],
        registers=registers,
        system_time=when,
        up_time=_UP * _SECOND,
    )
    memory = CrashedMemory(crash, frames=FRAMES)
    put_stack(memory)
    driver = f"\\Driver\\{victim.service}"
    memory.write(BLOCK, block(driver, _path(victim.path), status))
    return memory


def kernel_dump(memory: CrashedMemory) -> bytes:
    """What Windows calls an automatic or kernel memory dump."""
    target = BytesIO()
    write_bitmap(target, memory, DumpType.BITMAP_KERNEL)
    return target.getvalue()


def minidump(memory: CrashedMemory) -> bytes:
    return small_dump(memory, STACK_TOP)


def _modules(machine: OpenMachine, victim: BinaryFacts) -> list[CrashedModule]:
    """The kernel, the HAL, and what had been loaded before the driver, in that order."""
    before = [one for one in machine.manifest.binaries if one.rank is not None and one.rank < (victim.rank or 0)]
    paths = [_KERNEL, _HAL, *(one.path for one in sorted(before, key=lambda one: one.rank or 0))]
    found = []
    base = KERNEL_BASE
    for path in dict.fromkeys(paths):
        pe = Pe.parse(machine.windows.read(path), path)
        found.append(CrashedModule(_path(path), base, pe.size_of_image, pe.timestamp, _checksum(pe)))
        base = max(base + -(-pe.size_of_image // PAGE) * PAGE + _GAP, _OTHERS)
    return found


def _checksum(pe: Pe) -> int:
    at = int.from_bytes(pe.data[0x3C:0x40], "little") + 0x58
    return int.from_bytes(pe.data[at : at + 4], "little")


def _path(path: str) -> str:
    """As the kernel names an image: by the folder that it started from."""
    return "\\SystemRoot" + path.removeprefix("\\Windows")
