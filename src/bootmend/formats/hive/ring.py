"""The security cells: one ring of all of them, and in each the number of keys that use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bootmend.errors import ParseError
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.lists import Fault


def check_ring(cells: Cells, used: Mapping[int, int], fault: Fault, note: Callable[[str], None]) -> list[int]:
    """The security cells of a hive whose keys point at `used` (cell: number of keys), each once.

    The ring is followed from the first of them; links that do not fit, cells outside the ring and
    wrong counts are faults.
    """
    ring: dict[int, int] = {}
    try:
        _follow(cells, next(iter(used), -1), ring)
    except ParseError as error:
        fault(error)
    for cell, keys in used.items():
        try:
            references = ring[cell] if cell in ring else cells.security(cell).references
        except ParseError as error:
            fault(error)
            continue
        if cell not in ring:
            ring[cell] = references
            fault(cells.fail(cell, "a security cell (sk) in the ring of all"))
        if references != keys:
            fault(cells.fail(cell + 16, f"a security cell (sk) that counts its {keys} keys", f"the count {references}"))
    for cell, references in ring.items():
        if cell not in used:
            note(f"no key uses the security cell at {cell:#x}, which counts {references}")
    return list(ring)


def _follow(cells: Cells, first: int, ring: dict[int, int]) -> None:
    """Fill `ring` with cell: reference count, going forward from `first` until it closes."""
    if first < 0:
        return
    cell = first
    record = cells.security(cell)
    while cell not in ring:
        ring[cell] = record.references
        following = cells.security(record.forward)
        if following.backward != cell:
            raise cells.fail(
                record.forward + 12, f"the security cell (sk) before it, {cell:#x}", f"{following.backward:#x}"
            )
        cell, record = record.forward, following
    if cell != first:
        raise cells.fail(cell, "a ring of security cells (sk)", "a knot")
