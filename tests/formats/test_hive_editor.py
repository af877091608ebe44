"""Editing hives: what changes, what stays, what is refused."""

from __future__ import annotations

import pytest
from hive_readers import contents
from sample_data import unpacked

from bootmend.errors import Missing, Misuse, ParseError, Refused
from bootmend.formats.hive import Hive, HiveEditor, Key, ValueType, check, new_hive, sz
from bootmend.formats.hive.baseblock import stamp

NOW = 133_000_000_000_000_000


def edited(data: bytes, *keys: str) -> HiveEditor:
    editor = HiveEditor(data, "hive")
    for key in keys:
        editor.create_key(key)
    return editor


def key(data: bytes, path: str) -> Key:
    found = Hive.parse(data, "hive").key(path)
    assert found is not None
    return found


def list_signature(data: bytes, path: str) -> bytes:
    at = 4096 + 4 + key(data, path).node.subkeys
    return data[at : at + 2]


def assert_sound(data: bytes) -> None:
    report = check(data, "hive")
    assert (report.errors, report.notes, report.leaked_cells) == ([], [], 0)


def test_a_new_hive_is_sound_and_empty() -> None:
    data = new_hive("NewStoreRoot", minor=3, file_name="\\Device\\HarddiskVolume1\\Boot\\BCD")
    assert_sound(data)
    hive = Hive.parse(data, "hive")
    assert (hive.root.name, hive.minor, hive.dirty, hive.root.subkeys()) == ("NewStoreRoot", 3, False, [])
    assert "Boot\\BCD".encode("utf-16-le") in data[48:112]


def test_without_an_edit_the_very_same_bytes_come_out() -> None:
    data = edited(new_hive("ROOT"), "a\\b").finish(NOW)
    editor = HiveEditor(data, "hive")
    editor.create_key("A\\B")
    assert not editor.delete_value("a", "nothing")
    assert not editor.delete_value("nothing", "nothing")
    assert not editor.delete_key("nothing\\below")
    assert editor.finish(NOW + 1) == data


def test_setting_what_already_stands_there_changes_nothing() -> None:
    editor = edited(new_hive("ROOT"), "a")
    for size in (0, 3, 100, 20000):
        editor.set_value("a", f"v{size}", ValueType.BINARY, bytes(size))
    data = editor.finish(NOW)
    again = HiveEditor(data, "hive")
    for size in (0, 3, 100, 20000):
        again.set_value("A", f"V{size}", ValueType.BINARY, bytes(size))
    assert again.finish(NOW + 1) == data
    again.set_value("a", "v3", ValueType.SZ, bytes(3))
    assert again.finish(NOW + 1) != data


def test_numbers_and_times_of_an_edited_hive() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive", highest_sequence=70)
    editor.create_key("a")
    data = editor.finish(NOW)
    hive = Hive.parse(data, "hive")
    assert (hive.sequences, hive.timestamp, hive.dirty) == ((71, 71), NOW, False)
    assert int.from_bytes(data[4096 + 20 : 4096 + 28], "little") == NOW
    assert hive.root.written == key(data, "a").written == NOW
    second = HiveEditor(data, "hive", highest_sequence=5)
    second.set_value("a", "v", 1, sz("x"))
    assert Hive.parse(second.finish(NOW + 9), "hive").sequences == (72, 72)
    assert key(second.finish(NOW + 9), "").written == NOW


@pytest.mark.data
def test_a_small_change_dirties_few_bytes() -> None:
    data = unpacked("hives/system/win7-clean.SYSTEM.xz")
    editor = HiveEditor(data, "SYSTEM")
    editor.set_value("ControlSet001\\services\\disk", "Start", ValueType.DWORD, b"\3\0\0\0")
    after = editor.finish(NOW)
    assert len(after) == len(data)
    sectors = [at for at in range(0, len(data), 512) if data[at : at + 512] != after[at : at + 512]]
    different = [byte for at in sectors for byte in range(at, at + 512) if data[byte] != after[byte]]
    assert len(different) <= 1 + 8 + 8 + 8 + 4  # the value, the key's time; time, sequence numbers and checksum
    assert len(sectors) <= 3
    assert_sound(after)


def test_names_keep_the_case_they_have_and_new_ones_the_case_given() -> None:
    editor = edited(new_hive("ROOT"), "Services\\DISK")
    editor.set_value("services\\disk", "ImagePath", 1, sz("one"))
    editor.set_value("SERVICES\\disk", "IMAGEPATH", 1, sz("two"))
    editor.create_key("services\\Disk\\ЁЖИК-Straße")
    data = editor.finish(NOW)
    assert contents(data) == {
        "": {},
        "SERVICES": {},
        "SERVICES\\DISK": {"IMAGEPATH": ("ImagePath", 1, sz("two"))},
        "SERVICES\\DISK\\ЁЖИК-STRAßE": {},
    }
    assert [below.path for below in key(data, "").subkeys()] == ["Services"]
    assert key(data, "services").node.max_name == 8
    assert key(data, "services\\disk").node.max_name == 2 * len("ЁЖИК-Straße")


def test_maxima_follow_the_values_and_fall_with_the_last() -> None:
    editor = edited(new_hive("ROOT"), "a")
    editor.set_value("a", "name", 3, bytes(300))
    node = key(editor.finish(NOW), "a").node
    assert (node.max_value_name, node.max_value_data) == (8, 300)
    assert editor.delete_value("a", "NAME")
    node = key(editor.finish(NOW), "a").node
    assert (node.value_count, node.values, node.max_value_name, node.max_value_data) == (0, 0xFFFFFFFF, 0, 0)
    assert_sound(editor.finish(NOW))


@pytest.mark.parametrize("minor", [3, 5])
def test_data_of_every_size_is_stored_and_given_back(minor: int) -> None:
    sizes = [0, 1, 4, 5, 100, 16343, 16344, 16345, 32688, 32689, 200_000]
    data = new_hive("ROOT", minor)
    for first in sizes:  # every size, replaced by every other
        for size in (first, *sizes):
            editor = HiveEditor(data, "hive")
            content = bytes(at * 7 % 251 for at in range(size))
            editor.set_value("", "v", 3, content)
            data = editor.finish(NOW)
            value = key(data, "").value("V")
            assert value is not None and value.data == content
        assert_sound(data)
    assert (b"db\x0d\0" in data) == (minor > 3)


def test_a_value_that_is_too_long_is_refused() -> None:
    editor = HiveEditor(new_hive("ROOT", 3), "hive")
    with pytest.raises(Refused, match="more than a value can hold"):
        editor.set_value("", "v", 3, bytes((1 << 20) + 1))


@pytest.mark.parametrize(("minor", "signature"), [(3, b"lf"), (5, b"lh")])
def test_lists_grow_into_lists_of_lists_and_vanish_again(minor: int, signature: bytes) -> None:
    editor = HiveEditor(new_hive("ROOT", minor), "hive")
    names = [f"many\\{number * 7919 % 3001:04x}" for number in range(3001)]
    for name in names[:507]:
        editor.create_key(name)
    assert list_signature(editor.finish(NOW), "many") == signature
    for name in names[507:]:
        editor.create_key(name)
    data = editor.finish(NOW)
    assert list_signature(data, "many") == b"ri"
    assert_sound(data)
    assert len(key(data, "many").subkeys()) == 3001
    editor = HiveEditor(data, "hive")
    for name in reversed(names):
        assert editor.delete_key(name)
    data = editor.finish(NOW)
    node = key(data, "many").node
    assert (node.subkey_count, node.subkeys, node.max_name) == (0, 0xFFFFFFFF, 0)
    assert_sound(data)


@pytest.mark.data
def test_a_list_keeps_the_type_it_has() -> None:
    data = unpacked("hives/odd/ManySubkeysHive.xz")  # ri of li, 951 keys in each
    editor = HiveEditor(data, "hive")
    for number in range(800):
        editor.create_key(f"key_with_many_subkeys\\new{number}")
        assert editor.delete_key(f"key_with_many_subkeys\\{number * 3 + 1}")
    after = editor.finish(NOW)
    assert_sound(after)
    assert len(key(after, "key_with_many_subkeys").subkeys()) == len(key(data, "key_with_many_subkeys").subkeys())
    assert b"lh" not in {list_signature(after, path) for path in ("", "key_with_many_subkeys")}


def test_new_bins_go_over_the_bytes_behind_the_last_one_first() -> None:
    data = new_hive("ROOT") + b"\xaa" * 3 * 4096
    editor = HiveEditor(data, "hive")
    editor.set_value("", "one", 3, bytes(3000))
    editor.set_value("", "two", 3, bytes(3000))
    after = editor.finish(NOW)
    assert len(after) == len(data) and after[-4096:] == data[-4096:]
    assert_sound(after)
    editor.set_value("", "three", 3, bytes(12000))
    longer = editor.finish(NOW)
    assert len(longer) == 4096 + int.from_bytes(longer[40:44], "little") > len(data)
    assert_sound(longer)


def test_space_is_used_again() -> None:
    editor = edited(new_hive("ROOT"), "a\\b")
    for turn in range(3000):
        editor.set_value("a\\b", f"v{turn % 5}", 3, bytes(1 + turn * 37 % 400))
        if turn % 7 == 0:
            editor.delete_value("a\\b", f"v{turn % 3}")
    data = editor.finish(NOW)
    assert len(data) <= 4096 + 2 * 4096
    assert_sound(data)
    editor.delete_key("a")
    report = check(editor.finish(NOW), "hive")
    assert report.free_bytes == check(new_hive("ROOT"), "h").free_bytes + len(data) - 8192 - 32 * (len(data) > 8192)


@pytest.mark.data
def test_a_security_cell_goes_with_its_last_key() -> None:
    data = unpacked("hives/odd/special")  # three keys share one security cell, the root has another
    editor = HiveEditor(data, "hive")
    for name in ("abcd_äöüß", "weird™"):
        assert editor.delete_key(name)
    assert editor.finish(NOW).count(b"sk\0\0") == data.count(b"sk\0\0")
    below = next(below for below in key(data, "").subkeys() if below.name.startswith("zero"))
    used = check(data, "h").cells
    assert editor.delete_key(below.name)
    after = editor.finish(NOW)
    assert_sound(after)
    assert check(after, "h").cells == 2 < used


@pytest.mark.data
def test_keys_with_classes_and_big_data_are_deleted_without_a_trace() -> None:
    data = unpacked("hives/system/win7-clean.SYSTEM.xz")
    editor = HiveEditor(data, "SYSTEM")
    for path in ("ControlSet001\\Control", "ControlSet001\\Enum", "controlset002"):
        assert editor.delete_key(path)
    after = editor.finish(NOW)
    assert_sound(after)
    assert len(after) == len(data)
    assert check(after, "h").keys < 15000


def test_a_deleted_key_is_gone_and_can_be_made_again() -> None:
    editor = edited(new_hive("ROOT"), "a\\b\\c")
    editor.set_value("a\\b", "v", 4, bytes(4))
    assert editor.delete_key("A")
    assert not editor.delete_key("a\\b") and not editor.delete_value("a\\b", "v")
    with pytest.raises(Missing):
        editor.set_value("a\\b", "v", 4, bytes(4))
    editor.create_key("a\\B")
    assert contents(editor.finish(NOW)) == {"": {}, "A": {}, "A\\B": {}}
    assert_sound(editor.finish(NOW))


def test_what_makes_no_sense_is_misuse() -> None:
    editor = edited(new_hive("ROOT"), "a")
    with pytest.raises(Missing, match="no key b"):
        editor.set_value("b", "v", 4, bytes(4))
    for wrong in (
        lambda: editor.delete_key(""),
        lambda: editor.create_key("x" * 256),
        lambda: editor.create_key("a\0b"),
        lambda: editor.create_key("\\".join("k" * 513)),
        lambda: editor.set_value("a", "v" * 16384, 4, bytes(4)),
    ):
        with pytest.raises(Misuse):
            wrong()


def test_a_dirty_hive_is_refused_unless_asked() -> None:
    data = bytearray(new_hive("ROOT"))
    stamp(data, sequence=(8, 7))
    with pytest.raises(Refused, match="dirty") as caught:
        HiveEditor(bytes(data), "hive")
    assert "unreplayed-hive" in caught.value.next_step
    editor = HiveEditor(bytes(data), "hive", allow_dirty=True)
    editor.create_key("a")
    assert Hive.parse(editor.finish(NOW), "hive").sequences == (9, 9)
    data[508] ^= 1
    with pytest.raises(Refused, match="dirty"):
        HiveEditor(bytes(data), "hive")
    editor = HiveEditor(bytes(data), "hive", allow_dirty=True)
    editor.create_key("a")
    assert_sound(editor.finish(NOW))


@pytest.mark.data
def test_real_hives_that_are_refused() -> None:
    with pytest.raises(Refused, match="dirty"):
        HiveEditor(unpacked("hives/system/win81-dirty-nologs.SYSTEM.xz"), "SYSTEM")
    with pytest.raises(Refused, match="delta"):
        HiveEditor(unpacked("hives/odd/System_Delta.xz"), "Delta", allow_unsound=True, allow_dirty=True)
    with pytest.raises(Refused, match="duplicate '4500'"):
        HiveEditor(unpacked("hives/odd/DuplicateSubkeysHive.xz"), "hive")
    with pytest.raises(ParseError, match="regf"):
        HiveEditor(unpacked("hives/odd/TruncatedHiveBin"), "hive")


@pytest.mark.data
@pytest.mark.parametrize("name", ["WrongOrderHive.xz", "DuplicateSubkeysHive.xz", "BadListHive.xz", "CompHive.xz"])
def test_an_unsound_hive_can_be_edited_when_asked_and_gets_no_worse(name: str) -> None:
    data = unpacked(f"hives/odd/{name}")
    before = check(data, name)
    editor = HiveEditor(data, name, allow_unsound=True)
    editor.create_key("zz new\\below")
    editor.set_value("zz new", "v", 1, sz("text"))
    editor.set_value("zz new", "v", 1, sz("longer text than it was"))
    assert editor.delete_value("zz new", "v")
    for below in key(data, "").subkeys():
        editor.set_value(below.name, "v", 4, bytes(4))
    after = editor.finish(NOW)
    assert check(after, name).error_count == before.error_count
    assert key(after, "zz new\\below").name == "below"


def test_free_neighbours_count_as_one_piece_of_space() -> None:
    data = bytearray(new_hive("ROOT"))
    free = check(bytes(data), "hive").free_bytes
    at = len(data) - free
    for piece in range(at, len(data), 8):  # one free cell of 3.8 KB becomes hundreds of the smallest size
        data[piece : piece + 4] = (8).to_bytes(4, "little")
    editor = HiveEditor(bytes(data), "hive")
    editor.set_value("", "v", 3, bytes(3000))
    after = editor.finish(NOW)
    assert len(after) == len(data)
    assert_sound(after)


def test_a_cell_with_two_owners_is_not_freed_under_the_second() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.set_value("", "first", 3, b"shared data, all of it")
    editor.set_value("", "second", 3, b"its own data of its own")
    data = bytearray(editor.finish(NOW))
    first, second = (data.index(name) - 20 for name in (b"first", b"second"))
    data[second + 4 : second + 12] = data[first + 4 : first + 12]
    editor = HiveEditor(bytes(data), "hive", allow_unsound=True)
    assert editor.delete_value("", "second")
    for number in range(50):
        editor.set_value("", f"v{number}", 3, b"x" * 18)
    value = key(editor.finish(NOW), "").value("first")
    assert value is not None and value.data == b"shared data, all of it"


def test_a_value_that_gets_much_shorter_gives_its_space_back() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.set_value("", "one", 3, bytes(3500))
    size = len(editor.finish(NOW))
    editor.set_value("", "one", 3, bytes(10))
    editor.set_value("", "two", 3, bytes(3400))
    data = editor.finish(NOW)
    assert len(data) == size
    assert_sound(data)


@pytest.mark.data
def test_a_truncated_hive_does_not_grow() -> None:
    editor = HiveEditor(unpacked("hives/odd/TruncatedHive")[:-100], "hive", allow_unsound=True)
    with pytest.raises(Refused, match="cannot grow"):
        editor.set_value("", "v", 3, bytes(16000))
