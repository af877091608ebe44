"""The lab's stack of a stopped kernel is what an emulator leaves behind; a dump of it is unwound as the calls were."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import pytest
from dumps.crashed import InMemory
from lab.last_calls import STATUS, Run, kernel, memory_before, run, told

from bootmend.dumps import open_dump
from bootmend.dumps.header import DumpType
from bootmend.dumps.modules import Module
from bootmend.dumps.stack import walk
from bootmend.formats.pe import Pe
from bootmend.lab import texts
from bootmend.lab.crashed_memory import CrashedMemory
from bootmend.lab.dump_maker import write_bitmap
from bootmend.lab.kernel_code import BUG_CHECK, kernel_code
from bootmend.lab.last_calls import STACK_SIZE, STACK_TOP, arguments, left_behind, put_stack, stopped_at


@pytest.fixture(scope="module")
def image() -> bytes:
    return kernel()


@pytest.fixture(scope="module")
def done(image: bytes) -> Run:
    return run(memory_before(image))


def test_the_words_kept_are_those_of_the_emulator(done: Run) -> None:
    assert texts.source("last_calls") == told(done)
    assert done.rip == stopped_at()
    registers, words = left_behind()
    assert registers == tuple(done.registers.values())
    assert words
    memory = CrashedMemory(memory_before(kernel()).crash)
    put_stack(memory)
    assert memory.read(STACK_TOP - STACK_SIZE, STACK_SIZE) == done.stack


def test_the_code_tells_the_stop(done: Run) -> None:
    told_to = tuple(done.registers[name] for name in ("rdx", "r8", "r9"))
    status = int.from_bytes(done.stack[STACK_SIZE - (STACK_TOP - done.registers["rsp"]) + 0x28 :][:8], "little")
    assert done.registers["rcx"] == 0x5A
    assert (*told_to, status) == arguments(STATUS)


@pytest.mark.parametrize("pages", [True, False])
def test_the_stack_is_unwound_as_the_calls_were(image: bytes, done: Run, pages: bool) -> None:
    """From the kernel's pages in the dump, or from its file."""
    memory = memory_before(image)
    registers = tuple(done.registers.values())
    memory.crash = replace(memory.crash, rip=done.rip, rsp=done.registers["rsp"], registers=registers)
    put_stack(memory)
    target = BytesIO()
    write_bitmap(target, memory, DumpType.BITMAP_KERNEL)
    asked: list[str] = []

    def find(module: Module) -> Pe | None:
        asked.append(module.file)
        return Pe.parse(image, module.path)

    dump = open_dump(InMemory(target.getvalue()), "MEMORY.DMP")
    stack = walk(dump) if pages else walk(dump, find)
    assert asked == ([] if pages else ["ntoskrnl.exe"])
    assert [frame.address for frame in stack.frames] == [done.rip, *(back for back, _ in reversed(done.calls))]
    assert [frame.rsp for frame in stack.frames[1:]] == [rsp for _, rsp in reversed(done.calls)]
    assert stack.whole
    assert stack.frames[0].function == BUG_CHECK


def test_functions_follow_each_other() -> None:
    listed = list(kernel_code().functions.values())
    assert all(one.begin < one.end <= other.begin for one, other in pairwise(listed))
