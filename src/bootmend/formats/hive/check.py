"""The full structural check of a hive: every key, list, value and cell, once.

    base block -> hive bins and their cells -> the tree (census.py) -> the ring of security cells (ring.py)

An error is what makes Windows or a careful reader refuse part of the hive; a note is what both
live with (a maximum kept too small, a cell nobody points at). Time and memory are bounded by
the size of the hive: each cell is claimed by the first that points at it, and a second claim is
an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootmend.errors import ParseError
from bootmend.formats.hive.baseblock import BASE_SIZE, PAGE, BaseBlock
from bootmend.formats.hive.bins import walk_bins, walk_cells
from bootmend.formats.hive.cells import Cells, describe
from bootmend.formats.hive.census import IN_USE, Census
from bootmend.formats.hive.ring import check_ring

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
    there = max(len(data) - BASE_SIZE, 0)
    report.dirty = base.dirty
    report.trailing_bytes = max(there - base.size, 0)
    cells = Cells(data, file, min(base.size, there))
    _check_base(base, cells, report)

    marks = _walk(cells, report)
    census = Census(cells, marks, report.fault, report.note)
    census.count(base.root)
    census.claim_all(check_ring(cells, census.security, report.fault, report.note), "a security cell (sk)")
    report.keys, report.values = census.keys, census.values
    report.layered_keys = census.layered_keys if base.minor >= 6 else 0
    at = marks.find(IN_USE)
    while at >= 0:
        report.leaked_cells += 1
        report.leaked_bytes += cells.capacity(at << 3, "a leaked cell") + 4
        at = marks.find(IN_USE, at + 1)
    return report


def _check_base(base: BaseBlock, cells: Cells, report: CheckReport) -> None:
    first, second = base.sequences
    if first != second:
        report.note(f"the hive is dirty: sequence numbers {first} and {second}")
    for right, place, expected, found in (
        (base.checksum_right, 508, "the right checksum of the base block", None),
        (base.type == 0, 28, "a hive (type 0)", f"type {base.type}"),
        (base.major == 1 and 1 <= base.minor <= 6, 20, "version 1.1 to 1.6", f"{base.major}.{base.minor}"),
        (base.size and base.size % PAGE == 0, 40, "hive bins in whole pages", f"{base.size:#x} bytes"),
        (base.size <= cells.size, 40, f"{base.size:#x} bytes of hive bins", "a truncated file"),
    ):
        if not right:
            report.fault(ParseError(cells.file, place, expected, found))


def _walk(cells: Cells, report: CheckReport) -> bytearray:
    """Where cells in use start: a mark for each 8 bytes of hive bins. Cells are counted."""
    marks = bytearray(cells.size // 8)
    try:
        for start, length in walk_bins(cells.data, cells.file, cells.size):
            try:
                for offset, size in walk_cells(cells.data, cells.file, start, length):
                    if size < 0:
                        marks[offset >> 3] = IN_USE
                        report.cells += 1
                    else:
                        report.free_cells += 1
                        report.free_bytes += size
            except ParseError as error:
                report.fault(error)
    except ParseError as error:
        report.fault(error)
    return marks
