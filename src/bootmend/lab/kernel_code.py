"""Code of a kernel: the calls on which a Windows loads its system drivers, as real x64 functions.

    KxStartSystemThread > PspSystemThreadStartup > Phase1Initialization > IoInitSystem
    > IopInitializeSystemDrivers > IopLoadDriver > KeBugCheckEx

A processor that runs it leaves a true stack behind; `last_calls` holds the one that an emulator left. Names and
offsets of the calls are those of the stack that Microsoft's article on stop 0x5A came from; the code is our own.
The thread gets a block (rcx): pointers to the names of a driver and of its file, and the status of loading it.
IopLoadDriver calls KeBugCheckEx from a part that is split off, far behind all else, as compilers do with what
hardly ever runs.

Source: Microsoft, "x64 exception handling", "x64 prolog and epilog"; Intel's manuals for the instructions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

TEXT = 0x1000
"""RVA of the first byte of `KernelCode.text`."""
PAGE = 0x1000
STUB = b"\x33\xc0\xc3"
"""A whole function that returns 0, STATUS_SUCCESS: what the kernel's other exports lead to."""
BUG_CHECK, FIRST = "KeBugCheckEx", "KxStartSystemThread"

_RCX, _RBX, _RSP, _RBP, _RSI, _RDI, _R12, _R14 = 1, 3, 4, 5, 6, 7, 12, 14
_PUSHED, _ALLOCATED_MORE, _ALLOCATED, _FRAME_SET, _SAVED = 0, 1, 2, 3, 4
_CHAINED = 4
_CALL = b"\xe8" + bytes(4)
_NO_OPERATION = b"\x90"

_STOPPED = (
    b"\x48\x89\x4c\x24\x08\x48\x89\x54\x24\x10\x4c\x89\x44\x24\x18\x4c\x89\x4c\x24\x20"  # keeps its four arguments
    b"\xf4\xeb\xfd"  # halts the processor, for good
)
_IF_NOT_LOADED = b"\x8b\x47\x10\x85\xc0\x0f\x88"
"""mov eax, [rdi+10h]; test eax, eax; js ..."""
_STOPS = (
    b"\x4c\x8b\x4f\x08"  # mov r9, [rdi+8]: the file's name
    b"\x4c\x8b\x07"  # mov r8, [rdi]: the driver's name
    b"\x48\x63\x47\x10"  # movsxd rax, [rdi+10h]: the status
    b"\x48\x89\x44\x24\x20"  # mov [rsp+20h], rax
    b"\xba\x01\0\0\0"  # mov edx, 1
    b"\xb9\x5a\0\0\0"  # mov ecx, 5Ah CRITICAL_SERVICE_FAILED
)


@dataclass(frozen=True, slots=True)
class Function:
    """A row of .pdata to be: RVAs of its code, and how its prologue is undone."""

    begin: int
    end: int
    unwind: bytes
    part_of: str = ""
    """The function that it was split off from."""


@dataclass(frozen=True, slots=True)
class KernelCode:
    text: bytes
    paged_at: int
    """RVA of the page in which `paged` begins."""
    paged: bytes
    functions: dict[str, Function]
    """In order of their addresses, as .pdata must be."""
    entries: dict[str, int]
    """RVA by name."""


@dataclass(frozen=True, slots=True)
class _Routine:
    name: str
    pushed: tuple[int, ...]
    room: int
    """Bytes of its frame, below the registers it pushed."""
    keeps: int
    """The register that holds the block over its call."""
    calls: str
    back: int
    """Where its call returns to, from its start."""
    frame: int = 0
    """Offset in its frame at which its frame pointer (rbp) stands; 0: it has none."""
    saved: tuple[tuple[int, int], ...] = ()
    """Registers it stores in its frame: number, offset."""


_CALLERS = (
    _Routine(FIRST, (_RBX,), 0x20, _RBX, "PspSystemThreadStartup", 0x16),
    _Routine("PspSystemThreadStartup", (_RBX, _RSI), 0x28, _RSI, "Phase1Initialization", 0x41),
    _Routine("Phase1Initialization", (_RBX, _RBP, _R14), 0x90, _R14, "IoInitSystem", 0x3C),
    _Routine("IoInitSystem", (), 0x38, _RBX, "IopInitializeSystemDrivers", 0x16, saved=((_RBX, 0x30),)),
    _Routine("IopInitializeSystemDrivers", (_RBP, _RBX, _RDI, _R12), 0x88, _RDI, "IopLoadDriver", 0x137, frame=0x40),
)
_LOADER = _Routine("IopLoadDriver", (_RBX, _RBP, _RSI, _RDI), 0x78, _RDI, BUG_CHECK, 0x19F8E6)


@cache
def kernel_code() -> KernelCode:
    """Always the same bytes."""
    text = bytearray(STUB)
    functions: dict[str, Function] = {}
    entries: dict[str, int] = {}
    for routine in (*_CALLERS, _LOADER):
        text += bytes(-len(text) % 16)
        begin = entries[routine.name] = TEXT + len(text)
        prologue, unwind = _prologue(routine)
        text += prologue + (
            _before_call(routine, len(prologue)) + _CALL if routine is not _LOADER else _decision(len(prologue))
        )
        text += _epilogue(routine)
        functions[routine.name] = Function(begin, TEXT + len(text), unwind)
    text += bytes(-len(text) % 16)
    entries[BUG_CHECK] = TEXT + len(text)
    text += _STOPPED
    for routine in _CALLERS:
        _aim(text, TEXT, entries[routine.name] + routine.back, entries[routine.calls])
    back = entries[_LOADER.name] + _LOADER.back
    begin = back - len(_STOPS) - len(_CALL)
    paged_at = begin - begin % PAGE
    paged = bytearray(bytes(begin - paged_at) + _STOPS + _CALL + b"\xcc")
    _aim(paged, paged_at, back, entries[BUG_CHECK])
    chained = struct.pack("<BBBB", 1 | _CHAINED << 3, 0, 0, 0)
    functions[f"{_LOADER.name} (split off)"] = Function(begin, paged_at + len(paged), chained, _LOADER.name)
    return KernelCode(bytes(text), paged_at, bytes(paged), functions, entries)


def _aim(code: bytearray, rva: int, back: int, target: int) -> None:
    """Makes the call that returns to `back` one of `target`."""
    struct.pack_into("<i", code, back - rva - 4, target - back)


def _prologue(routine: _Routine) -> tuple[bytes, bytes]:
    """Its first instructions, and the UNWIND_INFO that tells of them, the last one first."""
    code = bytearray()
    told: list[bytes] = []
    for register in routine.pushed:
        code += (b"\x41" if register >= 8 else b"") + bytes([0x50 | register & 7])
        told.append(_unwind_code(len(code), _PUSHED, register))
    if routine.room < 0x80:
        code += b"\x48\x83\xec" + bytes([routine.room])
        told.append(_unwind_code(len(code), _ALLOCATED, routine.room // 8 - 1))
    else:
        code += b"\x48\x81\xec" + struct.pack("<I", routine.room)
        told.append(_unwind_code(len(code), _ALLOCATED_MORE, 0, routine.room // 8))
    if routine.frame:
        code += b"\x48\x8d\x6c\x24" + bytes([routine.frame])
        told.append(_unwind_code(len(code), _FRAME_SET, 0))
    for register, offset in routine.saved:
        code += b"\x48\x89" + bytes([0x44 | register << 3, 0x24, offset])
        told.append(_unwind_code(len(code), _SAVED, register, offset // 8))
    slots = b"".join(reversed(told))
    head = struct.pack(
        "<BBBB", 1, len(code), len(slots) // 2, routine.frame // 16 << 4 | (_RBP if routine.frame else 0)
    )
    return bytes(code), head + slots + bytes(len(slots) % 4)


def _unwind_code(after: int, what: int, info: int, *more: int) -> bytes:
    return struct.pack(f"<BB{len(more)}H", after, info << 4 | what, *more)


def _epilogue(routine: _Routine) -> bytes:
    """Undoes the prologue and returns."""
    code = b"".join(b"\x48\x8b" + bytes([0x44 | one << 3, 0x24, offset]) for one, offset in routine.saved)
    if routine.room < 0x80:
        code += b"\x48\x83\xc4" + bytes([routine.room])
    else:
        code += b"\x48\x81\xc4" + struct.pack("<I", routine.room)
    for register in reversed(routine.pushed):
        code += (b"\x41" if register >= 8 else b"") + bytes([0x58 | register & 7])
    return code + b"\xc3"


def _before_call(routine: _Routine, done: int) -> bytes:
    """Keeps the block, uses the other registers it has saved, and hands the block on, just in time for its call."""
    keep, give = _move(routine.keeps, _RCX), _move(_RCX, routine.keeps)
    used = b"".join(
        _numbers(one for one in routine.pushed if one != routine.keeps and not (one == _RBP and routine.frame))
    )
    idle = routine.back - done - len(keep) - len(used) - len(give) - len(_CALL)
    return keep + used + _NO_OPERATION * idle + give


def _numbers(registers: Iterable[int]) -> Iterable[bytes]:
    """mov r32, a number of its own."""
    for register in registers:
        yield (b"\x41" if register >= 8 else b"") + bytes([0xB8 | register & 7]) + struct.pack("<I", 0x1000 + register)


def _move(target: int, source: int) -> bytes:
    """mov r64, r64"""
    return bytes([0x48 | (source >> 3) << 2 | target >> 3, 0x89, 0xC0 | (source & 7) << 3 | target & 7])


def _decision(done: int) -> bytes:
    """IopLoadDriver: goes to the part that stops the machine where the driver was not loaded."""
    code = _move(_LOADER.keeps, _RCX) + _IF_NOT_LOADED
    part = _LOADER.back - len(_CALL) - len(_STOPS)
    return code + struct.pack("<i", part - (done + len(code) + 4))
