"""A command line of reg.exe, from its words to a value that says what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bootmend.commands.reg import data
from bootmend.commands.reg.lines import (
    Add,
    Command,
    Compare,
    Copy,
    Delete,
    Export,
    Help,
    Import,
    Load,
    Query,
    Save,
    Unload,
)
from bootmend.commands.reg.names import KeyName, parse_key, split_path
from bootmend.commands.reg.words import Words
from bootmend.errors import Misuse, Refused
from bootmend.formats.hive import ValueType
from bootmend.texts import say

_HELP = ("/?", "-?", "/h", "-h")
_ABSENT = {"restore": "reg.restore_next", "flags": "reg.flags_next"}


def parse(words: Sequence[str]) -> Command:
    """What the words after `reg` ask for. Raises Misuse naming the word, Refused for what no disk can give."""
    if words and words[0].lower() in ("reg", "reg.exe"):
        words = words[1:]
    if not words:
        raise Misuse(say("reg.no_operation", known=", ".join(_PARSERS)))
    operation = words[0].lower()
    if operation in _HELP:
        return Help()
    parser = _PARSERS.get(operation)
    if operation in _ABSENT:
        raise Refused(say("reg.not_here", word=operation), say(_ABSENT[operation]))
    if parser is None:
        raise Misuse(say("reg.no_such_operation", word=words[0], known=", ".join(_PARSERS)))
    if len(words) == 2 and words[1].lower() in _HELP:
        return Help()
    return parser(words[1:])


def _only_one(name: str | None, switch: str) -> None:
    if name is not None:
        raise Misuse(say("reg.names_twice", switch=switch))


def _query(words: Sequence[str]) -> Query:
    line = Words("query", words)
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
    line = Words("add", words)
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
            if "^%" in word:
                raise Misuse(say("reg.carets", word=word, meant=word.replace("^%", "%")))
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
    line = Words("delete", words)
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
    line = Words("copy", words)
    source, target = parse_key(line.take("KEY1")), parse_key(line.take("KEY2"))
    switches = set(line.switches("/s /f"))
    return Copy(source=source, target=target, recurse="/s" in switches, force="/f" in switches)


def _export(words: Sequence[str]) -> Export:
    line = Words("export", words)
    key, file = parse_key(line.take("KEY")), line.take("FILE")
    return Export(key=key, file=file, overwrite="/y" in set(line.switches("/y")))


def _save(words: Sequence[str]) -> Save:
    line = Words("save", words)
    key, file = parse_key(line.take("KEY")), line.take("FILE")
    return Save(key=key, file=file, overwrite="/y" in set(line.switches("/y")))


def _compare(words: Sequence[str]) -> Compare:
    line = Words("compare", words)
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
    line = Words("import", words)
    file = line.take("FILE")
    list(line.switches(""))
    return Import(file=file)


def _load(words: Sequence[str]) -> Load:
    line = Words("load", words)
    key, file = _whole_hive(line, "load"), line.take("FILE")
    split_path(file)
    list(line.switches(""))
    return Load(key=key, file=file)


def _unload(words: Sequence[str]) -> Unload:
    line = Words("unload", words)
    key = _whole_hive(line, "unload")
    list(line.switches(""))
    return Unload(key=key)


def _whole_hive(line: Words, operation: str) -> KeyName:
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
