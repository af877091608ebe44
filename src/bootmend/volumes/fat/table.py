"""The allocation table: which cluster follows which, kept in every copy.

A chain that leaves the volume, meets a free or bad cluster, or comes back to itself is a
ParseError with the table's own offset; nothing here follows one for longer than the volume
has clusters. FAT[1] carries the shutdown bits: a cleared bit means "was not unmounted".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bootmend.disk.device import BlockDevice
from bootmend.errors import ParseError, Refused
from bootmend.texts import say
from bootmend.volumes.fat.bootsector import Geometry
from bootmend.volumes.fat.fsinfo import FsInfo

_BLOCK = 48 * 1024
"""A multiple of 3, 2 and 4 bytes: no entry of any width, nor a pair of 12-bit ones, crosses a block's end."""
_MOST_BLOCKS = 64

FREE = 0


class Table:
    """Entries by cluster number; `file` is what errors call the volume."""

    def __init__(self, device: BlockDevice, geometry: Geometry, file: str) -> None:
        self._device = device
        self._geometry = geometry
        self._file = file
        self._blocks: dict[int, bytearray] = {}
        self._base = geometry.table_offset + (geometry.active_table or 0) * geometry.table_size
        self._info = FsInfo(device, geometry)
        self._next = self._info.next_free
        self._mask = {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFFFFFF}[geometry.bits]
        self.end_mark = self._mask
        self._bad = self._mask - 8  # ...FF7

    def get(self, cluster: int) -> int:
        """The entry of `cluster`, without the four bits that FAT32 reserves."""
        if self._geometry.bits == 12:
            pair = self._bytes(cluster * 3 // 2, 2)
            return pair >> 4 if cluster & 1 else pair & 0xFFF
        width = self._geometry.bits // 8
        return self._bytes(cluster * width, width) & self._mask

    def is_end(self, value: int) -> bool:
        return value > self._bad

    def chain(self, first: int, most: int) -> list[int]:
        """The clusters from `first` to the end mark; more than `most` are an error."""
        clusters = list(self._follow(first, most + 1))
        if len(clusters) > most:
            raise self._broken(clusters[most - 1], f"the end of a chain of at most {most} clusters", "it goes on")
        return clusters

    def beginning(self, first: int, count: int) -> list[int]:
        """The first `count` clusters of a chain; fewer are an error, more are not looked at."""
        clusters = list(self._follow(first, count)) if count else []
        if len(clusters) < count:
            raise self._broken(clusters[-1], f"a chain of {count} clusters", f"its end after {len(clusters)}")
        return clusters

    def _follow(self, first: int, most: int) -> Iterator[int]:
        """Up to `most` clusters, each checked before it is given."""
        seen: set[int] = set()
        at, before = first, 0
        while len(seen) < most:
            if not self._geometry.holds(at):
                raise self._broken(before, f"a cluster from 2 to {self._geometry.clusters + 1}", str(at))
            if at in seen:
                raise self._broken(before, "a chain without a loop", f"cluster {at} a second time")
            seen.add(at)
            yield at
            following = self.get(at)
            if self.is_end(following):
                return
            before, at = at, following

    def find_free(self, count: int) -> list[int]:
        """`count` free clusters, in the order of the disk from the last one given out; Refused if there are fewer."""
        found: list[int] = []
        last = self._geometry.clusters + 1
        start = self._next if self._geometry.holds(self._next) else 2
        for low, high in ((start, last), (2, start - 1)):
            for cluster in self._free_between(low, high):
                if len(found) == count:
                    return found
                found.append(cluster)
        if len(found) < count:
            needed, free = (number * self._geometry.cluster_size for number in (count, len(found)))
            raise Refused(say("volumes.full", volume=self._file, needed=needed, free=free))
        return found

    def link(self, clusters: list[int], after: int = 0) -> None:
        """Makes free `clusters` one chain, at the end of the chain that ends in `after` if that is given."""
        if not clusters:
            return
        for cluster, following in zip(clusters, [*clusters[1:], self.end_mark], strict=True):
            self._set(cluster, following)
        if after:
            self._set(after, clusters[0])
        self._next = clusters[-1] + 1
        self._info.changed(-len(clusters), clusters[-1])

    def free(self, clusters: list[int], end: int = 0) -> None:
        """Gives `clusters` back; `end` is the cluster that now ends the chain they hung on."""
        for cluster in clusters:
            self._set(cluster, FREE)
        if end:
            self._set(end, self.end_mark)
        if clusters:
            self._info.changed(len(clusters), None)

    def shut_down_cleanly(self) -> bool:
        """The two bits of FAT[1]; FAT12 has none."""
        if self._geometry.bits == 12:
            return True
        width = self._geometry.bits // 8
        bits = 0xC000 if width == 2 else 0x0C000000
        return self._bytes(width, width) & bits == bits

    def copies_agree(self) -> bool:
        """Whether all mirrored tables hold the same bytes for the clusters there are."""
        used = -(-(self._geometry.clusters + 2) * self._geometry.bits // 8)
        if self._geometry.active_table is not None:
            return True
        for number in range(1, self._geometry.tables):
            other = self._geometry.table_offset + number * self._geometry.table_size
            for low in range(0, used, _BLOCK):
                size = min(_BLOCK, used - low)
                if self._device.read(self._base + low, size) != self._device.read(other + low, size):
                    return False
        return True

    def _free_between(self, low: int, high: int) -> Iterator[int]:
        if self._geometry.bits == 12:
            yield from (cluster for cluster in range(low, high + 1) if self.get(cluster) == FREE)
            return
        # By search, not entry by entry: a large volume has 2^28 of them. One that is free but
        # has reserved bits set is passed over, which costs nothing but itself.
        width = self._geometry.bits // 8
        cluster = low
        while cluster <= high:
            number, start = divmod(cluster * width, _BLOCK)
            at = self._block(number).find(bytes(width), start)
            if at < 0:
                cluster = (number + 1) * _BLOCK // width
                continue
            cluster = -(-(number * _BLOCK + at) // width)  # zeros may begin inside an entry: the next one, then
            if cluster <= high and self.get(cluster) == FREE:
                yield cluster
            cluster += 1

    def _set(self, cluster: int, value: int) -> None:
        width = self._geometry.bits // 8
        at = cluster * 3 // 2 if width == 1 else cluster * width
        if width == 1:
            pair = self._bytes(at, 2)
            pair = (pair & 0x000F) | value << 4 if cluster & 1 else (pair & 0xF000) | value
            data = pair.to_bytes(2, "little")
        elif width == 4:  # the upper four bits stay as they are
            data = ((self._bytes(at, 4) & 0xF0000000) | value).to_bytes(4, "little")
        else:
            data = value.to_bytes(2, "little")
        for base in self._bases():
            self._device.write(base + at, data)
        number, low = divmod(at, _BLOCK)
        if number in self._blocks:
            self._blocks[number][low : low + len(data)] = data

    def _bases(self) -> Iterable[int]:
        if self._geometry.active_table is not None:
            return (self._base,)
        start, size = self._geometry.table_offset, self._geometry.table_size
        return range(start, start + self._geometry.tables * size, size)

    def _bytes(self, at: int, width: int) -> int:
        number, low = divmod(at, _BLOCK)
        return int.from_bytes(self._block(number)[low : low + width], "little")

    def _block(self, number: int) -> bytearray:
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= _MOST_BLOCKS:
                self._blocks.clear()
            size = min(_BLOCK, self._geometry.table_size - number * _BLOCK)
            block = bytearray(self._device.read(self._base + number * _BLOCK, size))
            self._blocks[number] = block
        return block

    def _broken(self, cluster: int, expected: str, found: str) -> ParseError:
        return ParseError(self._file, self._base + cluster * self._geometry.bits // 8, expected, found)
