"""Locks against true others: qemu-nbd, qemu-img, loop devices, mounts, another bootmend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bootmend.commit.in_use import who_uses
from bootmend.commit.lock import exclusive, refuse_if_in_use
from bootmend.disk.container import open_disk
from bootmend.disk.raw import RawFile
from bootmend.errors import InputError, Refused

needs_qemu = pytest.mark.skipif(shutil.which("qemu-nbd") is None, reason="package qemu-utils is not installed")
needs_loop = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/loop-control").exists(), reason="loop devices need root"
)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(1 << 20))
    return path


@contextmanager
def _child(*command: str | Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _detached(tmp_path: Path, *command: str | Path) -> Iterator[int]:
    """A program that is not our child, as someone else's virtual machine; its pid."""
    noted = tmp_path / "pid"
    line = ["sh", "-c", 'setsid "$@" >/dev/null 2>&1 & echo $! > "$0"', str(noted), *map(str, command)]
    subprocess.run(line, check=True)
    pid = int(noted.read_text())
    try:
        yield pid
    finally:
        os.kill(pid, 9)


def _wait_until_refused(image: Path) -> Refused:
    for _ in range(100):
        try:
            refuse_if_in_use(str(image))
        except Refused as refused:
            return refused
        time.sleep(0.05)
    pytest.fail("never noticed")


@needs_qemu
@pytest.mark.parametrize("mode", [[], ["--read-only"]])
def test_a_running_qemu_is_noticed_and_named(image: Path, tmp_path: Path, mode: list[str]) -> None:
    refuse_if_in_use(str(image))
    server: list[str | Path] = ["qemu-nbd", "-f", "raw", "-t", *mode, "-k", tmp_path / "socket", image]
    with _detached(tmp_path, *server) as pid:
        refused = _wait_until_refused(image)
        assert f"qemu-nbd (process {pid})" in refused.reason
        assert "Shut the machine down" in refused.next_step
    time.sleep(0.1)
    refuse_if_in_use(str(image))


def _qemu_opens(image: Path) -> bool:
    """Whether QEMU's block layer opens the image at all: to read it, then to write it; both must agree."""
    opens = []
    for mode in (["-r"], []):
        command = ["qemu-io", "-f", "raw", *mode, "-c", "read 0 512", str(image)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        opens.append("read 512/512" in done.stdout)
        assert opens[-1] or "lock" in done.stderr
    assert opens[0] == opens[1]
    return opens[0]


@needs_qemu
def test_qemu_is_kept_out_while_the_image_is_held(image: Path) -> None:
    with exclusive(str(image), image=True):
        assert not _qemu_opens(image)
    assert _qemu_opens(image)


@needs_qemu
def test_qemu_is_kept_out_while_a_repair_writes(image: Path) -> None:
    with exclusive(str(image)), RawFile(image, writable=True) as disk:
        disk.write(0, b"x")
        assert not _qemu_opens(image)
    assert _qemu_opens(image)


def test_a_held_image_lets_no_writer_in(image: Path) -> None:
    with exclusive(str(image), image=True), pytest.raises(Refused):
        RawFile(image, writable=True)
    with RawFile(image, writable=True), pytest.raises(Refused), exclusive(str(image), image=True):
        pass
    with RawFile(image, writable=True):
        pass


@needs_qemu
@pytest.mark.parametrize("form", ["raw", "qcow2"])
@pytest.mark.parametrize("writable", [False, True])
def test_a_disk_that_is_open_already_is_not_in_its_own_way(tmp_path: Path, form: str, writable: bool) -> None:
    path = tmp_path / "disk"
    subprocess.run(["qemu-img", "create", "-q", "-f", form, path, "4M"], check=True)
    with open_disk(str(path), writable), exclusive(str(path)):
        pass


@needs_qemu
def test_a_stranger_beside_our_own_reader_is_noticed(tmp_path: Path) -> None:
    """Our qemu-nbd holds locks of the very same kind, so the strangers' must be told apart."""
    path = tmp_path / "disk"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "4M"], check=True)
    with open_disk(str(path)):
        refuse_if_in_use(str(path))
        with _detached(tmp_path, "qemu-nbd", "-f", "qcow2", "-t", "-k", tmp_path / "socket", path):
            assert "qemu-nbd" in _wait_until_refused(path).reason
        time.sleep(0.1)
        refuse_if_in_use(str(path))


_HOLDER = """
import sys
from bootmend.commit.lock import exclusive
with exclusive(sys.argv[1]):
    print("in", flush=True)
    input()
"""


def test_the_second_bootmend_is_refused(image: Path) -> None:
    with _child(sys.executable, "-c", _HOLDER, image) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with pytest.raises(Refused, match="Another bootmend") as refused, exclusive(str(image)):
            pass
        assert refused.value.next_step
    with exclusive(str(image)):
        pass


def test_a_stranger_that_writes_is_named_and_a_reader_is_not_in_the_way(image: Path, tmp_path: Path) -> None:
    with _detached(tmp_path, "sh", "-c", f"exec sleep 60 < '{image}'"):
        time.sleep(0.2)
        refuse_if_in_use(str(image))
    with _detached(tmp_path, "sh", "-c", f"exec sleep 60 3<> '{image}'") as pid:
        assert f"sleep (process {pid}) has it open for writing" in _wait_until_refused(image).reason


def test_our_own_children_are_not_strangers(image: Path) -> None:
    with _child("sh", "-c", f"exec 3<> '{image}'; echo in; exec sleep 60") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "in\n"
        refuse_if_in_use(str(image))


def test_a_url_has_no_lock_and_a_missing_file_says_so(tmp_path: Path) -> None:
    with exclusive("https://account.example/disks/os.vhd?sig=secret"):
        pass
    with pytest.raises(InputError, match=r"nowhere\.img"):
        refuse_if_in_use(str(tmp_path / "nowhere.img"))


def test_nothing_is_changed_by_looking(image: Path) -> None:
    before = image.stat()
    with exclusive(str(image), image=True):
        pass
    assert image.stat().st_mtime_ns == before.st_mtime_ns
    assert list(image.parent.iterdir()) == [image]


@pytest.fixture
def loop(image: Path) -> Iterator[str]:
    if not Path("/sys/block").is_dir():
        pytest.skip("this system shows no block devices (/sys)")
    made = subprocess.run(["losetup", "--find", "--show", image], check=False, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no loop device: {made.stderr.strip()}")
    device = made.stdout.strip()
    yield device
    subprocess.run(["losetup", "-d", device], check=True)


@needs_loop
def test_a_loop_device_and_its_mount_are_named(image: Path, loop: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=loop):
        refuse_if_in_use(str(image))
    refuse_if_in_use(loop)
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("package e2fsprogs is not installed")
    subprocess.run(["mkfs.ext4", "-q", loop], check=True)
    point = tmp_path / "a place"
    point.mkdir()
    if subprocess.run(["mount", loop, point], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(Refused, match=f"{loop} is mounted at {point}"):
            refuse_if_in_use(str(image))
        with pytest.raises(Refused, match=f"{loop} is mounted at {point}"):
            refuse_if_in_use(loop)
        with pytest.raises(Refused, match=str(point)), exclusive(loop, image=True):
            pass
    finally:
        subprocess.run(["umount", point], check=True)


@needs_loop
def test_a_claimed_block_device_cannot_be_opened_by_another(loop: str) -> None:
    with exclusive(loop, image=True), pytest.raises(Refused):
        RawFile(loop, writable=True)
    with exclusive(loop), RawFile(loop, writable=True) as disk:
        disk.write(0, b"x")


class _Kernel:
    """A /proc and a /sys grown from text, for what a test cannot bring about."""

    def __init__(self, root: Path) -> None:
        self.proc, self.sys = root / "proc", root / "sys"

    def put(self, path: str, text: str) -> None:
        file = self.proc.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_swap_and_loop_partitions_from_the_kernels_tables(image: Path, tmp_path: Path) -> None:
    kernel = _Kernel(tmp_path / "kernel")
    assert list(who_uses(image, kernel.proc, kernel.sys)) == []
    name = str(image).replace("disk", "swap\\040disk")
    image.rename(image.with_name("swap disk.img"))
    kernel.put("proc/swaps", f"Filename\tType\tSize\tUsed\tPriority\n{name} file 8388604 0 -2\n")
    kernel.put("sys/block/loop9/loop/backing_file", f"{image.with_name('swap disk.img')}\n")
    kernel.put("sys/block/loop9/dev", "7:9\n")
    kernel.put("sys/block/loop9/loop9p2/partition", "2\n")
    kernel.put("sys/block/loop9/loop9p2/dev", "259:1\n")
    kernel.put("sys/block/loop3/loop/backing_file", "/gone/away.img (deleted)\n")
    kernel.put("proc/self/mountinfo", "36 35 259:1 / /mnt/win\\040c rw - ntfs3 /dev/loop9p2 rw\nbroken\n")
    assert list(who_uses(image.with_name("swap disk.img"), kernel.proc, kernel.sys)) == [
        f"{image.with_name('swap disk.img')} is swapped to",
        "/dev/loop9 stands on it",
        "/dev/loop9p2 is mounted at /mnt/win c",
    ]


@needs_loop
def test_partitions_and_holders_of_a_block_device(loop: str, tmp_path: Path) -> None:
    number = f"7:{loop.removeprefix('/dev/loop')}"
    kernel = _Kernel(tmp_path / "kernel")
    kernel.put(f"sys/dev/block/{number}/loopXp1/partition", "1\n")
    kernel.put(f"sys/dev/block/{number}/loopXp1/dev", "259:7\n")
    kernel.put(f"sys/dev/block/{number}/holders/dm-4", "")
    kernel.put("sys/dev/block/259:7/partition", "1\n")
    kernel.put(
        "proc/self/mountinfo", "36 35 259:7 / /mnt rw - vfat /dev/x rw\n36 35 259:8 / /other rw - vfat /dev/y rw\n"
    )
    found = list(who_uses(Path(loop), kernel.proc, kernel.sys))
    assert found == ["/dev/259:7 is mounted at /mnt", f"dm-4 stands on {number}"]
