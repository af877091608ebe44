"""Files that are given in the place of a dump, and are something else: which, told by how they start."""

from __future__ import annotations

from bootmend.dumps.header import PROGRAM
from bootmend.dumps.reader import Bytes
from bootmend.texts import say

_PACKED = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"PK\3\4": "zip",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"MSCF": "cab",
}
_HIBERNATION = (b"HIBR", b"WAKE", b"RSTR")
"""How hiberfil.sys starts, in capitals or not, by what is to be done with it."""
_LONGEST = 6
_LOOKED_AT = 1 << 16


def foreign(file: Bytes, name: str) -> str:
    """A sentence on what it is; empty where it may be a disk."""
    head = file.read(0, min(_LONGEST, file.size))
    if head.startswith(PROGRAM):
        return say("dumps.of_a_program", file=name)
    if head[:4].upper() in _HIBERNATION:
        return say("dumps.hibernation", file=name)
    packer = next((packer for start, packer in _PACKED.items() if head.startswith(start)), "")
    return say("dumps.packed", file=name, packer=packer) if packer else ""


def neither(file: Bytes, name: str, reason: Exception) -> str:
    """Of what is no dump and holds no Windows, as `reason` says."""
    zeros = not any(file.read(0, min(_LOOKED_AT, file.size)))
    return say("dumps.zeroed", file=name) if zeros else say("dumps.neither", reason=reason)
