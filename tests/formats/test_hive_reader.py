"""Reading hives: real ones against an independent reader, odd ones against the fault in their name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bounded_work import bounded_work
from hive_readers import data_of_others, pyregf_keys
from sample_data import data_folder, need, unpacked

from bootmend.errors import ParseError
from bootmend.formats.hive import (
    Hive,
    HiveEditor,
    Key,
    NotANumber,
    Value,
    ValueType,
    check,
    filetime,
    from_filetime,
    multi_sz,
    new_hive,
    sz,
)
from bootmend.formats.hive.cells import Cells

FOLDER = data_folder()
REAL = [
    pytest.param("hives/system/win7-clean.SYSTEM.xz", marks=pytest.mark.slow),
    pytest.param("hives/system/win81-dirty-nologs.SYSTEM.xz", marks=pytest.mark.slow),
    *(f"bcd/{path.parent.name}/BCD" for path in sorted(FOLDER.glob("bcd/*/BCD") if FOLDER else ())),
]

# What the check must say of each odd hive, in one word; "" where Windows itself would find nothing wrong with it.
ODD = {
    "BadListHive.xz": "used twice",
    "BadSubkeyHive.xz": "used twice",
    "BigDataHive.xz": "",
    "BogusKeyNamesHive.xz": "",
    "CompHive.xz": "hint",
    "DupNameHive.xz": "",
    "DuplicateSubkeysHive.xz": "duplicate '4500'",
    "EffectiveSizeHive.xz": "checksum",
    "EmptyHive.xz": "",
    "ExtendedASCIIHive.xz": "",
    "GarbageHive.xz": "checksum",
    "InvalidParentHive.xz": "parent",
    "ManySubkeysHive.xz": "",
    "MultiSzHive.xz": "",
    "NewFlagsHive.xz": "",
    "OffHive": "",
    "PairHive.xz": "",
    "RemnantsHive.xz": "",
    "SlackHive.xz": "",
    "StringValuesHive.xz": "",
    "System_Delta.xz": "",
    "TruncatedDirtyHive": "truncated",
    "TruncatedHive": "truncated",
    "TruncatedHiveBin": "regf",
    "TruncatedNameHive.xz": "key name",
    "TwoOwnersHive.xz": "",
    "UnicodeHive.xz": "",
    "UpcaseHive.xz": "",
    "ValuesOrderHive.xz": "",
    "WrongOrderHive.xz": "wrong order",
    "minimal": "",
    "rlenvalue_test_hive": "",
    "special": "",
}
# Faults that reading meets as well, and must name.
WARNED = {
    "BadListHive.xz": "used twice",
    "BadSubkeyHive.xz": "one list only",
    "DuplicateSubkeysHive.xz": "duplicate '4500'",
    "EffectiveSizeHive.xz": "checksum",
    "GarbageHive.xz": "checksum",
    "InvalidParentHive.xz": "parent",
    "TruncatedDirtyHive": "truncated",
    "TruncatedHive": "truncated",
    "TruncatedNameHive.xz": "key name",
}


def walk(hive: Hive) -> list[tuple[Key, list[Value]]]:
    found = []
    todo = [hive.root]
    while todo:
        key = todo.pop()
        found.append((key, key.values()))
        todo += key.subkeys()
    return found


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_real_hives_read_key_by_key_as_two_other_readers_read_them(name: str) -> None:
    data = unpacked(name)
    everything = walk(Hive.parse(data, name))
    assert [
        (key.path, key.written, key.class_name or "", [(value.name, value.type) for value in values])
        for key, values in everything
    ] == pyregf_keys(data)
    for (key, values), others in zip(everything, data_of_others(data), strict=True):
        for value, (one, other) in zip(values, others, strict=True):
            padded = len(other) == 4 and other[: len(value.data)] == value.data
            both_wrong = value.type > 11 and len(value.data) < 4  # of a device property they give its type, or zeros
            assert padded or both_wrong or value.data in (one, other), (key.path, value.name)


@pytest.mark.data
def test_a_system_hive_of_windows_7_has_all_its_keys_and_values() -> None:
    data = unpacked("hives/system/win7-clean.SYSTEM.xz")
    hive = Hive.parse(data, "SYSTEM")
    everything = walk(hive)
    assert (len(everything), sum(len(values) for _, values in everything)) == (30756, 73456)
    assert (hive.dirty, hive.minor, hive.warnings) == (False, 5, [])


@pytest.mark.data
def test_opening_a_hive_and_looking_up_one_value_reads_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred cells of some two hundred thousand: the keys beside those on the way."""
    data = unpacked("hives/system/win7-clean.SYSTEM.xz")
    looked_at: set[int] = set()
    capacity = Cells.capacity

    def counted(cells: Cells, offset: int, what: str) -> int:
        looked_at.add(offset)
        return capacity(cells, offset, what)

    monkeypatch.setattr(Cells, "capacity", counted)
    with bounded_work(calls=50_000):
        hive = Hive.parse(data, "SYSTEM")
        key = hive.key("controlset001\\SERVICES\\DISK")
        assert key is not None and (start := key.value("START")) is not None and start.number == 0
    assert 100 < len(looked_at) < 1000
    assert key.path == "ControlSet001\\services\\Disk"


@pytest.mark.data
def test_a_dirty_hive_reads_with_a_warning() -> None:
    hive = Hive.parse(unpacked("hives/system/win81-dirty-nologs.SYSTEM.xz"), "SYSTEM")
    assert hive.dirty and hive.sequences == (205, 204)
    assert "dirty" in hive.warnings[0]
    assert hive.key("Select") is not None


@pytest.mark.data
def test_the_table_of_odd_hives_is_complete() -> None:
    assert {path.name for path in need("hives/odd").iterdir()} == set(ODD)


@pytest.mark.data
@pytest.mark.parametrize("name", ODD)
def test_an_odd_hive_is_read_and_its_fault_named(name: str) -> None:
    data = unpacked(f"hives/odd/{name}")
    report = check(data, name)
    errors = " ".join(report.errors)
    assert (ODD[name] in errors) if ODD[name] else (errors == "")
    if ODD[name] == "regf":
        with pytest.raises(ParseError, match="regf"):
            Hive.parse(data, name)
        return
    hive = Hive.parse(data, name)
    everything = walk(hive)
    assert WARNED.get(name, "") in " ".join(hive.warnings)
    assert bool(hive.warnings) == (name in WARNED)
    if not ODD[name]:
        assert len(everything) == report.keys == len(pyregf_keys(data))


@pytest.mark.data
def test_what_stands_in_the_odd_hives() -> None:
    def key(name: str, path: str) -> Key:
        found = Hive.parse(unpacked(f"hives/odd/{name}"), name).key(path)
        assert found is not None
        return found

    big = {value.name: value.data for value in walk(Hive.parse(unpacked("hives/odd/BigDataHive.xz"), "b"))[1][1]}
    assert sorted(map(len, big.values())) == [16345, 81725]
    assert len(key("ManySubkeysHive.xz", "key_with_many_subkeys").subkeys()) >= 5000
    assert key("PairHive.xz", "\U00010400").name == "\U00010400"
    assert key("UpcaseHive.xz", "SS1").name == "ss1"
    assert Hive.parse(unpacked("hives/odd/UpcaseHive.xz"), "u").key("SS2") is None  # it is ß2
    assert key("special", "WEIRD™").value("SYMBOLS $£₤₧€") == Value("symbols $£₤₧€", ValueType.DWORD, bytes(4))
    assert check(unpacked("hives/odd/System_Delta.xz"), "d").layered_keys == 578


def test_values_are_what_their_bytes_say() -> None:
    assert Value("v", ValueType.SZ, "a\0b\0".encode("utf-16-le")).text == "a"
    assert Value("v", ValueType.SZ, "ab".encode("utf-16-le") + b"c").text == "ab"
    assert Value("v", ValueType.SZ, b"\x00\xd8").text == "\ud800"
    assert Value("v", ValueType.DWORD, b"\x01\x02\0\0").number == 0x201
    assert Value("v", ValueType.DWORD_BE, b"\0\0\x02\x01").number == 0x201
    assert Value("v", ValueType.BINARY, b"\x05\0\0").number == 5
    for length in (0, 9):
        with pytest.raises(NotANumber, match="not a number"):
            _ = Value("v", ValueType.BINARY, bytes(length)).number
    assert Value("v", ValueType.MULTI_SZ, multi_sz(["one", "two"])).strings == ["one", "two"]
    assert Value("v", ValueType.MULTI_SZ, sz("only")[:-2]).strings == ["only"]
    assert Value("v", ValueType.MULTI_SZ, multi_sz([])).strings == []


def test_the_clock() -> None:
    moment = datetime(2011, 4, 12, 8, 0, 1, 250, tzinfo=UTC)
    assert from_filetime(filetime(moment)) == moment
    assert filetime(datetime(1970, 1, 1, tzinfo=UTC)) == 116444736000000000
    assert from_filetime(0) is None
    assert from_filetime(2**64 - 1) is None


def test_keys_are_found_without_regard_to_case_and_keep_theirs() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.create_key("One\\Two\\Drei Äpfel")
    editor.set_value("one\\TWO", "", ValueType.SZ, sz("default"))
    hive = Hive.parse(editor.finish(5), "hive")
    key = hive.key("\\ONE\\two\\drei äPFEL\\")
    assert key is not None and key.path == "One\\Two\\Drei Äpfel" and key.written == 5
    assert hive.root.path == "" and hive.root.name == "ROOT" and hive.key("") is hive.root
    two = hive.key("one\\two")
    assert two is not None and two.value("") == Value("", 1, sz("default"))
    assert two.key("drei äpfel") is not None and two.key("vier") is None and hive.key("one\\x\\y") is None


def test_a_log_and_other_files_are_no_hives() -> None:
    log = bytearray(new_hive("ROOT"))
    log[28] = 6
    for data, expected in ((bytes(log), "type 0"), (b"", "regf"), (b"regf", "base block"), (bytes(9000), "regf")):
        with pytest.raises(ParseError, match=expected):
            Hive.parse(data, "file")


def test_a_hive_that_points_at_itself_ends() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.create_key("a\\b")
    data = bytearray(editor.finish(0))
    hive = Hive.parse(bytes(data), "hive")
    a, b = hive.key("a"), hive.key("a\\b")
    assert a and b
    place = 4096 + b.offset + 4
    data[place + 20 : place + 24] = (1).to_bytes(4, "little")  # b gets the list that holds it
    data[place + 28 : place + 32] = a.node.subkeys.to_bytes(4, "little")
    hive = Hive.parse(bytes(data), "hive")
    assert len(walk(hive)) == 3
    assert "used twice" in hive.warnings[0]
    assert not check(bytes(data), "hive").sound


def test_keys_deeper_than_windows_allows_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootmend.formats.hive.editor.MAX_DEPTH", 1000)
    for levels, warnings in ((512, 0), (600, 1)):
        editor = HiveEditor(new_hive("ROOT"), "hive")
        editor.create_key("\\".join("d" * levels))
        data = editor.finish(0)
        hive = Hive.parse(data, "hive")
        assert len(walk(hive)) == 513
        assert len(hive.warnings) == warnings
        assert check(data, "hive").sound == (warnings == 0)


def test_big_data_that_names_one_segment_many_times_is_not_multiplied() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.set_value("", "big", 3, bytes(16344 * 40))
    data = bytearray(editor.finish(0))
    top = data.index(b"db\x28\0")
    entries = 4096 + 4 + int.from_bytes(data[top + 4 : top + 8], "little")
    data[entries : entries + 160] = bytes(data[entries : entries + 4]) * 40
    hive = Hive.parse(bytes(data), "hive")
    assert hive.root.values() == []
    assert "segments" in hive.warnings[0]
