"""Lines about whole entries and their order: `/default`, `/displayorder`, `/create`, `/copy`, `/delete`; and files.

"BCDEdit command-line options" in Microsoft's documentation, and "BCD object types" for what `/create` makes.
"""

from __future__ import annotations

from collections.abc import Callable

from bootmend.commands.bcdedit.identifiers import check_identifier, did_you_mean
from bootmend.commands.bcdedit.lines import Command, Copy, Create, Default, Delete, Export, Import, Order
from bootmend.commands.bcdedit.words import no_more, option, refuse_missing_braces, take_place, take_target
from bootmend.errors import Misuse, Refused
from bootmend.formats.bcd import ObjectType
from bootmend.texts import say

APPLICATIONS = {
    "osloader": ObjectType.OS_LOADER,
    "resume": ObjectType.RESUME,
    "bootsector": ObjectType.BOOT_SECTOR,
    "startup": ObjectType.STARTUP_MODULE,
}
INHERITED_BY = {
    "": ObjectType.SETTINGS,
    "fwbootmgr": 0x20200001,
    "bootmgr": 0x20200002,
    "osloader": ObjectType.LOADER_SETTINGS,
    "resume": ObjectType.RESUME_SETTINGS,
    "memdiag": 0x20200005,
    "ntldr": 0x20200006,
    "bootsector": 0x20200008,
    "device": 0x20300000,
}
TYPES_OF_WELL_KNOWN = {
    "fwbootmgr": ObjectType.FIRMWARE_BOOT_MANAGER,
    "bootmgr": ObjectType.BOOT_MANAGER,
    "memdiag": ObjectType.MEMORY_TEST,
    "ntldr": ObjectType.LEGACY_LOADER,
    "globalsettings": ObjectType.SETTINGS,
    "dbgsettings": ObjectType.SETTINGS,
    "emssettings": ObjectType.SETTINGS,
    "badmemory": ObjectType.SETTINGS,
    "bootloadersettings": ObjectType.LOADER_SETTINGS,
    "hypervisorsettings": ObjectType.LOADER_SETTINGS,
    "kerneldbgsettings": ObjectType.LOADER_SETTINGS,
    "resumeloadersettings": ObjectType.RESUME_SETTINGS,
    "ramdiskoptions": ObjectType.DEVICE,
}
"""As measured on 31 real stores; {kerneldbgsettings}, which stands in none of them, by its elements."""


def parse_create(words: list[str]) -> Command:
    target = take_target(words)
    description: str | None = None
    object_type: int | None = None
    while words:
        word = words.pop(0)
        name = option(word)
        if name == "d" and description is None:
            if not words:
                raise Misuse(say("bcdedit.needs_text", command="/create"))
            description = words.pop(0)
        elif name in ("application", "inherit", "device") and object_type is None:
            object_type = _type_of(name, words)
        else:
            refuse_missing_braces([word])
            raise Misuse(say("bcdedit.too_many", command="/create", word=word))
    return Create(target, _type_for(target, object_type), description)


def _type_of(name: str, words: list[str]) -> int:
    """The object type that `/application`, `/inherit` or `/device` asks for, with the word after it."""
    if name == "device":
        return ObjectType.DEVICE
    table = APPLICATIONS if name == "application" else INHERITED_BY
    word = words.pop(0) if words and option(words[0]) is None else ""
    if word.lower() not in table:
        known = ", ".join(each for each in table if each)
        near = did_you_mean(word, table)
        raise Misuse(say("bcdedit.no_application_type", option=f"/{name}", word=word, known=known, meant=near))
    return table[word.lower()]


def _type_for(target: str | None, given: int | None) -> int:
    """A well-known entry has its own type; every other one needs a type."""
    bare = target.strip("{}").lower() if target else ""
    if bare == "default":
        raise Misuse(say("bcdedit.create_default", default="{default}"))
    known = TYPES_OF_WELL_KNOWN.get(bare)
    if known is None and given is None:
        raise Misuse(say("bcdedit.create_needs_type"))
    if known is not None and given not in (None, known):
        raise Misuse(say("bcdedit.create_type_given", word=target))
    return known if known is not None else given or 0


def parse_default(words: list[str]) -> Command:
    if not words:
        raise Misuse(say("bcdedit.needs_target", default="{default}", command="/default"))
    no_more(words[1:], "/default")
    return Default(check_identifier(words[0]))


def parse_order(command: str, element: str) -> Callable[[list[str]], Command]:
    def parse(words: list[str]) -> Command:
        place = take_place(words)
        if not words:
            raise Misuse(say("bcdedit.needs_target", default="{default}", command=command))
        for word in words:
            if option(word) is not None:
                raise Misuse(say("bcdedit.too_many", command=command, word=word))
        return Order(element, tuple(check_identifier(word) for word in words), place)

    return parse


def parse_copy(words: list[str]) -> Command:
    target = take_target(words)
    if target is None:
        refuse_missing_braces(words)
        raise Misuse(say("bcdedit.needs_target", default="{default}", command="/copy"))
    if len(words) < 2 or option(words[0]) != "d":
        raise Misuse(say("bcdedit.copy_needs_description"))
    no_more(words[2:], "/copy")
    return Copy(target, words[1])


def parse_delete(words: list[str]) -> Command:
    target = take_target(words)
    if target is None:
        refuse_missing_braces(words)
        raise Misuse(say("bcdedit.needs_target", default="{default}", command="/delete"))
    given = [option(word) or word for word in words]
    for word, name in zip(words, given, strict=True):
        if name not in ("f", "cleanup", "nocleanup"):
            raise Misuse(say("bcdedit.too_many", command="/delete", word=word))
    if "cleanup" in given and "nocleanup" in given:
        raise Misuse(say("bcdedit.cleanup_both"))
    return Delete(target, force="f" in given, cleanup="nocleanup" not in given)


def parse_export(words: list[str]) -> Command:
    if not words:
        raise Misuse(say("bcdedit.needs_file", command="/export"))
    no_more(words[1:], "/export")
    return Export(words[0])


def parse_import(words: list[str]) -> Command:
    rest = [word for word in words if option(word) != "clean"]
    if len(rest) < len(words):
        raise Refused(say("bcdedit.import_clean"), say("bcdedit.import_clean_next"))
    if not rest:
        raise Misuse(say("bcdedit.needs_file", command="/import"))
    no_more(rest[1:], "/import")
    return Import(rest[0])
