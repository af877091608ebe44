"""Which drivers must be loaded at boot: by what the boot disk hangs on, on Hyper-V and elsewhere."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import pytest
from lab_folder import lab_folder
from lab_machines import trust
from one_rule import DISK_DRIVE, SCSI_ADAPTER, SET, after, ask, device, number, other_hardware, physical, said, text
from sample_data import unpacked
from strange_machines import DRIVERS, Strange, strange

from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.findings import Confidence, Severity
from bootmend.formats.hive import Hive, HiveEditor, ValueType, sz
from bootmend.formats.hive.lists import value_offsets
from bootmend.lab.machine import LabMachine, create
from bootmend.volumes.partitions import read_partitions

RULE = "boot_driver_start"
SERVICES = f"{SET}\\Services"


def start(name: str, value: int | None) -> object:
    def change(editor: HiveEditor) -> None:
        if value is None:
            editor.delete_value(f"{SERVICES}\\{name}", "Start")
        else:
            number(editor, f"{SERVICES}\\{name}", "Start", value)

    return change


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("ACPI", 0, False),
        ("ACPI", 3, True),
        ("disk", 1, True),
        ("disk", 4, True),
        ("volmgr", None, True),
        ("volmgr", 0, False),
        ("mountmgr", 2, True),
        ("partmgr", 1, False),
        ("partmgr", 3, True),
        ("volsnap", 1, False),
        ("volsnap", 3, False),
        ("volsnap", 4, True),
        ("vmbus", 3, True),
        ("storvsc", 3, True),
        ("storvsc", 0xFFFFFFFF, True),
        ("fvevol", 4, False),
        ("storahci", 4, False),
        ("intelide", 3, False),
        ("atapi", 4, False),
    ],
)
def test_a_start_value_both_ways(name: str, value: int | None, wrong: bool) -> None:
    with after(start(name, value)) as odd:
        assert said(odd, RULE) == ([(name.lower(), "cause")] if wrong else [])


def test_a_start_of_another_type_is_no_start() -> None:
    def change(editor: HiveEditor) -> None:
        editor.set_value(f"{SERVICES}\\disk", "Start", ValueType.SZ, sz("0"))

    with after(change) as odd:
        assert said(odd, RULE) == [("disk", "cause")]


def test_pci_matters_where_there_is_such_a_bus() -> None:
    with after(start("pci", 3), 2) as odd:
        assert said(odd, RULE) == [("pci", "risk")]
        assert ask(odd, RULE)[0].prediction is None
    with after(start("pci", 3), 1) as odd:
        assert said(odd, RULE) == [("pci", "cause")]

    def change(editor: HiveEditor) -> None:
        number(editor, f"{SERVICES}\\pci", "Start", 3)
        device(editor, "ACPI\\PNP0A08\\0", "pci", "{4d36e97d-e325-11ce-bfc1-08002be10318}")

    with after(change) as odd:
        assert said(odd, RULE) == [("pci", "cause")]


@pytest.mark.parametrize(
    ("filtered", "driven", "start", "expected"),
    [
        (True, False, 4, "cause"),
        (False, True, 4, "cause"),
        (False, False, 4, "risk"),
        (True, False, None, "cause"),
        (False, False, None, None),
    ],
)
def test_volsnap_matters_where_volumes_name_it(
    filtered: bool, driven: bool, start: int | None, expected: str | None
) -> None:
    """On Windows 8.1 and before it drives them, later it filters them; a small edition has none."""

    def change(editor: HiveEditor) -> None:
        if not filtered:
            editor.delete_value(f"{SET}\\Control\\Class\\{{71a27cdd-812a-11d0-bec7-08002be2092f}}", "UpperFilters")
        if driven:
            device(editor, "STORAGE\\Volume\\{aaaa}#0000000000100000", "volsnap", "")
        if start is None:
            editor.delete_key(f"{SERVICES}\\volsnap")
        else:
            number(editor, f"{SERVICES}\\volsnap", "Start", start)

    with after(change) as odd:
        assert said(odd, RULE) == ([("volsnap", expected)] if expected else [])


@pytest.mark.parametrize(("value", "flags", "wrong"), [(0, 0, False), (3, 0, True), (3, 0x14, False), (4, 0x14, True)])
def test_the_adapter_of_a_physical_machine(value: int, flags: int, wrong: bool) -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor)
        number(editor, f"{SERVICES}\\storahci", "Start", value)
        if flags:
            number(editor, f"{SERVICES}\\storahci", "BootFlags", flags)

    with after(change) as odd:
        found = ask(odd, RULE)
        assert [(one.subject, one.severity) for one in found] == ([("storahci", Severity.CAUSE)] if wrong else [])
        for one in found:
            assert one.prediction is not None
            assert (one.prediction.stop, one.prediction.confidence) == (0x7B, Confidence.HIGH)
            assert any("DEV_2829" in seen.where and "Ven_ATA" in seen.what for seen in one.evidence)


def test_a_third_party_adapter_is_no_other() -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor, driver="labraid")
        number(editor, f"{SERVICES}\\labraid", "Start", 3)
        number(editor, f"{SERVICES}\\labraid", "Type", 1)

    with after(change) as odd:
        assert said(odd, RULE) == [("labraid", "cause")]


def test_on_a_physical_machine_hyper_v_is_none_of_its_business() -> None:
    def change(editor: HiveEditor, value: int) -> None:
        physical(editor)
        number(editor, f"{SERVICES}\\storvsc", "Start", value)
        number(editor, f"{SERVICES}\\vmbus", "Start", value)

    with after(lambda editor: change(editor, 3)) as odd:
        assert said(odd, RULE) == []
    with after(lambda editor: change(editor, 4)) as odd:
        assert said(odd, RULE) == [("vmbus", "note"), ("storvsc", "note")]


def test_one_way_that_is_open_is_enough() -> None:
    def change(editor: HiveEditor, offset: int | None) -> None:
        physical(editor, driver="stornvme")
        number(editor, f"{SERVICES}\\storahci", "Start", 4)
        device(editor, "PCI\\VEN_8086&DEV_0001\\3&267a616a&2&70", "storahci", SCSI_ADAPTER, "4&11111111&0")
        old = device(editor, "SCSI\\Disk&Ven_OLD\\4&11111111&0&000000", "disk", DISK_DRIVE)
        if offset is not None:
            text(editor, f"{old}\\Device Parameters\\Partmgr", "DiskId", "{aaaa}")
            device(editor, f"STORAGE\\Volume\\{{aaaa}}#{offset:016X}", "volsnap", "")

    with after(lambda editor: change(editor, None)) as odd:
        assert said(odd, RULE) == []
        odd.hive(lambda editor: number(editor, f"{SERVICES}\\disk", "Start", 4))
        assert said(odd, RULE) == [("disk", "cause")]
    with strange() as odd:
        begins = _windows_volume(odd)
        odd.hive(lambda editor: change(editor, begins))
        assert said(odd, RULE) == [("storahci", "cause")]
    with after(lambda editor: change(editor, 512)) as odd:
        assert said(odd, RULE) == []


def _windows_volume(odd: Strange) -> int:
    return next(p.start for p in read_partitions(odd.disk).partitions if p.number == odd.number)


def test_a_usb_disk_is_no_boot_disk_beside_another() -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor)
        number(editor, f"{SERVICES}\\storahci", "Start", 4)
        device(editor, "USBSTOR\\Disk&Ven_HP\\AA951D&0", "disk", DISK_DRIVE)
        device(editor, "USB\\VID_1\\7&1", "UASPStor", SCSI_ADAPTER, "8&1&0")
        device(editor, "SCSI\\Disk&Ven_USB\\8&1&0&000000", "disk", DISK_DRIVE)

    with after(change) as odd:
        assert said(odd, RULE) == [("storahci", "cause")]


@pytest.mark.parametrize("devices", ["none", "a disk that hangs on nothing known"])
def test_an_image_without_devices_is_not_judged_by_its_adapters(devices: str) -> None:
    def change(editor: HiveEditor) -> None:
        other_hardware(editor)
        if devices != "none":
            device(editor, "SCSI\\Disk&Ven_X\\9&0&0", "disk", DISK_DRIVE)
        for name in ("storahci", "stornvme", "pciide"):
            number(editor, f"{SERVICES}\\{name}", "Start", 4)

    with after(change) as odd:
        assert said(odd, RULE) == []


def test_a_missing_service_is_made_anew_or_copied_or_left() -> None:
    def gone(*names: str) -> object:
        return lambda editor: [editor.delete_key(f"{SERVICES}\\{name}") for name in names]

    with after(gone("disk", "volmgr", "partmgr", "pci"), 1) as odd:
        assert {subject for subject, _ in said(odd, RULE)} == {"disk", "volmgr", "partmgr", "pci"}
        odd.mended()
        odd.volume(lambda files: files.delete(f"{DRIVERS}\\disk.sys"))
        left = next(one for one in ask(odd, RULE) if one.subject == "disk")
        assert left.actions == ()
        assert "disk.sys" in left.skipped[0].reason
    with after(gone("mountmgr")) as odd:
        (found,) = ask(odd, RULE)
        assert (found.actions, len(found.skipped)) == ((), 1)

        def other_set(editor: HiveEditor) -> None:
            text(editor, "ControlSet002\\Services\\mountmgr", "ImagePath", "System32\\drivers\\mountmgr.sys")
            number(editor, "ControlSet002\\Services\\mountmgr", "Start", 4)
            number(editor, "ControlSet002\\Services\\mountmgr", "Type", 1)

        odd.hive(other_set)
        odd.mended()


def test_only_the_set_that_boots_counts_and_changes() -> None:
    def change(editor: HiveEditor) -> None:
        number(editor, "ControlSet002\\Services\\disk", "Start", 4)

    with after(change) as odd:
        assert said(odd, RULE) == []
        odd.hive(lambda editor: number(editor, f"{SERVICES}\\disk", "Start", 4))
        actions = ask(odd, RULE)[0].actions
        assert [action.target.split("SYSTEM\\")[-1] for action in actions] == [f"{SERVICES}\\disk: Start"]


@cache
def grown(hive: str) -> LabMachine:
    """A machine around a real hive, made once a test process."""
    file = lab_folder() / f"starts-{Path(hive).stem}"
    file.write_bytes(unpacked(f"hives/system/{hive}.SYSTEM.xz"))
    return create(lab_folder() / f"starts-{hive}.vhd", generation=1, system_hive=file, catalogs=20)


@pytest.mark.data
@pytest.mark.parametrize(
    ("hive", "driver"), [("win7-clean", "LSI_SAS"), ("win7-clean", "pci"), ("win81-dirty-nologs", "storahci")]
)
def test_real_hives_are_silent_until_their_own_adapter_is_disabled(hive: str, driver: str) -> None:
    machine = grown(hive)
    with open_disk(str(machine.path)) as disk:
        odd = Strange(Overlay(disk), trust(machine), machine.manifest.windows_partition, machine.manifest)
        assert ask(odd, RULE) == []
        system = odd.read("\\Windows\\System32\\config\\SYSTEM")
        changed = _with_start(system, driver)
        odd.volume(lambda files: files.write_in_place("\\Windows\\System32\\config\\SYSTEM", 0, changed))
        assert said(odd, RULE) == [(driver.lower(), "cause")]


def _with_start(system: bytes, driver: str) -> bytes:
    """The hive with Start 4 in that service, written where the number lies: a dirty hive takes no other edit."""
    hive = Hive.parse(system, "SYSTEM")
    service = hive.key(f"{SERVICES}\\{driver}")
    assert service is not None
    for cell in value_offsets(hive.cells, service.node, lambda _: True, lambda _: None):
        if hive.cells.value(cell)[1] == "Start":
            # hive bins begin at 4096; a cell's size takes 4 bytes, and 8 bytes on stands a value's small data.
            at = 4096 + cell + 4 + 8
            return system[:at] + struct.pack("<I", 4) + system[at + 4 :]
    raise AssertionError(f"{driver} has no Start")
