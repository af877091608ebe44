"""The stack of the processor that stopped, frame by frame, as far as images and memory are at hand.

Without the symbols of the kernel its functions have names here only where it exports them. Then the hash over modules
alone is the debugger's own; those with functions take a name for every frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bootmend.dumps.code import FindImage
from bootmend.dumps.dump import EXCEPTIONS, Dump
from bootmend.dumps.hashes import Frame, ThreadHashes, thread_hashes
from bootmend.dumps.header import AMD64
from bootmend.dumps.modules import Module, is_of_kernel
from bootmend.dumps.names import Names, Place, is_decorated, no_images
from bootmend.dumps.unwind import PROGRAM, State, Stuck, step
from bootmend.texts import say

MOST_FRAMES = 128
ONE_STACK = 0x12000
"""Bytes of the largest stack of a thread: who goes down by less is still on the same one."""
_GO_BETWEENS = ("ndis", "wdf01000")
"""Libraries through which drivers call and are called; public outputs blame who called them."""
_HOME = 4
"""Words above the return address that a function may keep its arguments in."""


@dataclass(frozen=True, slots=True)
class StackFrame:
    """Where a processor was, and where it goes back to; `function` is empty where it has no known name."""

    module: Module | None
    """None where no module is: behind a bad pointer, or in a program."""
    address: int
    rsp: int
    back: int
    words: tuple[int | None, ...]
    """The four words above the return address: often the function's arguments."""
    function: str = ""
    offset: int = 0
    """From the start of the function, or of the module where that is not known."""
    program: bool = False
    """Of a program that called the kernel: the debugger shows it, but does not count it."""

    @property
    def name(self) -> str:
        """As the debugger writes it."""
        if self.module is None:
            return f"0x{self.address >> 32:08x}`{self.address & 0xFFFFFFFF:08x}"
        inside = f"{self.module.name}!{self.function}" if self.function else self.module.name
        return f"{inside}+0x{self.offset:x}" if self.offset else inside

    @property
    def module_name(self) -> str:
        return self.module.name if self.module is not None else ""


@dataclass(frozen=True, slots=True)
class Stack:
    """From its top; `ended` says why it could not be followed to its bottom, empty where it was."""

    frames: tuple[StackFrame, ...] = ()
    ended: str = ""
    names: Names | None = field(default=None, compare=False, repr=False)
    """What named the frames, for whoever asks about more addresses."""

    @property
    def whole(self) -> bool:
        return bool(self._of_kernel) and not self.ended and all(one.module is not None for one in self._of_kernel)

    @property
    def _of_kernel(self) -> list[StackFrame]:
        return [one for one in self.frames if not one.program]

    def hashes(self) -> ThreadHashes | None:
        """Of the whole stack; those with functions count only where `named`."""
        if not self.whole:
            return None
        return thread_hashes([Frame(one.module_name, one.function, one.offset) for one in self._of_kernel])

    @property
    def named(self) -> bool:
        """Every function has the name that the debugger would give it: by symbols, or as its image exports it."""
        return self.whole and all(one.function and not is_decorated(one.function) for one in self._of_kernel)

    def first_driver(self) -> StackFrame | None:
        """The first frame that is in no part of the kernel; those that call for others count where nobody else is."""
        drivers = [one for one in self.frames if one.module is not None and not is_of_kernel(one.module)]
        own = (one for one in drivers if one.module_name.lower() not in _GO_BETWEENS)
        return next(own, drivers[0] if drivers else None)

    def place(self, address: int) -> Place | None:
        return self.names.at(address) if self.names is not None else None


def walk(dump: Dump, find_image: FindImage = no_images, names: Names | None = None) -> Stack:
    """The stack by the registers that the debugger would take: those of the exception, or the header's.

    `names` takes the place of `find_image` where functions are to be named by more than their images.
    """
    names = names or Names(dump, find_image)
    context = dump.fault_context if EXCEPTIONS.get(dump.code, (None, None))[1] is not None else dump.context
    if context is None or dump.header.machine != AMD64:
        followed = dump.header.machine == AMD64
        why = "the dump holds no registers" if followed else say("dumps.no_stack", machine=dump.header.platform)
        return Stack(ended=why, names=names)
    program = context.cs & PROGRAM == PROGRAM
    state = State(context.pc, tuple(context.registers[name] for name in _ORDER), interrupted=True, program=program)
    frames: list[StackFrame] = []
    seen: set[tuple[int, int]] = set()
    try:
        while (state.rip or (state.interrupted and state.rsp)) and len(frames) < MOST_FRAMES:
            module = dump.modules.at(state.rip)
            if state.program:
                frames.append(replace(_frame(dump, state, State(0, state.registers)), module=None, program=True))
                return Stack(tuple(frames), names=names)
            above = _step(dump, names, state, module)
            seen.add((state.rip, state.rsp))
            if above.rip and not _goes_on(state, above, seen):
                raise Stuck("the stack does not go up")
            frames.append(_frame(dump, state, above, names))
            state = above
    except Stuck as reason:
        here = dump.modules.at(state.rip)
        why = names.other_build(here) if here is not None else ""
        return Stack(tuple(frames), why or str(reason), names)
    return Stack(tuple(frames), "too many frames" if state.rip else "", names)


def _step(dump: Dump, names: Names, state: State, module: Module | None) -> State:
    """The caller's state. Raises Stuck."""
    if module is None:
        if not state.interrupted:
            raise Stuck(f"{state.rip:x} is in no module")
        # A call through a bad pointer: nothing ran there, and its return address is on top of the stack.
        return step(None, 0, state, dump.memory.u64)
    code = names.code(module)
    if code is None:
        raise Stuck(f"neither the file nor the pages of {module.file or module.name} are at hand")
    return step(code, module.base, state, dump.memory.u64)


def _goes_on(state: State, above: State, seen: set[tuple[int, int]]) -> bool:
    """Whether a stack leads anywhere: up, or to another one, which may lie below (interrupts, DPCs, double faults)."""
    down = state.rsp - above.rsp
    return (above.rip, above.rsp) not in seen and (above.interrupted or not 0 <= down < ONE_STACK)


def _frame(dump: Dump, state: State, above: State, names: Names | None = None) -> StackFrame:
    module = dump.modules.at(state.rip)
    place = names.place(module, state.rip) if names is not None and module is not None else Place("", 0)
    words = tuple(dump.memory.u64(above.rsp + 8 * at) for at in range(_HOME))
    return StackFrame(module, state.rip, state.rsp, above.rip, words, place.function, place.offset)


_ORDER = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{number}" for number in range(8, 16)))
