"""Patches onto a device, all or nothing, with the way back kept in a journal.

commit   writes patches               undo     puts one commit back
recover  mends after a crash          pending  says whether there is something to mend
history  what was done to this disk   lock     nobody else at the disk meanwhile
"""

from bootmend.commit.apply import CommitReport, commit
from bootmend.commit.folder import journal_folder
from bootmend.commit.history import HistoryEntry, history, pending
from bootmend.commit.journal import patches_of
from bootmend.commit.undo import Recovered, recover, undo

__all__ = [
    "CommitReport",
    "HistoryEntry",
    "Recovered",
    "commit",
    "history",
    "journal_folder",
    "patches_of",
    "pending",
    "recover",
    "undo",
]
