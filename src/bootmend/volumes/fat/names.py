"""Names on FAT: long ones in chains of slots, and the 8.3 alias that every long one has beside it.

Source: fatgen103, "Long Directory Entries" and "The Basis-Name Generation Algorithm". Aliases
we make are plain ASCII, so that no code page matters; those we read are taken as code page 437.
"""

from __future__ import annotations

from collections.abc import Container

from bootmend.errors import Misuse
from bootmend.texts import say

MOST_UNITS = 255
"""UTF-16 units in a long name."""
UNITS_IN_A_SLOT = 13

_FORBIDDEN = frozenset('"*/:<>?\\|') | {chr(code) for code in range(32)}
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~")
_LOWER_BASE, _LOWER_EXTENSION = 0x08, 0x10


def fold(name: str) -> str:
    """The form in which two names that differ only in case are equal, character by character as Windows does."""
    if name.isascii():
        return name.upper()
    return "".join(upper if len(upper := letter.upper()) == 1 else letter for letter in name)


def check_name(name: str) -> None:
    """Misuse if Windows could not have a file of this name."""
    units = len(name.encode("utf-16-le", "surrogatepass")) // 2
    if not 0 < units <= MOST_UNITS or name[-1] in ". " or any(letter in _FORBIDDEN for letter in name):
        raise Misuse(say("volumes.bad_name", name=name))


def short_name(raw: bytes, case_flags: int) -> str:
    """The 11 bytes of a slot as ``NAME.EXT``; NT's flags (offset 12) say that a half is lower-case."""
    if raw[0] == 0x05:  # 0xE5, a letter in Japanese code pages, would say "deleted"
        raw = b"\xe5" + raw[1:]
    base, extension = (half.decode("cp437").rstrip(" ") for half in (raw[:8], raw[8:]))
    base = base.lower() if case_flags & _LOWER_BASE else base
    extension = extension.lower() if case_flags & _LOWER_EXTENSION else extension
    return f"{base}.{extension}" if extension else base


def checksum(raw: bytes) -> int:
    """What each long-name slot holds of the alias it belongs to."""
    total = 0
    for byte in raw:
        total = ((total & 1) << 7) + (total >> 1) + byte & 0xFF
    return total


def alias(name: str, taken: Container[str]) -> bytes:
    """11 bytes for a slot: `name` itself if it fits 8.3, else a basis and ``~1``, ``~2``...

    `taken` holds the folder's names, long and short, folded.
    """
    upper = fold(name)
    stem, dot, extension = upper.lstrip(". ").rpartition(".")
    if not dot:
        stem, extension = extension, ""
    base, base_lost = _plain(stem)
    extension, extension_lost = _plain(extension)
    lossy = base_lost or extension_lost or len(base) > 8 or len(extension) > 3 or upper[0] in ". "
    extension = extension[:3]
    candidate = f"{base}.{extension}" if extension else base
    if not lossy and candidate not in taken:
        return _raw(base, extension)
    for number in range(1, 1_000_000):
        tail = f"~{number}"
        shortened = base[: 8 - len(tail)] + tail
        if (f"{shortened}.{extension}" if extension else shortened) not in taken:
            return _raw(shortened, extension)
    raise Misuse(say("volumes.bad_name", name=name))


def long_slots(name: str, raw_alias: bytes) -> list[bytes]:
    """The slots that stand before the alias's own, in their order on disk; none if the alias is the name."""
    if short_name(raw_alias, 0) == name:
        return []
    units = name.encode("utf-16-le", "surrogatepass")
    if len(units) // 2 % UNITS_IN_A_SLOT:
        units += b"\0\0"
    units += b"\xff" * (-len(units) % (2 * UNITS_IN_A_SLOT))
    count = len(units) // (2 * UNITS_IN_A_SLOT)
    mark = checksum(raw_alias)
    slots = []
    for number in range(count, 0, -1):
        part = units[(number - 1) * 26 : number * 26]
        order = number | (0x40 if number == count else 0)
        slots.append(bytes([order]) + part[:10] + bytes([0x0F, 0, mark]) + part[10:22] + b"\0\0" + part[22:])
    return slots


def _plain(text: str) -> tuple[str, bool]:
    """Without spaces and dots, everything odd an underscore; and whether anything was lost."""
    kept = text.replace(" ", "").replace(".", "")
    plain = "".join(letter if letter in _PLAIN else "_" for letter in kept)
    return plain, plain != text


def _raw(base: str, extension: str) -> bytes:
    return base.encode("ascii").ljust(8) + extension.encode("ascii").ljust(3)
