"""Where a driver's file stands, by every way Windows writes an ImagePath, and in which order drivers load."""

from __future__ import annotations

import struct

import pytest

from bootmend.formats.hive import Hive, HiveEditor, ValueType, multi_sz, new_hive
from bootmend.windows.loadorder import LoadOrder, tag_order
from bootmend.windows.service import Location, Service, locate_image, read_service

LETTERS = {"C:": 4, "D:": 5}


def service(name: str = "x", image: str = "", start: int = 1, group: str = "", tag: int | None = None) -> Service:
    return Service(name, f"ControlSet001\\Services\\{name}", start, 1, 1, group, tag, image)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("", Location(4, "\\Windows\\System32\\drivers\\x.sys")),
        ("System32\\drivers\\a.sys", Location(4, "\\Windows\\System32\\drivers\\a.sys")),
        ("system32/drivers/a.sys", Location(4, "\\Windows\\system32\\drivers\\a.sys")),
        ("\\SystemRoot\\System32\\drivers\\a.sys", Location(4, "\\Windows\\System32\\drivers\\a.sys")),
        ("\\systemroot\\system32\\a.sys", Location(4, "\\Windows\\system32\\a.sys")),
        ("%SystemRoot%\\a.sys", Location(4, "\\Windows\\a.sys")),
        ("%SystemDrive%\\Tools\\a.sys", Location(4, "\\Tools\\a.sys")),
        ("\\??\\C:\\Program Files\\v\\a.sys", Location(4, "\\Program Files\\v\\a.sys")),
        ("\\??\\D:\\a.sys", Location(5, "\\a.sys")),
        ("\\??\\E:\\a.sys", Location(None, "\\a.sys")),
        ('"C:\\Windows\\a.sys"', Location(4, "\\Windows\\a.sys")),
        ("\\DosDevices\\c:\\a.sys", Location(4, "\\a.sys")),
        ("\\Drivers\\a.sys", Location(4, "\\Drivers\\a.sys")),
        ("\\\\server\\share\\a.sys", Location(None, "\\\\server\\share\\a.sys")),
        ("\\??\\UNC\\server\\share\\a.sys", Location(None, "UNC\\server\\share\\a.sys")),
        ("%ProgramFiles%\\v\\a.sys", Location(None, "%ProgramFiles%\\v\\a.sys")),
        ("%WinDir%\\a.sys", Location(4, "\\Windows\\a.sys")),
        ("\\SystemRoot\\..\\v\\a.sys", Location(None, "\\SystemRoot\\..\\v\\a.sys")),
        ("..\\a.sys", Location(None, "..\\a.sys")),
        ("C:\\v\\..x\\a.b.sys", Location(4, "\\v\\..x\\a.b.sys")),
    ],
)
def test_locate_image(image: str, expected: Location) -> None:
    assert locate_image(service(image=image), 4, "\\Windows", LETTERS) == expected


def grown_hive() -> Hive:
    editor = HiveEditor(new_hive("ROOT"), "SYSTEM")
    dword = ValueType.DWORD
    editor.create_key("Control\\ServiceGroupOrder")
    editor.set_value("Control\\ServiceGroupOrder", "List", ValueType.MULTI_SZ, multi_sz(["First", "Second"]))
    editor.create_key("Control\\GroupOrderList")
    editor.set_value("Control\\GroupOrderList", "Second", ValueType.BINARY, struct.pack("<4I", 3, 7, 2, 9))
    for name, start, group, tag in [
        ("late", 1, "", None),
        ("alpha", 1, "second", 9),
        ("beta", 1, "Second", 2),
        ("gamma", 1, "SECOND", 7),
        ("delta", 1, "Second", None),
        ("early", 1, "First", None),
        ("boot", 0, "", None),
    ]:
        path = f"Services\\{name}"
        editor.create_key(path)
        editor.set_value(path, "Start", dword, struct.pack("<I", start))
        editor.set_value(path, "Type", dword, struct.pack("<I", 1))
        if group:
            editor.set_value(path, "Group", ValueType.SZ, group.encode("utf-16-le") + b"\0\0")
        if tag is not None:
            editor.set_value(path, "Tag", dword, struct.pack("<I", tag))
    return Hive.parse(editor.finish(), "SYSTEM")


def test_load_order_by_start_group_and_tag() -> None:
    hive = grown_hive()
    control, services = hive.key("Control"), hive.key("Services")
    assert control is not None
    assert services is not None
    found = [read_service(key, f"Services\\{key.name}") for key in services.subkeys()]
    order = [item.name for item in LoadOrder(control).sort(found)]
    assert order == ["boot", "early", "gamma", "beta", "alpha", "delta", "late"]


def test_a_tag_list_longer_than_its_data_is_cut() -> None:
    assert tag_order(struct.pack("<3I", 4_000_000_000, 5, 6), "x") == [5, 6]
    assert tag_order(b"\1", "x") == []


def test_a_service_without_values_is_told_as_it_is() -> None:
    editor = HiveEditor(new_hive("ROOT"), "SYSTEM")
    editor.create_key("Services\\bare")
    key = Hive.parse(editor.finish(), "SYSTEM").key("Services\\bare")
    assert key is not None
    found = read_service(key, "Services\\bare")
    assert (found.start, found.type, found.error_control, found.image_path) == (None, 0, 1, "")
    assert not found.is_driver
    assert not found.loads_at_boot
