"""A dirty hive brought up to date from its logs, as Windows does when it loads it.

    clean primary                          nothing to do, whatever the logs hold
    new logs (HvLE)                        the log that starts earlier, then the other if it goes on with the
                                           next number; a log that starts below the primary's second
                                           number is stale
    primary's base block damaged           only the latest log, which also gives the base block back
    old log (DIRT)                         the one with the primary's own time
    nothing applies                        UNREPLAYABLE: no guess is made

An entry that fails its hash ends the replay: what stands before it is a state Windows had flushed.
The result is clean: both sequence numbers are one more than any in the primary or a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bootmend.errors import ParseError
from bootmend.formats.hive.baseblock import (
    FIRST_BIN_TIME,
    SECTOR,
    TYPE_NEW_LOG,
    TYPE_OLD_LOGS,
    BaseBlock,
    next_sequence,
    stamp,
)
from bootmend.formats.hive.newlog import NewLog, highest_number, read_new_log
from bootmend.formats.hive.oldlog import read_old_log
from bootmend.formats.hive.replay import Unreplayable, prove, start, write_pages
from bootmend.texts import say


class RecoveryState(Enum):
    CLEAN = "clean"
    """The primary is up to date."""
    REPLAYED = "replayed"
    UNREPLAYABLE = "unreplayable"
    """It is dirty, and no log can be applied; `reason` says why."""


@dataclass(slots=True)
class Recovery:
    """What became of a hive and its logs; `data` is the primary itself unless REPLAYED."""

    data: bytes
    state: RecoveryState
    reason: str = ""
    applied: list[tuple[str, int]] = field(default_factory=list)
    """(log, sequence number) in the order applied."""
    highest_sequence: int = 0
    """In the primary or any log; an edit must go above it."""
    notes: list[str] = field(default_factory=list)
    """Logs that were left alone, and why."""


def recover(primary: bytes, logs: Mapping[str, bytes], file: str) -> Recovery:
    """Bring a hive up to date; `logs` by suffix: LOG, LOG1, LOG2. Never raises for what primary or logs hold."""
    replay = _Replay(primary, file)
    for name, log in logs.items():
        if any(log[:SECTOR]):  # an empty log, or one that was made quiet
            replay.read_log(name, log)
    return replay.run()


def quiet_log(log: bytes) -> bytes:
    """The log with its first sector zeroed, as long as before: Windows takes it for an empty one."""
    length = min(SECTOR, len(log))
    return bytes(length) + log[length:]


class _Replay:
    def __init__(self, primary: bytes, file: str) -> None:
        self.primary = primary
        self.file = file
        self.base: BaseBlock | None = None
        try:
            self.base = BaseBlock.parse(primary, file)
        except ParseError:
            self.recovery = Recovery(primary, RecoveryState.UNREPLAYABLE)
        else:
            self.recovery = Recovery(primary, RecoveryState.UNREPLAYABLE, highest_sequence=max(self.base.sequences))
            if not self.base.checksum_right:
                self.base, self.recovery.highest_sequence = None, 0
        self.new: dict[str, BaseBlock] = {}
        self.old: dict[str, BaseBlock] = {}
        self.logs: dict[str, bytes] = {}

    def read_log(self, name: str, log: bytes) -> None:
        recovery = self.recovery
        try:
            base = BaseBlock.parse(log, f"{self.file}.{name}")
        except ParseError as error:
            recovery.notes.append(str(error))
            return
        if not base.checksum_right or base.sequences[0] != base.sequences[1]:
            recovery.notes.append(say("hive.log_base_bad", log=name))
        elif base.type == TYPE_NEW_LOG:
            self.new[name] = base
            recovery.highest_sequence = max(recovery.highest_sequence, highest_number(log, base))
        elif base.type in TYPE_OLD_LOGS:
            self.old[name] = base
            recovery.highest_sequence = max(recovery.highest_sequence, *base.sequences)
        else:
            recovery.notes.append(say("hive.log_type", log=name, type=base.type))
            return
        self.logs[name] = log

    def run(self) -> Recovery:
        recovery, base = self.recovery, self.base
        if base and not base.dirty:
            recovery.state = RecoveryState.CLEAN
            newer = [name for name, log in self.new.items() if log.sequences[0] > base.sequences[0]]
            recovery.notes += [say("hive.log_foreign", log=name) for name in newer]
            return recovery
        try:
            data = self._replay_new() or self._replay_old()
        except Unreplayable as error:
            recovery.applied, recovery.reason = [], str(error)
            return recovery
        if data is None:
            recovery.reason = say("hive.no_log_fits" if self.logs else "hive.no_log")
            return recovery
        stamp(data, sequence=next_sequence(recovery.highest_sequence))
        recovery.data, recovery.state = bytes(data), RecoveryState.REPLAYED
        return recovery

    def _replay_new(self) -> bytearray | None:
        """The entries of the new logs that go on from the primary, applied; None if there are none."""
        recovery = self.recovery
        chosen: list[tuple[str, NewLog]] = []
        for name, log_base in sorted(self.new.items(), key=lambda item: item[1].sequences[0]):
            log = read_new_log(self.logs[name], log_base)
            if not log.entries:
                recovery.notes.append(say("hive.log_torn" if log.torn else "hive.log_empty", log=name))
            elif self.base and log.entries[0].sequence < self.base.sequences[1]:
                recovery.notes.append(say("hive.log_stale", log=name))
            else:
                chosen.append((name, log))
        if not chosen:
            return None
        if self.base is None:
            chosen = chosen[-1:]
        data = start(self.primary, self.base, self.logs[chosen[0][0]])
        last: int | None = None
        for name, log in chosen:
            if last is not None and log.entries[0].sequence != last + 1:
                recovery.notes.append(say("hive.log_gap", log=name, last=last, first=log.entries[0].sequence))
                break
            for entry in log.entries:
                write_pages(data, entry.hive_size, entry.pages, len(self.primary))
                last = entry.sequence
                recovery.applied.append((name, last))
            if log.torn:
                recovery.notes.append(say("hive.log_torn", log=name))
                break
        times = {log.base.timestamp for _, log in chosen}
        prove(data, self.file, whole=self.base is not None and times != {self.base.timestamp})
        return data

    def _replay_old(self) -> bytearray | None:
        """The one old log that carries the primary's time, applied; None if there is none."""
        recovery = self.recovery
        kept = self.primary[FIRST_BIN_TIME : FIRST_BIN_TIME + 8]
        time = self.base.timestamp if self.base else int.from_bytes(kept, "little")
        for name, base in sorted(self.old.items(), key=lambda item: -item[1].sequences[0]):
            pages = read_old_log(self.logs[name], base)
            if base.timestamp != time:
                recovery.notes.append(say("hive.log_stale", log=name))
            elif pages is None:
                recovery.notes.append(say("hive.log_torn", log=name))
            else:
                data = start(self.primary, self.base, self.logs[name])
                write_pages(data, base.size, pages, len(self.primary))
                recovery.applied.append((name, base.sequences[0]))
                prove(data, self.file)
                return data
        return None
