"""Page tables grown by chance, against those who know: the emulated processor's own memory management unit.

On x86 the processor loads a word from every address, and each page holds where it stands; on arm64 it is asked for
the address itself (AT S1E1R), of its upper half (TTBR1), as wide as Windows has it and one bit wider.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Any

import pytest
from dumps.machines import PAGE, Tables
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmend.dumps.memory import PagedMemory
from bootmend.dumps.paging_arm64 import Arm64Memory
from bootmend.dumps.paging_x86 import X86Memory
from bootmend.dumps.reader import Reader

FRAMES = 0x2000
CODE = 0x7000
LOAD = b"\x8b\x03"
"""mov eax, [ebx]"""
HIGH = 0x5_0000_0000
"""Above what 32 bits reach."""
KERNEL = 0xFFFF_8000_0000_0000
LARGE = {"x86": (22,), "pae": (21,), "arm64": (21, 30)}
MARKS = {
    "x86": ((1, 3, 0x67, 0x183, 0), (0x83, 0xE3, 0x1E7)),
    "pae": ((1, 3, 0x67, 0x183, 0), (0x83, 0xE3, 0x1E7)),
    "arm64": ((0x703, 0x783, 0x40000000000703, 0x701, 0), (0x701, 0x60000000000781)),
}
"""Bits of entries: of pages, the last of them not there (on arm64 the last two), and of large pages."""
_ENABLE = bytes.fromhex("02a218d5 432018d5 042018d5 252018d5 061018d5 df3f03d5")
"""msr mair_el1, x2; msr tcr_el1, x3; msr ttbr0_el1, x4; msr ttbr1_el1, x5; msr sctlr_el1, x6; isb"""
_ASK = bytes.fromhex("017808d5 df3f03d5 007438d5")
"""at s1e1r, x1; isb; mrs x0, par_el1"""


class AllPages:
    """Every frame of a machine, one after the other."""

    frames = FRAMES

    def offset_of(self, frame: int) -> int | None:
        return frame * PAGE if frame < FRAMES else None


class Physical:
    """The file of such a dump."""

    def __init__(self, tables: Tables) -> None:
        self.pages = tables.pages
        self.size = FRAMES * PAGE

    def read(self, offset: int, length: int) -> bytes:
        frame, within = divmod(offset, PAGE)
        return bytes(self.pages.get(frame, bytes(PAGE)))[within : within + length]


def memory_of(tables: Tables, root: int | None = None) -> PagedMemory:
    reader, root = Reader(Physical(tables), "memory"), tables.root if root is None else root
    if tables.kind == "arm64":
        return Arm64Memory(reader, AllPages(), root)
    memory = X86Memory(reader, AllPages(), root, 0, pae=tables.kind == "pae")
    memory.pae = tables.kind == "pae"
    return memory


def grown(kind: str, dice: random.Random) -> tuple[Tables, list[int]]:
    """Tables with pages, large pages, entries by chance; addresses worth a look."""
    tables = Tables(kind, FRAMES)
    pages, larges = MARKS[kind]
    low, high = (KERNEL, 1 << 64) if kind == "arm64" else (1 << 23, 1 << 32)
    if kind != "arm64":
        tables.pages[tables.map(CODE)][: len(LOAD)] = LOAD
    looked = []
    for _ in range(40):
        address = dice.randrange(low, high) & -4
        frame, offset, width = tables.entry(address, 12)
        tables.put(frame, offset, dice.randrange(FRAMES) * PAGE | dice.choice(pages), width)
        looked += [address, address ^ 1 << dice.randrange(12, 32), address & -PAGE, address | PAGE - 4]
    for shift in LARGE[kind] * 6:
        address = dice.randrange(low, high) & -4
        frame, offset, width = tables.entry(address, shift)
        if int.from_bytes(tables.pages[frame][offset : offset + width], "little"):
            continue
        first = dice.randrange(0, FRAMES * PAGE, 1 << shift)
        if dice.random() < 0.5:
            # Above 4 GiB: plain tables have those bits elsewhere.
            first = 5 << 13 if kind == "x86" else HIGH
        tables.put(frame, offset, first | dice.choice(larges), width)
        looked += [address, (address & -1 << shift) + dice.randrange(1 << shift - 2) * 4]
    return tables, looked


def loader(tables: Tables) -> Callable[[int], int | None]:
    """What the 32-bit processor reads at a virtual address; None where it has a page fault."""
    unicorn = pytest.importorskip("unicorn", reason="the emulator is not installed")
    x86 = unicorn.x86_const
    machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_32)
    machine.mem_map(0, FRAMES * PAGE)
    machine.mem_write(0, struct.pack(f"<{FRAMES * PAGE // 4}I", *range(0, FRAMES * PAGE, 4)))
    _put_tables(machine, tables)
    machine.mem_map(HIGH, 4 << 20)
    machine.mem_write(HIGH, struct.pack("<1048576I", *range(0x8000_0000, 0x8040_0000, 4)))
    machine.ctl_set_tlb_mode(unicorn.UC_TLB_CPU)
    machine.reg_write(x86.UC_X86_REG_CR4, (1 << 5 if tables.kind == "pae" else 0) | 1 << 4)
    machine.reg_write(x86.UC_X86_REG_CR3, tables.root)
    machine.reg_write(x86.UC_X86_REG_CR0, machine.reg_read(x86.UC_X86_REG_CR0) | 1 << 31 | 1)
    faults: list[int] = []
    before = machine.context_save()

    def struck(_machine: object, number: int, _: object) -> None:
        faults.append(number)
        machine.emu_stop()

    machine.hook_add(unicorn.UC_HOOK_INTR, struck)

    def load(address: int) -> int | None:
        # A fault that nobody handled would make a double one of the next.
        machine.context_restore(before)
        faults.clear()
        machine.reg_write(x86.UC_X86_REG_EBX, address)
        machine.emu_start(CODE, CODE + len(LOAD), count=1)
        assert faults in ([], [14])
        return None if faults else int(machine.reg_read(x86.UC_X86_REG_EAX))

    return load


def _put_tables(machine: Any, tables: Tables) -> None:
    for frame, page in tables.pages.items():
        machine.mem_write(frame * PAGE, bytes(page))


@pytest.mark.parametrize("kind", ["x86", "pae"])
@pytest.mark.parametrize("seed", range(4))
def test_addresses_are_those_of_x86(kind: str, seed: int) -> None:
    tables, addresses = grown(kind, random.Random(f"{kind} {seed}"))
    load, memory = loader(tables), memory_of(tables)
    pages = faults = above = 0
    for address in addresses:
        ours, theirs = memory.translate(address), load(address)
        if ours is None:
            faults += 1
            assert theirs is None, hex(address)
        elif ours >= HIGH:
            above += 1
            assert theirs == ours - HIGH + 0x8000_0000, hex(address)
        elif ours // PAGE in tables.pages:
            assert theirs is not None, hex(address)  # a table, which the processor itself marks as accessed
        else:
            pages += 1
            assert theirs == ours, hex(address)
    assert pages > 20
    assert faults > 20
    assert above > 0


def asker(tables: Tables, unused: int) -> Callable[[int], int | None]:
    """The physical address that the arm64 processor has for a virtual one; `unused` bits at its top are all ones."""
    unicorn = pytest.importorskip("unicorn", reason="the emulator is not installed")
    arm = unicorn.arm64_const
    machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    machine.ctl_set_tlb_mode(unicorn.UC_TLB_CPU)
    machine.mem_map(0, FRAMES * PAGE)
    _put_tables(machine, tables)
    # The code, where it stands, behind a table of its own for the lower half: a block of 2 MiB in the last memory.
    code = FRAMES * PAGE - (2 << 20)
    own = [code + PAGE, code + 2 * PAGE, code + 3 * PAGE]
    for table, offset, value in (
        (own[0], 0, own[1] | 3),
        (own[1], 0, own[2] | 3),
        (own[2], code >> 21 << 3, code | 0x701),
    ):
        machine.mem_write(table + offset, struct.pack("<Q", value))
    machine.mem_write(code, _ENABLE + _ASK)
    # EL1 is of 64 bits: so say SCR_EL3 and HCR_EL2.
    machine.reg_write(arm.UC_ARM64_REG_CP_REG, (1, 1, 3, 6, 0, 1 << 10 | 1))
    machine.reg_write(arm.UC_ARM64_REG_CP_REG, (1, 1, 3, 4, 0, 1 << 31))
    control = 16 | unused << 16 | 2 << 30 | 5 << 32 | 3 << 12 | 3 << 28
    upper = tables.root + (0x800 if unused == 17 else 0)
    for number, value in ((2, 0xFF), (3, control), (4, own[0]), (5, upper), (6, 1)):
        machine.reg_write(getattr(arm, f"UC_ARM64_REG_X{number}"), value)
    machine.emu_start(code, code + len(_ENABLE))

    def ask(address: int) -> int | None:
        machine.reg_write(arm.UC_ARM64_REG_X1, address)
        start = code + len(_ENABLE)
        machine.emu_start(start, start + len(_ASK))
        told = int(machine.reg_read(arm.UC_ARM64_REG_X0))
        return None if told & 1 else told & 0xFFFF_FFFF_F000 | address & PAGE - 1

    return ask


@pytest.mark.parametrize("unused", [16, 17])
@pytest.mark.parametrize("seed", range(4))
def test_addresses_are_those_of_arm64(unused: int, seed: int) -> None:
    tables, addresses = grown("arm64", random.Random(f"arm64 {seed}"))
    ask, memory = asker(tables, unused), memory_of(tables)
    pages = faults = above = 0
    for address in addresses:
        ours = memory.translate(address)
        assert ours == ask(address), hex(address)
        faults += ours is None
        above += ours is not None and ours >= HIGH
        pages += ours is not None
    assert pages > 20
    assert faults > 20
    assert above > 0


@pytest.mark.parametrize("kind", ["x86", "pae", "arm64"])
def test_a_page_in_transition_is_read(kind: str) -> None:
    tables, address = Tables(kind, FRAMES), KERNEL if kind == "arm64" else 0x80000000
    frame = tables.map(address, marks=1 << 11)
    assert memory_of(tables).translate(address + 5) == frame * PAGE + 5
    tables.map(address + PAGE, marks=1 << 11 | 1 << 10)
    assert memory_of(tables).translate(address + PAGE) is None


@pytest.mark.parametrize("root", [0x800, 1, 0x0123_0000_0000_0000])
def test_a_root_with_more_than_an_address(root: int) -> None:
    """TTBR1 of Windows begins in the midst of the page; beside the address are an ASID and a bit of its own."""
    tables = Tables("arm64", FRAMES)
    frame = tables.map(KERNEL)
    assert memory_of(tables, tables.root | root).translate(KERNEL) == frame * PAGE


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["x86", "pae", "arm64"]),
    words=st.lists(st.integers(0, (1 << 64) - 1), min_size=1, max_size=64),
    root=st.integers(0, (1 << 64) - 1),
    address=st.integers(-1, 1 << 65),
)
def test_any_tables_give_an_address_or_none(kind: str, words: list[int], root: int, address: int) -> None:
    tables = Tables(kind, FRAMES)
    data = struct.pack(f"<{len(words)}Q", *words)
    tables.pages = {frame: bytearray((data * PAGE)[:PAGE]) for frame in range(8)}
    memory = memory_of(tables, root)
    found = memory.translate(address)
    assert found is None or (0 <= found < 1 << 52 and found % PAGE == address % PAGE)
    assert len(memory.frames) <= 4
