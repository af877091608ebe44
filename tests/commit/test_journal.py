"""The journal's bytes: nothing damaged, cut short or made up passes for a journal."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmend.binary import View
from bootmend.commit import commit, history, patches_of, pending, recover, undo
from bootmend.commit.journal import Journal, State
from bootmend.commit.records import (
    MOST_IN_A_PATCH,
    PAGE,
    PATCH_SIZE,
    SLOT_SIZE,
    Slot,
    pack_header,
    pack_patch,
    pack_slot,
    unpack_patch,
)
from bootmend.disk.device import Patch
from bootmend.disk.raw import RawFile
from bootmend.errors import BootmendError, ParseError, Refused

SIZE = 32768
OLD = random.Random(11).randbytes(SIZE)
NEW = bytes(3000) + OLD[3000:20000] + random.Random(12).randbytes(1000) + OLD[21000:]
PATCHES = [Patch(0, OLD[:3000], NEW[:3000]), Patch(20000, OLD[20000:21000], NEW[20000:21000])]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def journal(image: Path) -> Path:
    with RawFile(image, writable=True) as device:
        made = commit(device, PATCHES, image.with_name("j"), identity={"id": "x"}, meta={"why": "test"}).journal
    assert made is not None
    return made


def _undo(image: Path, journal: Path) -> None:
    with RawFile(image, writable=True) as device:
        undo(device, journal)


@given(st.integers(0, 2**40), st.integers(1, 9000), st.sampled_from(["noise", "zeros", "half"]), st.integers())
def test_a_patch_record_comes_back_as_it_was(offset: int, length: int, kind: str, seed: int) -> None:
    noise = random.Random(seed).randbytes(length)
    before = {"noise": noise, "zeros": bytes(length), "half": bytes(length // 2) + noise[length // 2 :]}[kind]
    patch = Patch(offset, before, noise)
    record = pack_patch(patch)
    assert unpack_patch(View(record, "j")) == patch
    assert len(record) <= PATCH_SIZE + 2 * length


def test_what_shrinks_is_stored_small(journal: Path) -> None:
    flat = pack_patch(Patch(0, bytes(MOST_IN_A_PATCH), b"\xff" * MOST_IN_A_PATCH))
    assert len(flat) < 20_000
    assert journal.stat().st_size % PAGE == 0


def test_a_flipped_bit_anywhere_is_refused_or_harmless(image: Path, journal: Path) -> None:
    """Harmless is only what was never written: free slots of the state page."""
    whole = journal.read_bytes()
    used = len(whole) - PAGE + 3 * SLOT_SIZE
    chance = random.Random(99)
    refused = 0
    for _ in range(400):
        at, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        journal.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
        if at < used:
            with pytest.raises(ParseError) as damaged:
                _undo(image, journal)
            assert damaged.value.file == str(journal)
            assert 0 <= damaged.value.offset < len(whole)
            assert image.read_bytes() == NEW
            assert [entry.state for entry in history(journal.parent)] == ["damaged"]
            refused += 1
        else:
            with suppress(ParseError):
                assert list(patches_of(journal)) == PATCHES
    assert refused > 200


def test_random_damage_never_gets_past_the_checks(image: Path, journal: Path) -> None:
    """Runs of noise, zeros, cuts and repeats: an error of ours, and the disk as it was; never anything else."""
    whole = journal.read_bytes()
    chance = random.Random(5)
    for _ in range(300):
        content = bytearray(whole)
        at = chance.randrange(len(whole) - 200)
        length = chance.randrange(1, 200)
        kind = chance.randrange(4)
        if kind == 0:
            content[at : at + length] = chance.randbytes(length)
        elif kind == 1:
            content[at : at + length] = bytes(length)
        elif kind == 2:
            del content[at : at + length]
        else:
            content[at:at] = content[at : at + length]
        if content[: -PAGE + SLOT_SIZE] == whole[: -PAGE + SLOT_SIZE] and len(content) == len(whole):
            continue  # only the trail of states: the sweep of power cuts is about that
        journal.write_bytes(content)
        with pytest.raises(BootmendError):
            _undo(image, journal)
        assert image.read_bytes() == NEW
        with pytest.raises(BootmendError), RawFile(image, writable=True) as device:
            if not recover(device, journal.parent):
                list(patches_of(journal))
        assert image.read_bytes() == NEW


@pytest.mark.parametrize("left", [0, 1, 19, 20, 100, 4095, 4096, -1, -128, -PAGE, -PAGE - 1])
def test_a_journal_cut_short_is_damage_and_no_crash(image: Path, journal: Path, left: int) -> None:
    """Its name is only given when it is whole, so a short one was cut later: it must not pass for one never applied."""
    journal.write_bytes(journal.read_bytes()[:left])
    assert pending(journal.parent) == [journal]
    with RawFile(image, writable=True) as device:
        with pytest.raises(ParseError):
            recover(device, journal.parent)
        with pytest.raises(Refused, match="damaged"):
            commit(device, [Patch(9000, OLD[9000:9001], b"!")], journal.parent, identity={"id": "x"}, meta={})
    assert journal.exists()
    assert image.read_bytes() == NEW


def test_a_torn_state_record_counts_as_not_written(image: Path, journal: Path) -> None:
    """COMMITTED is the third slot: whatever part of it is missing at its end, the commit is put back."""
    whole = journal.read_bytes()
    start = len(whole) - PAGE + 2 * SLOT_SIZE
    for kept in range(SLOT_SIZE):
        journal.write_bytes(whole[: start + kept] + bytes(SLOT_SIZE - kept) + whole[start + SLOT_SIZE :])
        image.write_bytes(NEW[:20500] + OLD[20500:])
        assert Journal(journal).state == State.APPLYING
        with RawFile(image, writable=True) as device:
            assert [one.what for one in recover(device, journal.parent)] == ["rolled-back"]
        assert image.read_bytes() == OLD
        assert Journal(journal).state == State.UNDONE


def test_a_state_of_another_journal_does_not_pass(image: Path, journal: Path) -> None:
    with RawFile(image, writable=True) as device:
        other = commit(device, [Patch(9000, OLD[9000:9001], b"!")], journal.parent, identity={}, meta={}).journal
    assert other is not None
    borrowed = other.read_bytes()[-PAGE + SLOT_SIZE :]
    journal.write_bytes(journal.read_bytes()[: -PAGE + SLOT_SIZE] + borrowed)
    with pytest.raises(ParseError, match="state record"):
        Journal(journal)


def _made_up(path: Path, records: bytes, header: dict[str, object] | None = None, **totals: int) -> Path:
    """A journal with right checksums throughout, saying whatever the test wants it to."""
    values: dict[str, object] = {
        "schema": "bootmend.journal/1",
        "size": SIZE,
        "container": "raw",
        "sector_size": 512,
        "identity": {},
        "when": datetime.now(UTC).isoformat(),
        "bootmend": "0.1.0",
        "meta": {},
    }
    body = pack_header(json.dumps(values | (header or {})).encode()) + records
    padding = bytes(-len(body) % PAGE)
    digest = hashlib.sha256(body + padding).digest()
    counts = {"patches": 1, "total": 10, "body": len(body)} | totals
    page = pack_slot(Slot(b"PLAN", 0, 0, counts["patches"], counts["total"], counts["body"], digest), digest)
    for number, tag in enumerate((b"APLY", b"COMT"), 1):
        page += pack_slot(Slot(tag, number, 0), digest)
    path.write_bytes(body + padding + page.ljust(PAGE, b"\0"))
    return path


def _record(offset: int, length: int, before: bytes, after: bytes) -> bytes:
    """A patch record with a right checksum whatever its numbers."""
    tail = struct.pack("<QIII", offset, length, len(before), len(after)) + before + after
    return b"PTCH" + struct.pack("<I", zlib.crc32(tail)) + tail


GOOD = _record(100, 10, OLD[100:110], b"0123456789")


def test_the_made_up_journal_is_a_good_one_where_it_says_nothing_wrong(tmp_path: Path) -> None:
    assert list(patches_of(_made_up(tmp_path / "1.journal", GOOD))) == [Patch(100, OLD[100:110], b"0123456789")]


@pytest.mark.parametrize(
    "records",
    [
        _record(SIZE - 5, 10, bytes(10), b"0123456789"),
        _record(2**64 - 5, 10, bytes(10), b"0123456789"),
        _record(100, 0, b"", b""),
        _record(100, MOST_IN_A_PATCH + 1, b"x", b"y"),
        _record(100, 10, bytes(11), b"0123456789"),
        _record(100, 10, b"not zlib", b"0123456789"),
        GOOD + GOOD,
        _record(200, 5, bytes(5), b"01234") + _record(100, 5, bytes(5), b"01234"),
        GOOD[:-1],
        GOOD + b"PTCH",
        b"HEAD" + GOOD[4:],
        b"",
    ],
    ids=[
        "past-end",
        "overflow",
        "empty",
        "huge",
        "grown",
        "not-zlib",
        "twice",
        "descending",
        "cut",
        "stub",
        "tag",
        "none",
    ],
)
def test_made_up_patches_are_refused(tmp_path: Path, image: Path, records: bytes) -> None:
    journal = _made_up(tmp_path / "1.journal", records)
    with pytest.raises(ParseError):
        list(patches_of(journal))
    with pytest.raises(BootmendError):
        _undo(image, journal)
    assert image.read_bytes() == OLD


def test_a_zlib_bomb_stays_small(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(50 << 20), 9)
    journal = _made_up(tmp_path / "1.journal", _record(0, SIZE * 2, bomb, bomb), {"size": 1 << 40}, total=SIZE * 2)
    with pytest.raises(ParseError, match="zlib stream of 65536 bytes"):
        list(patches_of(journal))


@pytest.mark.parametrize(
    "header",
    [
        {"schema": "bootmend.journal/2"},
        {"size": "32768"},
        {"size": True},
        {"identity": {"a": 1}},
        {"identity": []},
        {"when": "yesterday"},
        {"when": "2026-01-01T00:00:00"},
        {"when": 5},
        {"meta": None},
        {"container": None},
    ],
)
def test_made_up_headers_are_refused(tmp_path: Path, header: dict[str, object]) -> None:
    with pytest.raises(ParseError):
        Journal(_made_up(tmp_path / "1.journal", GOOD, header))


@pytest.mark.parametrize("totals", [{"patches": 2}, {"total": 11}, {"body": 5}, {"body": 2**60}])
def test_made_up_totals_are_refused(tmp_path: Path, totals: dict[str, int]) -> None:
    with pytest.raises(ParseError):
        list(patches_of(_made_up(tmp_path / "1.journal", GOOD, None, **totals)))


def test_deep_json_is_no_way_to_crash(tmp_path: Path) -> None:
    path = _made_up(tmp_path / "1.journal", GOOD)
    body = pack_header(b"[" * 100_000)
    whole = body + bytes(-len(body) % PAGE)
    digest = hashlib.sha256(whole).digest()
    path.write_bytes(whole + pack_slot(Slot(b"PLAN", 0, 0, 0, 0, len(body), digest), digest).ljust(PAGE, b"\0"))
    with pytest.raises(ParseError, match="header in JSON"):
        Journal(path)


def test_a_journal_of_a_later_version_is_named_as_such(journal: Path) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole[:8] + b"\x02" + whole[9:])
    with pytest.raises(ParseError, match="journal version 1, found 2"):
        Journal(journal)
