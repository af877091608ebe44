"""The stack of the processor that stopped, frame by frame, as far as images and memory are at hand.

Without the symbols of the kernel its functions have names here only where it exports them. Then the hash over modules
alone is the debugger's own; those with functions take a name for every frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootmend.dumps.code import FindImage
from bootmend.dumps.dump import EXCEPTIONS, Dump
from bootmend.dumps.hashes import Frame, ThreadHashes, thread_hashes
from bootmend.dumps.header import AMD64
from bootmend.dumps.modules import Module
from bootmend.dumps.names import Names, Place, is_decorated, no_images
from bootmend.dumps.unwind import State, Stuck, step

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
    names: Names | None = field(default=None, compare=False, repr=False)
    """What named the frames, for whoever asks about more addresses."""

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
        """Every function has the name that the debugger would give it: by symbols, or as its image exports it."""
        return self.whole and all(one.function and not is_decorated(one.function) for one in self.frames)

    def first_driver(self) -> StackFrame | None:
        """The first frame that is not in the kernel itself."""
        return next((one for one in self.frames if not one.module.kernel), None)

    def place(self, address: int) -> Place | None:
        return self.names.at(address) if self.names is not None else None


def walk(dump: Dump, find_image: FindImage = no_images, names: Names | None = None) -> Stack:
    """The stack by the registers that the debugger would take: those of the exception, or the header's.

    `names` takes the place of `find_image` where functions are to be named by more than their images.
    """
    names = names or Names(dump, find_image)
    context = dump.fault_context if EXCEPTIONS.get(dump.code, (None, None))[1] is not None else dump.context
    if context is None or dump.header.machine != AMD64:
        return Stack(ended="no registers of an x64 processor in the dump", names=names)
    state = State(context.rip, tuple(context.registers[name] for name in _ORDER))
    frames: list[StackFrame] = []
    try:
        while state.rip and len(frames) < MOST_FRAMES:
            module = dump.modules.at(state.rip)
            if module is None:
                raise Stuck(f"{state.rip:x} is in no module")
            code = names.code(module)
            if code is None:
                raise Stuck(f"neither the file nor the pages of {module.file} are at hand")
            above = step(code, module.base, state, dump.memory.u64)
            if above.rsp <= state.rsp and above.rip:
                raise Stuck("the stack does not go up")
            place = names.place(module, state.rip)
            words = tuple(dump.memory.u64(above.rsp + 8 * at) for at in range(_HOME))
            frames.append(StackFrame(module, state.rip, state.rsp, above.rip, words, place.function, place.offset))
            state = above
    except Stuck as reason:
        here = dump.modules.at(state.rip)
        why = names.other_build(here) if here is not None else ""
        return Stack(tuple(frames), why or str(reason), names)
    return Stack(tuple(frames), "too many frames" if state.rip else "", names)


_ORDER = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{number}" for number in range(8, 16)))
