"""BlockDevice: bytes at offsets, whatever the container.

No cursor: `read(offset, length)` in bytes, half-open ranges, exactly `length` bytes or a
`DeviceError`. A layer (Window, Overlay, Metered) is the device it wraps plus one idea.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bootmend.errors import DeviceError


@dataclass(frozen=True, slots=True)
class Patch:
    """`before` stood at `offset` (bytes from the start of the device) and `after`, as long, is to stand there."""

    offset: int
    before: bytes
    after: bytes


@dataclass(slots=True)
class Traffic:
    """What a far device has moved so far; bytes are those of bodies, headers and TLS not counted."""

    requests: int = 0
    received: int = 0
    sent: int = 0
    retries: int = 0


class BlockDevice(ABC):
    """Random access to `size` bytes; the contract is tests/contracts/block_device.py."""

    name: str
    """What errors call it: a path, or a URL without its secrets."""
    size: int
    """Bytes, as the guest sees them."""
    sector_size: int = 512
    """Logical sector in bytes where the container tells; 512 otherwise."""
    writable: bool = False
    container: str = "raw"
    """raw, vhd-fixed, block-device, ..."""
    traffic: Traffic | None = None
    """Of a device that is far: each read may cost a round trip, so it pays to say beforehand what will be read."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`; outside the device is a DeviceError."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DeviceError(f"{self.name}: read of {length} bytes at {offset:#x} is outside its {self.size} bytes")
        return self._read(offset, length) if length else b""

    def write(self, offset: int, data: bytes) -> None:
        """All of `data` at `offset`; never grows the device."""
        if not self.writable:
            raise DeviceError(f"{self.name}: is open read-only")
        if offset < 0 or offset + len(data) > self.size:
            raise DeviceError(
                f"{self.name}: write of {len(data)} bytes at {offset:#x} is outside its {self.size} bytes"
            )
        if data:
            self._write(offset, data)

    @abstractmethod
    def _read(self, offset: int, length: int) -> bytes: ...

    @abstractmethod
    def _write(self, offset: int, data: bytes) -> None: ...

    def flush(self) -> None:
        """Returns when everything written is durable."""
        return

    def close(self) -> None:
        return

    def data_extents(self) -> Iterator[tuple[int, int]]:
        """Half-open (start, end) ranges that may hold something else than zeros, ascending."""
        if self.size:
            yield (0, self.size)

    def prefetch(self, ranges: Iterable[tuple[int, int]]) -> None:  # noqa: ARG002
        """Half-open ranges that are about to be read: a device that is far gets them all at once, if it has room."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class Window(BlockDevice):
    """A range of another device, as a device: a partition."""

    def __init__(self, under: BlockDevice, start: int, size: int, name: str = "") -> None:
        if start < 0 or size < 0 or start + size > under.size:
            raise DeviceError(f"{under.name}: no room for {size} bytes at {start:#x} in its {under.size} bytes")
        self.under = under
        self.start = start
        self.size = size
        self.sector_size = under.sector_size
        self.writable = under.writable
        self.container = under.container
        self.traffic = under.traffic
        self.name = name or f"{under.name}@{start:#x}"

    def _read(self, offset: int, length: int) -> bytes:
        return self.under.read(self.start + offset, length)

    def _write(self, offset: int, data: bytes) -> None:
        self.under.write(self.start + offset, data)

    def flush(self) -> None:
        self.under.flush()

    def data_extents(self) -> Iterator[tuple[int, int]]:
        end = self.start + self.size
        for low, high in self.under.data_extents():
            if high > self.start and low < end:
                yield (max(low, self.start) - self.start, min(high, end) - self.start)

    def prefetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        self.under.prefetch((self.start + low, self.start + min(high, self.size)) for low, high in ranges)


class Metered(BlockDevice):
    """The device below, and how many bytes were read from it in how many reads."""

    def __init__(self, under: BlockDevice) -> None:
        self.under = under
        self.name = under.name
        self.size = under.size
        self.sector_size = under.sector_size
        self.writable = under.writable
        self.container = under.container
        self.traffic = under.traffic
        self.bytes_read = 0
        self.reads = 0

    def _read(self, offset: int, length: int) -> bytes:
        self.bytes_read += length
        self.reads += 1
        return self.under.read(offset, length)

    def _write(self, offset: int, data: bytes) -> None:
        self.under.write(offset, data)

    def flush(self) -> None:
        self.under.flush()

    def close(self) -> None:
        self.under.close()

    def data_extents(self) -> Iterator[tuple[int, int]]:
        return self.under.data_extents()

    def prefetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        self.under.prefetch(ranges)
