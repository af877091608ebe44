"""Every fault changes what it says, and nothing else; what follows from it is what bootmend then predicts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from small_machine import broken, lab_authority, small_machine

from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice, Window
from bootmend.errors import Misuse
from bootmend.formats.hive import Hive, RecoveryState, recover
from bootmend.formats.pe import Pe
from bootmend.lab.contents import CATROOT, CONFIG
from bootmend.lab.faults import apply_fault, faults, parse_faults
from bootmend.lab.machine import LabMachine
from bootmend.rules import all_rules
from bootmend.signing.hashing import image_hashes
from bootmend.volumes.detect import open_volume
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.partitions import read_partitions

NAMES = [fault.name for fault in faults()]
SYSTEM = f"{CONFIG}\\SYSTEM"
WATCHED = (
    CATROOT,
    CONFIG,
    "\\Windows\\System32\\drivers",
    "\\Windows\\servicing\\Packages",
    "\\Windows\\System32",
    "\\Windows",
)


def windows_of(device: BlockDevice, machine: LabMachine) -> NtfsVolume:
    for partition in read_partitions(device).partitions:
        if partition.number == machine.manifest.windows_partition:
            volume = open_volume(Window(device, partition.start, partition.size), "Windows")
            assert isinstance(volume, NtfsVolume)
            return volume
    raise AssertionError("no Windows partition")


def contents(device: BlockDevice, machine: LabMachine) -> dict[str, str]:
    """Hash by path of every file that a fault may touch: whole folders, and all names and copies of all binaries."""
    with windows_of(device, machine) as volume:
        paths = {
            f"{folder}\\{entry.name}" for folder in WATCHED for entry in volume.listdir(folder) if not entry.directory
        }
        paths |= {path for binary in machine.manifest.binaries for path in binary.everywhere if volume.exists(path)}
        return {path.lower(): hashlib.sha256(volume.read(path)).hexdigest() for path in paths}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


@pytest.fixture(scope="module")
def healthy() -> Iterator[dict[str, str]]:
    with broken(small_machine(), "healthy") as (device, _):
        yield contents(device, small_machine())


def test_the_faults_that_were_asked_for_are_there() -> None:
    assert {
        "healthy",
        "catalog-lost",
        "catalog-store-lost",
        "crashed",
        "driver-damaged",
        "driver-damaged-everywhere",
        "driver-missing",
        "driver-unsigned",
    } <= set(NAMES)
    assert NAMES[0] == "healthy"


def test_what_a_fault_expects_is_a_rule() -> None:
    for fault in faults():
        assert fault.expect is None or fault.expect in all_rules()
        assert fault.description


@pytest.mark.parametrize("name", [fault.name for fault in faults() if 2 in fault.generations])
def test_a_fault_touches_what_it_says(name: str, healthy: dict[str, str]) -> None:
    machine = small_machine()
    with broken(machine, name) as (device, truth):
        assert truth["fault"] == name
        number = machine.manifest.windows_partition
        folders = {path.rsplit("\\", 1)[0] for path in (*healthy, *(f"{folder}\\".lower() for folder in WATCHED))}
        own = f"{number}:"
        touched = {path.removeprefix(own).lower() for path in truth["touched"] if path.startswith(own)}
        differs = changed(healthy, contents(device, machine))
        if name == "catalog-store-lost":
            assert touched == {CATROOT.lower()}
            assert {path.rsplit("\\", 1)[0] for path in differs} == touched
            assert len(differs) == truth["details"]["catalogs"] == machine.manifest.catalogs
        else:
            assert differs == {path for path in touched if path.rsplit("\\", 1)[0] in folders}
        assert bool(device.changed_bytes()) == (name != "healthy")


def test_a_damaged_driver_keeps_its_form_and_loses_its_hash() -> None:
    machine = small_machine()
    with broken(machine, "driver-damaged") as (device, truth), windows_of(device, machine) as volume:
        assert (truth["subject"], truth["stop"], truth["status"]) == ("filecrypt.sys", 0x5A, 0xC0000428)
        victim = next(binary for binary in machine.manifest.binaries if binary.name == "filecrypt.sys")
        data = volume.read(victim.path)
        assert image_hashes(data, Pe.parse(data, "x")).sha256.hex() != victim.sha256
        assert all(volume.read(path) == data for path in victim.same_file)
        for path in truth["details"]["sound_copies"]:
            sound = volume.read(path)
            assert image_hashes(sound, Pe.parse(sound, "x")).sha256.hex() == victim.sha256


def test_damage_everywhere_leaves_no_sound_copy() -> None:
    machine = small_machine()
    with broken(machine, "driver-damaged-everywhere") as (device, _), windows_of(device, machine) as volume:
        victim = next(binary for binary in machine.manifest.binaries if binary.name == "filecrypt.sys")
        assert len(victim.everywhere) >= 4
        for path in victim.everywhere:
            data = volume.read(path)
            assert image_hashes(data, Pe.parse(data, path)).sha256.hex() != victim.sha256


def test_a_missing_driver_is_still_in_winsxs() -> None:
    machine = small_machine()
    with broken(machine, "driver-missing") as (device, truth), windows_of(device, machine) as volume:
        assert (truth["stop"], truth["status"]) == (0x5A, 0xC0000034)
        assert not volume.exists("\\Windows\\System32\\drivers\\filecrypt.sys")
        assert volume.exists(truth["details"]["sound_copies"][0])


def test_an_unsigned_driver_is_a_sound_image_without_a_signature() -> None:
    machine = small_machine()
    with broken(machine, "driver-unsigned") as (device, truth), windows_of(device, machine) as volume:
        assert truth["subject"] == "labcrypt.sys"
        pe = Pe.parse(volume.read("\\Windows\\System32\\drivers\\labcrypt.sys"), "x")
        assert pe.certificate_table is None
        assert pe.compute_checksum() == pe.checksum
        sound = [volume.read(path) for path in truth["details"]["sound_copies"]]
        assert {image_hashes(data, Pe.parse(data, "x")).sha256.hex() for data in sound} == {truth["details"]["sha256"]}


def test_a_crash_leaves_changes_in_the_logs_and_a_dirty_volume() -> None:
    machine = small_machine()
    with broken(machine, "crashed") as (device, truth), windows_of(device, machine) as volume:
        state = volume.state()
        assert state.dirty
        assert (state.journal, state.journal_version) == ("unclean", "2.0")
        primary = volume.read(SYSTEM)
        assert Hive.parse(primary, "SYSTEM").dirty
        logs = {log: volume.read(f"{SYSTEM}.{log}") for log in ("LOG1", "LOG2")}
        recovery = recover(primary, logs, "SYSTEM")
        assert recovery.state is RecoveryState.REPLAYED
        assert {log for log, _ in recovery.applied} == {"LOG1", "LOG2"}
        old, new = Hive.parse(primary, "SYSTEM"), Hive.parse(recovery.data, "SYSTEM")
        assert len(truth["details"]["pending"]) > 60
        for pending in truth["details"]["pending"]:
            key = new.key(pending["key"])
            assert key is not None
            value = key.value(pending["name"])
            assert value is not None
            assert value.data.hex() == pending["data"]
        assert old.key("ControlSet001\\Services\\labpending") is None
        assert volume.stat(SYSTEM).modified < truth["details"]["journalled"]["modified"]


def test_a_crash_comes_after_every_other_fault() -> None:
    assert [fault.name for fault in parse_faults(["crashed+driver-damaged", "driver-damaged"])] == [
        "driver-damaged",
        "crashed",
    ]
    machine = small_machine()
    with broken(machine, "crashed+catalog-lost") as (device, truth):
        assert truth["fault"] == "catalog-lost+crashed"
        assert truth["expect"] == "catalog_missing"
        assert truth["details"]["pending"]
        assert len(truth["touched"]) == 6  # the catalog, two event logs, SYSTEM and its two logs
        with windows_of(device, machine) as volume:
            assert volume.state().dirty
            assert not volume.exists(truth["touched"][0].split(":", 1)[1])


def test_an_unknown_fault_is_named_with_the_known_ones() -> None:
    with pytest.raises(Misuse, match=r"driver-asleep.*driver-damaged"):
        parse_faults(["driver-damaged+driver-asleep"])


def test_breaking_an_overlay_leaves_the_disk_alone() -> None:
    machine = small_machine(1)
    before = _disk_hash(machine)
    with broken(machine, "driver-damaged+crashed") as (device, _):
        assert device.changed_bytes()
    assert _disk_hash(machine) == before


def _disk_hash(machine: LabMachine) -> bytes:
    """Of everything but holes, and where it stands."""
    state = hashlib.sha256()
    with open_disk(str(machine.path)) as disk:
        for low, high in disk.data_extents():
            state.update(f"{low} {high}".encode())
            for at in range(low, high, 1 << 20):
                state.update(disk.read(at, min(1 << 20, high - at)))
    return state.digest()


def test_the_same_fault_twice_is_the_same_bytes() -> None:
    machine = small_machine()
    patches = []
    for _ in range(2):
        with broken(machine, "driver-unsigned") as (device, _truth), windows_of(device, machine) as volume:
            patches.append(volume.read("\\Windows\\System32\\drivers\\labcrypt.sys"))
    assert patches[0] == patches[1]


def test_a_written_machine_can_be_loaded_again() -> None:
    machine = small_machine()
    again = LabMachine.load(machine.path)
    assert again.manifest == machine.manifest
    assert again.truth["faults"] == machine.truth["faults"]
    assert again.pem.read_bytes() == lab_authority().root_pem
    with broken(again, "driver-damaged") as (device, _), pytest.raises(Misuse):
        apply_fault(device, "no-such-fault", again.manifest)
