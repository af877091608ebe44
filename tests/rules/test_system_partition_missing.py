"""No partition to start from: told as a cause only where the machine said that it started from this disk."""

from __future__ import annotations

from uuid import UUID

import pytest
from store_changes import ask, fault
from strange_machines import Strange, partition, strange

from bootmend.findings import Confidence, Severity
from bootmend.volumes.tables.gpt import retyped
from bootmend.volumes.tables.partition import BASIC_DATA
from bootmend.windows.image import Image


def word(odd: Strange, name: str, text: str | None) -> None:
    key = "ControlSet001\\Control"
    if text is None:
        odd.hive(lambda editor: editor.delete_value(key, name))
    else:
        odd.hive(lambda editor: editor.set_value(key, name, 1, text.encode("utf-16-le") + b"\0\0"))


@pytest.mark.parametrize("generation", [1, 2])
def test_by_the_word_of_the_machine(generation: int) -> None:
    with strange(generation) as odd:
        assert ask(odd, "system_partition_missing") == []
        fault(odd, "system-partition-missing")
        (found,) = ask(odd, "system_partition_missing")
        assert (found.severity, found.actions) == (Severity.CAUSE, ())
        assert "bcdboot" in found.skipped[0].reason
        word(odd, "FirmwareBootDevice", "multi(0)disk(0)rdisk(1)partition(1)")
        assert [one.severity for one in ask(odd, "system_partition_missing")] == [Severity.NOTE]
        assert odd.diagnose().healthy


@pytest.mark.parametrize("generation", [1, 2])
def test_the_next_step_names_where_the_lost_partition_still_stands(generation: int) -> None:
    with strange(generation) as odd:
        place = partition(odd.disk, odd.manifest.system_partition)
        fault(odd, "system-partition-missing")
        (found,) = ask(odd, "system_partition_missing")
        (skipped,) = found.skipped
        assert f"{place.size >> 20} MiB from byte {place.start} on" in skipped.reason
        assert ("fat32" if generation == 2 else "ntfs") in skipped.reason
        assert "create partition efi" in skipped.reason
        place.write(0, bytes(8192))
        place.write(place.size - 512, bytes(512))
        (found,) = ask(odd, "system_partition_missing")
        assert f"{place.size >> 20} MiB from byte {place.start} on." in found.skipped[0].reason


def retype(odd: Strange, type_id: UUID) -> None:
    image = Image(odd.disk)
    patches = retyped(odd.disk, image.table.sector_size, odd.manifest.system_partition, type_id)
    assert len(patches) == 4
    for patch in patches:
        odd.disk.write(patch.offset, patch.data)
    image.close()


def test_a_system_partition_that_is_not_marked_as_one() -> None:
    with strange(2) as odd:
        before = [odd.disk.read(at, 34 * 512) for at in (0, odd.disk.size - 34 * 512)]
        retype(odd, UUID(BASIC_DATA))
        image = Image(odd.disk)
        assert image.table.faults == []
        image.close()
        (found,) = ask(odd, "system_partition_missing")
        assert found.severity is Severity.CAUSE
        assert found.prediction is not None
        assert found.prediction.confidence is Confidence.LOW
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        overlay = proposal.rehearsal.overlay
        assert [overlay.read(at, 34 * 512) for at in (0, odd.disk.size - 34 * 512)] == before
        word(odd, "FirmwareBootDevice", "multi(0)disk(0)rdisk(1)partition(1)")
        assert [one.severity for one in ask(odd, "system_partition_missing")] == [Severity.RISK]


def test_what_is_wrong_behind_it_is_named_too() -> None:
    with strange(2) as odd:
        fault(odd, "bcd-path")
        retype(odd, UUID(BASIC_DATA))
        assert {one.rule for one in odd.diagnose().causes} == {"system_partition_missing", "bcd_path"}
        odd.mended()


def test_two_copies_that_differ_are_not_written() -> None:
    with strange(2) as odd:
        retype(odd, UUID(BASIC_DATA))
        odd.disk.write(odd.disk.size - 512, bytes(512))
        (found,) = ask(odd, "system_partition_missing")
        assert found.actions == ()
        assert "gdisk" in found.skipped[0].reason
        proposal = odd.mended(left=["system_partition_missing"])  # the backup first; its type the next time
        assert [one.rule for one in proposal.plan.findings] == ["partition_table"]


@pytest.mark.parametrize("text", [None, "", "\\Device\\Harddisk0", "multi(0)disk(0)"])
def test_a_machine_that_says_nothing(text: str | None) -> None:
    with strange(2) as odd:
        fault(odd, "system-partition-missing")
        word(odd, "SystemBootDevice", text)
        (found,) = ask(odd, "system_partition_missing")
        assert (found.severity, found.prediction) == (Severity.NOTE, None)


def test_one_that_cannot_be_read() -> None:
    with strange(2) as odd:
        partition(odd.disk, 1).write(0, b"\xff" * 8192)
        (found,) = ask(odd, "system_partition_missing")
        assert found.severity is Severity.CAUSE
        assert "cannot be read" in found.title


def test_a_disk_that_cannot_be_asked_is_not_judged() -> None:
    with strange(2) as odd:
        fault(odd, "system-partition-missing")
        odd.volume(lambda files: files.delete("\\Windows\\System32\\config\\SYSTEM"))
        assert [one.severity for one in ask(odd, "system_partition_missing")] == [Severity.NOTE]
