"""Random elements and values of every type, typed in bcdedit's words and read back by an independent reader."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from Registry import Registry
from sample_data import data_folder, need

from bootmend.commands.bcdedit.entries import EntriesEditor
from bootmend.commands.bcdedit.files import read_store, write_store
from bootmend.commands.bcdedit.lines import Copy, Create, Delete, DeleteValue, EmsSettings, Enumerate, Order, Set
from bootmend.commands.bcdedit.listing import Listing, chosen
from bootmend.commands.bcdedit.parse import parse_line
from bootmend.commands.bcdedit.partitions import Partitions
from bootmend.commands.bcdedit.settings import SettingsEditor
from bootmend.errors import BootmendError, InputError, Missing, ParseError, Refused
from bootmend.formats.bcd import (
    WELL_KNOWN,
    GptPartition,
    ObjectType,
    Store,
    StoreEditor,
    element_id,
    element_name,
    element_names,
)
from bootmend.formats.hive import Hive, HiveEditor, ValueType, check, new_hive, sz
from bootmend.lab.bcd_maker import make_bcd
from bootmend.volumes.partitions import Partition, PartitionTable

FOLDER = data_folder()
REAL = sorted(path.parent.name for path in (FOLDER or Path("/nonexistent")).glob("bcd/*/BCD"))
DISK = UUID("11111111-2222-4333-8444-555555555555")
ESP, WINDOWS = UUID(int=0xE << 64), UUID(int=0xC << 64)
TABLE = PartitionTable(
    "gpt",
    f"{{{DISK}}}",
    DISK,
    None,
    512,
    [Partition(1, 1 << 20, 1 << 28, guid=ESP), Partition(3, 1 << 30, 1 << 35, guid=WINDOWS)],
)
PARTITIONS = Partitions(TABLE, 3)
STORE = make_bcd(
    2, system_partition=GptPartition(ESP, DISK), windows_partition=GptPartition(WINDOWS, DISK), recovery=True
)
PARSED = Store.parse(STORE, "BCD")
OWNERS = {"{bootmgr}": ObjectType.BOOT_MANAGER, "{default}": ObjectType.OS_LOADER, "{memdiag}": ObjectType.MEMORY_TEST}
BOOT_MENU = ("default", "displayorder", "bootsequence", "toolsdisplayorder")
TEXTS = st.text(st.characters(codec="utf-16-le", exclude_characters="\0"), min_size=1, max_size=60)
IDS = st.sampled_from([*PARSED.objects])


def in_braces(found: UUID) -> str:
    return f"{{{found}}}"


def partition_bytes(partition: UUID) -> bytes:
    """A partition device as Windows writes it, by facts measured on real stores."""
    head = bytes(16) + struct.pack("<IIII", 6, 0, 72, 0)
    return head + partition.bytes_le + struct.pack("<II", 0, 0) + DISK.bytes_le + bytes(16)


def utf16(text: str) -> bytes:
    return (text + "\0").encode("utf-16-le", "surrogatepass")


@st.composite
def boolean(draw: Callable[..., str]) -> tuple[list[str], bytes]:
    word = draw(st.sampled_from(["on", "YES", "True", "1", "off", "No", "FALSE", "0"]))
    return [word], bytes([word.lower() in ("on", "yes", "true", "1")])


@st.composite
def integer(draw: Callable[..., int]) -> tuple[list[str], bytes]:
    number = draw(st.integers(0, (1 << 64) - 1))
    word = f"{number:#x}" if draw(st.booleans()) else str(number)
    return [word], number.to_bytes(8, "little")


@st.composite
def integers(draw: Callable[..., list[int]]) -> tuple[list[str], bytes]:
    numbers = draw(st.lists(st.integers(0, (1 << 64) - 1), min_size=1, max_size=6))
    return [hex(each) for each in numbers], b"".join(each.to_bytes(8, "little") for each in numbers)


@st.composite
def text(draw: Callable[..., str]) -> tuple[list[str], bytes]:
    word = draw(TEXTS)
    return [word], utf16(word)


@st.composite
def one_object(draw: Callable[..., UUID]) -> tuple[list[str], bytes]:
    found = draw(IDS)
    return [in_braces(found)], utf16(in_braces(found))


@st.composite
def objects(draw: Callable[..., list[UUID]]) -> tuple[list[str], bytes]:
    found = draw(st.lists(IDS, min_size=1, max_size=5, unique=True))
    return [in_braces(each) for each in found], "".join(f"{in_braces(each)}\0" for each in found).encode(
        "utf-16-le"
    ) + b"\0\0"


@st.composite
def device(draw: Callable[..., str]) -> tuple[list[str], bytes]:
    word = draw(st.sampled_from(["boot", "partition=C:", "partition=\\Device\\HarddiskVolume1"]))
    if word == "boot":
        return [word], bytes(16) + struct.pack("<IIII", 5, 0, 72, 0) + bytes(56)
    return [word], partition_bytes(WINDOWS if "C:" in word else ESP)


BY_FORMAT = {1: device(), 2: text(), 3: one_object(), 4: objects(), 5: integer(), 6: boolean(), 7: integers()}
REGISTRY_TYPES = {1: 3, 2: 1, 3: 1, 4: 7, 5: 3, 6: 3, 7: 3}


@st.composite
def an_edit(draw: Callable[..., Any]) -> tuple[str, str, int, list[str], bytes]:
    """(entry, element as typed, its id, words, the bytes that must stand there)."""
    owner = draw(st.sampled_from(sorted(OWNERS)))
    object_type = OWNERS[owner]
    named = [name for name in element_names(object_type) if name not in BOOT_MENU and not name.startswith("custom")]
    if draw(st.booleans()):
        typed = draw(st.sampled_from(named))
        number = element_id(typed, object_type)
        assert number is not None
    else:
        number = draw(st.integers(0, 0xFFF)) | draw(st.integers(1, 7)) << 24 | 0x20000000
        typed = f"custom:{number:08X}"
        if element_name(number, object_type) in BOOT_MENU:
            number, typed = 0x26000ABC, "custom:26000abc"
    words, raw = draw(BY_FORMAT[number >> 24 & 0xF])
    return owner, typed, number, words, raw


def seen_by_others(data: bytes) -> dict[tuple[str, str], tuple[int, bytes]]:
    """(object, element) -> (registry type, bytes), by python-registry."""
    found = {}
    for owner in Registry.Registry(io.BytesIO(data)).open("Objects").subkeys():
        for key in owner.subkey("Elements").subkeys():
            value = key.value("Element")
            found[owner.name().lower(), key.name().lower()] = (value.value_type(), value.raw_data())
    return found


def edited(data: bytes, *lines: list[str]) -> bytes:
    """The store after these lines, each on what the one before left."""
    editor = StoreEditor(data, "BCD")
    for words in lines:
        store = Store.parse(editor.finish(), "BCD")
        command = parse_line(words).command
        if isinstance(command, Create | Copy | Delete):
            EntriesEditor(store, editor).apply(command)
        else:
            assert isinstance(command, Set | DeleteValue | EmsSettings)
            SettingsEditor(store, editor, PARTITIONS).apply(command)
    return editor.finish()


@settings(max_examples=120, deadline=None)
@given(st.lists(an_edit(), min_size=1, max_size=8))
def test_what_is_typed_is_what_others_read(edits: list[tuple[str, str, int, list[str], bytes]]) -> None:
    wanted = {}
    for owner, _, number, _, raw in edits:
        found = PARSED.object(owner)
        assert found is not None
        wanted[in_braces(found.id), f"{number:08x}"] = (REGISTRY_TYPES[number >> 24 & 0xF], raw)
    after = edited(STORE, *(["/set", owner, typed, *words] for owner, typed, _, words, _ in edits))
    before, seen = seen_by_others(STORE), seen_by_others(after)
    assert {place: seen[place] for place in wanted} == wanted
    assert {place: raw for place, raw in seen.items() if place not in wanted} == {
        place: raw for place, raw in before.items() if place not in wanted
    }
    assert check(after, "BCD").errors == []


@settings(max_examples=60, deadline=None)
@given(st.lists(an_edit(), min_size=1, max_size=6))
def test_deletevalue_leaves_the_store_as_before(edits: list[tuple[str, str, int, list[str], bytes]]) -> None:
    fresh = {}
    for owner, typed, number, words, _ in edits:
        found = PARSED.object(owner)
        assert found is not None
        if number not in found.elements:
            fresh[owner, number] = (typed, words)
    sets = [["/set", owner, typed, *words] for (owner, _), (typed, words) in fresh.items()]
    takes = [["/deletevalue", owner, typed] for (owner, _), (typed, _) in fresh.items()]
    after = edited(STORE, *sets, *takes)
    assert seen_by_others(after) == seen_by_others(STORE)
    assert everything(after) == everything(STORE)


def everything(data: bytes) -> dict[str, list[tuple[str, int, bytes]]]:
    """Every key of a hive with its values."""
    found, todo = {}, [Hive.parse(data, "BCD").root]
    while todo:
        key = todo.pop()
        found[key.path] = sorted((value.name, value.type, value.data) for value in key.values())
        todo += key.subkeys()
    return found


@pytest.mark.parametrize("name", ["the lab's own", *REAL])
def test_export_and_import_give_an_equal_store(name: str, tmp_path: Path) -> None:
    data = STORE if name == "the lab's own" else (need(f"bcd/{name}") / "BCD").read_bytes()
    store = Store.parse(data, name)
    write_store(tmp_path / "exported", data)
    default = in_braces(store.default_id) if store.default_id in store.objects else "{bootmgr}"
    changed = edited(
        data,
        ["/set", "{bootmgr}", "timeout", "77"],
        ["/create", "/d", "New", "/application", "osloader"],
        ["/emssettings", "EMSPORT:1"],
        ["/set", default, "description", "Another"],
        ["/delete", "{globalsettings}", "/f"],
    )
    assert everything(changed) != everything(data)
    editor = StoreEditor(changed, name)
    editor.replace_objects(read_store(tmp_path / "exported"), "exported")
    back = editor.finish()
    assert everything(back) == everything(data)
    assert (check(back, name).errors, check(back, name).leaked_cells) == ([], 0)
    # The editor itself knows the new content too.
    if default != "{bootmgr}":
        editor.set(UUID(default), 0x12000004, "again")
        assert Store.parse(editor.finish(), name).objects[UUID(default)].title == "again"


def test_import_keeps_which_store_it_is() -> None:
    other = make_bcd(1, system_partition=GptPartition(ESP, DISK), windows_partition=GptPartition(WINDOWS, DISK), seed=5)
    hive = HiveEditor(STORE, "BCD")
    hive.create_key("Description")
    hive.set_value("Description", "KeyName", ValueType.SZ, sz("BCD00000007"))
    editor = StoreEditor(hive.finish(), "BCD")
    editor.replace_objects(other, "other")
    now, theirs = Store.parse(editor.finish(), "BCD"), Store.parse(other, "other")
    assert {value.name: value.text for value in now.description}["KeyName"] == "BCD00000007"
    assert seen_by_others(editor.finish()) == seen_by_others(other)
    assert {found.type for found in now.objects.values()} == {found.type for found in theirs.objects.values()}


def test_import_refuses_what_would_not_boot(tmp_path: Path) -> None:
    editor = StoreEditor(STORE, "BCD")
    dirty = bytearray(STORE)
    dirty[4] ^= 1
    cut = StoreEditor(STORE, "BCD")
    cut.delete_object(WELL_KNOWN["bootmgr"])
    unsound = bytearray(STORE)
    unsound[0x1000 + 0x20 + 4 : 0x1000 + 0x20 + 8] = b"\xff\xff\xff\x7f"
    for source in (bytes(dirty), cut.finish(), new_hive("NewStoreRoot"), b"", STORE[:5000], bytes(unsound)):
        with pytest.raises(ParseError):
            editor.replace_objects(source, "source")
        assert editor.finish() == STORE
    with pytest.raises(InputError, match="cannot be read"):
        read_store(tmp_path / "absent")
    with pytest.raises(InputError, match="cannot be read"):
        read_store(tmp_path)


def test_export_overwrites_nothing(tmp_path: Path) -> None:
    write_store(tmp_path / "store", STORE)
    with pytest.raises(Refused, match="not overwritten"):
        write_store(tmp_path / "store", b"other")
    assert (tmp_path / "store").read_bytes() == STORE
    with pytest.raises(InputError, match="cannot be written"):
        write_store(tmp_path / "no" / "folder", STORE)


def test_a_copy_is_in_the_menu_and_has_every_element() -> None:
    editor = StoreEditor(STORE, "BCD")
    answer, notes = EntriesEditor(PARSED, editor).apply(Copy("{default}", "Debug"))
    store = Store.parse(editor.finish(), "BCD")
    new = UUID(answer.split("{")[1].split("}")[0])
    assert store.display_order == [*PARSED.display_order, new]
    assert notes
    original, copy = store.objects[PARSED.default_id or new], store.objects[new]
    assert copy.title == "Debug"
    assert copy.type == original.type
    assert {key: each.raw for key, each in copy.elements.items() if key != 0x12000004} == {
        key: each.raw for key, each in original.elements.items() if key != 0x12000004
    }
    _, silent = EntriesEditor(PARSED, StoreEditor(STORE, "BCD")).apply(Copy("{bootmgr}", "rEFInd"))
    assert silent == []


def test_deleting_takes_the_lonely_resume_entry_along() -> None:
    default = PARSED.default
    assert default is not None
    resume = default.elements[0x23000003].value
    assert isinstance(resume, UUID)
    editor = StoreEditor(STORE, "BCD")
    notes = EntriesEditor(PARSED, editor).apply(Delete("{default}", force=True))[1]
    store = Store.parse(editor.finish(), "BCD")
    assert default.id not in store.objects
    assert resume not in store.objects
    assert store.default_id is None
    assert 0x24000001 not in store.objects[WELL_KNOWN["bootmgr"]].elements
    assert len(notes) == 2
    # With a second loader that uses the resume entry, it stays.
    editor = StoreEditor(STORE, "BCD")
    EntriesEditor(PARSED, editor).apply(Copy("{default}", "Second"))
    with_two = Store.parse(editor.finish(), "BCD")
    EntriesEditor(with_two, editor).apply(Delete("{default}", force=True))
    assert resume in Store.parse(editor.finish(), "BCD").objects


def test_ems_settings_are_made_where_the_store_has_none() -> None:
    bare = StoreEditor(STORE, "BCD")
    bare.delete_object(WELL_KNOWN["emssettings"])
    bare.set(WELL_KNOWN["globalsettings"], 0x14000006, [WELL_KNOWN["dbgsettings"]])
    editor = StoreEditor(bare.finish(), "BCD")
    notes = SettingsEditor(Store.parse(bare.finish(), "BCD"), editor, PARTITIONS).apply(EmsSettings(1, 115200))
    found = Store.parse(editor.finish(), "BCD").objects[WELL_KNOWN["emssettings"]]
    assert found.type == ObjectType.SETTINGS
    assert [element.value for element in found.elements.values()] == [1, 115200]
    assert any("was made" in note for note in notes)
    assert any("inherits" in note for note in notes)


def test_an_entry_is_taken_out_of_a_menu_that_names_others_which_are_gone() -> None:
    menu = element_id("displayorder", ObjectType.BOOT_MANAGER)
    assert menu is not None
    spoilt = StoreEditor(STORE, "BCD")
    spoilt.set(WELL_KNOWN["bootmgr"], menu, [UUID(int=7), WELL_KNOWN["memdiag"]])
    after = edited(spoilt.finish(), ["/set", "{bootmgr}", "displayorder", "{memdiag}", "/remove"])
    assert Store.parse(after, "BCD").display_order == [UUID(int=7)]
    after = edited(spoilt.finish(), ["/set", "{bootmgr}", "displayorder", in_braces(UUID(int=7)), "/remove"])
    assert Store.parse(after, "BCD").display_order == [WELL_KNOWN["memdiag"]]


def test_default_without_an_entry_is_said() -> None:
    editor = StoreEditor(STORE, "BCD")
    editor.delete(WELL_KNOWN["bootmgr"], 0x23000003)
    store = Store.parse(editor.finish(), "BCD")
    with pytest.raises(Missing, match="names no default entry"):
        SettingsEditor(store, editor, PARTITIONS).apply(Set("{default}", "bootlog", ("on",)))
    with pytest.raises(Missing, match="names no default entry"):
        SettingsEditor(store, editor, PARTITIONS).apply(Set(None, "bootlog", ("on",)))


def test_an_upper_case_or_second_element_of_a_name_is_the_one_that_changes() -> None:
    editor = StoreEditor(STORE, "BCD")
    memtest = WELL_KNOWN["memdiag"]
    editor.set(memtest, 0x26000005, False)
    after = edited(editor.finish(), ["/set", "{memdiag}", "cacheenable", "on"])
    elements = Store.parse(after, "BCD").objects[memtest].elements
    assert elements[0x26000005].value is True
    assert 0x26000003 not in elements


LINES = (
    "/enum all",
    "/enum active /v",
    "/set {default} safeboot network",
    "/set {bootmgr} displayorder {memdiag} /addfirst",
    "/set {bootmgr} default {memdiag}",
    "/deletevalue {default} nx",
    "/emssettings EMSPORT:1 EMSBAUDRATE:115200",
    "/copy {default} /d Copy",
    "/delete {default} /f",
    "/displayorder {default} /remove",
)


@pytest.mark.parametrize("seed", range(30))
def test_strange_elements_are_shown_and_edited_or_refused(seed: int) -> None:
    """Elements of every id with bytes of every length, objects of every type: an answer or a deliberate error."""
    chance = random.Random(seed)
    spoilt = StoreEditor(STORE, "BCD")
    owners = [*PARSED.objects]
    for _ in range(chance.randrange(1, 5)):
        new = UUID(int=chance.getrandbits(128))
        spoilt.create_object(new, chance.choice([0, 0xFFFFFFFF, 0x10200003, 0x20100000, 0x101FFFFF, 0x30000000]))
        owners.append(new)
    for _ in range(40):
        owner = chance.choice(owners)
        present = list(PARSED.objects[owner].elements) if owner in PARSED.objects else []
        number = chance.choice([*present, chance.getrandbits(32), chance.randrange(1, 8) << 24 | 0x20000001])
        raw = chance.choice([chance.randbytes(chance.randrange(90)), bytes(16) + chance.randbytes(72), utf16("{x}")])
        if chance.random() < 0.3:
            element = next(iter(PARSED.objects[WELL_KNOWN["bootmgr"]].elements.values()))
            bent = bytearray(element.raw)
            bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)
            raw = bytes(bent)
        spoilt.set_raw(owner, number, chance.choice([1, 3, 4, 7]), raw)
    data = spoilt.finish()
    store = Store.parse(data, "BCD")
    for line in LINES:
        command = parse_line(line.split()).command
        editor = StoreEditor(data, "BCD")
        try:
            if isinstance(command, Enumerate):
                lines = list(Listing(store, PARTITIONS, full=command.full).lines(chosen(store, command.what)))
                assert "\n".join(lines).encode()
            elif isinstance(command, Copy | Delete):
                EntriesEditor(store, editor).apply(command)
            else:
                assert isinstance(command, Set | DeleteValue | EmsSettings | Order)
                SettingsEditor(store, editor, PARTITIONS).apply(command)
        except BootmendError as error:
            assert error.exit_code in (2, 3, 4)
        assert check(editor.finish(), "BCD").errors == []
