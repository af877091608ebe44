"""A folder's index ($I30): a B-tree of file names, in the order of their upper-case forms.

    $INDEX_ROOT (in the file record) -> index blocks of $INDEX_ALLOCATION, by virtual cluster number

A look-up goes down one path of the tree, as Windows' own does; a listing walks all of it.
Format: INDEX_ROOT, INDEX_BLOCK, INDEX_ENTRY and FILE_NAME in the linux-ntfs project's notes.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.binary import View
from bootmend.errors import ParseError
from bootmend.volumes.ntfs.mft import FileRecord, Mft
from bootmend.volumes.ntfs.names import Names
from bootmend.volumes.ntfs.records import INDEX_ALLOCATION, INDEX_ROOT, undo_fixups
from bootmend.volumes.ntfs.stream import Stream

HAS_CHILD, LAST = 0x1, 0x2
DOS_NAME = 2
"""The namespace of an 8.3 name that stands beside a long one."""
KEPT_NODES = 1024
MAX_DEPTH = 32
MOST_NAMES = 1 << 19
"""In one folder that is listed; the largest of Windows' own have some ten thousand."""

_ENTRY = struct.Struct("<QHHHH")
"""File reference, length of the entry, of its key, flags, reserved."""
_FILE_NAME = struct.Struct("<QQQQQQQIIBB")
"""Parent, created, modified, changed, accessed, allocated, size, attributes, reparse tag, letters, namespace."""
assert _ENTRY.size == 0x10 and _FILE_NAME.size == 0x42


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A name in a folder, with the copy of the file's facts that Windows' own listings show."""

    reference: int
    name: str
    namespace: int
    size: int
    attributes: int
    reparse_tag: int
    modified: int


@dataclass(frozen=True, slots=True)
class Node:
    """Entries in order; `children[i]` stands before `entries[i]`, the last after all; None in a leaf."""

    entries: tuple[IndexEntry, ...]
    children: tuple[int | None, ...]


class Folders:
    """Look-ups and listings in the folders of one volume, with a bounded cache of index nodes."""

    def __init__(self, mft: Mft, names: Names) -> None:
        self._mft = mft
        self._names = names
        self._nodes: OrderedDict[tuple[int, int], Node] = OrderedDict()

    def forget(self) -> None:
        self._nodes.clear()

    def find(self, folder: FileRecord, name: str) -> IndexEntry | None:
        """The entry of that very name, else one that differs in case only; 8.3 names are found too."""
        key = self._names.key(name)
        tree = _Tree(self, folder)
        found: IndexEntry | None = None
        node = tree.root()
        for _ in range(MAX_DEPTH):
            low, high = 0, len(node.entries)
            while low < high:
                middle = (low + high) // 2
                entry = node.entries[middle]
                order = self._names.key(entry.name)
                if order == key:
                    if entry.name == name:
                        return entry
                    found = entry
                if (order, _code_units(entry.name)) < (key, _code_units(name)):
                    low = middle + 1
                else:
                    high = middle
            child = node.children[low]
            if child is None:
                return found
            node = tree.node(child)
        raise ParseError(tree.what, 0, f"an index of at most {MAX_DEPTH} levels")

    def walk(self, folder: FileRecord) -> Iterator[IndexEntry]:
        """Every entry in order, 8.3 names included."""
        tree = _Tree(self, folder)
        blocks = self.stream(folder) if self._mft.device.traffic is not None else None
        if blocks is not None:
            self._mft.device.prefetch((at, at + size) for at, size in blocks.places(0, blocks.initialized))
        seen: set[int] = set()
        names = 0
        stack: list[tuple[Node, int]] = [(tree.root(), 0)]
        while stack:
            node, at = stack.pop()
            if at > 0:
                names += 1
                if names > MOST_NAMES:
                    raise ParseError(tree.what, 0, f"a folder of at most {MOST_NAMES} names")
                yield node.entries[at - 1]
            if at < len(node.entries):
                stack.append((node, at + 1))
            child = node.children[at]
            if child is not None:
                if child in seen:
                    raise ParseError(tree.what, child, "an index block that is reached once")
                seen.add(child)
                stack.append((tree.node(child), 0))

    def node_of(self, tree: _Tree, vcn: int) -> Node:
        """`vcn` -1 is the root."""
        key = (tree.folder.base.reference, vcn)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = tree.parse(vcn)
            if len(self._nodes) > KEPT_NODES:
                self._nodes.popitem(last=False)
        return node

    def stream(self, folder: FileRecord) -> Stream | None:
        return self._mft.stream(folder, INDEX_ALLOCATION, "$I30")

    @property
    def cluster_size(self) -> int:
        return self._mft.boot.cluster_size

    @property
    def volume(self) -> str:
        return self._mft.name


class _Tree:
    """One folder's index."""

    def __init__(self, folders: Folders, folder: FileRecord) -> None:
        self.folders = folders
        self.folder = folder
        self.what = f"{folders.volume}\\$MFT[{folder.base.number}]:$I30"
        self._stream: Stream | None = None

    def root(self) -> Node:
        return self.folders.node_of(self, -1)

    def node(self, vcn: int) -> Node:
        return self.folders.node_of(self, vcn)

    def parse(self, vcn: int) -> Node:
        root = self.folder.first(INDEX_ROOT, "$I30")
        if root is None or root.value is None:
            raise ParseError(self.what, 0, "an index root")
        if vcn < 0:
            return _parse_node(root.value, 0x10)
        block_size = root.value.u32(8, "the size of an index block")
        if not 512 <= block_size <= 65536 or block_size & (block_size - 1):
            raise root.value.fail(8, "the size of an index block", str(block_size))
        unit = self.folders.cluster_size if self.folders.cluster_size <= block_size else 512
        stream = self._stream or self.folders.stream(self.folder)
        if stream is None or (vcn * unit) % block_size or vcn * unit + block_size > stream.initialized:
            raise ParseError(self.what, vcn * unit, "an index block inside the index")
        self._stream = stream
        view = undo_fixups(View(stream.read(vcn * unit, block_size), self.what, vcn * unit), b"INDX")
        if view.u64(0x10) != vcn:
            raise view.fail(0x10, f"the block's own number {vcn}", str(view.u64(0x10)))
        return _parse_node(view, 0x18)


def _parse_node(view: View, header: int) -> Node:
    """`header`: where the INDEX_HEADER stands: offset of the entries, their length, both from itself."""
    at = header + view.u32(header, "the offset of the index entries")
    end = header + view.u32(header + 4, "the length of the index entries")
    if end > len(view) or at < header + 0x10 or at % 8:
        raise view.fail(header, f"index entries inside {len(view)} bytes", f"{at:#x} to {end:#x}")
    data = view.data
    entries: list[IndexEntry] = []
    children: list[int | None] = []
    while True:
        if at + 0x10 > end:
            raise view.fail(at, "the last entry of an index node")
        reference, length, key_length, flags, _ = _ENTRY.unpack_from(data, at)
        if length < 0x10 or length % 8 or at + length > end:
            raise view.fail(at + 8, f"the length of an index entry up to {end - at}", str(length))
        children.append(view.u64(at + length - 8) if flags & HAS_CHILD else None)
        if flags & LAST:
            return Node(tuple(entries), tuple(children))
        if key_length < 0x42 or 0x10 + key_length > length:
            raise view.fail(at + 0x0A, "a file name as key", f"{key_length} bytes")
        fields = _FILE_NAME.unpack_from(data, at + 0x10)
        letters, namespace = fields[9], fields[10]
        if 0x42 + 2 * letters > key_length or not letters:
            raise view.fail(at + 0x50, "the length of a name", str(letters))
        name = bytes(data[at + 0x52 : at + 0x52 + 2 * letters]).decode("utf-16-le", "surrogatepass")
        entries.append(IndexEntry(reference, name, namespace, fields[6], fields[7], fields[8], fields[2]))
        at += length


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")
