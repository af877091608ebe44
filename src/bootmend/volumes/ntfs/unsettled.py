"""Files whose clusters are not theirs for sure: an unclean journal holds a change of their own file records.

Writing over a file's clusters leaves the journal alone (`journal.py`), which is right as long as the journal
has nothing to say about which clusters those are. Where it has, Windows redoes or undoes it at its next start:
what we wrote would then lie in clusters that are no longer the file's, or have become another's.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from bootmend.errors import ParseError
from bootmend.volumes.ntfs.boot import SECTOR
from bootmend.volumes.ntfs.logrecords import CLIENT_RECORD, LogReader, LogRecord
from bootmend.volumes.ntfs.mft import FileRecord, Mft
from bootmend.volumes.volume import File

_MOVES = frozenset({0x02, 0x03, 0x04, 0x05, 0x06, 0x09})
"""A record begun, ended or rewritten, an attribute added or removed, mapping pairs. Not times, nor sizes alone."""
_FORGET = 0x1B
_UNFINISHED = 1 << 64


class Unsettled:
    """What the journal would still do to file records: by their place on the volume, the latest LSN that does."""

    def __init__(self, mft: Mft, log: File | None) -> None:
        """`log` None: a journal that was closed. Nothing can be told of one that cannot be read."""
        self._mft = mft
        self._latest: dict[int, int] = {}
        if log is not None:
            with suppress(ParseError):
                self._latest = _latest(LogReader(log, mft.name).records(), mft.boot.cluster_size)

    def holds(self, file: FileRecord) -> bool:
        """Whether a change of one of the file's own records is not on the disk yet, or will be taken back."""
        size = self._mft.boot.record_size
        for number in self._mft.numbers(file) if self._latest else ():
            (place, _), *_ = self._mft.table.places(number * size, number * size + SECTOR)
            if self._latest.get(place, 0) > self._mft.raw(number).u64(8, "the LSN of a file record"):
                return True
        return False


def _latest(records: Iterable[LogRecord], cluster_size: int) -> dict[int, int]:
    latest: dict[int, int] = {}
    unfinished: dict[int, set[int]] = {}
    for record in records:
        if record.kind != CLIENT_RECORD:
            continue
        if record.redo == _FORGET:
            unfinished.pop(record.transaction, None)
        elif record.redo in _MOVES and record.clusters:
            place = record.clusters[0] * cluster_size + record.block * SECTOR
            latest[place] = max(record.lsn, latest.get(place, 0))
            unfinished.setdefault(record.transaction, set()).add(place)
    for places in unfinished.values():  # taken back by Windows, whether they have reached the disk or not
        latest.update(dict.fromkeys(places, _UNFINISHED))
    return latest
