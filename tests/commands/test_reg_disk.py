"""reg on whole disks of both generations: what changes, what is put back, dirty hives, the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_machines import base, broken
from reg_lines import Folder, reg, split

from bootmend.commands.reg import LoadedNames, Registry, parse, run
from bootmend.disk.container import open_disk
from bootmend.disk.digest import data_digest
from bootmend.disk.overlay import Overlay
from bootmend.edit import Edit
from bootmend.formats.hive import Hive
from bootmend.lab.faults import apply_fault
from bootmend.signing.roots import Trust
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import Given
from bootmend.windows.image import Image

CC = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl"


def system_file(disk: Overlay) -> Hive:
    """The SYSTEM hive as its primary file has it, logs aside."""
    image = Image(disk)
    system = find_windows(image, Given(Trust()))[0].system
    hive = Hive.parse(system.primary, "SYSTEM")
    image.close()
    return hive


def number(hive: Hive, path: str, name: str) -> int:
    key = hive.key(path)
    assert key is not None
    value = key.value(name)
    assert value is not None
    return value.number


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("fault", ["healthy", "crashed"])
def test_a_value_is_written_and_read(generation: int, fault: str) -> None:
    with broken(generation, fault) as sample:
        disk = Overlay(sample.disk)
        assert system_file(disk).dirty == (fault == "crashed")
        before = reg(disk, "export HKLM\\SYSTEM all.reg", folder=(folder := Folder()))
        assert before.code == 0
        dirty = [note for note in before.notes if "is dirty" in note]
        assert len(dirty) == (1 if fault == "crashed" else 0)

        again = Overlay(disk)
        assert (reg(again, "import all.reg", folder=folder).code, again.changed_bytes()) == (0, 0)

        done = reg(disk, f"add {CC} /v AutoReboot /t REG_DWORD /d 0 /f")
        assert (done.code, done.error) == (0, "")
        assert done.changed < 64 << 10
        hive = system_file(disk)
        assert not hive.dirty
        assert number(hive, "ControlSet001\\Control\\CrashControl", "AutoReboot") == 0
        assert hive.key("CurrentControlSet") is None
        # What had stood in the logs alone is in the file now: nothing else differs.
        assert reg(disk, "export HKLM\\SYSTEM after.reg", folder=folder).notes == [
            note for note in before.notes if note not in dirty
        ]
        first, second = (folder.files[name].decode("utf-16-le").splitlines() for name in ("all.reg", "after.reg"))
        assert [pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]] == [
            ('"AutoReboot"=dword:00000001', '"AutoReboot"=dword:00000000')
        ]


@pytest.mark.parametrize("fault", ["healthy", "crashed"])
def test_reading_writes_nothing(fault: str) -> None:
    with broken(1, fault) as sample:
        disk = Overlay(sample.disk)
        for line in (
            "query HKLM\\SYSTEM\\Select /s",
            f"export {CC} x.reg",
            "load HKLM\\X F:\\windows\\system32\\config\\SYSTEM",
            "query HKLM\\BCD00000000\\Objects",
        ):
            assert reg(disk, line).code == 0
        assert disk.changed_bytes() == 0


def test_a_dirty_hive_without_logs_is_read_and_not_written() -> None:
    with broken(2, "crashed") as sample:
        disk = Overlay(sample.disk)
        image = Image(disk)
        for suffix in ("LOG1", "LOG2"):
            path = f"\\Windows\\System32\\config\\SYSTEM.{suffix}"
            volume = find_windows(image, Given(Trust()))[0].volume
            image.put_file(volume, path, bytes(len(image.read_file(volume, path))))
        image.close()
        read = reg(disk, "query HKLM\\SYSTEM\\Select /v Current")
        assert read.code == 0
        assert "logs cannot be applied" in read.notes[0]
        refused = reg(disk, f"add {CC} /v AutoReboot /t REG_DWORD /d 0 /f")
        assert (refused.code, refused.changed) == (3, 0)
        assert "unreplayed-hive" in refused.error
        assert reg(disk, f"add {CC} /v AutoReboot /t REG_DWORD /d 0 /f", accept=["unreplayed-hive"]).code == 0


def test_import_is_all_or_nothing() -> None:
    text = (
        'Windows Registry Editor Version 5.00\r\n\r\n[HKLM\\SOFTWARE\\New]\r\n"a"=dword:1\r\n\r\n'
        '[HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl]\r\n"AutoReboot"=dword:0\r\n'
    )
    with broken(2, "healthy") as sample:
        disk = Overlay(sample.disk)
        bad = Folder({"bad.reg": f"{text}\r\n[HKLM\\Elsewhere\\x]\r\n".encode()})
        done = reg(disk, "import bad.reg", folder=bad)
        assert (done.code, done.changed, disk.changed_bytes()) == (4, 0, 0)
        assert "bad.reg: line 9" in done.error
        assert reg(disk, "import good.reg", folder=Folder({"good.reg": text.encode()})).code == 0
        assert "0x1" in reg(disk, "query HKLM\\SOFTWARE\\New /v a").text
        assert number(system_file(disk), "ControlSet001\\Control\\CrashControl", "AutoReboot") == 0


def test_another_set_for_the_next_start_is_told() -> None:
    with broken(2, "healthy") as sample:
        disk = Overlay(sample.disk)
        assert reg(disk, f"query {CC}").notes == []
        assert reg(disk, "copy HKLM\\SYSTEM\\ControlSet001 HKLM\\SYSTEM\\ControlSet002 /s").code == 0
        assert reg(disk, "add HKLM\\SYSTEM\\Select /v Default /t REG_DWORD /d 2 /f").code == 0
        done = reg(disk, f"add {CC} /v AutoReboot /t REG_DWORD /d 0 /f")
        assert len(done.notes) == 1
        assert "ControlSet001" in done.notes[0]
        assert "ControlSet002" in done.notes[0]
        assert number(system_file(disk), "ControlSet001\\Control\\CrashControl", "AutoReboot") == 0
        assert number(system_file(disk), "ControlSet002\\Control\\CrashControl", "AutoReboot") == 1


def test_a_whole_control_set_may_be_copied_a_stub_may_not() -> None:
    with broken(2, "healthy") as sample:
        disk = Overlay(sample.disk)
        stub = "add HKLM\\BROKENSYSTEM\\ControlSet002\\Control\\CrashControl /v CrashDumpEnabled /t REG_DWORD /d 2 /f"
        refused = reg(disk, stub)
        assert refused.code == 3
        assert "Write ControlSet001" in refused.error
        assert reg(Overlay(disk), stub, accept=["stub-control-set"]).code == 0
        # LastKnownGood names it, and it is not there: still a stub.
        named = Overlay(disk)
        assert reg(named, "add HKLM\\SYSTEM\\Select /v LastKnownGood /t REG_DWORD /d 2 /f").code == 0
        assert "although Select\\LastKnownGood names it" in reg(named, stub).error
        assert reg(disk, "copy HKLM\\SYSTEM\\ControlSet001 HKLM\\SYSTEM\\ControlSet002 /s").code == 0
        assert reg(disk, stub).code == 0
        assert reg(disk, "query HKLM\\SYSTEM\\ControlSet002\\Services\\disk /v Start").code == 0
        assert reg(disk, "delete HKLM\\SYSTEM\\ControlSet002 /f").code == 3
        assert reg(disk, "delete HKLM\\SYSTEM\\ControlSet002 /f", accept=["delete-control-set"]).code == 0


def test_names_that_a_script_loaded() -> None:
    with broken(1, "healthy") as sample:
        disk = Overlay(sample.disk)
        names = LoadedNames()
        early = reg(disk, "query HKLM\\BROKENSYSTEM\\Select", names=names)
        assert early.code == 4
        assert "reg load is missing" in early.error
        assert reg(disk, "load HKLM\\BROKENSYSTEM F:\\windows\\system32\\config\\SYSTEM", names=names).code == 0
        assert reg(disk, "load HKLM\\brokensystem F:\\windows\\system32\\config\\SYSTEM", names=names).code == 3
        assert reg(disk, "load HKLM\\SOFT F:\\windows\\system32\\config\\SOFTWARE", names=names).code == 0
        # A name says nothing here, only what was loaded under it.
        assert "Microsoft" in reg(disk, "query HKLM\\SOFT", names=names).text
        for path in ("ControlSet001", "CurrentControlSet"):
            line = f"add HKLM\\BrokenSystem\\{path}\\Control\\CrashControl /v CrashDumpEnabled /t REG_DWORD /d 2 /f"
            assert reg(disk, line, names=names).code == 0
        assert number(system_file(disk), "ControlSet001\\Control\\CrashControl", "CrashDumpEnabled") == 2
        store = reg(disk, "load HKLM\\STORE F:\\boot\\bcd", names=names)
        assert store.code == 0
        assert "Objects" in reg(disk, "query HKLM\\STORE", names=names).text
        assert reg(disk, "unload HKLM\\BROKENSYSTEM", names=names).code == 0
        assert reg(disk, "unload HKLM\\BROKENSYSTEM", names=names).code == 4
        assert reg(disk, "query HKLM\\BROKENSYSTEM", names=names).code == 4


def test_two_spellings_of_a_file_are_one_hive() -> None:
    with broken(2, "healthy") as sample:
        edit = Edit(Overlay(sample.disk))
        names = LoadedNames()
        registry = Registry(edit.image, lambda: edit.windows, edit.desk, names)
        for line in (
            "load HKLM\\A f:\\WINDOWS\\System32\\config\\system",
            "add HKLM\\A\\Select /v One /f",
            "add HKLM\\SYSTEM\\Select /v Two /f",
        ):
            run(parse(split(line)), registry, Folder())
        for key in ("HKLM\\A\\Select", "HKLM\\SYSTEM\\Select"):
            printed = "\n".join(run(parse(["query", key]), registry, Folder()).lines)
            assert "    One    " in printed
            assert "    Two    " in printed
        edit.settle()
        hive = system_file(edit.overlay)
        select = hive.key("Select")
        assert select is not None
        assert {"One", "Two"} <= {value.name for value in select.values()}


def test_a_store_is_read_as_it_stands_on_the_desk() -> None:
    with broken(2, "healthy") as sample:
        edit = Edit(Overlay(sample.disk))
        chain = edit.windows.chain
        assert chain.hive is not None
        assert chain.entry is not None
        edit.desk.store(chain.hive.volume, chain.hive.path).editor.set(chain.entry.id, 0x25000080, 1)
        registry = Registry(edit.image, lambda: edit.windows, edit.desk)
        key = f"HKLM\\BCD00000000\\Objects\\{{{chain.entry.id}}}\\Elements\\25000080"
        assert "    Element    REG_BINARY    0100000000000000" in list(
            run(parse(["query", key]), registry, Folder()).lines
        )


def bootmend(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bootmend", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "BOOTMEND_LANG": "en"},
        check=False,
    )


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    machine = base(2)
    path = tmp_path / "os disk.vhd"
    subprocess.run(["cp", "--sparse=always", str(machine.path), str(path)], check=True)
    with open_disk(str(path), writable=True) as device:
        apply_fault(device, "crashed", machine.manifest)
    yield path
    path.unlink()


def digest(path: Path) -> str:
    with open_disk(str(path)) as device:
        return data_digest(device)[0]


def test_the_command_line_and_the_way_back(disk: Path, tmp_path: Path) -> None:
    before = digest(disk)
    read = bootmend("reg", disk, "--", "query", CC, "/v", "DumpFile")
    assert read.returncode == 0, read.stderr
    assert read.stdout.endswith("    DumpFile    REG_EXPAND_SZ    %SystemRoot%\\MEMORY.DMP\n\n")
    assert "is dirty" in read.stderr
    dry = bootmend("reg", disk, "--dry-run", "--", "ADD", CC, "/v", "AutoReboot", "/t", "REG_DWORD", "/d", "0", "/f")
    assert dry.returncode == 0, dry.stderr
    assert "bytes would change" in dry.stderr
    wrong = bootmend("reg", disk, "--", "add", CC, "/v", "AutoReboot", "/t", "REG_DWRD", "/d", "0", "/f")
    assert wrong.returncode == 2
    assert "'REG_DWRD' is no type" in wrong.stderr
    asked = bootmend("reg", disk, "--", "add", CC, "/v", "AutoReboot", "/t", "REG_DWORD", "/d", "0")
    assert asked.returncode == 3
    assert "Next step" in asked.stderr
    missing = bootmend("reg", disk, "--", "query", f"{CC}\\Nothing")
    assert missing.returncode == 4
    onto = bootmend("reg", disk, "--", "export", CC, str(disk), "/y")
    assert onto.returncode == 3
    assert digest(disk) == before
    assert not disk.with_name(disk.name + ".bootmend").exists()

    done = bootmend("reg", disk, "--", "add", CC, "/v", "AutoReboot", "/t", "REG_DWORD", "/d", "0", "/f")
    assert (done.returncode, done.stdout) == (0, "The operation completed successfully.\n"), done.stderr
    assert digest(disk) != before
    file = tmp_path / "out.reg"
    assert bootmend("reg", disk, "--", "export", CC, file).returncode == 0
    assert '"AutoReboot"=dword:00000000'.encode("utf-16-le") in file.read_bytes()
    assert bootmend("reg", disk, "--", "export", CC, file).returncode == 3
    assert bootmend("reg", disk, "--", "import", file).returncode == 0
    assert "reg" in bootmend("history", disk, "--json").stdout
    undone = bootmend("undo", disk)
    assert undone.returncode == 0, undone.stderr
    assert digest(disk) == before


def test_help() -> None:
    assert "reg query  KEY" in bootmend("reg", "nowhere.vhd", "--", "/?").stdout
    assert "query, add, delete" in bootmend("reg", "--help").stdout
