"""Dirty hives and their logs: what Windows itself made of real ones, and every way a log can be wrong."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from sample_data import need, unpacked

from bootmend.errors import Misuse, Refused
from bootmend.formats.hive import (
    Hive,
    HiveEditor,
    Recovery,
    RecoveryState,
    check,
    new_hive,
    quiet_log,
    recover,
    sz,
)
from bootmend.formats.hive.baseblock import stamp
from bootmend.formats.hive.marvin import marvin32
from bootmend.lab.hive_log import crash, crash_old_format

DIRTY = "hives/dirty"


def real(folder: str, name: str) -> Recovery:
    logs = {}
    for path in sorted(Path(need(f"{DIRTY}/{folder}")).iterdir()):
        if ".LOG" in path.name:
            suffix = path.name.removesuffix(".xz").rpartition(".")[2]
            logs[suffix] = unpacked(f"{DIRTY}/{folder}/{path.name}")
    return recover(unpacked(f"{DIRTY}/{folder}/{name}.xz"), logs, name)


@pytest.mark.data
def test_new_logs_give_byte_for_byte_what_windows_10_made() -> None:
    recovery = real("NewDirtyHive1", "NewDirtyHive")
    assert recovery.state is RecoveryState.REPLAYED
    assert recovery.applied == [("LOG1", 2), ("LOG2", 3), ("LOG2", 4), ("LOG2", 5)]
    assert recovery.data == unpacked(f"{DIRTY}/NewDirtyHive1/RecoveredHive_Windows10.xz")


@pytest.mark.data
def test_old_logs_give_what_windows_7_made() -> None:
    recovery = real("OldDirtyHive", "OldDirtyHive")
    assert (recovery.state, recovery.applied) == (RecoveryState.REPLAYED, [("LOG1", 5)])
    expected = unpacked(f"{DIRTY}/OldDirtyHive/RecoveredHive_Windows7.xz")
    differ = {at for at in range(4096, len(expected)) if recovery.data[at] != expected[at]}
    # The copy of the time in the first bin; and a longest value name of 24 bytes that Windows brought down to 2.
    assert differ <= {*range(4116, 4124), 441800} and len(recovery.data) == len(expected)
    assert check(recovery.data, "hive").sound


@pytest.mark.data
def test_a_real_user_hive_ends_at_entry_300_in_its_second_log() -> None:
    recovery = real("UsrClass", "UsrClass.dat")
    assert recovery.applied == [*(("LOG1", at) for at in range(287, 291)), *(("LOG2", at) for at in range(291, 301))]
    assert recovery.highest_sequence == 300
    expected = unpacked(f"{DIRTY}/UsrClass/UsrClass.dat.recovered.xz")
    assert recovery.data[4096:] == expected[4096:]
    assert Hive.parse(recovery.data, "hive").sequences == (301, 301)
    assert check(recovery.data, "hive").sound


@pytest.mark.data
@pytest.mark.parametrize("number", [1, 2])
def test_bad_logs_are_refused_with_the_reason(number: int) -> None:
    recovery = real(f"BadLogHive{number}", "BadLogHive")
    assert recovery.state is RecoveryState.UNREPLAYABLE
    assert recovery.reason and recovery.notes and recovery.applied == []
    assert recovery.data == unpacked(f"{DIRTY}/BadLogHive{number}/BadLogHive.xz")


@pytest.mark.data
def test_clean_stores_with_real_logs_beside_them_stay_as_they_are() -> None:
    seen = 0
    for path in sorted(need("bcd").glob("*/BCD")):
        logs = {log.suffix[1:]: log.read_bytes() for log in path.parent.glob("BCD.LOG*")}
        data = path.read_bytes()
        recovery = recover(data, logs, path.name)
        assert (recovery.state, recovery.data, recovery.applied) == (RecoveryState.CLEAN, data, [])
        assert recovery.highest_sequence >= max(Hive.parse(data, "BCD").sequences)
        seen += any(logs.values())
    assert seen >= 15


@pytest.mark.data
def test_the_hash_of_real_entries() -> None:
    log = unpacked(f"{DIRTY}/NewDirtyHive1/NewDirtyHive.LOG1")
    assert int.from_bytes(log[536:544], "little") == marvin32(log[552 : 512 + 24064])
    assert int.from_bytes(log[544:552], "little") == marvin32(log[512:544])


def two_versions(size: int = 9000) -> tuple[bytes, bytes]:
    """A hive, and a later version of it that has changed in many pages and grown."""
    editor = HiveEditor(new_hive("ROOT"), "hive")
    for at in range(40):
        editor.set_value("", f"v{at}", 3, bytes([at]) * 1000)
    old = editor.finish(10**17)
    editor = HiveEditor(old, "hive")
    for at in range(0, 40, 3):
        editor.set_value("", f"v{at}", 3, bytes([100 + at]) * 1000)
    editor.create_key("new\\key")
    editor.set_value("new\\key", "v", 3, bytes(size))
    return old, editor.finish(10**17)


def logs_of(log1: bytes, log2: bytes) -> dict[str, bytes]:
    return {"LOG": b"", "LOG1": log1, "LOG2": log2}


@pytest.mark.parametrize("split", [True, False])
def test_the_labs_crash_is_dirty_and_replays_to_the_new_version(split: bool) -> None:
    old, new = two_versions()
    primary, log1, log2 = crash(old, new, split)
    assert Hive.parse(primary, "hive").dirty and len(new) > len(old)
    with pytest.raises(Refused):
        HiveEditor(primary, "hive")
    recovery = recover(primary, logs_of(log1, log2), "hive")
    assert recovery.state is RecoveryState.REPLAYED
    assert recovery.data[4096:] == new[4096:]
    assert {name for name, _ in recovery.applied} == ({"LOG1", "LOG2"} if split else {"LOG1"})
    hive = Hive.parse(recovery.data, "hive")
    assert not hive.dirty and hive.sequences[0] == recovery.highest_sequence + 1
    assert check(recovery.data, "hive").sound
    # Once recovered, the same logs change nothing any more; quieted, they do not even count.
    again = recover(recovery.data, logs_of(log1, log2), "hive")
    assert (again.state, again.data) == (RecoveryState.CLEAN, recovery.data)
    assert again.highest_sequence == hive.sequences[0]
    quiet = recover(primary, logs_of(quiet_log(log1), quiet_log(log2)), "hive")
    assert (quiet.state, quiet.data) == (RecoveryState.UNREPLAYABLE, primary)


def test_the_smallest_change_still_spreads_over_two_logs() -> None:
    old = HiveEditor(new_hive("ROOT"), "hive")
    old.set_value("", "v", 4, bytes(4))
    before = old.finish(5)
    old.set_value("", "v", 4, b"\1\0\0\0")
    after = old.finish(5)
    primary, log1, log2 = crash(before, after)
    recovery = recover(primary, logs_of(log1, log2), "hive")
    assert recovery.data[4096:] == after[4096:] != before[4096:]
    assert [name for name, _ in recovery.applied] == ["LOG1", "LOG2"]
    with pytest.raises(Misuse):
        crash(before, before)
    with pytest.raises(Misuse):
        crash(primary, after)


def test_the_old_format_replays_too() -> None:
    old, new = two_versions()
    primary, log1, log2 = crash_old_format(old, new)
    recovery = recover(primary, logs_of(log1, log2), "hive")
    assert recovery.state is RecoveryState.REPLAYED and recovery.data[4096:] == new[4096:]
    # Another time in the hive: the log is not this hive's.
    other = bytearray(primary)
    sequences = Hive.parse(primary, "hive").sequences
    stamp(other, sequence=sequences, timestamp=5)
    assert recover(bytes(other), logs_of(log1, log2), "hive").state is RecoveryState.UNREPLAYABLE
    # Cut short: some of its pages are missing.
    assert recover(primary, {"LOG1": log1[:-512]}, "hive").state is RecoveryState.UNREPLAYABLE


@pytest.mark.parametrize("old_format", [True, False])
def test_a_damaged_base_block_comes_back_from_the_latest_log(old_format: bool) -> None:
    old, new = two_versions()
    primary, log1, log2 = crash_old_format(old, new) if old_format else crash(old, new, split=False)
    for damaged in (bytes(512) + primary[512:], primary[:4] + b"\xff" * 60 + primary[64:]):
        recovery = recover(damaged, logs_of(log1, log2), "hive")
        assert recovery.state is RecoveryState.REPLAYED
        assert recovery.data[4096:] == new[4096:]
        assert check(recovery.data, "hive").sound
    lost = recover(bytes(512) + primary[512:], {}, "hive")
    assert (lost.state, bool(lost.reason)) == (RecoveryState.UNREPLAYABLE, True)


def test_only_the_latest_log_counts_where_the_base_block_is_damaged() -> None:
    old, new = two_versions()
    primary, log1, log2 = crash(old, new)
    recovery = recover(primary[:508] + bytes(4) + primary[512:], logs_of(log1, log2), "hive")
    assert {name for name, _ in recovery.applied} <= {"LOG2"}


def test_a_stale_log_is_left_alone() -> None:
    old, new = two_versions()
    primary, log1, log2 = crash(old, new, split=False)
    later = bytearray(primary)
    stamp(later, sequence=(101, 100))
    recovery = recover(bytes(later), logs_of(log1, log2), "hive")
    assert (recovery.state, recovery.data) == (RecoveryState.UNREPLAYABLE, bytes(later))
    assert "older" in recovery.notes[0]


def test_a_gap_between_the_logs_ends_the_replay_at_the_first() -> None:
    old, new = two_versions()
    primary, log1, log2 = crash(old, new)
    first = recover(primary, {"LOG1": log1}, "hive")
    beyond = bytearray(log2)
    for at in range(512, len(beyond), 512):  # every entry of the second log, one number higher
        if beyond[at : at + 4] == b"HvLE":
            beyond[at + 12] += 1
            beyond[at + 32 : at + 40] = marvin32(bytes(beyond[at : at + 32])).to_bytes(8, "little")
    stamp(beyond, sequence=int.from_bytes(log2[4:8], "little") + 1)
    recovery = recover(primary, {"LOG1": log1, "LOG2": bytes(beyond)}, "hive")
    assert recovery.state is RecoveryState.REPLAYED
    assert recovery.applied == first.applied
    assert recovery.data[4096:] == first.data[4096:]
    assert "left out" in recovery.notes[-1]
    assert recovery.highest_sequence > max(number for _, number in recovery.applied)


def test_a_torn_entry_ends_the_replay_before_it() -> None:
    old, new = two_versions()
    primary, log1, _ = crash(old, new, split=False)
    whole = recover(primary, {"LOG1": log1}, "hive")
    starts = [at for at in range(512, len(log1), 512) if log1[at : at + 4] == b"HvLE"]
    torn = bytearray(log1)
    torn[starts[2] + 600] ^= 1
    recovery = recover(primary, {"LOG1": bytes(torn)}, "hive")
    assert recovery.applied == whole.applied[:2]
    assert recovery.state is RecoveryState.REPLAYED and "damaged" in recovery.notes[0]
    torn = bytearray(log1)
    torn[starts[1] + 8] ^= 1  # its flags: only the hash over the header tells
    assert recover(primary, {"LOG1": bytes(torn)}, "hive").applied == whole.applied[:1]
    torn = bytearray(log1)
    torn[starts[0] + 600] ^= 1
    recovery = recover(primary, {"LOG1": bytes(torn)}, "hive")
    assert (recovery.state, recovery.data) == (RecoveryState.UNREPLAYABLE, primary)


def test_older_entries_behind_the_last_one_are_not_applied() -> None:
    old, new = two_versions()
    primary, log1, _ = crash(old, new, split=False)
    assert log1.count(b"HvLE") == len(recover(primary, {"LOG1": log1}, "hive").applied) + 1


def test_a_newer_log_of_another_time_beside_a_clean_hive_is_ignored() -> None:
    old, new = two_versions()
    _, log1, log2 = crash(old, new)
    recovery = recover(old, logs_of(log1, log2), "hive")
    assert (recovery.state, recovery.data) == (RecoveryState.CLEAN, old)
    assert recovery.highest_sequence > max(Hive.parse(old, "hive").sequences)
    assert len(recovery.notes) == 2


def test_the_log_of_another_hive_is_refused() -> None:
    old, new = two_versions()
    editor = HiveEditor(new_hive("OTHER"), "other")
    for at in range(60):
        editor.create_key(f"key{at}")
        editor.set_value(f"key{at}", "text", 1, sz("x" * at * 4))
    another = editor.finish(2 * 10**17)
    editor.set_value("key7", "text", 1, sz("changed" * 500))
    _, log1, _ = crash(another, editor.finish(2 * 10**17), split=False)
    primary, _, _ = crash(old, new)
    recovery = recover(primary, {"LOG1": log1}, "hive")
    assert (recovery.state, recovery.data) == (RecoveryState.UNREPLAYABLE, primary)
    assert "another time" in recovery.reason


def test_a_log_that_wants_gigabytes_is_refused() -> None:
    old, new = two_versions()
    primary, log1, _ = crash(old, new, split=False)
    greedy = bytearray(log1)
    greedy[512 + 16 : 512 + 20] = (0x7FFFF000).to_bytes(4, "little")
    greedy[512 + 32 : 512 + 40] = marvin32(bytes(greedy[512:544])).to_bytes(8, "little")
    recovery = recover(primary, {"LOG1": bytes(greedy)}, "hive")
    assert recovery.state is RecoveryState.UNREPLAYABLE and "grow" in recovery.reason


def test_entries_that_each_want_a_little_more_are_refused_together() -> None:
    """Forty entries, each of whom may grow the hive by less than the limit: by 2.5 GB in all."""
    old, new = two_versions()
    primary, log1, _ = crash(old, new, split=False)
    number = int.from_bytes(log1[512 + 12 : 512 + 16], "little")
    entries = b""
    for at in range(40):
        entry = bytearray(struct.pack("<4sIIIIIQQ", b"HvLE", 512, 0, number + at, (at + 1) * 60 << 20, 0, 0, 0))
        entry += bytes(512 - len(entry))
        entry[24:32] = marvin32(bytes(entry[40:])).to_bytes(8, "little")
        entry[32:40] = marvin32(bytes(entry[:32])).to_bytes(8, "little")
        entries += entry
    recovery = recover(primary, {"LOG1": log1[:512] + entries}, "hive")
    assert (recovery.state, recovery.data) == (RecoveryState.UNREPLAYABLE, primary)
    assert "grow" in recovery.reason


def test_an_edit_after_the_replay_goes_above_every_number() -> None:
    old, new = two_versions()
    primary, log1, log2 = crash(old, new)
    recovery = recover(primary, logs_of(log1, log2), "hive")
    editor = HiveEditor(recovery.data, "hive", highest_sequence=recovery.highest_sequence)
    editor.delete_key("new")
    assert Hive.parse(editor.finish(), "hive").sequences[0] > recovery.highest_sequence


def test_a_quiet_log_keeps_its_length() -> None:
    assert quiet_log(b"regf" + b"x" * 1020) == bytes(512) + b"x" * 512
    assert quiet_log(b"") == b"" and quiet_log(b"abc") == bytes(3)
