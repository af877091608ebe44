"""A script run on a disk, as one change: every line carried out on the overlay, what is wrong with any told at once.

decode -> lines -> meant (placeholders) -> pieces -> variables -> program -> effects, or Wrong

Nothing is on the disk before the caller commits. So the rehearsal of a script is the script itself: a
wrong line is run as it was certainly meant, in order that those after it can be judged, and the caller
commits only what `Outcome.blocking` lets pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from bootmend.commands.script.batch import LONGEST_LINE, Line, lines, pieces, require_straight
from bootmend.commands.script.decode import decode
from bootmend.commands.script.dispatch import Commands
from bootmend.commands.script.drives import Drives, choose
from bootmend.commands.script.guesses import guesses
from bootmend.commands.script.meant import Change, Facts, filled_in, obvious, program_name
from bootmend.commands.script.tools import Tools
from bootmend.commands.script.words import program_of
from bootmend.commands.script.wrong import Cure, Done, LeftOut, Outcome, Wrong
from bootmend.edit import Edit
from bootmend.errors import BootmendError, InputError, Missing, Misuse, Refused
from bootmend.formats.bcd import identifier
from bootmend.texts import say

MOST_WRONG = 300
"""Wrong lines told at once; after these the rest of the script is not looked at."""
MOST_TRIES = 1000
"""Guesses tried in one script."""


_LOADS = re.compile(r"\breg(?:\.exe)?\"?\s+load\b", re.IGNORECASE)


@dataclass(slots=True)
class _Attempt:
    """A line under way: what has been changed in it, and whether all of that is certain."""

    line: Line
    what: list[str]
    certain: bool = True
    piece: str = ""
    """The command being run, as far as it has been put right."""


def run_script(
    edit: Edit, data: bytes, file: str, *, drive: list[str] | None = None, accept: Collection[str] = ()
) -> Outcome:
    """Every line on `edit`; raises ParseError where the file is no text, Misuse for a script past all bounds."""
    text = decode(data, file)
    letter, partitions = choose(drive or [], text)
    return ScriptRun(edit, letter, partitions, text, accept).run()


class ScriptRun:
    def __init__(self, edit: Edit, letter: str, partitions: dict[str, int], text: str, accept: Collection[str]) -> None:
        self.edit = edit
        self.outcome = Outcome(letter)
        self.drives = Drives(edit.image, lambda: edit.windows, letter, partitions)
        self.lines = list(lines(text))
        guess = not any(_LOADS.search(line.text) for line in self.lines)
        letters = {**self._own_letter(letter), **partitions}
        self.tools = Tools(edit, self.drives, guess_names=guess, accept=accept, letters=letters)
        self.commands = Commands(self.tools, accept)
        self.facts = self._facts(letter)
        self._tries = MOST_TRIES

    def _own_letter(self, letter: str) -> dict[str, int]:
        """The disk's letter as bcdedit's devices take it (`partition=F:`): the Windows volume."""
        try:
            return {letter: self.edit.windows.volume}
        except (Missing, Refused):
            return {}

    def _facts(self, letter: str) -> Facts:
        try:
            windows = self.edit.windows
        except (Missing, Refused):
            return Facts(letter, "")
        entry = windows.chain.entry
        try:
            last = windows.last_control_set
            control_set = last if last and windows.system.hive.key(last) is not None else windows.control_set
        except InputError:
            control_set = ""
        return Facts(letter, identifier(entry.id) if entry is not None else "", control_set)

    def run(self) -> Outcome:
        for line in self.lines:
            if self.commands.ended:
                self.outcome.notes.append(say("script.after_exit", line=line.number))
                break
            if len(self.outcome.wrong) >= MOST_WRONG:
                self.outcome.cut_short = True
                break
            self._line(line)
        if self.tools.loaded:
            self.outcome.notes.append(say("script.not_unloaded", names=", ".join(self.tools.loaded)))
        self.outcome.notes += self.tools.notes
        return self.outcome

    def _line(self, line: Line) -> None:
        """Runs it; where it is wrong, one Wrong for the whole line."""
        attempt = _Attempt(line, [])
        ran: list[str] = []
        effects: list[str] = []
        left: LeftOut | None = None
        text = line.text
        try:
            require_straight(text.lstrip("@ \t"))
            if len(text) <= LONGEST_LINE and not _only_speaks(text):
                for change in filled_in(text, self.facts):
                    text = self._note_change(attempt, change)
            expanded = self.commands.variables.expand(text) if len(text) <= LONGEST_LINE else None
            for piece in pieces(expanded.text if expanded is not None else text):
                if left is not None and piece.joint == "&&":
                    continue
                try:
                    done, told = self._piece(piece.text, attempt, expanded.literal if expanded is not None else ())
                except LeftOut as one:
                    left = one
                    continue
                ran += [piece.joint, done] if ran else [done]
                effects += told
        except BootmendError as error:
            meant = " ".join([*ran, attempt.piece or text]) if attempt.what else ""
            self._wrong(attempt, _sentence(error), meant, Cure.NONE, error.exit_code)
            return
        meant = " ".join(ran)
        if left is not None:
            cure = Cure.SKIP if attempt.certain else Cure.NONE
            self._wrong(attempt, str(left), meant, cure, left.exit_code)
        elif attempt.what:
            self._wrong(attempt, "", meant, Cure.MEANT if attempt.certain else Cure.NONE, Misuse.exit_code)
        if effects:
            self.outcome.done.append(Done(line.number, meant, tuple(effects)))

    def _note_change(self, attempt: _Attempt, change: Change) -> str:
        if change.what not in attempt.what:
            attempt.what.append(change.what)
        attempt.certain = attempt.certain and change.certain
        return change.text

    def _wrong(self, attempt: _Attempt, reason: str, meant: str, cure: Cure, code: int) -> None:
        what = (*attempt.what, reason) if reason else tuple(attempt.what)
        line = attempt.line
        self.outcome.wrong.append(Wrong(line.number, line.text[:LONGEST_LINE], what, meant, cure, code))

    def _piece(self, text: str, attempt: _Attempt, literal: tuple[str, ...]) -> tuple[str, list[str]]:
        """(the command as it was run, its effects)."""
        for _ in range(8):
            change = obvious(text, self.facts, self.commands.known, self._there)
            if change is None:
                break
            text = self._note_change(attempt, change)
        attempt.piece = text
        self.commands.require_literals_in_values(text, literal)
        try:
            return text, self.commands.execute(text)
        except (Misuse, Missing, Refused) as error:
            for change in self._guessed(text):
                try:
                    effects = self.commands.execute(change.text)
                except BootmendError:
                    continue
                return self._note_change(attempt, change), effects
            raise error from None

    def _guessed(self, text: str) -> Iterator[Change]:
        """Guesses at one wrong word, then at two; as many as the script has left."""
        first = list(islice(guesses(text, self.tools.loaded), 40))
        for one in first:
            if self._tries > 0:
                self._tries -= 1
                yield one
        for one in first[:6]:
            for two in islice(guesses(one.text, self.tools.loaded), 12 if self._tries > 0 else 0):
                self._tries -= 1
                yield Change(two.text, f"{one.what} {two.what}", one.certain and two.certain)

    def _there(self, word: str) -> bool:
        try:
            place = self.drives.place(word)
            return self.edit.image.has_file(place.volume, place.path)
        except BootmendError:
            return False


def _only_speaks(text: str) -> bool:
    return program_name(program_of(text.lstrip("@ ")).text) in ("echo", "title")


def _sentence(error: BootmendError) -> str:
    if isinstance(error, Refused):
        return f"{error.reason} {error.next_step}".strip()
    return str(error)
