"""Patches onto a device, all or nothing, with the way back kept in a journal.

exclusive   nobody else at the disk meanwhile
recover     mends what a crash left           pending     says whether there is something to mend
commit      writes patches                    undo        puts one commit back
history     what was done to this disk        patches_of  byte by byte
"""

from bootmend.commit.apply import CommitReport, commit
from bootmend.commit.folder import journal_folder
from bootmend.commit.history import HistoryEntry, history, newest_commit, pending
from bootmend.commit.journal import patches_of
from bootmend.commit.lock import exclusive, refuse_if_in_use
from bootmend.commit.undo import Recovered, recover, undo

__all__ = [
    "CommitReport",
    "HistoryEntry",
    "Recovered",
    "commit",
    "exclusive",
    "history",
    "journal_folder",
    "newest_commit",
    "patches_of",
    "pending",
    "recover",
    "refuse_if_in_use",
    "undo",
]
