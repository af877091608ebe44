"""What stands on a healthy lab machine, seen by our readers and by independent ones."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import pytsk3
from Registry import Registry
from sample_data import need
from small_machine import CATALOGS, small_machine

from bootmend.disk.container import open_disk
from bootmend.disk.device import Window
from bootmend.formats.bcd import Store, partition_of
from bootmend.formats.hive import Hive, check
from bootmend.formats.pe import Pe
from bootmend.lab.blueprint import read_blueprint
from bootmend.lab.contents import CATROOT, CONFIG, SERVICING
from bootmend.lab.layout import lay_out
from bootmend.lab.machine import LabMachine
from bootmend.lab.manifest import BinaryFacts
from bootmend.lab.store import device_of
from bootmend.signing.audit import Auditor
from bootmend.signing.hashing import image_hashes
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Status
from bootmend.volumes.detect import open_volume
from bootmend.volumes.partitions import read_partitions
from bootmend.volumes.volume import Volume

CATALOG_ONLY = (
    "afunix", "ahcache", "BasicDisplay", "BasicRender", "cdrom", "Dfsc", "FileCrypt", "NdisCap", "NetBT", "npsvctrig",
    "nsiproxy", "Null",
)  # fmt: skip


@contextmanager
def volume_of(machine: LabMachine, number: int) -> Iterator[Volume]:
    with open_disk(str(machine.path)) as disk:
        partition = next(found for found in read_partitions(disk).partitions if found.number == number)
        volume = open_volume(Window(disk, partition.start, partition.size), f"{number}")
        assert isinstance(volume, Volume)
        with volume:
            yield volume


@pytest.fixture(scope="module")
def windows() -> Iterator[Volume]:
    machine = small_machine()
    with volume_of(machine, machine.manifest.windows_partition) as volume:
        yield volume


@pytest.mark.parametrize("generation", [1, 2])
def test_another_reader_sees_the_same_files(generation: int) -> None:
    machine = small_machine(generation)
    with open_disk(str(machine.path)) as disk:
        number = machine.manifest.windows_partition
        start = next(found.start for found in read_partitions(disk).partitions if found.number == number)
    other = pytsk3.FS_Info(pytsk3.Img_Info(str(machine.path)), offset=start)
    with volume_of(machine, number) as volume:
        for folder in ("\\Windows\\System32\\drivers", CATROOT, CONFIG):
            theirs = {entry.info.name.name.decode() for entry in other.open_dir(folder.replace("\\", "/"))}
            assert {entry.name for entry in volume.listdir(folder)} == theirs - {".", ".."}
        for binary in machine.manifest.binaries[::20]:
            file = other.open(binary.path.replace("\\", "/"))
            assert file.read_random(0, file.info.meta.size) == volume.read(binary.path)


def test_links_are_one_file_and_copies_are_not(windows: Volume) -> None:
    linked = copied = 0
    for binary in small_machine().manifest.binaries:
        own = windows.stat(binary.path).file_id
        for path in binary.same_file:
            assert windows.stat(path).file_id == own
            linked += path != binary.path
        content = windows.read(binary.path)
        for path in binary.spares:
            assert windows.stat(path).file_id != own
            assert windows.read(path) == content
            copied += 1
        if binary.outdated:
            assert windows.read(binary.outdated) != content
    assert linked > 400
    assert copied > 20


def test_every_catalog_of_a_package_has_its_twin(windows: Volume) -> None:
    store = {entry.name for entry in windows.listdir(CATROOT)}
    assert len(store) == CATALOGS
    staged = {entry.name for entry in windows.listdir(SERVICING)}
    assert len({name for name in store if name.startswith("oem")}) == len(store - staged) > 2
    for name in sorted(store & staged)[::7]:
        assert windows.read(f"{CATROOT}\\{name}") == windows.read(f"{SERVICING}\\{name}")
        assert windows.exists(f"{SERVICING}\\{name.removesuffix('.cat')}.mum")


def test_the_catalogs_cover_what_the_plan_says(windows: Volume) -> None:
    index = CatalogIndex()
    for entry in windows.listdir(CATROOT):
        index.add(entry.name, windows.read(f"{CATROOT}\\{entry.name}"))
    assert not index.unreadable
    for binary in small_machine().manifest.binaries:
        for path in (binary.path, *([binary.outdated] if binary.outdated else [])):
            data = windows.read(path)
            pe = Pe.parse(data, path)
            assert (pe.certificate_table is not None) == (binary.signing != "catalog")
            hashes = image_hashes(data, pe)
            found = index.lookup(hashes.sha256)
            assert found == index.lookup(hashes.sha1)
            assert bool(found) == (binary.signing != "embedded"), path
            if path == binary.path:
                assert hashes.sha256.hex() == binary.sha256
                assert set(binary.catalogs) <= set(found)
                if binary.signing == "catalog":
                    assert set(found) == set(binary.catalogs)


def test_every_signature_holds_under_the_labs_root_and_under_no_other(windows: Volume) -> None:
    index = CatalogIndex()
    for entry in windows.listdir(CATROOT):
        index.add(entry.name, windows.read(f"{CATROOT}\\{entry.name}"))

    def auditor(*roots: bytes) -> Auditor:
        return Auditor(index, lambda name: windows.read(f"{CATROOT}\\{name}"), Trust(roots), KernelPolicy(build=20348))

    trusting, wary = auditor(small_machine().pem.read_bytes()), auditor()
    for binary in small_machine().manifest.binaries:
        data = windows.read(binary.path)
        verdict = trusting.audit(data, binary.path)
        assert (verdict.status, verdict.ntstatus) == (Status.VALID, 0), binary.path
        assert not verdict.kernel_would_refuse or binary.kind != "driver"
        assert verdict.embedded == (binary.signing != "catalog")
        assert binary.signing != "catalog" or verdict.catalog in binary.catalogs
        doubted = wary.audit(data, binary.path)
        # The root itself is in no signature, as in real ones: without --trust the chain just ends.
        assert doubted.status in (Status.UNTRUSTED, Status.CHAIN_INCOMPLETE)
        assert doubted.kernel_would_refuse


def test_the_drivers_that_only_a_catalog_vouches_for() -> None:
    by_service = {binary.service: binary for binary in small_machine().manifest.binaries}
    for name in CATALOG_ONLY:
        binary = by_service[name]
        assert (binary.signing, binary.start, len(binary.catalogs)) == ("catalog", 1, 1)
    assert by_service["FileCrypt"].error_control == 3
    assert by_service["npsvctrig"].error_control == 2
    inbox = {
        binary.service
        for binary in by_service.values()
        if binary.loads_at_boot and binary.signing == "catalog" and binary.owner == "inbox"
    }
    assert inbox == set(CATALOG_ONLY)


def test_the_machine_is_of_real_size() -> None:
    facts = small_machine().manifest
    drivers = [binary for binary in facts.binaries if binary.kind == "driver"]
    assert len(drivers) > 300
    assert len([binary for binary in drivers if binary.loads_at_boot]) > 100
    assert 500 <= len(read_blueprint().services) <= 700


def test_every_hive_is_sound(windows: Volume) -> None:
    names = [entry.name for entry in windows.listdir(CONFIG) if not entry.directory]
    hives = [name for name in names if f"{name}.LOG1" in names]
    assert {"SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT", "COMPONENTS"} <= set(hives)
    for name in hives:
        data = windows.read(f"{CONFIG}\\{name}")
        report = check(data, name)
        assert (report.errors, report.leaked_cells) == ([], 0)
        assert not Hive.parse(data, name).dirty


def test_another_reader_reads_the_hives(windows: Volume) -> None:
    system = Registry.Registry(io.BytesIO(windows.read(f"{CONFIG}\\SYSTEM")))
    services = system.open("ControlSet001\\Services").subkeys()
    assert len(services) == len(read_blueprint().services)
    filecrypt = system.open("ControlSet001\\Services\\FileCrypt")
    assert filecrypt.value("Group").value() == "FSFilter Encryption"
    groups = system.open("ControlSet001\\Control\\ServiceGroupOrder").value("List").value()
    used = {key.value("Group").value().lower() for key in services if "Group" in {v.name() for v in key.values()}}
    assert {"fsfilter encryption", "boot bus extender"} <= used
    assert len([group for group in groups if group]) > 60
    software = Registry.Registry(io.BytesIO(windows.read(f"{CONFIG}\\SOFTWARE")))
    version = software.open("Microsoft\\Windows NT\\CurrentVersion")
    assert version.value("CurrentBuildNumber").value() == "20348"
    assert version.value("UBR").value() == 2227


@pytest.mark.parametrize("generation", [1, 2])
def test_the_store_names_this_disk(generation: int) -> None:
    machine = small_machine(generation)
    layout = lay_out(read_blueprint(), generation, machine.path.stat().st_size)
    with volume_of(machine, machine.manifest.system_partition) as system:
        store = Store.parse(system.read(machine.manifest.store), "BCD")
        files = (
            ["\\bootmgr"] if generation == 1 else ["\\EFI\\Boot\\bootx64.efi", "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"]
        )
        assert all(system.exists(path) for path in files)
    assert store.default is not None
    assert store.boot_manager is not None
    named = {element.name: element.value for element in store.default.elements.values()}
    suffix = "exe" if generation == 1 else "efi"
    assert named["path"] == f"\\Windows\\system32\\winload.{suffix}"
    assert partition_of(named["osdevice"]) == device_of(layout, layout.windows)  # type: ignore[arg-type]
    manager = {element.name: element.value for element in store.boot_manager.elements.values()}
    assert partition_of(manager["device"]) == device_of(layout, layout.system)  # type: ignore[arg-type]


def test_drivers_load_in_the_order_of_a_real_machine() -> None:
    """Against the modules of a Windows 10 that crashed while it booted, in the order in which they were loaded."""
    modules = json.loads(need("dumps/triage-x64-19041.expected.json").read_text())["modules"]
    real = [module["path"].rsplit("\\", 1)[-1].lower() for module in modules]
    ours = {binary.name.lower(): binary for binary in small_machine().manifest.binaries if binary.loads_at_boot}
    common: list[BinaryFacts] = [ours[name] for name in real if name in ours]
    assert len(common) > 60
    ranks = [binary.rank or 0 for binary in common]
    pairs = [(first, second) for at, first in enumerate(ranks) for second in ranks[at + 1 :]]
    assert sum(first < second for first, second in pairs) / len(pairs) > 0.9
