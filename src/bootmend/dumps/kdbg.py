"""KDDEBUGGER_DATA64, the block in which the kernel tells a debugger where its things are.

32-bit kernels have the very same block, their addresses in its wider fields; older kernels have a shorter one.

Source: wdbgexts.h of Microsoft's Debugging Tools (offsets by its declaration order, the last ones as
DEBUG_DATA_* constants of dbgeng.h). A machine that was not stopped through KeBugCheck keeps it encoded:
every word w is swap(rotate(w ^ a, a) ^ b) ^ c with three secrets. The secrets are not needed: of two words
the difference is only swap(rotate(w1 ^ w2, a)), so with the two list heads that the dump's header tells in
clear, one of 64 rotations makes the rest readable; the tag "KDBG" and the second list head prove it.
"""

from __future__ import annotations

import struct

from bootmend.dumps.memory import Memory

SIZE = 0x340
"""What is read of it; every Windows since 7 has this much."""
SHORTEST = 0x290
"""What Windows XP has."""

_TAG, _OWN_SIZE = 0x10, 0x14
_LOADED, _ACTIVE = 0x48, 0x50
FIELDS = {
    "KernBase": (0x18, 8),
    "PsLoadedModuleList": (_LOADED, 8),
    "PsActiveProcessHead": (_ACTIVE, 8),
    "NtBuildLab": (0x208, 8),
    "KiProcessorBlock": (0x218, 8),
    "MmUnloadedDrivers": (0x220, 8),
    "MmLastUnloadedDriver": (0x228, 8),
    "OffsetKThreadApcProcess": (0x2A0, 2),
    "SizeEProcess": (0x2A8, 2),
    "OffsetPrcbCurrentThread": (0x2B4, 2),
    "OffsetPrcbMhz": (0x2B6, 2),
    "OffsetPrcbCpuType": (0x2B8, 2),
    "OffsetPrcbVendorString": (0x2BA, 2),
    "OffsetPrcbNumber": (0x2BE, 2),
    "OffsetPrcbProcStateSpecialReg": (0x2F2, 2),
    "OffsetPrcbContext": (0x338, 2),
}
"""Offset and width in bytes."""


class Kdbg:
    """The block in clear; `encoded` says whether the dump held it so."""

    def __init__(self, data: bytes, *, encoded: bool = False, width: int = 8) -> None:
        self._data = data[: int.from_bytes(data[_OWN_SIZE : _OWN_SIZE + 4], "little")]
        self._width = width
        self.encoded = encoded

    def __getitem__(self, name: str) -> int:
        """A field by its name in Microsoft's declaration; 0 where this kernel did not fill it."""
        offset, width = FIELDS[name]
        # A 32-bit kernel may have written its addresses with their sign.
        width = min(width, self._width)
        data = self._data[offset : offset + width]
        return int.from_bytes(data, "little") if len(data) == width else 0


def read_kdbg(memory: Memory, address: int, loaded_list: int, process_list: int) -> Kdbg | None:
    """The block at `address`; None where it is not in the dump, or neither in clear nor decodable."""
    data = memory.read(address, SIZE) or memory.read(address, SHORTEST)
    return parse_kdbg(data, loaded_list, process_list, memory.width) if data is not None else None


def parse_kdbg(data: bytes, loaded_list: int, process_list: int, width: int = 8) -> Kdbg | None:
    """`loaded_list` and `process_list` as the header of the dump tells them."""
    if len(data) < SHORTEST:
        return None
    if data[_TAG : _TAG + 4] == b"KDBG":
        return Kdbg(data[:SIZE], width=width)
    if width != 8 or len(data) < SIZE:
        return None
    words = struct.unpack(f"<{SIZE // 8}Q", data[:SIZE])
    known = words[_LOADED // 8]
    for turn in range(64):
        if loaded_list ^ _turned(known ^ words[_ACTIVE // 8], turn) != process_list:
            continue
        clear = struct.pack(f"<{SIZE // 8}Q", *(loaded_list ^ _turned(known ^ word, turn) for word in words))
        if clear[_TAG : _TAG + 4] == b"KDBG":
            return Kdbg(clear, encoded=True)
    return None


def _turned(word: int, turn: int) -> int:
    """Rotated left, then its bytes the other way round."""
    rotated = (word << turn | word >> 64 - turn) & 0xFFFF_FFFF_FFFF_FFFF
    return int.from_bytes(rotated.to_bytes(8, "little"), "big")
