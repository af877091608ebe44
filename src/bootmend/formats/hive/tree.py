"""A hive to read: `Hive.parse`, then keys and values as they are asked for.

Nothing is read before it is asked for, so a look-up in a SYSTEM hive of 12 MB touches a few
hundred cells. What is broken is left out and named in `Hive.warnings`; a cell is read for the
first that points at it and for nobody else, so cycles and shared cells end there.
"""

from __future__ import annotations

from functools import partial

from bootmend.errors import ParseError
from bootmend.formats.hive.baseblock import BASE_SIZE, NONE, PAGE, TYPE_NEW_LOG, TYPE_OLD_LOGS, BaseBlock
from bootmend.formats.hive.cells import Cells, describe
from bootmend.formats.hive.lists import subkey_offsets, value_data, value_offsets
from bootmend.formats.hive.names import fold
from bootmend.formats.hive.records import KeyNode
from bootmend.formats.hive.values import Value

MAX_DEPTH = 512
"""Levels of keys Windows allows."""
MAX_WARNINGS = 200


class Hive:
    """A registry hive; made by `Hive.parse`. Never writes."""

    def __init__(self, base: BaseBlock, cells: Cells) -> None:
        self.file = cells.file
        self.base = base
        self.cells = cells
        self.warnings: list[str] = []
        self._owners: dict[int, int] = {}
        self._subkeys: dict[int, list[Key]] = {}
        self._by_name: dict[int, dict[str, Key]] = {}
        self._owners[base.root] = NONE
        self.root = Key(self, base.root, cells.key(base.root), None)

    @classmethod
    def parse(cls, data: bytes, file: str) -> Hive:
        """The hive in `data`; `file` is what errors call it.

        Raises ParseError if it is no hive at all: no base block, a log, no root key.
        """
        base = BaseBlock.parse(data, file)
        if base.type in (*TYPE_OLD_LOGS, TYPE_NEW_LOG):
            raise ParseError(file, 28, "a hive (type 0)", f"a transaction log (type {base.type})")
        there = max(len(data) - BASE_SIZE, 0)
        size = min(base.size, there)
        hive = cls(base, Cells(data, file, size))
        if not base.checksum_right:
            hive.warn("the checksum of the base block is wrong: the hive is dirty, or damaged")
        elif base.dirty:
            first, second = base.sequences
            hive.warn(f"the hive is dirty: sequence numbers {first} and {second}; its logs hold later changes")
        if base.size > there:
            hive.warn(f"the file is truncated: {base.size} bytes of hive bins announced, {there} there")
        if base.size % PAGE or base.size == 0:
            hive.warn(f"the size of the hive bins, {base.size}, is no multiple of {PAGE}")
        if (base.major, base.minor) not in ((1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6)):
            hive.warn(f"version {base.major}.{base.minor} is not known")
        return hive

    @property
    def dirty(self) -> bool:
        """Later changes stand in the logs (or stood there): `recover` brings the hive up to date."""
        return self.base.dirty

    @property
    def minor(self) -> int:
        return self.base.minor

    @property
    def sequences(self) -> tuple[int, int]:
        return self.base.sequences

    @property
    def timestamp(self) -> int:
        """FILETIME of the last flush."""
        return self.base.timestamp

    def key(self, path: str) -> Key | None:
        """The key at `path` below the root, without regard to case; "" is the root."""
        return self.root.key(path)

    def warn(self, text: str) -> None:
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)
        elif len(self.warnings) == MAX_WARNINGS:
            self.warnings.append("and more: the list of warnings is cut here")

    def fault(self, error: ParseError) -> None:
        self.warn(describe(error))

    def claim(self, cell: int, owner: int) -> bool:
        """Whether `cell` is `owner`'s: true for the first that asks, and for that one ever after."""
        return self._owners.setdefault(cell, owner) == owner

    def subkeys_of(self, key: Key) -> list[Key]:
        """Each key once, in the order of the list; a key's own list is read once."""
        known = self._subkeys.get(key.offset)
        if known is None:
            known = self._subkeys[key.offset] = self._read_subkeys(key)
        return known

    def subkey_named(self, key: Key, folded: str) -> Key | None:
        names = self._by_name.get(key.offset)
        if names is None:
            names = {}
            for subkey in self.subkeys_of(key):
                names.setdefault(fold(subkey.name), subkey)
            self._by_name[key.offset] = names
        return names.get(folded)

    def _read_subkeys(self, key: Key) -> list[Key]:
        keys: list[Key] = []
        names: set[str] = set()
        offsets = subkey_offsets(self.cells, key.node, partial(self.claim, owner=key.offset), self.fault)
        if offsets and key.depth >= MAX_DEPTH:
            self.warn(f"keys below {key.path[:80]!r} are more than {MAX_DEPTH} levels deep and left out")
            return []
        for offset in offsets:
            try:
                node, name = self.cells.key(offset)
            except ParseError as error:
                self.fault(error)
                continue
            if offset in self._owners:
                self.fault(self.cells.fail(offset, "a key that stands in one list only, once", f"{name!r} again"))
                continue
            self._owners[offset] = key.offset
            if node.parent != key.offset:
                self.fault(self.cells.fail(offset + 20, f"the parent {key.offset:#x}", f"{node.parent:#x}"))
            if not name or "\\" in name:
                self.fault(self.cells.fail(offset, "a key name without a backslash", repr(name)))
            folded = fold(name)
            if folded in names:
                self.fault(self.cells.fail(offset, "each name once in a key", f"the duplicate {name!r}"))
            names.add(folded)
            keys.append(Key(self, offset, (node, name), key))
        return keys


class Key:
    """A key of a hive."""

    __slots__ = ("above", "depth", "hive", "name", "node", "offset")

    def __init__(self, hive: Hive, offset: int, record: tuple[KeyNode, str], above: Key | None) -> None:
        self.hive = hive
        self.offset = offset
        """Of its cell, from the first hive bin."""
        self.node, self.name = record
        self.above = above
        """The key it was reached from; None for the root."""
        self.depth: int = above.depth + 1 if above else 0

    def __repr__(self) -> str:
        return f"Key({self.path!r})"

    @property
    def path(self) -> str:
        """From the root, without the root's own name, with backslashes; "" for the root."""
        parts: list[str] = []
        key = self
        while key.above is not None:
            parts.append(key.name)
            key = key.above
        return "\\".join(reversed(parts))

    @property
    def written(self) -> int:
        """FILETIME of the last change."""
        return self.node.written

    @property
    def class_name(self) -> str | None:
        """The class, or None where there is none (or it cannot be read)."""
        if self.node.class_length == 0 or self.node.class_name == NONE:
            return None
        try:
            data = self.hive.cells.body(self.node.class_name, "a class name", self.node.class_length)
        except ParseError as error:
            self.hive.fault(error)
            return None
        return data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")

    def subkeys(self) -> list[Key]:
        return list(self.hive.subkeys_of(self))

    def key(self, path: str) -> Key | None:
        """The key at `path` below this one, without regard to case; None if there is none."""
        key: Key | None = self
        for part in path.split("\\"):
            if key is not None and part:
                key = self.hive.subkey_named(key, fold(part))
        return key

    def values(self) -> list[Value]:
        return list(self._values(None))

    def value(self, name: str) -> Value | None:
        """The value of that name without regard to case ("" is the default value); None if there is none."""
        return next(iter(self._values(fold(name))), None)

    def _values(self, wanted: str | None) -> list[Value]:
        """All values, or the first whose folded name is `wanted`."""
        hive, cells = self.hive, self.hive.cells
        found: list[Value] = []
        seen: set[int] = set()
        for offset in value_offsets(cells, self.node, partial(hive.claim, owner=self.offset), hive.fault):
            try:
                record, name = cells.value(offset)
                if wanted is not None and fold(name) != wanted:
                    continue
                if offset in seen or not hive.claim(offset, self.offset):
                    raise cells.fail(offset, "a value that stands in one list only, once", f"{name!r} again")
                seen.add(offset)
                data = value_data(cells, offset, record, partial(hive.claim, owner=offset))
            except ParseError as error:
                hive.fault(error)
                continue
            found.append(Value(name, record.type, data))
            if wanted is not None:
                break
        return found
