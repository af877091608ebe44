"""Code of real images run instruction by instruction in an emulator, whose own calls and returns are the truth."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from bootmend.dumps.code import FileCode
from bootmend.dumps.unwind import Function, State, find_function
from bootmend.formats.pe import Pe

STACK, STACK_SIZE = 0x7FFF00000000, 0x200000
TOP = STACK + STACK_SIZE - 0x1000
END = 0x7FFE00001000
"""Where the first function returns to."""
STUB = 0x7FFE00002000
"""What stands in the place of every import: xor eax, eax; ret."""
HEAP, HEAP_SIZE = 0x200000000, 0x10000
PAGE = 0x1000
SAVED = (3, 5, 6, 7, 12, 13, 14, 15)
"""rbx, rbp, rsi, rdi, r12 to r15: a function gives them back to its caller as they were."""
_LONG_JUMP = b"\x48\x8b\x61"
"""mov rsp, [rcx + n]: longjmp goes on elsewhere, on another stack."""
_IAT = 12
_MOST_DEPTH = 60


@dataclass(frozen=True)
class Call:
    """A call that has not returned: where it returns to, the stack pointer behind it, and SAVED as they were."""

    back: int
    rsp: int
    saved: tuple[int, ...]


Look = Callable[[State, list[Call]], None]
"""Called at each instruction of the image, with the calls that are open, the first one first."""


def functions(code: FileCode) -> list[Function]:
    """Every row of .pdata."""
    raw = code.read(*code.pdata) or b""
    return [Function(*row) for row in struct.iter_unpack("<III", raw[: len(raw) // 12 * 12])]


class Emulator:
    """One image at its own base; memory that is not there appears when it is touched."""

    def __init__(self, pe: Pe, look: Look) -> None:
        unicorn = pytest.importorskip("unicorn", reason="the emulator is not installed")
        x86 = unicorn.x86_const
        self.errors = unicorn.UcError
        self.fetch = unicorn.UC_MEM_FETCH_UNMAPPED
        names = ["RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI", *(f"R{number}" for number in range(8, 16))]
        self.ids = [getattr(x86, f"UC_X86_REG_{name}") for name in names]
        self.machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        self.look = look
        coff = int.from_bytes(pe.data[0x3C:0x40], "little")
        self.base = int.from_bytes(pe.data[coff + 48 : coff + 56], "little")
        size = -(-pe.size_of_image // PAGE) * PAGE
        self.image = range(self.base, self.base + size)
        self.machine.mem_map(self.base, size)
        self.machine.mem_write(self.base, pe.data[: pe.size_of_headers])
        for part in pe.sections:
            length = min(part.raw_size, part.virtual_size or part.raw_size)
            self.machine.mem_write(self.base + part.rva, pe.data[part.raw_offset : part.raw_offset + length])
        rva, length = pe.directories[_IAT]
        self.machine.mem_write(self.base + rva, struct.pack("<Q", STUB) * (length // 8))
        self.machine.mem_map(STACK, STACK_SIZE)
        self.machine.mem_map(END, 2 * PAGE)
        self.machine.mem_write(STUB, b"\x31\xc0\xc3")
        self.machine.mem_map(HEAP, HEAP_SIZE)
        self.start = bytes(self.machine.mem_read(self.base, size))
        self.mapped: list[int] = []
        self.calls: list[Call] = []
        self.pending: Call | None = None
        self.failed: BaseException | None = None
        self.follows = 0
        self.function: Function | None = None
        self.code = FileCode(pe)
        self.machine.hook_add(unicorn.UC_HOOK_CODE, self._instruction)
        self.machine.hook_add(unicorn.UC_HOOK_MEM_UNMAPPED, self._unmapped)

    def _unmapped(self, _machine: object, access: int, address: int, *_: object) -> bool:
        if access == self.fetch or len(self.mapped) > 64:
            return False
        page = address & ~(PAGE - 1)
        try:
            self.machine.mem_map(page, PAGE)
        except self.errors:
            return False
        self.mapped.append(page)
        return True

    def _instruction(self, _machine: object, address: int, size: int, _: object) -> None:
        registers = tuple(self.machine.reg_read(one) for one in self.ids)
        rsp = registers[4]
        if self.pending is not None:
            # The instruction before was a call: its return address is on top now.
            if self.pending.rsp == rsp + 8 and self.load(rsp) == self.pending.back:
                self.calls.append(self.pending)
            self.pending = None
        while self.calls and rsp >= self.calls[-1].rsp:
            self.calls.pop()
        if len(self.calls) > _MOST_DEPTH or not self.calls:
            self.machine.emu_stop()
            return
        fell, self.follows = address == self.follows, address + size
        if address not in self.image:
            return
        if fell and find_function(self.code, address - self.base) != self.function:
            # What was called last does not return (a throw), but what stands here for it did.
            self.machine.emu_stop()
            return
        self.function = find_function(self.code, address - self.base)
        try:
            self.look(State(address, registers), self.calls)
        except BaseException as error:
            self.failed = error
            self.machine.emu_stop()
            return
        text = bytes(self.machine.mem_read(address, size)) if size <= 15 else b""
        if text[:3] == _LONG_JUMP:
            self.machine.emu_stop()
            return
        if text[:1] == b"\xe8" or _indirect_call(text):
            self.pending = Call(address + size, rsp, tuple(registers[one] for one in SAVED))

    def load(self, address: int) -> int | None:
        try:
            return int.from_bytes(self.machine.mem_read(address, 8), "little")
        except self.errors:
            return None

    def run(self, rva: int, dice: random.Random, most: int) -> None:
        """The function at `rva` from its start, with arguments by chance, for at most so many instructions."""
        for page in self.mapped:
            self.machine.mem_unmap(page, PAGE)
        self.mapped.clear()
        self.machine.mem_write(self.base, self.start)
        values = [dice.choice((HEAP + dice.randrange(0, 0x8000, 8), dice.randrange(256), 0)) for _ in self.ids]
        filler = (dice.choice((0, 1, HEAP + dice.randrange(0, 0x8000, 8), dice.getrandbits(16))) for _ in range(1024))
        self.machine.mem_write(HEAP, struct.pack("<1024Q", *filler) * (HEAP_SIZE // 8192))
        values[4] = TOP - 8
        self.machine.mem_write(TOP - 8, struct.pack("<Q", END))
        for one, value in zip(self.ids, values, strict=True):
            self.machine.reg_write(one, value)
        self.follows, self.function = 0, None
        self.calls, self.pending = [Call(END, TOP, tuple(values[one] for one in SAVED))], None
        with suppress(self.errors):
            self.machine.emu_start(self.base + rva, END, count=most)
        if self.failed is not None:
            raise self.failed


def _indirect_call(text: bytes) -> bool:
    """call r/m64, with or without a prefix."""
    body = text[1:] if text and 0x40 <= text[0] <= 0x4F else text
    return len(body) >= 2 and body[0] == 0xFF and body[1] & 0x38 == 0x10
