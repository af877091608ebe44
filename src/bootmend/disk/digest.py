"""A digest of what a disk holds, whatever is sparse about its file: the proof that undo is bit-exact.

Zeros count for nothing and every other 4 KiB block counts with its offset, so that a hole and a
block of zeros are the same, as they are for whoever reads the disk.
"""

from __future__ import annotations

import hashlib

from bootmend.disk.device import BlockDevice

BLOCK = 4096
CHUNK = 1 << 20


def data_digest(device: BlockDevice) -> tuple[str, int]:
    """(sha256 over offset and bytes of every block that is not zero, how many bytes those are)."""
    digest = hashlib.sha256()
    zeros = bytes(BLOCK)
    data = done = 0
    for start, end in device.data_extents():
        first = max(done, start - start % BLOCK)
        for offset in range(first, end, CHUNK):
            chunk = device.read(offset, min(CHUNK, end - offset, device.size - offset))
            for at in range(0, len(chunk), BLOCK):
                block = chunk[at : at + BLOCK]
                if block != zeros[: len(block)]:
                    digest.update((offset + at).to_bytes(8, "little"))
                    digest.update(block)
                    data += len(block)
        done = max(done, end + -end % BLOCK)
    return digest.hexdigest(), data
