"""Event logs: the newest events first, whatever the header says; a broken chunk costs its own events only."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sample_data import unpacked

from bootmend.errors import Misuse, ParseError
from bootmend.formats.event_log import CHUNK, HEADER, Event, Events, newest_events
from bootmend.lab.event_log import LabEvent, add_events, new_log

START = 133_493_184_000_000_000
MINUTE = 600_000_000


def read_log(data: bytes, most: int = 40) -> Events:
    return newest_events(lambda offset, length: data[offset : offset + length], len(data), "log", most)


def lab_events(count: int, first: int = 0) -> list[LabEvent]:
    return [
        LabEvent(START + number * MINUTE, "Service Control Manager", 7026, {"param1": f"driver {number}"})
        for number in range(first, first + count)
    ]


def names(found: Events) -> list[str]:
    return [event.data["param1"] for event in found.events]


def ring() -> bytes:
    """Five chunks, of which the oldest two were written over: the newest stands in the second."""
    straight = new_log(lab_events(300), "LAB", 7)
    chunks = [straight[at : at + CHUNK] for at in range(HEADER, len(straight), CHUNK)]
    return straight[:16] + (1).to_bytes(8, "little") + straight[24:HEADER] + b"".join(chunks[3:5] + chunks[:3])


def test_a_log_is_read_from_its_end() -> None:
    found = read_log(new_log(lab_events(200), "LAB", 6))
    assert names(found) == [f"driver {number}" for number in reversed(range(200))]
    assert found.broken == 0
    assert found.events[0].when.isoformat() == "2024-01-10T03:19:00+00:00"


def test_only_the_newest_chunks_are_parsed() -> None:
    whole = new_log(lab_events(200), "LAB", 6)
    taken: list[int] = []

    def read(offset: int, length: int) -> bytes:
        taken.append(length)
        return whole[offset : offset + length]

    found = newest_events(read, len(whole), "log", 1)
    assert 0 < len(found.events) < 100
    assert found.events[0].data == {"param1": "driver 199"}
    assert taken.count(CHUNK) == 1


def test_events_are_added_to_a_log_and_to_a_new_chunk() -> None:
    log = add_events(new_log(lab_events(60), "LAB", 3), lab_events(40, first=60), "LAB")
    assert names(read_log(log)) == [f"driver {number}" for number in reversed(range(100))]
    with pytest.raises(Misuse):
        add_events(log, lab_events(300), "LAB")


def test_a_ring_is_put_in_order_by_its_numbers() -> None:
    records = [event.record for event in read_log(ring()).events]
    assert records == sorted(records, reverse=True)
    assert records[0] > 200


@pytest.mark.parametrize("header", [0, 3, 1 << 40])
def test_a_stale_header_does_not_matter(header: int) -> None:
    log = bytearray(ring())
    log[16:24] = header.to_bytes(8, "little")
    assert read_log(bytes(log)).events == read_log(ring()).events


@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_a_broken_chunk_costs_its_own_events(chunk: int) -> None:
    log = bytearray(new_log(lab_events(180), "LAB", 4))
    before = read_log(bytes(log))
    at = HEADER + chunk * CHUNK + 512
    log[at : at + 8] = bytes(8)
    after = read_log(bytes(log))
    assert after.broken == 1
    kept = {event.record for event in after.events}
    lost = [event.record for event in before.events if event.record not in kept]
    assert lost == list(range(lost[0], lost[-1] - 1, -1))
    assert 0 < len(lost) < 90


def test_a_log_without_events_has_none() -> None:
    assert read_log(new_log([], "LAB", 2)).events == []


@pytest.mark.parametrize(
    "data",
    [b"", b"ElfFile", bytes(HEADER + CHUNK), b"ElfFile\0" + bytes(HEADER - 8) + b"not a chunk".ljust(CHUNK, b"!")],
)
def test_what_is_no_event_log_is_told(data: bytes) -> None:
    with pytest.raises(ParseError, match=r"ElfFile|ElfChnk|header"):
        read_log(data)


def test_damage_of_any_kind_ends_quickly_and_quietly() -> None:
    random_ = random.Random(7)
    sound = new_log(lab_events(45), "LAB", 1)
    for _ in range(300):
        log = bytearray(sound)
        for _ in range(random_.randrange(1, 12)):
            log[random_.randrange(HEADER + 512, HEADER + 40000)] = random_.randrange(256)
        assert len(read_log(bytes(log)).events) <= 45


def real(name: str) -> Events:
    return read_log(unpacked(f"evtx/{name}.evtx.xz"))


def only(found: Events, provider: str, number: int) -> list[Event]:
    return [event for event in found.events if (event.provider, event.id) == (provider, number)]


@pytest.mark.data
def test_a_real_system_log_tells_its_crash() -> None:
    found = real("System-power41")
    (power,) = only(found, "Microsoft-Windows-Kernel-Power", 41)
    assert power.data["BugcheckCode"] == "0"
    assert power.when.isoformat() == "2023-05-29T02:57:39.438851+00:00"
    assert len(only(found, "EventLog", 6008)) == 1
    assert only(found, "Service Control Manager", 7026)[0].data["param1"].split() == ["dam"]


@pytest.mark.data
def test_a_real_log_with_a_stale_header_is_read_to_its_end() -> None:
    found = real("System-stale-header")
    assert [found.events[0].record, found.events[-1].record] == [299, 1]


@pytest.mark.data
def test_real_damage_costs_little() -> None:
    assert [len(real("bad-chunk-magic").events), real("bad-chunk-magic").events[0].record] == [269, 47640]
    assert [len(real("zero-data-size").events), real("zero-data-size").broken] == [335, 1]


@pytest.mark.data
def test_a_real_code_integrity_log_is_read() -> None:
    assert [event.id for event in real("CodeIntegrity-3085").events] == [3085] * 5


def test_an_independent_reader_agrees(tmp_path: Path) -> None:
    oracle = pytest.importorskip("Evtx.Evtx", reason="python-evtx is not installed")
    path = tmp_path / "lab.evtx"
    path.write_bytes(new_log(lab_events(120), "LAB", 3))
    with oracle.Evtx(str(path)) as log:
        assert log.get_file_header().verify()
        assert [chunk.verify() for chunk in log.chunks()][:2] == [True, True]
        texts = [record.xml() for record in log.records()]
    assert [f"driver {number}<" in text for number, text in enumerate(texts)] == [True] * 120
