"""FILETIME: 100 ns since 1601-01-01 UTC, as NTFS, hives and event logs keep their times.

Source: Microsoft's documentation of the FILETIME structure.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_MOST = 0x7FFF_FFFF_FFFF_FFFF


def moment(filetime: int) -> datetime | None:
    """The moment in UTC; None for 0, and for a number that is no time of this calendar."""
    if not 0 < filetime <= _MOST:
        return None
    try:
        return _EPOCH + timedelta(microseconds=filetime // 10)
    except OverflowError:
        return None


def filetime_of(when: datetime) -> int:
    """`when` must know its zone."""
    return (when - _EPOCH) // timedelta(microseconds=1) * 10


def shown(filetime: int) -> str:
    """To the second, in UTC, as reports show a time; a question mark for no time."""
    when = moment(filetime)
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when is not None else "?"
