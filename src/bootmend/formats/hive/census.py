"""Every key and value of a hive counted and checked, each of their cells claimed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bootmend.errors import ParseError
from bootmend.formats.hive.baseblock import NONE
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.lists import Fault, leaves, segments
from bootmend.formats.hive.names import fold, hash_of, hint_of
from bootmend.formats.hive.records import LAYER_BITS, SEGMENT, KeyNode, ValueRecord
from bootmend.formats.hive.tree import MAX_DEPTH

NO_CELL, IN_USE, CLAIMED = 0, 1, 2


class Census:
    """Walks the tree of a hive; what it finds stands in its fields."""

    def __init__(self, cells: Cells, marks: bytearray, fault: Fault, note: Callable[[str], None]) -> None:
        self.cells = cells
        self.marks = marks
        """One of NO_CELL, IN_USE, CLAIMED for each 8 bytes of hive bins, where a cell may start."""
        self.fault = fault
        self.note = note
        self.keys = 0
        self.values = 0
        self.layered_keys = 0
        self.security: dict[int, int] = {}
        """sk cell: keys that point at it."""

    def count(self, root: int) -> None:
        """Walk the tree from the root key's cell."""
        todo: list[tuple[int, int, int]] = [(root, NONE, 0)]
        while todo:
            offset, parent, depth = todo.pop()
            try:
                self._claim(offset, "a key (nk)")
                node, name = self.cells.key(offset)
            except ParseError as error:
                self.fault(error)
                continue
            self.keys += 1
            if parent not in (NONE, node.parent):
                self.fault(self.cells.fail(offset + 20, f"the parent {parent:#x}", f"{node.parent:#x}"))
            if parent != NONE and (not name or "\\" in name):
                self.fault(self.cells.fail(offset, "a key name without a backslash", repr(name)))
            self.layered_keys += 1 if node.access & LAYER_BITS else 0
            self._key(offset, node)
            if depth == MAX_DEPTH and node.subkey_count:
                self.fault(self.cells.fail(offset, f"at most {MAX_DEPTH} levels of keys", "more"))
            elif node.subkey_count:
                todo += [(subkey, offset, depth + 1) for subkey in self._subkeys(offset, node)]

    def claim_all(self, cells: Iterable[int], what: str) -> None:
        for cell in cells:
            try:
                self._claim(cell, what)
            except ParseError as error:
                self.fault(error)

    def _claim(self, cell: int, what: str) -> None:
        """Take a cell for the one that points at it. Raises ParseError if it is none, or another's."""
        if not self._try_claim(cell):
            inside = not cell & 7 and cell >> 3 < len(self.marks)
            twice = inside and self.marks[cell >> 3] == CLAIMED
            raise self.cells.fail(cell, what, "a cell that is used twice" if twice else "no cell in use")

    def _try_claim(self, cell: int) -> bool:
        at = cell >> 3
        if cell & 7 or at >= len(self.marks) or self.marks[at] != IN_USE:
            return False
        self.marks[at] = CLAIMED
        return True

    def _key(self, offset: int, node: KeyNode) -> None:
        self.security[node.security] = self.security.get(node.security, 0) + 1
        try:
            if node.class_length and node.class_name != NONE:
                self._claim(node.class_name, "a class name")
                self.cells.body(node.class_name, "a class name", node.class_length)
        except ParseError as error:
            self.fault(error)
        try:
            if node.value_count:
                self._values(offset, node)
        except ParseError as error:
            self.fault(error)

    def _subkeys(self, key: int, node: KeyNode) -> list[int]:
        """The key's subkeys, its lists checked for count, order, hashes and hints."""
        found: list[int] = []
        last: str | None = None
        longest = 0
        for leaf, signature, offsets, marks in leaves(self.cells, node.subkeys, self._try_claim, self.fault):
            for at, subkey in enumerate(offsets):
                try:
                    name = self.cells.key(subkey)[1]
                except ParseError as error:
                    self.fault(error)
                    continue
                found.append(subkey)
                folded = fold(name)
                longest = max(longest, len(name))
                if last is not None and folded <= last:
                    kind = "the duplicate" if folded == last else "the wrong order at"
                    self.fault(self.cells.fail(leaf, "subkeys in order, each name once", f"{kind} {name!r}"))
                last = folded
                if signature == b"lh" and marks[at] != hash_of(folded):
                    self.fault(self.cells.fail(leaf, f"the hash of {name!r}", f"{marks[at]:#x}"))
                elif signature == b"lf" and marks[at] != int.from_bytes(hint_of(name), "little"):
                    self.fault(self.cells.fail(leaf, f"the hint for {name!r}", f"{marks[at]:#x}"))
        if len(found) != node.subkey_count:
            self.fault(self.cells.fail(key + 24, f"{node.subkey_count} subkeys", f"{len(found)} in the lists"))
        if longest * 2 > node.max_name & 0xFFFF:
            self.note(f"the key at {key:#x} keeps a longest subkey name shorter than {longest * 2} bytes")
        return found

    def _values(self, key: int, node: KeyNode) -> None:
        cells = self.cells
        self._claim(node.values, "a list of values")
        body = cells.body(node.values, "a list of values", node.value_count * 4)
        names: set[str] = set()
        longest = largest = 0
        for at in range(0, len(body), 4):
            offset = int.from_bytes(body[at : at + 4], "little")
            try:
                self._claim(offset, "a value (vk)")
                record, name = cells.value(offset)
                self._data(offset, record)
            except ParseError as error:
                self.fault(error)
                continue
            self.values += 1
            folded = fold(name)
            if folded in names:
                self.fault(cells.fail(offset, "each value name once in a key", f"the duplicate {name!r}"))
            names.add(folded)
            longest = max(longest, len(name) * 2)
            largest = max(largest, record.length)
        if longest > node.max_value_name or largest > node.max_value_data:
            self.note(f"the key at {key:#x} keeps maxima smaller than its values ({longest}, {largest} bytes)")

    def _data(self, offset: int, record: ValueRecord) -> None:
        cells, length = self.cells, record.length
        if record.inline and length > 4:
            raise cells.fail(offset, "at most four bytes of data inside a value", f"{length}")
        if record.inline or length == 0:
            return
        self._claim(record.data, "the data of a value")
        capacity = cells.capacity(record.data, "the data of a value")
        if capacity >= length:
            return
        if length <= SEGMENT:
            raise cells.fail(record.data, f"{length} bytes of data", f"a cell with room for {capacity}")
        for cell, part in segments(cells, record.data, length, self._try_claim):
            cells.body(cell, "a segment of big data", part)
