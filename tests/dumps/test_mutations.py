"""Thousands of broken dumps: each is read or refused with a sentence, in bounded time, memory and bytes.

BOOTMEND_DUMP_MUTATIONS sets how many are made of every kind (a long campaign: 2000).
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from dumps.article_kernel import article_memory, image
from dumps.crashed import ARTICLE, PAGED, InMemory, made
from sample_data import unpacked

from bootmend.dumps import open_dump
from bootmend.dumps.code import FindImage
from bootmend.dumps.header import DumpType
from bootmend.dumps.images import Images, StoredImages
from bootmend.dumps.names import Names, no_images
from bootmend.dumps.stack import walk
from bootmend.dumps.store import Store
from bootmend.dumps.symbols import Symbols
from bootmend.dumps.verdict import judge
from bootmend.errors import InputError
from bootmend.lab.crashed_memory import CrashedMemory
from bootmend.reports.dump import document, module_lines, summary, text

COUNT = int(os.environ.get("BOOTMEND_DUMP_MUTATIONS", "60"))
SLOWEST = 5.0
"""Seconds for one dump; a whole one takes some milliseconds."""
MOST_READ = 64 << 20
INTERESTING = (0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0xFFFFF80000000000)


def broken(data: bytes, dice: random.Random, places: list[int]) -> bytes:
    """One to eight numbers changed, near places that matter; now and then the end cut off or a hole torn."""
    found = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        width = dice.choice((1, 2, 4, 8))
        at = dice.choice(places) + dice.randrange(-64, 256) if dice.random() < 0.9 else dice.randrange(len(found))
        at = min(max(at, 0), len(found) - 8)
        value = dice.choice((dice.getrandbits(64), dice.choice(INTERESTING), dice.randrange(len(found))))
        found[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
    kind = dice.random()
    if kind < 0.1:
        del found[dice.randrange(len(found)) :]
    elif kind < 0.2:
        at = dice.randrange(len(found))
        length = min(dice.randrange(1, 0x3000), len(found) - at)
        found[at : at + length] = bytes(length)
    return bytes(found)


def read_all(data: bytes, images: FindImage = no_images, symbols: Symbols | None = None) -> None:
    """Everything that the command line does with a dump."""
    file = InMemory(data)
    started = time.process_time()
    try:
        dump = open_dump(file, "broken.dmp")
        stack = walk(dump, names=Names(dump, images, symbols))
        verdict = judge(dump, stack)
        document(dump, verdict, stack)
        for lines in (summary(dump, verdict), text(dump, verdict, stack), module_lines(dump)):
            assert all(isinstance(line, str) for line in lines)
    except InputError as error:
        assert str(error)
        return
    assert dump.reader.bytes_read < MOST_READ
    assert time.process_time() - started < SLOWEST


@pytest.mark.parametrize("kind", PAGED)
def test_paged_dumps(kind: DumpType) -> None:
    memory = CrashedMemory(ARTICLE, frames=0x400)
    data = made(memory, kind)
    first = len(data) - len(memory.pages) * 0x1000
    places = [0, 0x80, 0x348, 0xF98, 0x2000, 0x2020, *(first + at * 0x1000 for at in range(len(memory.pages)))]
    for seed in range(COUNT):
        read_all(broken(data, random.Random(f"{kind} {seed}"), places))


def test_dumps_with_symbols_and_images(tmp_path: Path) -> None:
    """The stack of the article's crash goes through broken pages, beside sound files or without them."""
    for name in ("ntoskrnl.exe", "ntkrnlmp.pdb"):
        (tmp_path / name).write_bytes(image(name))
    memory = article_memory()
    data = made(memory, DumpType.BITMAP_KERNEL)
    first = len(data) - len(memory.pages) * 0x1000
    places = [0x348, *(first + at * 0x1000 for at in range(len(memory.pages)))]
    for seed in range(COUNT):
        store = Store([tmp_path])
        images = Images(StoredImages(store)) if seed % 2 else Images()
        read_all(broken(data, random.Random(f"symbols {seed}"), places), images, Symbols(store))


@pytest.mark.data
def test_small_dumps() -> None:
    data = unpacked("dumps/triage-x64-19041.dmp.xz")
    places = [0, 0x80, 0xF98, *[0x2000] * 4, 0x2040, 0x2060, 0x20D0, 0x104A8, 0x106A8, 0x10828, 0x15D18, 0x19438]
    for seed in range(COUNT):
        read_all(broken(data, random.Random(f"triage {seed}"), places))
