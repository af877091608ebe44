"""BitLocker volumes: "locked" is an answer, and so is what would unlock them.

Nothing is decrypted. The metadata says which protectors the volume key has; a clear key among them
means that protection is suspended (as before a firmware update): Windows itself needs no key then.
Format: the libbde project's "BitLocker Drive Encryption (BDE) format".
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError

SIGNATURE = b"-FVE-FS-"
_TO_GO = b"MSWIN4.1"
_IDENTIFIERS = (
    uuid.UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le,
    uuid.UUID("92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8").bytes_le,
)
"""The second one: only used space is encrypted."""
_VMK = 0x0002
_BLOCK_HEADER, _METADATA_HEADER, _ENTRY_HEADER = 64, 48, 8
_MAX_METADATA = 64 << 10
CLEAR_KEY = "clear key"
PROTECTORS = {
    0x0000: CLEAR_KEY,
    0x0100: "TPM",
    0x0200: "startup key",
    0x0500: "TPM and PIN",
    0x0800: "recovery password",
    0x2000: "password",
}


@dataclass(frozen=True, slots=True)
class BitLocker:
    """`protectors` is empty where the metadata could not be read."""

    version: str
    """Vista, 7 or later, To Go."""
    protectors: tuple[str, ...]

    @property
    def suspended(self) -> bool:
        return CLEAR_KEY in self.protectors


def read_bitlocker(device: BlockDevice, name: str) -> BitLocker | None:
    """What the volume says of itself; None where it is not BitLocker's."""
    if device.size < 512:
        return None
    boot = View(device.read(0, 512), name)
    if boot.bytes(3, 8) == SIGNATURE:
        if boot.bytes(0, 3) == b"\xeb\x52\x90":
            cluster = boot.u16(0x0B) * boot.u8(0x0D)
            return BitLocker("Vista", _protectors(device, name, [boot.u64(0x38) * cluster]))
        return BitLocker("7 or later", _protectors(device, name, [boot.u64(at) for at in (0xB0, 0xB8, 0xC0)]))
    if boot.bytes(3, 8) == _TO_GO and boot.bytes(0x1A8, 16) in _IDENTIFIERS:
        return BitLocker("To Go", _protectors(device, name, [boot.u64(at) for at in (0x1B8, 0x1C0, 0x1C8)]))
    return None


def _protectors(device: BlockDevice, name: str, offsets: list[int]) -> tuple[str, ...]:
    """From the first of the three copies that is sound."""
    for offset in offsets:
        try:
            return _read_metadata(device, name, offset)
        except InputError:
            continue
    return ()


def _read_metadata(device: BlockDevice, name: str, offset: int) -> tuple[str, ...]:
    head = View(device.read(offset, _BLOCK_HEADER + _METADATA_HEADER), name, offset)
    if head.bytes(0, 8) != SIGNATURE:
        raise head.fail(0, "a BitLocker metadata block")
    size = head.u32(_BLOCK_HEADER, "the size of the metadata")
    if not _METADATA_HEADER <= size <= _MAX_METADATA:
        raise head.fail(_BLOCK_HEADER, f"metadata of up to {_MAX_METADATA} bytes", str(size))
    start = offset + _BLOCK_HEADER
    entries = View(device.read(start, size), name, start)
    found: dict[str, None] = {}
    at = _METADATA_HEADER
    while at + _ENTRY_HEADER <= size:
        length = entries.u16(at)
        if length < _ENTRY_HEADER:
            break
        if entries.u16(at + 2) == _VMK:
            protection = entries.u16(at + _ENTRY_HEADER + 26, "the kind of a key protector")
            found[PROTECTORS.get(protection, f"{protection:#06x}")] = None
        at += length
    return tuple(found)
