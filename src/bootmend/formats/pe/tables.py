"""The import and export tables of a PE image, bounded against tables that never end.

Source: Microsoft, "PE Format", sections ".edata" and ".idata".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmend.formats.pe.image import Pe

_EXPORTS, _IMPORTS = 0, 1
_MOST_LIBRARIES = 1024
_MOST_NAMES = 65536
_LONGEST_NAME = 4096


def imports(pe: Pe) -> dict[str, list[str]]:
    """Library -> imported names in file order, ordinals as `#12`; ParseError for tables outside the file."""
    found: dict[str, list[str]] = {}
    rva, size = pe.directories[_IMPORTS] if len(pe.directories) > _IMPORTS else (0, 0)
    if not rva or not size:
        return found
    names = 0
    for number in range(_MOST_LIBRARIES):
        row = pe.at_rva(rva + number * 20, 20, "an import descriptor")
        lookup, library, address = row.u32(0), row.u32(12), row.u32(16)
        if not library:
            return found
        listed = _thunks(pe, lookup or address, _MOST_NAMES - names)
        names += len(listed)
        found.setdefault(_text(pe, library, "the name of an imported library"), []).extend(listed)
    raise pe.view.fail(0, f"at most {_MOST_LIBRARIES} imported libraries")


def exports(pe: Pe) -> list[str]:
    """Exported names in table order; ParseError for tables outside the file."""
    rva, size = pe.directories[_EXPORTS] if pe.directories else (0, 0)
    if not rva or not size:
        return []
    table = pe.at_rva(rva, 40, "an export table")
    count = table.u32(24)
    if count > _MOST_NAMES:
        raise table.fail(24, f"at most {_MOST_NAMES} exported names", str(count))
    pointers = pe.at_rva(table.u32(32), count * 4, "the export name pointers") if count else table
    return [_text(pe, pointers.u32(at * 4), "an exported name") for at in range(count)]


def _thunks(pe: Pe, rva: int, most: int) -> list[str]:
    width = 8 if pe.plus64 else 4
    by_ordinal = 1 << (width * 8 - 1)
    found: list[str] = []
    while len(found) < most:
        view = pe.at_rva(rva + len(found) * width, width, "an import thunk")
        value = view.u64(0) if pe.plus64 else view.u32(0)
        if not value:
            return found
        if value & by_ordinal:
            found.append(f"#{value & 0xFFFF}")
        else:
            found.append(_text(pe, (value & 0x7FFFFFFF) + 2, "an imported name"))
    raise pe.view.fail(0, f"at most {_MOST_NAMES} imported names")


def _text(pe: Pe, rva: int, what: str) -> str:
    room = min(pe.room_at(rva), _LONGEST_NAME)
    raw = pe.at_rva(rva, room, what).bytes(0, room)
    end = raw.find(b"\0")
    if end < 0:
        raise pe.view.fail(0, f"{what} that ends within {_LONGEST_NAME} bytes", f"RVA {rva:#x}")
    return raw[:end].decode("latin-1")
