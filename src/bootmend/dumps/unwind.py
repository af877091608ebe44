"""One step up an x64 stack, by the tables that every x64 image carries.

    RUNTIME_FUNCTION (.pdata, 12 bytes, sorted): begin, end, unwind information (RVAs)
      -> UNWIND_INFO: version and flags, length of the prologue, count of codes, frame register and offset
           -> codes, each 16 bits and more: what the prologue did, last first
           -> where it is chained: the RUNTIME_FUNCTION that it is a part of

A function without an entry is a leaf: its return address is on top of the stack. In the prologue only the codes of
what was done already are undone; in the epilogue, which changes the same things back, the rest of it is carried out.
Which of the two it is tell the instructions themselves.

A prologue of version 2 may reach far into a function, with an early return inside of it: its first codes say where
epilogues stand, counted from the end of the function.

Source: Microsoft, "x64 exception handling" (unwind data, prologue and epilogue); the codes of version 2 by what its
compiler makes, checked in an emulator.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

ENTRY = 12
MOST_CHAINED = 32
_MOST_FUNCTIONS = 1 << 20
_MASK = (1 << 64) - 1
_CHAINED = 4
_RSP = 4
_EPILOGUE = 64
"""Bytes of instructions looked at: an addition, eight pops and a jump are fewer."""

PUSH, ALLOC_LARGE, ALLOC_SMALL, SET_FRAME, SAVE, SAVE_FAR, MACHINE_FRAME = 0, 1, 2, 3, 4, 5, 10
PROGRAM = 3
"""The lowest bits of cs: the rights that code runs with."""
_EPILOGUES = 6
_SLOTS = {PUSH: 1, ALLOC_SMALL: 1, SET_FRAME: 1, SAVE: 2, SAVE_FAR: 3, 6: 2, 7: 3, 8: 2, 9: 3, MACHINE_FRAME: 1}
"""16-bit units that a code takes; 6 and 7 are those of version 2, 8 and 9 save XMM registers."""


class Code(Protocol):
    """An image: what is mapped at an RVA, and where its table of functions stands."""

    pdata: tuple[int, int]
    """RVA and size in bytes; zeros where it has none."""

    def read(self, rva: int, length: int) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class State:
    """A processor at one instruction: rip, and the sixteen registers in the order of their numbers."""

    rip: int
    registers: tuple[int, ...]
    interrupted: bool = False
    """It did not call, but was interrupted there: by an exception, an interrupt, or a program's call of the kernel."""
    program: bool = False
    """It ran there as a program does, without the kernel's rights."""

    @property
    def rsp(self) -> int:
        return self.registers[_RSP]


@dataclass(frozen=True, slots=True)
class Function:
    """A row of .pdata; RVAs."""

    begin: int
    end: int
    unwind: int


class Stuck(Exception):
    """The stack cannot be followed any further; the sentence says why. It ends a walk and never leaves this room."""


def find_function(code: Code, rva: int) -> Function | None:
    """The row that holds `rva`; None for a leaf."""
    start, size = code.pdata
    low, high = 0, min(size // ENTRY, _MOST_FUNCTIONS)
    while low < high:
        middle = (low + high) // 2
        row = _function(code, start + middle * ENTRY)
        if rva < row.begin:
            high = middle
        elif rva >= row.end:
            low = middle + 1
        else:
            return row
    return None


def _function(code: Code, rva: int) -> Function:
    raw = code.read(rva, ENTRY)
    if raw is None:
        raise Stuck("the table of functions is not there")
    return Function(*struct.unpack("<III", raw))


def primary(code: Code, function: Function) -> Function:
    """The function that a chained part belongs to."""
    for _ in range(MOST_CHAINED):
        if function.unwind & 1:
            function = _function(code, function.unwind & ~1)
            continue
        info = UnwindInfo(code, function.unwind)
        if info.chained is None:
            return function
        function = info.chained
    raise Stuck("a chain of functions without an end")


class UnwindInfo:
    """UNWIND_INFO at an RVA."""

    def __init__(self, code: Code, rva: int) -> None:
        head = code.read(rva, 4)
        if head is None:
            raise Stuck("unwind information is not there")
        self.version, self.flags = head[0] & 7, head[0] >> 3
        self.prologue, count = head[1], head[2]
        self.frame, self.frame_offset = head[3] & 0xF, (head[3] >> 4) * 16
        if self.version not in (1, 2):
            raise Stuck(f"unwind information of version {self.version}")
        raw = code.read(rva + 4, count * 2)
        if raw is None:
            raise Stuck("unwind codes are not there")
        self.units: tuple[int, ...] = struct.unpack(f"<{count}H", raw)
        chained = self.flags & _CHAINED
        self.chained = _function(code, rva + 4 + (count + 1 & ~1) * 2) if chained else None

    def epilogues(self, end: int) -> list[range]:
        """Where version 2 says that the pops and the return of epilogues stand, in a function that ends at `end`."""
        found: list[range] = []
        size = 0
        for at, unit in enumerate(self.units):
            if self.version < 2 or unit >> 8 & 0xF != _EPILOGUES:
                break
            if at == 0:
                size = unit & 0xFF
            back = size if at == 0 else unit & 0xFF | unit >> 12 << 8
            if back and (at or unit >> 12 & 1):
                found.append(range(end - back, end - back + size))
        return found

    def codes(self) -> list[tuple[int, int, int, int]]:
        """(offset in the prologue behind what it did, operation, its small operand, its large one)."""
        found = []
        at = 0
        while at < len(self.units):
            unit = self.units[at]
            offset, operation, info = unit & 0xFF, unit >> 8 & 0xF, unit >> 12
            slots = 2 + (info != 0) if operation == ALLOC_LARGE else _SLOTS.get(operation)
            if slots is None or at + slots > len(self.units):
                raise Stuck(f"unwind code {operation} that nobody knows")
            large = sum(self.units[at + n] << 16 * (n - 1) for n in range(1, slots))
            found.append((offset, operation, info, large))
            at += slots
        return found


Load = Callable[[int], int | None]
"""The 64-bit number at a virtual address of the stack."""


def step(code: Code | None, base: int, state: State, load: Load) -> State:
    """The caller's state; `code` is the image at `base` that rip lies in. Raises Stuck."""
    registers = list(state.registers)
    rva = state.rip - base
    function = find_function(code, rva) if code is not None else None
    if code is None or function is None:
        return _returned(registers, load)
    row, whole = function, False
    for _ in range(MOST_CHAINED):
        if row.unwind & 1:
            row = _function(code, row.unwind & ~1)
            continue
        info = UnwindInfo(code, row.unwind)
        offset = rva - row.begin
        # A part of a function that was split off has the prologue of the whole behind it.
        behind = offset >= info.prologue or any(rva in part for part in info.epilogues(row.end))
        if not whole and behind and _in_epilogue(code, function, info, rva, registers, load):
            return _returned(registers, load)
        interrupted = _undo(info, registers, load, offset if not whole else None)
        if interrupted is not None:
            return interrupted
        if info.chained is None:
            return _returned(registers, load)
        row, whole = info.chained, True
    raise Stuck("a chain of functions without an end")


def _undo(info: UnwindInfo, registers: list[int], load: Load, offset: int | None) -> State | None:
    """Takes back what the prologue did up to `offset` (None: all of it); where it was an interrupt, who was there."""
    codes = info.codes()
    done = [one for one in codes if offset is None or offset >= info.prologue or offset >= one[0]]
    frame = registers[_RSP]
    behind = offset is None or offset >= info.prologue
    if info.frame and (behind or any(operation == SET_FRAME for _, operation, _, _ in done)):
        frame = registers[info.frame] - info.frame_offset & _MASK
    for _, operation, small, large in done:
        if operation == PUSH:
            registers[small] = _loaded(load, registers[_RSP])
            registers[_RSP] += 8
        elif operation == ALLOC_LARGE:
            registers[_RSP] += large if small else large * 8
        elif operation == ALLOC_SMALL:
            registers[_RSP] += small * 8 + 8
        elif operation == SET_FRAME:
            registers[_RSP] = registers[info.frame] - info.frame_offset & _MASK
        elif operation == SAVE:
            registers[small] = _loaded(load, frame + large * 8)
        elif operation == SAVE_FAR:
            registers[small] = _loaded(load, frame + large)
        elif operation == MACHINE_FRAME:
            top = registers[_RSP] + (8 if small else 0)
            registers[_RSP] = _loaded(load, top + 24)
            program = _loaded(load, top + 8) & PROGRAM == PROGRAM
            found = tuple(one & _MASK for one in registers)
            return State(_loaded(load, top), found, interrupted=True, program=program)
    return None


def _in_epilogue(code: Code, function: Function, info: UnwindInfo, rva: int, registers: list[int], load: Load) -> bool:
    """Whether only an epilogue is left from `rva` on; then its effects, up to the return, are in `registers`."""
    text = code.read(rva, _EPILOGUE) or code.read(rva, max(min(function.end - rva, _EPILOGUE), 0)) or b""
    tried = list(registers)
    at = 0
    if text[:3] == b"\x48\x83\xc4" and len(text) >= 4:  # add rsp, imm8
        tried[_RSP] += int.from_bytes(text[3:4], "little", signed=True)
        at = 4
    elif text[:3] == b"\x48\x81\xc4" and len(text) >= 7:  # add rsp, imm32
        tried[_RSP] += int.from_bytes(text[3:7], "little", signed=True)
        at = 7
    elif len(text) >= 7 and text[0] & 0xFE == 0x48 and text[1] == 0x8D and text[2] & 0x38 == 0x20 and info.frame:
        at = _lea(text, info.frame, tried)
        if not at:
            return False
    popped: list[int] = []
    while at < len(text) - 1:
        if 0x58 <= text[at] <= 0x5F and text[at] != 0x58 + _RSP:
            number, at = text[at] - 0x58, at + 1
        elif text[at] == 0x41 and 0x58 <= text[at + 1] <= 0x5F:
            number, at = text[at + 1] - 0x50, at + 2
        else:
            break
        popped.append(number)
    if not _leaves(code, text[at:], function, rva + at):
        return False
    for number in popped:
        tried[number] = _loaded(load, tried[_RSP])
        tried[_RSP] += 8
    registers[:] = tried
    return True


def _lea(text: bytes, frame: int, registers: list[int]) -> int:
    """lea rsp, [frame + displacement]: its length; 0 where it is another one."""
    mode, number = text[2] >> 6, (text[2] & 7) | (text[0] & 1) << 3
    if number != frame or text[2] & 7 == _RSP:
        return 0
    if mode == 0 and text[2] & 7 != 5:
        registers[_RSP] = registers[number]
        return 3
    if mode == 1:
        registers[_RSP] = registers[number] + int.from_bytes(text[3:4], "little", signed=True) & _MASK
        return 4
    if mode == 2:
        registers[_RSP] = registers[number] + int.from_bytes(text[3:7], "little", signed=True) & _MASK
        return 7
    return 0


def _leaves(code: Code, text: bytes, function: Function, rva: int) -> bool:
    """Whether the instruction returns, or jumps to another function (a call in the place of a return)."""
    if text[:1] in (b"\xc3", b"\xc2") or text[:2] == b"\xf3\xc3":
        return True
    if text[:1] == b"\xeb" and len(text) >= 2:
        return _elsewhere(code, function, rva + 2 + int.from_bytes(text[1:2], "little", signed=True))
    if text[:1] == b"\xe9" and len(text) >= 5:
        return _elsewhere(code, function, rva + 5 + int.from_bytes(text[1:5], "little", signed=True))
    if text[:2] == b"\xff\x25":  # jmp [rip + displacement]
        return True
    # jmp through a register, with the prefix that marks it as the end of a function
    return len(text) >= 3 and text[0] & 0xF8 == 0x48 and text[1] == 0xFF and text[2] & 0x38 == 0x20


def _elsewhere(code: Code, function: Function, target: int) -> bool:
    """A jump out of the function, and not into another part of the same one; to its own start: it calls itself."""
    if function.begin <= target < function.end:
        return False
    other = find_function(code, target)
    if other is None:
        return True
    try:
        first = primary(code, function)
        return primary(code, other) != first or target == first.begin
    except Stuck:
        return True


def _returned(registers: list[int], load: Load) -> State:
    rip = _loaded(load, registers[_RSP])
    registers[_RSP] += 8
    return replace(State(rip, ()), registers=tuple(one & _MASK for one in registers))


def _loaded(load: Load, address: int) -> int:
    value = load(address & _MASK)
    if value is None:
        raise Stuck("the stack is not in the dump")
    return value
