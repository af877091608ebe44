"""Stacks of dumps: made by running a real driver in an emulator, whose own calls are the truth."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from driver_wheels import WINDIVERT, wheel_file
from dumps.crashed import ARTICLE, InMemory, made, opened
from dumps.emulated import END, STACK, STACK_SIZE, Call, Emulator, functions

from bootmend.dumps import open_dump
from bootmend.dumps.code import FileCode, MemoryCode, fits
from bootmend.dumps.fields import analyze_fields
from bootmend.dumps.hashes import Frame, thread_hashes
from bootmend.dumps.header import DumpType
from bootmend.dumps.modules import Module
from bootmend.dumps.stack import Stack, StackFrame, walk
from bootmend.dumps.unwind import State, primary
from bootmend.dumps.verdict import judge
from bootmend.formats.pe import Pe
from bootmend.lab.crashed_memory import Crash, CrashedMemory, CrashedModule

DRIVER = "\\SystemRoot\\System32\\drivers\\WinDivert64.sys"
DEPTH = 3


def deep(pe: Pe) -> tuple[Emulator, State, list[Call], bytes]:
    """A moment at which so many calls of the driver are open, and the stack as it is then."""
    caught: list[tuple[State, list[Call], bytes]] = []

    def look(state: State, calls: list[Call]) -> None:
        if len(calls) >= DEPTH and not caught:
            caught.append((state, list(calls), bytes(emulator.machine.mem_read(STACK, STACK_SIZE))))

    emulator = Emulator(pe, look)
    code, dice = FileCode(pe), random.Random(7)
    for row in functions(code):
        if primary(code, row) != row:
            continue  # a part of a function is never called
        emulator.run(row.begin, dice, 2000)
        if caught:
            return emulator, *caught[0]
    pytest.fail("no function of the driver calls deep enough")


def crashed(pe: Pe, emulator: Emulator, state: State, stack: bytes, *, pages: bool) -> CrashedMemory:
    """The machine at that moment: the driver where the emulator had it, its stack, with or without its pages."""
    module = CrashedModule(DRIVER, emulator.base, pe.size_of_image, pe.timestamp)
    crash = replace(
        ARTICLE, modules=(*ARTICLE.modules, module), rip=state.rip, rsp=state.rsp, registers=state.registers
    )
    memory = CrashedMemory(crash, frames=0x1000)
    low = state.rsp & ~0xFFF
    memory.write(low, stack[low - STACK :])
    if pages:
        memory.write(emulator.base, emulator.start)
    return memory


@pytest.mark.parametrize("pages", [True, False])
@pytest.mark.parametrize("kind", [DumpType.FULL, DumpType.BITMAP_KERNEL])
def test_every_frame_of_a_driver(kind: DumpType, pages: bool) -> None:
    """From the pages in the dump, or from the driver's file."""
    pe = Pe.parse(wheel_file(*WINDIVERT), "WinDivert64.sys")
    emulator, state, calls, words = deep(pe)
    dump = open_dump(InMemory(made(crashed(pe, emulator, state, words, pages=pages), kind)), "stack.dmp")
    asked: list[Module] = []

    def find(module: Module) -> Pe | None:
        asked.append(module)
        return pe if fits(pe, module) else None

    stack = walk(dump) if pages else walk(dump, find)
    truth = [state.rip, *(call.back for call in reversed(calls))]
    assert truth[-1] == END
    assert [frame.address for frame in stack.frames] == truth[:-1]
    assert [frame.back for frame in stack.frames] == truth[1:]
    assert [frame.rsp for frame in stack.frames[1:]] == [call.rsp for call in reversed(calls)][:-1]
    assert {frame.module.name if frame.module else "" for frame in stack.frames} == {"WinDivert64"}
    assert "in no module" in stack.ended  # the emulator's own end of the stack is in none
    assert [module.file for module in asked] == ([] if pages else ["WinDivert64.sys"])
    told = str(analyze_fields(dump, judge(dump, stack), stack)["STACK_TEXT"]).splitlines()
    assert len(told) == len(stack.frames)
    assert told[0].endswith(f": WinDivert64+0x{state.rip - emulator.base:x}")


def test_without_image_and_pages_the_stack_says_why() -> None:
    pe = Pe.parse(wheel_file(*WINDIVERT), "WinDivert64.sys")
    emulator, state, _, words = deep(pe)
    dump = open_dump(InMemory(made(crashed(pe, emulator, state, words, pages=False), DumpType.FULL)), "stack.dmp")
    stack = walk(dump)
    assert stack.frames == ()
    assert "WinDivert64.sys" in stack.ended
    assert analyze_fields(dump, judge(dump, stack), stack)["STACK_TEXT"] is None


def test_a_file_of_another_build_does_not_fit() -> None:
    pe = Pe.parse(wheel_file(*WINDIVERT), "WinDivert64.sys")
    module = Module(DRIVER, 0, pe.size_of_image, timestamp=pe.timestamp)
    assert fits(pe, module)
    assert not fits(pe, replace(module, timestamp=pe.timestamp + 1))
    assert not fits(pe, replace(module, size=pe.size_of_image + 0x1000))
    assert not fits(replace(pe, machine=0xAA64), module)
    # Where the dump lacks the page with the time stamp, the checksum decides, where that is known.
    stampless = replace(module, timestamp=None, checksum=pe.checksum)
    assert fits(pe, stampless)
    assert not fits(pe, replace(stampless, checksum=pe.checksum + 1))
    assert fits(pe, replace(stampless, checksum=None))


def test_names_by_exports() -> None:
    pe = Pe.parse(wheel_file("msvc_runtime==14.44.35112", "data/vcomp140.dll"), "vcomp140.dll")
    code = FileCode(pe)
    names = [name for rva in range(pe.sections[0].rva, pe.sections[0].rva + 0x20000) if (name := code.name_at(rva))]
    assert len(names) > 50
    assert set(names) <= set(pe.exports())
    assert code.name_at(1) == ""


def frame(module: str, function: str, *, kernel: bool = False) -> StackFrame:
    return StackFrame(Module(module, 0, 0x1000, kernel=kernel), 0, 0, 0, (), function, 4)


def test_the_first_driver_below_the_kernel_is_blamed() -> None:
    dump = opened(Crash(code=0xD1, arguments=(0x1000, 2, 0, ARTICLE.modules[0].base + 0x1234)))
    stack = Stack((frame("ntoskrnl.exe", "", kernel=True), frame("a.sys", ""), frame("b.sys", "")))
    found = judge(dump, stack)
    assert (found.image, found.bucket, found.verified) == ("a.sys", "AV_a!unknown_function", False)
    assert judge(dump, Stack((frame("ntoskrnl.exe", "", kernel=True),))).module == "nt"


def test_hashes_of_a_stack() -> None:
    """Those with functions only where every function has a name, none of a stack that was not followed to its end."""
    named = Stack((frame("ntoskrnl.exe", "KeBugCheckEx", kernel=True), frame("a.sys", "f")))
    half = Stack((frame("ntoskrnl.exe", "", kernel=True), frame("a.sys", "f")))
    cut = replace(named, ended="why")
    dump = opened(ARTICLE)
    expected = thread_hashes([Frame("nt", "KeBugCheckEx", 4), Frame("a", "f", 4)])
    for stack, mod, func in ((named, True, True), (half, True, False), (cut, False, False)):
        fields = analyze_fields(dump, judge(dump, stack), stack)
        assert fields["THREAD_SHA1_HASH_MOD"] == (expected.mod if mod else None)
        assert fields["THREAD_SHA1_HASH_MOD_FUNC"] == (expected.mod_func if func else None)
        assert fields["THREAD_SHA1_HASH_MOD_FUNC_OFFSET"] == (expected.mod_func_offset if func else None)


def test_a_module_without_headers_in_memory() -> None:
    dump = opened(ARTICLE)
    assert MemoryCode(dump.memory, replace(dump.modules.loaded[0], base=0xFFFFF00000000000)).pdata == (0, 0)
    assert MemoryCode(dump.memory, dump.modules.loaded[0]).pdata == (0, 0)
