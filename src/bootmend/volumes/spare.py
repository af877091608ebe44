"""A volume whose first sector is gone, read by the copy of it that the file system keeps elsewhere."""

from __future__ import annotations

from bootmend.disk.device import BlockDevice


class SpareBoot(BlockDevice):
    """A volume with the copy in place of its damaged first sector. What is written there goes nowhere."""

    def __init__(self, under: BlockDevice, copy: bytes, copy_at: int) -> None:
        self.under = under
        self.copy = copy
        self.copy_at = copy_at
        """Where the copy stands, in bytes from the volume's start."""
        self.name = under.name
        self.size = under.size
        self.sector_size = under.sector_size
        self.writable = under.writable
        self.container = under.container

    def _read(self, offset: int, length: int) -> bytes:
        data = self.under.read(offset, length)
        if offset >= len(self.copy):
            return data
        return (self.copy[offset:] + data[max(0, len(self.copy) - offset) :])[:length]

    def _write(self, offset: int, data: bytes) -> None:
        skipped = max(0, len(self.copy) - offset)
        if data[skipped:]:
            self.under.write(offset + skipped, data[skipped:])

    def flush(self) -> None:
        self.under.flush()
