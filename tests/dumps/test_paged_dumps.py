"""Complete, kernel and bitmap dumps, made from one memory: all tell the same, and kdmp-parser reads the same pages."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from dumps.crashed import ARTICLE, PAGED, InMemory, made, opened, written

from bootmend.disk.raw import RawFile
from bootmend.dumps import open_dump
from bootmend.dumps.bitmap import BitmapPages
from bootmend.dumps.header import DumpType
from bootmend.dumps.memory import PagedMemory
from bootmend.dumps.reader import Reader
from bootmend.dumps.verdict import judge
from bootmend.errors import ParseError
from bootmend.lab.crashed_memory import HUGE, KERNEL, LARGE, PAGE, CrashedMemory
from bootmend.lab.dump_maker import write_bitmap, write_full


@pytest.mark.parametrize("kind", PAGED)
def test_everything_in_it_is_found(kind: DumpType) -> None:
    dump = opened(replace(ARTICLE, processors=3, current=1), kind)
    crash = ARTICLE
    assert dump.notes == []
    assert dump.code == 0x5A
    assert [one.path for one in dump.modules.loaded] == [one.path for one in crash.modules]
    assert [one.timestamp for one in dump.modules.loaded] == [one.timestamp for one in crash.modules]
    assert [(one.name, one.start, one.end) for one in dump.modules.unloaded] == list(crash.unloaded)
    assert dump.modules.loaded[0].name == "nt"
    assert len(dump.processors) == 3
    assert dump.processor is not None
    assert dump.processor.number == 0
    one = dump.processors[2]
    assert (one.vendor, one.family, one.model, one.stepping, one.megahertz) == ("GenuineIntel", 6, 0x3D, 4, 0xA22)
    assert one.context is not None
    assert one.context.sp == crash.rsp + 0x20000
    assert dump.process == "smss.exe"
    assert dump.build_lab == crash.lab
    verdict = judge(dump)
    assert verdict.bucket == "0x5A_c0000428_IMAGE_filecrypt.sys"
    assert verdict.verified
    assert str(verdict.failure_id) == "35f25777-b01e-70a1-c502-f690dab6cb3a"


@pytest.mark.parametrize("kind", [DumpType.FULL, DumpType.BITMAP_FULL, DumpType.BITMAP_KERNEL])
def test_an_independent_reader_reads_the_same_pages(kind: DumpType, tmp_path: Path) -> None:
    kdmp = pytest.importorskip("kdmp_parser", reason="the independent reader is not installed")
    path = written(tmp_path, ARTICLE, kind)
    theirs = kdmp.KernelDumpParser(str(path))
    ours = open_dump(InMemory(path.read_bytes()), "MEMORY.DMP")
    assert isinstance(ours.memory, PagedMemory)
    assert theirs.directory_table_base == ours.header.directory_table_base
    assert theirs.context.Rip == ours.context.pc if ours.context is not None else False
    memory = CrashedMemory(ARTICLE, frames=0x1000)
    for frame in range(memory.frames):
        page = theirs.read_physical_page(frame * PAGE)
        assert ours.memory.page(frame) == (None if page is None else bytes(page)), hex(frame)
        if frame in memory.pages:
            assert ours.memory.page(frame) == bytes(memory.pages[frame])
    for address in (memory.kdbg, memory.loaded_list, *memory.prcbs, 0x1000, KERNEL + 0x7FFFFFF000):
        found = theirs.translate_virtual(address)
        assert ours.memory.translate(address) == (found or None)


def test_large_pages() -> None:
    memory = CrashedMemory(ARTICLE, frames=0x80000)
    memory.map_large(0xFFFFA00000000000, LARGE, 0x400)
    memory.map_large(0xFFFFA00040000000, HUGE, 0x40000)
    memory.pages[0x405] = bytearray(b"two".ljust(PAGE, b"\0"))
    memory.pages[0x40777] = bytearray(b"one".ljust(PAGE, b"\0"))
    target = BytesIO()
    write_bitmap(target, memory, DumpType.BITMAP_KERNEL)
    dump = open_dump(InMemory(target.getvalue()), "large.dmp")
    assert dump.memory.read(0xFFFFA00000005000, 3) == b"two"
    assert dump.memory.read(0xFFFFA00040777000, 3) == b"one"
    assert dump.memory.read(0xFFFFA00000006000, 3) is None  # mapped, but its page is not in the dump
    assert dump.memory.read(0xFFFFA00080000000, 3) is None


def test_pieces_of_the_bitmap_that_are_empty_or_full() -> None:
    """Three pieces of 32,768 pages: the first nearly empty, the second full, the third of every kind."""
    memory = CrashedMemory(ARTICLE, frames=0x20000)
    also = [*range(0x8000, 0x10000), *range(0x10000, 0x18000, 3)]
    target = BytesIO()
    write_bitmap(target, memory, DumpType.BITMAP_KERNEL, also=also)
    pages = BitmapPages(Reader(InMemory(target.getvalue()), "pieces.dmp"))
    frames = sorted({*memory.pages, *also})
    places = {frame: pages.first_page + at * PAGE for at, frame in enumerate(frames)}
    for frame in range(memory.frames - 1, -1, -1):
        assert pages.offset_of(frame) == places.get(frame)


def test_a_page_in_transition_is_read() -> None:
    memory = CrashedMemory(ARTICLE, frames=0x1000)
    frame = memory.map(0xFFFFA00000000000, transition=True)
    memory.pages[frame][:4] = b"here"
    for kind in PAGED:
        dump = open_dump(InMemory(made(memory, kind)), "transition.dmp")
        assert dump.memory.read(0xFFFFA00000000000, 4) == b"here"


@pytest.mark.parametrize("marks", [1 << 45, 1 << 33 | 1 << 45])
def test_a_page_in_transition_whose_entry_leads_above_all_memory(marks: int) -> None:
    """What Windows does on processors with the flaw L1TF; of an entry that says it is swizzled the frame counts."""
    for swizzled, held in ((0, b"here"), (1 << 4, None)):
        memory = CrashedMemory(ARTICLE, frames=0x1000)
        frame = memory.map(0xFFFFA00000000000, transition=True, marks=marks | swizzled)
        memory.pages[frame][:4] = b"here"
        for kind in PAGED:
            dump = open_dump(InMemory(made(memory, kind)), "transition.dmp")
            assert dump.memory.read(0xFFFFA00000000000, 4) == held


@pytest.mark.parametrize("kind", PAGED)
def test_five_levels_of_page_tables(kind: DumpType) -> None:
    """The header does not tell how many there are; the list of modules does."""
    memory = CrashedMemory(ARTICLE, frames=0x1000, levels=5)
    memory.write(0xFF12345678900000, b"far away")
    dump = open_dump(InMemory(made(memory, kind)), "deep.dmp")
    assert [one.path for one in dump.modules.loaded] == [one.path for one in ARTICLE.modules]
    assert judge(dump).image == "filecrypt.sys"
    assert dump.memory.read(0xFF12345678900000, 8) == b"far away"
    assert dump.memory.read(0xFF02345678900000, 8) is None
    assert opened(ARTICLE, kind).memory.read(0xFF12345678900000, 8) is None


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 120])
def test_the_last_fifty_unloaded_drivers(count: int) -> None:
    """The kernel keeps them in a ring, and goes on at its start."""
    names = [(f"gone{number}.sys", 0xFFFFF80400000000, 0xFFFFF80400001000 + number) for number in range(count)]
    dump = opened(replace(ARTICLE, unloaded=tuple(names)))
    assert [(one.name, one.start, one.end) for one in dump.modules.unloaded] == names[::-1][:50]
    found = dump.modules.unloaded_at(0xFFFFF80400000000)
    assert (found.name if found is not None else "") == (names[-1][0] if names else "")


def test_a_module_whose_name_is_not_in_the_dump() -> None:
    memory = CrashedMemory(
        replace(ARTICLE, code=0xD1, arguments=(0x1000, 2, 0, ARTICLE.modules[2].base)), frames=0x1000
    )
    entry = memory.loaded_list
    for _ in range(3):
        entry = int.from_bytes(memory.read(entry, 8), "little")
    memory.write(entry + 0x48, bytes(0x20))
    dump = open_dump(InMemory(made(memory, DumpType.BITMAP_KERNEL)), "nameless.dmp")
    found = judge(dump)
    assert found.module == f"Unknown_Module_{ARTICLE.modules[2].base:016x}"
    assert found.image == ""
    assert not found.verified


def test_an_address_that_is_none() -> None:
    dump = opened(ARTICLE)
    for address in (0x0000800000000000, 0xFFFF7FFFFFFFFFFF, 1 << 64, -1):
        assert dump.memory.read(address, 8) is None


def test_an_encoded_debugger_block() -> None:
    plain, coded = opened(ARTICLE), opened(replace(ARTICLE, encoded=True))
    assert plain.kdbg is not None
    assert coded.kdbg is not None
    assert not plain.kdbg.encoded
    assert coded.kdbg.encoded
    assert coded.process == plain.process == "System"
    assert coded.modules.unloaded == plain.modules.unloaded != ()


def test_a_debugger_block_that_is_neither() -> None:
    memory = CrashedMemory(ARTICLE, frames=0x1000)
    memory.write(memory.kdbg, bytes(range(256)) * 3)
    dump = open_dump(InMemory(made(memory, DumpType.BITMAP_KERNEL)), "nokdbg.dmp")
    assert dump.kdbg is None
    assert dump.process is None
    assert dump.processors == []
    assert dump.modules.unloaded == ()
    assert len(dump.modules.loaded) == 3
    assert judge(dump).image == "filecrypt.sys"


@pytest.mark.parametrize("kind", PAGED)
def test_cut_short(kind: DumpType) -> None:
    data = made(CrashedMemory(ARTICLE, frames=0x1000), kind)
    whole = open_dump(InMemory(data), "whole.dmp")
    assert whole.notes == []
    cut = open_dump(InMemory(data[: len(data) * 2 // 3]), "cut.dmp")
    assert any("cut short" in note for note in cut.notes)
    judge(cut)


def test_a_list_of_modules_that_comes_round_too_early() -> None:
    memory = CrashedMemory(ARTICLE, frames=0x1000)
    dump = open_dump(InMemory(made(memory, DumpType.FULL)), "whole.dmp")
    second = dump.memory.u64(dump.memory.u64(memory.loaded_list) or 0) or 0
    memory.write(second, second.to_bytes(8, "little"))
    round_trip = open_dump(InMemory(made(memory, DumpType.FULL)), "round.dmp")
    assert len(round_trip.modules.loaded) == 2


def test_a_bitmap_that_claims_more_than_the_file_holds() -> None:
    data = bytearray(made(CrashedMemory(ARTICLE, frames=0x1000), DumpType.BITMAP_KERNEL))
    data[0x2030:0x2038] = (1 << 60).to_bytes(8, "little")
    with pytest.raises(ParseError, match="bitmap"):
        open_dump(InMemory(bytes(data)), "bits.dmp")
    data[0x2000:0x2004] = b"XXXX"
    with pytest.raises(ParseError, match="SDMPDUMP"):
        open_dump(InMemory(bytes(data)), "magic.dmp")


def test_a_full_dump_without_runs() -> None:
    target = BytesIO()
    write_full(target, CrashedMemory(ARTICLE, frames=0x1000))
    data = bytearray(target.getvalue())
    data[0x88:0x8C] = b"PAGE"
    with pytest.raises(ParseError, match="runs of memory"):
        open_dump(InMemory(bytes(data)), "runs.dmp")
    data[0x88:0x8C] = (43).to_bytes(4, "little")
    with pytest.raises(ParseError, match="at most 42"):
        open_dump(InMemory(bytes(data)), "runs.dmp")


def test_little_is_read_of_a_large_machine(tmp_path: Path) -> None:
    """8 GiB of memory: a sparse file, and a handful of pages."""
    memory = CrashedMemory(ARTICLE, frames=1 << 21)
    path = tmp_path / "large.dmp"
    with path.open("wb") as target:
        write_bitmap(target, memory, DumpType.BITMAP_KERNEL)
    with RawFile(path) as file:
        dump = open_dump(file, "large.dmp")
        assert judge(dump).image == "filecrypt.sys"
        assert len(dump.modules.loaded) == 3
        assert dump.process == "System"
        assert dump.reader.bytes_read < 600_000
        assert dump.reader.reads < 120
