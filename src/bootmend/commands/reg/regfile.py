"""A .reg file read: the whole of it, before anything is changed.

    Windows Registry Editor Version 5.00      or REGEDIT4 (text in the 8-bit code page, strings in hex(2), hex(7) too)

    [HKEY_LOCAL_MACHINE\\SYSTEM\\Select]        the key is made;  [-HKEY...] is deleted with all below it
    "name"="text"   @="the default value"     in quotes \\\\ is a backslash and \\" a quote, nothing else is escaped
    "name"=dword:0000000a
    "name"=hex(7):41,00,\\                     bytes of any type; a backslash at the end continues on the next line
    "name"=-                                  the value is deleted
    ; a comment

Source: "How to add, modify, or delete registry subkeys and values by using a .reg file" (Microsoft). The
Registry Editor skips lines it does not understand; here one such line stops the whole import.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.commands.reg.names import KeyName, parse_key
from bootmend.errors import InputError, Misuse, Refused
from bootmend.formats.hive import ValueType, sz
from bootmend.texts import say

HEADER, OLD_HEADER = "Windows Registry Editor Version 5.00", "REGEDIT4"
LARGEST = 512 << 20
"""Bytes of a .reg file; the largest SOFTWARE hives make a third of this."""
_LONGEST_SHOWN = 60

_SPACE = re.compile(r"(?:[ \t]*(?:;[^\r\n]*)?(?:\r?\n|\r))*+[ \t]*")
"""Blank lines and comments."""
_COMMENT = re.compile(r";[^\r\n]*")
_KEY = re.compile(r"\[(-?)([^\r\n]*)\]")
_NAME = re.compile(r'(?:@|"([^"\\]*+(?:\\.[^"\\]*+)*+)")[ \t]*=[ \t]*', re.DOTALL)
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_DWORD = re.compile(r"dword:([0-9a-fA-F]{1,8})(?![0-9a-zA-Z])", re.IGNORECASE)
_HEX = re.compile(r"hex(?:\(([0-9a-fA-F]{1,8})\))?:((?:[0-9a-fA-F, \t]|\\[ \t]*\r?\n)*+)", re.IGNORECASE)
_END = re.compile(r"[ \t]*(?:;[^\r\n]*)?(?=[\r\n]|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ANSI_TEXT = (ValueType.SZ, ValueType.EXPAND_SZ, ValueType.MULTI_SZ)


class RegFileError(InputError):
    """A .reg file that is none, or a line of it that says nothing: names the file and the line."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        self.line = line
        super().__init__(say("reg.bad_line", file=file, line=line, problem=problem))


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key to be made, or deleted with all below it."""

    line: int
    key: KeyName
    delete: bool


@dataclass(frozen=True, slots=True)
class ValueEntry:
    """A value of the key before it to be set, or deleted (`data` None)."""

    line: int
    name: str
    type: int
    data: bytes | None


Entry = KeyEntry | ValueEntry


def read_reg_file(content: bytes, file: str) -> list[Entry]:
    """Every entry, in order. Raises RegFileError; Refused and Misuse for keys that no disk holds."""
    if len(content) > LARGEST:
        raise RegFileError(file, 1, say("reg.file_too_large", size=len(content), limit=LARGEST))
    return list(_Reader(_decoded(content, file), file).entries())


def _decoded(content: bytes, file: str) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return _decode(content[len(mark) :], encoding, file)
    if content[1:2] == b"\0":
        return _decode(content, "utf-16-le", file)
    if content.lstrip().startswith(OLD_HEADER.encode()):
        return _western(content, file)
    return _decode(content, "utf-8", file)


def _western(content: bytes, file: str) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RegFileError(file, line, say("reg.not_western", offset=error.start)) from None


def is_taken_as_western(content: bytes) -> bool:
    """Whether the file holds letters of a code page that it does not name: only REGEDIT4 does."""
    return content.lstrip().startswith(OLD_HEADER.encode()) and not content.isascii() and b"\0" not in content


def _decode(content: bytes, encoding: str, file: str) -> str:
    if encoding != "utf-8":
        if len(content) % 2:
            raise RegFileError(file, 1, say("reg.odd_utf16"))
        return content.decode(encoding, "surrogatepass")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RegFileError(file, line, say("reg.not_utf8", offset=error.start)) from None


class _Reader:
    """One pass over the text; `line` is the number of the line that `at` stands in."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.at = 0
        self.line = 1
        self.ansi = False

    def entries(self) -> Iterator[Entry]:
        self._header()
        key: KeyEntry | None = None
        while True:
            self._skip(_SPACE)
            if _COMMENT.match(self.text, self.at):
                self._skip(_COMMENT)
                continue
            if self.at >= len(self.text):
                return
            line = self.line
            if self.text[self.at] == "[":
                key = self._key(line)
                yield key
                continue
            entry = self._value(line)
            if key is None:
                raise self._fail(line, say("reg.value_without_key"))
            if key.delete:
                raise self._fail(line, say("reg.value_of_deleted"))
            yield entry

    def _header(self) -> None:
        self._skip(_SPACE)
        header = self._rest_of_line().strip()
        if header not in (HEADER, OLD_HEADER):
            raise self._fail(self.line, say("reg.no_header", found=header[:_LONGEST_SHOWN], header=HEADER))
        self.ansi = header == OLD_HEADER
        self.at += len(self._rest_of_line())

    def _key(self, line: int) -> KeyEntry:
        found = self._match(_KEY)
        if found is None:
            raise self._fail(line, say("reg.open_bracket"))
        self._end(line)
        try:
            return KeyEntry(line, parse_key(found[2]), bool(found[1]))
        except (Misuse, Refused) as error:
            raise self._fail(line, str(error)) from None

    def _value(self, line: int) -> ValueEntry:
        found = self._match(_NAME)
        if found is None:
            raise self._fail(line, say("reg.no_entry", found=self._rest_of_line()[:_LONGEST_SHOWN]))
        name = self._unescaped(found[1] or "", line)
        if self.text.startswith("-", self.at):
            self.at += 1
            self._end(line)
            return ValueEntry(line, name, ValueType.NONE, None)
        kind, data = self._data(line)
        self._end(line)
        return ValueEntry(line, name, kind, data)

    def _data(self, line: int) -> tuple[int, bytes]:
        found = self._match(_STRING)
        if found is not None:
            return ValueType.SZ, sz(self._unescaped(found[1], line))
        found = self._match(_DWORD)
        if found is not None:
            return ValueType.DWORD, int(found[1], 16).to_bytes(4, "little")
        found = self._match(_HEX)
        if found is None:
            raise self._fail(line, say("reg.no_data_here", found=self._rest_of_line()[:_LONGEST_SHOWN]))
        kind = int(found[1], 16) if found[1] else int(ValueType.BINARY)
        data = self._bytes(found[2], line)
        if self.ansi and kind in _ANSI_TEXT:
            data = data.decode("cp1252", "replace").encode("utf-16-le")
        return kind, data

    def _bytes(self, listed: str, line: int) -> bytes:
        words = re.sub(r"[\\\s]", "", listed).removesuffix(",").split(",")
        if words == [""]:
            return b""
        try:
            # Nearly always each byte has two digits: then the whole is one conversion.
            if all(len(word) == 2 for word in words):
                return bytes.fromhex("".join(words))
            return bytes(int(word, 16) for word in words)
        except ValueError:
            bad = next(word for word in words if not re.fullmatch("[0-9a-fA-F]{1,2}", word))
            raise self._fail(line, say("reg.bad_byte", found=bad[:_LONGEST_SHOWN])) from None

    def _unescaped(self, text: str, line: int) -> str:
        if "\\" not in text:
            return text
        for found in _ESCAPE.finditer(text):
            if found[1] not in '\\"':
                raise self._fail(line, say("reg.bad_escape", found=found[0], text=text[:_LONGEST_SHOWN]))
        return _ESCAPE.sub(r"\1", text)

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What the pattern finds here; the reader stands behind it afterwards."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.line += self.text.count("\n", self.at, found.end())
            self.at = found.end()
        return found

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._match(pattern)

    def _end(self, line: int) -> None:
        """Nothing but a comment may follow on this line."""
        if self._match(_END) is None:
            raise self._fail(line, say("reg.more_on_line", found=self._rest_of_line()[:_LONGEST_SHOWN]))

    def _rest_of_line(self) -> str:
        end = min((at for at in (self.text.find(mark, self.at) for mark in "\r\n") if at >= 0), default=len(self.text))
        return self.text[self.at : end]

    def _fail(self, line: int, problem: str) -> RegFileError:
        return RegFileError(self.file, line, problem)
