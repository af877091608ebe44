"""CONTEXT and EXCEPTION_RECORD of the processors that Windows runs on, as Microsoft declares them in winnt.h."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.binary import View
from bootmend.dumps.header import AMD64, ARM64, I386, UNSET32

_MOST_PARAMETERS = 15


@dataclass(frozen=True, slots=True)
class _Layout:
    """Offsets into CONTEXT, of which `size` bytes from its start are read: flags and the integer registers."""

    size: int
    marks: int
    """ContextFlags: which parts of it are filled, and of which processor it is."""
    processor: int
    flags: int
    cs: int | None
    registers: dict[str, int]
    width: int
    counter: str
    pointer: str


_X64 = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{number}" for number in range(8, 16)), "rip")
_ARM64 = (*(f"x{number}" for number in range(29)), "fp", "lr", "sp", "pc")
_X86 = {
    **{name: 0x9C + 4 * at for at, name in enumerate(("edi", "esi", "ebx", "edx", "ecx", "eax", "ebp", "eip"))},
    "esp": 0xC4,
}
_LAYOUTS = {
    AMD64: _Layout(
        0x100,
        0x30,
        0x100000,
        0x44,
        0x38,
        {name: 0x78 + 8 * at for at, name in enumerate(_X64)},
        8,
        counter="rip",
        pointer="rsp",
    ),
    ARM64: _Layout(
        0x110,
        0x00,
        0x400000,
        0x04,
        None,
        {name: 0x08 + 8 * at for at, name in enumerate(_ARM64)},
        8,
        counter="pc",
        pointer="sp",
    ),
    I386: _Layout(0xCC, 0x00, 0x10000, 0xC0, 0xBC, _X86, 4, counter="eip", pointer="esp"),
}


@dataclass(frozen=True, slots=True)
class Context:
    """The integer registers by their names in lower case."""

    registers: dict[str, int]
    flags: int
    pc: int
    """The instruction that comes next."""
    sp: int
    cs: int = 0


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    code: int
    flags: int
    address: int
    parameters: tuple[int, ...]


def context_size(machine: int) -> int | None:
    """How much of a CONTEXT is read; None for a processor whose registers are not known."""
    return _LAYOUTS[machine].size if machine in _LAYOUTS else None


def read_context(view: View, offset: int, machine: int = AMD64) -> Context | None:
    """The registers at `offset`; None where Windows left them unset, and of another processor."""
    layout = _LAYOUTS.get(machine)
    if layout is None:
        return None
    marks = view.u32(offset + layout.marks)
    if marks == UNSET32 or not marks & layout.processor:
        return None
    read = view.u64 if layout.width == 8 else view.u32
    registers = {name: read(offset + at) for name, at in layout.registers.items()}
    cs = view.u16(offset + layout.cs) if layout.cs is not None else 0
    return Context(registers, view.u32(offset + layout.flags), registers[layout.counter], registers[layout.pointer], cs)


def record_size(width: int) -> int:
    """Bytes of an EXCEPTION_RECORD of a machine whose pointers have `width` bytes."""
    return 0x98 if width == 8 else 0x50


def read_exception(view: View, offset: int, width: int = 8) -> ExceptionRecord | None:
    """The record at `offset`; None where Windows left it unset."""
    number = view.u64 if width == 8 else view.u32
    address = offset + 8 + width
    code, count = view.u32(offset), view.u32(address + width)
    if code in (0, UNSET32):
        return None
    count = count if count <= _MOST_PARAMETERS else 0
    first = address + 2 * width
    parameters = tuple(number(first + width * at) for at in range(count))
    return ExceptionRecord(code, view.u32(offset + 4), number(address), parameters)
