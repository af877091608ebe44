"""A registry hive where it lies on a volume, with its logs, brought up to date in memory.

A dirty hive is read as Windows would read it: after replay. Nothing is written here; the
replayed bytes become an edit (`actions.replay_hive`) only when a plan changes this machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootmend.errors import Missing, ParseError
from bootmend.formats.hive import Hive, Recovery, RecoveryState, recover, walk_bins
from bootmend.windows.image import Image, address

LOG_SUFFIXES = ("LOG", "LOG1", "LOG2")
BIN_START = 4096
"""Where a hive's bins begin in its file; the size in the base block counts from here."""
MAX_HIVE, MAX_LOG = 256 << 20, 128 << 20
"""Bytes; real ones have up to some 150 MiB (SOFTWARE), their logs less. They bound memory on a hostile disk."""


@dataclass(slots=True)
class LoadedHive:
    """A hive of the disk: `primary` as it lies there, `hive` after its logs were applied in memory."""

    volume: int
    path: str
    primary: bytes
    logs: dict[str, bytes]
    recovery: Recovery
    hive: Hive
    notes: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        return address(self.volume, self.path)

    @property
    def replayed(self) -> bool:
        return self.recovery.state is RecoveryState.REPLAYED

    @property
    def cut_off(self) -> ParseError | None:
        """That the file ends before its own hive bins do: what is lacking in it says nothing of the machine."""
        there, expected = max(0, len(self.recovery.data) - BIN_START), self.hive.base.size
        if there >= expected:
            return None
        return ParseError(self.where, len(self.recovery.data), f"{expected} bytes of hive bins", str(there))

    @property
    def broken_bin(self) -> ParseError | None:
        """The first hive bin that is none."""
        try:
            for _ in walk_bins(self.recovery.data, self.where, self.hive.base.size):
                pass
        except ParseError as error:
            return error
        return None

    @property
    def unreplayable(self) -> bool:
        """Dirty, and its logs do not lead to a sound state: readable, not to be written."""
        return self.recovery.state is RecoveryState.UNREPLAYABLE


def load_hive(image: Image, volume: int, path: str) -> LoadedHive:
    """Reads a hive with its logs. Raises Missing, or ParseError where it is no hive at all."""
    files = image.volume(volume)
    primary = files.read(path, MAX_HIVE)
    logs: dict[str, bytes] = {}
    for suffix in LOG_SUFFIXES:
        try:
            logs[suffix] = files.read(f"{path}.{suffix}", MAX_LOG)
        except Missing:
            continue
    where = address(volume, path)
    recovery = recover(primary, logs, where)
    return LoadedHive(volume, path, primary, logs, recovery, Hive.parse(recovery.data, where))
