"""Files that WinSxS keeps compressed (`DCS\\x01`): WinSxS\\Backup.

    0  "DCS" 01   4  u32 number of blocks   8  u32 plain size of all
    then each block: u32 length of what follows, u32 plain length, LZMS data (length - 4 bytes)

Source: public descriptions of the component store's formats; what it decodes to is taken only
where a catalog vouches for its hash, so a wrong reading can never be written.
"""

from __future__ import annotations

from bootmend.binary import View
from bootmend.libwim import LZMS, Decompressor

MAGIC = b"DCS\x01"
MAX_PLAIN = 256 << 20
MAX_BLOCK = 64 << 20


def is_dcs(data: bytes) -> bool:
    return data[:4] == MAGIC


def expand_dcs(data: bytes, file: str) -> bytes:
    """The plain bytes; ParseError where a length or a block is not sound."""
    view = View(data, file)
    blocks, size = view.u32(4, "number of blocks"), view.u32(8, "plain size")
    if size > MAX_PLAIN or blocks > len(data) // 8:
        raise view.fail(4, f"at most {MAX_PLAIN} plain bytes in as many blocks as fit", f"{size} in {blocks}")
    plain = bytearray()
    at = 12
    for _ in range(blocks):
        length, wanted = view.u32(at, "length of a block"), view.u32(at + 4, "plain length of a block")
        if length < 4 or wanted > MAX_BLOCK or len(plain) + wanted > size:
            raise view.fail(at, f"a block within {size} plain bytes", f"{length} bytes for {wanted}")
        packed = view.bytes(at + 8, length - 4, "a compressed block")
        piece = packed if len(packed) == wanted else Decompressor(LZMS, max(wanted, 1)).decode(packed, wanted)
        if piece is None:
            raise view.fail(at + 8, f"LZMS data for {wanted} plain bytes")
        plain += piece
        at += 4 + length
    if len(plain) != size:
        raise view.fail(8, f"{size} plain bytes", str(len(plain)))
    return bytes(plain)
