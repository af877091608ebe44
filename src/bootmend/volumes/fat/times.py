"""DOS dates, as FAT keeps them, and FILETIME. No time zone is known: the clock is taken as UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def filetime(date: int, clock: int) -> int:
    """100 ns since 1601; 0 for a date that no calendar has."""
    try:
        moment = datetime(
            1980 + (date >> 9), date >> 5 & 15, date & 31, clock >> 11, clock >> 5 & 63, (clock & 31) * 2, tzinfo=UTC
        )
    except ValueError:
        return 0
    return int((moment - _EPOCH).total_seconds()) * 10_000_000


def dos_now() -> tuple[int, int]:
    """(date, clock) of now, to two seconds; 1980 if the machine's clock is before that."""
    now = time.gmtime()
    if now.tm_year < 1980:
        return (1 << 5 | 1, 0)
    date = (now.tm_year - 1980) << 9 | now.tm_mon << 5 | now.tm_mday
    return (date, now.tm_hour << 11 | now.tm_min << 5 | min(now.tm_sec, 59) // 2)
