"""The check: each kind of damage, made on a sound hive, is found and named; nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sample_data import unpacked

from bootmend.formats.hive import Hive, HiveEditor, check, new_hive, sz
from bootmend.formats.hive.baseblock import stamp


def sample(minor: int = 5) -> bytes:
    editor = HiveEditor(new_hive("ROOT", minor), "hive")
    for name in ("alpha", "beta", "gamma\\delta"):
        editor.create_key(name)
    editor.set_value("alpha", "text", 1, sz("a string of some length"))
    editor.set_value("alpha", "number", 4, b"\1\0\0\0")
    editor.set_value("beta", "big", 3, bytes(40000))
    return editor.finish(0)


def place(data: bytes, path: str) -> int:
    """Where the body of a key's cell stands in the file."""
    key = Hive.parse(data, "hive").key(path)
    assert key is not None
    return 4096 + key.offset + 4


def u32(data: bytes | bytearray, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def put(data: bytearray, at: int, value: int) -> None:
    data[at : at + 4] = value.to_bytes(4, "little")


def body(data: bytes | bytearray, at: int) -> int:
    """Where the body of the cell stands whose offset is at `at`."""
    return 4096 + u32(data, at) + 4


@dataclass
class Sample:
    """A hive to damage, and where the bodies of its root key and of the key alpha stand."""

    data: bytearray
    root: int
    alpha: int


Damage = Callable[[Sample], None]


def wrong_hash(hive: Sample) -> None:
    put(hive.data, body(hive.data, hive.root + 28) + 8, 1)


def wrong_order(hive: Sample) -> None:
    entries = body(hive.data, hive.root + 28) + 4
    hive.data[entries : entries + 16] = hive.data[entries + 8 : entries + 16] + hive.data[entries : entries + 8]


def wrong_count(hive: Sample) -> None:
    put(hive.data, hive.root + 20, 2)


def wrong_parent(hive: Sample) -> None:
    put(hive.data, hive.alpha + 16, 8)


def wrong_reference_count(hive: Sample) -> None:
    put(hive.data, body(hive.data, hive.root + 44) + 12, 99)


def open_ring(hive: Sample) -> None:
    put(hive.data, body(hive.data, hive.root + 44) + 4, 0x20)


def wrong_way_back(hive: Sample) -> None:
    put(hive.data, body(hive.data, hive.root + 44) + 8, 0x20)


def shared_value(hive: Sample) -> None:
    values = body(hive.data, hive.alpha + 40)
    put(hive.data, values + 4, u32(hive.data, values))


def short_data(hive: Sample) -> None:
    put(hive.data, body(hive.data, body(hive.data, hive.alpha + 40)) + 4, 5000)


def fat_inline(hive: Sample) -> None:
    put(hive.data, body(hive.data, body(hive.data, hive.alpha + 40) + 4) + 4, 0x80000005)


def free_data(hive: Sample) -> None:
    cell = 4096 + u32(hive.data, body(hive.data, body(hive.data, hive.alpha + 40)) + 8)
    put(hive.data, cell, 2**32 - u32(hive.data, cell))


def list_as_key(hive: Sample) -> None:
    put(hive.data, body(hive.data, hive.root + 28) + 4, u32(hive.data, hive.root + 28))


def cell_over_the_end(hive: Sample) -> None:
    put(hive.data, 4096 + 32, 2**32 - 8192)


def odd_cell(hive: Sample) -> None:
    put(hive.data, 4096 + 32, 2**32 - 84)


def no_bin(hive: Sample) -> None:
    hive.data[4096] = ord("H")


def endless_bin(hive: Sample) -> None:
    put(hive.data, 4096 + 8, 0x7FFFF000)


def too_many_segments(hive: Sample) -> None:
    at = hive.data.index(b"db\x03\0")
    hive.data[at + 2] = 4


def same_name_twice(hive: Sample) -> None:
    for name in (b"number", b"text"):
        at = hive.data.index(name)
        hive.data[at : at + 4] = b"same"
        hive.data[at - 18 : at - 16] = (4).to_bytes(2, "little")


def truncated(hive: Sample) -> None:
    del hive.data[-4096:]


def bad_checksum(hive: Sample) -> None:
    hive.data[508] ^= 1


def no_pages(hive: Sample) -> None:
    put(hive.data, 40, u32(hive.data, 40) - 8)
    stamp(hive.data, sequence=2)


def version_two(hive: Sample) -> None:
    put(hive.data, 20, 2)
    stamp(hive.data, sequence=2)


DAMAGES: dict[Damage, str] = {
    wrong_hash: "the hash of 'alpha'",
    wrong_order: "wrong order",
    wrong_count: "2 subkeys",
    wrong_parent: "the parent",
    wrong_reference_count: "the count 99",
    open_ring: "security cell",
    wrong_way_back: "the security cell (sk) before it",
    shared_value: "used twice",
    short_data: "5000 bytes of data",
    fat_inline: "at most four bytes",
    free_data: "no cell in use",
    list_as_key: "a key (nk)",
    cell_over_the_end: "a cell inside its hive bin",
    odd_cell: "a cell inside its hive bin",
    no_bin: "hbin",
    endless_bin: "the size of a hive bin",
    too_many_segments: "of 4",
    same_name_twice: "each value name once",
    truncated: "truncated",
    bad_checksum: "checksum",
    no_pages: "whole pages",
    version_two: "version",
}


def test_a_sound_hive_has_no_fault() -> None:
    for minor in (3, 5):
        data = sample(minor)
        report = check(data, "hive")
        assert (report.errors, report.notes, report.leaked_cells) == ([], [], 0)
        assert (report.keys, report.values) == (5, 3)
        bins = 4096 - 32
        used = 0
        for at in range(4096, len(data), 4096):
            if data[at : at + 4] == b"hbin":
                used += u32(data, at + 8) - 32
        assert used >= bins and report.free_bytes < used


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_found_and_named(damage: Damage) -> None:
    data = sample()
    hive = Sample(bytearray(data), place(data, ""), place(data, "alpha"))
    damage(hive)
    report = check(bytes(hive.data), "hive")
    assert not report.sound
    assert DAMAGES[damage] in " | ".join(report.errors)


def test_a_wrong_hint_is_found() -> None:
    data = bytearray(sample(minor=3))
    put(data, body(data, place(bytes(data), "") + 28) + 8, u32(b"Alph", 0))
    assert ["hint" in error for error in check(bytes(data), "hive").errors] == [True]


def test_cells_nobody_points_at_are_counted_not_errors() -> None:
    data = bytearray(sample())
    alpha = place(bytes(data), "alpha")
    put(data, alpha + 36, 0)
    report = check(bytes(data), "hive")
    assert report.sound and report.leaked_cells == 4
    assert report.leaked_bytes > 4 * 8


def test_a_maximum_kept_too_small_is_a_note() -> None:
    data = bytearray(sample())
    put(data, place(bytes(data), "alpha") + 64, 1)
    report = check(bytes(data), "hive")
    assert report.sound and len(report.notes) == 1


def test_a_list_of_lists_inside_another_is_found_and_not_followed() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    for number in range(1200):
        editor.create_key(f"{'ab'[number % 2]}\\key{number}")
    data = bytearray(editor.finish(0))
    put(data, body(data, place(bytes(data), "b") + 28) + 4, u32(data, place(bytes(data), "a") + 28))
    hive = Hive.parse(bytes(data), "hive")
    b = hive.key("b")
    assert b is not None and 0 < len(b.subkeys()) < 600
    assert "another list of lists" in hive.warnings[0]
    assert "another list of lists" in " ".join(check(bytes(data), "hive").errors)


def test_messages_are_bounded_and_counted() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    for number in range(500):
        editor.create_key(f"key{number}")
    data = bytearray(editor.finish(0))
    for below in Hive.parse(bytes(data), "hive").root.subkeys():
        put(data, 4096 + below.offset + 4 + 16, 8)
    report = check(bytes(data), "hive")
    assert report.error_count == 500 and len(report.errors) == 200


@pytest.mark.data
def test_real_hives_account_for_every_cell() -> None:
    for name in ("win7-clean", "win81-dirty-nologs"):
        report = check(unpacked(f"hives/system/{name}.SYSTEM.xz"), name)
        assert (report.error_count, report.leaked_cells) == (0, 0)
    assert report.dirty and report.cells == 124139
