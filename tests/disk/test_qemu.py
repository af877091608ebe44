"""QCOW2, VHDX, VMDK and VDI through qemu-nbd: the block-device contract on each, real ones, and refusals."""

from __future__ import annotations

import hashlib
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from contracts.block_device import SIZE, BlockDeviceContract, pattern
from qemu_images import content_of, make_image, run
from sample_data import unpacked

from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice
from bootmend.disk.qemu import QemuDisk
from bootmend.disk.vhdx import _crc32c, has_pending_log
from bootmend.errors import BootmendError, DeviceError, InputError, Refused


class QemuContract(BlockDeviceContract):
    image_format = "qcow2"
    options = ""

    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        image = make_image(content, folder, self.image_format, self.options)
        disk = open_disk(str(image), writable)
        assert disk.container == self.image_format
        return disk


class TestQcow2(QemuContract):
    pass


class TestQcow2OfVersion2(QemuContract):
    options = "compat=0.10"


class TestVhdx(QemuContract):
    image_format = "vhdx"


class TestVmdk(QemuContract):
    image_format = "vmdk"


def save(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "kind", "size"),
    [
        ("dynamic.vhdx.gz", "vhdx", 10 << 20),
        ("fixed.vhdx.gz", "vhdx", 10 << 20),
        ("qemu/iotest-version3.vmdk.bz2", "vmdk", 16 << 30),
        ("windows_volume.qcow2.xz", "qcow2", 35913728),
    ],
)
def test_real_images(tmp_path: Path, name: str, kind: str, size: int) -> None:
    path = save(tmp_path, "disk.img", unpacked(f"disks/{name}"))  # the suffix says nothing
    before = hashlib.sha256(path.read_bytes()).digest()
    with open_disk(str(path)) as disk:
        assert (disk.container, disk.size) == (kind, size)
        if size < 1 << 30:
            assert disk.read(0, size) == content_of(path, kind)
        assert sum(high - low for low, high in disk.data_extents()) <= size
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_the_same_windows_disk_in_four_containers(tmp_path: Path) -> None:
    """Made by one Windows: both VHDs and both VHDXs begin with an MBR that holds one partition."""
    for name in ("fixed.vhd", "dynamic.vhd", "fixed.vhdx", "dynamic.vhdx"):
        with open_disk(str(save(tmp_path, name, unpacked(f"disks/{name}.gz")))) as disk:
            assert disk.size == 10 << 20
            assert disk.read(510, 2) == b"\x55\xaa"


def test_vdi(tmp_path: Path) -> None:
    content = pattern() + bytes((1 << 20) - SIZE)
    with open_disk(str(make_image(content, tmp_path, "vdi")), writable=True) as disk:
        assert (disk.container, disk.size) == ("vdi", 1 << 20)
        disk.write(1000, b"written")
        assert disk.read(990, 20) == content[990:1000] + b"written" + content[1007:1010]


def test_qemu_img_check_is_content_after_writes(tmp_path: Path) -> None:
    image = make_image(bytes(4 << 20), tmp_path, "qcow2")
    with open_disk(str(image), writable=True) as disk:
        disk.write(1 << 20, pattern())
        disk.flush()
    run("qemu-img", "check", "-q", str(image))
    assert content_of(image, "qcow2")[1 << 20 : (1 << 20) + SIZE] == pattern()


def test_extents_of_a_large_empty_disk_are_few(tmp_path: Path) -> None:
    run("qemu-img", "create", "-q", "-f", "qcow2", str(tmp_path / "disk.qcow2"), "10T")
    with open_disk(str(tmp_path / "disk.qcow2"), writable=True) as disk:
        assert disk.size == 10 << 40
        disk.write(5 << 40, b"in the middle")
        extents = list(disk.data_extents())
    assert len(extents) == 1
    assert extents[0][0] <= 5 << 40 < extents[0][1] <= (5 << 40) + (1 << 20)


def test_names_that_mean_something_to_qemu(tmp_path: Path) -> None:
    for name in ("a,b=c.img", "nbd:unix.img", "json:{}.img", "ümläut 'quoted' $HOME.img", "-c.img"):
        image = make_image(pattern(), tmp_path, "qcow2")
        image.rename(tmp_path / name)
        with open_disk(str(tmp_path / name)) as disk:
            assert disk.read(0, SIZE) == pattern()


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_image(pattern(), tmp_path, "qcow2")
    monkeypatch.chdir(tmp_path)
    with open_disk("disk.qcow2") as disk:
        assert disk.read(0, SIZE) == pattern()


def test_an_image_with_a_parent_is_refused_and_the_parent_is_not_read(tmp_path: Path) -> None:
    make_image(pattern(), tmp_path, "qcow2").rename(tmp_path / "base.qcow2")
    for kind in ("qcow2", "vmdk"):
        if kind == "vmdk":
            make_image(pattern(), tmp_path, "vmdk").rename(tmp_path / "base.vmdk")
        command = ["qemu-img", "create", "-q", "-f", kind, "-b", f"base.{kind}", "-F", kind]
        run(*command, str(tmp_path / f"child.{kind}"))
        with pytest.raises(Refused, match=rf"base\.{kind}"):
            open_disk(str(tmp_path / f"child.{kind}"))


def test_images_that_name_other_files_are_refused(tmp_path: Path) -> None:
    """QEMU would open whatever path the image says: a hostile one could say /etc/shadow."""
    options = ["-f", "qcow2", "-o", f"data_file={tmp_path}/data.raw"]
    run("qemu-img", "create", "-q", *options, str(tmp_path / "a.qcow2"), "1M")
    flat = make_image(pattern(), tmp_path, "vmdk", "subformat=monolithicFlat").rename(tmp_path / "b.vmdk")
    sparse = bytearray(make_image(pattern(), tmp_path, "vmdk").read_bytes())
    sparse[12:20] = bytes(8)
    no_capacity, part = save(tmp_path, "c.vmdk", bytes(sparse)), save(tmp_path, "d.vmdk", b"COWD" * 300)
    for path in (tmp_path / "a.qcow2", flat, no_capacity, part):
        with pytest.raises(Refused):
            open_disk(str(path))


def test_qcow2_flags_that_forbid_opening(tmp_path: Path) -> None:
    image = bytearray(make_image(pattern(), tmp_path, "qcow2").read_bytes())
    for offset, value in ((32, 1), (76, 2)):  # encrypted; marked as corrupt
        broken = bytearray(image)
        struct.pack_into(">I", broken, offset, value)
        with pytest.raises(Refused):
            open_disk(str(save(tmp_path, "bad.qcow2", bytes(broken))))


def test_a_vhdx_with_a_pending_log_is_refused(tmp_path: Path) -> None:
    image = bytearray(unpacked("disks/dynamic.vhdx.gz"))
    with open_disk(str(save(tmp_path, "clean.vhdx", bytes(image)))) as disk:
        assert disk.size
    newest = max((65536, 131072), key=lambda at: int.from_bytes(image[at + 8 : at + 16], "little"))
    image[newest + 48 : newest + 64] = bytes(range(1, 17))
    image[newest + 4 : newest + 8] = bytes(4)
    image[newest + 4 : newest + 8] = _crc32c(bytes(image[newest : newest + 4096])).to_bytes(4, "little")
    path = save(tmp_path, "dirty.vhdx", bytes(image))
    for writable in (False, True):
        with pytest.raises(Refused, match="log"):
            open_disk(str(path), writable)
    assert path.read_bytes() == image


def test_crc32c() -> None:
    assert _crc32c(b"123456789") == 0xE3069283  # the check value of the catalogue of CRCs


def test_images_too_damaged_for_qemu_say_so(tmp_path: Path) -> None:
    for name, content in (
        ("afl9.vmdk", unpacked("disks/qemu/afl9.vmdk.bz2")),
        ("short.qcow2", b"QFI\xfb\0\0\0\3"),
        ("empty.qcow2", b"QFI\xfb\0\0\0\3" + bytes(4096)),
        ("empty.vhdx", b"vhdxfile" + bytes(1 << 20)),
        ("empty.vmdk", b"KDMV" + bytes(1 << 16)),
        ("empty.vdi", bytes(64) + b"\x7f\x10\xda\xbe" + bytes(1 << 16)),
    ):
        with pytest.raises(BootmendError) as caught:
            open_disk(str(save(tmp_path, name, content)))
        assert name in str(caught.value)


def test_without_qemu_nbd_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = make_image(pattern(), tmp_path, "qcow2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="qemu-utils"):
        open_disk(str(image))


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    image = str(make_image(pattern(), tmp_path, "qcow2"))
    with open_disk(image, writable=True):
        with pytest.raises(Refused):
            open_disk(image, writable=True)
        with open_disk(image) as reader:
            assert reader.read(0, 512) == pattern()[:512]


def child_of(disk: QemuDisk) -> subprocess.Popen[bytes]:
    assert disk._child is not None
    return disk._child


def test_the_child_ends_with_the_disk(tmp_path: Path) -> None:
    disk = QemuDisk(str(make_image(pattern(), tmp_path, "qcow2")), "qcow2")
    child = child_of(disk)
    assert child.poll() is None
    disk.close()
    assert child.returncode == 0


def test_a_dead_child_is_an_error(tmp_path: Path) -> None:
    with QemuDisk(str(make_image(pattern(), tmp_path, "qcow2")), "qcow2", writable=True) as disk:
        child_of(disk).kill()
        child_of(disk).wait()
        with pytest.raises(DeviceError, match="gone"):
            disk.read(0, SIZE)
        with pytest.raises(DeviceError):
            disk.write(0, b"x")
        with pytest.raises(DeviceError):
            disk.flush()


def _gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_the_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    image = make_image(pattern(), tmp_path, "qcow2")
    code = (
        "import sys, time\n"
        "from bootmend.disk.qemu import QemuDisk\n"
        "disk = QemuDisk(sys.argv[1], 'qcow2', True)\n"
        "disk.write(0, b'durable or not, never half')\n"
        "print(disk._child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(image)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not _gone(child)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: _gone(child))
    run("qemu-img", "check", "-q", str(image))


def test_pending_log_of_rubbish_is_none(tmp_path: Path) -> None:
    from bootmend.disk.raw import RawFile

    for content in (b"vhdxfile", b"vhdxfile" + os.urandom(300_000)):
        with RawFile(save(tmp_path, "x", content)) as file:
            assert not has_pending_log(file)
