"""How a script becomes words: cmd's lines, the C runtime's words, encodings; and hostile scripts stay bounded."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from bounded_work import bounded_work
from hypothesis import given
from hypothesis import strategies as st
from small_machine import small_machine

from bootmend.commands.script import Outcome, run_script
from bootmend.commands.script.batch import LONGEST_LINE, MOST_COMMANDS, lines, pieces
from bootmend.commands.script.decode import LARGEST, decode
from bootmend.commands.script.drives import choose
from bootmend.commands.script.spelling import is_near, nearest
from bootmend.commands.script.variables import Variables
from bootmend.commands.script.words import program_of, quoted, runtime_words, shell_words
from bootmend.disk.container import open_disk
from bootmend.edit import Edit
from bootmend.errors import BootmendError, Misuse, ParseError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # the table of Microsoft's "Parsing C command-line arguments"
        (r'a "abc" d e', ["a", "abc", "d", "e"]),
        (r'a a\\b d"e f"g h', ["a", r"a\\b", "de fg", "h"]),
        (r"a a\\\"b c d", ["a", r"a\"b", "c", "d"]),
        (r'a a\\\\"b c" d e', ["a", r"a\\b c", "d", "e"]),
        (r'a "ab\"c" "\\" d', ["a", 'ab"c', "\\", "d"]),
        (r'a a"b"" c d', ["a", 'ab" c d']),
        ("reg  add\tHKLM\\X  /ve", ["reg", "add", "HKLM\\X", "/ve"]),
        ('a "" b', ["a", "", "b"]),
        (r"a x,y;z=1", ["a", "x,y;z=1"]),
        ("", []),
    ],
)
def test_words_of_the_c_runtime(text: str, words: list[str]) -> None:
    found = runtime_words(text)
    assert [word.text for word in found] == words
    assert all(0 <= word.start <= word.end <= len(text) for word in found)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=12), max_size=6))
def test_what_is_quoted_for_the_runtime_comes_back(words: list[str]) -> None:
    """Quoting by the rule of the same page: double the backslashes before a quote, escape the quote."""

    def quote(word: str) -> str:
        out, slashes = "", 0
        for letter in word:
            if letter == '"':
                out += "\\" * slashes + '\\"'
            else:
                out += letter
            slashes = slashes + 1 if letter == "\\" else 0
        return f'"{out}{chr(92) * slashes}"'

    assert [word.text for word in runtime_words(" ".join(map(quote, words)))] == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"/f/q F:\x", ["/f", "/q", r"F:\x"]),
        (r'"F:\a b\" F:\c', ["F:\\a b\\", r"F:\c"]),
        ("a,b;c=d", ["a", "b", "c", "d"]),
        (r'F:\a" b"c /y', [r"F:\a bc", "/y"]),
        (r"F:/a/b", ["F:/a/b"]),
    ],
)
def test_words_of_cmd(text: str, words: list[str]) -> None:
    assert [word.text for word in shell_words(text)] == words


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("bcdedit /enum", "bcdedit"),
        ('"C:\\Windows\\reg.exe" query', "C:\\Windows\\reg.exe"),
        ("del/q x", "del"),
        ("cd\\windows", "cd"),
        ("cd..", "cd"),
        ("echo.hello", "echo"),
        ("delete.exe x", "delete.exe"),
        ("copying x", "copying"),
        ("", ""),
    ],
)
def test_the_program(text: str, program: str) -> None:
    assert program_of(text).text == program


def test_quoted_only_where_needed() -> None:
    assert quoted(r"F:\boot\bcd") == r"F:\boot\bcd"
    assert quoted(r"F:\a b") == r'"F:\a b"'
    assert quoted("") == '""'


def test_lines_remarks_and_continuation() -> None:
    text = "@echo off\r\nREM a & b\n:: x\n\n  rem\nremove.exe\nbcdedit ^\r\n /timeout ^\n 10\nrem y ^\nlast ^^"
    assert [(line.number, line.text) for line in lines(text)] == [
        (1, "@echo off"),
        (6, "remove.exe"),
        (7, "bcdedit  /timeout  10"),
        (11, "last ^^"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a & b && c", [("a", ""), ("b", "&"), ("c", "&&")]),
        ('a "x & y" & @b', [('a "x & y"', ""), ("b", "&")]),
        ("a ^& b", [("a & b", "")]),
        ("a >nul 2>&1 & b 2>NUL", [("a", ""), ("b", "&")]),
        ("a>nul", [("a", "")]),
        ("a & rem b & c", [("a", "")]),
        ("a & :: b", [("a", "")]),
        ("a & remove.exe", [("a", ""), ("remove.exe", "&")]),
        ("&&", []),
    ],
)
def test_commands_of_a_line(text: str, found: list[tuple[str, str]]) -> None:
    assert [(piece.text, piece.joint) for piece in pieces(text)] == found


@pytest.mark.parametrize(
    "text", ["a | b", "a || b", "a > x.txt", "a < x", "if x y", "IF(x)", "goto:end", "(a", ":label"]
)
def test_what_is_not_followed(text: str) -> None:
    with pytest.raises(Misuse):
        pieces(text)


def test_variables() -> None:
    variables = Variables()
    assert variables.set(r"set STORE=F:\boot\bcd") == "STORE"
    variables.set('set "WITH=a b" ')
    assert variables.expand("x %store% %With% 100%%").text == r"x F:\boot\bcd a b 100%"
    expanded = variables.expand(r'/d "%SystemRoot%\x %SYSTEMROOT%"')
    assert expanded.text == r'/d "%SystemRoot%\x %SYSTEMROOT%"'
    assert expanded.literal == ("%SystemRoot%", "%SYSTEMROOT%")
    for wrong in ("%unknown%", "%1", "%~dp0", "%*", "50% more", "%STORE:F=G%"):
        with pytest.raises(Misuse):
            variables.expand(wrong)
    for form in ("set /a X=1", "set /p X=", "set", "set X"):
        with pytest.raises(Misuse):
            variables.set(form)


def test_encodings() -> None:
    text = "REM 직렬 콘솔\r\nbcdedit /timeout 10\r\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp949"):
        assert decode(text.encode(encoding), "x") == text
    assert decode("\ufeffbcdedit".encode("utf-16-be"), "x") == "bcdedit"
    for encoding in ("utf-16-le", "utf-16-be"):
        assert decode(b"".join(c.encode(encoding) for c in "bcdedit /enum"), "x") == "bcdedit /enum"
    western = "REM Größe, déjà vu – “Zitat” ÄÖÜ\r\n"
    assert decode(western.encode("cp1252"), "x") == western


@pytest.mark.parametrize(
    "data", [b"a\0b", b"\xff\xfea", b"\x81\x8d\xff", b"a" * (LARGEST + 1), "a\0b".encode("utf-16")]
)
def test_what_is_no_text(data: bytes) -> None:
    with pytest.raises(ParseError):
        decode(data, "x.cmd")


def test_the_letter() -> None:
    assert choose([], r"copy F:\a D:\b & del F:\c http://x") == ("F", {})
    assert choose([], r"reg query HKLM:\x") == ("F", {})
    assert choose([], r"del g:\x") == ("G", {})
    assert choose(["e"], r"del g:\x") == ("E", {})
    assert choose(["S=1"], r"del S:\x S:\y E:\z") == ("E", {"S": 1})
    for wrong in (["FF"], ["F", "G"], ["=1"], ["S=x"], [""]):
        with pytest.raises(Misuse):
            choose(wrong, "")


def test_one_slip() -> None:
    for other in ("bcddit", "bcdedi", "bcdeditt", "bcdeidt", "bcdedlt", "BCDEDIT"):
        assert is_near(other, "bcdedit")
    for other in ("bcdt", "bcddti", "edit", ""):
        assert not is_near(other, "bcdedit")
    assert nearest("rem", ["ren", "reg"]) is None
    assert nearest("attrb", ["attrib", "copy"]) == "attrib"


def run(data: bytes) -> Outcome:
    with open_disk(str(small_machine(2).path)) as device:
        return run_script(Edit(device), data, "hostile.cmd")


def test_hostile_scripts_are_bounded() -> None:
    store = r"bcdedit /store F:\boot\bcd "
    scripts = {
        "a line of a megabyte": b"bcdedit " + b"x" * (1 << 20),
        "a placeholder of a megabyte": b"bcdedit " + b"<" * (1 << 20),
        "percent signs": b"echo " + b"%" * 8000,
        "carets": b"^\r\n" * 100_000,
        "carets in a line": b"^" * 1_000_000,
        "a hundred thousand remarks": b"REM x\r\n" * 100_000,
        "words": (store + "/set {default} " + "x " * 3900).encode(),
        "braces": (store + "{" * 7000).encode(),
        "blanks": b" " * 1_000_000 + b"x",
        "stars": b"del F:\\" + b"*a" * 3000,
        "a long path": b"del F:\\" + b"a\\" * 4000,
        "up": b"del F:\\" + b"..\\" * 2700,
        "ampersands": b"&" * 8000,
        "quotes": b'reg add HKLM\\SYSTEM\\Select /d "' + b'\\"' * 4000,
    }
    small_machine(2)  # is grown once, and that takes longer than any script
    for data in scripts.values():
        with bounded_work(calls=5_000_000), suppress(BootmendError):
            run(data)


@pytest.mark.slow
def test_many_wrong_lines_end_early() -> None:
    with bounded_work():
        outcome = run(b"bcddit /store F: boot\\bcd /set {defalt} bootlogg yess\r\n" * 1900)
    assert outcome.cut_short
    assert len(outcome.wrong) < 1000


def test_too_many_commands_are_refused_before_anything_runs() -> None:
    with pytest.raises(Misuse, match="more than"):
        list(lines("bcdedit /timeout 1\n" * (MOST_COMMANDS + 1)))
    with pytest.raises(Misuse, match="more than"):
        list(lines("\n" * 300_000))
    with pytest.raises(Misuse, match=str(LONGEST_LINE)):
        pieces("x" * (LONGEST_LINE + 1))


def test_random_scripts_give_errors_of_ours_only() -> None:
    """Seeded: mutations of good lines, run for what they raise."""
    chance = random.Random(24)
    good = [
        r"reg load HKLM\X F:\windows\system32\config\SYSTEM",
        r"bcdedit /store F:\boot\bcd /set {default} safeboot minimal",
        r'reg add "HKLM\X\ControlSet001\Control" /v A /t REG_DWORD /d 2 /f',
        r"copy F:\boot\bcd F:\boot\bcd.bak & attrib +r F:\boot\bcd.bak",
        r"xcopy F:\Windows\System32\config\*.LOG F:\x\ /i",
        r"ren F:\Windows\*.ini *.bak",
    ]
    letters = '"%^&|<>(){}\\/:*?=,; \t\x01\u2013a1Z\u3000'
    script = []
    for _ in range(250):
        line = list(chance.choice(good))
        for _ in range(chance.randrange(1, 5)):
            at = chance.randrange(len(line))
            line[at : at + chance.randrange(3)] = chance.choice(letters) * chance.randrange(1, 3)
        script.append("".join(line))
    outcome = run("\r\n".join(script).encode())
    assert outcome.wrong
    assert all(one.what for one in outcome.wrong)
