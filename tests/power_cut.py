"""A machine whose power goes off at a chosen step, with a disk and a journal folder that forget as real ones do.

Every write, flush, sync, rename, removal counts as one step. At the fatal step the work is done in
part or not at all, and every later step fails. `after_the_cut` of disk and folder then give what a
reboot finds: all that was flushed, and of the rest a random choice, in random order, by sectors,
one of them torn in the middle. Names made but never synced with their folder may be gone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from bootmend.commit.files import Files
from bootmend.disk.device import BlockDevice

SECTOR = 512


class PowerCut(BaseException):
    """Not an Exception: nothing that means to catch errors may live through it."""


class Power:
    """`dies_at` is the number of the fatal step, from 1; None never dies and only counts."""

    def __init__(self, dies_at: int | None = None, seed: int = 0) -> None:
        self.dies_at = dies_at
        self.steps = 0
        self.off = False
        self.chance = random.Random(seed)

    def step(self) -> bool:
        """True where this is the fatal one: the caller does it in part, then raises PowerCut."""
        if self.off:
            raise PowerCut
        self.steps += 1
        self.off = self.steps == self.dies_at
        return self.off

    def some(self, data: bytes) -> bytes:
        """A part from the start, torn anywhere."""
        return data[: self.chance.randrange(len(data) + 1)]


class FragileDisk(BlockDevice):
    """Bytes in memory behind a write cache."""

    def __init__(self, content: bytes, power: Power) -> None:
        self.name = "fragile disk"
        self.size = len(content)
        self.writable = True
        self.power = power
        self.live = bytearray(content)
        self.durable = bytearray(content)
        self.cached: list[tuple[int, bytes]] = []
        self.writes = 0

    def _read(self, offset: int, length: int) -> bytes:
        if self.power.off:
            raise PowerCut
        return bytes(self.live[offset : offset + length])

    def _write(self, offset: int, data: bytes) -> None:
        fatal = self.power.step()
        self.writes += 1
        landed = self.power.some(data) if fatal else data
        self.live[offset : offset + len(landed)] = landed
        self.cached += [(offset + at, landed[at : at + SECTOR]) for at in range(0, len(landed), SECTOR)]
        if fatal:
            raise PowerCut

    def flush(self) -> None:
        if self.power.step():
            raise PowerCut
        self.durable[:] = self.live
        self.cached.clear()

    def after_the_cut(self) -> bytes:
        chance = self.power.chance
        kept = bytearray(self.durable)
        landed = [piece for piece in self.cached if chance.random() < 0.5]
        for offset, piece in landed:
            kept[offset : offset + len(piece)] = piece
        if self.cached:
            offset, piece = chance.choice(self.cached)
            torn = self.power.some(piece)
            kept[offset : offset + len(torn)] = torn
        return bytes(kept)


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    cached: list[tuple[int, bytes]] = field(default_factory=list)


class FragileFiles(Files):
    """The real folder shows what the running program sees; what would last is kept beside it."""

    def __init__(self, folder: Path, power: Power) -> None:
        self.folder = folder
        self.power = power
        self.names: dict[str, _File] = {
            path.name: _File(bytearray(path.read_bytes())) for path in folder.iterdir() if path.is_file()
        }
        self.lasting = dict(self.names)
        self.changes: list[tuple[str, _File | None]] = []
        """Names not yet synced with the folder, in order: to a file, or to nothing."""
        self.handles: dict[int, _File] = {}

    def create(self, path: Path) -> int:
        fatal = self.power.step()
        handle = super().create(path)
        self.handles[handle] = self.names[path.name] = _File()
        self.changes.append((path.name, self.names[path.name]))
        if fatal:
            super().close(handle)
            raise PowerCut
        return handle

    def open(self, path: Path) -> int:
        handle = super().open(path)
        self.handles[handle] = self.names[path.name]
        return handle

    def write(self, handle: int, offset: int, data: bytes) -> None:
        fatal = self.power.step()
        landed = self.power.some(data) if fatal else data
        super().write(handle, offset, landed)
        self.handles[handle].cached.append((offset, landed))
        if fatal:
            raise PowerCut

    def sync(self, handle: int) -> None:
        if self.power.step():
            raise PowerCut
        file = self.handles[handle]
        for offset, data in file.cached:
            _overwrite(file.durable, offset, data)
        file.cached.clear()

    def rename(self, old: Path, new: Path) -> None:
        fatal = self.power.step()
        super().rename(old, new)
        file = self.names[new.name] = self.names.pop(old.name)
        self.changes += [(new.name, file), (old.name, None)]
        if fatal:
            raise PowerCut

    def remove(self, path: Path) -> None:
        fatal = self.power.step()
        super().remove(path)
        del self.names[path.name]
        self.changes.append((path.name, None))
        if fatal:
            raise PowerCut

    def sync_folder(self, folder: Path) -> None:
        if self.power.step():
            raise PowerCut
        self._settle(len(self.changes))

    def after_the_cut(self) -> None:
        """Rewrites the real folder to what a reboot finds."""
        chance = self.power.chance
        self._settle(chance.randrange(len(self.changes) + 1))
        for path in self.folder.iterdir():
            path.unlink()
        for name, file in self.lasting.items():
            for offset, data in file.cached:
                if chance.random() < 0.5:
                    # The length may have been noted before the bytes: then zeros stand there.
                    _overwrite(file.durable, offset, bytes(len(data)) if chance.random() < 0.3 else data)
            (self.folder / name).write_bytes(file.durable)

    def _settle(self, count: int) -> None:
        for name, file in self.changes[:count]:
            if file is None:
                self.lasting.pop(name, None)
            else:
                self.lasting[name] = file
        del self.changes[:count]


def _overwrite(content: bytearray, offset: int, data: bytes) -> None:
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    content[offset : offset + len(data)] = data
