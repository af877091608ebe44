"""Reading stores: 31 real ones against an independent reader's dump, and what is no store."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from bounded_work import bounded_work
from sample_data import data_folder, need

from bootmend.errors import ParseError
from bootmend.formats.bcd import WELL_KNOWN, BcdObject, Element, ElementFormat, MbrPartition, ObjectType, Store
from bootmend.formats.bcd.store import INHERIT
from bootmend.formats.hive import HiveEditor, multi_sz, new_hive, sz
from bootmend.lab.bcd_maker import make_bcd

FOLDER = data_folder()
REAL = sorted(path.parent.name for path in (FOLDER or Path("/nonexistent")).glob("bcd/*/BCD"))


def as_text(element: Element) -> list[object]:
    """An element as the dump shows it: registry type, and hexadecimal, text or a list of texts."""
    value = element.value
    if element.format == ElementFormat.STRING:
        return [element.raw_type, value]
    if element.format == ElementFormat.OBJECT and isinstance(value, UUID):
        return [element.raw_type, f"{{{value}}}"]
    if element.format == ElementFormat.OBJECT_LIST and isinstance(value, list):
        return [element.raw_type, [f"{{{item}}}" for item in value]]
    return [element.raw_type, element.raw.hex()]


def test_the_real_stores_are_here_or_nothing_is_proved() -> None:
    need("bcd")
    assert len(REAL) == 31


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_every_object_and_element_is_as_an_independent_reader_sees_it(name: str) -> None:
    folder = need(f"bcd/{name}")
    store = Store.parse((folder / "BCD").read_bytes(), name)
    dump = json.loads((folder / "BCD.dissect.json").read_text())
    assert store.root_name == dump["root"]
    assert store.warnings == []
    assert {f"{{{object_id}}}" for object_id in store.objects} == {key.lower() for key in dump["objects"]}
    for key, expected in dump["objects"].items():
        found = store.objects[UUID(key)]
        assert found.type == int(expected["type"], 16)
        mine = {f"{number:08x}": as_text(element) for number, element in found.elements.items()}
        assert mine == {number.lower(): data for number, data in expected["elements"].items()}
        assert [element.note for element in found.elements.values() if element.note] == []
        extra = [[value.name, value.type, value.data.hex()] for value in found.description if value.name != "Type"]
        assert extra == expected["desc_values"]


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_the_entry_that_boots_is_found(name: str) -> None:
    store = Store.parse((need(f"bcd/{name}") / "BCD").read_bytes(), name)
    if name == "template-nover-1":
        assert store.default is not None
        assert store.default.title == ""
        assert store.display_order == []
        return
    default = store.default
    assert default is not None
    assert default.type == ObjectType.OS_LOADER
    assert default in store.loaders
    assert store.object("{default}") is default
    assert store.display_order[0] == default.id
    path = store.setting(default, "path")
    assert path is not None
    assert str(path.value).lower().rsplit("\\", 1)[-1] in ("winload.exe", "winload.efi")


@pytest.mark.data
def test_inherited_settings_come_from_the_settings_objects() -> None:
    store = Store.parse((need("bcd/uefi-b19041-5") / "BCD").read_bytes(), "BCD")
    default = store.default
    assert default is not None
    assert default.element("debugtype") is None
    found = store.setting(default, "debugtype")
    assert found is not None
    assert (found.value, found.word) == (4, "Local")
    speed = store.setting(default, "hypervisorbaudrate")
    assert speed is not None
    assert speed.value == 115200
    manager = store.object("{BOOTMGR}")
    assert manager is store.boot_manager is store.object(str(WELL_KNOWN["bootmgr"]).upper())
    assert manager is not None
    assert store.setting(manager, "bootems") is not None
    assert store.setting(manager, "hypervisorbaudrate") is None
    assert store.object("nonsense") is None


def made(number: int, *parents: int, **own: int) -> BcdObject:
    elements = {INHERIT: Element(INHERIT, 7, multi_sz([f"{{{UUID(int=parent)}}}" for parent in parents]))}
    for name, value in own.items():
        elements[int(name[1:], 16)] = Element(int(name[1:], 16), 3, bytes([value]))
    return BcdObject(UUID(int=number), ObjectType.OS_LOADER, elements, ())


def test_inheritance_prefers_the_nearest_and_survives_circles() -> None:
    objects = [
        made(1, 2, 3, e25000001=1),
        made(2, 4, 1, 99, e25000001=2, e25000002=2),
        made(3, 3, e25000002=3, e25000003=3),
        made(4, 2, e25000002=4, e25000003=4, e25000004=4),
    ]
    store = Store("BCD", "root", {found.id: found for found in objects}, (), False)
    effective = store.inherited(objects[0])
    assert [effective[number].value for number in range(0x25000001, 0x25000005)] == [1, 2, 4, 4]


@pytest.mark.data
@pytest.mark.parametrize("name", ["special", "minimal"])
def test_a_hive_that_is_no_store_is_named_as_such(name: str) -> None:
    with pytest.raises(ParseError, match="a BCD store with a key Objects, found a hive with"):
        Store.parse(need(f"hives/odd/{name}").read_bytes(), name)


def edited(*steps: tuple[str, str, int, bytes]) -> Store:
    """The lab's store with values set (and their keys made) behind the store's back."""
    place = MbrPartition(0x100000, 1)
    hive = HiveEditor(make_bcd(1, system_partition=place, windows_partition=place), "BCD")
    for path, name, raw_type, data in steps:
        hive.create_key(path)
        if name:
            hive.set_value(path, name, raw_type, data)
    return Store.parse(hive.finish(), "BCD")


def test_odd_objects_and_elements_are_left_out_and_named() -> None:
    plain = edited()
    bare = r"Objects\{deadbeef-0000-4000-8000-000000000001}"
    store = edited(
        (r"Objects\{Default}\Elements\12000004", "Element", 1, b"x\0\0\0"),
        (r"Objects\{deadbeef-0000-4000-8000-00000000000z}", "", 0, b""),
        (rf"{bare}\Elements\12000004", "Element", 1, "Ω\0".encode("utf-16-le")),
        (rf"{bare}\Elements\nonsense", "Element", 1, b""),
        (rf"{bare}\Elements\12000005", "Other", 1, b""),
    )
    found = store.object("{DEADBEEF-0000-4000-8000-000000000001}")
    assert found is not None
    assert (found.type, found.title, list(found.elements)) == (0, "Ω", [0x12000004])
    assert set(store.objects) - set(plain.objects) == {found.id}
    assert sorted(warning.split(": ")[1] for warning in store.warnings) == [
        "no type in its Description",
        "no value Element",
        "the name is no GUID in braces",
        "the name is no GUID in braces",
        "the name is not 8 hexadecimal digits",
    ]


def test_a_default_that_dangles_is_named_but_not_found() -> None:
    manager = rf"Objects\{{{WELL_KNOWN['bootmgr']}}}\Elements"
    gone = UUID("deadbeef-0000-4000-8000-000000000002")
    store = edited((rf"{manager}\23000003", "Element", 1, sz(f"{{{gone}}}")))
    assert (store.default_id, store.default, store.object("{default}")) == (gone, None, None)
    store = edited((rf"{manager}\23000003", "Element", 1, sz("no guid")), (rf"{manager}\24000001", "Element", 1, b""))
    assert (store.default_id, store.default, store.display_order) == (None, None, [])


def test_an_empty_store_is_a_store_and_other_objects_are_not() -> None:
    hive = HiveEditor(new_hive("NewStoreRoot", minor=3), "BCD")
    hive.create_key("Objects")
    assert Store.parse(hive.finish(), "BCD").objects == {}
    hive.create_key(r"Objects\Chair")
    with pytest.raises(ParseError, match="objects named by GUIDs, found 'Chair'"):
        Store.parse(hive.finish(), "BCD")


def test_a_list_of_100000_equal_parents_is_walked_once() -> None:
    many = made(1, *[2] * 100_000)
    store = Store("BCD", "root", {found.id: found for found in (many, made(2, e25000001=2))}, (), False)
    with bounded_work(calls=5_000_000):
        assert store.inherited(many)[0x25000001].value == 2


def test_no_hive_is_no_store() -> None:
    for data in (b"", b"regf" + bytes(4092), bytes(8192)):
        with pytest.raises(ParseError):
            Store.parse(data, "nothing")
