"""What is packed of donors serves a helper as the donors themselves would."""

from __future__ import annotations

import ntpath
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_machines import base

from bootmend.clouds import donor_pack
from bootmend.clouds.donor_pack import pack
from bootmend.disk.container import open_disk
from bootmend.errors import Refused
from bootmend.lab.machine import create
from bootmend.repair import donor_of, propose
from bootmend.signing.roots import Trust
from bootmend.windows.donor import DiskDonor, DonorFile, FolderDonor, Given


@pytest.fixture
def donor() -> Iterator[DiskDonor]:
    trust = Trust([base(2).pem.read_bytes()])
    with open_disk(str(base(2).path)) as device:
        image, windows = donor_of(device, Given(trust))
        yield DiskDonor(image, windows.volume, windows.path, windows.version.text)
        image.close()


def unpacked(archive: Path, folder: Path) -> FolderDonor:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return FolderDonor(folder)


def test_a_disk_is_mended_by_what_was_packed(donor: DiskDonor, tmp_path: Path) -> None:
    machine = create(tmp_path / "disk.vhd", fault=["driver-damaged-everywhere"], generation=2, catalogs=60)
    trust = Trust([machine.pem.read_bytes()])
    assert pack([donor], tmp_path / "donors.zip")
    folder = unpacked(tmp_path / "donors.zip", tmp_path / "donors")
    ends = []
    with open_disk(str(machine.path)) as device:
        for donors in ((), (donor,), (folder,)):
            proposal = propose(device, Given(trust, donors))
            ends.append((proposal.worth_doing, proposal.causes_left))
            proposal.diagnosis.image.close()
    assert [(worth, len(left)) for worth, left in ends] == [(False, 1), (True, 0), (True, 0)]


def test_files_and_versions_are_the_same(donor: DiskDonor, tmp_path: Path) -> None:
    pack([donor], tmp_path / "donors.zip")
    folder = unpacked(tmp_path / "donors.zip", tmp_path / "donors")

    def told(files: Iterator[DonorFile]) -> list[tuple[str, int, str]]:
        return sorted((ntpath.basename(file.where.replace("/", "\\")), hash(file.data), file.version) for file in files)

    drivers = [
        (name, data, f"0.0.{version}" if version.count(".") == 1 else version)
        for name, data, version in told(donor.drivers())
    ]
    assert len(drivers) > 200 and told(folder.drivers()) == drivers
    assert {version for _, _, version in drivers} != {""}


def test_a_folder_of_nothing_is_packed_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme.txt").write_text("no driver")
    (tmp_path / "empty" / "in-box.cat").write_bytes(b"no catalog of a third party's")
    assert not pack([FolderDonor(tmp_path / "empty")], tmp_path / "x.zip")


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(donor_pack, "MOST", 1000)
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "x.sys").write_bytes(bytes(1001))
    with pytest.raises(Refused, match="--how direct"):
        pack([FolderDonor(tmp_path / "large")], tmp_path / "x.zip")
