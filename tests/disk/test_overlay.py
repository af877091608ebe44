"""Overlay: the block-device contract, the patches it gives, and the device below left alone."""

from __future__ import annotations

import hashlib
import resource
import signal
from pathlib import Path

import pytest
from contracts.block_device import SIZE, BlockDeviceContract, pattern
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmend.disk.device import BlockDevice, Window
from bootmend.disk.overlay import BLOCK, Overlay
from bootmend.disk.raw import RawFile
from bootmend.errors import DeviceError


class MemoryDevice(BlockDevice):
    """Bytes as a device that can not be written."""

    def __init__(self, content: bytes) -> None:
        self.name = "memory"
        self.content = content
        self.size = len(content)

    def _read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]

    def _write(self, offset: int, data: bytes) -> None:
        raise AssertionError(f"the device below was written at {offset}")


class TestOverlay(BlockDeviceContract):
    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        if not writable:  # an overlay is always writable: what it stands on is not
            return MemoryDevice(content)
        return Overlay(MemoryDevice(content))


class TestOverlayThatSpills(TestOverlay):
    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        return Overlay(MemoryDevice(content), memory_bound=BLOCK) if writable else MemoryDevice(content)


class TestOverlayOnOverlay(TestOverlay):
    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        return Overlay(Overlay(MemoryDevice(content))) if writable else MemoryDevice(content)


class TestWindowOfOverlay(TestOverlay):
    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        around = MemoryDevice(bytes(700) + content + bytes(300))
        return Window(Overlay(around) if writable else around, 700, len(content))


writes = st.lists(
    st.tuples(
        st.integers(0, 4 * BLOCK - 1),
        st.one_of(
            st.binary(max_size=40), st.integers(0, 2 * BLOCK).map(lambda n: b"\x5a" * n), st.just(bytes(3 * BLOCK))
        ),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(writes, st.sampled_from([4 * BLOCK, 3 * BLOCK + 777]), st.sampled_from([0, BLOCK, 1 << 20]))
def test_an_overlay_is_a_bytearray_and_its_patches_say_how(
    steps: list[tuple[int, bytes]], size: int, bound: int
) -> None:
    content = pattern(4 * BLOCK)[:size]
    overlay = Overlay(MemoryDevice(content), memory_bound=bound)
    model = bytearray(content)
    for at, data in steps:
        offset = at % size
        piece = data[: size - offset]
        overlay.write(offset, piece)
        model[offset : offset + len(piece)] = piece
        assert overlay.read(offset, len(piece)) == piece
    assert overlay.read(0, size) == model

    rebuilt = bytearray(content)
    end = 0
    for patch in overlay.patches():
        assert patch.offset >= end
        end = patch.offset + len(patch.after)
        assert len(patch.before) == len(patch.after) <= 1 << 20
        assert patch.offset % 512 == 0
        assert end % 512 == 0 or end == size
        assert patch.before == content[patch.offset : end]
        for low in range(0, len(patch.after), 512):  # true differences only
            assert patch.before[low : low + 512] != patch.after[low : low + 512]
        rebuilt[patch.offset : end] = patch.after
    assert rebuilt == model
    assert overlay.changed_bytes() == sum(len(patch.after) for patch in overlay.patches())


def test_adjacent_sectors_are_joined_across_blocks_and_cut_at_a_mebibyte() -> None:
    overlay = Overlay(MemoryDevice(bytes(4 << 20)), memory_bound=3 * BLOCK)
    overlay.write(BLOCK - 512, b"\1" * (2 << 20))
    sizes = [(patch.offset, len(patch.after)) for patch in overlay.patches()]
    assert sum(size for _, size in sizes) == 2 << 20
    assert all(size <= 1 << 20 for _, size in sizes)
    assert len(sizes) <= 3
    overlay.write(BLOCK - 512, bytes(2 << 20))
    assert list(overlay.patches()) == []
    assert overlay.changed_bytes() == 0


def test_data_extents_are_the_union() -> None:
    class Sparse(MemoryDevice):
        def data_extents(self) -> object:  # type: ignore[override]
            return iter([(0, 100), (3 * BLOCK, 3 * BLOCK + 512)])

    overlay = Overlay(Sparse(bytes(SIZE)))
    overlay.write(3 * BLOCK + 600, b"x")
    overlay.write(BLOCK, b"y")
    assert list(overlay.data_extents()) == [(0, 100), (BLOCK, 2 * BLOCK), (3 * BLOCK, 4 * BLOCK)]


def test_the_file_below_keeps_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(pattern())
    before = hashlib.sha256(path.read_bytes()).digest()
    with RawFile(path) as raw:
        with Overlay(raw) as overlay:
            overlay.write(0, bytes(SIZE))
            overlay.flush()
        assert raw.read(0, SIZE) == pattern()
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_a_full_temporary_folder_is_an_error_and_changes_nothing() -> None:
    overlay = Overlay(MemoryDevice(bytes(8 * BLOCK)), memory_bound=0)
    overlay.write(0, b"kept")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * BLOCK, hard))
    try:
        with pytest.raises(DeviceError, match="cannot be kept"):
            overlay.write(3 * BLOCK, b"x" * (4 * BLOCK))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert overlay.read(0, 4) == b"kept"
