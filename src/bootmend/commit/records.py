"""The journal's records as bytes: our own format, drawn in docs/journal.md.

    header      "bootmend" | version | CRC-32 | length | JSON
    patch       "PTCH"     | CRC-32  | offset | length | stored before | stored after | before | after
    state slot  tag        | number  | time   | patches | bytes | body length | SHA-256 of the body | check

Numbers are little-endian, lengths and offsets in bytes. A CRC-32 covers all of its record that
follows it. `before` and `after` stand raw where their stored length is the plain length, else
as one zlib stream. A slot's check is tied to the body's hash, so that a slot of another journal
does not pass for one of this; a slot whose last byte is still zero is torn.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.binary import View
from bootmend.disk.device import Patch

MOST_IN_A_PATCH = 1 << 20
"""Bytes of one patch record: a longer patch becomes several, so that no reader needs more memory than this."""

MOST_IN_A_HEADER = 32 << 20
VERSION = 1
SLOT_SIZE = 128
PAGE = 4096
"""The state page: slot 0 is the end mark of the plan, the others are filled one after the other."""

_MAGIC = b"bootmend"
_HEADER = struct.Struct("<8sIII")
_PATCH = struct.Struct("<4sIQIII")
_SLOT = struct.Struct("<4sIQQQQ32s39x16s1s")
_CHECK = 16
_WHOLE = b"\xff"
"""The last byte of a slot: where it is missing, the slot was never written to its end."""

HEADER_SIZE = _HEADER.size
PATCH_SIZE = _PATCH.size
assert (HEADER_SIZE, PATCH_SIZE, _SLOT.size) == (20, 28, SLOT_SIZE)

_SAMPLE = 4096
"""Bytes that decide whether a patch is worth compressing."""


def pack_header(text: bytes) -> bytes:
    tail = struct.pack("<I", len(text)) + text
    return _HEADER.pack(_MAGIC, VERSION, zlib.crc32(tail), len(text)) + text


def header_length(start: View) -> int:
    """Bytes of the JSON after the first HEADER_SIZE bytes. ParseError: no journal, or one of another version."""
    magic, version, _, length = _HEADER.unpack(start.bytes(0, HEADER_SIZE, "the head of a bootmend journal"))
    if magic != _MAGIC:
        raise start.fail(0, "a bootmend journal", repr(bytes(magic)))
    if version != VERSION:
        raise start.fail(8, f"journal version {VERSION}", str(version))
    if length > MOST_IN_A_HEADER:
        raise start.fail(16, f"a header of at most {MOST_IN_A_HEADER} bytes", str(length))
    return int(length)


def unpack_header(record: View) -> bytes:
    """The JSON of a whole header record."""
    length = header_length(record)
    text = record.bytes(HEADER_SIZE, length, "the journal's header")
    if zlib.crc32(record.bytes(16, 4) + text) != record.u32(12):
        raise record.fail(12, "a header whose checksum agrees")
    return text


def split(patch: Patch) -> Iterator[Patch]:
    """The same bytes as patches of at most MOST_IN_A_PATCH bytes."""
    for at in range(0, len(patch.after), MOST_IN_A_PATCH):
        end = at + MOST_IN_A_PATCH
        yield Patch(patch.offset + at, patch.before[at:end], patch.after[at:end])


def pack_patch(patch: Patch) -> bytes:
    before, after = _shrink(patch.before), _shrink(patch.after)
    record = _PATCH.pack(b"PTCH", 0, patch.offset, len(patch.after), len(before), len(after)) + before + after
    return record[:4] + struct.pack("<I", zlib.crc32(memoryview(record)[8:])) + record[8:]


@dataclass(frozen=True, slots=True)
class PatchHead:
    """The fixed part of a patch record: how many stored bytes follow it."""

    offset: int
    length: int
    stored_before: int
    stored_after: int

    @property
    def stored(self) -> int:
        return self.stored_before + self.stored_after


def patch_head(start: View) -> PatchHead:
    """From the first PATCH_SIZE bytes of the record; its lengths are within bounds, its checksum is not yet known."""
    tag, _, offset, length, before, after = _PATCH.unpack(start.bytes(0, PATCH_SIZE, "a patch record"))
    if tag != b"PTCH":
        raise start.fail(0, "a patch record", repr(bytes(tag)))
    if not 0 < length <= MOST_IN_A_PATCH:
        raise start.fail(16, f"a patch of 1 to {MOST_IN_A_PATCH} bytes", str(length))
    if not (0 < before <= length and 0 < after <= length):
        raise start.fail(20, f"at most {length} stored bytes each", f"{before} and {after}")
    return PatchHead(offset, length, before, after)


def unpack_patch(record: View) -> Patch:
    """A whole patch record. ParseError where the checksum or a length does not agree."""
    head = patch_head(record)
    stored = record.bytes(PATCH_SIZE, head.stored, "the stored bytes of a patch")
    if zlib.crc32(stored, zlib.crc32(record.bytes(8, PATCH_SIZE - 8))) != record.u32(4):
        raise record.fail(4, "a patch record whose checksum agrees")
    before = _grow(stored[: head.stored_before], head.length, record, PATCH_SIZE)
    after = _grow(stored[head.stored_before :], head.length, record, PATCH_SIZE + head.stored_before)
    return Patch(head.offset, before, after)


@dataclass(frozen=True, slots=True)
class Slot:
    """One record of the state page. The totals and the body's hash are the end mark's (slot 0), zero elsewhere."""

    tag: bytes
    number: int
    when: int
    """Nanoseconds since 1970-01-01 UTC."""
    patches: int = 0
    total: int = 0
    """Bytes of all patches, each counted once."""
    body: int = 0
    """Length of header and patch records, in bytes from the start of the file."""
    body_hash: bytes = bytes(32)
    """SHA-256 of header, patch records and the zeros that fill up to the state page."""


def pack_slot(slot: Slot, body_hash: bytes) -> bytes:
    values = (slot.tag, slot.number, slot.when, slot.patches, slot.total, slot.body, slot.body_hash)
    return _SLOT.pack(*values, _check(_SLOT.pack(*values, b"", b""), body_hash), _WHOLE)


def unpack_slot(view: View, number: int, body_hash: bytes | None) -> Slot | None:
    """The slot, None where it is empty or torn; `body_hash` None takes the slot's own (slot 0).

    ParseError where it was written whole and does not agree now: damage, never a crash.
    """
    raw = view.bytes(0, SLOT_SIZE, "a state slot")
    tag, stands, when, patches, total, body, own_hash, check, last = _SLOT.unpack(raw)
    if last == b"\0":
        return None
    right = _check(raw, own_hash if body_hash is None else body_hash)
    if check != right or last != _WHOLE or stands != number:
        raise view.fail(0, "a state record whose checksum agrees")
    return Slot(tag, stands, when, patches, total, body, own_hash)


def _check(raw: bytes, body_hash: bytes) -> bytes:
    return hashlib.sha256(body_hash + raw[: SLOT_SIZE - _CHECK - 1]).digest()[:_CHECK]


def _shrink(plain: bytes) -> bytes:
    sample = plain[:_SAMPLE]
    # Catalogs, compressed drivers and the like do not shrink: one look at their start saves most of the time.
    if len(zlib.compress(sample, 1)) > len(sample) * 7 // 8:
        return plain
    packed = zlib.compress(plain, 1)
    return packed if len(packed) < len(plain) else plain


def _grow(stored: bytes, length: int, record: View, at: int) -> bytes:
    if len(stored) == length:
        return stored
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(stored, length + 1)
    except zlib.error as error:
        raise record.fail(at, "a zlib stream", str(error)) from error
    if len(plain) != length or not unpacker.eof or unpacker.unused_data:
        raise record.fail(at, f"a zlib stream of {length} bytes", f"{len(plain)}")
    return plain
