"""Where witnesses look: the files of one Windows, read at their ends, and how local times become UTC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bootmend.formats.event_log import Events, newest_events
from bootmend.formats.filetime import filetime_of
from bootmend.formats.hive import Key
from bootmend.volumes.volume import Volume
from bootmend.windows.image import address

LOGS = "System32\\winevt\\Logs"
_MOST_BIAS = 24 * 60
"""Minutes; no zone is further from UTC."""


@dataclass(frozen=True, slots=True)
class Scene:
    files: Volume
    volume: int
    path: str
    """The Windows folder."""
    control: Callable[[str], Key | None]
    """A key of the control set by its path; None as well where the SYSTEM hive does not read."""

    def where(self, relative: str) -> str:
        return address(self.volume, f"{self.path}\\{relative}")

    def tail(self, relative: str, most: int) -> bytes:
        """The last `most` bytes of a file, from an even offset on. Raises Missing."""
        file = self.files.open(f"{self.path}\\{relative}")
        offset = max(0, file.size - most) & ~1
        return file.read(offset, most)

    def text(self, relative: str, most: int) -> str:
        """The end of a text of Windows, in UTF-16 or in one byte a character; what is broken is replaced."""
        data = self.tail(relative, most)
        wide = data[:2] == b"\xff\xfe" or data[1::2].count(0) > len(data) // 4
        return data.decode("utf-16-le" if wide else "utf-8", "replace").removeprefix("\ufeff")

    def events(self, name: str, most_chunks: int) -> Events:
        """The newest events of a log in winevt\\Logs. Raises Missing, ParseError."""
        relative = f"{LOGS}\\{name}.evtx"
        file = self.files.open(f"{self.path}\\{relative}")
        return newest_events(file.read, file.size, self.where(relative), most_chunks)

    def log(self, name: str, record: int) -> str:
        """The address of one event."""
        return self.where(f"{LOGS}\\{name}.evtx") + f" record {record}"

    def utc(self, local: datetime) -> int | None:
        """FILETIME of a local time of this machine, by the difference that was in force when it last ran."""
        zone = self.control("Control\\TimeZoneInformation")
        value = zone.value("ActiveTimeBias") if zone is not None else None
        minutes = value.number if value is not None and len(value.data) == 4 else 0
        signed = minutes - (1 << 32) if minutes >= 1 << 31 else minutes
        if abs(signed) > _MOST_BIAS:
            return None
        try:
            return filetime_of(local.replace(tzinfo=UTC) + timedelta(minutes=signed))
        except OverflowError:
            return None
