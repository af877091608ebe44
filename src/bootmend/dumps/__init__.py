"""Kernel crash dumps: what Windows wrote of its memory when it stopped.

    File -> Reader -> Header -> container (full, bitmap, triage) -> Memory -> KDBG, modules, processors -> Verdict

Everything is random access: a dump of a machine with much memory is never read as a whole.
"""

from bootmend.dumps.dump import Dump, open_dump
from bootmend.dumps.reader import Bytes, looks_like_dump

__all__ = ["Bytes", "Dump", "looks_like_dump", "open_dump"]
