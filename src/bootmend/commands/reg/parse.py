"""A command line of reg.exe, from its words to a value that says what is wanted.

Switches are taken as reg.exe takes them: `/v` or `-v`, in either case, in any order after the keys and
files, each at most once. The word after a switch that takes one is taken as it is, even if it begins
with a slash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bootmend.commands.reg import data
from bootmend.commands.reg.names import KeyName, parse_key, split_path
from bootmend.errors import Misuse
from bootmend.formats.hive import ValueType
from bootmend.texts import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    key: KeyName
    name: str | None = None
    """Only the value of this name; "" is the default value."""
    recurse: bool = False
    type: int | None = None
    pattern: str | None = None
    """What /f looks for; None: this is no search."""
    in_keys: bool = True
    in_names: bool = True
    in_data: bool = True
    case: bool = False
    exact: bool = False
    numbers: bool = False
    separator: str = data.SEPARATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    key: KeyName
    name: str
    type: int
    data: bytes
    force: bool = False
    literal: str = ""
    """The word after /d where it holds a %variable%, which stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    key: KeyName
    name: str | None = None
    """The value to delete; None: the whole key, or all its values."""
    values: bool = False
    """All values of the key (/va)."""
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    source: KeyName
    target: KeyName
    recurse: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    key: KeyName
    file: str
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """A key with all below it as a hive file."""

    key: KeyName
    file: str
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    first: KeyName
    second: KeyName
    name: str | None = None
    """Only the value of this name; "" is the default value."""
    recurse: bool = False
    same: bool = False
    different: bool = True
    """What is printed of what is the same, and of what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    key: KeyName
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unload:
    key: KeyName


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """`reg /?` or `reg add /?`."""


Command = Query | Add | Delete | Copy | Compare | Export | Import | Save | Load | Unload | Help
READ_ONLY = (Query, Compare, Export, Save, Load, Unload, Help)
"""Commands that change no hive."""

_HELP = ("/?", "-?", "/h", "-h")
_ABSENT = ("restore", "flags")


def parse(words: Sequence[str]) -> Command:
    """What the words after `reg` ask for. Raises Misuse naming the word, Refused for what no disk can give."""
    if not words:
        raise Misuse(say("reg.no_operation", known=", ".join(_PARSERS)))
    operation = words[0].lower()
    if operation in _HELP:
        return Help()
    parser = _PARSERS.get(operation)
    if parser is None:
        raise Misuse(say("reg.not_here" if operation in _ABSENT else "reg.no_such_operation", word=words[0],
                         known=", ".join(_PARSERS)))  # fmt: skip
    if len(words) == 2 and words[1].lower() in _HELP:
        return Help()
    return parser(words[1:])


class _Words:
    """The words after the operation: first what stands without a switch, then switches, each once."""

    def __init__(self, operation: str, words: Sequence[str]) -> None:
        self.operation = operation
        self.words = list(words)
        self.at = 0
        self.allowed: list[str] = []

    def take(self, what: str) -> str:
        """The next word, which must be there and be no switch; a FILE may begin with a slash, as paths here do."""
        word = self.words[self.at] if self.at < len(self.words) else ""
        if not word or (word.startswith("/") and (what != "FILE" or len(word) == 2)):
            raise Misuse(say("reg.lacks", operation=self.operation, what=what))
        self.at += 1
        return word

    def switches(self, known: str) -> Iterator[str]:
        """Each switch that follows, in lower case with a slash; `known` lists those that are allowed."""
        allowed = self.allowed = known.split()
        seen: set[str] = set()
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            switch = f"/{word[1:].lower()}" if word[:1] in ("/", "-") and len(word) > 1 else ""
            if switch in ("/reg:64", "/reg:32"):
                self._view(word, switch, seen)
            elif switch not in allowed:
                problem = "reg.bad_word" if allowed else "reg.extra_word"
                raise Misuse(say(problem, operation=self.operation, word=word, known=" ".join(allowed)))
            elif switch in seen:
                raise Misuse(say("reg.twice", word=word))
            else:
                seen.add(switch)
                yield switch

    def _view(self, word: str, switch: str, seen: set[str]) -> None:
        """A disk is seen as 64-bit programs see it: /reg:64 says nothing new, /reg:32 has no view to switch to."""
        if switch == "/reg:32":
            raise Misuse(say("reg.view_32"))
        if switch in seen:
            raise Misuse(say("reg.twice", word=word))
        seen.add(switch)

    def argument(self, switch: str) -> str:
        """The word after a switch, whatever it looks like."""
        if self.at >= len(self.words):
            raise Misuse(say("reg.no_argument", switch=switch))
        self.at += 1
        return self.words[self.at - 1]

    def at_switch_or_end(self) -> bool:
        """Whether no argument follows but the next switch, or nothing."""
        if self.at >= len(self.words):
            return True
        word = self.words[self.at]
        return word[:1] in ("/", "-") and f"/{word[1:].lower()}" in self.allowed


def _only_one(name: str | None, switch: str) -> None:
    if name is not None:
        raise Misuse(say("reg.names_twice", switch=switch))


def _query(words: Sequence[str]) -> Query:
    line = _Words("query", words)
    key = parse_key(line.take("KEY"))
    name: str | None = None
    pattern: str | None = None
    kind: int | None = None
    separator = data.SEPARATOR
    flags: set[str] = set()
    for switch in line.switches("/v /ve /s /f /k /d /c /e /t /z /se"):
        flags.add(switch)
        if switch == "/v" and line.at_switch_or_end():
            continue
        if switch in ("/v", "/ve"):
            _only_one(name, switch)
            name = line.argument(switch) if switch == "/v" else ""
        elif switch == "/f":
            pattern = line.argument(switch)
        elif switch == "/t":
            kind = data.type_named(line.argument(switch))
        elif switch == "/se":
            separator = _one_character(line.argument(switch), switch)
    names_only = "/v" in flags and name is None
    for switch in ("/k", "/d", "/c", "/e", *(("/v",) if names_only else ())):
        if switch in flags and pattern is None:
            raise Misuse(say("reg.only_with_f", switch=switch))
    places = {"/k", "/d"} & flags or names_only
    return Query(
        key=key,
        name=name,
        recurse="/s" in flags,
        type=kind,
        pattern=pattern,
        in_keys="/k" in flags or (not places and name is None),
        in_names=names_only or (not places and name is None),
        in_data="/d" in flags or not places,
        case="/c" in flags,
        exact="/e" in flags,
        numbers="/z" in flags,
        separator=separator,
    )


def _one_character(word: str, switch: str) -> str:
    if len(word) != 1:
        raise Misuse(say("reg.one_character", switch=switch, word=word))
    return word


def _add(words: Sequence[str]) -> Add:
    line = _Words("add", words)
    key = parse_key(line.take("KEY"))
    name: str | None = None
    kind: int = ValueType.SZ
    word: str | None = None
    separator = data.SEPARATOR
    force = False
    for switch in line.switches("/v /ve /t /d /s /f"):
        if switch in ("/v", "/ve"):
            _only_one(name, switch)
            name = line.argument(switch) if switch == "/v" else ""
        elif switch == "/t":
            kind = data.type_named(line.argument(switch))
        elif switch == "/d":
            word = line.argument(switch)
        elif switch == "/s":
            separator = _one_character(line.argument(switch), switch)
        else:
            force = True
    text = kind in (ValueType.SZ, ValueType.EXPAND_SZ, ValueType.MULTI_SZ)
    return Add(
        key=key,
        name=name or "",
        type=kind,
        data=data.encode(kind, word, separator),
        force=force,
        literal=word if text and word is not None and word.count("%") >= 2 else "",
    )


def _delete(words: Sequence[str]) -> Delete:
    line = _Words("delete", words)
    key = parse_key(line.take("KEY"))
    name: str | None = None
    values = force = False
    for switch in line.switches("/v /ve /va /f"):
        if switch == "/f":
            force = True
            continue
        _only_one(name if not values else "", switch)
        if switch == "/va":
            values = True
        else:
            name = line.argument(switch) if switch == "/v" else ""
    return Delete(key=key, name=name, values=values, force=force)


def _copy(words: Sequence[str]) -> Copy:
    line = _Words("copy", words)
    source, target = parse_key(line.take("KEY1")), parse_key(line.take("KEY2"))
    switches = set(line.switches("/s /f"))
    return Copy(source=source, target=target, recurse="/s" in switches, force="/f" in switches)


def _export(words: Sequence[str]) -> Export:
    line = _Words("export", words)
    key, file = parse_key(line.take("KEY")), line.take("FILE")
    return Export(key=key, file=file, overwrite="/y" in set(line.switches("/y")))


def _save(words: Sequence[str]) -> Save:
    line = _Words("save", words)
    key, file = parse_key(line.take("KEY")), line.take("FILE")
    return Save(key=key, file=file, overwrite="/y" in set(line.switches("/y")))


def _compare(words: Sequence[str]) -> Compare:
    line = _Words("compare", words)
    first, second = parse_key(line.take("KEY1")), parse_key(line.take("KEY2"))
    name: str | None = None
    shown: str | None = None
    recurse = False
    for switch in line.switches("/v /ve /oa /od /os /on /s"):
        if switch in ("/v", "/ve"):
            _only_one(name, switch)
            name = line.argument(switch) if switch == "/v" else ""
        elif switch == "/s":
            recurse = True
        elif shown is not None:
            raise Misuse(say("reg.twice", word=f"{shown} {switch}"))
        else:
            shown = switch
    return Compare(
        first=first,
        second=second,
        name=name,
        recurse=recurse,
        same=shown in ("/oa", "/os"),
        different=shown in (None, "/oa", "/od"),
    )


def _import(words: Sequence[str]) -> Import:
    line = _Words("import", words)
    file = line.take("FILE")
    list(line.switches(""))
    return Import(file=file)


def _load(words: Sequence[str]) -> Load:
    line = _Words("load", words)
    key, file = _whole_hive(line, "load"), line.take("FILE")
    split_path(file)
    list(line.switches(""))
    return Load(key=key, file=file)


def _unload(words: Sequence[str]) -> Unload:
    line = _Words("unload", words)
    key = _whole_hive(line, "unload")
    list(line.switches(""))
    return Unload(key=key)


def _whole_hive(line: _Words, operation: str) -> KeyName:
    word = line.take("KEY")
    key = parse_key(word)
    if not key.hive or key.path:
        raise Misuse(say("reg.not_a_hive_name", word=word, operation=operation))
    return key


_PARSERS: dict[str, Callable[[Sequence[str]], Command]] = {
    "query": _query,
    "add": _add,
    "delete": _delete,
    "copy": _copy,
    "compare": _compare,
    "export": _export,
    "import": _import,
    "save": _save,
    "load": _load,
    "unload": _unload,
}
