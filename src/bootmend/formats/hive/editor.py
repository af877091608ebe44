"""Edits to a hive, in its own bytes: `HiveEditor`, then `finish` for the file to write back.

    check (refuse unsound, dirty, delta) -> edit cells in a bytearray -> sequence numbers, time, checksum

Every byte that an edit does not need stays what it was; with no edit made, `finish` gives the
very bytes that came in. Both sequence numbers become one more than any in the hive or its logs,
so that Windows ignores the old logs.
"""

from __future__ import annotations

from bootmend.errors import Missing, Misuse, Refused
from bootmend.formats.hive.baseblock import BASE_SIZE, FIRST_BIN_TIME, BaseBlock, next_sequence, stamp
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.check import check
from bootmend.formats.hive.content import Content
from bootmend.formats.hive.index import SubkeyIndex
from bootmend.formats.hive.names import fold
from bootmend.formats.hive.nodes import Nodes
from bootmend.formats.hive.records import NK_WRITTEN
from bootmend.formats.hive.space import Space
from bootmend.formats.hive.tree import MAX_DEPTH
from bootmend.formats.hive.values import filetime
from bootmend.texts import say

LONGEST_KEY_NAME, LONGEST_VALUE_NAME = 255, 16383


class HiveEditor:
    """One hive being edited.

    Raises Refused for a hive that is dirty (`allow_dirty`), does not pass its check
    (`allow_unsound`) or is a delta hive; ParseError if it is no hive at all.
    `highest_sequence` is the highest sequence number in the hive's logs (`Recovery.highest_sequence`).
    """

    def __init__(
        self,
        data: bytes,
        file: str,
        *,
        highest_sequence: int = 0,
        allow_unsound: bool = False,
        allow_dirty: bool = False,
    ) -> None:
        base = BaseBlock.parse(data, file)
        report = check(data, file)
        if report.layered_keys:
            raise Refused(say("hive.delta", file=file))
        if base.dirty and not allow_dirty:
            raise Refused(say("hive.dirty", file=file), say("hive.dirty_next"))
        # A wrong checksum alone is what a dirty hive may have; finish() makes it right.
        faults = report.error_count - (0 if base.checksum_right else 1)
        if faults and not allow_unsound:
            raise Refused(say("hive.unsound", file=file, fault=report.errors[-1], count=faults))
        self.file = file
        self._original = bytes(data)
        self._base = base
        self._highest = highest_sequence
        self._cells = Cells(bytearray(data), file, min(base.size, max(len(data) - BASE_SIZE, 0)))
        space = Space(self._cells, sound=not faults)
        index = SubkeyIndex(self._cells, space, b"lh" if base.minor >= 5 else b"lf", sound=not faults)
        self._nodes = Nodes(self._cells, space, index, Content(self._cells, space, base.minor))
        self._root = base.root
        self._places: dict[str, int] = {"": base.root}
        self._touched: set[int] = set()

    def set_value(self, path: str, name: str, type: int, data: bytes) -> None:  # noqa: A002
        """Set a value of an existing key; Missing if there is no such key. The same again changes nothing."""
        if len(name) > LONGEST_VALUE_NAME:
            raise Misuse(f"{self.file}: a value name of {len(name)} characters is too long")
        key = self._place(path)
        if key is None:
            raise Missing(f"{self.file}: there is no key {path}")
        if self._nodes.set_value(key, name, type, data):
            self._touched.add(key)

    def delete_value(self, path: str, name: str) -> bool:
        """Whether there was such a value (and key)."""
        key = self._place(path)
        if key is None or not self._nodes.delete_value(key, name):
            return False
        self._touched.add(key)
        return True

    def create_key(self, path: str) -> None:
        """Create the key at `path` and those above it, as far as they are missing."""
        parts = _parts(path)
        if len(parts) > MAX_DEPTH:
            raise Misuse(f"{self.file}: {len(parts)} levels of keys are too many")
        key = self._root
        for at, part in enumerate(parts):
            below = self._place("\\".join(parts[: at + 1]))
            if below is None:
                if len(part) > LONGEST_KEY_NAME or "\0" in part:
                    raise Misuse(f"{self.file}: {part[:80]!r} cannot be a key's name")
                below = self._nodes.create_key(key, part)
                self._touched |= {key, below}
            key = below

    def delete_key(self, path: str) -> bool:
        """Delete the key with everything below it; whether there was one."""
        parts = _parts(path)
        if not parts:
            raise Misuse(f"{self.file}: the root key cannot be deleted")
        key = self._place(path)
        parent = self._place("\\".join(parts[:-1]))
        if key is None or parent is None:
            return False
        self._touched -= self._nodes.delete_key(parent, key)
        self._touched.add(parent)
        self._places = {"": self._root}
        return True

    def finish(self, now: int | None = None) -> bytes:
        """The edited hive; `now` is the FILETIME its changed keys and base block get."""
        if not self._touched:
            return self._original
        moment = filetime() if now is None else now
        data = self._cells.data
        assert isinstance(data, bytearray)
        for key in self._touched:
            self._cells.put(key, NK_WRITTEN, moment.to_bytes(8, "little"))
        if int.from_bytes(data[FIRST_BIN_TIME : FIRST_BIN_TIME + 8], "little") == self._base.timestamp:
            data[FIRST_BIN_TIME : FIRST_BIN_TIME + 8] = moment.to_bytes(8, "little")
        sequence = next_sequence(*self._base.sequences, self._highest)
        grown = self._cells.size if self._cells.size > self._base.size else None
        stamp(data, sequence=sequence, timestamp=moment, size=grown)
        return bytes(data)

    def _place(self, path: str) -> int | None:
        """The cell of the key at `path`; None if there is none."""
        parts = [fold(part) for part in _parts(path)]
        known = len(parts)
        while (key := self._places.get("\\".join(parts[:known]))) is None:
            known -= 1
        for at in range(known, len(parts)):
            below = self._nodes.index.find(key, parts[at])
            if below is None:
                return None
            key = self._places["\\".join(parts[: at + 1])] = below
        return key


def _parts(path: str) -> list[str]:
    return [part for part in path.split("\\") if part]
