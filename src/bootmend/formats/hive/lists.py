"""What a cell points at in plenty: lists of subkeys, lists of values, and the data of a value.

Each function gives what is sound and hands every fault to `fault`; nothing is read twice, so a
list that names itself or another's cells costs no more time than the cells there are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from bootmend.errors import ParseError
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.records import DB, ENTRY_SIZE, LIST_HEADER, SEGMENT, U32, KeyNode, ValueRecord

Fault = Callable[[ParseError], None]
MOST_LISTED = 1 << 18
"""Subkeys, or values, of one key that are read; real ones stay below a hundred thousand. It bounds memory."""
Claim = Callable[[int], bool]
"""True for a cell that nothing else has been read from."""


def subkey_offsets(cells: Cells, node: KeyNode, claim: Claim, fault: Fault) -> list[int]:
    """Cell offsets of a key's subkeys, in the order its list has them."""
    if node.subkey_count == 0:
        return []
    offsets: list[int] = []
    for _, _, entries, _ in leaves(cells, node.subkeys, claim, fault):
        offsets += entries
        if len(offsets) > MOST_LISTED:
            fault(cells.fail(node.subkeys, f"a list of at most {MOST_LISTED} subkeys"))
            return offsets[:MOST_LISTED]
    if len(offsets) != node.subkey_count:
        fault(cells.fail(node.subkeys, f"a list of {node.subkey_count} subkeys", f"{len(offsets)}"))
    return offsets


def leaves(cells: Cells, top: int, claim: Claim, fault: Fault) -> Iterator[tuple[int, bytes, list[int], list[int]]]:
    """(cell, signature, offsets, hints or hashes) of each lf, lh or li below the list at `top`, itself included."""
    todo = [top]
    for cell in todo:
        try:
            cells.capacity(cell, "a list of subkeys")
            if not claim(cell):
                raise cells.fail(cell, "a list of subkeys in a cell of its own", "a cell that is used twice")
            signature, entries, marks = read_list(cells, cell, fault)
            if signature == b"ri" and cell != top:
                raise cells.fail(cell, "a list of subkeys (lf, lh, li)", "another list of lists")
        except ParseError as error:
            fault(error)
            continue
        if signature == b"ri":
            todo += dict.fromkeys(entries)
            if len(todo) - 1 < len(entries):
                fault(cells.fail(cell, "a list of different lists", "one of them again"))
        else:
            yield cell, signature, entries, marks


def read_list(cells: Cells, offset: int, fault: Fault) -> tuple[bytes, list[int], list[int]]:
    """A list's signature, the offsets in it and the hint or hash beside each (none in li and ri).

    Where fewer fit than it counts, those that do.
    """
    body = cells.body(offset, "a list of subkeys")
    signature, count = LIST_HEADER.unpack_from(body)
    entry = ENTRY_SIZE.get(signature)
    if entry is None:
        raise cells.fail(offset, "a list of subkeys (lf, lh, li, ri)", repr(signature))
    room = (len(body) - LIST_HEADER.size) // entry
    if count > room:
        fault(cells.fail(offset, f"a list of {count} entries", f"a cell with room for {room}"))
        count = room
    words = list(struct.unpack_from(f"<{count * entry // 4}I", body, LIST_HEADER.size))
    return (signature, words, []) if entry == 4 else (signature, words[::2], words[1::2])


def value_offsets(cells: Cells, node: KeyNode, claim: Claim, fault: Fault) -> list[int]:
    """Cell offsets of a key's values, in the order its list has them."""
    if node.value_count == 0:
        return []
    try:
        if not claim(node.values):
            raise cells.fail(node.values, "a list of values of one key only", "another key's")
        body = cells.body(node.values, "a list of values")
    except ParseError as error:
        fault(error)
        return []
    count = min(node.value_count, len(body) // U32.size, MOST_LISTED)
    if count != node.value_count:
        fault(cells.fail(node.values, f"a list of {node.value_count} values", f"a cell with room for {count}"))
    return list(struct.unpack_from(f"<{count}I", body))


def value_data(cells: Cells, offset: int, record: ValueRecord, claim: Claim) -> bytes:
    """The data of the value at `offset`. Raises ParseError where it is not all there."""
    length = record.length
    if record.inline:
        if length > U32.size:
            raise cells.fail(offset, "at most four bytes of data inside a value", f"{length}")
        return U32.pack(record.data)[:length]
    if length == 0:
        return b""
    capacity = cells.capacity(record.data, "the data of a value")
    if not claim(record.data):
        raise cells.fail(record.data, "data of one value only", "another's")
    # A plain cell however long: hivex writes such, Windows 2000 did. A db record is too short for its value.
    if length <= SEGMENT or capacity >= length:
        return cells.body(record.data, "the data of a value", length)
    parts: list[bytes] = []
    for cell, part in segments(cells, record.data, length, claim):
        parts.append(cells.body(cell, "a segment of big data", part))
    return b"".join(parts)


def segments(cells: Cells, offset: int, length: int, claim: Claim) -> list[tuple[int, int]]:
    """The segments of the big data at `offset`: cell offset, bytes of the value in it."""
    signature, count, entries = DB.unpack(cells.body(offset, "a big data record (db)", DB.size))
    wanted = -(-length // SEGMENT)
    if signature != b"db" or count != wanted:
        raise cells.fail(offset, f"big data (db) of {wanted} segments", f"{signature!r} of {count}")
    if not claim(entries):
        raise cells.fail(entries, "a list of segments of one value only", "another's")
    listed = struct.unpack(f"<{count}I", cells.body(entries, "a list of segments", count * U32.size))
    if len(set(listed)) < count or not all(map(claim, listed)):
        raise cells.fail(entries, "a list of segments of one value only, each once", "one again")
    return [(cell, min(SEGMENT, length - at * SEGMENT)) for at, cell in enumerate(listed)]
