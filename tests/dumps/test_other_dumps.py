"""Dumps of 32-bit machines, of other processors and of newer kinds: what can be told is told, the rest is unknown."""

from __future__ import annotations

import struct

import pytest
from dumps.crashed import ARTICLE, InMemory, made, opened

from bootmend.dumps import open_dump
from bootmend.dumps.header import DumpType
from bootmend.dumps.verdict import judge
from bootmend.errors import InputError, ParseError
from bootmend.lab.crashed_memory import CrashedMemory
from bootmend.reports.dump import document, summary, text


def test_a_32_bit_header() -> None:
    data = bytearray(b"PAGE" * 0x400)
    data[:8] = b"PAGEDUMP"
    struct.pack_into("<IIIIII", data, 0x08, 15, 7601, 0x185000, 0, 0x82954850, 0x8294CF58)
    struct.pack_into("<IIIIIII", data, 0x20, 0x14C, 2, 0x7B, 0x80786B58, 0xC0000034, 0, 0)
    struct.pack_into("<I", data, 0xF88, DumpType.KERNEL)
    struct.pack_into("<QQ", data, 0xFB8, 50_000_000, 0x01D35CC120A74000)
    dump = open_dump(InMemory(bytes(data)), "x86.dmp")
    assert (dump.header.bits, dump.header.platform, dump.header.processors) == (32, "x86", 2)
    assert dump.header.arguments == (0x80786B58, 0xC0000034, 0, 0)
    assert dump.modules.loaded == ()
    told = " ".join(summary(dump, judge(dump)))
    assert "0x7B INACCESSIBLE_BOOT_DEVICE" in told
    assert "STATUS_OBJECT_NAME_NOT_FOUND" in told
    assert "Only the header" in told
    assert "Arg1: 80786b58, name of the device" in "\n".join(text(dump, judge(dump)))


@pytest.mark.parametrize("kind", [3, 7, 8, 9, 10, 99])
def test_a_kind_that_is_not_read_is_named(kind: int) -> None:
    data = bytearray(made(CrashedMemory(ARTICLE, frames=0x200), DumpType.FULL))
    data[0xF98:0xF9C] = kind.to_bytes(4, "little")
    dump = open_dump(InMemory(bytes(data)), "newer.dmp")
    assert len(dump.notes) == 1
    told = document(dump, judge(dump))
    assert told["bugcheck_name"] == "CRITICAL_SERVICE_FAILED"
    assert told["image_name"] is None
    assert told["process_name"] is None
    assert told["modules"] == []


def test_another_processor() -> None:
    data = bytearray(made(CrashedMemory(ARTICLE, frames=0x200), DumpType.FULL))
    data[0x30:0x34] = (0x200).to_bytes(4, "little")
    dump = open_dump(InMemory(bytes(data)), "ia64.dmp")
    assert dump.header.platform == "0x200"
    assert dump.context is None
    assert any("0x200" in note for note in dump.notes)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (bytes(0x3000), "there is no dump"),
        (b"MDMP" + bytes(100), "a dump of a program"),
        (b"", "PAGEDU64"),
        (b"PAGEDU64", "a 64-bit dump header"),
        (b"PAGEDUMP" + bytes(100), "a 32-bit dump header"),
        (b"hello, world", "PAGEDU64"),
    ],
)
def test_what_is_no_dump(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        open_dump(InMemory(data), "file")


def test_errors_name_file_and_offset() -> None:
    data = bytearray(made(CrashedMemory(ARTICLE, frames=0x200), DumpType.BITMAP_FULL))
    data[0x2000:0x2008] = b"NOTADUMP"
    with pytest.raises(ParseError) as caught:
        open_dump(InMemory(bytes(data)), "MEMORY.DMP")
    assert (caught.value.file, caught.value.offset) == ("MEMORY.DMP", 0x2000)


def test_the_document_has_the_keys_that_programs_rely_on() -> None:
    dump = opened(ARTICLE)
    told = document(dump, judge(dump))
    assert told["schema"] == "bootmend.dump/1"
    for key in ("bugcheck_code", "bugcheck_name", "failure_bucket_id", "failure_id_hash", "image_name", "process_name"):
        assert told[key] is not None
    assert all(key == key.lower() for key in told)
    assert told["bucket_verified"] is True
    assert told["nt_symbols"] is False
