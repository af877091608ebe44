"""Names of keys and values: upper case as Windows has it, their order, hashes, hints and bytes.

The registry compares names by upper-cased UTF-16 code units, with a table that is not
Unicode's: no ``ß`` to ``SS``, no dotless i, nothing that came after Unicode 5.1. `_RUNS` is
that table as ``first-last/step:distance``; a test holds it against the $UpCase file of an
NTFS volume that Windows formatted (973 letters, the same table in both places).
"""

from __future__ import annotations

import struct

_RUNS = """
61-7a/1:-32 e0-f6/1:-32 f8-fe/1:-32 ff:121 101-12f/2:-1 133-137/2:-1 13a-148/2:-1 14b-177/2:-1 17a-17e/2:-1 180:195
183-185/2:-1 188:-1 18c:-1 192:-1 195:97 199:-1 19a:163 19e:130 1a1-1a5/2:-1 1a8:-1 1ad:-1 1b0:-1 1b4-1b6/2:-1 1b9:-1
1bd:-1 1bf:56 1c6:-2 1c9:-2 1cc:-2 1ce-1dc/2:-1 1dd:-79 1df-1ef/2:-1 1f3:-2 1f5:-1 1f9-21f/2:-1 223-233/2:-1 23c:-1
242:-1 247-24f/2:-1 250:10783 251:10780 253:-210 254:-206 256-257/1:-205 259:-202 25b:-203 260:-205 263:-207 268:-209
269:-211 26b:10743 26f:-211 271:10749 272:-213 275:-214 27d:10727 280:-218 283:-218 288:-218 289:-69 28a-28b/1:-217
28c:-71 292:-219 371-373/2:-1 377:-1 37b-37d/1:130 3ac:-38 3ad-3af/1:-37 3b1-3c1/1:-32 3c3-3cb/1:-32 3cc:-64
3cd-3ce/1:-63 3d7:-8 3d9-3ef/2:-1 3f2:7 3f8:-1 3fb:-1 430-44f/1:-32 450-45f/1:-80 461-481/2:-1 48b-4bf/2:-1
4c2-4ce/2:-1 4cf:-15 4d1-523/2:-1 561-586/1:-48 1d79:35332 1d7d:3814 1e01-1e95/2:-1 1ea1-1eff/2:-1 1f00-1f07/1:8
1f10-1f15/1:8 1f20-1f27/1:8 1f30-1f37/1:8 1f40-1f45/1:8 1f51-1f57/2:8 1f60-1f67/1:8 1f70-1f71/1:74 1f72-1f75/1:86
1f76-1f77/1:100 1f78-1f79/1:128 1f7a-1f7b/1:112 1f7c-1f7d/1:126 1f80-1f87/1:8 1f90-1f97/1:8 1fa0-1fa7/1:8
1fb0-1fb1/1:8 1fb3:9 1fc3:9 1fd0-1fd1/1:8 1fe0-1fe1/1:8 1fe5:7 1ff3:9 214e:-28 2170-217f/1:-16 2184:-1 24d0-24e9/1:-26
2c30-2c5e/1:-48 2c61:-1 2c65:-10795 2c66:-10792 2c68-2c6c/2:-1 2c73:-1 2c76:-1 2c81-2ce3/2:-1 2d00-2d25/1:-7264
a641-a65f/2:-1 a663-a66d/2:-1 a681-a697/2:-1 a723-a72f/2:-1 a733-a76f/2:-1 a77a-a77c/2:-1 a77f-a787/2:-1 a78c:-1
ff41-ff5a/1:-32
"""


def _table() -> dict[int, int]:
    table = {}
    for run in _RUNS.split():
        letters, distance = run.split(":")
        ends, _, step = letters.partition("/")
        first, _, last = ends.partition("-")
        for code in range(int(first, 16), int(last or first, 16) + 1, int(step or "1")):
            table[code] = code + int(distance)
    return table


_UPPER = _table()


def fold(name: str) -> str:
    """The name in upper case, one character a UTF-16 code unit: equal and ordered as Windows has it."""
    if name.isascii():
        return name.upper()
    upper = name.translate(_UPPER)
    if max(upper) > "\uffff":
        units = upper.encode("utf-16-le", "surrogatepass")
        return "".join(map(chr, struct.unpack(f"<{len(units) // 2}H", units)))
    return upper


def hash_of(folded: str) -> int:
    """The hash an `lh` list keeps beside a key, of the name as `fold` gives it."""
    value = 0
    for character in folded:
        value = (value * 37 + ord(character)) & 0xFFFFFFFF
    return value


def hint_of(name: str) -> bytes:
    """The four bytes an `lf` list keeps beside a key: its first characters, as far as they are Latin-1."""
    hint = b""
    for character in name[:4]:
        if character > "\xff":
            break
        hint += character.encode("latin-1")
    return hint.ljust(4, b"\0")


def encode_name(name: str) -> tuple[bytes, bool]:
    """The bytes of a name, and whether they are the compressed form (one byte a character)."""
    try:
        return name.encode("latin-1"), True
    except UnicodeEncodeError:
        return name.encode("utf-16-le", "surrogatepass"), False


def decode_name(data: bytes | bytearray, compressed: bool) -> str:
    """A name from its bytes; an odd last byte of UTF-16 is dropped."""
    if compressed:
        return data.decode("latin-1")
    return data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")
