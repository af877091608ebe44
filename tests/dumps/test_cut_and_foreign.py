"""What is told of a dump that ends early, and of files that are no dump at all."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from command_line import command, said
from dumps.crashed import ARTICLE, PAGED, InMemory, made, opened
from sample_data import unpacked

from bootmend.dumps import open_dump
from bootmend.dumps.header import DumpType
from bootmend.dumps.verdict import judge
from bootmend.lab.crashed_memory import Crash, CrashedMemory
from bootmend.lab.dump_maker import write_bitmap
from bootmend.reports.dump import document, summary, text

HEAD = 0x2000


@pytest.mark.parametrize("kind", [one for one in PAGED if one is not DumpType.FULL])
def test_a_header_alone_still_tells_the_stop(kind: DumpType) -> None:
    data = made(CrashedMemory(ARTICLE, frames=0x1000), kind)[: HEAD + 8]
    dump = open_dump(InMemory(data), "head.dmp")
    found = judge(dump)
    told = " ".join(summary(dump, found))
    assert "0x5A CRITICAL_SERVICE_FAILED" in told
    assert "STATUS_INVALID_IMAGE_HASH" in told
    assert "the rest was cut off (head.dmp: at offset 0x2000" in told
    assert (found.image, dump.modules.loaded, dump.process) == ("", (), None)
    assert document(dump, found)["crash"] is True
    assert list(text(dump, found))


@pytest.mark.parametrize("kind", [one for one in PAGED if one is not DumpType.FULL])
def test_a_file_that_ends_inside_of_its_bitmap(kind: DumpType) -> None:
    target = BytesIO()
    write_bitmap(target, CrashedMemory(ARTICLE, frames=1 << 20), kind)
    dump = open_dump(InMemory(target.getvalue()[:0x8000]), "bitmap.dmp")
    assert "a bitmap of 1048576 bits, found a file of 32768 bytes" in " ".join(summary(dump, judge(dump)))


@pytest.mark.parametrize("kind", [DumpType.BITMAP_FULL, DumpType.BITMAP_KERNEL])
def test_what_windows_left_unset_is_no_older_layout(kind: DumpType) -> None:
    """In a file of more than 1.1 GB the word "PAGE" would pass for the offset of a first page."""
    data = bytearray(made(CrashedMemory(ARTICLE, frames=0x1000), kind))
    data[0x2008:0x2020] = b"PAGE" * 6

    class Large(InMemory):
        size = 2 << 30

    file = Large.__new__(Large)
    file.data = bytes(data)
    assert judge(open_dump(file, "large.dmp")).image == "filecrypt.sys"


@pytest.mark.data
@pytest.mark.parametrize(
    ("size", "modules", "image"),
    [(HEAD, 0, ""), (0x2100, 0, ""), (100_000, 0, ""), (150_000, 151, "amdppm.sys")],
)
def test_a_small_dump_that_was_cut(size: int, modules: int, image: str) -> None:
    """Its list of modules stands before the memory: what is there of it counts."""
    dump = open_dump(InMemory(unpacked("dumps/triage-x64-19041.dmp.xz")[:size]), "cut.dmp")
    found = judge(dump)
    assert (len(dump.modules.loaded), found.image) == (modules, image)
    told = " ".join(summary(dump, found))
    assert "0x7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED" in told
    assert "cut" in told


@pytest.mark.data
def test_a_small_dump_that_was_not() -> None:
    assert open_dump(InMemory(unpacked("dumps/triage-x64-19041.dmp.xz")), "whole.dmp").notes == []


@pytest.mark.parametrize("count", [43, 0x1000, 0xFFFFFFFF])
def test_runs_that_do_not_matter(count: int) -> None:
    """A kernel dump finds its pages by its bitmap: a machine in many pieces is read all the same."""
    data = bytearray(made(CrashedMemory(ARTICLE, frames=0x1000), DumpType.BITMAP_KERNEL))
    data[0x88:0x8C] = count.to_bytes(4, "little")
    assert judge(open_dump(InMemory(bytes(data)), "runs.dmp")).image == "filecrypt.sys"


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"\x1f\x8b\x08", "packed (gzip)"),
        (b"\xfd7zXZ\0", "packed (xz)"),
        (b"PK\3\4", "packed (zip)"),
        (b"7z\xbc\xaf\x27\x1c", "packed (7-Zip)"),
        (b"BZh9", "packed (bzip2)"),
        (b"\x28\xb5\x2f\xfd", "packed (zstd)"),
        (b"MSCF", "packed (cab)"),
        (b"HIBR", "a hibernation file"),
        (b"wake", "a hibernation file"),
        (b"MDMP", "a dump of a program"),
        (b"\0\0\0\0", "starts with zeros"),
        (b"text", "PAGEDU64"),
        (b"PAGEDU64", "a 64-bit dump header"),
    ],
)
def test_what_is_given_in_the_place_of_a_dump(start: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "given.dmp"
    path.write_bytes(start.ljust(0x1800, b"\0"))
    done = command("dump", path)
    assert done.returncode == 4
    assert done.stdout == b""
    assert says in said(done)
    assert len(said(done).strip().splitlines()) == 1


def test_what_the_arguments_do_not_tell_is_not_told() -> None:
    """A status that is an exit code, an exception record that is not there, a code that nobody published."""
    for code, arguments, lacks in (
        (0xC000021A, ("Session Manager Initialization", 1, 0, 0), "status says"),
        (0x77, (1, 0xC000009C, 0, 0), "status says"),
        (0x7B, (0xFFFFB00B00000000, 0xFFFFB00B00001234, 0, 0), "status says"),
        (0x139, (3, 0, 0, 0), "It struck"),
        (0x12345, (0, 0, 0, 0), "0x12345 0x12345"),
    ):
        dump = opened(Crash(code=code, arguments=arguments))
        found = judge(dump)
        assert not found.verified
        assert lacks not in " ".join(summary(dump, found))
    dump = opened(Crash(code=0x139, arguments=(3, 0, 0, 0)))
    assert "CORRUPT_LIST_ENTRY" in " ".join(summary(dump, judge(dump)))


def test_without_a_list_of_modules_nothing_is_said_of_an_address() -> None:
    data = made(
        CrashedMemory(Crash(code=0xD1, arguments=(0x1000, 2, 0, 0xFFFFF80300000000)), frames=0x200), DumpType.FULL
    )
    header = bytearray(data[:HEAD])
    header[0xF98:0xF9C] = (7).to_bytes(4, "little")
    dump = open_dump(InMemory(bytes(header)), "newer.dmp")
    assert "no driver is" not in " ".join(summary(dump, judge(dump)))


def test_the_exception_of_a_file_system() -> None:
    """0x24: with an exception it names where that struck; without one it names nobody."""
    base = ARTICLE.modules[2].base
    record = (0xC0000005).to_bytes(4, "little") + bytes(12) + (base + 0x20).to_bytes(8, "little")
    memory = CrashedMemory(Crash(code=0x24, arguments=(0x1904FB, 0, 0, 0)), frames=0x1000)
    at = memory.place(record.ljust(0x98, b"\0"))
    data = bytearray(made(memory, DumpType.FULL))
    assert judge(open_dump(InMemory(bytes(data)), "ntfs.dmp")).image == ""
    data[0x48:0x50] = at.to_bytes(8, "little")
    found = judge(open_dump(InMemory(bytes(data)), "ntfs.dmp"))
    assert (found.image, found.status, found.verified) == ("FLTMGR.SYS", 0xC0000005, False)
