"""The full structural check of a hive: every key, list, value and cell, once.

An error is what makes Windows or a careful reader refuse part of the hive; a note is what both
live with (a maximum kept too small, bytes nobody points at). Time and memory are bounded by
the number of cells: each is claimed by the first that points at it, and a second claim is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootmend.errors import ParseError
from bootmend.formats.hive.baseblock import BASE_SIZE, NONE, PAGE, BaseBlock
from bootmend.formats.hive.bins import walk_bins, walk_cells
from bootmend.formats.hive.cells import Cells, describe
from bootmend.formats.hive.lists import read_list, segments
from bootmend.formats.hive.names import fold, hash_of, hint_of
from bootmend.formats.hive.records import LAYER_BITS, SEGMENT, KeyNode, ValueRecord
from bootmend.formats.hive.ring import check_ring
from bootmend.formats.hive.tree import MAX_DEPTH

MOST = 200
"""Messages kept; `error_count` counts on."""


@dataclass(slots=True)
class CheckReport:
    """What the check found; sizes in bytes."""

    errors: list[str] = field(default_factory=list)
    """The first 200, in words."""
    error_count: int = 0
    notes: list[str] = field(default_factory=list)
    keys: int = 0
    """With the root."""
    values: int = 0
    cells: int = 0
    """In use."""
    leaked_cells: int = 0
    """In use, but nothing points at them."""
    leaked_bytes: int = 0
    free_cells: int = 0
    free_bytes: int = 0
    trailing_bytes: int = 0
    """Behind the last hive bin."""
    dirty: bool = False
    layered_keys: int = 0
    """Keys with the marks of a delta hive."""

    @property
    def sound(self) -> bool:
        return self.error_count == 0

    def fault(self, error: ParseError) -> None:
        self.error_count += 1
        if len(self.errors) < MOST:
            self.errors.append(describe(error))

    def note(self, text: str) -> None:
        if len(self.notes) < MOST:
            self.notes.append(text)


def check(data: bytes | bytearray, file: str) -> CheckReport:
    """Check a whole hive. Never raises for what is wrong inside; no base block at all is an error in the report."""
    report = CheckReport()
    try:
        base = BaseBlock.parse(data, file)
    except ParseError as error:
        report.fault(error)
        return report
    _Check(data, file, base, report).run()
    return report


class _Check:
    def __init__(self, data: bytes | bytearray, file: str, base: BaseBlock, report: CheckReport) -> None:
        self.data = data
        self.base = base
        self.report = report
        self.cells = Cells(data, file, min(base.size, max(len(data) - BASE_SIZE, 0)))
        self.lengths: dict[int, int] = {}
        """Cells in use: bytes each body has room for."""
        self.claimed: set[int] = set()
        self.security: dict[int, int] = {}
        """sk cell: keys that point at it."""

    def run(self) -> None:
        report, base = self.report, self.base
        report.dirty = base.dirty
        report.trailing_bytes = max(len(self.data) - BASE_SIZE - base.size, 0)
        self._base_block()
        self._all_cells()
        self._tree()
        self._claim_ring()
        leaked = [cell for cell in self.lengths if cell not in self.claimed]
        report.cells = len(self.lengths)
        report.leaked_cells = len(leaked)
        report.leaked_bytes = sum(self.lengths[cell] + 4 for cell in leaked)

    def _base_block(self) -> None:
        base, fail = self.base, self.cells.fail
        if not base.checksum_right:
            self.report.fault(fail(508 - BASE_SIZE, "the right checksum of the base block"))
        if base.sequences[0] != base.sequences[1]:
            self.report.note(f"the hive is dirty: sequence numbers {base.sequences[0]} and {base.sequences[1]}")
        if base.type != 0:
            self.report.fault(fail(28 - BASE_SIZE, "a hive (type 0)", f"type {base.type}"))
        if base.major != 1 or not 1 <= base.minor <= 6:
            self.report.fault(fail(20 - BASE_SIZE, "version 1.1 to 1.6", f"{base.major}.{base.minor}"))
        if base.size == 0 or base.size % PAGE:
            self.report.fault(fail(40 - BASE_SIZE, "hive bins in whole pages", f"{base.size:#x} bytes"))
        if base.size > self.cells.size:
            self.report.fault(fail(40 - BASE_SIZE, f"{base.size:#x} bytes of hive bins", "a truncated file"))

    def _all_cells(self) -> None:
        data, file, report, lengths = self.data, self.cells.file, self.report, self.lengths
        try:
            for start, length in walk_bins(data, file, self.cells.size):
                try:
                    for offset, size in walk_cells(data, file, start, length):
                        if size < 0:
                            lengths[offset] = -size - 4
                        else:
                            report.free_cells += 1
                            report.free_bytes += size
                except ParseError as error:
                    report.fault(error)
        except ParseError as error:
            report.fault(error)

    def _claim(self, cell: int, what: str) -> None:
        """Take a cell for the one that points at it. Raises ParseError if it is none, or another's."""
        if cell not in self.lengths:
            raise self.cells.fail(cell, what, "no cell in use")
        if cell in self.claimed:
            raise self.cells.fail(cell, what, "a cell that is used twice")
        self.claimed.add(cell)

    def _tree(self) -> None:
        todo: list[tuple[int, int, int]] = [(self.base.root, NONE, 0)]
        while todo:
            offset, parent, depth = todo.pop()
            try:
                self._claim(offset, "a key (nk)")
                node, name = self.cells.key(offset)
            except ParseError as error:
                self.report.fault(error)
                continue
            self.report.keys += 1
            if parent not in (NONE, node.parent):
                self.report.fault(self.cells.fail(offset + 20, f"the parent {parent:#x}", f"{node.parent:#x}"))
            if parent != NONE and (not name or "\\" in name):
                self.report.fault(self.cells.fail(offset, "a key name without a backslash", repr(name)))
            if node.access & LAYER_BITS and self.base.minor >= 6:
                self.report.layered_keys += 1
            self._key(offset, node)
            if depth == MAX_DEPTH and node.subkey_count:
                self.report.fault(self.cells.fail(offset, f"at most {MAX_DEPTH} levels of keys"))
            else:
                todo += [(subkey, offset, depth + 1) for subkey in self._subkeys(offset, node)]

    def _key(self, offset: int, node: KeyNode) -> None:
        self.security[node.security] = self.security.get(node.security, 0) + 1
        if node.class_length and node.class_name != NONE:
            try:
                self._claim(node.class_name, "a class name")
                self.cells.body(node.class_name, "a class name", node.class_length)
            except ParseError as error:
                self.report.fault(error)
        try:
            self._values(offset, node)
        except ParseError as error:
            self.report.fault(error)

    def _subkeys(self, key: int, node: KeyNode) -> list[int]:
        """The key's subkeys, its lists checked for count, order, hashes and hints."""
        if node.subkey_count == 0:
            return []
        found: list[int] = []
        last = ""
        longest = 0
        for leaf in self._leaves(node.subkeys):
            try:
                self._claim(leaf, "a list of subkeys (lf, lh, li)")
                signature, offsets, marks = read_list(self.cells, leaf, self.report.fault)
            except ParseError as error:
                self.report.fault(error)
                continue
            for at, subkey in enumerate(offsets):
                try:
                    name = self.cells.key(subkey)[1]
                except ParseError as error:
                    self.report.fault(error)
                    continue
                found.append(subkey)
                folded = fold(name)
                longest = max(longest, len(name))
                if folded <= last and len(found) > 1:
                    kind = "the duplicate" if folded == last else "the wrong order at"
                    self.report.fault(self.cells.fail(leaf, "subkeys in order, each name once", f"{kind} {name!r}"))
                last = folded
                if signature == b"lh" and marks[at] != hash_of(folded):
                    self.report.fault(self.cells.fail(leaf, f"the hash of {name!r}", f"{marks[at]:#x}"))
                elif signature == b"lf" and marks[at] != int.from_bytes(hint_of(name), "little"):
                    self.report.fault(self.cells.fail(leaf, f"the hint for {name!r}", f"{marks[at]:#x}"))
        if len(found) != node.subkey_count:
            self.report.fault(self.cells.fail(key + 24, f"{node.subkey_count} subkeys", f"{len(found)} in the lists"))
        if longest * 2 > node.max_name & 0xFFFF:
            self.report.note(f"the key at {key:#x} keeps a longest subkey name shorter than {longest * 2} bytes")
        return found

    def _leaves(self, offset: int) -> list[int]:
        try:
            signature, leaves, _ = read_list(self.cells, offset, self.report.fault)
            if signature != b"ri":
                return [offset]
            self._claim(offset, "a list of lists (ri)")
        except ParseError as error:
            self.report.fault(error)
            return []
        return leaves

    def _values(self, key: int, node: KeyNode) -> None:
        if node.value_count == 0:
            return
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
                self.report.fault(error)
                continue
            self.report.values += 1
            folded = fold(name)
            if folded in names:
                self.report.fault(cells.fail(offset, "each value name once in a key", f"the duplicate {name!r}"))
            names.add(folded)
            longest = max(longest, len(name) * 2)
            largest = max(largest, record.length)
        if longest > node.max_value_name or largest > node.max_value_data:
            self.report.note(f"the key at {key:#x} keeps maxima smaller than its values ({longest}, {largest} bytes)")

    def _data(self, offset: int, record: ValueRecord) -> None:
        cells, length = self.cells, record.length
        if record.inline:
            if length > 4:
                raise cells.fail(offset, "at most four bytes of data inside a value", f"{length}")
            return
        if length == 0:
            return
        self._claim(record.data, "the data of a value")
        capacity = self.lengths[record.data]
        if capacity >= length:
            return
        if length <= SEGMENT:
            raise cells.fail(record.data, f"{length} bytes of data", f"a cell with room for {capacity}")
        parts = segments(cells, record.data, length)
        self._claim(int.from_bytes(cells.body(record.data, "big data (db)", 8)[4:], "little"), "a list of segments")
        for cell, part in parts:
            self._claim(cell, "a segment of big data")
            cells.body(cell, "a segment of big data", part)

    def _claim_ring(self) -> None:
        for cell in check_ring(self.cells, self.security, self.report.fault, self.report.note):
            try:
                self._claim(cell, "a security cell (sk)")
            except ParseError as error:
                self.report.fault(error)
