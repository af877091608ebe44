"""The whole path on volumes of every geometry: found, repaired in place, replaced and created, and taken back.

Sectors of 4096 bytes with everything on them, clusters from 512 bytes to 2 MiB, file records of 4096
bytes, a scattered $MFT and hives, a Windows that is LZNT1-compressed as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ntfs_check import faults
from replanted import Ground, replanted
from strange_machines import CATROOT, DRIVERS, SYSTEM, Strange, partition

from bootmend.commit import commit, undo
from bootmend.disk.digest import data_digest
from bootmend.disk.overlay import Overlay
from bootmend.lab.faults import apply_fault
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.volume import NotInPlace

GROUNDS = {
    "4Kn": Ground(sector=4096),
    "4Kn, 64 KiB": Ground(sector=4096, cluster=65536),
    "512 B": Ground(cluster=512),
    "1 KiB": Ground(cluster=1024),
    "64 KiB": Ground(cluster=65536),
    "2 MiB": Ground(cluster=2 << 20),
    "large records": Ground(large_records=True),
    "scattered": Ground(scattered=True),
}


@pytest.fixture(scope="module", params=list(GROUNDS.values()), ids=list(GROUNDS))
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strange]:
    with replanted(tmp_path_factory.mktemp("ground"), request.param) as odd:
        yield odd


def over(odd: Strange) -> Strange:
    return Strange(Overlay(odd.disk), odd.given, odd.number, odd.manifest)


def is_mended_and_undone(odd: Strange, folder: Path) -> int:
    """Repairs what is wrong, checks the volume, takes it back; how many bytes the repair changed."""
    before, _ = data_digest(odd.disk)
    proposal = odd.mended()
    assert proposal.rehearsal is not None
    report = commit(odd.disk, proposal.rehearsal.overlay.patches(), folder, identity={}, meta={})
    assert report.journal is not None
    assert odd.diagnose().findings == []
    assert faults(partition(odd.disk, odd.number)) == []
    undo(odd.disk, report.journal)
    assert data_digest(odd.disk)[0] == before
    return proposal.rehearsal.changed_bytes


def test_a_healthy_machine_is_found_healthy(planted: Strange) -> None:
    found = planted.diagnose()
    assert (found.findings, found.notes, found.windows.boots_by_default) == ([], [], True)


def test_a_damaged_driver_is_mended_in_place(planted: Strange, tmp_path: Path) -> None:
    odd = over(planted)
    truth = apply_fault(odd.disk, "driver-damaged", odd.manifest)
    assert [cause.subject for cause in odd.diagnose().causes] == [truth["subject"]]
    assert is_mended_and_undone(odd, tmp_path) == 512


@pytest.mark.parametrize("fault", ["catalog-lost", "driver-missing", "driver-damaged+crashed"])
def test_what_is_missing_is_created(planted: Strange, fault: str, tmp_path: Path) -> None:
    odd = over(planted)
    truth = apply_fault(odd.disk, fault, odd.manifest)
    assert [cause.subject for cause in odd.diagnose().causes] == [truth["subject"]]
    is_mended_and_undone(odd, tmp_path)


def test_the_scattered_volume_is_scattered(tmp_path: Path) -> None:
    with replanted(tmp_path, GROUNDS["scattered"]) as odd, NtfsVolume(partition(odd.disk, odd.number)) as files:
        assert len(files._mft.table.runs) > 50
        assert len(files.extents(SYSTEM)) >= 30


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strange]:
    with replanted(tmp_path_factory.mktemp("ground"), Ground(compressed=True)) as odd:
        yield odd


def test_a_compressed_windows_is_healthy(compressed: Strange) -> None:
    with NtfsVolume(partition(compressed.disk, compressed.number)) as files:
        catalog = next(entry.name for entry in files.listdir(CATROOT) if entry.size > 4096)
        for path in (SYSTEM, f"{DRIVERS}\\filecrypt.sys", f"{CATROOT}\\{catalog}"):
            with pytest.raises(NotInPlace, match="compressed"):
                files.extents(path)
    assert compressed.diagnose().findings == []


@pytest.mark.parametrize("fault", ["catalog-lost", "driver-missing", "catalog-lost+crashed"])
def test_a_compressed_windows_is_repaired(compressed: Strange, fault: str, tmp_path: Path) -> None:
    odd = over(compressed)
    apply_fault(odd.disk, fault, odd.manifest)
    is_mended_and_undone(odd, tmp_path)


def test_a_compressed_driver_and_hive_are_rewritten(compressed: Strange, tmp_path: Path) -> None:
    odd = over(compressed)
    path = f"{DRIVERS}\\filecrypt.sys"
    sound = odd.read(path)
    odd.volume(lambda files: files.replace(path, sound[:0x600] + bytes(64) + sound[0x640:]))
    odd.service("filecrypt", Start=0)
    assert [cause.rule for cause in odd.diagnose().causes] == ["driver_damaged"]
    is_mended_and_undone(odd, tmp_path)
