"""A script run on a disk, as one change: every line carried out on the overlay, what is wrong with any told at once.

decode -> lines -> meant (placeholders) -> pieces -> variables -> program -> effects, or Wrong

Nothing is on the disk before the caller commits. So the rehearsal of a script is the script itself: a
wrong line is run as it was certainly meant, in order that those after it can be judged, and the caller
commits only what `Outcome.blocking` lets pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from bootmend.commands.reg import STUB_CONTROL_SET, parse_key
from bootmend.commands.script import programs
from bootmend.commands.script.batch import LONGEST_LINE, Line, lines, pieces
from bootmend.commands.script.decode import decode
from bootmend.commands.script.drives import Drives, choose
from bootmend.commands.script.meant import Change, Facts, filled_in, guesses, obvious, program_name
from bootmend.commands.script.tools import Tools
from bootmend.commands.script.variables import Variables
from bootmend.commands.script.words import program_of, runtime_words, shell_words
from bootmend.commands.script.wrong import Cure, Done, Outcome, Wrong
from bootmend.edit import Edit
from bootmend.errors import BootmendError, InputError, Missing, Misuse, Refused
from bootmend.formats.bcd import identifier
from bootmend.formats.hive import Hive
from bootmend.texts import say

MOST_WRONG = 100
"""Wrong lines told at once; after these the rest of the script is not looked at."""
MOST_TRIES = 3000
"""Guesses tried in one script."""
_SET_NAME = re.compile(r"ControlSet[0-9]{3}", re.IGNORECASE)
_LETTER = re.compile(r"([A-Za-z]):(?:[\\/]|$)")


class LeftOut(BootmendError):
    """Nothing that this line could mean is there on this disk, or would do anything."""

    exit_code = 3

    def __init__(self, reason: str, exit_code: int = 3) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


@dataclass(slots=True)
class _Attempt:
    """A line under way: what has been changed in it, and whether all of that is certain."""

    line: Line
    what: list[str]
    certain: bool = True


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
        self.text = text
        self.accept = accept
        self.outcome = Outcome(letter)
        self.drives = Drives(edit.image, lambda: edit.windows, letter, partitions)
        guess = re.search(r"\breg(?:\.exe)?\s+load\b", text, re.IGNORECASE) is None
        self.tools = Tools(edit, self.drives, guess_names=guess, accept=accept, letters=partitions)
        self.variables = Variables()
        self.facts = self._facts(letter)
        self._tries = MOST_TRIES
        self._at = 0
        """The line being run."""
        self._ended = 0
        """The line that said `exit`; 0 as long as none did."""

    def _facts(self, letter: str) -> Facts:
        try:
            windows = self.edit.windows
        except (Missing, Refused):
            return Facts(letter, "")
        entry = windows.chain.entry
        try:
            control_set = windows.control_set
        except InputError:
            control_set = ""
        return Facts(letter, identifier(entry.id) if entry is not None else "", control_set)

    def run(self) -> Outcome:
        found = list(lines(self.text))
        for line in found:
            if self._ended:
                self.outcome.notes.append(say("script.after_exit", line=line.number, exit=self._ended))
                break
            if len(self.outcome.wrong) >= MOST_WRONG:
                self.outcome.cut_short = True
                break
            self._at = line.number
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
        text = line.text
        try:
            if len(text) <= LONGEST_LINE and not _only_speaks(text):
                for change in filled_in(text, self.facts):
                    text = self._note_change(attempt, change)
            expanded = self.variables.expand(text) if len(text) <= LONGEST_LINE else None
            for piece in pieces(expanded.text if expanded is not None else text):
                done = self._piece(piece.text, attempt, expanded.literal if expanded is not None else ())
                ran += [piece.joint, done[0]] if piece.joint else [done[0]]
                effects += done[1]
        except LeftOut as left:
            self._wrong(attempt, str(left), "", Cure.SKIP, left.exit_code)
            return
        except BootmendError as error:
            meant = getattr(error, "meant", "") or (text if attempt.what and text != line.text else "")
            self._wrong(attempt, _sentence(error), meant, Cure.NONE, error.exit_code)
            return
        meant = " ".join(ran)
        if attempt.what:
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
            change = obvious(text, self.facts, self._programs(), self._there)
            if change is None:
                break
            text = self._note_change(attempt, change)
        self._require_literals_in_values(text, literal)
        try:
            return text, self._execute(text)
        except (Misuse, Missing, Refused) as error:
            for change in self._guessed(text):
                try:
                    effects = self._execute(change.text)
                except (Misuse, Missing, Refused):
                    continue
                return self._note_change(attempt, change), effects
            raise error from None

    def _guessed(self, text: str) -> list[Change]:
        """Guesses at one wrong word, then at two; as many as the script has left."""
        first = list(guesses(text, self.tools.loaded))[:60]
        second = [
            Change(two.text, f"{one.what} {two.what}", one.certain and two.certain)
            for one in first[:12]
            for two in list(guesses(one.text, self.tools.loaded))[:12]
        ]
        both = [*first, *second][: self._tries]
        self._tries -= len(both)
        return both

    def _programs(self) -> tuple[str, ...]:
        own = ("bcdedit", "reg", *self.tools.files.names, programs.ENDS, programs.SETS)
        return (*own, *programs.PASSED_OVER, *programs.SKIPPED, *programs.NOT_HERE)

    def _there(self, word: str) -> bool:
        try:
            place = self.drives.place(word)
            return self.edit.image.has_file(place.volume, place.path)
        except BootmendError:
            return False

    def _execute(self, text: str) -> list[str]:
        program = program_of(text)
        name = program_name(program.text)
        if re.fullmatch(r"[A-Za-z]:", text.strip()):
            self.drives.switch(text.strip()[0])
            return []
        if name == "bcdedit":
            words = [word.text for word in runtime_words(text)][1:]
            self._require_letters(words)
            return self.tools.bcdedit(words)
        if name == "reg":
            words = [word.text for word in runtime_words(text)][1:]
            self._require_control_set(words)
            return self.tools.reg(words)
        if name in self.tools.files.names:
            return self.tools.file_words(name, [word.text for word in shell_words(text[program.end :])])
        if name == programs.SETS:
            return [say("script.variable_set", name=self.variables.set(text))]
        if name == programs.ENDS:
            self._ended = self._at
            return []
        if name == "setlocal" and "delayed" in text.lower():
            raise Misuse(say("script.delayed"))
        if name in programs.PASSED_OVER:
            return []
        if name in programs.SKIPPED or name in programs.NOT_HERE:
            key = f"script.offline_{name}" if name in programs.OWN_SENTENCE else "script.offline"
            sentence = say(key, name=name)
            raise LeftOut(sentence) if name in programs.SKIPPED else Refused(sentence)
        raise Misuse(say("script.unknown_program", word=(program.text or text)[:80]))

    def _require_letters(self, words: list[str]) -> None:
        """A store or a partition named by a letter is on this disk, or the line is for another one."""
        for word in words:
            match = _LETTER.match(word.partition("=")[2] or word)
            if match is not None and match[1].upper() != "C":
                self.drives.require_known(match[1])

    def _require_literals_in_values(self, text: str, literal: tuple[str, ...]) -> None:
        """`%SystemRoot%` stays as it is in a registry value; elsewhere it names the machine that runs the script."""
        if not literal:
            return
        words = [word.text for word in runtime_words(text)]
        is_reg = bool(words) and program_name(words[0]) == "reg"
        for position, word in enumerate(words):
            for name in literal:
                if name not in word or (position == 0 and program_name(word) in ("bcdedit", "reg")):
                    continue
                if is_reg and words[position - 1].lower() in ("/d", "-d"):
                    note = say("script.literal", word=name)
                    if note not in self.outcome.notes:
                        self.outcome.notes.append(note)
                    continue
                raise Misuse(say("script.running_machine", word=name, letter=self.facts.letter))

    def _require_control_set(self, words: list[str]) -> None:
        """Raises LeftOut for a control set that is not there: adding to it would make one that boots nothing."""
        if STUB_CONTROL_SET in self.accept or not words or words[0].lower() in ("load", "unload", "import"):
            return
        for word in words[1:3]:
            if "\\" not in word or word.startswith("/"):
                continue
            spot = self.tools.registry.find(parse_key(word))
            first = spot.path.partition("\\")[0]
            if _SET_NAME.fullmatch(first) is None:
                continue
            hive = self.tools.registry.read(spot.place)
            if hive.key("Select") is not None and hive.key(first) is None:
                raise LeftOut(say("script.no_control_set", set=first, sets=_sets(hive)))


def _sets(hive: Hive) -> str:
    return ", ".join(key.name for key in hive.root.subkeys() if _SET_NAME.fullmatch(key.name))


def _only_speaks(text: str) -> bool:
    return program_name(program_of(text.lstrip("@ ")).text) in ("echo", "title")


def _sentence(error: BootmendError) -> str:
    if isinstance(error, Refused):
        return f"{error.reason} {error.next_step}".strip()
    return str(error)
