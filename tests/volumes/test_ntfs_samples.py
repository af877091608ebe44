"""Volumes that Windows made: every name, size and byte as two other readers see them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyfsntfs
import pytest
import pytsk3
from sample_data import need

from bootmend.disk.device import BlockDevice, Window
from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.volume import NotInPlace

START = 65536
BIG = pytest.mark.slow
IMAGES = {
    "ntfs-lastaccess": START,
    "ntfs-ptrn": START,
    "ntfs-ramslack": START,
    "ntfs-si-vs-fn": START,
    "ntfs_index": START,
    "ntfs3": 0,
    "ntfs3_attrlist": 0,
}
ONLY_TSK_LISTS = {"ntfs3": {"\\test\\1.txt"}}
"""A name in the slack of an index, behind its last entry; libntfs-3g and libfsntfs leave it out as well."""
Sample = tuple[Path, int, NtfsVolume]
pytestmark = pytest.mark.data


def unpack(packed: Path, path: Path) -> None:
    """Sparse, so that a GiB of zeros costs nothing."""
    with gzip.open(packed) as source, path.open("wb") as target:
        while block := source.read(1 << 20):
            if block.count(0) == len(block):
                target.seek(len(block), 1)
            else:
                target.write(block)
        target.truncate()


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=BIG if "-" in name else ()) for name in IMAGES], ids=list(IMAGES)
)
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """The image, where the volume begins, and the volume on a writable overlay."""
    name = request.param
    path = tmp_path_factory.mktemp("ntfs") / f"{name}.raw"
    unpack(need(f"disks/ntfs/{name}.raw.gz"), path)
    start = IMAGES[name]
    with RawFile(path) as device:
        yield path, start, NtfsVolume(Overlay(Window(device, start, device.size - start)), name, writable=True)
    path.unlink()


def walk(volume: NtfsVolume, folder: str = "") -> Iterator[tuple[str, bool]]:
    for entry in volume.listdir(folder or "\\"):
        path = f"{folder}\\{entry.name}"
        yield path, entry.directory
        if entry.directory and not entry.reparse_tag:
            yield from walk(volume, path)


def digest(volume: NtfsVolume, path: str) -> tuple[int, str]:
    data = volume.read(path)
    assert volume.stat(path).size == len(data)
    return len(data), hashlib.sha256(data).hexdigest()


def seen_by_tsk(path: Path, start: int) -> dict[str, tuple[int, str] | None]:
    files = pytsk3.FS_Info(pytsk3.Img_Info(str(path)), offset=start)
    found: dict[str, tuple[int, str] | None] = {}
    seen: set[int] = set()

    def go(folder: pytsk3.Directory, prefix: str) -> None:
        for one in folder:
            name = one.info.name.name.decode()
            meta = one.info.meta
            if name in (".", "..", "$OrphanFiles") or meta is None or meta.addr < 24 or ":" in name:
                continue
            if not int(meta.flags) & int(pytsk3.TSK_FS_META_FLAG_ALLOC) or int(one.info.name.flags) & 2:
                continue
            if meta.type == pytsk3.TSK_FS_META_TYPE_DIR:
                found[f"{prefix}\\{name}"] = None
                if meta.addr not in seen:
                    seen.add(meta.addr)
                    go(one.as_directory(), f"{prefix}\\{name}")
            else:
                data = one.read_random(0, meta.size) if meta.size else b""
                found[f"{prefix}\\{name}"] = (len(data), hashlib.sha256(data).hexdigest())

    go(files.open_dir(path="/"), "")
    return found


class AsFile:
    """A device with a cursor, as libfsntfs wants it."""

    def __init__(self, device: BlockDevice) -> None:
        self.device = device
        self.at = 0

    def seek(self, offset: int, whence: int = 0) -> None:
        self.at = offset + (0, self.at, self.device.size)[whence]

    def tell(self) -> int:
        return self.at

    def read(self, size: int) -> bytes:
        data = self.device.read(self.at, max(0, min(size, self.device.size - self.at)))
        self.at += len(data)
        return data

    def get_size(self) -> int:
        return self.device.size


def seen_by_fsntfs(device: BlockDevice) -> dict[str, tuple[int, str] | None]:
    found: dict[str, tuple[int, str] | None] = {}
    volume = pyfsntfs.volume()
    volume.open_file_object(AsFile(device))

    def go(folder: pyfsntfs.file_entry, prefix: str) -> None:
        for one in folder.sub_file_entries:
            if one.file_reference & 0xFFFFFFFFFFFF < 24:
                continue
            name = f"{prefix}\\{one.name}"
            if one.has_directory_entries_index():
                found[name] = None
                go(one, name)
            else:
                data = one.read_buffer_at_offset(one.size, 0) if one.size else b""
                found[name] = (len(data), hashlib.sha256(data).hexdigest())

    go(volume.get_root_directory(), "")
    volume.close()
    return found


def test_names_and_contents_are_those_that_others_see(sample: Sample) -> None:
    path, start, volume = sample
    ours = {name: None if directory else digest(volume, name) for name, directory in walk(volume)}
    assert ours
    assert ours == seen_by_fsntfs(volume.device)
    theirs = seen_by_tsk(path, start)
    assert set(theirs) - set(ours) == ONLY_TSK_LISTS.get(volume.name, set())
    assert ours == {name: theirs[name] for name in ours}


def test_every_name_is_found_again_in_any_case(sample: Sample) -> None:
    _, _, volume = sample
    for name, directory in walk(volume):
        for form in (name, name.lower(), name.upper()):
            assert volume.stat(form).name == name.rpartition("\\")[2]
            assert volume.stat(form).directory == directory
        assert not volume.exists(f"{name}~")


def test_extents_hold_the_content(sample: Sample) -> None:
    _, _, volume = sample
    for name, directory in walk(volume):
        if directory:
            continue
        data = volume.read(name)
        try:
            extents = volume.extents(name)
        except NotInPlace:
            continue
        for extent in extents:
            on_disk = volume.device.read(extent.volume_offset, extent.length)
            assert on_disk == data[extent.file_offset : extent.file_offset + extent.length]


def test_reading_all_of_it_writes_nothing(sample: Sample) -> None:
    _, _, volume = sample
    for name, directory in walk(volume):
        if not directory:
            volume.read(name)
    volume.state()
    volume.close()
    assert isinstance(volume.device, Overlay)
    assert volume.device.changed_bytes() == 0
