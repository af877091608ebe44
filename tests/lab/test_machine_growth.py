"""Machines grown otherwise: again from the same seed, of another build, around real hives and stores, at full size."""

from __future__ import annotations

from pathlib import Path

import pytest
from bounded_work import bounded_work
from sample_data import need, unpacked
from small_machine import CATALOGS, SIZE, broken, lab_authority, small_machine

from bootmend.disk.container import open_disk
from bootmend.disk.device import Window
from bootmend.errors import InputError, Misuse
from bootmend.formats.bcd import Store, partition_of
from bootmend.formats.hive import Hive, check
from bootmend.formats.pe import Pe
from bootmend.lab.blueprint import read_blueprint
from bootmend.lab.contents import CATROOT, CONFIG
from bootmend.lab.layout import lay_out
from bootmend.lab.machine import LabMachine, create
from bootmend.lab.real_hive import current_control_set, services_of
from bootmend.lab.store import device_of
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.partitions import read_partitions
from bootmend.windows.service import locate_image


def files_of(machine: LabMachine) -> dict[str, bytes]:
    """Every file of the Windows volume that the machine's signatures, hives and boot rest on."""
    with open_disk(str(machine.path)) as disk:
        number = machine.manifest.windows_partition
        partition = next(found for found in read_partitions(disk).partitions if found.number == number)
        with NtfsVolume(Window(disk, partition.start, partition.size), "Windows") as volume:
            folders = (CATROOT, CONFIG, "\\Windows\\System32\\drivers")
            paths = [f"{folder}\\{entry.name}" for folder in folders for entry in volume.listdir(folder)]
            return {path: volume.read(path) for path in paths if not volume.stat(path).directory}


def grown(folder: Path, **how: object) -> LabMachine:
    usual = {"size": SIZE, "container": "raw", "catalogs": CATALOGS, "authority": lab_authority()}
    return create(folder / "machine.raw", **(usual | how))  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    again = grown(tmp_path)
    assert again.manifest == small_machine().manifest
    assert files_of(again) == files_of(small_machine())


def test_another_seed_gives_another_machine(tmp_path: Path) -> None:
    other = grown(tmp_path, seed=2)
    ours, theirs = files_of(small_machine()), files_of(other)
    driver = "\\Windows\\System32\\drivers\\filecrypt.sys"
    assert ours[driver] != theirs[driver]
    assert ours[f"{CONFIG}\\SYSTEM"] != theirs[f"{CONFIG}\\SYSTEM"]


def test_a_donor_of_another_build(tmp_path: Path) -> None:
    donor = grown(tmp_path, build="17763.6659")
    assert donor.manifest.build == "17763.6659"
    software = Hive.parse(files_of(donor)[f"{CONFIG}\\SOFTWARE"], "SOFTWARE")
    key = software.key("Microsoft\\Windows NT\\CurrentVersion")
    assert key is not None
    said = {value.name: value.text for value in key.values()}
    assert (said["CurrentBuildNumber"], said["ProductName"]) == ("17763", "Windows Server 2019 Datacenter")
    filecrypt = next(binary for binary in donor.manifest.binaries if binary.name == "filecrypt.sys")
    assert filecrypt.version == "10.0.17763.6659"
    assert all("_10.0.17763." in path for path in filecrypt.everywhere if "WinSxS" in path)


@pytest.mark.parametrize(
    ("hive", "store", "generation", "bits"),
    [
        ("hives/system/win7-clean.SYSTEM.xz", "bcd/bios-win7-1/BCD", 1, 32),
        ("hives/system/win81-dirty-nologs.SYSTEM.xz", "bcd/uefi-win81-1/BCD", 2, 64),
    ],
)
def test_a_machine_around_a_real_hive_and_store(
    hive: str, store: str, generation: int, bits: int, tmp_path: Path
) -> None:
    real = tmp_path / "real"
    real.write_bytes(unpacked(hive))
    machine = grown(tmp_path, system_hive=real, bcd=need(store), generation=generation, build="9600.17031")
    assert machine.manifest.bits == bits
    with open_disk(str(machine.path)) as disk:
        table = read_partitions(disk)
        volumes = {
            number: Window(disk, partition.start, partition.size)
            for partition in table.partitions
            for number in [partition.number]
        }
        with NtfsVolume(volumes[machine.manifest.windows_partition], "Windows") as windows:
            data = windows.read(f"{CONFIG}\\SYSTEM")
            held = Hive.parse(data, "SYSTEM")
            if not Hive.parse(real.read_bytes(), "SYSTEM").dirty:
                assert check(data, "SYSTEM").errors == []
            else:
                assert data == real.read_bytes()
            drivers = [service for service in services_of(current_control_set(held)) if service.loads_at_boot]
            assert len(drivers) > 50
            for service in drivers:
                path = locate_image(service, 0, "\\Windows", {"C:": 0}).path
                machine_type = Pe.parse(windows.read(path), path).machine
                assert machine_type == (0x14C if bits == 32 else 0x8664)
    layout = lay_out(read_blueprint(), generation, SIZE)
    entry = _store(machine).default
    assert entry is not None
    osdevice = next(element for element in entry.elements.values() if element.name == "osdevice")
    assert partition_of(osdevice.value) == device_of(layout, layout.windows)  # type: ignore[arg-type]
    for fault in ("catalog-lost", "driver-damaged", "driver-missing", "driver-unsigned"):
        with broken(machine, fault) as (_, truth):
            assert truth["touched"]
            assert truth["stops"]


def _store(machine: LabMachine) -> Store:
    from bootmend.volumes.detect import open_volume
    from bootmend.volumes.volume import Volume

    with open_disk(str(machine.path)) as disk:
        number = machine.manifest.system_partition
        partition = next(found for found in read_partitions(disk).partitions if found.number == number)
        volume = open_volume(Window(disk, partition.start, partition.size), "system")
        assert isinstance(volume, Volume)
        with volume:
            return Store.parse(volume.read(machine.manifest.store), "BCD")


def test_a_file_that_is_no_hive_is_said_to_be_none(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_bytes(b"no hive" * 1000)
    with pytest.raises(InputError):
        grown(tmp_path, system_hive=real)
    with pytest.raises(InputError):
        grown(tmp_path, system_hive=tmp_path / "nowhere")
    with pytest.raises(InputError):
        grown(tmp_path, bcd=tmp_path / "nowhere")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real"]


def test_a_crash_needs_a_hive_that_is_not_crashed_already(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_bytes(unpacked("hives/system/win81-dirty-nologs.SYSTEM.xz"))
    with pytest.raises(Misuse, match="crashed"):
        grown(tmp_path, system_hive=real, fault=["crashed"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real"]


@pytest.mark.slow
@pytest.mark.parametrize("generation", [1, 2])
def test_a_full_machine_grows(generation: int, tmp_path: Path) -> None:
    with bounded_work():
        machine = create(tmp_path / "machine.vhd", generation=generation, authority=lab_authority())
    held = machine.path.stat()
    assert held.st_size == (127 << 30) + 512
    assert machine.manifest.catalogs == 3000
    assert held.st_blocks * 512 < 1 << 30
