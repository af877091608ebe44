"""The contract of every BlockDevice: subclass `BlockDeviceContract` and say how to make one.

`make(content)` gives a writable device that holds `content` (a multiple of 512 bytes) and
`make_read_only(content)` one that refuses writes.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import pytest

from bootmend.disk.device import BlockDevice
from bootmend.errors import DeviceError

SIZE = 5 * 65536 + 512


def pattern(size: int = SIZE) -> bytes:
    """Noise with two holes of zeros, one aligned to 64 KiB and one not."""
    noise = bytearray(random.Random(7).randbytes(size))
    noise[65536 : 2 * 65536] = bytes(65536)
    noise[3 * 65536 + 700 : 3 * 65536 + 900] = bytes(200)
    return bytes(noise)


class BlockDeviceContract(ABC):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[bytes], BlockDevice]:
        return lambda content: self.make_device(content, tmp_path, writable=True)

    @pytest.fixture
    def make_read_only(self, tmp_path: Path) -> Callable[[bytes], BlockDevice]:
        return lambda content: self.make_device(content, tmp_path, writable=False)

    @abstractmethod
    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice: ...

    def test_reads_what_was_put_in(self, make: Callable[[bytes], BlockDevice]) -> None:
        content = pattern()
        with make(content) as device:
            assert device.size == SIZE
            assert device.read(0, SIZE) == content
            for offset, length in ((0, 1), (511, 2), (65535, 2), (65536 - 700, 65536 + 1400), (SIZE - 1, 1)):
                assert device.read(offset, length) == content[offset : offset + length]

    def test_zero_bytes_may_be_read_anywhere_inside(self, make: Callable[[bytes], BlockDevice]) -> None:
        with make(pattern()) as device:
            for offset in (0, 1000, SIZE):
                assert device.read(offset, 0) == b""
                device.write(offset, b"")
            assert device.read(0, SIZE) == pattern()

    @pytest.mark.parametrize(
        ("offset", "length"), [(SIZE, 1), (SIZE - 1, 2), (-1, 1), (0, SIZE + 1), (0, -1), (1 << 64, 1)]
    )
    def test_reads_outside_are_errors(self, make: Callable[[bytes], BlockDevice], offset: int, length: int) -> None:
        with make(pattern()) as device, pytest.raises(DeviceError):
            device.read(offset, length)

    @pytest.mark.parametrize(("offset", "length"), [(SIZE, 1), (SIZE - 1, 2), (-1, 1), (1 << 64, 1)])
    def test_writes_outside_are_errors(self, make: Callable[[bytes], BlockDevice], offset: int, length: int) -> None:
        with make(pattern()) as device:
            with pytest.raises(DeviceError):
                device.write(offset, bytes(length))
            assert device.size == SIZE
            assert device.read(0, SIZE) == pattern()

    @pytest.mark.parametrize(
        ("offset", "length"),
        [(0, 512), (3, 1), (65536 - 3, 7), (65536 + 100, 3 * 65536), (SIZE - 5, 5), (0, SIZE), (2 * 65536, 65536)],
    )
    def test_read_after_write(self, make: Callable[[bytes], BlockDevice], offset: int, length: int) -> None:
        model = bytearray(pattern())
        fresh = random.Random(offset).randbytes(length)
        with make(pattern()) as device:
            device.write(offset, fresh)
            model[offset : offset + length] = fresh
            assert device.read(0, SIZE) == model
            device.flush()
            assert device.read(0, SIZE) == model
            assert device.size == SIZE

    def test_many_small_writes(self, make: Callable[[bytes], BlockDevice]) -> None:
        model = bytearray(pattern())
        dice = random.Random(11)
        with make(pattern()) as device:
            for _ in range(60):
                fresh = dice.randbytes(dice.choice((1, 511, 512, 4096, 70000)))
                offset = dice.randrange(SIZE - len(fresh))
                device.write(offset, fresh)
                model[offset : offset + len(fresh)] = fresh
            assert device.read(0, SIZE) == model

    def test_read_only_refuses_every_write(self, make_read_only: Callable[[bytes], BlockDevice]) -> None:
        with make_read_only(pattern()) as device:
            assert not device.writable
            with pytest.raises(DeviceError, match="read-only"):
                device.write(0, b"x")
            assert device.read(0, SIZE) == pattern()

    def test_data_extents_hold_all_that_is_not_zero(self, make: Callable[[bytes], BlockDevice]) -> None:
        with make(bytes(SIZE)) as device:
            device.write(4 * 65536 + 300, b"here")
            device.write(100, b"there")
            extents = list(device.data_extents())
            content = device.read(0, SIZE)
        end = 0
        for low, high in extents:
            assert end <= low < high <= SIZE
            assert not any(content[end:low])
            end = high
        assert not any(content[end:])
        assert any(low <= 100 < high for low, high in extents)
