"""What no start does without, whatever its ErrorControl says; and what Windows does not load at all."""

from __future__ import annotations

import struct

import pytest
from one_look import look
from one_rule import SCSI_ADAPTER, SET, after, device, number, physical, strings
from strange_machines import DRIVERS, Strange, strange

from bootmend.findings import Screen, Severity
from bootmend.formats.hive import HiveEditor, ValueType, multi_sz
from bootmend.windows.service import Service


def gone(odd: Strange, name: str) -> None:
    odd.volume(lambda files: files.delete(f"{DRIVERS}\\{name}"))


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("name", ["disk.sys", "storvsc.sys", "vmbus.sys"])
def test_a_driver_that_the_boot_disk_hangs_on(name: str, generation: int) -> None:
    with strange(generation) as odd:
        gone(odd, name)
        (cause,) = odd.diagnose().causes
        assert (cause.rule, cause.subject) == ("driver_missing", name)
        assert cause.prediction is not None
        assert cause.prediction.stop == 0x7B
        odd.mended()


def test_one_that_only_some_ways_lead_over_is_not_missed() -> None:
    """A machine that was on two kinds of hardware: it has one whole way left."""

    def change(editor: HiveEditor) -> None:
        physical(editor)
        number(editor, f"{SET}\\Services\\storahci\\StartOverride", "0", 0)
        number(editor, f"{SET}\\Services\\stornvme", "ErrorControl", 1)
        device(editor, "PCI\\VEN_8086&DEV_0A54\\3&267a616a&2&70", "stornvme", SCSI_ADAPTER, "4&1111111&0")
        device(
            editor,
            "SCSI\\Disk&Ven_NVMe&Prod_DISK\\4&1111111&0&000000",
            "disk",
            "{4d36e967-e325-11ce-bfc1-08002be10318}",
        )

    with after(change) as odd:
        gone(odd, "stornvme.sys")
        assert odd.diagnose().causes == []


@pytest.mark.parametrize("start", [0, 1, 3])
def test_the_file_system_of_the_boot_volume_whatever_its_start(start: int) -> None:
    with strange() as odd:
        odd.service("Ntfs", Start=start)
        assert odd.diagnose().findings == []
        odd.damage(f"{DRIVERS}\\ntfs.sys")
        (cause,) = odd.diagnose().causes
        assert (cause.rule, cause.subject.lower()) == ("driver_damaged", "ntfs.sys")
        assert cause.prediction is not None
        assert cause.prediction.screen is Screen.BOOT_MANAGER


@pytest.mark.parametrize(("override", "speaks"), [(3, False), (4, False), (0, True), (1, True), (None, True)])
def test_a_driver_that_windows_turned_off_for_this_hardware_is_not_loaded(override: int | None, speaks: bool) -> None:
    def change(editor: HiveEditor) -> None:
        key = f"{SET}\\Services\\atapi\\StartOverride"
        if override is None:
            editor.delete_key(key)
        else:
            number(editor, key, "0", override)

    with after(change) as odd:
        gone(odd, "atapi.sys")  # Start 0, ErrorControl 3
        assert [one.subject for one in odd.diagnose().causes] == (["atapi.sys"] if speaks else [])


def test_before_windows_8_nothing_is_turned_off() -> None:
    with strange() as odd:
        turned_off = look(odd, lambda windows: windows.boot_disk.turned_off("atapi"))
        assert turned_off
        odd.hive(
            lambda editor: editor.set_value(
                "Microsoft\\Windows NT\\CurrentVersion",
                "CurrentBuildNumber",
                ValueType.SZ,
                "7601\0".encode("utf-16-le"),
            ),
            "\\Windows\\System32\\config\\SOFTWARE",
        )
        assert not look(odd, lambda windows: windows.boot_disk.turned_off("atapi"))


def test_a_filter_of_all_disks_that_is_refused() -> None:
    with strange() as odd:
        odd.damage(f"{DRIVERS}\\iorate.sys")  # a lower filter of DiskDrive, ErrorControl 1
        (cause,) = odd.diagnose().causes
        assert (cause.rule, cause.subject) == ("driver_damaged", "iorate.sys")
        assert cause.prediction is not None
        assert cause.prediction.stop == 0x7B


def test_the_same_driver_where_no_disk_is_filtered_by_it_is_a_risk() -> None:
    def change(editor: HiveEditor) -> None:
        for guid in ("{4d36e967-e325-11ce-bfc1-08002be10318}", "{71a27cdd-812a-11d0-bec7-08002be2092f}"):
            key = f"{SET}\\Control\\Class\\{guid}"
            strings(editor, key, "LowerFilters", "fvevol", "rdyboost")
            strings(editor, key, "UpperFilters", "volsnap" if guid.startswith("{71") else "partmgr")

    with after(change) as odd:
        odd.damage(f"{DRIVERS}\\iorate.sys")
        (found,) = odd.diagnose().findings
        assert (found.rule, found.severity) == ("driver_damaged", Severity.RISK)


@pytest.mark.parametrize(("group", "stops"), [("A group that nobody is in", False), ("fsfilter infrastructure", True)])
def test_a_driver_that_waits_for_a_group_without_drivers_is_not_loaded(group: str, stops: bool) -> None:
    def change(editor: HiveEditor) -> None:
        key = f"{SET}\\Services\\filecrypt"
        editor.set_value(key, "DependOnGroup", ValueType.MULTI_SZ, multi_sz([group]))

    with after(change) as odd:
        assert odd.diagnose().findings == []
        odd.damage(f"{DRIVERS}\\filecrypt.sys")
        (found,) = odd.diagnose().findings
        assert found.severity is (Severity.CAUSE if stops else Severity.RISK)
        assert any("DependOnGroup" in one.what for one in found.evidence) is not stops


def test_what_depends_on_services_keeps_its_place() -> None:
    """DependOnService does not apply to drivers that load at boot."""

    def order(odd: Strange) -> list[Service]:
        return look(odd, lambda windows: list(windows.boot_drivers))

    with strange() as odd:
        before = order(odd)
        odd.hive(
            lambda editor: editor.set_value(
                f"{SET}\\Services\\ACPI", "DependOnService", ValueType.MULTI_SZ, multi_sz([before[-1].name, "nobody"])
            )
        )
        assert [one.name for one in order(odd)] == [one.name for one in before]
        odd.hive(
            lambda editor: editor.set_value(f"{SET}\\Services\\ACPI", "Tag", ValueType.DWORD, struct.pack("<I", 999))
        )
        assert [one.name for one in order(odd)] != [one.name for one in before]
