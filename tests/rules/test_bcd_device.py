"""Devices of the default entry: what leads here, what is found at boot, and what may mean another disk."""

from __future__ import annotations

from uuid import UUID

import pytest
from sample_data import need
from store_changes import ask, change_store, drop, put, view_store
from strange_machines import SYSTEM, Strange, strange

from bootmend.findings import Safety, Severity
from bootmend.formats.bcd import (
    BcdObject,
    BootDevice,
    Device,
    FileDevice,
    GptPartition,
    LocateDevice,
    MbrPartition,
    StoreEditor,
    VhdPartition,
    element_id,
    partition_of,
)
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.desk import Desk
from bootmend.windows.image import Image

ELSEWHERE = GptPartition(UUID(int=1 << 64), UUID(int=2 << 64))


def devices(odd: Strange, *settings: tuple[str, Device]) -> None:
    def change(editor: StoreEditor, _: object, entry: BcdObject) -> None:
        for name, device in settings:
            put(editor, entry, name, device)

    change_store(odd, change)


@pytest.mark.parametrize("generation", [1, 2])
def test_healthy(generation: int) -> None:
    with strange(generation) as odd:
        assert ask(odd, "bcd_device") == []


@pytest.mark.parametrize(
    "device",
    [
        LocateDevice(path="\\Windows\\system32\\winload.efi"),
        LocateDevice(element=0x12000002),
        VhdPartition(UUID(int=5 << 64), FileDevice(LocateDevice(path="\\disk.vhd"), "\\disk.vhd")),
    ],
)
def test_what_is_found_at_boot_is_right(device: Device) -> None:
    with strange() as odd:
        devices(odd, ("device", device), ("osdevice", device))
        assert ask(odd, "bcd_device") == []


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize(
    ("names", "status"),
    [(("device",), 0xC000000F), (("osdevice",), None), (("device", "osdevice"), 0xC000000F)],
)
def test_the_boot_device_is_wrong_where_windows_stands_elsewhere(
    generation: int, names: tuple[str, ...], status: int | None
) -> None:
    """`boot` is the system partition: right on a machine of one partition, and this one has two."""
    with strange(generation) as odd:
        devices(odd, *((name, BootDevice()) for name in names))
        (found,) = ask(odd, "bcd_device")
        assert found.severity is Severity.CAUSE
        assert found.prediction is not None
        assert found.prediction.status == status
        assert {action.target.rsplit(" ", 1)[-1] for action in found.actions} == set(names)
        odd.mended()


def test_the_boot_device_is_right_where_windows_stands_on_it() -> None:
    """A machine of one partition: its boot files and store stand on the Windows volume, which is active."""
    with strange(1) as odd:
        store = odd.manifest.store
        image = Image(odd.disk)
        data = {path: image.read_file(odd.manifest.system_partition, path) for path in (store, "\\bootmgr")}
        image.close()

        def move(files: NtfsVolume) -> None:
            files.mkdir("\\Boot")
            for path, content in data.items():
                files.create(path, content)

        odd.volume(move)
        odd.disk.write(446, b"\0" + odd.disk.read(447, 15) + b"\x80")
        image = Image(odd.disk)
        desk = Desk(image)
        opened = desk.store(odd.number, store)
        entry = opened.view().default
        assert entry is not None
        for name in ("device", "osdevice"):
            put(opened.editor, entry, name, BootDevice())
        desk.save()
        image.close()
        assert ask(odd, "bcd_device") == []
        assert odd.diagnose().healthy


def test_a_loader_of_its_own_on_the_system_partition_is_right() -> None:
    with strange() as odd:
        devices(odd, ("device", BootDevice()))
        change_store(odd, lambda editor, _, entry: put(editor, entry, "path", "\\EFI\\Microsoft\\Boot\\BCD"))
        assert ask(odd, "bcd_device") == []


@pytest.mark.parametrize("sides", [1, 2])
def test_of_two_windows_none_is_chosen_without_a_word(sides: int) -> None:
    """The default entry names a partition that this disk has lost; two Windows stand on it."""
    with strange() as odd:
        odd.volume(second_windows)
        gone = GptPartition(UUID(int=9 << 64), disk_of(odd))
        devices(odd, *((name, gone) for name in ("device", "osdevice")[:sides]))
        (found,) = ask(odd, "bcd_device")
        assert found.severity is Severity.CAUSE
        assert {action.risk for action in found.actions} == {"retarget-entry"}


def second_windows(files: NtfsVolume) -> None:
    for folder in ("\\Other", "\\Other\\System32", "\\Other\\System32\\config"):
        files.mkdir(folder)
    files.create("\\Other\\System32\\config\\SYSTEM", files.read(SYSTEM))


def disk_of(odd: Strange) -> UUID:
    image = Image(odd.disk)
    try:
        assert image.table.disk_guid is not None
        return image.table.disk_guid
    finally:
        image.close()


def test_another_disk_may_be_meant() -> None:
    """Windows on this disk, and an entry for one on another: a machine with two disks looks just so."""
    with strange() as odd:
        devices(odd, ("device", ELSEWHERE), ("osdevice", ELSEWHERE))
        (found,) = ask(odd, "bcd_device")
        assert found.severity is Severity.RISK
        assert found.prediction is None
        assert {action.safety for action in found.actions} == {Safety.RISKY}
        assert odd.diagnose().healthy
        assert odd.propose().rehearsal is None
        accepted = odd.propose(accept=["retarget-entry"])
        assert accepted.worth_doing


def test_a_lost_partition_of_this_very_disk() -> None:
    with strange() as odd:

        def change(editor: StoreEditor, _: object, entry: BcdObject) -> None:
            osdevice = entry.element("osdevice")
            assert osdevice is not None
            assert osdevice.device is not None
            named = partition_of(osdevice.device)
            assert isinstance(named, GptPartition)
            put(editor, entry, "osdevice", GptPartition(UUID(int=9 << 64), named.disk))

        change_store(odd, change)
        (found,) = ask(odd, "bcd_device")
        assert found.severity is Severity.CAUSE
        assert [action.target.rsplit(" ", 1)[-1] for action in found.actions] == ["osdevice"]
        odd.mended()


def test_what_windows_called_its_own_volume_is_proof() -> None:
    old = MbrPartition(0x100000, 0x0BADCAFE)
    with strange(1) as odd:
        devices(odd, ("device", old), ("osdevice", old))
        assert [one.severity for one in ask(odd, "bcd_device")] == [Severity.RISK]
        data = old.signature.to_bytes(4, "little") + old.offset.to_bytes(8, "little")
        odd.hive(lambda editor: editor.set_value("MountedDevices", "\\DosDevices\\C:", 3, data), SYSTEM)
        assert [one.severity for one in ask(odd, "bcd_device")] == [Severity.CAUSE]
        odd.mended()


@pytest.mark.parametrize(("name", "status"), [("osdevice", 0xC0000225), ("device", 0xC0000225)])
def test_an_element_that_is_missing(name: str, status: int) -> None:
    with strange() as odd:
        change_store(odd, lambda editor, _, entry: drop(editor, entry, name))
        (found,) = ask(odd, "bcd_device")
        assert found.severity is Severity.CAUSE
        assert found.prediction is not None
        assert found.prediction.status == status
        odd.mended()


def test_bytes_that_are_no_device() -> None:
    with strange() as odd:

        def change(editor: StoreEditor, _: object, entry: BcdObject) -> None:
            number = element_id("osdevice", entry.type)
            assert number is not None
            editor.set_raw(entry.id, number, 3, b"\xff" * 40)

        change_store(odd, change)
        assert [one.severity for one in ask(odd, "bcd_device")] == [Severity.CAUSE]
        odd.mended()


def test_the_partition_named_is_here_and_holds_no_windows() -> None:
    with strange(1) as odd:
        store = view_store(odd)
        manager = store.boot_manager
        assert manager is not None
        system = manager.element("device")
        assert system is not None
        assert system.device is not None
        devices(odd, ("device", system.device), ("osdevice", system.device))
        assert [one.severity for one in ask(odd, "bcd_device")] == [Severity.CAUSE]
        odd.mended()


def test_an_entry_of_a_windows_that_is_gone_beside_the_right_one() -> None:
    with strange() as odd:
        right = UUID(int=7 << 64)

        def change(editor: StoreEditor, _: object, entry: BcdObject) -> None:
            editor.create_object(right, entry.type)
            for element in entry.elements.values():
                editor.set_raw(right, element.id, element.raw_type, element.raw)
            osdevice = entry.element("osdevice")
            assert osdevice is not None
            assert osdevice.device is not None
            named = partition_of(osdevice.device)
            assert isinstance(named, GptPartition)
            gone = GptPartition(UUID(int=9 << 64), named.disk)
            put(editor, entry, "device", gone)
            put(editor, entry, "osdevice", gone)

        change_store(odd, change)
        (found,) = ask(odd, "bcd_device")
        assert [action.value for action in found.actions] == [f"{{{right}}}"]
        odd.mended()


ONE_DISK = (
    "bios-b18362-1",
    "bios-b19041-1",
    "bios-win7-1",
    "uefi-b18362-1",
    "uefi-b19041-1",
    "uefi-b19041-4",
    "uefi-win81-1",
)
TWO_DISKS = ("bios-win7-2", "uefi-b19041-2", "uefi-b19041-3", "uefi-b22621-1")


@pytest.mark.data
@pytest.mark.parametrize("name", [*ONE_DISK, *TWO_DISKS])
def test_a_real_store_on_a_disk_of_another_identity(name: str) -> None:
    """As after a clone. A boot manager on another disk than Windows: a machine with two, of which this is one."""
    with strange(1 if name.startswith("bios") else 2) as odd:
        data = need(f"bcd/{name}/BCD").read_bytes()
        image = Image(odd.disk)
        image.put_file(odd.manifest.system_partition, odd.manifest.store, data)
        image.close()
        (found,) = ask(odd, "bcd_device")
        assert found.severity is (Severity.CAUSE if name in ONE_DISK else Severity.RISK)
        if name in ONE_DISK:
            odd.mended()
