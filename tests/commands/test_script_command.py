"""`bootmend script` as other programs see it: exit codes, what goes where, that nothing is written unasked."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import command, said
from small_machine import small_machine

from bootmend.disk.container import open_disk
from bootmend.disk.digest import data_digest
from bootmend.windows.bootchain import read_boot_chain
from bootmend.windows.image import Image

STORE = r"bcdedit /store F:\boot\bcd"
REFUSED = r"reg delete HKCU\Software\X /f"
NOT_THERE = rf"{STORE} /deletevalue {{default}} testsigning"
WRONG = rf"{STORE} /set {{default}} bootlog perhaps"
MENDED = r"bcddit /store F:\boot\bcd /timeout 7"
RIGHT = rf"{STORE} /timeout 8"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "os disk.raw"
    subprocess.run(["cp", "--sparse=always", str(small_machine(2).path), str(path)], check=True)
    yield path
    path.unlink()


def digest(path: Path) -> str:
    with open_disk(str(path)) as device:
        return data_digest(device)[0]


def timeout(path: Path) -> object:
    with open_disk(str(path)) as device:
        store = read_boot_chain(Image(device)).store
    assert store is not None
    assert store.boot_manager is not None
    element = store.boot_manager.element("timeout")
    return element.value if element is not None else None


@pytest.mark.parametrize(
    ("lines", "plain", "fixed"),
    [
        ([RIGHT], 0, 0),
        ([RIGHT, MENDED], 2, 0),
        ([RIGHT, NOT_THERE], 4, 0),
        ([RIGHT, "chkdsk F: /f"], 3, 0),
        ([RIGHT, REFUSED], 3, 3),
        ([RIGHT, NOT_THERE, REFUSED], 3, 3),
        ([RIGHT, WRONG, NOT_THERE, REFUSED], 2, 2),
        ([RIGHT, r"copy F:\nothing F:\x"], 4, 4),
        ([], 0, 0),
    ],
)
def test_exit_codes_and_nothing_written(disk: Path, lines: list[str], plain: int, fixed: int) -> None:
    before = digest(disk)
    script = "\r\n".join(lines).encode()
    done = command("script", disk, "-", stdin=script)
    assert done.returncode == plain, said(done)
    assert (digest(disk) == before) is (plain != 0 or not lines)
    if plain == 0 and lines:
        assert command("undo", disk).returncode == 0
    dry = command("script", disk, "-", "--fix", "--dry-run", stdin=script)
    assert dry.returncode == fixed
    assert digest(disk) == before
    done = command("script", disk, "-", "--fix", stdin=script)
    assert done.returncode == fixed, said(done)
    assert (digest(disk) == before) is (fixed != 0 or not lines)
    if fixed == 0 and lines:
        assert command("undo", disk).returncode == 0
        assert digest(disk) == before


def test_each_wrong_line_is_told_once_on_stderr(disk: Path) -> None:
    done = command("script", disk, "-", stdin="\n".join([MENDED, RIGHT, WRONG, "chkdsk F:"]).encode())
    told = said(done)
    for part in (
        f"line 1: {MENDED}",
        rf"meant: {STORE} /timeout 7",
        f"line 3: {WRONG}",
        "line 4: chkdsk F:",
        "left out",
    ):
        assert told.count(part) == 1, part
    assert "line 2" not in told
    assert "2 of 3 lines are certain" in told
    assert done.stdout == b""


def test_goto_eof_ends_the_script(disk: Path) -> None:
    done = command("script", disk, "-", stdin="\n".join([RIGHT, "goto :eof", ":sub", "frobnicate"]).encode())
    assert done.returncode == 0, said(done)
    assert b"line 4" in done.stdout
    assert timeout(disk) == 8


def test_where_nothing_is_certain_fix_is_not_offered(disk: Path) -> None:
    told = said(command("script", disk, "-", stdin=WRONG.encode()))
    assert "--fix cannot" in told
    assert "0 of" not in told


KEYS = {"number", "text", "outcome", "ran", "effects", "problems", "meant", "certain", "exit_code"}


def document(*words: str | Path, stdin: str, code: int = 0) -> dict[str, Any]:
    done = command("script", *words, "--json", stdin=stdin.encode())
    assert done.returncode == code, said(done)
    told = json.loads(done.stdout)
    assert told["schema"] == "bootmend.script/1"
    assert all(set(line) == KEYS for line in told["lines"])
    return {**told, "outcomes": [line["outcome"] for line in told["lines"]], "said": said(done)}


def test_json_of_what_was_run_and_of_what_was_not(disk: Path) -> None:
    before = digest(disk)
    script = "\n".join(["@echo off", MENDED, NOT_THERE, RIGHT])
    told = document(disk, "-", stdin=script, code=2)
    assert (told["refused"], told["commit"], told["changed_bytes"]) == (True, None, 0)
    assert told["outcomes"] == ["wrong", "wrong", "not run"]
    assert [line["number"] for line in told["lines"]] == [2, 3, 4]
    assert told["lines"][0]["meant"] == rf"{STORE} /timeout 7"
    assert [line["exit_code"] for line in told["lines"]] == [2, 4, 0]
    assert "line 2" in told["said"]
    assert digest(disk) == before

    told = document(disk, "-", "--fix", "--dry-run", stdin=script)
    assert told["outcomes"] == ["fixed", "left out", "done"]
    assert (told["dry_run"], told["commit"], told["letter"]) == (True, None, "F")
    assert told["changed_bytes"] > 0
    assert digest(disk) == before

    told = document(disk, "-", "--fix", stdin=script)
    assert told["commit"]["verified"] is True
    assert told["lines"][0]["ran"] == rf"{STORE} /timeout 7"
    assert told["lines"][2]["effects"] == ["{bootmgr} timeout: 7 -> 8"]
    assert timeout(disk) == 8
    assert document(disk, "-", stdin=RIGHT)["commit"] is None


def test_fix_says_what_it_ran(disk: Path) -> None:
    done = command("script", disk, "-", "--fix", stdin="\n".join([MENDED, NOT_THERE]).encode())
    told = done.stdout.decode()
    assert rf"line 1: ran as: {STORE} /timeout 7" in told
    assert "{bootmgr} timeout: 30 -> 7" in told
    assert "line 2: left out" in told
    assert "F: in the script is" in told
    assert timeout(disk) == 7


def test_a_partition_by_the_letter_of_the_disk(disk: Path) -> None:
    lines = [
        rf"{STORE} /set {{default}} osdevice partition=F:",
        rf"{STORE} /set {{default}} device partition=S:",
        rf"{STORE} /set {{default}} device partition=F:",
    ]
    done = command("script", disk, "-", "--drive", "F", "--drive", "S=1", "--dry-run", stdin="\n".join(lines).encode())
    assert done.returncode == 0, said(done)
    told = done.stdout.decode()
    assert "partition=F:\n    it stands so already" in told
    there, back = (line for line in told.splitlines() if " device: " in line)
    assert there.partition(": ")[2].split(" -> ") == back.partition(": ")[2].split(" -> ")[::-1]


def test_a_name_in_a_remark_is_no_load(disk: Path) -> None:
    lines = ["REM reg load HKLM\\X F:\\SYSTEM", r"reg query HKLM\BROKENSYSTEM\Select"]
    done = command("script", disk, "-", "--drive", "F", stdin="\n".join(lines).encode())
    assert done.returncode == 0, said(done)
    assert b"BROKENSYSTEM" in done.stdout


def test_stub_control_sets_only_when_accepted(disk: Path) -> None:
    line = rb"reg add HKLM\SYSTEM\ControlSet002\Control\CrashControl /v NMICrashDump /t REG_DWORD /d 1 /f"
    assert command("script", disk, "-", stdin=line).returncode == 3
    done = command("script", disk, "-", "--accept", "stub-control-set", stdin=line)
    assert done.returncode == 0, said(done)
    assert b"(not there) -> 0x1" in done.stdout


@pytest.mark.parametrize(("words", "code"), [(["--drive", "FF"], 2), (["--drive", "F", "--drive", "G"], 2)])
def test_wrong_letters(disk: Path, words: list[str], code: int) -> None:
    assert command("script", disk, "-", *words, stdin=RIGHT.encode()).returncode == code


def test_a_script_that_is_not_there_or_no_text(disk: Path, tmp_path: Path) -> None:
    assert command("script", disk, tmp_path / "none.cmd").returncode == 4
    assert command("script", disk, tmp_path).returncode == 4
    assert command("script", disk, "-", stdin=b"bcdedit\0").returncode == 4
    assert command("script", tmp_path / "none.vhd", "-", stdin=b"").returncode == 4
