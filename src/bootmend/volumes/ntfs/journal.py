"""Before anything but data clusters is written: what to do about the $LogFile that Windows left.

clean 1.1, reset   nothing
clean 2.0          made 1.1 (nothing is lost)
unclean            replayed; where that cannot be proven safe, given up with consent, else refused
unreadable         given up with consent, else refused
"""

from __future__ import annotations

from bootmend.errors import ParseError, Refused
from bootmend.texts import say
from bootmend.volumes.ntfs.dirty import set_dirty
from bootmend.volumes.ntfs.logfile import Journal
from bootmend.volumes.ntfs.mft import LOGFILE, Mft
from bootmend.volumes.ntfs.replay import CannotReplay, replay

_STEP = 1 << 20


def is_ready(journal: Journal) -> bool:
    """Whether the engine may write beside this log: there is nothing in it that waits."""
    return journal.state == "reset" or (journal.state == "clean" and journal.version == "1.1")


def settle_journal(mft: Mft, journal: Journal, accept_discard: bool, *, to_write: bool = True) -> str:
    """A sentence for the report; empty where nothing was done. Raises Refused with the reason and the next step."""
    if is_ready(journal):
        return ""
    try:
        count = replay(mft, whole=to_write)
    except (CannotReplay, ParseError) as error:
        reason = str(error)
    else:
        return say("ntfs.replayed", volume=mft.name, count=count)
    if journal.state == "clean":
        _wipe(mft)
        return say("ntfs.journal_reset", volume=mft.name)
    if not accept_discard:
        key = "ntfs.journal_unreadable" if journal.state == "unreadable" else "ntfs.journal_unclean"
        text = say(key, volume=mft.name, version=journal.version, reason=reason)
        raise Refused(text, say("ntfs.journal_next"))
    _wipe(mft)
    set_dirty(mft)
    return say("ntfs.journal_discarded", volume=mft.name, reason=reason)


def _wipe(mft: Mft) -> None:
    """All ones, as a log that was never used: Windows begins a new one."""
    log = mft.stream(mft.file(LOGFILE))
    if log is None:
        raise mft.raw(LOGFILE).fail(0, "a $DATA attribute")
    for at in range(0, log.initialized, _STEP):
        log.write(at, b"\xff" * min(_STEP, log.initialized - at))
