"""The stack of the processor that stopped, frame by frame, as far as images and memory are at hand.

A function of the kernel has a name here only where the kernel exports it; what Microsoft's debugger takes from the
kernel's symbols is not known. So the hash over modules alone is the debugger's own, the others mostly cannot be had.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.dumps.code import FileCode, FindImage, ImageCode, MemoryCode
from bootmend.dumps.dump import EXCEPTIONS, Dump
from bootmend.dumps.hashes import Frame, ThreadHashes, thread_hashes
from bootmend.dumps.header import AMD64
from bootmend.dumps.modules import Module
from bootmend.dumps.unwind import State, Stuck, find_function, primary, step

MOST_FRAMES = 128
_HOME = 4
"""Words above the return address that a function may keep its arguments in."""


@dataclass(frozen=True, slots=True)
class StackFrame:
    """Where a processor was, and where it goes back to; `function` is empty where it has no known name."""

    module: Module
    address: int
    rsp: int
    back: int
    words: tuple[int | None, ...]
    """The four words above the return address: often the function's arguments."""
    function: str = ""
    offset: int = 0
    """From the start of the function, or of the module where that is not known."""

    @property
    def name(self) -> str:
        """As the debugger writes it."""
        inside = f"{self.module.name}!{self.function}" if self.function else self.module.name
        return f"{inside}+0x{self.offset:x}" if self.offset else inside


@dataclass(frozen=True, slots=True)
class Stack:
    """From its top; `ended` says why it could not be followed to its bottom, empty where it was."""

    frames: tuple[StackFrame, ...] = ()
    ended: str = ""

    @property
    def whole(self) -> bool:
        return bool(self.frames) and not self.ended

    def hashes(self) -> ThreadHashes | None:
        """Of the whole stack; those with functions count only where `named`."""
        if not self.whole:
            return None
        return thread_hashes([Frame(one.module.name, one.function, one.offset) for one in self.frames])

    @property
    def named(self) -> bool:
        """Every function has the name that the debugger would give it: kernel exports, or a driver without symbols."""
        return self.whole and all(one.function for one in self.frames)

    def first_driver(self) -> StackFrame | None:
        """The first frame that is not in the kernel itself."""
        return next((one for one in self.frames if not one.module.kernel), None)


def no_images(_module: Module) -> None:
    """Where no disk is at hand: images are read from the pages of the dump alone."""
    return


def walk(dump: Dump, find_image: FindImage = no_images) -> Stack:
    """The stack by the registers that the debugger would take: those of the exception, or the header's."""
    context = dump.fault_context if EXCEPTIONS.get(dump.code, (None, None))[1] is not None else dump.context
    if context is None or dump.header.machine != AMD64:
        return Stack(ended="no registers of an x64 processor in the dump")
    state = State(context.rip, tuple(context.registers[name] for name in _ORDER))
    frames: list[StackFrame] = []
    codes: dict[int, ImageCode | None] = {}
    try:
        while state.rip and len(frames) < MOST_FRAMES:
            module = dump.modules.at(state.rip)
            if module is None:
                raise Stuck(f"{state.rip:x} is in no module")
            if module.base not in codes:
                codes[module.base] = _code(dump, module, find_image)
            code = codes[module.base]
            if code is None:
                raise Stuck(f"neither the file nor the pages of {module.file} are at hand, or it is another build")
            above = step(code, module.base, state, dump.memory.u64)
            if above.rsp <= state.rsp and above.rip:
                raise Stuck("the stack does not go up")
            frames.append(_frame(dump, module, code, state, above))
            state = above
    except Stuck as reason:
        return Stack(tuple(frames), str(reason))
    return Stack(tuple(frames), "too many frames" if state.rip else "")


_ORDER = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{number}" for number in range(8, 16)))


def _code(dump: Dump, module: Module, find_image: FindImage) -> ImageCode | None:
    pe = find_image(module)
    if pe is not None:
        return FileCode(pe)
    code = MemoryCode(dump.memory, module)
    return code if code.pdata[1] else None


def _frame(dump: Dump, module: Module, code: ImageCode, state: State, above: State) -> StackFrame:
    rva = state.rip - module.base
    function = find_function(code, rva)
    start = primary(code, function).begin if function is not None else rva
    name = code.name_at(start)
    words = tuple(dump.memory.u64(above.rsp + 8 * at) for at in range(_HOME))
    # A part that was split off may stand before its function: the debugger counts from the function all the same.
    offset = rva - start & 0xFFFFFFFF if name else rva
    return StackFrame(module, state.rip, state.rsp, above.rip, words, name, offset)
