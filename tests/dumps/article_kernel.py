"""The crash of the article: a kernel that makes the article's calls, run on real page tables until it stops.

How the images were built stands at the head of `images/article_kernel.s` and `images/named_driver.cpp`.
"""

from __future__ import annotations

import lzma
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from dumps.crashed import ARTICLE, FILTER

from bootmend.formats.pe import Pe
from bootmend.lab.crashed_memory import PAGE, CrashedMemory, CrashedModule

BASE = 0xFFFFF803B2A00000
STACK, STACK_SIZE = 0xFFFFC7011DC74000, 0x2000
FIRST_RSP = 0xFFFFC7011DC74AE8
"""Where the first function finds its return address: so deep that the last one has the article's stack pointer."""
OBJECT, PATH = 0xFFFFD80F4BFE7070, 0xFFFFB00B0513D320
"""The article's second and third argument."""
WRITTEN = 0x1D35CC11EDB2C00
"""2017-11-13 20:51:04, the article's TARGET_TIME."""
KEPT = 4
"""Instructions with which KeBugCheckEx keeps its arguments, before the registers are saved."""
REGISTERS = ("RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI", *(f"R{number}" for number in range(8, 16)))
_PADDING = b"\xcc" * PAGE


@cache
def image(name: str) -> bytes:
    """A file of `images`, unpacked."""
    return lzma.decompress((Path(__file__).with_name("images") / f"{name}.xz").read_bytes())


@cache
def kernel() -> Pe:
    return Pe.parse(image("ntoskrnl.exe"), "ntoskrnl.exe")


def _memory(rip: int, registers: tuple[int, ...]) -> CrashedMemory:
    """The kernel where the article's machine had it, an empty stack, and the driver's path where it was."""
    nt, *others = ARTICLE.modules
    module = CrashedModule(nt.path, BASE, kernel().size_of_image, kernel().timestamp, kernel().checksum)
    crash = replace(
        ARTICLE,
        arguments=(1, OBJECT, PATH, 0xFFFFFFFFC0000428),
        modules=(module, *(replace(one, base=one.base + BASE - nt.base + 0x1000000) for one in others)),
        system_time=WRITTEN,
        rip=rip,
        rsp=registers[4],
        registers=registers,
    )
    memory = CrashedMemory(crash, frames=0x4000)
    memory.write(BASE, kernel().data[: kernel().size_of_headers])
    for part in kernel().sections:
        data = kernel().at_rva(part.rva, part.raw_size, "a section").bytes(0, part.raw_size)
        for at in range(0, len(data), PAGE):
            if data[at : at + PAGE] != _PADDING:
                memory.write(BASE + part.rva + at, data[at : at + PAGE])
    memory.write(STACK, bytes(STACK_SIZE))
    raw = FILTER.encode("utf-16-le")
    memory.write(PATH, struct.pack("<HHIQ", len(raw), len(raw) + 2, 0, PATH + 16) + raw + bytes(2))
    return memory


@cache
def _stopped() -> tuple[int, tuple[int, ...], bytes]:
    """Where KeBugCheckEx is, the registers that it was called with, and the stack."""
    unicorn = pytest.importorskip("unicorn", reason="the emulator is not installed")
    x86 = unicorn.x86_const
    memory = _memory(0, (0,) * 16)
    machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
    machine.mem_map(0, memory.frames * PAGE)
    for frame, page in memory.pages.items():
        machine.mem_write(frame * PAGE, bytes(page))
    machine.ctl_set_tlb_mode(unicorn.UC_TLB_CPU)
    machine.reg_write(x86.UC_X86_REG_CR4, machine.reg_read(x86.UC_X86_REG_CR4) | 1 << 5)  # PAE
    machine.reg_write(x86.UC_X86_REG_CR3, memory.root * PAGE)
    machine.reg_write(x86.UC_X86_REG_MSR, (0xC0000080, 1 << 8 | 1 << 10))  # EFER: LME, LMA
    machine.reg_write(x86.UC_X86_REG_CR0, machine.reg_read(x86.UC_X86_REG_CR0) | 1 << 31 | 1)  # PG, PE
    machine.reg_write(x86.UC_X86_REG_RSP, FIRST_RSP)
    stop = BASE + kernel().sections[0].rva
    machine.emu_start(BASE + kernel().entry_point, stop, count=10_000)
    machine.emu_start(stop, 0, count=KEPT)
    registers = tuple(machine.reg_read(getattr(x86, f"UC_X86_REG_{name}")) for name in REGISTERS)
    stack = (machine.mem_read(memory.map(at) * PAGE, PAGE) for at in range(STACK, STACK + STACK_SIZE, PAGE))
    return stop, registers, b"".join(map(bytes, stack))


def article_memory() -> CrashedMemory:
    """The machine as KeBugCheckEx left it: rip is that function's start, as Windows saves it."""
    stop, registers, stack = _stopped()
    memory = _memory(stop, registers)
    memory.write(STACK, stack)
    return memory
