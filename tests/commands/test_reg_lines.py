"""Hand-written lines of reg.exe, right and wrong ones: what each ends in, and what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_machines import Broken, broken
from reg_lines import Folder, reg

from bootmend.disk.overlay import Overlay

DOCS = Path(__file__).parents[2] / "docs"
CC = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl"
TEST = "HKLM\\SOFTWARE\\Test"
IMPORTED = '\ufeffWindows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\New]\r\n"a"=dword:1\r\n'
BAD_IMPORT = "REGEDIT4\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\New]\r\nnonsense\r\n"
OLD_IMPORT = b'REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\New]\r\n"a"="caf\xe9"\r\n'
FILES = {
    "old.reg": OLD_IMPORT,
    "good.reg": IMPORTED.encode("utf-16-le"),
    "bad.reg": BAD_IMPORT.encode(),
    "no.reg": b"\x7fELF\r\n",
}

RIGHT = [
    (f"query {CC}", "    CrashDumpEnabled    REG_DWORD    0x7"),
    (f"QUERY {CC} /V CrashDumpEnabled", "    CrashDumpEnabled    REG_DWORD    0x7"),
    (f"query {CC} -v crashdumpenabled", "    CrashDumpEnabled    REG_DWORD    0x7"),
    (f"query {CC}\\ /v CrashDumpEnabled", "CrashDumpEnabled"),
    (f"query {CC} /v DumpFilters", "    DumpFilters    REG_MULTI_SZ    dumpfve.sys"),
    (f"query {CC} /ve", "    (Default)    REG_SZ    (value not set)"),
    (f"query {CC} /t REG_EXPAND_SZ", "End of search: 2 match(es) found."),
    (f"query {CC} /f memory", "    DumpFile    REG_EXPAND_SZ    %SystemRoot%\\MEMORY.DMP"),
    (f"query {CC} /f MEMORY /d /c", "End of search: 1 match(es) found."),
    (f"query {CC} /f Mini /v", "    MinidumpDir    REG_EXPAND_SZ    %SystemRoot%\\Minidump"),
    (f"query {CC} /v MinidumpDir /f root", "End of search: 1 match(es) found."),
    (f"query {CC} /f 0x7 /e", "    CrashDumpEnabled    REG_DWORD    0x7"),
    (f"query {CC} /z", "    AutoReboot    REG_DWORD (4)    0x1"),
    ("query HKLM\\SYSTEM\\CurrentControlSet\\Services /f disk /k /e", "CurrentControlSet\\Services\\disk"),
    ("query HKLM\\SYSTEM\\CurrentControlSet\\Services\\disk /s /v Start", "    Start    REG_DWORD    0x0"),
    ("query HKLM\\SYSTEM\\CurrentControlSet\\Control /s /f MEMORY.DMP", "Control\\CrashControl"),
    ("query HKLM", "HKEY_LOCAL_MACHINE\\BCD00000000"),
    ("query HKU", "HKEY_USERS\\.DEFAULT"),
    ("query HKEY_LOCAL_MACHINE\\software", "HKEY_LOCAL_MACHINE\\software\\Microsoft"),
    ("query hklm\\sam\\SAM /s", "Administrator"),
    ("query HKU\\.DEFAULT", "HKEY_USERS\\.DEFAULT\\Environment"),
    ("query HKU\\S-1-5-18\\Environment", "HKEY_USERS\\S-1-5-18\\Environment"),
    ("query HKLM\\BCD00000000\\Objects", "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"),
    ("query HKLM\\BROKENSYSTEM\\Select /v Current", "HKEY_LOCAL_MACHINE\\BROKENSYSTEM\\Select"),
    ("query HKLM\\OFFLINE_SOFTWARE", "HKEY_LOCAL_MACHINE\\OFFLINE_SOFTWARE\\Microsoft"),
    ('query "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion" /v ProductName', "ProductName    REG_SZ"),
    (f"query {CC} /reg:64", "CrashDumpEnabled"),
    (f"query {CC} /reg:32", "CrashDumpEnabled"),
    (f"reg query {CC}", "CrashDumpEnabled"),
    (f"REG.EXE query {CC}", "CrashDumpEnabled"),
    (f"query {CC} /f Crash*led /v", "End of search: 1 match(es) found."),
    (f"query {CC} /f crash?umpenabled /v /e", "End of search: 1 match(es) found."),
    (f"query {CC} /f *.dmp /d /e", "    DumpFile    REG_EXPAND_SZ    %SystemRoot%\\MEMORY.DMP"),
    (f"query {CC} /f M*Y.DMP /c /d", "End of search: 1 match(es) found."),
    (f"add {CC} /v AutoReboot /t REG_DWORD /d 0 /f", "The operation completed successfully."),
    (f"ADD {CC} /V New /T REG_dword /D 0x10", "The operation completed successfully."),
    (f"add {CC} /v CrashDumpEnabled /t REG_DWORD /d 7", "The operation completed successfully."),
    (f'add "{CC}" /v DumpFile /t REG_EXPAND_SZ /d "%SystemRoot%\\MEMORY.DMP" /f', "completed successfully"),
    (f"add {TEST} /f", "completed successfully"),
    (f"add {TEST}", "completed successfully"),
    (f"add {TEST} /ve /d text", "completed successfully"),
    (f"add {TEST} /v a /t REG_MULTI_SZ /d one\\0two\\0three", "completed successfully"),
    (f"add {TEST} /v a /t REG_MULTI_SZ /s , /d one,two", "completed successfully"),
    (f"add {TEST} /v a /t REG_QWORD /d 18446744073709551615", "completed successfully"),
    (f"add {TEST} /v a /t REG_QWORD", "completed successfully"),
    (f"add {TEST} /v a /t REG_QWORD /d -1", "completed successfully"),
    (f"add {TEST} /v a /t REG_BINARY /d DeAdBeEf0", "completed successfully"),
    (f"add {TEST} /v a /t REG_BINARY", "completed successfully"),
    (f"add {TEST} /v a /t REG_NONE /d text", "completed successfully"),
    (f"add {TEST} /v a /t REG_DWORD_BIG_ENDIAN /d 456", "completed successfully"),
    (f"add {TEST} /v a /t REG_DWORD_LITTLE_ENDIAN /d 0X1F", "completed successfully"),
    (f"add {TEST} /v a /t REG_LINK /d \\Registry\\Machine", "completed successfully"),
    (f"add {TEST} /v a /t REG_RESOURCE_LIST /d 00ff", "completed successfully"),
    (f"add {TEST} /v /odd /d /f /f", "completed successfully"),
    (f'add {TEST} /v "" /d "" /f', "completed successfully"),
    (f"delete {CC} /v LogEvent /f", "completed successfully"),
    (f"delete {CC} /va /f", "completed successfully"),
    (f"delete {CC} /f", "completed successfully"),
    (f"copy {CC} {TEST} /s /f", "completed successfully"),
    (f"copy {CC} {TEST}", "completed successfully"),
    (f"copy {CC} {CC}\\Below /s", "completed successfully"),
    (f"export {CC} out.reg", "completed successfully"),
    (f"export {CC} good.reg /y", "completed successfully"),
    (f"compare {CC} {CC}", "Results Compared: Identical"),
    (f"compare {CC} HKLM\\SYSTEM\\Select /s", "Results Compared: Different"),
    (f"save {CC} out.hiv", "completed successfully"),
    ("import good.reg", "completed successfully"),
    ("import old.reg", "completed successfully"),
    ("load HKLM\\BROKENSYSTEM F:\\windows\\system32\\config\\SYSTEM", "completed successfully"),
    ("load HKLM\\X \\Windows\\System32\\config\\SOFTWARE", "completed successfully"),
    ("load HKLM\\STORE F:\\boot\\bcd", "completed successfully"),
    ("unload HKLM\\BROKENSYSTEM", "completed successfully"),
    ("/?", "reg query  KEY"),
    ("add /?", "reg query  KEY"),
]

WRONG = [
    ("", 2, "an operation is needed"),
    ("qurey HKLM\\SYSTEM", 2, "'qurey' is no operation"),
    ("flags HKLM\\SOFTWARE", 3, "reg flags"),
    ("reg", 2, "an operation is needed"),
    ("reg reg query HKLM\\SYSTEM", 2, "'reg' is no operation"),
    (f"query {CC} /f Crash*x /v", 4, "nothing was found"),
    (f"query {CC} /f ump?nabled /v /e", 4, "nothing was found"),
    (f"query {CC} /f m*y.dmp /c /d", 4, "nothing was found"),
    (f"query {CC} /f [CM]* /e", 4, "nothing was found"),
    (f"add {CC} /v DumpFile /t REG_EXPAND_SZ /d ^%SystemRoot^%\\MEMORY.DMP /f", 2, "'%SystemRoot%\\\\MEMORY.DMP'"),
    ("query", 2, "KEY is missing"),
    ("query /s", 2, "KEY is missing"),
    ("query HKLM\\SYSTEM /x", 2, "'/x'"),
    ("query HKLM\\SYSTEM Select", 2, "'Select'"),
    ("query HKLM\\SYSTEM /s /s", 2, "/s stands there twice"),
    (f"query {CC} /v", 2, "/v"),
    (f"query {CC} /v a /v b", 2, "/v stands there twice"),
    (f"query {CC} /v a /ve", 2, "/ve cannot stand beside"),
    (f"query {CC} /k", 2, "/k makes sense only beside /f"),
    (f"query {CC} /d", 2, "/d makes sense only beside /f"),
    (f"query {CC} /f", 2, "/f needs a word"),
    (f"query {CC} /t REG_WORD", 2, "'REG_WORD' is no type"),
    (f"query {CC} /se ab", 2, "one character, not 'ab'"),
    ("query HKLM\\SOFTWARE\\Microsoft /reg:32", 2, "WOW6432Node"),
    ("query HKU\\.DEFAULT\\Software\\Classes /reg:32", 2, "WOW6432Node"),
    (f"copy {CC} {TEST} /reg:32", 2, "WOW6432Node"),
    ("import good.reg /reg:32", 2, "WOW6432Node"),
    (f"query {CC} /v Missing", 4, "there is no value Missing"),
    (f"query {CC} /f nothingofthekind", 4, "nothing was found"),
    (f"query {CC} /f CRASHDUMPENABLED /c", 4, "nothing was found"),
    (f"query {CC} /t REG_QWORD", 4, "nothing was found"),
    ("query HKLM\\SYSTEM\\Nothing", 4, "HKEY_LOCAL_MACHINE\\SYSTEM\\Nothing: there is no such key"),
    ("query HKLM\\SYSTEM\\ControlSet007", 4, "there is no such key"),
    ("query HKLM\\SYSTEM\\ControlSet00x\\Control", 2, "ControlSet00x is no name of a control set"),
    ("query HKLM\\Elsewhere", 4, "no such hive on this disk"),
    ("query HKLM\\HARDWARE", 3, "it is on no disk"),
    ("query HKCU\\Software", 3, "nobody is"),
    ("query HKEY_CLASSES_ROOT\\.txt", 3, "HKLM\\SOFTWARE\\Classes"),
    ("query HKCC\\System", 3, "Hardware Profiles"),
    ("query HKPD", 3, "only in a Windows that runs"),
    ("query \\\\server\\HKLM\\SYSTEM", 3, "another machine"),
    ("query HKLMSYSTEMSelect", 2, "quotes"),
    ("query HKLM/SYSTEM/Select", 2, "backslashes"),
    ("query SYSTEM\\Select", 2, "must begin with HKLM"),
    ("query HKLM\\", 2, "empty name"),
    ("query HKLM\\SYSTEM\\\\Select", 2, "empty name"),
    ("query HKLM\\<HIVE>\\Select", 2, "<HIVE> is a placeholder"),
    ("query HKLM\\SYSTEM\\<CurrentControlSet>\\Control", 2, "no name of a control set"),
    ("query HKLM\\SYSTEM\\<>", 4, "no such key"),
    ("query HKLM\\OFFLINE_SYSTEM_SOFTWARE", 4, "no such hive"),
    ("query HKU\\S-1-5-21-1-2-3-500", 4, "no such hive"),
    (f"add {CC} /v CrashDumpEnabled /t REG_DWORD /d 2", 3, "add /f"),
    (f"add {CC} /v CrashDumpEnabled /t REG_SZ /d 7", 3, "exists"),
    (f"add {CC} /v a /v b", 2, "twice"),
    (f"add {CC} /v a /ve", 2, "/ve"),
    (f"add {CC} /v", 2, "/v needs a word"),
    (f"add {CC} /v a /d", 2, "/d needs a word"),
    (f"add {CC} /v a /t", 2, "/t needs a word"),
    (f'add {CC} /v a /t "" /d x', 2, "'' is no type"),
    (f"add {CC} /v a /t DWORD /d 1", 2, "'DWORD' is no type"),
    (f"add {CC} /v a /t REG_DWORD", 2, "needs /d"),
    (f"add {CC} /v a /t REG_DWORD /d two", 2, "'two' is no number"),
    (f"add {CC} /v a /t REG_DWORD /d deadbeef", 2, "'deadbeef' is no number"),
    (f"add {CC} /v a /t REG_DWORD /d -1", 2, "'-1' is no number"),
    (f"add {CC} /v a /t REG_DWORD /d 00x1", 2, "'00x1' is no number"),
    (f"add {CC} /v a /t REG_DWORD /d 4294967296", 2, "does not fit"),
    (f"add {CC} /v a /t REG_QWORD /d 0x1ffffffffffffffff", 2, "does not fit"),
    (f"add {CC} /v a /t REG_QWORD /d 18446744073709551616", 2, "does not fit"),
    (f"add {CC} /v a /t REG_BINARY /d 0xdead", 2, "hexadecimal digits only"),
    (f"add {CC} /v a /t REG_BINARY /d 12zz", 2, "hexadecimal digits only"),
    (f"add {CC} /v a /t REG_MULTI_SZ /d one\\0\\0two", 2, "empty string"),
    (f"add {CC} /v a /t REG_MULTI_SZ /d \\0one", 2, "empty string"),
    (f"add {CC} /v a /t REG_MULTI_SZ /s ## /d a##b", 2, "one character"),
    (f"add {CC} /va", 2, "'/va'"),
    (f"add {CC} /f /f", 2, "twice"),
    (
        "add HKLM\\BROKENSYSTEM\\ControlSet002\\Control\\CrashControl /v CrashDumpEnabled /t REG_DWORD /d 2 /f",
        3,
        "stub",
    ),
    ("add HKLM\\SYSTEM\\controlset003 /f", 3, "controlset003 does not exist"),
    ("add HKLM /v a /f", 2, "names no hive"),
    ("add HKLM\\BCD00000000\\Objects /v a /f", 3, "bcdedit"),
    ("add HKLM\\Other\\a /f", 4, "no such hive"),
    (f"delete {CC}", 3, "Permanently delete"),
    (f"delete {CC} /v LogEvent", 3, "add /f"),
    (f"delete {CC} /v Missing /f", 4, "no value Missing"),
    (f"delete {CC}\\Missing /f", 4, "no such key"),
    (f"delete {CC} /v a /va", 2, "/va"),
    (f"delete {CC} /va /ve", 2, "/ve"),
    ("delete HKLM\\SYSTEM /f", 3, "whole hive"),
    ("delete HKLM\\SYSTEM\\ControlSet001 /f", 3, "--accept delete-control-set"),
    ("delete HKLM\\SYSTEM\\Select /f", 3, "Select"),
    (f"copy {CC}", 2, "KEY2 is missing"),
    (f"copy {CC} {CC}", 2, "onto itself"),
    (f"copy {CC}\\Missing {TEST}", 4, "no such key"),
    ("copy HKLM\\SYSTEM\\ControlSet001\\Control HKLM\\SYSTEM\\ControlSet002\\Control /s", 3, "stub"),
    (f"export {CC}", 2, "FILE is missing"),
    (f"export {CC} good.reg", 3, "exists"),
    (f"export {CC} out.reg /z", 2, "'/z'"),
    ("export file.reg HKLM\\SYSTEM", 2, "'file.reg' is no key"),
    ("export HKLM out.reg", 2, "names no hive"),
    (f"compare {CC}", 2, "KEY2 is missing"),
    (f"compare {CC} {CC} /oa /od", 2, "twice"),
    (f"compare {CC} {CC} /v Missing", 4, "no value Missing"),
    (f"save {CC} good.reg", 3, "exists"),
    ("restore HKLM\\SYSTEM\\Select good.reg", 3, "bootmend files put"),
    ("import", 2, "FILE is missing"),
    ("import missing.reg", 4, "missing.reg"),
    ("import bad.reg", 4, "bad.reg: line 3"),
    ("import no.reg", 4, "no.reg: line 1"),
    ("import good.reg extra", 2, "'extra' is one word too many"),
    ("load HKLM\\BROKENSYSTEM", 2, "FILE is missing"),
    ("load HKLM\\BROKENSYSTEM F:\\windows\\system32\\config\\SYSTEM.hiv", 4, "config\\SYSTEM is there"),
    ("load HKLM\\BROKENSYSTEM F: windows\\system32\\config\\SYSTEM", 2, "'F:' is no path"),
    ("load HKLM\\BROKENSYSTEM <OS DISK LETTER>:\\windows\\system32\\config\\SYSTEM", 2, "<OS is a placeholder"),
    ("load HKLM\\BROKENSYSTEM F:\\windows\\system32\\drivers\\disk.sys", 4, "regf"),
    ("load HKLM\\BROKENSYSTEM F:\\nothing", 4, "no such file"),
    ("load HKLM\\BROKENSYSTEM 77:\\nothing", 4, "77"),
    ("load HKLM\\SYSTEM\\a F:\\x", 2, "one name"),
    ("load HKLM F:\\x", 2, "one name"),
    ("unload", 2, "KEY is missing"),
    ("unload HKLM\\A\\B", 2, "one name"),
]


@pytest.fixture(scope="module")
def machine() -> Iterator[Broken]:
    with broken(2, "healthy") as sample:
        yield sample


@pytest.mark.parametrize(("line", "said"), RIGHT)
def test_a_right_line(machine: Broken, line: str, said: str) -> None:
    done = reg(Overlay(machine.disk), line, folder=Folder(dict(FILES)))
    assert (done.code, done.error) == (0, "")
    assert said in done.text


@pytest.mark.parametrize(("line", "code", "said"), WRONG)
def test_a_wrong_line(machine: Broken, line: str, code: int, said: str) -> None:
    disk = Overlay(machine.disk)
    done = reg(disk, line, folder=Folder(dict(FILES)))
    assert said in done.error, done.error
    assert done.code == code
    assert (done.changed, disk.changed_bytes()) == (0, 0)


@pytest.mark.parametrize(("content", "notes"), [(OLD_IMPORT, 1), (OLD_IMPORT.replace(b"\xe9", b"e"), 0)])
def test_letters_of_an_unnamed_code_page_are_told(machine: Broken, content: bytes, notes: int) -> None:
    done = reg(Overlay(machine.disk), "import old.reg", folder=Folder({"old.reg": content}))
    assert (done.code, len(done.notes)) == (0, notes)
    assert all("CP1252" in note for note in done.notes)


def documented() -> list[str]:
    pages = [(DOCS / name).read_text(encoding="utf-8") for name in ("reg.md", "guide.md")]
    return [
        line for page in pages for line in re.findall(r"^    \./bootmend reg os-disk\.vhd -- (.*)$", page, re.MULTILINE)
    ]


@pytest.mark.parametrize("line", documented())
def test_a_documented_line(machine: Broken, line: str) -> None:
    assert reg(Overlay(machine.disk), shlex.split(line)).code == 0


def test_there_are_documented_lines() -> None:
    assert len(documented()) >= 3


def test_there_are_many_and_half_are_wrong() -> None:
    assert len(RIGHT) + len(WRONG) >= 100
    assert len({line for line, *_ in [*RIGHT, *WRONG]}) == len(RIGHT) + len(WRONG)
    assert 2 * len(WRONG) >= len(RIGHT) + len(WRONG)
