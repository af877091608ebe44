"""Scripts of bcdedit, reg and file lines (.cmd), run on a disk as one change.

bytes -> decode -> batch (lines, pieces) -> variables -> meant (what is wrong, and the line that was meant)
      -> tools (bcdedit, reg, filewords over one desk) -> Outcome: what each line did, and every wrong line
"""

from bootmend.commands.script.document import document
from bootmend.commands.script.run import run_script
from bootmend.commands.script.wrong import Cure, Done, Outcome, Wrong

__all__ = ["Cure", "Done", "Outcome", "Wrong", "document", "run_script"]
