"""tesseract: lines of text off a view, by a child with a list of arguments, a time limit and a memory limit.

https://tesseract-ocr.github.io/tessdoc/Command-Line-Usage.html; in its TSV output rows of level 5 are words.
"""

from __future__ import annotations

import io
import os
import resource
import shutil
import signal
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from bootmend.errors import InputError, Unequipped
from bootmend.screens.lines import MAX_LINES, Reading, placed, top_down
from bootmend.screens.picture import View
from bootmend.texts import say

SECONDS = 20
"""Of a processor's time, for one view; a screen takes about one."""
PATIENCE = 150
"""Of the clock: on a busy machine the same work takes longer."""
MEMORY = 2 << 30


class Tesseract:
    def __init__(self) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise Unequipped(say("screens.no_tesseract"))
        self.program = program

    @property
    def knows_korean(self) -> bool:
        return "kor" in _languages(self.program)

    def read(self, view: View, *, korean: bool = False, sparse: bool = True) -> Reading:
        """The lines from top to bottom; none where it sees no text.

        `sparse`: text may stand anywhere; else the view is taken for one block.
        """
        picture = io.BytesIO()
        view.image.save(picture, "PPM")
        languages = "kor+eng" if korean and self.knows_korean else "eng"
        command = [self.program, "stdin", "stdout", "--psm", "11" if sparse else "6", "-l", languages, "tsv"]
        return _lines(_run(command, picture.getvalue()), view)


@cache
def _languages(program: str) -> frozenset[str]:
    return frozenset(_run([program, "--list-langs"], b"").split())


def _run(command: Sequence[str], given: bytes) -> str:
    """What the program says. `InputError` where it fails or does not end in time: that is not "no text"."""
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as child:
        try:
            resource.prlimit(child.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.prlimit(child.pid, resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
            told, _ = child.communicate(given, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise InputError(say("screens.engine_slow")) from None
        finally:
            child.kill()
    if child.returncode == -signal.SIGXCPU:
        raise InputError(say("screens.engine_slow"))
    if child.returncode:
        raise InputError(say("screens.engine_failed", code=child.returncode))
    return told.decode("utf-8", "replace")


def _lines(table: str, view: View) -> Reading:
    """Words of tesseract's table, joined into their lines."""
    words: dict[tuple[str, ...], list[tuple[int, int, int, int, str]]] = defaultdict(list)
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) == 12 and cells[0] == "5" and cells[11].strip():
            left, top, width, height = map(int, cells[6:10])
            words[tuple(cells[1:5])].append((left, top, left + width, top + height, cells[11]))
    lines = []
    for group in list(words.values())[:MAX_LINES]:
        places = list(zip(*group, strict=True))
        box = (min(places[0]), min(places[1]), max(places[2]), max(places[3]))
        lines.append(placed(" ".join(word[4] for word in group), box, view))
    return top_down(lines)
