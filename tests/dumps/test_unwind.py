"""One step up the stack: against an emulator's own calls at every instruction, and against llvm-readobj's tables.

BOOTMEND_UNWIND_FUNCTIONS sets how many functions of each image are run (a long campaign: 2000).
"""

from __future__ import annotations

import os
import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from driver_wheels import WINDIVERT, wheel_file
from dumps.emulated import SAVED, Call, Emulator, functions

from bootmend.dumps import unwind
from bootmend.dumps.code import FileCode
from bootmend.dumps.unwind import State, Stuck, UnwindInfo, find_function, primary, step
from bootmend.formats.pe import Pe

FUNCTIONS = int(os.environ.get("BOOTMEND_UNWIND_FUNCTIONS", "25"))
RUNTIME = "msvc_runtime==14.44.35112"
IMAGES = [WINDIVERT, (RUNTIME, "data/concrt140.dll"), (RUNTIME, "data/vcomp140.dll"), (RUNTIME, "data/msvcp140.dll")]
"""A driver and Microsoft's own libraries, all by Microsoft's compiler; the first and third have chained functions."""
MOST_LOOKS = 3
"""At one instruction, from different callers."""
REGISTERS = ("RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI", *(f"R{number}" for number in range(8, 16)))


@pytest.mark.parametrize(("wheel", "name"), IMAGES)
def test_every_frame_at_every_instruction(wheel: str, name: str) -> None:
    pe = Pe.parse(wheel_file(wheel, name), name)
    code = FileCode(pe)
    seen: dict[int, int] = {}
    frames = 0

    def look(state: State, calls: list[Call]) -> None:
        nonlocal frames
        if seen.get(state.rip, 0) >= MOST_LOOKS:
            return
        seen[state.rip] = seen.get(state.rip, 0) + 1
        now = state
        for call in reversed(calls):
            within = now.rip in emulator.image
            above = step(code if within else None, emulator.base, now, emulator.load)
            where = f"{now.rip - emulator.base:#x} below {state.rip - emulator.base:#x}"
            assert (above.rip, above.rsp) == (call.back, call.rsp), where
            assert tuple(above.registers[one] for one in SAVED) == call.saved, where
            frames += 1
            now = above

    emulator = Emulator(pe, look)
    dice = random.Random(name)
    starts = [row.begin for row in functions(code) if primary(code, row).begin == row.begin]
    for start in dice.sample(starts, min(FUNCTIONS, len(starts))):
        emulator.run(start, dice, 2000)
    assert len(seen) > 3 * min(FUNCTIONS, len(starts))
    assert frames > len(seen)


def described(info: UnwindInfo) -> list[str]:
    """Codes in llvm-readobj's words."""
    told = []
    for offset, operation, small, large in info.codes():
        words = {
            unwind.PUSH: f"PUSH_NONVOL reg={REGISTERS[small]}",
            unwind.ALLOC_SMALL: f"ALLOC_SMALL size={small * 8 + 8}",
            unwind.ALLOC_LARGE: f"ALLOC_LARGE size={large if small else large * 8}",
            unwind.SET_FRAME: f"SET_FPREG reg={REGISTERS[info.frame]}, offset=0x{info.frame_offset:X}",
            unwind.SAVE: f"SAVE_NONVOL reg={REGISTERS[small]}, offset=0x{large * 8:X}",
            8: f"SAVE_XMM128 reg=XMM{small}, offset=0x{large * 16:X}",
            unwind.MACHINE_FRAME: f"PUSH_MACHFRAME errcode={'yes' if small else 'no'}",
        }
        told.append(f"0x{offset:02X}: {words[operation]}")
    return told


@pytest.mark.parametrize("name", ["data/concrt140.dll", "data/msvcp140.dll", "data/msvcp140_2.dll"])
def test_tables_as_another_reader_reads_them(name: str, tmp_path: Path) -> None:
    tool = shutil.which("llvm-readobj") or pytest.skip("llvm-readobj is not installed")
    data = wheel_file(RUNTIME, name)
    path = tmp_path / "image.dll"
    path.write_bytes(data)
    done = subprocess.run([tool, "--unwind", path], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this llvm-readobj does not survive the image")
    theirs = re.split(r"\n  RuntimeFunction \{", done.stdout)[1:]
    code = FileCode(Pe.parse(data, name))
    ours = functions(code)
    assert len(theirs) == len(ours) > 100
    for told, row in zip(theirs, ours, strict=True):
        begin, end, at = (
            int(re.findall(rf"{w}\w*: .*\(0x([0-9A-F]+)\)", told)[0], 16) for w in ("Start", "End", "Unwind")
        )
        base = begin - row.begin
        assert (end - base, at - base) == (row.end, row.unwind)
        info = UnwindInfo(code, row.unwind)
        assert f"Version: {info.version}" in told
        assert f"PrologSize: {info.prologue}\n" in told
        assert f"Flags [ (0x{info.flags:X})" in told
        assert re.findall(r"^ +(0x[0-9A-F]{2}: .*)$", told, re.MULTILINE) == described(info)
        assert find_function(code, row.begin) == find_function(code, row.end - 1) == row


class Made:
    """An image of one function at 0x1000: its bytes, its unwind information at 0x2000, .pdata at 0x3000."""

    def __init__(self, info: bytes, text: bytes = b"\x90" * 64, end: int = 0x1040) -> None:
        self.data = bytearray(0x4000)
        self.data[0x1000 : 0x1000 + len(text)] = text
        self.data[0x2000 : 0x2000 + len(info)] = info
        self.data[0x3000:0x300C] = struct.pack("<III", 0x1000, end, 0x2000)
        self.pdata = (0x3000, 12)

    def read(self, rva: int, length: int) -> bytes | None:
        return bytes(self.data[rva : rva + length]) if rva >= 0 and rva + length <= len(self.data) else None


def stack(**words: int) -> dict[int, int]:
    return {int(name[1:], 16): value for name, value in words.items()}


def state(rip: int, rsp: int = 0x8000, rbp: int = 0) -> State:
    registers = [0] * 16
    registers[4], registers[5] = rsp, rbp
    return State(rip, tuple(registers))


def info(*codes: int, version: int = 1, flags: int = 0, prologue: int = 8, frame: int = 0) -> bytes:
    head = bytes((version | flags << 3, prologue, len(codes), frame))
    return head + struct.pack(f"<{len(codes)}H", *codes)


def test_an_interrupt_frame_with_and_without_error_code() -> None:
    words = stack(x8000=0xE, x8008=0x7777, x8010=0x10, x8018=0x246, x8020=0x9000, x8028=0x18)
    with_code = step(Made(info(0x1A00)), 0, state(0x1010), words.get)
    assert (with_code.rip, with_code.rsp) == (0x7777, 0x9000)
    words = stack(x8000=0x7777, x8008=0x10, x8010=0x246, x8018=0x9000, x8020=0x18)
    without = step(Made(info(0x0A00)), 0, state(0x1010), words.get)
    assert (without.rip, without.rsp) == (0x7777, 0x9000)


@pytest.mark.parametrize(
    ("codes", "size"),
    [((0x0104, 0x20), 0x100), ((0x1104, 0x4321, 0x8), 0x84321), ((0x7204,), 64)],
)
def test_room_on_the_stack(codes: tuple[int, ...], size: int) -> None:
    above = step(Made(info(*codes)), 0, state(0x1010), {0x8000 + size: 0x7777}.get)
    assert (above.rip, above.rsp) == (0x7777, 0x8000 + size + 8)


def test_in_the_prologue_only_what_was_done_is_undone() -> None:
    """push rbx (1 byte), sub rsp 0x20 (up to byte 5)."""
    code = Made(info(0x3205, 0x3001, prologue=5))
    assert step(code, 0, state(0x1000), {0x8000: 1}.get).rsp == 0x8008
    assert step(code, 0, state(0x1001), {0x8000: 1, 0x8008: 2}.get).registers[3] == 1
    done = step(code, 0, state(0x1005), {0x8020: 1, 0x8028: 2}.get)
    assert (done.rip, done.rsp, done.registers[3]) == (2, 0x8030, 1)


def test_far_saves_and_a_frame_register() -> None:
    """rbp = rsp + 0x20 at its time; the stack grew since; rsi far away from the frame."""
    code = Made(info(0x6508, 0x0040, 0x0001, 0x0305, 0x5001, frame=0x25, prologue=8))
    words = {0x8000 + 0x10040: 0x5151, 0x8000: 0xB0B, 0x8008: 0x7777}
    above = step(code, 0, state(0x1010, rsp=0x4000, rbp=0x8020), words.get)
    assert (above.rip, above.rsp) == (0x7777, 0x8010)
    assert (above.registers[6], above.registers[5]) == (0x5151, 0xB0B)


def test_epilogue_codes_of_version_2_are_skipped() -> None:
    above = step(Made(info(0x1604, 0x0600, 0x3004, version=2)), 0, state(0x1010), {0x8000: 1, 0x8008: 2}.get)
    assert (above.rip, above.registers[3]) == (2, 1)


@pytest.mark.parametrize(
    ("units", "known"), [((0x1602, 0x0600), False), ((0x1602, 0x0632), True), ((0x0602, 0x0632), True)]
)
def test_an_early_return_inside_a_long_prologue(units: tuple[int, ...], known: bool) -> None:
    """pop rbx; ret at 0x100e, 0x32 before the end, in a prologue of 0x30; one more at the end by bit 0."""
    code = Made(info(*units, 0x3201, 0x3001, version=2, prologue=0x30), b"\x90" * 0xE + b"\x5b\xc3")
    above = step(code, 0, state(0x100E), {0x8000: 1, 0x8008: 2, 0x8020: 3, 0x8028: 4}.get)
    assert (above.rip, above.rsp, above.registers[3]) == ((2, 0x8010, 1) if known else (4, 0x8030, 3))


@pytest.mark.parametrize(
    ("text", "words", "left"),
    [
        (b"\x48\x83\xc4\x20\x5b\xc3", {0x8020: 1, 0x8028: 2}, 0x8030),
        (b"\x48\x81\xc4\x00\x01\x00\x00\x41\x5c\xf3\xc3", {0x8100: 1, 0x8108: 2}, 0x8110),
        (b"\x5b\xe9\x00\x10\x00\x00", {0x8000: 1, 0x8008: 2}, 0x8010),  # a jump to another function
        (b"\x5b\x48\xff\xe0", {0x8000: 1, 0x8008: 2}, 0x8010),
        (b"\x5b\xff\x25\x00\x00\x00\x00", {0x8000: 1, 0x8008: 2}, 0x8010),
        (b"\xc3", {0x8000: 2}, 0x8008),
    ],
)
def test_an_epilogue_is_told_by_its_instructions(text: bytes, words: dict[int, int], left: int) -> None:
    code = Made(info(0xF208, 0x3001, prologue=8), b"\x90" * 0x10 + text)
    above = step(code, 0, state(0x1010), words.get)
    assert (above.rip, above.rsp) == (2, left)


@pytest.mark.parametrize("text", [b"\xeb\xfe", b"\x5b\xe9\x00\x00\x00\x00", b"\xff\xe0", b"\x48\x83\xc4\x20\x90"])
def test_what_only_looks_like_an_epilogue(text: bytes) -> None:
    """Jumps inside the function and through a table of cases."""
    code = Made(info(0xF208, 0x3001, prologue=8), b"\x90" * 0x10 + text)
    above = step(code, 0, state(0x1010), {0x8080: 1, 0x8088: 2}.get)
    assert (above.rip, above.rsp, above.registers[3]) == (2, 0x8090, 1)


def test_what_cannot_be_followed_says_why() -> None:
    looped = Made(info(flags=4) + struct.pack("<III", 0x1000, 0x1040, 0x2000))
    for code, says in (
        (looped, "without an end"),
        (Made(info(version=5)), "version 5"),
        (Made(info(0x0B00)), "nobody knows"),
        (Made(info(0x0404)), "nobody knows"),
    ):
        with pytest.raises(Stuck, match=says):
            step(code, 0, state(0x1010), {0x8000: 2}.get)
    with pytest.raises(Stuck, match="not in the dump"):
        step(Made(info(0x3001)), 0, state(0x1010), {0: 0}.get)
    indirect = Made(info())
    indirect.data[0x3008:0x300C] = struct.pack("<I", 0x3001)
    with pytest.raises(Stuck, match="without an end"):
        step(indirect, 0, state(0x1010), {0x8000: 2}.get)
