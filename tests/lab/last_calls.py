"""Runs the lab kernel's code in an emulator, on real page tables, to its last call.

PYTHONPATH=src:tests .venv/bin/python -m lab.last_calls > src/bootmend/lab/texts/last_calls.txt
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass

import pytest

from bootmend.formats.pe import Pe
from bootmend.lab.blueprint import read_blueprint
from bootmend.lab.crashed_memory import PAGE, Crash, CrashedMemory, CrashedModule
from bootmend.lab.kernel_code import BUG_CHECK, FIRST, kernel_code
from bootmend.lab.last_calls import BLOCK, KERNEL_BASE, REGISTERS, STACK_SIZE, STACK_TOP, block
from bootmend.lab.material import make_image
from bootmend.lab.roster import roster

STATUS = 0xC0000428
HEAD = """\
# What the calls of kernel_code left behind, as an emulator ran them: registers, then the words of the stack by
# their addresses; words that are 0 are left out. Made by tests/lab/last_calls.py (its head says how).
"""


@dataclass(frozen=True)
class Run:
    """What the processor held when it came to KeBugCheckEx."""

    rip: int
    registers: dict[str, int]
    stack: bytes
    calls: tuple[tuple[int, int], ...]
    """Of every call that had not returned, the first one first: where it returns to, and the stack pointer then."""


def kernel() -> bytes:
    """The lab's kernel, as its machines have it, but unsigned."""
    blueprint = read_blueprint()
    found = next(one for one in roster(blueprint) if one.name == "ntoskrnl.exe")
    return make_image(blueprint, found, blueprint.build.newest, 64)


def memory_before(image: bytes) -> CrashedMemory:
    """The kernel's sections where it runs, an empty stack, and the block of the thread."""
    pe = Pe.parse(image, "ntoskrnl.exe")
    module = CrashedModule("\\SystemRoot\\system32\\ntoskrnl.exe", KERNEL_BASE, pe.size_of_image, pe.timestamp)
    memory = CrashedMemory(Crash(modules=(module,)), frames=0x10000)
    memory.write(KERNEL_BASE, pe.data[: pe.size_of_headers])
    for part in pe.sections:
        memory.write(KERNEL_BASE + part.rva, pe.data[part.raw_offset : part.raw_offset + part.raw_size])
    memory.write(STACK_TOP - STACK_SIZE, bytes(STACK_SIZE))
    memory.write(BLOCK, block("\\Driver\\FileCrypt", "\\SystemRoot\\System32\\drivers\\filecrypt.sys", STATUS))
    return memory


def run(memory: CrashedMemory) -> Run:
    """Physical pages and page tables as the dump would hold them; nothing is mapped beside."""
    unicorn = pytest.importorskip("unicorn", reason="the emulator is not installed")
    x86 = unicorn.x86_const
    machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
    for frame, page in memory.pages.items():
        machine.mem_map(frame * PAGE, PAGE)
        machine.mem_write(frame * PAGE, bytes(page))
    machine.ctl_set_tlb_mode(unicorn.UC_TLB_CPU)
    machine.reg_write(x86.UC_X86_REG_CR4, machine.reg_read(x86.UC_X86_REG_CR4) | 1 << 5)  # PAE
    machine.reg_write(x86.UC_X86_REG_CR3, memory.root * PAGE)
    machine.reg_write(x86.UC_X86_REG_MSR, (0xC0000080, 1 << 8 | 1 << 10))  # EFER: LME, LMA
    machine.reg_write(x86.UC_X86_REG_CR0, machine.reg_read(x86.UC_X86_REG_CR0) | 1 << 31 | 1)  # PG, PE
    ids = [getattr(x86, f"UC_X86_REG_{name.upper()}") for name in REGISTERS]
    rsp = STACK_TOP - 0x28
    machine.reg_write(x86.UC_X86_REG_RSP, rsp)
    machine.reg_write(x86.UC_X86_REG_RCX, BLOCK)
    calls: list[tuple[int, int]] = []
    awaited: list[tuple[int, int]] = []

    def instruction(_machine: object, address: int, size: int, _: object) -> None:
        here = machine.reg_read(x86.UC_X86_REG_RSP)
        while awaited:
            calls.append(awaited.pop())
        while calls and here >= calls[-1][1]:
            calls.pop()
        if size == 5 and code_at(memory, address) == 0xE8:
            awaited.append((address + size, here))

    machine.hook_add(unicorn.UC_HOOK_CODE, instruction)
    entries = kernel_code().entries
    machine.emu_start(KERNEL_BASE + entries[FIRST], KERNEL_BASE + entries[BUG_CHECK], count=10_000)
    calls += awaited
    for frame in memory.pages:
        memory.pages[frame][:] = machine.mem_read(frame * PAGE, PAGE)
    stack = b"".join(bytes(memory.pages[memory.map(at)]) for at in range(STACK_TOP - STACK_SIZE, STACK_TOP, PAGE))
    values = {name: machine.reg_read(one) for name, one in zip(REGISTERS, ids, strict=True)}
    return Run(machine.reg_read(x86.UC_X86_REG_RIP), values, stack, tuple(calls))


def code_at(memory: CrashedMemory, address: int) -> int:
    return memory.pages[memory.map(address)][address % PAGE]


def told(done: Run) -> str:
    """The run as the lab keeps it."""
    lines = [f"{name} | {value:x}\n" for name, value in done.registers.items()]
    for at, (word,) in enumerate(struct.iter_unpack("<Q", done.stack)):
        if word:
            lines.append(f"{STACK_TOP - STACK_SIZE + 8 * at:x} | {word:x}\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(told(run(memory_before(kernel()))))
