"""Disks that are not one whole Windows: each has its own plain answer, in one or two sentences."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from strange_machines import SYSTEM, Strange, partition, strange

from bootmend.disk.overlay import Overlay
from bootmend.errors import BootmendError, Missing, Refused
from bootmend.volumes.ntfs import NtfsVolume

KERNEL = "\\Windows\\System32\\ntoskrnl.exe"


def no_windows(odd: Strange) -> None:
    odd.volume(lambda files: files.delete(SYSTEM))
    odd.volume(lambda files: files.delete(KERNEL))


def answer(odd: Strange) -> BootmendError:
    with pytest.raises((Missing, Refused)) as raised:
        odd.diagnose()
    return raised.value


@pytest.mark.parametrize("generation", [1, 2])
def test_a_disk_with_boot_files_and_without_its_windows(generation: int) -> None:
    with strange(generation) as odd:
        no_windows(odd)
        said = str(answer(odd))
        assert "holds no Windows" in said
        assert f"starts volume {odd.number}:\\Windows, where there is no Windows" in said


def test_a_boot_store_that_leads_to_another_disk() -> None:
    with strange(1) as odd:
        no_windows(odd)
        odd.disk.write(440, b"\x5a\x5a\x5a\x5a")
        assert "attach the disk that holds the Windows" in str(answer(odd))


def data(odd: Strange) -> None:
    no_windows(odd)
    partition(odd.disk, odd.manifest.system_partition).write(0, bytes(64 << 10))
    system = partition(odd.disk, odd.manifest.system_partition)
    system.write(system.size - 512, bytes(512))


def linux(odd: Strange) -> None:
    data(odd)
    volume = partition(odd.disk, odd.number)
    volume.write(0, bytes(64 << 10))
    volume.write(volume.size - 512, bytes(512))
    volume.write(0x438, b"\x53\xef")


@pytest.mark.parametrize(("make", "kind"), [(data, "ntfs"), (linux, "ext2, ext3 or ext4")])
def test_a_disk_that_is_somebody_elses(make: Callable[[Strange], None], kind: str) -> None:
    with strange(2) as odd:
        make(odd)
        said = str(answer(odd))
        assert "holds no Windows" in said
        assert f"3: {kind}" in said
        assert "boot store" not in said


def test_a_disk_whose_table_is_wiped() -> None:
    with strange(1) as odd:
        odd.disk.write(0, bytes(512))
        assert "testdisk" in str(answer(odd))


def test_a_locked_windows() -> None:
    with strange(2) as odd:
        volume = partition(odd.disk, odd.number)
        volume.write(3, b"-FVE-FS-")
        said = answer(odd)
        assert isinstance(said, Refused)
        assert "encrypted" in str(said)


@pytest.mark.parametrize("generation", [1, 2])
def test_a_windows_volume_attached_alone(generation: int) -> None:
    """Judged for what stands on it; of the way to it, it is said that it was not looked at."""
    with strange(generation) as odd:
        alone = Strange(Overlay(partition(odd.disk, odd.number)), odd.given, 1, odd.manifest)
        found = alone.diagnose()
        assert found.findings == []
        assert any("attached alone" in note for note in found.notes)
        alone.damage("\\Windows\\System32\\ntoskrnl.exe")
        assert [one.rule for one in alone.diagnose().causes] == ["boot_file_damaged"]


def test_two_windows_of_which_one_boots() -> None:
    with strange(2) as odd:
        odd.volume(another)
        odd.volume(lambda files: files.delete(KERNEL))
        found = odd.diagnose()
        assert [one.rule for one in found.causes] == ["boot_file_missing"]
        assert any("volume 3:\\Other" in note and "left alone" in note for note in found.notes)


def another(files: NtfsVolume) -> None:
    for folder in ("\\Other", "\\Other\\System32", "\\Other\\System32\\config"):
        files.mkdir(folder)
    files.create("\\Other\\System32\\config\\SYSTEM", files.read(SYSTEM))
