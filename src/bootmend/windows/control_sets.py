"""Which control set Windows starts with next.

Source: Microsoft's registry reference for Windows Server 2003, "Select": its values record which control
set started the system this time (`Current`), which will start it next time (`Default`), and which one
failed. They nearly always agree. A disk is read for its next start, so Default decides, and Current only
where there is no Default.
"""

from __future__ import annotations

from bootmend.errors import ParseError
from bootmend.formats.hive import Hive

NEXT, LAST = "Default", "Current"
"""Values of Select."""


def named_by(hive: Hive, value: str) -> str:
    """The control set that a value of `Select` names (ControlSet001), there or not; empty where it names none."""
    select = hive.key("Select")
    found = select.value(value) if select is not None else None
    return f"ControlSet{found.number:03d}" if found is not None and len(found.data) == 4 and found.number else ""


def next_control_set(hive: Hive) -> str:
    """The set of the next start; it must exist, else ParseError."""
    word = NEXT if named_by(hive, NEXT) else LAST
    name = named_by(hive, word)
    if not name:
        raise ParseError(hive.file, 0, f"a value {NEXT} or {LAST} of four bytes, not 0, under the key Select")
    if hive.key(name) is None:
        raise ParseError(hive.file, 0, f"a key {name}, which Select\\{word} names")
    return name
