"""Dumps of every kind for tests, made from one crashed memory in a file of this process's own."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from bootmend.dumps import open_dump
from bootmend.dumps.dump import Dump
from bootmend.dumps.header import DumpType
from bootmend.lab.crashed_memory import Crash, CrashedMemory
from bootmend.lab.dump_maker import write_bitmap, write_full

FILTER = "\\SystemRoot\\System32\\drivers\\filecrypt.sys"
ARTICLE = Crash(
    arguments=(1, "\\Driver\\FileCrypt", FILTER, 0xFFFFFFFFC0000428),
)
"""The crash of the article: a driver whose signature does not hold."""
PAGED = (DumpType.FULL, DumpType.KERNEL, DumpType.BITMAP_FULL, DumpType.BITMAP_KERNEL)


class InMemory:
    """Bytes as the file that a dump is read from."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def made(memory: CrashedMemory, kind: DumpType) -> bytes:
    target = BytesIO()
    if kind == DumpType.FULL:
        # Holes between the runs, as the memory map of every machine has them.
        write_full(target, memory, runs_of(memory))
    else:
        write_bitmap(target, memory, kind, also=range(3, memory.frames, 97))
    return target.getvalue()


def runs_of(memory: CrashedMemory) -> list[tuple[int, int]]:
    """At most 42 runs that hold every page of the memory."""
    frames = sorted(memory.pages)
    runs: list[tuple[int, int]] = []
    gap = memory.frames // 32
    for frame in frames:
        if runs and frame - sum(runs[-1]) < gap:
            runs[-1] = (runs[-1][0], frame + 1 - runs[-1][0])
        else:
            runs.append((frame, 1))
    return runs


def opened(crash: Crash, kind: DumpType = DumpType.BITMAP_KERNEL) -> Dump:
    return open_dump(InMemory(made(CrashedMemory(crash, frames=0x1000), kind)), "MEMORY.DMP")


def written(folder: Path, crash: Crash, kind: DumpType = DumpType.BITMAP_KERNEL) -> Path:
    path = folder / f"type{kind.value}.dmp"
    path.write_bytes(made(CrashedMemory(crash, frames=0x1000), kind))
    return path
