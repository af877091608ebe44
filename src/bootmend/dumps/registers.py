"""CONTEXT and EXCEPTION_RECORD of x64, as Microsoft declares them in winnt.h."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.binary import View

CONTEXT_SIZE = 0x100
"""The part of CONTEXT that holds flags, segments and the integer registers; all of it is 0x4D0 bytes."""
RECORD_SIZE = 0x98
_UNSET = 0x45474150
_NAMES = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{number}" for number in range(8, 16)), "rip")
_FIRST = 0x78
_MOST_PARAMETERS = 15


@dataclass(frozen=True, slots=True)
class Context:
    """The integer registers by their names in lower case."""

    registers: dict[str, int]
    flags: int
    cs: int = 0

    @property
    def rip(self) -> int:
        return self.registers["rip"]

    @property
    def rsp(self) -> int:
        return self.registers["rsp"]


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    code: int
    flags: int
    address: int
    parameters: tuple[int, ...]


def read_context(view: View, offset: int) -> Context | None:
    """The registers at `offset`; None where Windows left them unset."""
    if view.u32(offset + 0x30) == _UNSET or not any(view.bytes(offset, CONTEXT_SIZE)):
        return None
    registers = {name: view.u64(offset + _FIRST + 8 * at) for at, name in enumerate(_NAMES)}
    return Context(registers, view.u32(offset + 0x44), view.u16(offset + 0x38))


def read_exception(view: View, offset: int) -> ExceptionRecord | None:
    """The record at `offset`; None where Windows left it unset."""
    code, count = view.u32(offset), view.u32(offset + 0x18)
    if code in (0, _UNSET):
        return None
    count = count if count <= _MOST_PARAMETERS else 0
    parameters = tuple(view.u64(offset + 0x20 + 8 * at) for at in range(count))
    return ExceptionRecord(code, view.u32(offset + 4), view.u64(offset + 0x10), parameters)
