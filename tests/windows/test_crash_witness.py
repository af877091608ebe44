"""The newest dump as a witness: what counts, what it bears out, what it contradicts; on true dumps of lab machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest
from dumps.crashed import InMemory
from lab_machines import Broken, broken

from bootmend.dumps.header import MADE_BY_A_TOOL, DumpType, read_header
from bootmend.dumps.reader import Reader
from bootmend.findings import Confidence, Prediction
from bootmend.lab.crashed_memory import Crash as Stopped
from bootmend.lab.crashed_memory import CrashedMemory
from bootmend.lab.dump_maker import header
from bootmend.lab.logs import at
from bootmend.lab.open_machine import OpenMachine
from bootmend.repair import Diagnosis, diagnose
from bootmend.reports import document
from bootmend.reports.crash import borne_out_finding, crash_sentences
from bootmend.volumes.volume import File
from bootmend.windows.crash_files import CrashFile, CrashFiles
from bootmend.windows.crash_witness import HOUR, Age, age_of, borne_out
from bootmend.windows.timeline import Timeline
from bootmend.windows.witnesses import Hearing
from bootmend.windows.witnesses.observation import Kind, Observation

DAY, MINUTE = 24 * HOUR, HOUR // 60
NOON = at("2024-02-18 12:00:00")


def look(sample: Broken) -> Diagnosis:
    found = diagnose(sample.disk, sample.given)
    found.image.close()
    return found


def dump_file(when: int, code: int = 0x5A) -> CrashFile:
    data = header(CrashedMemory(Stopped(code=code, system_time=when), frames=0x100), DumpType.BITMAP_KERNEL)
    read = read_header(Reader(InMemory(data), "MEMORY.DMP"))
    return CrashFile(3, "\\Windows\\MEMORY.DMP", cast(File, InMemory(data)), read)


def age(*seen: tuple[Kind, int], when: int = NOON, code: int = 0x5A, written: int = 0) -> Age:
    file = dump_file(when, code)
    line = Timeline(Hearing([Observation(moment, kind, f"{kind} {moment}", "x") for kind, moment in seen]))
    return age_of(file, CrashFiles([file], [], written), line)


@pytest.mark.parametrize(
    ("seen", "written", "expected"),
    [
        ((), 0, Age.FRESH),
        (((Kind.STARTED, NOON - DAY), (Kind.STOPPED, NOON - HOUR)), 0, Age.FRESH),
        (((Kind.STARTED, NOON + 5 * MINUTE),), 0, Age.FRESH),  # the start that wrote it out
        (((Kind.STARTED, NOON + 3 * DAY),), 0, Age.FRESH),  # somebody came back to it three days later
        (((Kind.STARTED, NOON + 5 * MINUTE), (Kind.STOPPED, NOON + 20 * MINUTE)), 0, Age.FRESH),
        (((Kind.STARTED, NOON + 5 * MINUTE), (Kind.STOPPED, NOON + DAY)), 0, Age.OVERTAKEN),
        (((Kind.STARTED, NOON + 5 * MINUTE), (Kind.STARTED, NOON + 9 * MINUTE)), 0, Age.OVERTAKEN),
        ((), NOON + HOUR, Age.FRESH),
        ((), NOON + HOUR + 1, Age.OVERTAKEN),
        (((Kind.STARTED, NOON - DAY),), NOON + DAY, Age.FRESH),  # the hive was edited offline
        (((Kind.FAILED, NOON + 29 * DAY),), 0, Age.FRESH),
        (((Kind.FAILED, NOON + 31 * DAY),), 0, Age.OLD),
    ],
)
def test_whether_a_dump_counts(seen: Sequence[tuple[Kind, int]], written: int, expected: Age) -> None:
    assert age(*seen, written=written) is expected


def test_a_dump_without_a_time_or_by_a_tool_does_not_count() -> None:
    assert age(when=0) is Age.UNDATED
    assert age(code=MADE_BY_A_TOOL) is Age.TOOL


@pytest.mark.parametrize("generation", [1, 2])
def test_a_fresh_dump_bears_out_the_finding(generation: int) -> None:
    with broken(generation, "catalog-lost+crash-dump") as sample:
        result = look(sample)
        assert result.crash is not None
        assert result.crash.counts
        assert (result.crash.code, result.crash.image) == (0x5A, "filecrypt.sys")
        assert borne_out_finding(result) == 1
        assert result.findings[0].rule == "catalog_missing"
        told = " ".join(crash_sentences(result))
        for words in ("filecrypt.sys", "0xC0000428 STATUS_INVALID_IMAGE_HASH", "MEMORY.DMP", "bears out finding 1"):
            assert words in told
        (evidence,) = (one for one in result.findings[0].evidence if "MEMORY.DMP" in one.where)
        assert "2024-02-18 18:59:12 UTC" in evidence.what
        assert any("0x5A CRITICAL_SERVICE_FAILED" in one.what for one in result.timeline.observations)
        written = document.crash(result)
        assert written is not None
        assert (written["finding"], written["counts"], written["image"]) == (1, True, "filecrypt.sys")


def test_a_dump_in_the_page_file_bears_out_as_well() -> None:
    with broken(2, "catalog-lost+crash-dump-page-file") as sample:
        result = look(sample)
        assert result.crash is not None
        assert result.crash.where.endswith("\\pagefile.sys")
        assert borne_out_finding(result) == 1


@pytest.mark.parametrize(
    ("fault", "word", "counts"),
    [("crash-dump", "contradicts", True), ("crash-dump-stale", "does not count", False)],
)
def test_a_dump_on_a_sound_disk_makes_no_cause(fault: str, word: str, counts: bool) -> None:
    with broken(2, fault) as sample:
        result = look(sample)
        assert result.healthy
        assert result.findings == []
        assert result.crash is not None
        assert result.crash.counts is counts
        assert word in " ".join(crash_sentences(result))
        assert borne_out_finding(result) is None


def test_a_stale_dump_is_no_evidence() -> None:
    with broken(2, "catalog-lost+crash-dump-stale") as sample:
        result = look(sample)
        assert result.causes
        assert not any("MEMORY.DMP" in one.where for found in result.findings for one in found.evidence)


def test_a_dump_of_another_stop_is_told() -> None:
    with broken(2, "boot-driver-start+crash-dump") as sample:
        result = look(sample)
        assert result.prediction is not None
        assert result.prediction.stop == 0x7B
        assert "another stop" in " ".join(crash_sentences(result))


def test_no_dump_says_nothing() -> None:
    with broken(2, "healthy") as sample:
        result = look(sample)
        assert result.crash is None
        assert list(crash_sentences(result)) == []
        assert document.crash(result) is None


def test_only_the_same_stop_makes_a_prediction_surer() -> None:
    with broken(2, "crash-dump") as sample:
        crash = look(sample).crash
    said = Prediction(0x5A, "CRITICAL_SERVICE_FAILED", 0xC0000428, "FileCrypt.sys", Confidence.MEDIUM, "why")
    assert borne_out(said, crash) == replace(said, confidence=Confidence.HIGH)
    for other in (replace(said, stop=0x7B), replace(said, status=0xC0000034), replace(said, image="a.sys")):
        assert borne_out(other, crash) == other
    assert crash is not None
    assert borne_out(said, replace(crash, age=Age.OLD)) == said
    assert borne_out(said, None) == said
    assert borne_out(None, crash) is None


def test_a_broken_newest_dump_gives_way_to_the_next() -> None:
    with broken(2, "crash-dump") as sample:
        with OpenMachine(sample.disk, sample.machine.manifest) as machine:
            machine.windows.write_in_place("\\Windows\\MEMORY.DMP", 0x2000, bytes(0x40))
        result = look(sample)
        assert result.crash is not None
        assert result.crash.where.endswith("021824-9156-01.dmp")


def test_a_dump_by_a_tool_is_named_as_such() -> None:
    with broken(2, "catalog-lost+crash-dump") as sample:
        with OpenMachine(sample.disk, sample.machine.manifest) as machine:
            machine.windows.write_in_place("\\Windows\\MEMORY.DMP", 0x38, MADE_BY_A_TOOL.to_bytes(4, "little"))
            machine.windows.delete("\\Windows\\Minidump\\021824-9156-01.dmp")
        result = look(sample)
        assert result.crash is not None
        assert (result.crash.age, result.crash.counts) == (Age.TOOL, False)
        (told,) = crash_sentences(result)
        assert "a tool made it" in told
        assert borne_out_finding(result) is None
        assert not any("MEMORY.DMP" in one.where for found in result.findings for one in found.evidence)


def test_a_dump_that_names_no_file_agrees_by_its_status() -> None:
    """A small dump often holds no names; that it tells of the predicted stop is said all the same."""
    with broken(2, "catalog-lost+crash-dump") as sample:
        with OpenMachine(sample.disk, sample.machine.manifest) as machine:
            machine.windows.delete("\\Windows\\MEMORY.DMP")
        result = look(sample)
        assert result.crash is not None
        assert result.crash.image == ""
        assert "stop and status are those" in " ".join(crash_sentences(result))
