"""A sparse file of the volume's size that holds only chosen ranges, for a program that wants a path.

What the program changed is copied back range by range; had it written anywhere else, nothing is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from bootmend.disk.device import BlockDevice
from bootmend.disk.raw import RawFile

_STEP = 1 << 20
_GRAIN = 4096
"""Files on Linux get their room in blocks of this size; ranges are widened to it."""
_SECTOR = 512


class Clone:
    """`path` is the file; `ranges` are half-open, ascending, apart from each other, in bytes."""

    def __init__(self, device: BlockDevice, path: Path, ranges: Iterable[tuple[int, int]]) -> None:
        self._device = device
        self.path = path
        self.ranges = _joined(ranges, device.size)
        self._digests: list[bytes] = []
        """Of each step as it was: the log alone has 64 MiB, of which a replay changes a page or two."""
        with path.open("wb") as file:
            file.truncate(device.size)
            for start, end in self._steps():
                data = device.read(start, end - start)
                self._digests.append(sha256(data).digest())
                file.seek(start)
                file.write(data)

    def strayed(self) -> bool:
        """Whether the file now holds anything outside `ranges`, or has another size."""
        with RawFile(self.path) as file:
            if file.size != self._device.size:
                return True
            ranges = iter([*self.ranges, (file.size + 1, file.size + 1)])
            low, high = next(ranges)
            for start, end in file.data_extents():
                while high <= start:
                    low, high = next(ranges)
                if start < low or end > min(-(-high // _GRAIN) * _GRAIN, file.size):
                    return True
        return False

    def copy_back(self) -> int:
        """Writes the sectors that differ to the device; how many."""
        changed = 0
        with RawFile(self.path) as file:
            for (start, end), digest in zip(self._steps(), self._digests, strict=True):
                new = file.read(start, end - start)
                if sha256(new).digest() == digest:
                    continue
                old = self._device.read(start, end - start)
                for at in range(0, len(new), _SECTOR):
                    if old[at : at + _SECTOR] != new[at : at + _SECTOR]:
                        self._device.write(start + at, new[at : at + _SECTOR])
                        changed += 1
        return changed

    def _steps(self) -> Iterator[tuple[int, int]]:
        for start, end in self.ranges:
            for at in range(start, end, _STEP):
                yield at, min(at + _STEP, end)


@contextmanager
def cloned(device: BlockDevice, ranges: Iterable[tuple[int, int]]) -> Iterator[Clone]:
    """The file lives in a private folder for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="bootmend-journal-") as folder:
        yield Clone(device, Path(folder) / "volume.ntfs", ranges)


def _joined(ranges: Iterable[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        low, high = start // _GRAIN * _GRAIN, min(-(-end // _GRAIN) * _GRAIN, size)
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        elif low < high:
            joined.append((low, high))
    return joined
