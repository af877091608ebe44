"""Stream: the bytes of one attribute, wherever they stand."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from bootmend.disk.device import BlockDevice
from bootmend.errors import ParseError
from bootmend.volumes.ntfs.records import COMPRESSED, ENCRYPTED, SPARSE, Attribute
from bootmend.volumes.ntfs.runs import Run, decode_runs
from bootmend.volumes.volume import Extent, File, NotInPlace

MOST_RUNS = 1 << 20
"""Fragments of one attribute; nothing a machine boots from comes near. It bounds memory on a hostile disk."""


class Stream(File):
    """Random access to an attribute; holes and what lies beyond `initialized` bytes read as zeros.

    A compressed (LZNT1) attribute gives its stored form here; `engine.py` decompresses.
    """

    def __init__(
        self, device: BlockDevice, cluster_size: int, clusters: int, what: str, parts: list[Attribute]
    ) -> None:
        """`parts`: the attribute's records, one, or several from an attribute list, in any order."""
        parts = sorted(parts, key=lambda part: part.first_vcn)
        head = parts[0]
        self.device = device
        self.cluster_size = cluster_size
        self.what = what
        self.size = head.size
        self.initialized = head.initialized
        self.flags = head.flags
        self.value = head.value.bytes(0, head.size) if head.value is not None else None
        self.runs: list[Run] = []
        if self.value is None:
            self._join(parts, clusters)
        self._starts = [run.vcn for run in self.runs]

    def _join(self, parts: list[Attribute], clusters: int) -> None:
        vcn = 0
        for part in parts:
            if part.pairs is None or part.first_vcn != vcn:
                raise ParseError(self.what, part.first_vcn * self.cluster_size, f"the part from cluster {vcn} on")
            self.runs += decode_runs(part.pairs, part.first_vcn, part.last_vcn, clusters)
            if len(self.runs) > MOST_RUNS:
                raise ParseError(self.what, vcn * self.cluster_size, f"at most {MOST_RUNS} fragments")
            vcn = part.last_vcn + 1
        if self.size > vcn * self.cluster_size:
            raise ParseError(self.what, vcn * self.cluster_size, f"clusters for {self.size} bytes")

    @property
    def resident(self) -> bool:
        return self.value is not None

    @property
    def compressed(self) -> bool:
        return bool(self.flags & COMPRESSED)

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & ENCRYPTED)

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if offset < 0 or offset >= end:
            return b""
        if self.value is not None:
            return self.value[offset:end]
        pieces = []
        if self.device.traffic is not None and len(self.runs) > 1:
            self.device.prefetch((at, at + size) for at, size in self.places(offset, end))
        for at, size in self._pieces(offset, end):
            pieces.append(bytes(size) if at is None else self.device.read(at, size))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, offset: int, data: bytes) -> None:
        """`data` onto the clusters it has; raises ParseError where some of it would fall outside them."""
        if self.value is not None or offset + len(data) > self.initialized:
            raise ParseError(self.what, offset, f"{len(data)} bytes on clusters of its own")
        done = 0
        for at, size in self._pieces(offset, offset + len(data)):
            if at is None:
                raise ParseError(self.what, offset + done, "clusters, not a hole")
            self.device.write(at, data[done : done + size])
            done += size

    def places(self, offset: int, end: int) -> Iterator[tuple[int, int]]:
        """(place on the volume, length) of what stands on clusters between two offsets, in order."""
        for at, size in self._pieces(offset, end):
            if at is not None:
                yield at, size

    def _pieces(self, offset: int, end: int) -> Iterator[tuple[int | None, int]]:
        """(place on the volume, or None for zeros; length), in order."""
        index = bisect_right(self._starts, offset // self.cluster_size) - 1
        while offset < end:
            run = self.runs[index]
            start = run.vcn * self.cluster_size
            stop = min(end, start + run.length * self.cluster_size)
            written = max(offset, min(stop, self.initialized))
            if run.lcn is not None and written > offset:
                yield run.lcn * self.cluster_size + offset - start, written - offset
                offset = written
            if stop > offset:
                yield None, stop - offset
            offset = stop
            index += 1

    def extents(self) -> list[Extent]:
        """Where the initialized bytes stand; raises NotInPlace with the reason.

        Bytes between `initialized` and `size` are not listed: they read as zeros whatever is
        written to their clusters, until metadata says otherwise.
        """
        for bad, reason in (
            (self.resident, "its content stands in its file record"),
            (self.encrypted, "it is encrypted"),
            (self.compressed, "it is compressed"),
            (self.flags & SPARSE or any(run.lcn is None for run in self.runs), "it is sparse"),
        ):
            if bad:
                raise NotInPlace(f"{self.what}: cannot be rewritten in place: {reason}")
        found: list[Extent] = []
        offset = 0
        for at, size in self._pieces(0, self.initialized):
            assert at is not None
            last = found[-1] if found else None
            if last and last.volume_offset + last.length == at:
                found[-1] = Extent(last.file_offset, last.volume_offset, last.length + size)
            else:
                found.append(Extent(offset, at, size))
            offset += size
        return found
