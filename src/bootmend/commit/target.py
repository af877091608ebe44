"""What stands on the disk where a journal has its patches: the questions before any write, and the writes.

Everything here takes the patches one by one from the journal, so memory stays at a few MiB.
"""

from __future__ import annotations

from collections.abc import Iterable

from bootmend.commit.files import Files
from bootmend.commit.journal import Journal, State
from bootmend.disk.device import BlockDevice, Patch
from bootmend.disk.undisturbed import undisturbed
from bootmend.errors import DeviceError, Refused
from bootmend.texts import say


def require_before(device: BlockDevice, patches: Iterable[Patch]) -> None:
    """Refused where one byte is not what stood there when the repair was worked out."""
    for patch in patches:
        now = device.read(patch.offset, len(patch.before))
        if now != patch.before:
            at = patch.offset + _first_difference(now, patch.before)
            raise Refused(say("commit.changed", disk=device.name, offset=f"{at:#x}"), say("commit.changed_next"))


def require_before_or_after(device: BlockDevice, journal: Journal, torn: bool) -> None:
    """Refused where a byte is neither; checks the whole journal on the way.

    `torn` allows old and new bytes mixed inside one patch, as a power cut in the middle of a write leaves them.
    """
    for patch in journal.checked():
        now = device.read(patch.offset, len(patch.before))
        if now in (patch.before, patch.after):
            continue
        at = _first_foreign(now, patch)
        if not torn and at is None:
            at = _first_difference(now, patch.after)
        if at is not None:
            raise Refused(
                say("commit.not_ours", disk=device.name, offset=f"{patch.offset + at:#x}", journal=journal.path),
                say("commit.not_ours_next", journal=journal.path),
            )


def put_forward(device: BlockDevice, journal: Journal) -> None:
    """Every `after` onto the disk, durable and read back. DeviceError where it reads otherwise."""
    for patch in journal.checked():
        device.write(patch.offset, patch.after)
    device.flush()
    for patch in journal.checked():
        _require_reads(device, patch.offset, patch.after)


def put_back(device: BlockDevice, journal: Journal, files: Files) -> None:
    """Every `before` onto the disk, last patch first, durable and read back; then UNDONE.

    May be repeated until it succeeds: what already reads `before` is not written again.
    """
    if journal.state == State.COMMITTED:
        journal.mark(State.UNDOING, files)
    for patch in journal.backwards():
        if device.read(patch.offset, len(patch.before)) != patch.before:
            device.write(patch.offset, patch.before)
    device.flush()
    for patch in journal.checked():
        _require_reads(device, patch.offset, patch.before)
    journal.mark(State.UNDONE, files)


def put_back_after(device: BlockDevice, journal: Journal, files: Files, error: BaseException) -> None:
    """`put_back` after `error` broke off the work; DeviceError, saying what to do, where that fails too."""
    with undisturbed():  # a second Ctrl-C waits until the bytes are back
        try:
            # Opened anew: the mark whose sync failed may stand in the file all the same.
            put_back(device, Journal(journal.path), files)
        except BaseException as second:
            why = str(error) or type(error).__name__
            raise DeviceError(say("commit.unfinished", disk=device.name, journal=journal.path, why=why)) from second


def _require_reads(device: BlockDevice, offset: int, wanted: bytes) -> None:
    now = device.read(offset, len(wanted))
    if now != wanted:
        at = offset + _first_difference(now, wanted)
        raise DeviceError(say("commit.reads_otherwise", disk=device.name, offset=f"{at:#x}"))


def _first_difference(one: bytes, other: bytes) -> int:
    return next(at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)


def _first_foreign(now: bytes, patch: Patch) -> int | None:
    """Index of the first byte that is neither the old nor the new one."""
    triples = zip(now, patch.before, patch.after, strict=True)
    return next((at for at, (byte, old, new) in enumerate(triples) if byte not in (old, new)), None)
