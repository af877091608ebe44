"""The text of a script out of its bytes: UTF-8, UTF-16, and the two code pages scripts of the article come in.

cmd itself reads a script in the console's code page; editors on Windows write UTF-16 and UTF-8 as well.
What is no valid UTF-8 is Korean (CP949) where its high bytes come in pairs of Hangul, else Western (CP1252).
"""

from __future__ import annotations

import codecs

from bootmend.errors import ParseError

LARGEST = 4 << 20
"""Bytes; the article's own scripts have less than two thousand."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decode(data: bytes, file: str) -> str:
    """Raises ParseError for what is no text: NULs, bytes of no encoding, more than `LARGEST` bytes."""
    if len(data) > LARGEST:
        raise ParseError(file, LARGEST, f"a script of at most {LARGEST} bytes", f"{len(data)} bytes")
    text, width = _text(data, file)
    nul = text.find("\0")
    if nul >= 0:
        raise ParseError(file, nul * width, "text", "a NUL")
    return text


def _text(data: bytes, file: str) -> tuple[str, int]:
    """The text, and the least bytes a letter takes."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, file, len(mark)), 2 if "16" in encoding else 1
    # UTF-16 without a mark: in a script of mostly ASCII letters every other byte is 0.
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = data[first::2]
        if len(data) >= 4 and half.count(0) > len(half) * 3 // 4 and not data[1 - first :: 2].count(0):
            return _strict(data, encoding, file, 0), 2
    try:
        return data.decode("utf-8"), 1
    except UnicodeDecodeError:
        return _strict(data, "cp949" if _is_korean(data) else "cp1252", file, 0), 1


def _strict(data: bytes, encoding: str, file: str, skipped: int) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ParseError(file, skipped + error.start, f"text in UTF-8, UTF-16 or {encoding}", error.reason) from error


def _is_korean(data: bytes) -> bool:
    """Whether the bytes are CP949, and most pairs are those of KS X 1001, both bytes from A1 on."""
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return False
    pairs = [letter.encode("cp949") for letter in text if not letter.isascii()]
    common = sum(len(pair) == 2 and pair[0] >= 0xA1 and pair[1] >= 0xA1 for pair in pairs)
    return common * 2 > len(pairs)
