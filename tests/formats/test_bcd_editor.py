"""Editing stores: only what must change changes, and independent readers see what was written."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

import pytest
from Registry import Registry
from sample_data import data_folder, need

from bootmend.errors import Missing, Misuse, ParseError, Refused
from bootmend.formats.bcd import (
    WELL_KNOWN,
    BcdObject,
    BootDevice,
    GptPartition,
    ObjectType,
    Store,
    StoreEditor,
    Value,
)
from bootmend.formats.hive import Hive, HiveEditor, ValueType, check, new_hive
from bootmend.lab.bcd_maker import make_bcd

FOLDER = data_folder()
REAL = sorted(path.parent.name for path in (FOLDER or Path("/nonexistent")).glob("bcd/*/BCD"))
DISK = UUID("11111111-2222-4333-8444-555555555555")
ESP, WINDOWS = GptPartition(UUID(int=0xE << 64), DISK), GptPartition(UUID(int=0xC << 64), DISK)
BOOTMGR = WELL_KNOWN["bootmgr"]
TIMEOUT, SAFEBOOT, BOOTMENUPOLICY = 0x25000004, 0x25000080, 0x250000C2


def lab_store() -> bytes:
    return make_bcd(2, system_partition=ESP, windows_partition=WINDOWS, recovery=True)


def real_store(name: str) -> bytes:
    return (need(f"bcd/{name}") / "BCD").read_bytes()


def contents(store: Store) -> dict[UUID, tuple[int, dict[int, tuple[int, bytes]]]]:
    return {
        object_id: (found.type, {number: (element.raw_type, element.raw) for number, element in found.elements.items()})
        for object_id, found in store.objects.items()
    }


def used_cells(data: bytes) -> dict[int, int]:
    """File offset -> length of every used cell, by walking the bins."""
    cells, at, end = {}, 0x1000, 0x1000 + int.from_bytes(data[0x28:0x2C], "little")
    while at < end:
        assert data[at : at + 4] == b"hbin"
        bin_end, cell = at + int.from_bytes(data[at + 8 : at + 12], "little"), at + 32
        while cell < bin_end:
            size = int.from_bytes(data[cell : cell + 4], "little", signed=True)
            if size < 0:
                cells[cell] = -size
            cell += abs(size)
        at = bin_end
    return cells


def elements_key(data: bytes, object_id: UUID) -> tuple[int, int]:
    """File offsets of the cell of an object's Elements key, and of its subkey list's."""
    key = Hive.parse(data, "BCD").key(rf"Objects\{{{object_id}}}\Elements")
    assert key is not None
    cell = 0x1000 + key.offset
    return cell, 0x1000 + int.from_bytes(data[cell + 4 + 28 : cell + 4 + 32], "little")


def changed_cells(before: bytes, after: bytes) -> set[int]:
    """Cells used before that no longer stand there, or hold other bytes."""
    now = used_cells(after)
    return {
        cell
        for cell, size in used_cells(before).items()
        if now.get(cell) != size or before[cell : cell + size] != after[cell : cell + size]
    }


@pytest.mark.parametrize("name", ["the lab's own", *REAL])
def test_one_element_set_and_taken_back_leaves_every_other_cell_alone(name: str) -> None:
    data = real_store(name) if name in REAL else lab_store()
    before = Store.parse(data, name)
    owner = before.default_id or BOOTMGR
    assert SAFEBOOT not in before.objects[owner].elements
    editor = StoreEditor(data, name)
    editor.set(owner, SAFEBOOT, 1)
    with_it = editor.finish()
    seen = Store.parse(with_it, name)
    assert seen.objects[owner].elements[SAFEBOOT].raw == bytes([1, 0, 0, 0, 0, 0, 0, 0])

    editor = StoreEditor(with_it, name)
    assert editor.delete(owner, SAFEBOOT)
    assert not editor.delete(owner, SAFEBOOT)
    back = editor.finish()
    assert contents(Store.parse(back, name)) == contents(before)
    report = check(back, name)
    assert (report.errors, report.leaked_cells) == ([], 0)
    assert len(back) - len(data) in (0, 4096)
    assert changed_cells(data, back) <= set(elements_key(data, owner))
    assert data[0x200:0x1000] == back[0x200:0x1000]


@pytest.mark.parametrize("name", ["the lab's own", *REAL])
def test_a_number_changed_and_changed_back_touches_its_own_cells_only(name: str) -> None:
    data = real_store(name) if name in REAL else lab_store()
    store = Store.parse(data, name)
    element = store.objects[BOOTMGR].elements[TIMEOUT]
    editor = StoreEditor(data, name)
    editor.set(BOOTMGR, TIMEOUT, 10)
    changed = editor.finish()
    assert Store.parse(changed, name).objects[BOOTMGR].elements[TIMEOUT].value == 10
    editor = StoreEditor(changed, name)
    editor.set_raw(BOOTMGR, TIMEOUT, element.raw_type, element.raw)
    back = editor.finish()
    assert contents(Store.parse(back, name)) == contents(store)
    key = Hive.parse(data, name).key(rf"Objects\{{{BOOTMGR}}}\Elements\{TIMEOUT:08x}")
    assert key is not None
    # the element's key (its time), and where 8 bytes came instead of 1, its value
    assert len(changed_cells(data, back)) <= (1 if len(element.raw) == 8 else 2)
    assert 0x1000 + key.offset in changed_cells(data, back)


def test_nothing_to_change_gives_the_very_same_bytes() -> None:
    data = lab_store()
    editor = StoreEditor(data, "BCD")
    default = Store.parse(data, "BCD").default_id
    assert default is not None
    editor.set(BOOTMGR, TIMEOUT, 30)
    editor.set(default, 0x21000001, WINDOWS)
    editor.set(BOOTMGR, 0x24000001, [default])
    editor.create_object(BOOTMGR, ObjectType.BOOT_MANAGER)
    assert not editor.delete(default, SAFEBOOT)
    assert not editor.delete_object(UUID(int=5))
    assert editor.finish() == data


@pytest.mark.data
def test_an_integer_of_one_byte_that_is_right_stays_as_it_is() -> None:
    data = real_store("media-b19041-1")
    editor = StoreEditor(data, "BCD")
    editor.set(BOOTMGR, TIMEOUT, 30)
    assert editor.finish() == data
    editor.set_raw(BOOTMGR, TIMEOUT, ValueType.BINARY, (30).to_bytes(8, "little"))
    assert Store.parse(editor.finish(), "BCD").objects[BOOTMGR].elements[TIMEOUT].raw == (30).to_bytes(8, "little")


def in_upper_case(data: bytes, owner: UUID, number: int) -> bytes:
    """The store with one element's key named in upper case hex, as tools of old wrote it."""
    element = Store.parse(data, "BCD").objects[owner].elements[number]
    hive = HiveEditor(data, "BCD")
    path = rf"Objects\{{{owner}}}\Elements"
    hive.delete_key(rf"{path}\{number:08x}")
    hive.create_key(rf"{path}\{number:08X}")
    hive.set_value(rf"{path}\{number:08X}", "Element", element.raw_type, element.raw)
    return hive.finish()


def test_an_upper_case_element_keeps_its_name_and_gets_no_twin() -> None:
    owner = Store.parse(lab_store(), "BCD").default_id
    assert owner is not None
    data = in_upper_case(lab_store(), owner, BOOTMENUPOLICY)
    editor = StoreEditor(data, "BCD")
    editor.set(owner, BOOTMENUPOLICY, 0)
    key = Hive.parse(editor.finish(), "BCD").key(rf"Objects\{{{owner}}}\Elements")
    assert key is not None
    assert [found.name for found in key.subkeys() if found.name.lower() == "250000c2"] == ["250000C2"]
    assert Store.parse(editor.finish(), "BCD").objects[owner].elements[BOOTMENUPOLICY].value == 0
    assert editor.delete(owner, BOOTMENUPOLICY)
    assert BOOTMENUPOLICY not in Store.parse(editor.finish(), "BCD").objects[owner].elements


def test_objects_come_and_go() -> None:
    data, new = lab_store(), UUID("deadbeef-0000-4000-8000-000000000001")
    editor = StoreEditor(data, "BCD")
    with pytest.raises(Missing, match="deadbeef"):
        editor.set(new, TIMEOUT, 1)
    editor.create_object(new, ObjectType.OS_LOADER)
    editor.set(new, 0x12000004, "Windows Ω")
    editor.set(new, 0x11000001, BootDevice())
    created = editor.finish()
    found = Store.parse(created, "BCD").objects[new]
    assert (found.type, found.title, found.elements[0x11000001].value) == (
        ObjectType.OS_LOADER,
        "Windows Ω",
        BootDevice(),
    )
    editor = StoreEditor(created, "BCD")
    assert editor.delete_object(new)
    with pytest.raises(Missing):
        editor.set(new, TIMEOUT, 1)
    assert contents(Store.parse(editor.finish(), "BCD")) == contents(Store.parse(data, "BCD"))
    assert check(editor.finish(), "BCD").leaked_cells == 0


def test_what_was_deleted_can_be_set_again_to_the_same() -> None:
    editor = StoreEditor(lab_store(), "BCD")
    assert editor.delete(BOOTMGR, TIMEOUT)
    editor.set(BOOTMGR, TIMEOUT, 30)
    assert Store.parse(editor.finish(), "BCD").objects[BOOTMGR].elements[TIMEOUT].value == 30
    assert editor.delete_object(BOOTMGR)
    editor.create_object(BOOTMGR, ObjectType.BOOT_MANAGER)
    editor.set(BOOTMGR, TIMEOUT, 30)
    assert list(Store.parse(editor.finish(), "BCD").objects[BOOTMGR].elements) == [TIMEOUT]


def test_a_value_of_the_wrong_kind_changes_nothing() -> None:
    data = lab_store()
    editor = StoreEditor(data, "BCD")
    with pytest.raises(Misuse):
        editor.set(BOOTMGR, TIMEOUT, "ten")
    assert editor.finish() == data


def test_sequence_numbers_pass_those_of_the_logs() -> None:
    editor = StoreEditor(lab_store(), "BCD", highest_sequence=4711)
    editor.set(BOOTMGR, TIMEOUT, 5)
    assert Hive.parse(editor.finish(), "BCD").sequences == (4712, 4712)


def test_a_dirty_store_and_what_is_no_store_are_not_edited() -> None:
    dirty = bytearray(lab_store())
    dirty[4] ^= 0xFF
    with pytest.raises(Refused):
        StoreEditor(bytes(dirty), "BCD")
    with pytest.raises(ParseError, match="Objects"):
        StoreEditor(new_hive("NewStoreRoot"), "BCD")


def raw_by_python_registry(data: bytes, folder: Path) -> dict[str, dict[str, bytes]]:
    """Element data of every object as another reader sees it.

    Not libregf: it gives 0 for data of one byte, on real stores too (16000060 of uefi-b19041-5).
    """
    file = folder / "BCD"
    file.write_bytes(data)
    return {
        found.name(): {key.name(): key.value("Element").raw_data() for key in found.subkey("Elements").subkeys()}
        for found in Registry.Registry(str(file)).open("Objects").subkeys()
    }


def random_value(chance: random.Random, kind: int) -> Value:
    ids = [UUID(int=chance.getrandbits(128)) for _ in range(chance.randrange(1, 6))]
    values: dict[int, Value] = {
        1: GptPartition(ids[0], DISK),
        2: "\\" + "x" * chance.randrange(200),
        3: ids[0],
        4: ids,
        5: chance.getrandbits(64),
        6: chance.random() < 0.5,
        7: [chance.getrandbits(64) for _ in ids],
    }
    return values[kind]


@pytest.mark.parametrize("seed", range(3))
def test_hundreds_of_edits_are_read_alike_by_another_reader(seed: int, tmp_path: Path) -> None:
    chance, data = random.Random(seed), lab_store()
    model = {f"{{{key}}}": dict(found[1]) for key, found in contents(Store.parse(data, "BCD")).items()}
    editor = StoreEditor(data, "BCD")
    owners: list[BcdObject] = list(Store.parse(data, "BCD").objects.values())
    for _ in range(400):
        owner = chance.choice(owners).id
        mine = model[f"{{{owner}}}"]
        if mine and chance.random() < 0.4:
            number = chance.choice(sorted(mine))
            assert editor.delete(owner, number)
            del mine[number]
        else:
            kind = chance.randrange(1, 8)
            number = 0x20000000 | kind << 24 | chance.randrange(1, 40)
            editor.set(owner, number, random_value(chance, kind))
            mine[number] = (0, b"")
    data = editor.finish()
    report = check(data, "BCD")
    assert (report.errors, report.leaked_cells) == ([], 0)
    store = Store.parse(data, "BCD")
    assert {f"{{{key}}}": set(found.elements) for key, found in store.objects.items()} == {
        key: set(elements) for key, elements in model.items()
    }
    assert raw_by_python_registry(data, tmp_path) == {
        f"{{{key}}}": {f"{number:08x}": element.raw for number, element in found.elements.items()}
        for key, found in store.objects.items()
    }


def test_mutated_stores_are_read_or_refused() -> None:
    chance, whole = random.Random(5), lab_store()
    outcomes = {"read": 0, "refused": 0}
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(0x1000, len(data))] = chance.randrange(256)
        try:
            store = Store.parse(bytes(data), "fuzz")
        except ParseError:
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        for found in store.objects.values():
            assert all(str(element) for element in store.inherited(found).values())
        assert store.default is None or store.default.id == store.default_id
    assert outcomes["read"] > 0
