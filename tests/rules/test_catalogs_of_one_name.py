"""Catalogs that share a name: driver packages bring several versions, or call theirs plainly driver.cat."""

from __future__ import annotations

from strange_machines import CATROOT, DRIVER_STORE, Strange, strange

from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.image import Image


def call_all_catalogs_driver(odd: Strange) -> list[bytes]:
    """Those of the driver packages; their contents are given."""
    found: list[bytes] = []

    def change(files: NtfsVolume) -> None:
        for package in files.listdir(DRIVER_STORE):
            folder = f"{DRIVER_STORE}\\{package.name}"
            for entry in files.listdir(folder):
                if entry.name.lower().endswith(".cat"):
                    found.append(files.read(f"{folder}\\{entry.name}"))
                    files.rename(f"{folder}\\{entry.name}", f"{folder}\\driver.cat")

    odd.volume(change)
    assert len(found) > 2
    return found


def test_every_catalog_comes_back_under_a_name_of_its_own() -> None:
    with strange(2, "catalog-store-lost") as odd:
        wanted = call_all_catalogs_driver(odd)
        rehearsal = odd.mended().rehearsal
        assert rehearsal is not None
        image = Image(rehearsal.overlay)
        files = image.volume(odd.number)
        now = [files.read(f"{CATROOT}\\{e.name}") for e in files.listdir(CATROOT) if e.name.startswith("driver")]
        image.close()
        assert sorted(now) == sorted(wanted)
