"""One command of a script carried out: the program found, what stands in its way checked, its effects told."""

from __future__ import annotations

import re
from collections.abc import Collection

from bootmend.commands.reg import STUB_CONTROL_SET, parse_key
from bootmend.commands.script import programs
from bootmend.commands.script.batch import ends_script
from bootmend.commands.script.meant import program_name
from bootmend.commands.script.tools import Tools
from bootmend.commands.script.variables import Variables
from bootmend.commands.script.words import program_of, runtime_words, shell_words
from bootmend.commands.script.wrong import LeftOut
from bootmend.errors import Misuse, Refused
from bootmend.formats.hive import Hive
from bootmend.texts import say

_SET_NAME = re.compile(r"ControlSet[0-9]{3}", re.IGNORECASE)
_LETTER = re.compile(r"([A-Za-z]):(?:[\\/]|$)")


class Commands:
    def __init__(self, tools: Tools, accept: Collection[str]) -> None:
        self.tools = tools
        self.variables = Variables()
        self.ended = False
        """The script said `exit`."""
        self._accept = accept
        own = ("bcdedit", "reg", *tools.files.names, programs.ENDS, programs.SETS)
        self.known = (*own, *programs.PASSED_OVER, *programs.SKIPPED, *programs.NOT_HERE)
        """Every program that a name is taken for."""

    def execute(self, text: str) -> list[str]:
        program = program_of(text)
        name = program_name(program.text)
        if re.fullmatch(r"[A-Za-z]:", text.strip()):
            self.tools.drives.switch(text.strip()[0])
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
        if name == programs.ENDS or ends_script(text):
            self.ended = True
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
                self.tools.drives.require_known(match[1])

    def _require_control_set(self, words: list[str]) -> None:
        """Raises LeftOut for a control set that is not there: adding to it would make one that boots nothing."""
        if STUB_CONTROL_SET in self._accept or not words or words[0].lower() in ("load", "unload", "import"):
            return
        for word in words[1:3] if words[0].lower() in ("copy", "compare") else words[1:2]:
            spot = self.tools.registry.find(parse_key(word))
            first = spot.path.partition("\\")[0]
            if _SET_NAME.fullmatch(first) is None:
                continue
            hive = self.tools.registry.read(spot.place)
            if hive.key("Select") is not None and hive.key(first) is None:
                raise LeftOut(say("script.no_control_set", set=first, sets=_sets(hive)))

    def require_literals_in_values(self, text: str, literal: Collection[str]) -> None:
        """`%SystemRoot%` stays as it is in a registry value; elsewhere it names the machine that runs the script."""
        words = [word.text for word in runtime_words(text)] if literal else []
        is_reg = bool(words) and program_name(words[0]) == "reg"
        for before, word in zip(["", *words], words, strict=False):
            if not before and program_name(word) in ("bcdedit", "reg"):
                continue  # %windir%\system32\reg.exe
            for name in literal:
                if name in word and not (is_reg and before.lower() in ("/d", "-d")):
                    raise Misuse(say("script.running_machine", word=name, letter=self.tools.drives.letter))


def _sets(hive: Hive) -> str:
    return ", ".join(key.name for key in hive.root.subkeys() if _SET_NAME.fullmatch(key.name))
