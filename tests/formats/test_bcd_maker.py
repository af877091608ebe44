"""Made stores: as complete as real ones, sound for independent readers, and real ones made to fit a lab disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from regipy.plugins.bcd.boot_entry_list import BootEntryListPlugin
from regipy.registry import RegistryHive
from sample_data import need

from bootmend.errors import Missing
from bootmend.formats.bcd import (
    WELL_KNOWN,
    Device,
    GptPartition,
    LocateDevice,
    MbrPartition,
    ObjectType,
    Partition,
    Store,
    StoreEditor,
    element_id,
    partition_of,
)
from bootmend.formats.hive import check
from bootmend.lab.bcd_maker import make_bcd, retarget

DISK = UUID("11111111-2222-4333-8444-555555555555")
GPT = (GptPartition(UUID(int=0xE5B << 64), DISK), GptPartition(UUID(int=0xC << 64), DISK))
MBR = (MbrPartition(0x100000, 0xCAFE1234), MbrPartition(0x1F500000, 0xCAFE1234))
PLACES: dict[int, tuple[Partition, Partition]] = {1: MBR, 2: GPT}


def made(generation: int, *, recovery: bool = False, seed: int = 0) -> bytes:
    system, windows = PLACES[generation]
    return make_bcd(generation, system_partition=system, windows_partition=windows, recovery=recovery, seed=seed)


def partition_at(store: Store, owner: str, name: str) -> Partition | None:
    found = store.object(owner)
    element = found.element(name) if found else None
    assert element is not None
    assert isinstance(element.value, Device)
    return partition_of(element.value)


@pytest.mark.parametrize("recovery", [False, True])
@pytest.mark.parametrize("generation", [1, 2])
def test_a_made_store_is_sound_and_boots_the_named_partitions(generation: int, recovery: bool) -> None:
    data = made(generation, recovery=recovery)
    report = check(data, "BCD")
    assert (report.errors, report.leaked_cells) == ([], 0)
    store = Store.parse(data, "BCD")
    assert (store.root_name, store.dirty, store.warnings) == ("NewStoreRoot", False, [])
    system, windows = PLACES[generation]
    assert partition_at(store, "{bootmgr}", "device") == system
    assert partition_at(store, "{memdiag}", "device") == system
    assert partition_at(store, "{default}", "device") == windows
    assert partition_at(store, "{default}", "osdevice") == windows
    default = store.default
    assert default is not None
    assert default.title == "Windows Server"
    assert store.display_order == [default.id]
    path = default.element("path")
    assert path is not None
    assert str(path.value).endswith("winload.efi" if generation == 2 else "winload.exe")
    assert (store.object("{fwbootmgr}") is not None) == (generation == 2)
    named = {
        item for found in store.objects.values() for element in found.elements.values() for item in ids(element.value)
    }
    assert named <= set(store.objects)
    assert len(store.loaders) == 1 + recovery


def ids(value: object) -> list[UUID]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, UUID)]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ids() -> None:
    assert made(2, recovery=True) == made(2, recovery=True)
    first, second = Store.parse(made(2), "BCD"), Store.parse(made(2, seed=1), "BCD")
    assert first.default_id != second.default_id
    assert first.default_id is not None
    assert first.default_id.version == 1


def test_titles_follow_the_build() -> None:
    titles = {
        build: Store.parse(make_bcd(2, system_partition=GPT[0], windows_partition=GPT[1], build=build), "BCD").default
        for build in ("14393.6614", "19045.3803", "22631.1")
    }
    assert [found.title for found in titles.values() if found] == ["Windows Server 2016", "Windows 10", "Windows 11"]


@pytest.mark.data
@pytest.mark.parametrize(("generation", "real"), [(1, "bios-b19041-1"), (2, "uefi-b19041-5")])
def test_a_made_store_has_the_objects_and_elements_of_a_real_one(generation: int, real: str) -> None:
    dump = json.loads((need(f"bcd/{real}") / "BCD.dissect.json").read_text())
    store = Store.parse(made(generation, recovery=True), "BCD")
    # firmware applications of that very machine have no counterpart
    wanted = sorted(shape(int(found["type"], 16), found["elements"]) for found in dump["objects"].values())
    wanted = [entry for entry in wanted if entry[0] != ObjectType.FIRMWARE_APPLICATION]
    mine = sorted(
        (found.type, tuple((number, element.raw_type) for number, element in found.elements.items()))
        for found in store.objects.values()
    )
    assert mine == wanted


def shape(object_type: int, elements: dict[str, tuple[int, object]]) -> tuple[int, tuple[tuple[int, int], ...]]:
    return object_type, tuple(sorted((int(number, 16), entry[0]) for number, entry in elements.items()))


@pytest.mark.parametrize("generation", [1, 2])
def test_an_independent_reader_lists_its_boot_entries(generation: int, tmp_path: Path) -> None:
    file = tmp_path / "BCD"
    file.write_bytes(made(generation, recovery=True))
    plugin = BootEntryListPlugin(RegistryHive(str(file)), as_json=True)  # type: ignore[no-untyped-call]
    plugin.run()
    store = Store.parse(file.read_bytes(), "BCD")
    entries: Any = plugin.entries
    listed = {entry["guid"]: entry["name"] for entry in entries}
    for found in store.objects.values():
        if found.element("path") and found.type in (ObjectType.OS_LOADER, ObjectType.BOOT_MANAGER):
            assert listed[f"{{{found.id}}}"] == found.title


REAL = ["uefi-b19041-5", "uefi-b22621-1", "uefi-nover-1", "uefi-win81-1", "bios-b18362-1", "bios-win7-2"]


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_a_real_store_is_made_to_name_the_lab_disk(name: str) -> None:
    data = (need(f"bcd/{name}") / "BCD").read_bytes()
    system, windows = PLACES[1 if name.startswith("bios") else 2]
    fitted = retarget(data, system_partition=system, windows_partition=windows)
    assert check(fitted, "BCD").errors == []
    old, new = Store.parse(data, "BCD"), Store.parse(fitted, "BCD")
    for owner, name_of_device, place in [
        ("{bootmgr}", "device", system),
        ("{memdiag}", "device", system),
        ("{default}", "device", windows),
        ("{default}", "osdevice", windows),
    ]:
        assert partition_at(new, owner, name_of_device) == place
    default = new.default
    resume = default.element("resumeobject") if default else None
    assert resume is not None
    assert partition_at(new, str(resume.value), "filedevice") == windows
    assert list(new.objects) == list(old.objects)
    for object_id, found in old.objects.items():
        for number, element in found.elements.items():
            after = new.objects[object_id].elements[number]
            if not isinstance(element.value, Device) or partition_of(element.value) is None:
                assert after == element
            else:
                assert type(after.value) in (type(element.value), type(system))
    assert retarget(fitted, system_partition=system, windows_partition=windows) == fitted


def test_a_disk_of_one_partition_is_split_in_two() -> None:
    both = MbrPartition(0x7E00, 1)
    data = make_bcd(1, system_partition=both, windows_partition=both, recovery=True)
    fitted = Store.parse(retarget(data, system_partition=MBR[0], windows_partition=MBR[1]), "BCD")
    places = {
        found.name if found.id in WELL_KNOWN.values() else found.title: partition_of(element.device)
        for found in fitted.objects.values()
        for element in found.elements.values()
        if element.device
    }
    assert places == {
        "{bootmgr}": MBR[0],
        "{memdiag}": MBR[0],
        "Windows Server": MBR[1],
        "Windows Resume Application": MBR[1],
        "Windows Recovery Environment": MBR[1],
        "Windows Recovery": MBR[1],
    }


def test_resume_follows_windows_and_other_entries_follow_their_partition() -> None:
    elsewhere, stale = MbrPartition(0x7E00, 99), UUID(int=42)
    data = make_bcd(
        1, system_partition=MBR[0], windows_partition=MBR[1], recovery=True, recovery_partition=MbrPartition(0x7E00, 5)
    )
    resume = next(found for found in Store.parse(data, "BCD").objects.values() if found.type == ObjectType.RESUME)
    editor = StoreEditor(data, "BCD")
    editor.set(resume.id, 0x21000001, elsewhere)
    editor.create_object(stale, ObjectType.OS_LOADER)
    editor.set(stale, 0x11000001, MBR[0])
    editor.set(stale, 0x21000001, elsewhere)
    fitted = Store.parse(retarget(editor.finish(), system_partition=GPT[0], windows_partition=GPT[1]), "BCD")
    assert partition_at(fitted, str(resume.id), "filedevice") == GPT[1]
    assert partition_at(fitted, str(stale), "device") == GPT[0]
    assert partition_at(fitted, str(stale), "osdevice") == elsewhere
    recovery = next(found for found in fitted.loaders if found.title == "Windows Recovery Environment")
    assert partition_at(fitted, str(recovery.id), "device") == MbrPartition(0x7E00, 5)


def test_a_store_without_a_default_cannot_be_fitted() -> None:
    editor = StoreEditor(made(2), "BCD")
    default = element_id("default", ObjectType.BOOT_MANAGER)
    assert default is not None
    assert editor.delete(WELL_KNOWN["bootmgr"], default)
    with pytest.raises(Missing):
        retarget(editor.finish(), system_partition=GPT[0], windows_partition=GPT[1])


def test_locate_devices_stay_locate_devices() -> None:
    store = Store.parse(made(2), "BCD")
    assert store.default_id is not None
    editor = StoreEditor(made(2), "BCD")
    editor.set(store.default_id, 0x11000001, LocateDevice(0x12000002))
    fitted = Store.parse(retarget(editor.finish(), system_partition=GPT[1], windows_partition=GPT[0]), "BCD")
    default = fitted.default
    assert default is not None
    assert default.elements[0x11000001].value == LocateDevice(0x12000002)
    assert partition_at(fitted, "{default}", "osdevice") == GPT[0]
