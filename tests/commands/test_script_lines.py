r"""A table of lines, half of them wrong: what each does, what is wrong with it, and the line that was meant.

All wrong lines are one script and all right ones another, as they would be run: a wrong line must not spoil
the judgement of those after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_machine import small_machine

from bootmend.commands.script import Cure, Outcome, run_script
from bootmend.disk.container import open_disk
from bootmend.edit import Edit

MEANT, SKIP, NONE = Cure.MEANT, Cure.SKIP, Cure.NONE
LOADER = "{LOADER}"
"""Stands in the tables for the default loader's identifier."""
B = r"bcdedit /store F:\boot\bcd"
CC = r"HKLM\BROKENSYSTEM\ControlSet001\Control\CrashControl"

RIGHT: list[tuple[str, str]] = [
    (r"reg load HKLM\BROKENSYSTEM F:\windows\system32\config\SYSTEM", r"is volume 3:\windows\system32\config\SYSTEM"),
    (rf"{B} /set {{bootmgr}} displaybootmenu yes", "{bootmgr} displaybootmenu: (not there) -> Yes"),
    (rf"{B} /set {{bootmgr}} timeout 10", "{bootmgr} timeout: 30 -> 10"),
    (r"BCDEDIT.EXE /store F:\BOOT\BCD /SET {BOOTMGR} TIMEOUT 11", "{bootmgr} timeout: 10 -> 11"),
    (rf"{B} /set {{bootmgr}} bootems on", "{bootmgr} bootems: (not there) -> Yes"),
    (rf"{B} /ems {{default}} ON", "ems: (not there) -> Yes"),
    (rf"{B} /emssettings EMSPORT:1 EMSBAUDRATE:115200", "{emssettings} emsbaudrate: (not there) -> 115200"),
    (r"bcdedit /store F:\EFI\Microsoft\Boot\BCD /set {default} safeboot network", "safeboot: (not there) -> Network"),
    (rf"@{B} /deletevalue {{default}} safeboot", "safeboot: Network -> (not there)"),
    (
        rf"{B} /set {{default}} bootstatuspolicy displayallfailures",
        "bootstatuspolicy: (not there) -> DisplayAllFailures",
    ),
    (rf"{B} /set {{default}} custom:26000090 yes >nul 2>&1", "bootlog: (not there) -> Yes"),
    (rf"{B} /set {{default}} bootlog no & {B} /set {{default}} bootlog yes", "bootlog: No -> Yes"),
    (rf"{B} /timeout 12 && {B} /timeout 13", "timeout: 12 -> 13"),
    ('bcdedit /store "F:\\boot\\bcd" /set {default} description "Windows  mended"', "-> Windows  mended"),
    (r"%windir%\system32\bcdedit.exe /store F:\boot\bcd /timeout 14", "timeout: 13 -> 14"),
    (r"bcdedit /store F:\boot\bcd /export F:\backup.bcd", "the store copied to 3:\\backup.bcd"),
    (rf"{B} /set {{default}} recoveryenabled no", "it stands so already"),
    (rf"{B} /enum all /v", "only looks"),
    (r"set STORE=F:\boot\bcd", "STORE is set"),
    (r"bcdedit /store %STORE% /timeout 15", "timeout: 14 -> 15"),
    (rf'REG ADD "{CC}" /v CrashDumpEnabled /t REG_DWORD /d 2 /f', "CrashDumpEnabled: 0x7 -> 0x2"),
    (rf'reg add "{CC}" /v DumpFile /t REG_EXPAND_SZ /d "%SystemRoot%\MEMORY.DMP" /f', r"-> %SystemRoot%\MEMORY.DMP"),
    (rf"reg.exe add {CC} /v NMICrashDump /t REG_DWORD /d 0x1 /f", "NMICrashDump: (not there) -> 0x1"),
    (rf"reg add {CC} /v Text /d 50%%^&more /f", "Text: (not there) -> 50%&more"),
    (rf'reg add {CC} /v Quoted /d "say \"yes\"" /f', 'Quoted: (not there) -> say "yes"'),
    (rf'reg add {CC} /v Slash /d "C:\\" /f', "Slash: (not there) -> C:\\"),
    (rf"reg delete {CC} /v Text /f", "Text: 50%&more -> (not there)"),
    (r"reg query HKLM\BROKENSYSTEM\Select", "only looks"),
    (
        r"reg add HKLM\BROKENSYSTEM\CurrentControlSet\Services\bad /v Start /t REG_DWORD /d 4 /f",
        "Start: (not there) -> 0x4",
    ),
    (r"reg load HKLM\SOFT F:\Windows\System32\config\SOFTWARE", "is volume 3:\\Windows\\System32\\config\\SOFTWARE"),
    (r"reg unload HKLM\SOFT", "HKLM\\SOFT ends"),
    (r"md F:\Backup\config", r"3:\Backup\config: folder made"),
    (r"copy F:\Windows\System32\config\SYSTEM F:\Backup\config\SYSTEM.bak /y", "a new file"),
    (r"copy /y F:\boot\bcd F:\boot\bcd.bak", r"copied to 1:\EFI\Microsoft\Boot\BCD.bak"),
    (r"attrib -r +h +s F:\boot\bcd.bak", "attributes HSA"),
    (r"ren F:\boot\bcd.bak bcd.old", "renamed to bcd.old"),
    (r"del /f/q/a F:\boot\bcd.old", "deleted"),
    (r"cd /d F:\Backup", r"the current folder is 3:\Backup"),
    (r"copy config\SYSTEM.bak .", r"copied to 3:\Backup\SYSTEM.bak"),
    (r"move SYSTEM.bak F:\Backup\config\moved.bak", "moved to"),
    (r"xcopy F:\Backup\config F:\Backup\again /i /e /q", r"copied to 3:\Backup\again\moved.bak"),
    (r"del F:\Backup\again\*.bak", "deleted"),
    (r"pushd F:\Windows && popd", "the current folder is"),
    (r"rd /s /q F:\Backup\again", "deleted, with 0 files"),
    (r'md "F:\with blank" & rd "F:\with blank"', "folder made"),
    (r"reg export HKLM\BROKENSYSTEM\Select F:\Backup\select.reg", "success"),
    (r"reg import F:\Backup\select.reg", "success"),
    (r"reg unload HKLM\BROKENSYSTEM", "HKLM\\BROKENSYSTEM ends"),
]

SILENT = [
    "@echo off",
    "REM Enable Serial Console",
    ":: a remark",
    "rem.",
    "echo F:\\ is the disk",
    "pause",
    "cls & title mending",
    "F:",
    "   ",
    "setlocal",
    ":end",
    "ping -n 3 127.0.0.1 >nul",
    "dir F:\\ /a",
]

WRONG: list[tuple[str, str, str, Cure, int]] = [
    # program names
    (r"bcddit /store F:\boot\bcd /timeout 10", '"bcdedit"', rf"{B} /timeout 10", MEANT, 2),
    (r"bcedit /store F:\boot\bcd /timeout 10", '"bcdedit"', rf"{B} /timeout 10", MEANT, 2),
    (r"bcdeidt /store F:\boot\bcd /timeout 10", '"bcdedit"', rf"{B} /timeout 10", MEANT, 2),
    (r"xcpoy F:\Windows\notthere.txt F:\x\ /y", '"xcopy"', r"xcopy F:\Windows\notthere.txt F:\x\ /y", NONE, 4),
    (r"frobnicate F:\boot\bcd", '"frobnicate" is no command', "", NONE, 2),
    # the path of the store
    (r"bcdedit /store F: boot\bcd /set {default} safeboot minimal", "blank breaks the path",
     rf"{B} /set {{default}} safeboot minimal", MEANT, 2),
    (r"bcdedit /store F:boot\bcd /timeout 9", "after the colon is missing", rf"{B} /timeout 9", MEANT, 2),
    (r"bcdedit /store F:\ boot\bcd /timeout 9", "blank breaks the path", rf"{B} /timeout 9", MEANT, 2),
    (r"bcdedit /store G:\boot\bcd /timeout 9", "G: is another disk", "", NONE, 2),
    (r"bcdedit /store F:\boot\nostore /timeout 9", "nostore", "", NONE, 4),
    (r"bcdedit /store /timeout 9", "/store", "", NONE, 2),
    # placeholders
    (r"bcdedit /store <OS DISK LETTER>:\boot\bcd /set {default} bootlog yes", "placeholder <OS DISK LETTER>:",
     rf"{B} /set {{default}} bootlog yes", MEANT, 2),
    (r"bcdedit /store <OS DISK you attached>:\boot\bcd /timeout 8", "placeholder", rf"{B} /timeout 8", MEANT, 2),
    (r"bcdedit /store <드라이브>:\boot\bcd /timeout 8", "placeholder", rf"{B} /timeout 8", MEANT, 2),
    (rf"{B} /ems {{<BOOT LOADER IDENTIFIER>}} ON", "placeholder {<BOOT LOADER IDENTIFIER>}",
     rf"{B} /ems {LOADER} ON", MEANT, 2),
    (rf"{B} /ems <BOOT LOADER IDENTIFIER> ON", "placeholder", rf"{B} /ems {LOADER} ON", MEANT, 2),
    (rf"{B} /set {{bootmgr}} default {{<IDENTIFIER OF THE WINDOWS BOOT LOADER>}}", "placeholder",
     rf"{B} /set {{bootmgr}} default {LOADER}", MEANT, 2),
    (rf"{B} /set {{identifier}} bootlog yes", "placeholder {identifier}", rf"{B} /set {LOADER} bootlog yes", MEANT, 2),
    (r"copy F:\Windows\<FILE NAME> F:\x", "only you know", "", NONE, 2),
    # glued and misspelt words of bcdedit
    (rf"{B} /set {{default}} integrityservicesenable", "blank is missing",
     rf"{B} /set {{default}} integrityservices enable", MEANT, 2),
    (rf"{B} /set {{default}} recoveryenabledno", "blank is missing",
     rf"{B} /set {{default}} recoveryenabled no", MEANT, 2),
    (rf"{B} /set {{default}} safeboo minimal", '"safeboot"', rf"{B} /set {{default}} safeboot minimal", MEANT, 2),
    (rf"{B} /set {{default}} safeboot minmal", '"Minimal"', rf"{B} /set {{default}} safeboot minimal", MEANT, 2),
    (rf"{B} /sett {{default}} bootlog yes", '"/set"', rf"{B} /set {{default}} bootlog yes", NONE, 2),
    (rf"{B} /deletvalue {{default}} nx", '"/deletevalue"', rf"{B} /deletevalue {{default}} nx", MEANT, 2),
    (rf"{B} set {{default}} bootlog yes", "with its slash", rf"{B} /set {{default}} bootlog yes", MEANT, 2),
    (rf"{B} /set bootmgr timeout 10", "in braces", rf"{B} /set {{bootmgr}} timeout 10", MEANT, 2),
    (rf"{B} /set {{bootmrg}} timeout 10", '"{bootmgr}"', rf"{B} /set {{bootmgr}} timeout 10", MEANT, 2),
    (r"bcddit /store F: boot\bcd /set {default} integrityservicesenable", "blank is missing",
     rf"{B} /set {{default}} integrityservices enable", MEANT, 2),
    (rf"{B} /set {{default}} nosuchelement yes", "nosuchelement", "", NONE, 2),
    (rf"{B} /set {{default}} bootlog perhaps", "perhaps", "", NONE, 2),
    (rf"{B} /set {{current}} bootlog yes", "{current}", rf"{B} /set {{default}} bootlog yes", NONE, 2),
    (rf"{B} /deletevalue {{default}} testsigning", "no element testsigning", "", SKIP, 4),
    (rf"{B} /timeout soon", "soon", "", NONE, 2),
    ("bcdedit /store F:\\boot\\bcd \u2013set {default} bootlog yes", "Typographic",
     r"bcdedit /store F:\boot\bcd -set {default} bootlog yes", MEANT, 2),
    # reg
    (r"reg load HKLM\OTHERSYSTEM F:\windows\system32\config\SYSTEM.hiv", "no extension",
     r"reg load HKLM\OTHERSYSTEM F:\windows\system32\config\SYSTEM", MEANT, 2),
    (r"reg laod HKLM\THIRD F:\windows\system32\config\SYSTEM", '"load"',
     r"reg load HKLM\THIRD F:\windows\system32\config\SYSTEM", NONE, 2),
    (r"reg load HKLM\FOURTH F:\windows\system32\config\NOSUCH", "NOSUCH", "", NONE, 4),
    (r"reg add HKLM\BROKENSYSTEM\ControlSet002\Control\CrashControl /v NMICrashDump /t REG_DWORD /d 1 /f",
     "no ControlSet002 on this machine (it has ControlSet001)", "", SKIP, 3),
    (r"reg add HKLM\BROKENSYSTEM\ControlSet00x\Control\CrashControl /v AutoReboot /t REG_DWORD /d 0 /f",
     "Select names ControlSet001",
     r"reg add HKLM\BROKENSYSTEM\ControlSet001\Control\CrashControl /v AutoReboot /t REG_DWORD /d 0 /f", MEANT, 2),
    (r"reg add HKLM\BROKENSYTEM\ControlSet001\Control /v X /t REG_DWORD /d 0 /f", '"BROKENSYSTEM"',
     r"reg add HKLM\BROKENSYSTEM\ControlSet001\Control /v X /t REG_DWORD /d 0 /f", MEANT, 2),
    (rf"reg add {CC} /v X /t REG_DWROD /d 1 /f", '"REG_DWORD"', rf"reg add {CC} /v X /t REG_DWORD /d 1 /f", MEANT, 2),
    (rf"reg add {CC} /v Y /t REG_DWORD /d many /f", "many", "", NONE, 2),
    (rf"reg add “{CC}” /v Y /t REG_DWORD /d 1 /f", "Typographic",
     rf'reg add "{CC}" /v Y /t REG_DWORD /d 1 /f', MEANT, 2),
    (r"reg add HKCU\Software\X /v Y /d 1 /f", "HKCU", "", NONE, 3),
    (rf"reg delete {CC} /v NotThereAtAll /f", "not there to be deleted", "", SKIP, 4),
    (r"reg delete HKLM\BROKENSYSTEM\ControlSet001\NoKey /f", "not there to be deleted", "", SKIP, 4),
    # files
    (r"copy F:\Windows\notthere.sys F:\x.sys", "notthere.sys", "", NONE, 4),
    (r"copy F:\Windows\System32\ntoskrnl.exe F:\nofolder\x.exe", "no such folder", "", NONE, 4),
    (r"copy D:\good\filecrypt.sys F:\Windows\System32\drivers\filecrypt.sys", "D: is another disk", "", NONE, 2),
    (r"copy %SystemRoot%\System32\drivers\null.sys F:\x.sys", "the machine that runs the script", "", NONE, 2),
    (r"copy drivers\null.sys F:\x.sys", "does not say on which drive", "", NONE, 2),
    (r"copy \\server\share\null.sys F:\x.sys", "network", "", NONE, 2),
    (r"del F:\Windows\notthere.sys", "notthere.sys", "", SKIP, 4),
    (r"del /z F:\Windows\notepad.exe", '"/z"', "", NONE, 2),
    (r"ren F:\Windows\System32\ntoskrnl.exe F:\Windows\System32\old.exe", "new name only", "", NONE, 2),
    (r"rd F:\Windows", "not empty", "", NONE, 3),
    # what cannot be run on a disk
    (r"sfc /scannow /offbootdir=F:\ /offwindir=F:\Windows", "bootmend diagnose", "", SKIP, 3),
    ("chkdsk F: /f", "chkdsk", "", SKIP, 3),
    ("verifier /standard /all", "bootmend drivers", "", SKIP, 3),
    (r"bcdboot F:\Windows /s S: /f UEFI", "bcdboot", "", NONE, 3),
    ("diskpart /s part.txt", "diskpart", "", NONE, 3),
    (r"takeown /f F:\Windows\System32\drivers\null.sys", "not needed", "", SKIP, 3),
    # what is not followed
    (r"if exist F:\boot\bcd del F:\boot\bcd", '"if" is not followed', "", NONE, 2),
    ("for %%i in (1 2 3) do echo %%i", '"for" is not followed', "", NONE, 2),
    ("goto end", '"goto" is not followed', "", NONE, 2),
    ("(echo x", "block", "", NONE, 2),
    ("if %ERRORLEVEL% neq 0 exit /b 1", '"if" is not followed', "", NONE, 2),
    ("@if not exist F:\\x md F:\\x", "one after the other", "", NONE, 2),
    ("call :sub", '"call" is not followed', "", NONE, 2),
    ("echo x & :sub", "label", "", NONE, 2),
    (rf"reg add {CC} /v DumpFile /t REG_EXPAND_SZ /d ^%SystemRoot^%\M.DMP /f", "for the prompt",
     rf"reg add {CC} /v DumpFile /t REG_EXPAND_SZ /d %SystemRoot%\M.DMP /f", MEANT, 2),
    (r"reg load HKLM\BROKENSYSTEM F:\windows\system32\config\SOFTWARE",
     r"reg unload HKEY_LOCAL_MACHINE\BROKENSYSTEM", "", NONE, 3),
    (r"echo y | reg delete HKLM\BROKENSYSTEM\Select", "Pipes", "", NONE, 2),
    (r"bcdedit /enum > F:\bcd.txt", "Redirection", "", NONE, 2),
    (r"copy %1 F:\x.sys", "argument", "", NONE, 2),
    (r"copy F:\a%BUILD%.sys F:\x.sys", "%BUILD%", "", NONE, 2),
    ("setlocal enabledelayedexpansion", "Delayed", "", NONE, 2),
]  # fmt: skip


@pytest.fixture(scope="module")
def right() -> Iterator[Outcome]:
    with open_disk(str(small_machine(2).path)) as device:
        script = "\r\n".join([*SILENT, *(line for line, _ in RIGHT)])
        yield run_script(Edit(device), script.encode(), "right.cmd")


@pytest.fixture(scope="module")
def wrong() -> Iterator[tuple[Outcome, str]]:
    with open_disk(str(small_machine(2).path)) as device:
        lines = [r"reg load HKLM\BROKENSYSTEM F:\windows\system32\config\SYSTEM", *(row[0] for row in WRONG)]
        edit = Edit(device)
        entry = edit.windows.chain.entry
        assert entry is not None
        yield run_script(edit, "\r\n".join(lines).encode(), "wrong.cmd", drive=["F"]), f"{{{entry.id}}}"


def test_the_tables_are_long_enough() -> None:
    assert len(RIGHT) + len(WRONG) >= 100
    assert len(WRONG) >= 40


def test_right_lines_are_all_right(right: Outcome) -> None:
    assert right.wrong == []
    assert len(right.done) == len(RIGHT)


@pytest.mark.parametrize("at", range(len(RIGHT)), ids=[line for line, _ in RIGHT])
def test_a_right_line_says_what_it_does(right: Outcome, at: int) -> None:
    done = {one.number: one for one in right.done}[len(SILENT) + at + 1]
    assert RIGHT[at][1] in " | ".join(done.effects)


@pytest.mark.parametrize("at", range(len(WRONG)), ids=[row[0] for row in WRONG])
def test_a_wrong_line_says_what_was_meant(wrong: tuple[Outcome, str], at: int) -> None:
    outcome, loader = wrong
    line, what, meant, cure, code = WRONG[at]
    found = {one.number: one for one in outcome.wrong}.get(at + 2)
    assert found is not None, "taken as right"
    assert found.text == line
    assert what.lower() in " ".join(found.what).lower()
    assert found.meant.lower() == meant.replace(LOADER, loader).lower()
    assert found.cure is cure
    assert found.exit_code == code


def test_only_wrong_lines_are_told(wrong: tuple[Outcome, str]) -> None:
    assert {one.number for one in wrong[0].wrong} == set(range(2, len(WRONG) + 2))
    assert wrong[0].blocking(fix=False) == wrong[0].wrong
    assert all(one.cure is NONE for one in wrong[0].blocking(fix=True))
