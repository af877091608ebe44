"""The image hash: what it covers, what it leaves out, and that others compute the same."""

from __future__ import annotations

import hashlib

import pytest
from driver_wheels import VCRUNTIME, WINDIVERT, WINDIVERT_2015, WINIO_UNSIGNED, wheel_file
from small_pe import small_pe

from bootmend.formats.pe import Pe
from bootmend.signing.hashing import image_digest, image_hashes


def sha256(data: bytes) -> str:
    return image_hashes(data, Pe.parse(data, "image")).sha256.hex()


def test_an_unaligned_image_is_filled_up_with_zeros() -> None:
    for extra in range(1, 8):
        assert sha256(small_pe(tail=bytes(extra))) == sha256(small_pe(tail=bytes(8)))
    assert sha256(small_pe(tail=b"\1")) != sha256(small_pe(tail=b"\2"))
    assert sha256(small_pe()) != sha256(small_pe(tail=b"\0"))


def test_what_is_left_out() -> None:
    plain = small_pe(tail=bytes(16))
    at = Pe.parse(plain, "image").checksum_offset
    for offset in range(4):
        changed = bytearray(plain)
        changed[at + offset] ^= 0x10
        assert sha256(bytes(changed)) == sha256(plain)
    signed = small_pe(tail=bytes(16), directories={4: (0x600, 16)})
    other = small_pe(tail=b"\7" * 16, directories={4: (0x600, 16)})
    assert sha256(signed) == sha256(other) == sha256(small_pe())


def test_every_other_byte_counts() -> None:
    plain = small_pe()
    pe = Pe.parse(plain, "image")
    assert pe.certificate_entry is not None
    assert pe.certificate_entry + 8 < 0x200
    before = sha256(plain)
    for at in range(0x200, len(plain)):  # behind the section table: any change is still an image
        changed = bytearray(plain)
        changed[at] ^= 0x10
        assert sha256(bytes(changed)) != before


def test_without_the_directory_entry() -> None:
    data = small_pe(directory_count=4)
    at = Pe.parse(data, "image").checksum_offset
    assert sha256(data) == hashlib.sha256(data[:at] + data[at + 4 :]).hexdigest()


def test_a_table_over_code_takes_nothing_out_of_the_hash() -> None:
    hidden = small_pe(directories={4: (0x400, 0x200)})
    changed = small_pe(directories={4: (0x400, 0x200)}, code=b"\x90" * 0x200)
    assert sha256(hidden) != sha256(changed)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (WINDIVERT, "5ADED75D6BEB315849F698A78F8033DE26EB151955A1CBC01E3037320E2A0EB6"),
        (WINDIVERT_2015, "DAB07B3C23A7A1CFB307A83D9284CEB2A372B983"),
    ],
)
def test_against_osslsigncode(source: tuple[str, str], expected: str) -> None:
    """`osslsigncode verify -in FILE` prints "Calculated message digest"."""
    data = wheel_file(*source)
    kind = "sha1" if len(expected) == 40 else "sha256"
    assert image_digest(data, Pe.parse(data, "image"), kind).hex().upper() == expected


def test_both_at_once_are_the_same_as_one_by_one() -> None:
    for source in (VCRUNTIME, WINIO_UNSIGNED):
        data = wheel_file(*source)
        pe = Pe.parse(data, "image")
        both = image_hashes(data, pe)
        assert both.sha1 == image_digest(data, pe, "sha1")
        assert both.sha256 == image_digest(data, pe, "sha256")
