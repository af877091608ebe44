"""The volume's dirty flag in $Volume: with it, autochk looks the volume over at the next boot."""

from __future__ import annotations

from bootmend.volumes.ntfs.mft import VOLUME, Mft
from bootmend.volumes.ntfs.records import VOLUME_INFORMATION, redo_fixups, undo_fixups

DIRTY = 0x0001
_FLAGS = 0x0A
"""Offset in $VOLUME_INFORMATION."""


def is_dirty(mft: Mft) -> bool:
    """True also where $Volume does not say."""
    flags = mft.file(VOLUME).first(VOLUME_INFORMATION)
    return flags is None or flags.value is None or bool(flags.value.u16(_FLAGS) & DIRTY)


def set_dirty(mft: Mft) -> None:
    """In $MFT and in $MFTMirr, by our own hand: no engine is needed, no journal is touched."""
    raw = mft.raw(VOLUME)
    attribute = mft.file(VOLUME).first(VOLUME_INFORMATION)
    if attribute is None or attribute.value is None:
        raise raw.fail(0, "volume information")
    record = bytearray(undo_fixups(raw, b"FILE").data)
    at = attribute.value.base - raw.base + _FLAGS
    record[at] |= DIRTY
    mft.write(VOLUME, redo_fixups(bytes(record)))
