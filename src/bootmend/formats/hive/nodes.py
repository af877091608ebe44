"""Keys and values of a hive, created, changed and deleted cell by cell."""

from __future__ import annotations

from bootmend.errors import ParseError
from bootmend.formats.hive import records
from bootmend.formats.hive.baseblock import NONE
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.content import Content
from bootmend.formats.hive.index import SubkeyIndex
from bootmend.formats.hive.lists import subkey_offsets, value_data, value_offsets
from bootmend.formats.hive.names import encode_name, fold
from bootmend.formats.hive.records import NK, U32, VK, KeyNode, ValueRecord
from bootmend.formats.hive.space import Space

SPARE_VALUES = 2
"""Entries a list of values that must move gets more than it needs."""


def _anyone(_cell: int) -> bool:
    return True


def _raise(error: ParseError) -> None:
    raise error


class Nodes:
    """The keys of one hive by the offset of their cells. What is broken in the way raises ParseError."""

    def __init__(self, cells: Cells, space: Space, index: SubkeyIndex, content: Content) -> None:
        self.cells = cells
        self.space = space
        self.index = index
        self.content = content

    def set_value(self, key: int, name: str, kind: int, data: bytes) -> bool:
        """Whether anything had to be changed; `kind` is the value's type."""
        found = self._find_value(key, name)
        if found is None:
            self._add_value(key, name, kind, data)
        else:
            value, record = found
            if record.type == kind and value_data(self.cells, value, record, _anyone) == data:
                return False
            size, offset = self.content.replace(record, data)
            self.cells.put(value, 4, U32.pack(size) + U32.pack(offset) + U32.pack(kind))
        self._raise_maximum(key, records.NK_MAX_VALUE_NAME, len(name.encode("utf-16-le", "surrogatepass")))
        self._raise_maximum(key, records.NK_MAX_VALUE_DATA, len(data))
        return True

    def delete_value(self, key: int, name: str) -> bool:
        """Whether there was one."""
        found = self._find_value(key, name)
        if found is None:
            return False
        value, record = found
        node = self.cells.key(key)[0]
        offsets = self._values(node)
        offsets.remove(value)
        self.content.free(record)
        self.space.free(value)
        self.cells.put_u32(key, records.NK_VALUE_COUNT, len(offsets))
        if offsets:
            self.cells.put(node.values, 0, b"".join(map(U32.pack, offsets)))
        else:
            self.space.free(node.values)
            self.cells.put_u32(key, records.NK_VALUES, NONE)
            self.cells.put(key, records.NK_MAX_VALUE_NAME, bytes(8))
        return True

    def create_key(self, parent: int, name: str) -> int:
        """A new subkey with its parent's security; its cell."""
        above = self.cells.key(parent)[0]
        references = self.cells.security(above.security).references
        encoded, compressed = encode_name(name)
        node = KeyNode(
            signature=b"nk",
            flags=records.COMPRESSED_KEY if compressed else 0,
            written=0,
            access=0,
            parent=parent,
            subkey_count=0,
            volatile_count=0,
            subkeys=NONE,
            volatile_subkeys=NONE,
            value_count=0,
            values=NONE,
            security=above.security,
            class_name=NONE,
            max_name=0,
            max_class=0,
            max_value_name=0,
            max_value_data=0,
            work=0,
            name_length=len(encoded),
            class_length=0,
        )
        key = self.space.allocate(NK.size + len(encoded))
        self.cells.put(key, 0, NK.pack(*node) + encoded)
        self.cells.put_u32(above.security, records.SK_REFERENCES, references + 1)
        self.index.insert(parent, key, name)
        length = len(name.encode("utf-16-le", "surrogatepass"))
        if length > above.max_name & 0xFFFF:
            self.cells.put_u32(parent, records.NK_MAX_NAME, above.max_name & 0xFFFF0000 | length)
        return key

    def delete_key(self, parent: int, key: int) -> set[int]:
        """Delete a key and everything below it; the cells of the keys that are gone."""
        self.index.remove(parent, fold(self.cells.key(key)[1]))
        above = self.cells.key(parent)[0]
        if above.subkey_count == 0:
            self.cells.put_u32(parent, records.NK_MAX_NAME, above.max_name & 0xFFFF0000)
            self.cells.put_u32(parent, records.NK_MAX_CLASS, 0)
        gone: set[int] = set()
        todo = [key]
        while todo:
            offset = todo.pop()
            if offset in gone:
                continue
            gone.add(offset)
            todo += self._free_key(offset)
        return gone

    def _free_key(self, key: int) -> list[int]:
        """Free a key with its values, lists, class and share of its security; its subkeys, still there."""
        node = self.cells.key(key)[0]
        lists: set[int] = set()

        def listed(cell: int) -> bool:
            lists.add(cell)
            return True

        subkeys = subkey_offsets(self.cells, node, listed, _raise)
        for value in value_offsets(self.cells, node, listed, _raise):
            self.content.free(self.cells.value(value)[0])
            self.space.free(value)
        for cell in lists:
            self.space.free(cell)
        if node.class_length and node.class_name != NONE:
            self.space.free(node.class_name)
        self._release(node.security)
        self.space.free(key)
        return subkeys

    def _release(self, security: int) -> None:
        """One key less uses this security cell; the last one takes it out of the ring."""
        record = self.cells.security(security)
        if record.references > 1:
            self.cells.put_u32(security, records.SK_REFERENCES, record.references - 1)
            return
        self.cells.put_u32(record.backward, records.SK_FORWARD, record.forward)
        self.cells.put_u32(record.forward, records.SK_BACKWARD, record.backward)
        self.space.free(security)

    def _values(self, node: KeyNode) -> list[int]:
        return value_offsets(self.cells, node, _anyone, _raise)

    def _find_value(self, key: int, name: str) -> tuple[int, ValueRecord] | None:
        folded = fold(name)
        for offset in self._values(self.cells.key(key)[0]):
            record, found = self.cells.value(offset)
            if fold(found) == folded:
                return offset, record
        return None

    def _add_value(self, key: int, name: str, kind: int, data: bytes) -> None:
        size, offset = self.content.store(data)
        encoded, compressed = encode_name(name)
        flags = records.COMPRESSED_VALUE if compressed else 0
        value = self.space.allocate(VK.size + len(encoded))
        record = ValueRecord(b"vk", len(encoded), size, offset, kind, flags, 0)
        self.cells.put(value, 0, VK.pack(*record) + encoded)
        node = self.cells.key(key)[0]
        values = self._values(node)
        at = len(values) * U32.size
        if not values or at + U32.size > self.cells.capacity(node.values, "a list of values"):
            if values:
                self.space.free(node.values)
            moved = self.space.allocate(at + (1 + SPARE_VALUES) * U32.size)
            self.cells.put(moved, 0, b"".join(map(U32.pack, values)))
            self.cells.put_u32(key, records.NK_VALUES, moved)
            node = node._replace(values=moved)
        self.cells.put_u32(node.values, at, value)
        self.cells.put_u32(key, records.NK_VALUE_COUNT, len(values) + 1)

    def _raise_maximum(self, key: int, field: int, length: int) -> None:
        if length > self.cells.get_u32(key, field):
            self.cells.put_u32(key, field, length)
