"""A true replay of an unclean $LogFile: `ntfsrecover` (package ntfs-3g) on a clone of the metadata it touches.

What was measured (ntfs-3g 2022.10.3) and read in its source:

* `ntfsrecover --kill-fast-restart <path>` takes logs of version 1.1 and 2.0; without the option a 2.0 log
  is refused ("fast restart mode"). Exit code 0: replayed or nothing to do; 1: anything else.
* It redoes every change of a finished transaction from the oldest LSN of the newer restart page on,
  unless the record on disk has a later LSN; then it writes both restart pages as clean and 1.1.
  The records stay, so LSNs go on rising: later changes of Windows are never taken for old ones.
* It reads and writes the clusters that the log records name, the log, and what a mount reads.
* It never undoes: a change of an unfinished transaction that had reached the disk would stay.
* On an operation it does not know, it stops half-way with exit code 1.

So a replay here is done only where all of this is harmless: each record is read by our own code first;
each transaction in the window must be finished, or none of its changes on the disk yet (the record it
would change has an older LSN); each operation must be one that ntfsrecover knows and that acts on the
clusters named. The work is done on a clone, looked at, and only then copied to the device.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from bootmend.disk.raw import RawFile
from bootmend.errors import BootmendError
from bootmend.volumes.ntfs.boot import SECTOR
from bootmend.volumes.ntfs.clone import cloned
from bootmend.volumes.ntfs.logfile import read_journal
from bootmend.volumes.ntfs.logrecords import CLIENT_RECORD, LogReader, LogRecord
from bootmend.volumes.ntfs.mft import FIRST_USER_RECORD, LOGFILE, MFT, ROOT, Mft
from bootmend.volumes.ntfs.records import BITMAP, DATA, INDEX_ALLOCATION
from bootmend.volumes.volume import File

_FORGET = 0x1B
_TABLES = frozenset({0x1D, 0x1E, 0x1F})
"""Dumps that belong to a checkpoint: open attributes, their names, dirty pages."""
_REDONE = frozenset({*range(0x03), 0x03, *range(0x05, 0x0A), *range(0x0B, 0x17), _FORGET, 0x1C, *_TABLES, 0x25})
"""Operations ntfsrecover redoes, or knows to be none."""
_STREAMS = (
    (MFT, DATA, ""),
    (MFT, BITMAP, ""),
    (1, DATA, ""),
    (LOGFILE, DATA, ""),
    (4, DATA, ""),
    (ROOT, INDEX_ALLOCATION, "$I30"),
    (6, DATA, ""),
    (9, DATA, "$SDS"),
    (9, INDEX_ALLOCATION, "$SDH"),
    (9, INDEX_ALLOCATION, "$SII"),
    (10, DATA, ""),
)
"""What mounting reads: the start of $MFT, $MFTMirr, what of $LogFile counts, $AttrDef, the root folder, $Bitmap,
$Secure, $UpCase."""
_BLOCK, _BEHIND = 4096, 4
"""The log is cloned in blocks of this size, with this many at each place, the first among them."""
_BOOT_BYTES = 8192
_SECONDS = 120
_MEMORY = 1 << 30
_MOST_CLONED = 2 << 30
"""Bytes of metadata a log may touch: they are written to a temporary file."""


class CannotReplay(BootmendError):
    """Why a replay would not be safe, as half a sentence; nothing was written."""


def replay(mft: Mft, *, whole: bool = True) -> int:
    """Replays the log onto the device; the number of records read. Raises CannotReplay, or ParseError for the log.

    `whole`: ntfsrecover gets all of the log, as it must where something is written by what comes of it. For a look,
    the pages that our own reader needed are enough.
    """
    program = shutil.which("ntfsrecover", path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/usr/local/sbin")
    if program is None:
        raise CannotReplay("ntfsrecover (package ntfs-3g) is not installed")
    log = mft.stream(mft.file(LOGFILE))
    if log is None:
        raise mft.raw(LOGFILE).fail(0, "a $DATA attribute")
    seen = _Seen(log)
    records = list(LogReader(seen, mft.name).records())
    _check(mft, records)
    with cloned(mft.device, _ranges(mft, records, [(0, log.size)] if whole else list(seen.ranges()))) as clone:
        _run(program, clone.path)
        with RawFile(clone.path) as file:
            after = Mft(file, mft.boot, mft.name)
            journal = read_journal(after.stream(after.file(LOGFILE)) or log, mft.name)
        if journal.state != "clean" or journal.version != "1.1":
            raise CannotReplay(f"ntfsrecover left the journal {journal.state}")
        if clone.strayed():
            raise CannotReplay("ntfsrecover wrote where the journal did not say")
        clone.copy_back()
    return len(records)


class _Seen(File):
    """The log, and which of its blocks were read.

    Of a log of 64 MiB only the pages from its oldest record to its newest say something: ntfsrecover walks the same
    way (seen with strace), and finds zeros beyond, as at the end of a log.
    """

    def __init__(self, log: File) -> None:
        self.size = log.size
        self._log = log
        self._blocks: set[int] = set()

    def read(self, offset: int, length: int) -> bytes:
        self._blocks.update(range(offset // _BLOCK, -(-(offset + length) // _BLOCK)))
        return self._log.read(offset, length)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """In bytes, each with the few blocks behind it."""
        for block in sorted(self._blocks):
            yield block * _BLOCK, min((block + _BEHIND) * _BLOCK, self.size)


def _check(mft: Mft, records: list[LogRecord]) -> None:
    if not records:
        raise CannotReplay("its oldest record is not there")
    unfinished: dict[int, list[LogRecord]] = {}
    for record in records:
        if record.kind != CLIENT_RECORD:
            continue
        if record.redo not in _REDONE:
            raise CannotReplay(f"operation {record.redo:#x} at LSN {record.lsn:#x} is not known")
        if any(cluster >= mft.boot.clusters for cluster in record.clusters):
            raise CannotReplay(f"the record at LSN {record.lsn:#x} names a cluster outside the volume")
        if record.redo == _FORGET:
            unfinished.pop(record.transaction, None)
        elif record.redo not in _TABLES:
            unfinished.setdefault(record.transaction, []).append(record)
    for changes in unfinished.values():
        for record in changes:
            if record.clusters and not _untouched(mft, record):
                raise CannotReplay(f"the transaction at LSN {changes[0].lsn:#x} is not finished, but begun on the disk")


def _untouched(mft: Mft, record: LogRecord) -> bool:
    """Whether what the record changes is provably older than it: a file record or index block holds its own LSN."""
    head = mft.device.read(record.clusters[0] * mft.boot.cluster_size + record.block * SECTOR, 16)
    return head[:4] in (b"FILE", b"INDX") and int.from_bytes(head[8:16], "little") < record.lsn


def _ranges(mft: Mft, records: list[LogRecord], log: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    size = mft.boot.cluster_size
    touched: set[int] = set()
    for record in records:
        touched.update(record.clusters)
        _check_room(len(touched) * size)
    yield 0, _BOOT_BYTES
    for cluster in touched:
        yield cluster * size, (cluster + 1) * size
    total = len(touched) * size
    for number, kind, name in _STREAMS:
        stream = mft.stream(mft.file(number), kind, name)
        if stream is None or stream.resident:
            continue
        end = 2 * FIRST_USER_RECORD * mft.boot.record_size if (number, kind) == (MFT, DATA) else stream.initialized
        for start, wanted in log if (number, kind) == (LOGFILE, DATA) else [(0, end)]:
            stop = min(wanted, stream.initialized)
            total += max(stop - start, 0)
            _check_room(total)
            for at, length in stream.places(start, stop):
                yield at, at + length


def _check_room(total: int) -> None:
    if total > _MOST_CLONED:
        raise CannotReplay(f"it touches {total} bytes of metadata, more than the {_MOST_CLONED} that are copied")


def _run(program: str, path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))

    try:
        done = subprocess.run(
            [program, "--kill-fast-restart", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
            preexec_fn=limit,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotReplay(f"ntfsrecover did not finish: {error}") from error
    if done.returncode:
        raise CannotReplay(f"ntfsrecover gave up (exit code {done.returncode})")
