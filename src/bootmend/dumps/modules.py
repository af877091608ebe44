"""The kernel, the drivers that were loaded, and those that had been unloaded.

A loader entry (KLDR_DATA_TABLE_ENTRY) begins with its links; where the rest stands says `Loader`.
Source: the public symbols' types as ReactOS and Volatility describe them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from bootmend.dumps.memory import Memory

MOST_MODULES = 4096
_MOST_UNLOADED = 50
"""Windows keeps the last fifty in a ring."""
_PE_HEADER_WITHIN = 0xF00
"""The headers of an image are looked for in its first page."""


@dataclass(frozen=True, slots=True)
class Loader:
    """Offsets into a loader entry, and its size as small dumps keep it."""

    base: int
    image_size: int
    full_name: int
    base_name: int
    checksum: int
    timestamp: int
    size: int


LOADERS = {
    8: Loader(0x30, 0x40, 0x48, 0x58, 0x78, 0x80, size=0x88),
    4: Loader(0x18, 0x20, 0x24, 0x2C, 0x40, 0x44, size=0x48),
}
"""By the bytes of a pointer. In memory the time stamp is none: newer kernels keep something else there."""


@dataclass(frozen=True, slots=True)
class Module:
    """An image in memory; `checksum` and `timestamp` are those of its header, None where not known."""

    path: str
    base: int
    size: int
    checksum: int | None = None
    timestamp: int | None = None
    kernel: bool = False

    @property
    def file(self) -> str:
        """The last part of its path."""
        return self.path.rsplit("\\", 1)[-1]

    @property
    def name(self) -> str:
        """As the debugger calls it: `nt` for the kernel, else the file's name without its end, letters only.

        One whose name is not in the dump is called by its address.
        """
        if self.kernel:
            return "nt"
        if not self.path:
            return f"Unknown_Module_{self.base:0{16 if self.base >> 32 else 8}x}"
        return re.sub(r"[^A-Za-z0-9_$]", "_", self.file.rsplit(".", 1)[0])


def is_of_kernel(module: Module) -> bool:
    """The kernel, or the HAL, which was a file of its own until Windows 10 2004: nobody's driver."""
    return module.kernel or module.file.lower() == "hal.dll"


@dataclass(frozen=True, slots=True)
class Unloaded:
    """A driver that is no longer there; of its name a triage dump keeps twelve letters."""

    name: str
    start: int
    end: int


class Modules:
    """The modules by address."""

    def __init__(self, loaded: Iterable[Module], unloaded: Iterable[Unloaded] = ()) -> None:
        self.loaded = tuple(loaded)
        self.unloaded = tuple(unloaded)
        self._by_base = sorted(self.loaded, key=lambda module: module.base)
        self._bases = [module.base for module in self._by_base]

    def at(self, address: int) -> Module | None:
        index = bisect_right(self._bases, address) - 1
        if index < 0:
            return None
        module = self._by_base[index]
        return module if address < module.base + module.size else None

    def unloaded_at(self, address: int) -> Unloaded | None:
        """The last one that stood there: addresses are given to the next driver."""
        return next((one for one in self.unloaded if one.start <= address < one.end), None)

    def where(self, address: int) -> str:
        """`module+offset` as the debugger writes it; the bare address where no module is."""
        module, gone = self.at(address), self.unloaded_at(address)
        if module is not None:
            return f"{module.name}+{address - module.base:x}"
        return f"<Unloaded_{gone.name}>+{address - gone.start:x}" if gone is not None else f"{address:x}"

    def by_file(self, file: str) -> Module | None:
        return next((one for one in self.loaded if one.file.lower() == file.lower()), None)


def loaded_modules(memory: Memory, head: int) -> list[Module]:
    """The list at PsLoadedModuleList, in load order; it ends where it comes round, or where memory ends."""
    found: list[Module] = []
    seen = {head}
    width, at = memory.width, LOADERS[memory.width]
    entry = memory.pointer(head)
    while entry is not None and entry not in seen and len(found) < MOST_MODULES:
        seen.add(entry)
        data = memory.read(entry, at.checksum + 4)
        if data is None:
            break
        base = int.from_bytes(data[at.base : at.base + width], "little")
        path = memory.unicode_string(entry + at.full_name) or memory.unicode_string(entry + at.base_name) or ""
        found.append(
            Module(
                path=path,
                base=base,
                size=int.from_bytes(data[at.image_size : at.image_size + 4], "little"),
                checksum=int.from_bytes(data[at.checksum :], "little"),
                timestamp=_timestamp(memory, base),
                kernel=not found,
            )
        )
        entry = int.from_bytes(data[:width], "little")
    return found


def _timestamp(memory: Memory, base: int) -> int | None:
    """From the image's own header, where its first page is in the dump."""
    start = memory.read(base, 0x40)
    if start is None or start[:2] != b"MZ":
        return None
    at = int.from_bytes(start[0x3C:0x40], "little")
    if at > _PE_HEADER_WITHIN:
        return None
    head = memory.read(base + at, 12)
    return int.from_bytes(head[8:12], "little") if head is not None and head[:4] == b"PE\0\0" else None


def unloaded_modules(memory: Memory, array: int, last: int) -> list[Unloaded]:
    """The ring that MmUnloadedDrivers points at, newest first, as small dumps list it too.

    `last` points at the number of the row that the next one takes: once the ring is full, the oldest stands there.
    A row is a name (UNICODE_STRING), first and last address, and a time of 8 bytes.
    """
    start, following, width = memory.pointer(array), memory.u32(last), memory.width
    if not start or following is None:
        return []
    found = []
    for back in range(1, _MOST_UNLOADED + 1):
        row = start + (following - back) % _MOST_UNLOADED * (4 * width + 8)
        name = memory.unicode_string(row)
        low, high = memory.pointer(row + 2 * width), memory.pointer(row + 3 * width)
        if name and low and high and low < high:
            found.append(Unloaded(name, low, high))
    return found
