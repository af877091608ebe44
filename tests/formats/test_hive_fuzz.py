"""Hostile hives and logs: seeded damage, and nothing but ParseErrors, warnings and verdicts, in bounded time."""

from __future__ import annotations

import random

import pytest
from bounded_work import bounded_work
from sample_data import data_folder, unpacked

from bootmend.errors import BootmendError, ParseError
from bootmend.formats.hive import Hive, HiveEditor, RecoveryState, check, multi_sz, new_hive, recover, sz
from bootmend.formats.hive.baseblock import stamp
from bootmend.lab.hive_log import crash, crash_old_format

MUTATIONS = 1000
POINTERS = [0, 8, 0x18, 0x20, 0x80, 0x1000, 0x1020, 0x7FFFFFF8, 0x80000000, 0x80000004, 0xFFFFFFF8, 0xFFFFFFFF]


def sample(minor: int) -> bytes:
    editor = HiveEditor(new_hive("ROOT", minor), "hive")
    for number in range(30):
        editor.create_key(f"Objects\\{number}\\Elements\\{number * 3:08x}")
        editor.set_value(f"Objects\\{number}", "text", 1, sz("some text" * number))
    editor.set_value("objects", "list", 7, multi_sz(["one", "two"]))
    editor.set_value("", "big", 3, bytes(40_000))
    return editor.finish(10**17)


def wreck(rnd: random.Random, data: bytes) -> bytes:
    """One to six bytes, words or pages changed, mostly where the hive's structures are."""
    wrecked = bytearray(data)
    for _ in range(rnd.randint(1, 6)):
        at = rnd.randrange(len(wrecked))
        match rnd.randrange(5):
            case 0:
                wrecked[at] = rnd.randrange(256)
            case 1:
                at &= ~3
                wrecked[at : at + 4] = rnd.choice(POINTERS).to_bytes(4, "little")
            case 2:
                at &= ~3
                other = rnd.randrange(len(wrecked)) & ~3
                wrecked[at : at + 4] = wrecked[other : other + 4]
            case 3:
                at, other = at & ~7, rnd.randrange(len(wrecked)) & ~7
                wrecked[at : at + 64] = wrecked[other : other + 64]
            case _:
                at = rnd.choice([rnd.randrange(0, 64) * 4, 4096 + rnd.randrange(0, 64) * 4])
                wrecked[at : at + 4] = rnd.randbytes(4)
    if rnd.random() < 0.1:
        del wrecked[rnd.randrange(len(wrecked)) :]
    if rnd.random() < 0.5 and len(wrecked) >= 512:
        number = int.from_bytes(wrecked[4:8], "little")
        stamp(wrecked, sequence=number)  # most of what is wrong should not be told by the checksum already
    return bytes(wrecked)


def read_all(data: bytes) -> None:
    hive = Hive.parse(data, "hive")
    held = 0
    keys = 0
    todo = [hive.root]
    while todo:
        key = todo.pop()
        keys += 1
        held += sum(len(value.data) for value in key.values())
        _ = key.path, key.class_name, key.written
        todo += key.subkeys()
    assert keys <= len(data) // 80 + 1
    assert held <= len(data) + 4 * (len(data) // 24)
    assert len(hive.warnings) <= 201


def exercise(data: bytes) -> str:
    """Read, check and edit; what became of it."""
    report = check(data, "hive")
    try:
        read_all(data)
    except ParseError:
        assert not report.sound
        return "no hive"
    for unsound in (False, True):
        try:
            editor = HiveEditor(data, "hive", allow_unsound=unsound, allow_dirty=True)
            editor.set_value("", "new", 3, bytes(100))
            editor.create_key("Objects\\5\\more")
            editor.delete_key("Objects\\7")
            after = editor.finish(1)
        except BootmendError:
            assert unsound or not report.sound
            continue
        if report.sound:
            edited = check(after, "hive")
            assert edited.sound and edited.leaked_cells <= report.leaked_cells
        else:
            check(after, "hive")
    return "sound" if report.sound else "damaged"


@pytest.mark.slow
@pytest.mark.parametrize("minor", [3, 5])
def test_damaged_hives_are_read_checked_and_edited_or_refused(minor: int) -> None:
    data = sample(minor)
    rnd = random.Random(minor)
    seen = {"no hive": 0, "sound": 0, "damaged": 0}
    for turn in range(MUTATIONS):
        with bounded_work(calls=None if turn % 10 else 500_000):  # counting makes it three times slower
            seen[exercise(wreck(rnd, data))] += 1
    assert all(count > MUTATIONS // 50 for count in seen.values()), seen


@pytest.mark.parametrize("old_format", [False, True])
def test_damaged_logs_never_raise_and_never_give_a_broken_hive(old_format: bool) -> None:
    old = sample(5)
    editor = HiveEditor(old, "hive")
    for number in range(12):
        editor.delete_key(f"Objects\\{number}")
    editor.set_value("", "big", 3, bytes(60_000))
    maker = crash_old_format if old_format else crash
    primary, log1, log2 = maker(old, editor.finish(10**17))
    rnd = random.Random(9)
    states = dict.fromkeys(RecoveryState, 0)
    for _ in range(500):
        parts = [primary, log1, log2]
        for which in rnd.sample(range(3), rnd.randint(1, 2)):
            parts[which] = wreck(rnd, parts[which]) if parts[which] else b""
        recovery = recover(parts[0], {"LOG1": parts[1], "LOG2": parts[2]}, "hive")
        states[recovery.state] += 1
        if recovery.state is RecoveryState.REPLAYED:
            hive = Hive.parse(recovery.data, "hive")
            assert not hive.dirty and hive.sequences[0] == recovery.highest_sequence + 1 & 0xFFFFFFFF
        else:
            assert recovery.data == parts[0]
            assert bool(recovery.reason) == (recovery.state is RecoveryState.UNREPLAYABLE)
    assert states[RecoveryState.REPLAYED] > 10 and states[RecoveryState.UNREPLAYABLE] > 10


@pytest.mark.data
def test_damaged_real_stores() -> None:
    folder = data_folder()
    names = sorted(path.parent.name for path in folder.glob("bcd/*/BCD")) if folder else []
    rnd = random.Random(31)
    for name in names or ["uefi-nover-1"]:
        data = unpacked(f"bcd/{name}/BCD")
        for _ in range(10):
            exercise(wreck(rnd, data))


def test_many_keys_that_share_one_list_cost_no_more_than_their_bytes() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    for number in range(2000):
        editor.create_key(f"k{number:04}")
    data = bytearray(editor.finish(0))
    hive = Hive.parse(bytes(data), "hive")
    for key in hive.root.subkeys():
        place = 4096 + 4 + key.offset
        data[place + 20 : place + 24] = (2000).to_bytes(4, "little")
        data[place + 28 : place + 32] = hive.root.node.subkeys.to_bytes(4, "little")
    with bounded_work(calls=1_000_000):
        read_all(bytes(data))
        assert check(bytes(data), "hive").error_count >= 2000


def test_many_values_that_share_one_cell_of_data_are_read_once() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.set_value("", "data", 3, bytes(16_000))
    for number in range(500):
        editor.set_value("", f"v{number}", 3, bytes(5))
    data = bytearray(editor.finish(0))
    at = 4096
    first = data.index(b"data") - 20
    while (at := data.find(b"vk", at + 1)) > 0:
        data[at + 4 : at + 12] = data[first + 4 : first + 12]
    read_all(bytes(data))
    assert check(bytes(data), "hive").error_count == 500
