"""Space of a disk that no partition has, and the file system that a deleted partition may have left there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.disk.device import Window
from bootmend.errors import InputError
from bootmend.volumes.detect import open_volume
from bootmend.volumes.volume import Volume
from bootmend.windows.image import Image

ALIGNED = 1 << 20
"""Where every tool of today begins a partition."""
SMALLEST = 16 << 20
_TAIL = 1 << 20
"""Bytes at the end of a disk that are left alone: the backup of a GPT."""


@dataclass(frozen=True, slots=True)
class Gap:
    """In bytes from the disk's start; `start` is aligned."""

    start: int
    size: int
    left: str
    """The kind of file system that still begins there; empty where none does."""


def gaps(image: Image) -> Iterator[Gap]:
    """Free space that a system partition could take, in the order of the disk."""
    low = ALIGNED
    ends = sorted((one.start, one.start + one.size) for one in image.partitions)
    for start, end in [*ends, (image.device.size - _TAIL, image.device.size)]:
        if start - low >= SMALLEST:
            yield Gap(low, start - low, _left(image, low, start - low))
        low = max(low, -(-end // ALIGNED) * ALIGNED)


def _left(image: Image, start: int, size: int) -> str:
    try:
        found = open_volume(Window(image.device, start, size, f"{image.device.name} at {start:#x}"), "gap")
    except InputError:
        return ""
    if not isinstance(found, Volume):
        return ""
    found.close()
    return found.kind
