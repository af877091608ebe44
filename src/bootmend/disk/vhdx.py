"""Whether a VHDX has a log that was not replayed: its writer did not close it.

Two headers, at 64 and 128 KiB; the valid one with the higher sequence number counts; a log
GUID in it means that metadata and data in the file are not yet what they should be.
Source: Microsoft, [MS-VHDX] 2.2.2 and 2.3.
"""

from __future__ import annotations

from bootmend.disk.device import BlockDevice

_HEADERS = (64 << 10, 128 << 10)
_SIZE = 4096
_POLYNOMIAL = 0x82F63B78
"""CRC-32C (Castagnoli), bits reversed."""


def has_pending_log(file: BlockDevice) -> bool:
    """False too where no header is valid: then the file is damaged, and who opens it will say so."""
    headers = []
    for offset in _HEADERS:
        if offset + _SIZE > file.size:
            continue
        block = file.read(offset, _SIZE)
        if block[:4] == b"head" and int.from_bytes(block[4:8], "little") == _crc32c(block[:4] + bytes(4) + block[8:]):
            headers.append((int.from_bytes(block[8:16], "little"), any(block[48:64])))
    return max(headers)[1] if headers else False


def _crc32c(data: bytes) -> int:
    rest = 0xFFFFFFFF
    for byte in data:
        rest = rest >> 8 ^ _TABLE[(rest ^ byte) & 0xFF]
    return rest ^ 0xFFFFFFFF


def _table_entry(number: int) -> int:
    for _ in range(8):
        number = number >> 1 ^ (_POLYNOMIAL if number & 1 else 0)
    return number


_TABLE = [_table_entry(number) for number in range(256)]
