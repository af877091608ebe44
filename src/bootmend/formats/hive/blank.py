"""A new, empty hive: a root key, one security cell, one hive bin."""

from __future__ import annotations

from bootmend.formats.hive import records
from bootmend.formats.hive.baseblock import BASE_SIZE, NONE, PAGE, stamp
from bootmend.formats.hive.names import encode_name
from bootmend.formats.hive.records import HBIN, NK, SK, KeyNode

# Self-relative descriptor: owner and group Administrators; full access for SYSTEM and Administrators,
# inherited by subkeys.
_ADMINISTRATORS = bytes.fromhex("01020000000000052000000020020000")
_SYSTEM = bytes.fromhex("010100000000000512000000")
_FULL_ACCESS = bytes.fromhex("3f000f00")


def _allow(sid: bytes) -> bytes:
    return b"\x00\x02" + (8 + len(sid)).to_bytes(2, "little") + _FULL_ACCESS + sid


def _descriptor() -> bytes:
    entries = _allow(_SYSTEM) + _allow(_ADMINISTRATORS)
    acl = b"\x02\x00" + (8 + len(entries)).to_bytes(2, "little") + b"\x02\x00\x00\x00" + entries
    owner = 20 + len(acl)
    group = owner + len(_ADMINISTRATORS)
    places = b"".join(at.to_bytes(4, "little") for at in (owner, group, 0, 20))
    return b"\x01\x00\x04\x80" + places + acl + _ADMINISTRATORS * 2


def new_hive(root_name: str, minor: int = 5, file_name: str = "") -> bytes:
    """An empty sound hive of version 1.`minor`; `file_name` is what its base block calls it (31 characters kept)."""
    data = bytearray(BASE_SIZE + PAGE)
    data[0:4] = b"regf"
    root = HBIN.size
    for at, field in ((20, 1), (24, minor), (32, 1), (36, root), (44, 1)):
        data[at : at + 4] = field.to_bytes(4, "little")
    kept = file_name[-31:].encode("utf-16-le", "surrogatepass")[-62:]
    data[48 : 48 + len(kept)] = kept
    HBIN.pack_into(data, BASE_SIZE, b"hbin", 0, PAGE, 0, 0, 0)

    encoded, compressed = encode_name(root_name)
    security = root + (4 + NK.size + len(encoded) + 7 & ~7)
    flags = records.ROOT_KEY | records.NO_DELETE | (records.COMPRESSED_KEY if compressed else 0)
    node = KeyNode(b"nk", flags, 0, 0, NONE, 0, 0, NONE, NONE, 0, NONE, security, NONE, 0, 0, 0, 0, 0, len(encoded), 0)
    descriptor = _descriptor()
    free = security + (4 + SK.size + len(descriptor) + 7 & ~7)
    for start, end, body in (
        (root, security, NK.pack(*node) + encoded),
        (security, free, SK.pack(b"sk", 0, security, security, 1, len(descriptor)) + descriptor),
    ):
        place = BASE_SIZE + start
        data[place : place + 4] = (start - end).to_bytes(4, "little", signed=True)
        data[place + 4 : place + 4 + len(body)] = body
    data[BASE_SIZE + free : BASE_SIZE + free + 4] = (PAGE - free).to_bytes(4, "little")
    stamp(data, sequence=1, timestamp=0, size=PAGE)
    return bytes(data)
