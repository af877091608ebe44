"""PE headers, tables and version resources: on real drivers, and on images with one thing wrong each."""

from __future__ import annotations

import random

import pytest
from driver_wheels import VCRUNTIME, WINDIVERT, WINDIVERT_2015, WINIO_UNSIGNED, wheel_file
from small_pe import small_pe

from bootmend.errors import ParseError
from bootmend.formats.pe import AMD64, I386, Pe


def test_a_real_driver_reads_as_it_was_built() -> None:
    pe = Pe.parse(wheel_file(*WINDIVERT), "WinDivert64.sys")
    assert (pe.machine, pe.plus64, pe.subsystem, pe.is_dll) == (AMD64, True, 1, False)
    assert {".text", ".rdata", ".data", ".pdata", "INIT", ".rsrc", ".reloc"} <= {part.name for part in pe.sections}
    assert pe.certificate_table == (72704, 21440)
    imports = pe.imports()
    assert "ntoskrnl.exe" in imports
    assert "FwpsCalloutRegister0" in imports["fwpkclnt.sys"] or "FwpsCalloutRegister1" in imports["fwpkclnt.sys"]
    assert pe.exports() == []
    version = pe.version()
    assert version is not None
    assert version.file_version == "2.0.0.0"
    assert version.strings["OriginalFilename"] == "WinDivert.sys"


def test_exports_and_version_of_a_real_library() -> None:
    pe = Pe.parse(wheel_file(*VCRUNTIME), "vcruntime140.dll")
    assert pe.is_dll
    assert {"memcpy", "__C_specific_handler"} <= set(pe.exports())
    version = pe.version()
    assert version is not None
    assert version.strings["CompanyName"] == "Microsoft Corporation"
    assert version.file_version.startswith("14.44.")


@pytest.mark.parametrize("source", [WINDIVERT, WINDIVERT_2015, WINIO_UNSIGNED, VCRUNTIME])
def test_the_linkers_checksum_is_computed_again(source: tuple[str, str]) -> None:
    data = wheel_file(*source)
    pe = Pe.parse(data, source[1])
    assert pe.compute_checksum() == pe.checksum
    damaged = bytearray(data)
    damaged[-9] ^= 0x40
    assert Pe.parse(bytes(damaged), source[1]).compute_checksum() != pe.checksum


def test_the_checksum_word_by_word() -> None:
    rng = random.Random(221)
    for number in range(200):
        # The field stands at an odd offset in every second image.
        data = small_pe(code=rng.randbytes(0x200), tail=rng.randbytes(number % 9), checksum=rng.getrandbits(32))
        headers = 0x80 + number % 2
        data = data[:0x3C] + bytes([headers]) + data[0x3D:0x80] + bytes(number % 2) + data[0x80:]
        pe = Pe.parse(data, "sample")
        blank = data[: pe.checksum_offset] + bytes(4) + data[pe.checksum_offset + 4 :]
        total = 0
        for at in range(0, len(blank), 2):
            total += int.from_bytes(blank[at : at + 2], "little")
            total = (total & 0xFFFF) + (total >> 16)
        assert pe.compute_checksum() == total + len(data)


def test_a_32_bit_image_and_one_without_directories() -> None:
    pe = Pe.parse(small_pe(machine=I386, plus64=False), "x86")
    assert (pe.machine, pe.plus64) == (I386, False)
    bare = Pe.parse(small_pe(directory_count=4), "bare")
    assert bare.certificate_entry is None
    assert bare.certificate_table is None
    assert bare.imports() == {} and bare.version() is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "an MZ header"),
        (b"ZM" + bytes(100), "'MZ'"),
        (b"MZ" + bytes(10), "offset of the PE header"),
        (b"MZ".ljust(0x3C, b"\0") + b"\xff\xff\xff\xff", "a PE header"),
        (small_pe()[:0x500], "section .text inside"),
        (small_pe(sections=[(b"a", 0x1000, 0x1800, 0x400, 0x100), (b"b", 0x2000, 1, 0x500, 1)]), "at or after RVA"),
        (small_pe(sections=[]), "1 to 96 sections"),
        (small_pe(sections=[(b"big", 0xFFFFF000, 0xFFFFF000, 0, 0)]), "below 4 GiB"),
        (small_pe().replace(b"\x0b\x02", b"\x07\x01", 1), "PE32"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, expected: str) -> None:
    with pytest.raises(ParseError, match="sample") as caught:
        Pe.parse(data, "sample")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("place", "sound"),
    [((0x600, 16), True), ((0x600, 4), False), ((0x600, 17), False), ((0x400, 16), False), ((0x5F8, 16), False)],
)
def test_a_certificate_table_lies_behind_everything_mapped(place: tuple[int, int], sound: bool) -> None:
    pe = Pe.parse(small_pe(directories={4: place}, tail=bytes(16)), "sample")
    assert pe.claims_certificates
    assert pe.certificate_table == (place if sound else None)


@pytest.mark.parametrize("place", [(0x600, 0), (0, 16), (0, 0)])
def test_half_an_entry_names_no_certificate_table(place: tuple[int, int]) -> None:
    assert not Pe.parse(small_pe(directories={4: place}, tail=bytes(16)), "sample").claims_certificates


def test_endless_tables_end() -> None:
    # An import descriptor table without its end, over a section that is one descriptor again and again.
    row = (0x1000).to_bytes(4, "little") + bytes(8) + (0x1400).to_bytes(4, "little") + (0x1000).to_bytes(4, "little")
    pe = Pe.parse(small_pe(code=row * 2000, directories={1: (0x1000, 40000)}), "sample")
    with pytest.raises(ParseError):
        pe.imports()


def test_mutated_images_raise_only_parse_errors() -> None:
    original = wheel_file(*WINDIVERT_2015)
    rng = random.Random(20220)
    headers = 0x400
    refused = 0
    for _ in range(2000):
        data = bytearray(original[: rng.choice([len(original), len(original), rng.randrange(len(original))])])
        for _ in range(rng.randrange(1, 6)):
            spot = rng.randrange(min(headers, len(data))) if rng.random() < 0.7 else rng.randrange(len(data))
            data[spot] = rng.choice([0, 0xFF, 0x80, rng.randrange(256)])
            if not data:
                break
        for work in (Pe.imports, Pe.exports, Pe.version, Pe.compute_checksum):
            try:
                work(Pe.parse(bytes(data), "mutant"))
            except ParseError:
                refused += 1
    assert refused > 100
