"""A key's list of subkeys, edited: found, inserted, removed, in the order Windows keeps.

    nk ── lf | lh | li                       up to 507 keys (1,013 where a list has the room already)
    nk ── ri ── lf | lh | li, lf | lh | li   more

A list keeps the type it has. New ones are `lh` since version 1.5, `lf` before, and never nested.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.formats.hive.baseblock import NONE
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.names import fold, hash_of, hint_of
from bootmend.formats.hive.records import ENTRY_SIZE, LIST_HEADER, NK_SUBKEY_COUNT, NK_SUBKEYS, U32
from bootmend.formats.hive.space import Space

LEAF_LIMIT = 507
"""Keys that fit a list of one page, hive bin and list headers taken off."""
ROOM_LIMIT = 1013
"""The longest list seen that Windows wrote itself, with its room."""
SPARE = 2
"""Entries a list that must move gets more than it needs, so that the next one need not move it."""


@dataclass(frozen=True, slots=True)
class _List:
    """A list cell, and the place that names it: byte `holder_at` in the body of cell `holder`."""

    offset: int
    holder: int
    holder_at: int
    above: _List | None
    """The ri that holds it; None where the key itself does."""
    signature: bytes
    count: int

    @property
    def entry(self) -> int:
        return ENTRY_SIZE[self.signature]


class SubkeyIndex:
    """The subkey lists of one hive. Where the hive is not `sound`, order is not relied on."""

    def __init__(self, cells: Cells, space: Space, new_signature: bytes, sound: bool) -> None:
        self.cells = cells
        self.space = space
        self.new_signature = new_signature
        self.sound = sound

    def find(self, key: int, folded: str) -> int | None:
        """The subkey of that folded name: the offset of its cell."""
        place = self._find(key, folded)
        return self._entry(*place) if place else None

    def insert(self, key: int, subkey: int, name: str) -> None:
        """Put a new subkey into its place; the key must not have one of that name."""
        node = self.cells.key(key)[0]
        if node.subkey_count == 0:
            leaf = self._create(self.new_signature, _entry_for(self.new_signature, subkey, name))
            self.cells.put_u32(key, NK_SUBKEYS, leaf)
        else:
            home = self._leaf_for(key, fold(name))
            self._insert(home, self._position(home, fold(name))[0], _entry_for(home.signature, subkey, name))
        self.cells.put_u32(key, NK_SUBKEY_COUNT, node.subkey_count + 1)

    def remove(self, key: int, folded: str) -> None:
        """Take the subkey of that folded name out of the lists; the last one takes the lists with it."""
        place = self._find(key, folded)
        if place:
            self._remove(*place)
            self.cells.put_u32(key, NK_SUBKEY_COUNT, self.cells.key(key)[0].subkey_count - 1)

    # Lists read

    def _find(self, key: int, folded: str) -> tuple[_List, int] | None:
        if self.cells.key(key)[0].subkey_count == 0:
            return None
        for leaf in [self._leaf_for(key, folded)] if self.sound else self._leaves(key):
            at, there = self._position(leaf, folded)
            if there:
                return leaf, at
        return None

    def _list(self, holder: int, holder_at: int, above: _List | None) -> _List:
        offset = self.cells.get_u32(holder, holder_at)
        signature, count = LIST_HEADER.unpack(self.cells.body(offset, "a list of subkeys", LIST_HEADER.size))
        if signature not in ENTRY_SIZE or (above and signature == b"ri"):
            raise self.cells.fail(offset, "a list of subkeys (lf, lh, li)", repr(signature))
        found = _List(offset, holder, holder_at, above, signature, count)
        if LIST_HEADER.size + count * found.entry > self.cells.capacity(offset, "a list of subkeys") or count == 0:
            raise self.cells.fail(offset, "a list of subkeys inside its cell, not empty", f"{count} entries")
        return found

    def _leaf(self, top: _List, at: int) -> _List:
        return self._list(top.offset, LIST_HEADER.size + at * top.entry, top)

    def _leaves(self, key: int) -> list[_List]:
        top = self._list(key, NK_SUBKEYS, None)
        return [self._leaf(top, at) for at in range(top.count)] if top.signature == b"ri" else [top]

    def _leaf_for(self, key: int, folded: str) -> _List:
        """The list that holds the name, or would: the first whose last name is not before it."""
        top = self._list(key, NK_SUBKEYS, None)
        if top.signature != b"ri":
            return top
        low, high = 0, top.count - 1
        while low < high:
            middle = (low + high) // 2
            leaf = self._leaf(top, middle)
            if self._name(leaf, leaf.count - 1) < folded:
                low = middle + 1
            else:
                high = middle
        return self._leaf(top, low)

    def _entry(self, leaf: _List, at: int) -> int:
        return self.cells.get_u32(leaf.offset, LIST_HEADER.size + at * leaf.entry)

    def _name(self, leaf: _List, at: int) -> str:
        return fold(self.cells.key(self._entry(leaf, at))[1])

    def _position(self, leaf: _List, folded: str) -> tuple[int, bool]:
        """Where the name stands in a list, or would; and whether it does."""
        if not self.sound:
            names = [self._name(leaf, at) for at in range(leaf.count)]
            if folded in names:
                return names.index(folded), True
            return next((at for at, name in enumerate(names) if name > folded), leaf.count), False
        low, high = 0, leaf.count
        while low < high:
            middle = (low + high) // 2
            name = self._name(leaf, middle)
            if name == folded:
                return middle, True
            if name < folded:
                low = middle + 1
            else:
                high = middle
        return low, False

    # Lists written

    def _entries(self, home: _List) -> bytes:
        return self.cells.body(home.offset, "a list of subkeys", LIST_HEADER.size + home.count * home.entry)[4:]

    def _create(self, signature: bytes, entries: bytes) -> int:
        entry = ENTRY_SIZE[signature]
        count = len(entries) // entry
        offset = self.space.allocate(LIST_HEADER.size + len(entries) + SPARE * entry)
        self.cells.put(offset, 0, LIST_HEADER.pack(signature, count) + entries)
        return offset

    def _insert(self, home: _List, at: int, entry: bytes) -> None:
        """One entry more in a list, at `at`: where it stands, in a longer cell, or in two lists."""
        entries = self._entries(home)
        cut = at * home.entry
        room = (self.cells.capacity(home.offset, "a list of subkeys") - LIST_HEADER.size) // home.entry
        if home.count < min(room, ROOM_LIMIT):
            self.cells.put(home.offset, 2, (home.count + 1).to_bytes(2, "little"))
            self.cells.put(home.offset, LIST_HEADER.size + cut, entry + entries[cut:])
            return
        entries = entries[:cut] + entry + entries[cut:]
        if home.count < LEAF_LIMIT or home.signature == b"ri":
            self.space.free(home.offset)
            self.cells.put_u32(home.holder, home.holder_at, self._create(home.signature, entries))
        else:
            self._split(home, entries)

    def _split(self, home: _List, entries: bytes) -> None:
        half = (home.count + 1) // 2 * home.entry
        self.space.free(home.offset)
        first = self._create(home.signature, entries[:half])
        second = self._create(home.signature, entries[half:])
        if home.above:
            self.cells.put_u32(home.holder, home.holder_at, first)
            at = (home.holder_at - LIST_HEADER.size) // home.above.entry
            self._insert(home.above, at + 1, U32.pack(second))
        else:
            top = self._create(b"ri", U32.pack(first) + U32.pack(second))
            self.cells.put_u32(home.holder, home.holder_at, top)

    def _remove(self, home: _List, at: int) -> None:
        if home.count > 1:
            entries = self._entries(home)
            self.cells.put(home.offset, LIST_HEADER.size + at * home.entry, entries[(at + 1) * home.entry :])
            self.cells.put(home.offset, 2, (home.count - 1).to_bytes(2, "little"))
            return
        self.space.free(home.offset)
        if home.above:
            self._remove(home.above, (home.holder_at - LIST_HEADER.size) // home.above.entry)
        else:
            self.cells.put_u32(home.holder, home.holder_at, NONE)


def _entry_for(signature: bytes, offset: int, name: str) -> bytes:
    if signature == b"lh":
        return U32.pack(offset) + U32.pack(hash_of(fold(name)))
    return U32.pack(offset) + (hint_of(name) if signature == b"lf" else b"")
