"""The base block: its fields, its checksum, and the two checksums that do not occur."""

from __future__ import annotations

import pytest

from bootmend.errors import ParseError
from bootmend.formats.hive import new_hive
from bootmend.formats.hive.baseblock import BaseBlock, checksum, next_sequence, stamp


def test_the_checksum_is_the_xor_of_all_words_before_it() -> None:
    data = bytearray(512)
    data[0:4] = b"\x01\x02\x03\x04"
    data[504:508] = b"\x10\x00\x00\x00"
    assert checksum(data) == 0x04030211
    data[508:512] = b"\xff\xff\xff\xff"
    assert checksum(data) == 0x04030211


def test_two_checksums_do_not_occur() -> None:
    assert checksum(bytes(512)) == 1
    assert checksum(b"\xff" * 4 + bytes(508)) == 0xFFFFFFFE


def test_what_is_stamped_is_read_back() -> None:
    data = bytearray(new_hive("ROOT"))
    stamp(data, sequence=(7, 6), timestamp=2**60, size=8192)
    base = BaseBlock.parse(data, "hive")
    assert (base.sequences, base.timestamp, base.size, base.checksum_right, base.dirty) == (
        (7, 6),
        2**60,
        8192,
        True,
        True,
    )
    stamp(data, sequence=next_sequence(7, 3))
    assert BaseBlock.parse(data, "hive").sequences == (8, 8)
    assert not BaseBlock.parse(data, "hive").dirty
    data[100] ^= 1
    assert BaseBlock.parse(data, "hive").dirty


def test_the_number_after_the_last_is_zero() -> None:
    assert next_sequence(0xFFFFFFFF) == 0


def test_too_short_or_another_file() -> None:
    with pytest.raises(ParseError, match="512"):
        BaseBlock.parse(b"regf" + bytes(400), "file")
    with pytest.raises(ParseError, match="regf"):
        BaseBlock.parse(b"hbin" + bytes(600), "file")
