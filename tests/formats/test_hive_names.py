"""Upper case as Windows has it, hashes, hints, and names as bytes."""

from __future__ import annotations

import io
import struct

import pyfsntfs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_data import unpacked

from bootmend.formats.hive.names import decode_name, encode_name, fold, hash_of, hint_of

ANY_NAME = st.text(st.characters(codec=None), min_size=1, max_size=40)


@pytest.mark.data
def test_upper_case_is_the_table_of_a_volume_that_windows_formatted() -> None:
    volume = pyfsntfs.volume()
    volume.open_file_object(io.BytesIO(unpacked("disks/ntfs/ntfs3.raw.gz")))
    table = struct.unpack("<65536H", volume.get_file_entry_by_path("\\$UpCase").read_buffer(131072))
    assert sum(code != upper for code, upper in enumerate(table)) == 973
    assert [code for code, upper in enumerate(table) if fold(chr(code)) != chr(upper)] == []


def test_letters_that_python_and_windows_see_differently() -> None:
    assert fold("straße") == "STRAßE"
    assert fold("ıſµ") == "ıſµ"
    assert fold("ÿ") == "Ÿ"


def test_names_are_ordered_by_utf16_units_not_by_characters() -> None:
    assert fold("\U00010400") < fold("\uff21")
    assert fold("\U00010400") == "\ud801\udc00"


def test_hash_and_hint() -> None:
    # Both as they stand beside ControlSet001 in a SYSTEM hive of Windows 7 (lh) and a BCD store (lf).
    expected = 0
    for letter in "CONTROLSET001":
        expected = (expected * 37 + ord(letter)) % 2**32
    assert hash_of(fold("ControlSet001")) == expected
    assert hint_of("Description") == b"Desc"
    assert hint_of("ab") == b"ab\0\0"
    assert hint_of("aЖb") == b"a\0\0\0"


@given(ANY_NAME)
def test_a_name_survives_its_bytes(name: str) -> None:
    encoded, compressed = encode_name(name)
    assert compressed == all(character <= "\xff" for character in name)
    units = name.encode("utf-16-le", "surrogatepass")
    assert decode_name(encoded, compressed).encode("utf-16-le", "surrogatepass") == units


@given(ANY_NAME)
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)
    assert len(fold(name)) == len(name.encode("utf-16-le", "surrogatepass")) // 2
