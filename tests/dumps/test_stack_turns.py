"""Stacks that do not just go up: interrupts, other stacks, calls through bad pointers, programs at their bottom.

The images are made here: no code, only the tables that unwinding reads.
"""

from __future__ import annotations

import struct

from dumps.crashed import InMemory, made

from bootmend.dumps import open_dump
from bootmend.dumps.dump import Dump
from bootmend.dumps.fields import analyze_fields
from bootmend.dumps.hashes import Frame, thread_hashes
from bootmend.dumps.header import DumpType
from bootmend.dumps.stack import Stack, walk
from bootmend.dumps.verdict import judge
from bootmend.lab.crashed_memory import Crash, CrashedMemory, CrashedModule
from bootmend.reports.dump import document, summary

NT, HAL, NDIS, DRIVER = (0xFFFFF80312000000 + at * 0x1000000 for at in range(4))
STACK, OTHER = 0xFFFFC70120008000, 0xFFFFC70110008000
"""The stack at the stop, and one far below it."""
CALL, INTERRUPT, SWITCH = 0x1010, 0x1110, 0x1210
"""RVAs inside of functions: with 0x28 bytes of locals; entered by an interrupt; with its caller's stack kept in rbp."""
BAD = 0xFFFFF80444440000
PROGRAM = 0x7FFAF3CDA634
NAMES = {NT: "ntoskrnl.exe", HAL: "hal.dll", NDIS: "ndis.sys", DRIVER: "mydrv.sys"}


def image() -> bytes:
    """Headers, .pdata of three functions at 0x2000, their unwind information at 0x2100."""
    data = bytearray(0x3000)
    data[:2], data[0x3C:0x40] = b"MZ", struct.pack("<I", 0x40)
    data[0x40:0x58] = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0x59BEC4B8, 0, 0, 0xF0, 0x22)
    data[0x58:0x5A] = b"\x0b\x02"
    struct.pack_into("<II", data, 0x58 + 112 + 3 * 8, 0x2000, 36)
    rows = (0x1000, 0x1100, 0x2100), (0x1100, 0x1200, 0x2110), (0x1200, 0x1300, 0x2120)
    data[0x2000:0x2024] = b"".join(struct.pack("<III", *row) for row in rows)
    data[0x2100:0x2106] = bytes((1, 4, 1, 0, 4, 0x42))  # sub rsp, 28h
    data[0x2110:0x2116] = bytes((1, 0, 1, 0, 0, 0x0A))  # a machine frame
    data[0x2120:0x2128] = bytes((1, 5, 2, 5, 5, 0x03, 1, 0x50))  # push rbp; mov rbp, rsp
    return bytes(data)


def crashed(rip: int, words: dict[int, int], *, rbp: int = 0, code: int = 0xD1, struck: int = NT + CALL) -> Dump:
    """A machine that stopped at `rip`, with these words on its stacks."""
    folder = "\\SystemRoot\\system32\\"
    crash = Crash(
        code=code,
        arguments=(0x1000, 2, 0, struck),
        modules=tuple(CrashedModule(folder + name, base, 0x3000) for base, name in NAMES.items()),
        rip=rip,
        rsp=STACK,
        registers=(0, 0, 0, 0, STACK, rbp, *range(10)),
    )
    memory = CrashedMemory(crash, frames=0x1000)
    for base in NAMES:
        memory.write(base, image())
    for start in (STACK, OTHER):
        memory.write(start - 0x1000, bytes(0x2000))
    for at, word in words.items():
        memory.write(at, word.to_bytes(8, "little"))
    return open_dump(InMemory(made(memory, DumpType.BITMAP_KERNEL)), "turns.dmp")


def interrupted(at: int, rip: int, rsp: int, cs: int = 0x10) -> dict[int, int]:
    """A machine frame: rip, cs, flags, rsp, ss."""
    return dict(zip(range(at, at + 40, 8), (rip, cs, 0x246, rsp, 0x18), strict=True))


def names(stack: Stack) -> list[str]:
    return [frame.name for frame in stack.frames]


def test_an_interrupt_on_a_stack_of_its_own() -> None:
    """As double faults, machine checks and interrupts do: what was interrupted ran on a stack that lies below."""
    words = {STACK + 0x28: NT + INTERRUPT, **interrupted(STACK + 0x30, DRIVER + CALL, OTHER), OTHER + 0x28: 0}
    dump = crashed(NT + CALL, words)
    stack = walk(dump)
    assert names(stack) == ["nt+0x1010", "nt+0x1110", "mydrv+0x1010"]
    assert stack.whole
    assert stack.frames[2].rsp == OTHER
    found = judge(dump, stack)
    assert (found.image, found.verified) == ("mydrv.sys", False)


def test_a_deferred_call_on_a_stack_of_its_own() -> None:
    """KxRetireDpcList keeps the stack of the thread in rbp; that stack lies below the one for deferred calls."""
    words = {STACK + 0x28: NT + SWITCH, OTHER: 0x1234, OTHER + 8: DRIVER + CALL, OTHER + 0x38: 0}
    stack = walk(crashed(NT + CALL, words, rbp=OTHER))
    assert names(stack) == ["nt+0x1010", "nt+0x1210", "mydrv+0x1010"]
    assert stack.whole


def test_a_stack_that_goes_round() -> None:
    """Two frames that lead to each other, over two stacks; and one that goes down on the same one."""
    round_trip = {
        STACK + 0x28: NT + INTERRUPT,
        **interrupted(STACK + 0x30, NT + INTERRUPT, OTHER),
        **interrupted(OTHER, NT + INTERRUPT, STACK + 0x30),
    }
    assert walk(crashed(NT + CALL, round_trip)).ended == "the stack does not go up"
    down = {STACK + 0x28: NT + SWITCH, STACK - 0x40: 0, STACK - 0x38: DRIVER + CALL}
    assert walk(crashed(NT + CALL, down, rbp=STACK - 0x40)).ended == "the stack does not go up"


def test_a_call_through_a_bad_pointer() -> None:
    """Nothing is there that could be unwound; the return address on top of the stack tells who called."""
    for bad in (0, BAD, 0x1234, PROGRAM):
        words = {
            STACK + 0x28: NT + INTERRUPT,
            **interrupted(STACK + 0x30, bad, STACK + 0x100),
            STACK + 0x100: DRIVER + CALL,
            STACK + 0x130: 0,
        }
        dump = crashed(NT + CALL, words, struck=bad)
        stack = walk(dump)
        assert names(stack) == ["nt+0x1010", "nt+0x1110", f"0x{bad >> 32:08x}`{bad & 0xFFFFFFFF:08x}", "mydrv+0x1010"]
        assert not stack.whole
        found = judge(dump, stack)
        assert (found.image, found.struck, found.address) == ("mydrv.sys", bad, DRIVER + CALL)
        told = " ".join(summary(dump, found))
        assert "bad pointer" in told
        assert "no proof" in told
        assert "It struck in mydrv" not in told


def test_the_exception_itself_at_a_bad_pointer() -> None:
    dump = crashed(0, {STACK: DRIVER + CALL, STACK + 0x30: 0}, struck=0)
    stack = walk(dump)
    assert names(stack) == ["0x00000000`00000000", "mydrv+0x1010"]
    assert judge(dump, stack).image == "mydrv.sys"


def test_a_return_address_in_no_module_is_not_guessed_on() -> None:
    stack = walk(crashed(NT + CALL, {STACK + 0x28: BAD, STACK + 0x30: DRIVER + CALL}))
    assert names(stack) == ["nt+0x1010"]
    assert "is in no module" in stack.ended


def test_a_program_at_the_bottom() -> None:
    """The debugger shows it, and leaves it out of its hashes: public outputs of 0x18 and 0x3B do so."""
    words = {STACK + 0x28: NT + INTERRUPT, **interrupted(STACK + 0x30, PROGRAM, 0x8FE078, 0x33)}
    dump = crashed(NT + CALL, words)
    stack = walk(dump)
    assert names(stack) == ["nt+0x1010", "nt+0x1110", "0x00007ffa`f3cda634"]
    assert stack.whole
    fields = analyze_fields(dump, judge(dump, stack), stack)
    assert fields["THREAD_SHA1_HASH_MOD"] == thread_hashes([Frame("nt"), Frame("nt")]).mod
    assert str(fields["STACK_TEXT"]).splitlines()[-1].endswith(" : 0x00007ffa`f3cda634")
    assert document(dump, judge(dump, stack), stack)["stack"][-1]["module"] is None


def test_libraries_of_drivers_are_not_blamed_for_their_callers() -> None:
    """In a public output of 0x50 the debugger goes past memcpy and NDIS, and blames who called them."""
    words = {STACK + 0x28: HAL + CALL, STACK + 0x58: NDIS + CALL, STACK + 0x88: DRIVER + CALL, STACK + 0xB8: 0}
    dump = crashed(NT + CALL, words)
    stack = walk(dump)
    assert names(stack) == ["nt+0x1010", "hal+0x1010", "ndis+0x1010", "mydrv+0x1010"]
    found = judge(dump, stack)
    assert found.image == "mydrv.sys"
    assert found.bucket == "AV_mydrv!unknown_function"
    fields = analyze_fields(dump, found, stack)
    assert (fields["FAULTING_IP"], fields["SYMBOL_NAME"]) == ("nt+1010", "mydrv+1010")
    told = " ".join(summary(dump, found))
    assert "struck in the kernel itself (nt+1010)" in told
    assert "first driver on the stack is mydrv.sys" in told
    alone = crashed(NT + CALL, words | {STACK + 0x88: 0})
    assert judge(alone, walk(alone)).image == "ndis.sys"
    nobody = crashed(NT + CALL, words | {STACK + 0x58: 0}, struck=HAL + CALL)
    assert judge(nobody, walk(nobody)).image == "hal.dll"


def test_codes_whose_arguments_name_nobody() -> None:
    """0xC2 and its kin: the first driver on the stack; 0x7B never blames one."""
    words = {STACK + 0x28: DRIVER + CALL, STACK + 0x58: 0}
    for code, image_name in ((0xC2, "mydrv.sys"), (0x133, "mydrv.sys"), (0x7B, ""), (0x124, "")):
        dump = crashed(NT + CALL, words, code=code)
        found = judge(dump, walk(dump))
        assert (found.image, found.verified) == (image_name, False)
        assert ("first driver on the stack" in " ".join(summary(dump, found))) is bool(image_name)
