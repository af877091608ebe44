"""Filters of single devices: on the way to the boot disk, on a bus, beside it."""

from __future__ import annotations

import pytest
from one_rule import DISK_DRIVE, SCSI_ADAPTER, SET, after, ask, device, physical, said, strings

from bootmend.actions.registry import DeleteValue
from bootmend.formats.hive import HiveEditor

RULE = "instance_filters"
ENUM = f"{SET}\\Enum"


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("SCSI\\Disk&Ven_ATA&Prod_DISK\\4&8f5d389&0&000000", "cause"),
        ("PCI\\VEN_8086&DEV_2829\\3&267a616a&2&68", "cause"),
        ("ACPI\\PNP0A08\\2&daba3ff&1", "cause"),
        ("ACPI\\PNP0C0E\\1", None),
        ("PCI\\VEN_10DE&DEV_0001\\3&267a616a&2&90", None),
    ],
)
@pytest.mark.parametrize("kind", ["UpperFilters", "LowerFilters"])
def test_where_the_device_stands_decides(path: str, severity: str | None, kind: str) -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor)
        strings(editor, f"{ENUM}\\{path}", kind, "gone")

    with after(change) as odd:
        assert said(odd, RULE) == ([("gone", severity)] if severity else [])
        if severity:
            assert [type(action) for action in ask(odd, RULE)[0].actions] == [DeleteValue]
            odd.mended()


def test_a_sound_filter_of_windows_is_nothing() -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor)
        strings(editor, f"{ENUM}\\PCI\\VEN_8086&DEV_2829\\3&267a616a&2&68", "LowerFilters", "iorate")

    with after(change) as odd:
        assert said(odd, RULE) == []


def test_a_foreign_one_that_loads_is_only_noted() -> None:
    def change(editor: HiveEditor) -> None:
        strings(editor, f"{ENUM}\\ACPI\\VMBus\\0", "UpperFilters", "labbackup")

    with after(change) as odd:
        (found,) = ask(odd, RULE)
        assert (found.subject, found.severity.value) == ("labbackup.sys", "note")
        assert found.actions == ()


def test_one_of_two_buses_is_a_risk() -> None:
    """An older name of Hyper-V's bus may be left over: the newer one is without the filter."""
    with after(lambda editor: strings(editor, f"{ENUM}\\ACPI\\VMBus\\0", "UpperFilters", "gone")) as odd:
        assert said(odd, RULE) == [("gone", "risk")]


def test_one_of_two_ways_is_a_risk() -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor)
        device(editor, "PCI\\VEN_8086&DEV_0001\\3&267a616a&2&70", "stornvme", SCSI_ADAPTER, "4&11111111&0")
        device(editor, "SCSI\\Disk&Ven_OTHER\\4&11111111&0&000000", "disk", DISK_DRIVE)
        strings(editor, f"{ENUM}\\SCSI\\Disk&Ven_OTHER\\4&11111111&0&000000", "LowerFilters", "gone")

    with after(change) as odd:
        assert said(odd, RULE) == [("gone", "risk")]
        odd.hive(
            lambda editor: strings(
                editor, f"{ENUM}\\SCSI\\Disk&Ven_ATA&Prod_DISK\\4&8f5d389&0&000000", "LowerFilters", "gone"
            )
        )
        assert said(odd, RULE) == [("gone", "cause")]
