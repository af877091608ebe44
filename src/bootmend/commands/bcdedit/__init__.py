"""bcdedit.exe on a disk: its words, the stores it means, its listing, its edits.

words -> parse_line -> Line
Line  -> BcdSession.run -> Answer    on an Image (reading), or on an Image and a Desk (editing)
"""

from bootmend.commands.bcdedit.lines import Line
from bootmend.commands.bcdedit.parse import parse_line
from bootmend.commands.bcdedit.run import Answer, BcdSession

__all__ = ["Answer", "BcdSession", "Line", "parse_line"]
