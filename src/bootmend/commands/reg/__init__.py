"""The words of reg.exe, understood and carried out on the hives of a disk.

words -> parse -> a command (Query, Add, ...) -> run on a Registry -> Answer (lines for stdout, notes)

`run` knows nothing of terminals: a command line of `bootmend reg` and a line of a script give it the
same words. Writing goes to the hives on a Desk; nothing reaches the disk before whoever owns the desk
commits it.
"""

from bootmend.commands.reg.lines import Command
from bootmend.commands.reg.names import KeyName, LoadedNames, parse_key
from bootmend.commands.reg.parse import parse
from bootmend.commands.reg.registry import STUB_CONTROL_SET, Registry
from bootmend.commands.reg.run import Answer, Files, run

__all__ = [
    "STUB_CONTROL_SET",
    "Answer",
    "Command",
    "Files",
    "KeyName",
    "LoadedNames",
    "Registry",
    "parse",
    "parse_key",
    "run",
]
