"""Dumps of 32-bit x86 and of arm64: all that x64 tells but the stack.

They are made by our own reading of the public descriptions; of real ones none was at hand.
"""

from __future__ import annotations

import hashlib
import random
import uuid

import pytest
from dumps.crashed import InMemory
from dumps.machines import CHECKSUM, GONE, KINDS, LABS, MEGAHERTZ, MODULES, STAMP, Machine
from dumps.test_mini import mini, told
from dumps.test_mutations import broken, read_all

from bootmend.dumps import open_dump
from bootmend.dumps.dump import Dump
from bootmend.dumps.header import DumpType
from bootmend.dumps.paging_x86 import X86Memory
from bootmend.dumps.stack import walk
from bootmend.dumps.verdict import judge
from bootmend.reports.dump import document, module_lines, summary, text

PAGED = (DumpType.FULL, DumpType.KERNEL, DumpType.BITMAP_FULL, DumpType.BITMAP_KERNEL)
STRUCK = 0x800000 + 0x123
"""Where in the kernel's addresses: in the second module."""


def machine(kind: str, **more: int) -> Machine:
    base = 0xFFFFF80310000000 if kind == "arm64" else 0x82800000
    return Machine(kind, 0xD1, (base + 0x4000000, 2, 0, base + STRUCK), **more)


def opened(made: Machine, kind: DumpType = DumpType.BITMAP_KERNEL, *, pae_told: bool = True) -> Dump:
    return open_dump(InMemory(made.dump(kind, pae_told=pae_told)), "MEMORY.DMP")


@pytest.mark.parametrize("kind", PAGED)
@pytest.mark.parametrize("name", KINDS)
def test_everything_but_the_stack(name: str, kind: DumpType) -> None:
    made = machine(name)
    dump = opened(made, kind)
    assert dump.header.platform == ("arm64" if name == "arm64" else "x86")
    modules = [(one.path, one.base, one.size, one.checksum, one.timestamp) for one in dump.modules.loaded]
    assert modules == [
        (path, base, size, CHECKSUM, STAMP) for base, (path, size) in zip(made.bases, MODULES, strict=True)
    ]
    assert [(one.name, one.start, one.end) for one in dump.modules.unloaded] == [
        (GONE[0], made.gone, made.gone + GONE[1])
    ]
    assert dump.kdbg is not None
    assert dump.kdbg["KernBase"] == made.base
    assert dump.process == "smss.exe"
    assert dump.build_lab.encode() == LABS[made.width]
    one = dump.processor
    assert one is not None
    assert (one.megahertz, one.irql) == (MEGAHERTZ, None)
    kind_of = (one.vendor, one.family, one.model, one.stepping)
    assert kind_of == (("", None, None, None) if name == "arm64" else ("GenuineIntel", 6, 0x3D, 4))
    assert dump.context is not None
    assert (dump.context.pc, dump.context.sp) == (made.pc, made.sp)
    assert one.context == dump.context
    verdict = judge(dump, walk(dump))
    assert (verdict.image, verdict.module) == ("faulty.sys", "faulty")
    assert verdict.bucket == "AV_faulty!unknown_function"
    assert not verdict.verified
    digest = hashlib.md5("km:av_faulty!unknown_function".encode("utf-16-le"), usedforsecurity=False).digest()
    assert verdict.failure_id == uuid.UUID(bytes_le=digest)


@pytest.mark.parametrize("name", KINDS)
def test_a_stack_is_never_told(name: str) -> None:
    dump = opened(machine(name))
    stack = walk(dump)
    assert stack.frames == ()
    verdict = judge(dump, stack)
    found = document(dump, verdict, stack)
    assert found["stack_text"] is None
    assert found["thread_sha1_hash_mod"] is None
    assert found["registers"] is not None
    said = " ".join(summary(dump, verdict))
    assert "are not followed" in said
    assert "faulty.sys" in said
    assert any("are not followed" in line for line in text(dump, verdict, stack))
    assert next(module_lines(dump)).startswith("fffff80310000000 " if name == "arm64" else "82800000 82c00000")


@pytest.mark.parametrize("name", KINDS)
def test_small_dumps(name: str) -> None:
    made = machine(name)
    dump = opened(made, DumpType.TRIAGE)
    assert dump.triage is not None
    assert dump.triage.whole
    assert [(one.path, one.base, one.size, one.timestamp) for one in dump.modules.loaded] == [
        (path, base, size, STAMP) for base, (path, size) in zip(made.bases, MODULES, strict=True)
    ]
    assert [(one.name, one.start, one.end) for one in dump.modules.unloaded] == [
        (GONE[0], made.gone, made.gone + GONE[1])
    ]
    assert dump.memory.read(made.arguments[0], 15) == b"text of a block"
    assert dump.kdbg is not None
    assert dump.kdbg["KiProcessorBlock"] > made.base
    assert dump.process is None
    assert judge(dump).image == "faulty.sys"


@pytest.mark.parametrize("name", ["x86", "pae"])
def test_tables_whose_kind_the_header_does_not_tell(name: str) -> None:
    """Nor tells it rightly: the list of modules is found through one kind alone."""
    made = machine(name)
    dump = opened(made, pae_told=False)
    assert isinstance(dump.memory, X86Memory)
    assert dump.memory.pae == (name == "pae")
    assert len(dump.modules.loaded) == 2
    data = bytearray(made.dump(DumpType.FULL))
    data[0x5C] ^= 1
    assert len(open_dump(InMemory(bytes(data)), "wrong.dmp").modules.loaded) == 2


@pytest.mark.parametrize("name", ["x86", "pae"])
def test_a_shorter_debugger_block(name: str) -> None:
    """Windows XP's ends before it tells where a processor keeps its things: those are unknown, never made up."""
    dump = opened(machine(name, kdbg_size=0x290))
    assert dump.kdbg is not None
    assert dump.kdbg["OffsetPrcbCurrentThread"] == 0
    assert dump.process is None
    assert len(dump.modules.unloaded) == 1


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind", PAGED)
def test_a_mini_dump_tells_the_same(name: str, kind: DumpType) -> None:
    large = machine(name).dump(kind)
    small = mini(open_dump(InMemory(large), "x"))
    assert told(small) == told(large)
    assert len(small) < len(large) or kind != DumpType.FULL
    assert mini(open_dump(InMemory(small), "x")) == small


@pytest.mark.parametrize("name", KINDS)
def test_broken_dumps(name: str) -> None:
    """Pages that lead back to themselves, lists without an end, all that chance gives: a sentence, or an answer."""
    made = machine(name)
    for kind in (DumpType.FULL, DumpType.KERNEL, DumpType.BITMAP_KERNEL, DumpType.TRIAGE):
        data = made.dump(kind)
        head = 0x2000 if name == "arm64" else 0x1000
        root = head + made.root if kind == DumpType.FULL else head + 0x1000
        places = [0, 0x60, 0x320, 0xF88, head, head + 0x20, head + 0x60, root, len(data) // 2]
        for seed in range(25):
            read_all(broken(data, random.Random(f"{name} {kind} {seed}"), places))


@pytest.mark.parametrize("name", KINDS)
def test_tables_that_lead_to_themselves(name: str) -> None:
    made = machine(name)
    level = made.levels[0]
    page, within = divmod(made.root, 0x1000)
    for at in range(1 << level.bits):
        made.put(page, within + at * level.entry, page * 0x1000 | (1 if name == "pae" else 3), level.entry)
    read_all(made.dump(DumpType.BITMAP_KERNEL))


@pytest.mark.parametrize("name", KINDS)
def test_a_header_of_another_width(name: str) -> None:
    """A processor that no such header can have: the stop alone is told."""
    data = bytearray(machine(name).dump(DumpType.FULL))
    at = 0x30 if name == "arm64" else 0x20
    data[at : at + 4] = (0x14C if name == "arm64" else 0x8664).to_bytes(4, "little")
    dump = open_dump(InMemory(bytes(data)), "odd.dmp")
    assert dump.modules.loaded == ()
    assert any("is not read" in note for note in dump.notes)
