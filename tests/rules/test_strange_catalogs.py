"""Catalog stores as they break elsewhere: cut short, tampered with, same names, gone, only at a donor."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lab_machines import base
from strange_machines import CATROOT, DRIVER_STORE, DRIVERS, PACKAGES, Strange, strange

from bootmend.formats.pe import Pe
from bootmend.lab.authority import LabAuthority
from bootmend.lab.catalog_maker import Member, make_catalog
from bootmend.lab.machine import _cache_folder
from bootmend.signing.hashing import image_hashes
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.donor import FolderDonor

FILECRYPT = f"{DRIVERS}\\filecrypt.sys"
WHEN = datetime(2024, 1, 9, 12, tzinfo=UTC)


def catalog_of(odd: Strange, name: str = "filecrypt.sys") -> str:
    return odd.facts(name).catalogs[0]


def package_catalog(odd: Strange, name: str) -> str:
    """Path of a third-party driver's catalog in its driver package."""
    (spare,) = odd.facts(name).spares
    folder = spare.rsplit("\\", 1)[0]
    return _only_catalog(odd, folder)


def _only_catalog(odd: Strange, folder: str) -> str:
    found: list[str] = []
    odd.volume(lambda files: found.extend(e.name for e in files.listdir(folder) if e.name.endswith(".cat")))
    (name,) = found
    return f"{folder}\\{name}"


def test_one_cut_short_is_replaced_by_its_twin() -> None:
    with strange() as odd:
        path = f"{CATROOT}\\{catalog_of(odd)}"
        good = odd.read(path)
        odd.volume(lambda files: files.replace(path, good[: len(good) // 2]))
        actions = odd.mended().plan.actions
        assert [action.kind for action in actions] == ["replace_file"]


def test_one_that_opens_is_never_overwritten() -> None:
    """The same name with other content, and one whose list was changed after signing: both stay as they are."""
    with strange() as odd:
        name = catalog_of(odd)
        other = next(e for e in base(2).manifest.binaries if e.catalogs and e.catalogs[0] != name).catalogs[0]
        content = odd.read(f"{CATROOT}\\{other}")
        odd.volume(lambda files: files.replace(f"{CATROOT}\\{name}", content))
        (action,) = [a for a in odd.mended().plan.actions if a.target.lower().startswith("volume")]
        assert action.kind == "create_file"
        assert name.lower() not in action.target.lower()


def test_a_tampered_one_beside_its_sound_twin() -> None:
    with strange() as odd:
        path = f"{CATROOT}\\{catalog_of(odd)}"
        good = odd.read(path)
        at = good.index("filecrypt.sys".encode("utf-16-le"))  # a member's name: the list reads, its hash is there
        odd.volume(lambda files: files.replace(path, good[:at] + b"F" + good[at + 1 :]))
        (action,) = odd.mended().plan.actions
        assert action.kind == "create_file"


def test_a_list_of_sha1_hashes_alone_vouches() -> None:
    with strange() as odd:
        data = odd.read(FILECRYPT)
        hashes = image_hashes(data, Pe.parse(data, "filecrypt.sys"))
        authority = LabAuthority.load_or_create(_cache_folder())
        member = Member(name="filecrypt.sys", sha1=hashes.sha1)
        made = make_catalog(authority, [member], version=1, package_name="old", when=WHEN, timestamp=True)

        def change(files: NtfsVolume) -> None:
            files.delete(f"{CATROOT}\\{catalog_of(odd)}")
            files.create(f"{CATROOT}\\old.cat", made)

        odd.volume(change)
        assert all(cause.subject != "filecrypt.sys" for cause in odd.diagnose().findings)


def test_a_third_party_catalog_comes_from_the_drivers_own_package() -> None:
    with strange() as odd:
        odd.volume(lambda files: files.delete(f"{CATROOT}\\{catalog_of(odd, 'labcrypt.sys')}"))
        proposal = odd.mended()
        assert [cause.subject for cause in proposal.diagnosis.causes] == ["labcrypt.sys"]
        assert DRIVER_STORE.lower() in proposal.plan.actions[0].source.lower()


def test_a_third_party_catalog_that_only_a_donor_has(tmp_path: Path) -> None:
    with strange() as odd:
        name = catalog_of(odd, "labcrypt.sys")
        data = odd.read(f"{CATROOT}\\{name}")
        own = package_catalog(odd, "labcrypt.sys")
        odd.volume(lambda files: files.delete(f"{CATROOT}\\{name}"))
        odd.volume(lambda files: files.delete(own))
        (cause,) = odd.diagnose().causes
        assert cause.rule == "third_party_boot_driver"
        assert any("--donor" in skipped.reason for skipped in cause.skipped)
        (tmp_path / "below").mkdir()
        (tmp_path / "below" / name.upper()).write_bytes(data)
        (tmp_path / "oem99.cat").write_bytes(b"no catalog")
        (tmp_path / "dangling.cat").symlink_to(tmp_path / "nowhere")
        odd.donors(FolderDonor(tmp_path))
        proposal = odd.mended()
        assert [cause.rule for cause in proposal.diagnosis.causes] == ["catalog_missing"]


def same_name_in_two_packages(odd: Strange) -> None:
    """Vendors like to call their catalog driver.cat; the store had them as oem2.cat and oem0.cat."""

    def change(files: NtfsVolume) -> None:
        for name in ("labcrypt.sys", "labmonitor.sys"):
            path = f"{DRIVER_STORE}\\{name}.inf_amd64_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
            files.mkdir(path)
        for number, name in enumerate(("labcrypt.sys", "labmonitor.sys")):
            path = f"{DRIVER_STORE}\\{name}.inf_amd64_{hashlib.sha256(name.encode()).hexdigest()[:16]}\\driver.cat"
            files.create(path, made[number])

    authority = LabAuthority.load_or_create(_cache_folder())
    victims = [FILECRYPT, odd.facts("labcrypt.sys").path]
    made = []
    for path in victims:
        data = odd.read(path)
        hashes = image_hashes(data, Pe.parse(data, path))
        member = Member(name=path.rsplit("\\", 1)[-1], sha1=hashes.sha1, sha256=hashes.sha256)
        made.append(make_catalog(authority, [member], when=WHEN, timestamp=True))
    odd.volume(change)
    lost = [catalog_of(odd), catalog_of(odd, "labcrypt.sys")]
    own = package_catalog(odd, "labcrypt.sys")
    odd.volume(lambda files: files.delete(own))
    odd.volume(lambda files: files.delete(f"{PACKAGES}\\{lost[0]}"))
    for name in lost:
        odd.volume(lambda files, name=name: files.delete(f"{CATROOT}\\{name}"))  # type: ignore[misc]


@pytest.mark.parametrize("store", ["standing", "gone"])
def test_two_packages_whose_catalogs_have_one_name_both_come_back(store: str) -> None:
    with strange() as odd:
        same_name_in_two_packages(odd)
        if store == "gone":

            def empty(files: NtfsVolume) -> None:
                for entry in files.listdir(CATROOT):
                    files.delete(f"{CATROOT}\\{entry.name}")
                files.delete(CATROOT)

            odd.volume(empty)
        lost = {cause.subject for cause in odd.diagnose().causes if cause.rule == "catalog_missing"}
        assert "filecrypt.sys" in lost or store == "gone"
        after = odd.propose().rehearsal
        assert after is not None
        assert not {"filecrypt.sys", "labcrypt.sys"} & {finding.subject for finding in after.after.findings}
        actions = odd.propose().plan.actions
        targets = [action.target.lower() for action in actions]
        assert len(set(targets)) == len(targets)
        assert {"driver.cat", "driver_1.cat"} <= {target.rsplit("\\", 1)[-1] for target in targets}


def test_a_sound_driver_whose_catalogs_are_all_lost_is_not_taken_back_in_time() -> None:
    """Only an older version is still vouched for; the file here may be sound: nothing is done without consent."""
    with strange() as odd:
        name = catalog_of(odd)
        odd.volume(lambda files: files.delete(f"{CATROOT}\\{name}"))
        odd.volume(lambda files: files.delete(f"{PACKAGES}\\{name}"))
        proposal = odd.propose()
        (cause,) = [one for one in proposal.diagnosis.causes if one.subject == "filecrypt.sys"]
        assert cause.rule == "driver_damaged"
        assert {action.risk for action in cause.actions} == {"other-version"}
        assert FILECRYPT.lower() not in " ".join(action.target.lower() for action in proposal.plan.actions)
        assert "--accept other-version" in " ".join(item.reason for item in proposal.plan.skipped)
        accepted = odd.propose(accept=["other-version"])
        assert accepted.rehearsal is not None
        assert "filecrypt.sys" not in {finding.subject for finding in accepted.rehearsal.after.findings}


def test_a_copy_of_the_right_version_at_a_donor_comes_before_an_older_one(tmp_path: Path) -> None:
    with strange() as odd:
        data = odd.read(FILECRYPT)
        (tmp_path / "FILECRYPT.SYS").write_bytes(data)
        facts = odd.facts("filecrypt.sys")
        odd.damage(FILECRYPT, *facts.spares, offset=0x400, length=len(data) - 0x500)
        assert {action.risk for action in odd.diagnose().causes[0].actions} == {"other-version"}
        odd.donors(FolderDonor(tmp_path))
        (action,) = odd.mended().plan.actions
        assert str(tmp_path) in action.source
