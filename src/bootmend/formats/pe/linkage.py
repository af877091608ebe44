"""What an image needs of others and offers them: names only, bounded, for many images kept at once.

Source: Microsoft, "PE Format", sections ".edata" and ".idata". An export whose address lies inside the export
directory itself is a forwarder: text that names another library and its function, `NTOSKRNL.KeStallExecution`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import takewhile

from bootmend.formats.pe.image import Pe

_EXPORTS, _IMPORTS = 0, 1
_MOST_LIBRARIES, _MOST_NAMES, _LONGEST_NAME, _MOST_TEXT = 256, 30_000, 512, 2 << 20
"""ntoskrnl exports 3,000 names; no driver imports from 100 libraries. Bounds of memory, each image's."""


@dataclass(frozen=True, slots=True)
class Linkage:
    """`imports`: library in lower case -> functions, ordinals as `#12`. An export is "" or its forwarder's text."""

    imports: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    """By name, and by ordinal as `#12`."""

    @property
    def size(self) -> int:
        """Names kept, for those that bound their number."""
        return sum(map(len, self.imports.values())) + len(self.exports)


def read_linkage(pe: Pe) -> Linkage:
    """Raises ParseError where a table leaves the file or never ends."""
    reader = _Reader(pe)
    return Linkage(reader.imports(), reader.exports())


class _Reader:
    def __init__(self, pe: Pe) -> None:
        self.pe = pe
        self.names = 0
        self.text = 0

    def _directory(self, number: int) -> tuple[int, int]:
        return self.pe.directories[number] if len(self.pe.directories) > number else (0, 0)

    def _count(self, names: int) -> None:
        self.names += names
        if self.names > _MOST_NAMES:
            raise self.pe.view.fail(0, f"at most {_MOST_NAMES} imported and exported names")

    def imports(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        rva, size = self._directory(_IMPORTS)
        if not rva or not size:
            return found
        for number in range(_MOST_LIBRARIES):
            row = self.pe.at_rva(rva + number * 20, 20, "an import descriptor")
            lookup, library, address = row.u32(0), row.u32(12), row.u32(16)
            if not library:
                return found
            name = self._name(library).lower()
            found[name] = (*found.get(name, ()), *self._thunks(lookup or address))
        raise self.pe.view.fail(0, f"at most {_MOST_LIBRARIES} imported libraries")

    def _thunks(self, rva: int) -> tuple[str, ...]:
        width = 8 if self.pe.plus64 else 4
        room = min(self.pe.room_at(rva), (_MOST_NAMES + 1) * width) // width
        table = self.pe.at_rva(rva, room * width, "an import table").bytes(0, room * width)
        values = list(takewhile(bool, struct.unpack(f"<{room}{'Q' if width == 8 else 'I'}", table)))
        if len(values) == room:
            raise self.pe.view.fail(0, "an import table that ends", f"RVA {rva:#x}")
        self._count(len(values))
        by_ordinal = 1 << (width * 8 - 1)
        return tuple(
            f"#{value & 0xFFFF}" if value & by_ordinal else self._name((value & 0x7FFFFFFF) + 2) for value in values
        )

    def exports(self) -> dict[str, str]:
        rva, size = self._directory(_EXPORTS)
        if not rva or not size:
            return {}
        table = self.pe.at_rva(rva, 40, "an export table")
        base, functions, named = table.u32(16), table.u32(20), table.u32(24)
        self._count(functions)
        self._count(named)
        addresses = self._numbers(table.u32(28), functions, "I")
        found: dict[str, str] = {}
        for place, address in enumerate(addresses):
            if address:
                found[f"#{(base + place) & 0xFFFF}"] = self._name(address) if rva <= address < rva + size else ""
        names = self._numbers(table.u32(32), named, "I")
        places = self._numbers(table.u32(36), named, "H")
        for name, place in zip(names, places, strict=True):
            forward = found.get(f"#{(base + place) & 0xFFFF}")
            if forward is not None:
                found[self._name(name)] = forward
        return found

    def _numbers(self, rva: int, count: int, code: str) -> tuple[int, ...]:
        length = count * struct.calcsize(code)
        if not count:
            return ()
        return struct.unpack(f"<{count}{code}", self.pe.at_rva(rva, length, "an export table").bytes(0, length))

    def _name(self, rva: int) -> str:
        room = min(self.pe.room_at(rva), _LONGEST_NAME)
        start = self.pe.at_rva(rva, room, "a name").base
        end = self.pe.data.find(b"\0", start, start + room)
        if end < 0:
            raise self.pe.view.fail(start, f"a name that ends within {_LONGEST_NAME} bytes")
        self.text += end - start
        if self.text > _MOST_TEXT:
            raise self.pe.view.fail(start, f"names of at most {_MOST_TEXT} bytes together")
        return self.pe.data[start:end].decode("latin-1")
