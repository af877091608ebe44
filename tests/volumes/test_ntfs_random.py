"""Random work against a dictionary, judged at the end by other eyes; and the judge itself is judged."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytsk3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ntfs_check import faults
from ntfs_samples import check_with_ntfsfix, copy_of, make_ntfs

from bootmend.disk.overlay import Overlay
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.boot import read_boot
from bootmend.volumes.ntfs.mft import Mft

FOLDERS = ("", "\\Alpha", "\\Alpha\\Beta")
NAMES = ("a.sys", "Driver with a rather long name.sys", "ünï.dll", "日本.exe", "z" * 120, "UPPER.DAT")
SIZES = (0, 1, 600, 4096, 30_000, 200_000)
paths = st.builds(lambda folder, name: f"{folder}\\{name}", st.sampled_from(FOLDERS), st.sampled_from(NAMES))
deeds = st.one_of(
    st.tuples(st.just("put"), paths, st.sampled_from(SIZES), st.integers(0, 255)),
    st.tuples(st.just("delete"), paths),
    st.tuples(st.just("rename"), paths, paths),
    st.tuples(st.just("link"), paths, paths),
    st.tuples(st.just("close")),
)


class File:
    """Shared by all its names."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def work(volume: NtfsVolume, model: dict[str, File], deed: tuple[object, ...]) -> None:
    kind, *rest = deed
    path = str(rest[0]) if rest else ""
    if kind == "close":
        volume.close()
    elif kind == "put":
        data = bytes([int(str(rest[2]))]) * int(str(rest[1]))
        if path in model:
            volume.replace(path.upper(), data)
            model[path].data = data
        else:
            volume.create(path, data)
            model[path] = File(data)
    elif path in model and kind == "delete":
        volume.delete(path.swapcase())
        del model[path]
    elif path in model and str(rest[1]) not in model:
        if kind == "rename":
            volume.rename(path, str(rest[1]))
            model[str(rest[1])] = model.pop(path)
        else:
            volume.link(path, str(rest[1]))
            model[str(rest[1])] = model[path]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(deeds, max_size=60))
def test_any_work_ends_as_the_model_says(plan: list[tuple[object, ...]]) -> None:
    with TemporaryDirectory() as folder:
        device = make_ntfs(Path(folder), size=16 << 20)
        model: dict[str, File] = {}
        with NtfsVolume(device, "C:", writable=True) as volume:
            for path in FOLDERS[1:]:
                volume.mkdir(path)
            for deed in plan:
                work(volume, model, deed)
                for path, file in model.items():
                    assert volume.stat(path).size == len(file.data)
        assert faults(device) == []
        check_with_ntfsfix(device)
        again = NtfsVolume(device, "C:")
        copy = copy_of(device)
        tsk = pytsk3.FS_Info(pytsk3.Img_Info(str(copy)))
        for path, file in model.items():
            assert again.read(path) == file.data
            assert again.stat(path).links == sum(other is file for other in model.values())
            seen = tsk.open(path=path.replace("\\", "/"))
            assert seen.info.meta.size == len(file.data)
            assert not file.data or seen.read_random(0, len(file.data)) == file.data
        for folder_path in FOLDERS:
            here = {path.rpartition("\\")[2] for path in model if path.rpartition("\\")[0] == folder_path}
            listed = {entry.name for entry in again.listdir(folder_path or "\\") if not entry.directory}
            assert listed == here


@pytest.mark.parametrize("fault", ["a cluster marked free", "a cluster marked used", "a name without its file"])
def test_the_checker_finds_what_it_is_for(tmp_path: Path, fault: str) -> None:
    device = make_ntfs(tmp_path, size=16 << 20)
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.create("\\file.bin", bytes(50_000))
    assert faults(device) == []
    overlay = Overlay(device)
    volume = NtfsVolume(overlay, "C:")
    mft = Mft(overlay, read_boot(overlay, "C:"), "C:")
    if fault == "a name without its file":
        number = volume.stat("\\file.bin").file_id & 0xFFFFFFFF
        raw = bytearray(mft.raw(number).data)
        raw[0x16] &= ~1  # not in use
        mft.write(number, bytes(raw))
    else:
        bitmap = mft.stream(mft.file(6))
        assert bitmap is not None
        at = 2 if fault == "a cluster marked free" else bitmap.size // 2
        byte = bitmap.read(at, 1)[0]
        bitmap.write(at, bytes([byte ^ 1]))
    assert faults(overlay)
