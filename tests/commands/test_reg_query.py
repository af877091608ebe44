"""`reg query` prints what reg.exe prints, line by line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hive_readers import contents
from lab_machines import broken
from reg_lines import Folder, reg

from bootmend.disk.overlay import Overlay
from bootmend.formats.hive import check

KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\K"


@pytest.fixture(scope="module")
def disk() -> Iterator[Overlay]:
    """HKLM\\SOFTWARE\\K with values, \\sub with values, \\sub\\leaf and \\only\\1, \\only\\2 without."""
    with broken(2, "healthy") as sample:
        disk = Overlay(sample.disk)
        for line in (
            'add HKLM\\SOFTWARE\\K /v Test1 /d "Hello, World"',
            "add HKLM\\SOFTWARE\\K /v Test2 /t REG_DWORD /d 0x123",
            'add HKLM\\SOFTWARE\\K /v Wine /d "First instance"',
            "add HKLM\\SOFTWARE\\K\\sub /v Test4 /t REG_DWORD /d 0xabc",
            'add HKLM\\SOFTWARE\\K\\sub /v Wine /d "Second instance"',
            "add HKLM\\SOFTWARE\\K\\sub /v Many /t REG_MULTI_SZ /d a\\0b",
            "add HKLM\\SOFTWARE\\Only\\1 /v x",
            "delete HKLM\\SOFTWARE\\Only\\1 /va /f",
            "add HKLM\\SOFTWARE\\Only\\2 /v x",
            "delete HKLM\\SOFTWARE\\Only\\2 /va /f",
        ):
            assert reg(disk, line).code == 0
        yield disk


ONE = (
    f"\n{KEY}\n    Test1    REG_SZ    Hello, World\n    Test2    REG_DWORD    0x123\n"
    "    Wine    REG_SZ    First instance\n"
)
SUB = (
    f"{KEY}\\sub\n    Test4    REG_DWORD    0xabc\n    Wine    REG_SZ    Second instance\n"
    "    Many    REG_MULTI_SZ    a\\0b\n"
)
ONLY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Only"

PRINTED = [
    ("query HKLM\\SOFTWARE\\K", f"{ONE}\n{KEY}\\sub\n"),
    ("query HKLM\\SOFTWARE\\K\\sub", f"\n{SUB}\n"),
    ("query HKLM\\SOFTWARE\\K /s", f"{ONE}\n{SUB}\n"),
    ("query HKLM\\SOFTWARE\\K /v test1", f"\n{KEY}\n    Test1    REG_SZ    Hello, World\n\n"),
    (
        "query HKLM\\SOFTWARE\\K /v Wine /s",
        f"\n{KEY}\n    Wine    REG_SZ    First instance\n\n{KEY}\\sub\n    Wine    REG_SZ    Second instance\n\n"
        "End of search: 2 match(es) found.\n",
    ),
    ("query HKLM\\SOFTWARE\\K /ve", f"\n{KEY}\n    (Default)    REG_SZ    (value not set)\n\n"),
    ("query HKLM\\SOFTWARE\\Only", f"\n{ONLY}\\1\n{ONLY}\\2\n"),
    ("query HKLM\\SOFTWARE\\Only /s", f"\n{ONLY}\\1\n\n{ONLY}\\2\n\n"),
    ("query HKLM\\SOFTWARE\\Only\\1", f"\n{ONLY}\\1\n\n"),
    (
        "query HKLM\\SOFTWARE\\K\\sub /z /se , /v Many",
        f"\n{KEY}\\sub\n    Many    REG_MULTI_SZ (7)    a,b\n\n",
    ),
    (
        "query HKLM\\SOFTWARE\\K /s /f instance /d",
        f"\n{KEY}\n    Wine    REG_SZ    First instance\n\n{KEY}\\sub\n    Wine    REG_SZ    Second instance\n\n"
        "End of search: 2 match(es) found.\n",
    ),
    ("query HKLM\\SOFTWARE\\K /f sub /k", f"\n{KEY}\\sub\n\nEnd of search: 1 match(es) found.\n"),
    (
        "query HKLM\\SOFTWARE\\K /s /t REG_DWORD",
        f"\n{KEY}\n    Test2    REG_DWORD    0x123\n\n{KEY}\\sub\n    Test4    REG_DWORD    0xabc\n\n"
        "End of search: 2 match(es) found.\n",
    ),
    (
        "query HKLM\\SOFTWARE\\K /f * /v /e",
        f"{ONE}\nEnd of search: 3 match(es) found.\n",
    ),
]


@pytest.mark.parametrize(("line", "printed"), PRINTED)
def test_printed(disk: Overlay, line: str, printed: str) -> None:
    done = reg(disk, line)
    assert (done.code, done.error, done.notes) == (0, "", [])
    assert "".join(f"{text}\n" for text in done.lines) == printed


def test_a_search_without_a_match_says_so_and_fails(disk: Overlay) -> None:
    done = reg(disk, "query HKLM\\SOFTWARE\\K /s /f nowhere")
    assert (done.code, done.lines) == (4, ["End of search: 0 match(es) found."])


def test_what_a_terminal_would_act_upon_is_shown_by_number(disk: Overlay) -> None:
    copy = Overlay(disk)
    assert reg(copy, ["add", "HKLM\\SOFTWARE\\K", "/v", "\x1b[2J", "/d", "a\x07b\tc\x9b"]).code == 0
    assert "    \\x1b[2J    REG_SZ    a\\x07b\tc\\x9b" in reg(copy, "query HKLM\\SOFTWARE\\K").lines


def test_compare(disk: Overlay) -> None:
    second = f"{KEY}\\sub"
    done = reg(disk, "compare HKLM\\SOFTWARE\\K HKLM\\SOFTWARE\\K\\sub /s")
    assert done.lines == [
        f"< Value:  {KEY}  Test1  REG_SZ  Hello, World",
        f"< Value:  {KEY}  Test2  REG_DWORD  0x123",
        f"< Value:  {KEY}  Wine  REG_SZ  First instance",
        f"> Value:  {second}  Wine  REG_SZ  Second instance",
        f"> Value:  {second}  Test4  REG_DWORD  0xabc",
        f"> Value:  {second}  Many  REG_MULTI_SZ  a\\0b",
        f"< Key:  {KEY}\\sub",
        "Results Compared: Different",
        "The operation completed successfully.",
    ]
    same = reg(disk, "compare HKLM\\SOFTWARE\\K\\sub HKLM\\SOFTWARE\\K\\sub /oa /v Wine")
    assert same.lines[0] == f"= Value:  {second}  Wine  REG_SZ  Second instance"
    assert same.lines[1] == "Results Compared: Identical"
    assert reg(disk, "compare HKLM\\SOFTWARE\\K HKLM\\SOFTWARE\\K\\sub /on").lines[0] == "Results Compared: Different"


def test_save(disk: Overlay) -> None:
    folder = Folder()
    assert reg(disk, "save HKLM\\SOFTWARE\\K k.hiv", folder=folder).code == 0
    assert check(folder.files["k.hiv"], "k.hiv").errors == []
    held = contents(folder.files["k.hiv"])
    assert held["SUB"]["TEST4"] == ("Test4", 4, b"\xbc\x0a\0\0")
    assert set(held) == {"", "SUB"}
    assert reg(disk, "save HKLM\\SOFTWARE all.hiv", folder=folder).code == 0
    assert contents(folder.files["all.hiv"])["K"] == held[""]
