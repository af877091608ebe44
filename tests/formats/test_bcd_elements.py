"""Element ids, names, words, and values of every format both ways."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_data import need

from bootmend.errors import Misuse
from bootmend.formats.bcd import (
    WELL_KNOWN,
    Element,
    ElementFormat,
    ObjectType,
    element_format,
    element_id,
    element_name,
    encode_value,
    identifier,
    number_of,
    word_of,
)
from bootmend.formats.bcd.elements import Value
from bootmend.formats.bcd.names import _tables
from bootmend.formats.hive import ValueType

LOADER, MANAGER, RESUME = ObjectType.OS_LOADER, ObjectType.BOOT_MANAGER, ObjectType.RESUME


def test_the_same_id_has_the_name_of_its_object() -> None:
    assert element_name(0x23000003, MANAGER) == "default"
    assert element_name(0x23000003, LOADER) == "resumeobject"
    assert element_name(0x21000001, LOADER) == "osdevice"
    assert element_name(0x21000001, RESUME) == "filedevice"
    assert element_name(0x25000004, ObjectType.MEMORY_TEST) == "testtofail"
    assert element_name(0x25000004, MANAGER) == "timeout"
    assert element_name(0x31000003, ObjectType.DEVICE) == "ramdisksdidevice"
    assert element_name(0x250000F3, ObjectType.LOADER_SETTINGS) == "hypervisordebugtype"
    assert element_name(0x15000011, ObjectType.SETTINGS) == "debugtype"
    assert element_name(0x46000010, LOADER) == "recoveryos"


def test_unknown_ids_are_custom_both_ways() -> None:
    assert element_name(0x21000026, RESUME) == "custom:21000026"
    assert element_id("custom:21000026", RESUME) == 0x21000026
    assert element_id("custom:0x260000FF", LOADER) == 0x260000FF
    for nonsense in ("custom:", "custom:xyz", "custom:123456789", "custom:-1", "nosuchname", ""):
        assert element_id(nonsense, LOADER) is None


@pytest.mark.parametrize("object_type", list(ObjectType))
def test_every_name_leads_back_to_its_id(object_type: ObjectType) -> None:
    for table in _tables().values():
        for known in table.values():
            name = element_name(known.id, object_type)
            back = element_id(name.upper(), object_type)
            # forcefipscrypto has two ids in Microsoft's own lists
            assert back == known.id or element_name(back or 0, object_type) == name


def test_the_table_of_names_fits_the_formats() -> None:
    known = [entry for table in _tables().values() for entry in table.values()]
    assert len(known) > 220
    for entry in known:
        assert element_format(entry.id) is not None
        assert entry.name == entry.name.lower()
        if entry.words:
            assert element_format(entry.id) == ElementFormat.INTEGER


def test_words_both_ways() -> None:
    safeboot = element_id("safeboot", LOADER)
    assert safeboot == 0x25000080
    assert [word_of(safeboot, LOADER, number) for number in range(4)] == ["Minimal", "Network", "DsRepair", None]
    assert number_of(safeboot, LOADER, "dsrepair") == 2
    assert number_of(safeboot, LOADER, "off") is None
    assert number_of(0x250000E0, LOADER, "IgnoreAllFailures") == 1
    assert number_of(0x25000020, LOADER, "alwaysoff") == 2
    assert word_of(0x250000C2, LOADER, 1) == "Standard"
    assert word_of(0x25000008, RESUME, 0) == "Legacy"
    assert number_of(0x45000001, LOADER, "-") is None
    assert word_of(0x45000001, LOADER, 0) is None
    assert word_of(safeboot, LOADER, -1) is None


def test_identifiers() -> None:
    assert identifier(WELL_KNOWN["bootmgr"]) == "{bootmgr}"
    assert identifier(UUID(int=1)) == "{00000000-0000-0000-0000-000000000001}"


@pytest.mark.parametrize(
    ("number", "raw_type", "raw", "value"),
    [
        (0x25000004, 3, b"\x1e", 30),
        (0x15000014, 3, bytes.fromhex("00c201"), 115200),
        (0x25000004, 3, bytes.fromhex("1e00000000000000"), 30),
        (0x16000009, 3, b"\x01", True),
        (0x16000009, 3, b"\x00", False),
        (0x17000077, 3, bytes.fromhex("7500001500000000"), [0x15000075]),
        (0x12000004, 1, "Windows\0\0\0%".encode("utf-16-le"), "Windows"),
        (0x12000004, 1, b"", ""),
        (0x24000001, 1, "{9dea862c-5cdd-4e70-acc1-f32b344d4795}\0".encode("utf-16-le"), [WELL_KNOWN["bootmgr"]]),
        (0x24000001, 7, b"", []),
        (0x24000001, 7, b"\0\0\0\0", []),
        (0x23000003, 1, "{9DEA862C-5CDD-4E70-ACC1-F32B344D4795}\0".encode("utf-16-le"), WELL_KNOWN["bootmgr"]),
    ],
)
def test_values_as_real_stores_hold_them(number: int, raw_type: int, raw: bytes, value: Value) -> None:
    element = Element(number, raw_type, raw)
    assert (element.value, type(element.value), element.note) == (value, type(value), "")


@pytest.mark.parametrize(
    ("number", "raw"),
    [
        (0x25000004, b""),
        (0x25000004, bytes(9)),
        (0x16000009, b""),
        (0x17000077, bytes(7)),
        (0x11000001, bytes(20)),
        (0x12000004, b"a"),
        (0x23000003, "{default}\0".encode("utf-16-le")),
        (0x23000003, "{zzzzzzzz-5cdd-4e70-acc1-f32b344d4795}\0".encode("utf-16-le")),
        (0x24000001, "nonsense\0\0".encode("utf-16-le")),
        (0x28000001, b"\x01"),
        (0xFFFFFFFF, b"\x01"),
    ],
)
def test_what_cannot_be_decoded_stays_raw_with_a_note(number: int, raw: bytes) -> None:
    element = Element(number, 3, raw)
    assert element.value == raw
    assert f"{number:08x}" in element.note
    assert str(element)


values = {
    ElementFormat.STRING: st.text(st.characters(exclude_characters="\0"), max_size=50),
    ElementFormat.OBJECT: st.uuids(),
    ElementFormat.OBJECT_LIST: st.lists(st.uuids(), max_size=5),
    ElementFormat.INTEGER: st.integers(0, 2**64 - 1),
    ElementFormat.BOOLEAN: st.booleans(),
    ElementFormat.INTEGER_LIST: st.lists(st.integers(0, 2**64 - 1), max_size=5),
}


@given(
    st.sampled_from(sorted(values)).flatmap(lambda kind: st.tuples(st.just(kind), values[kind])),
    st.integers(0, 0xFFFFFF),
)
def test_every_value_comes_back(chosen: tuple[ElementFormat, Value], low: int) -> None:
    kind, value = chosen
    number = 0x20000000 | kind << 24 | low
    raw_type, raw = encode_value(number, value)
    element = Element(number, raw_type, raw)
    assert element.value == value
    assert type(element.value) is type(value)


@given(st.integers(0, 0xFFFFFFFF), st.binary(max_size=100))
def test_any_bytes_decode_or_stay(number: int, raw: bytes) -> None:
    element = Element(number, ValueType.BINARY, raw)
    assert bool(element.note) <= (element.value == raw)
    assert str(element)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (0x25000004, True),
        (0x25000004, -1),
        (0x25000004, 2**64),
        (0x25000004, "30"),
        (0x16000009, 1),
        (0x12000004, "a\0b"),
        (0x12000004, b"raw"),
        (0x23000003, "{bootmgr}"),
        (0x24000001, ["{bootmgr}"]),
        (0x17000077, [True]),
        (0x11000001, 5),
        (0x28000001, 5),
    ],
)
def test_a_value_that_does_not_fit_is_refused(number: int, value: Value) -> None:
    with pytest.raises(Misuse, match=f"{number:08x}"):
        encode_value(number, value)


def test_elements_print_as_bcdedit_shows_them() -> None:
    assert str(Element(0x25000020, 3, bytes(8), LOADER)) == "nx OptIn"
    assert str(Element(0x25000004, 3, b"\x1e", MANAGER)) == "timeout 30"
    assert str(Element(0x16000020, 3, b"\0", ObjectType.SETTINGS)) == "bootems No"
    assert Element(0x25000080, 3, b"\x01", LOADER).word == "Network"
    assert Element(0x16000009, 3, b"\x01", LOADER).word is None


@pytest.mark.data
def test_all_but_one_id_of_31_real_stores_have_a_name() -> None:
    nameless = set()
    for dump in need("bcd").glob("*/BCD.dissect.json"):
        for found in json.loads(dump.read_text())["objects"].values():
            names = {number: element_name(int(number, 16), int(found["type"], 16)) for number in found["elements"]}
            nameless |= {number for number, name in names.items() if name.startswith("custom:")}
    assert nameless == {"21000026"}
