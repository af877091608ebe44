"""Lab disks: tables, boot sectors, file systems and containers, by our own readers and by others'."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from small_machine import CATALOGS, SIZE, lab_authority, small_machine

from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError, Misuse
from bootmend.lab.blueprint import read_blueprint
from bootmend.lab.disk_file import make_disk_file, vhd_footer
from bootmend.lab.layout import lay_out
from bootmend.lab.machine import LabMachine, create
from bootmend.volumes.partitions import read_partitions
from bootmend.volumes.tables.partition import BASIC_DATA, ESP, MBR_NTFS, MSR


def _sector(device: BlockDevice, offset: int) -> bytes:
    return device.read(offset, 512)


@pytest.mark.parametrize("generation", [1, 2])
def test_the_table_is_what_setup_writes(generation: int) -> None:
    with open_disk(str(small_machine(generation).path)) as disk:
        table = read_partitions(disk)
        assert not table.warnings
        if generation == 1:
            assert table.kind == "mbr"
            assert [partition.type_id for partition in table.partitions] == [MBR_NTFS, MBR_NTFS]
            assert [partition.active for partition in table.partitions] == [True, False]
            assert any(_sector(disk, 0)[:440])
        else:
            assert table.kind == "gpt"
            assert [partition.type_id for partition in table.partitions] == [ESP, MSR, BASIC_DATA]
        assert _sector(disk, 0)[510:] == b"\x55\xaa"


@pytest.mark.parametrize("generation", [1, 2])
def test_boot_sectors_know_where_they_stand(generation: int) -> None:
    machine = small_machine(generation)
    numbers = (machine.manifest.system_partition, machine.manifest.windows_partition)
    with open_disk(str(machine.path)) as disk:
        for partition in read_partitions(disk).partitions:
            if partition.number in numbers:
                boot = _sector(disk, partition.start)
                assert struct.unpack_from("<I", boot, 28)[0] == partition.start // 512
                assert boot[510:] == b"\x55\xaa"


def _extracted(machine: LabMachine, number: int, folder: Path) -> Path:
    with open_disk(str(machine.path)) as disk:
        partition = next(found for found in read_partitions(disk).partitions if found.number == number)
        volume = folder / f"volume-{number}"
        with volume.open("wb") as file:
            file.truncate(partition.size)
            for low, high in disk.data_extents():
                start, end = max(low, partition.start), min(high, partition.start + partition.size)
                if start < end:
                    file.seek(start - partition.start)
                    file.write(disk.read(start, end - start))
        return volume


def _tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def test_fsck_vfat_finds_the_esp_clean(tmp_path: Path) -> None:
    machine = small_machine(2)
    volume = _extracted(machine, machine.manifest.system_partition, tmp_path)
    done = subprocess.run([_tool("fsck.vfat"), "-n", str(volume)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "FAT32" in volume.read_bytes()[:512].decode("latin-1")


@pytest.mark.parametrize("generation", [1, 2])
def test_ntfsresize_finds_the_volumes_consistent(generation: int, tmp_path: Path) -> None:
    machine = small_machine(generation)
    numbers = {machine.manifest.windows_partition} | ({machine.manifest.system_partition} if generation == 1 else set())
    for number in numbers:
        command = [_tool("ntfsresize"), "--info", "--force", str(_extracted(machine, number, tmp_path))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "You might resize" in done.stdout


def test_a_fixed_vhd_is_the_disk_and_a_footer(tmp_path: Path) -> None:
    path = tmp_path / "disk.vhd"
    blueprint = read_blueprint()
    make_disk_file(path, 3 << 30, "vhd", blueprint.guid("disk file"))
    with open_disk(str(path), writable=True) as disk:
        assert (disk.container, disk.size) == ("vhd-fixed", 3 << 30)
        lay_out(blueprint, 2, disk.size).write(disk)
    assert path.stat().st_size == (3 << 30) + 512
    assert path.stat().st_blocks * 512 < 1 << 20
    command = [_tool("qemu-img"), "info", "-f", "vpc", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "virtual size" in told


@pytest.mark.parametrize("size", [2 << 30, 127 << 30, 2040 << 30])
def test_the_footer_adds_up(size: int) -> None:
    footer = vhd_footer(size, read_blueprint().guid("x"))
    checksum = struct.unpack_from(">I", footer, 64)[0]
    assert checksum == ~sum(footer[:64] + bytes(4) + footer[68:]) & 0xFFFFFFFF
    assert struct.unpack_from(">QQ", footer, 40) == (size, size)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    for name in ("m.vhd", "m.vhd.pem", "m.vhd.json"):
        (tmp_path / name).write_bytes(b"precious")
        with pytest.raises(InputError, match="there already"):
            create(tmp_path / "m.vhd", size=SIZE, catalogs=CATALOGS, authority=lab_authority())
        assert (tmp_path / name).read_bytes() == b"precious"
        assert sorted(path.name for path in tmp_path.iterdir()) == [name]
        (tmp_path / name).unlink()


def test_what_makes_no_sense_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    out = tmp_path / "m.raw"
    for wrong in (
        {"generation": 3},
        {"size": 1 << 30},
        {"fault": ["driver-asleep"]},
        {"build": "12345.1"},
        {"container": "vhdx"},
    ):
        with pytest.raises(Misuse):
            create(out, authority=lab_authority(), **wrong)
    assert not list(tmp_path.iterdir())


def test_a_missing_program_is_named_with_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(InputError, match=r"apt-get install (dosfstools|ntfs-3g)"):
        create(tmp_path / "m.raw", size=SIZE, catalogs=CATALOGS, authority=lab_authority())
    assert not list(tmp_path.iterdir())


def test_where_everything_is_on_what_boots_there_is_one_active_partition() -> None:
    layout = lay_out(read_blueprint(None, 1), 1, SIZE, one_partition=True)
    assert layout.system is layout.windows
    assert [partition.active for partition in layout.partitions] == [True]
    assert len(lay_out(read_blueprint(None, 1), 1, SIZE).partitions) == 2
