"""The article's own scripts, cut out of the article as it was given, run on machines of both generations.

Without --fix they must not run: the article is wrong in them. With it the store and the hive hold what the
article means; its revert script takes it back, and undo brings back the very bytes.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import command, said
from sample_data import data_folder, need, unpacked
from small_machine import broken, small_machine

from bootmend.commands.script import Cure, Outcome, run_script
from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice
from bootmend.disk.digest import data_digest
from bootmend.disk.overlay import Overlay
from bootmend.edit import Edit
from bootmend.formats.bcd import WELL_KNOWN, Store
from bootmend.formats.hive import Hive
from bootmend.lab.machine import create
from bootmend.signing.roots import Trust
from bootmend.windows.bootchain import read_boot_chain
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import Given
from bootmend.windows.image import Image

ENABLE, DEBUG, REVERT = range(3)
"""The article's fenced scripts, in its order."""
SAFE_MODE, SAFE_MODE_EXAMPLE, NO_SAFE_MODE = range(3)
"""Its indented lines."""


def article() -> str:
    folder = data_folder()
    path = folder.parent / "article" / "critical-service-failed.ko.md" if folder is not None else None
    if path is None or not path.exists():
        pytest.skip("the article is not here")
    return path.read_text(encoding="utf-8")


def scripts() -> list[str]:
    found = re.findall(r"^ *```(?:powershell|cmd)\n(.*?)^ *```", article(), re.DOTALL | re.MULTILINE)
    assert len(found) == 3
    return ["\r\n".join(line.strip() for line in one.splitlines()) for one in found]


def indented() -> list[str]:
    found = [line.strip() for line in article().splitlines() if line.startswith("        bcdedit")]
    assert len(found) == 3
    return found


def run(disk: BlockDevice, text: str, *, encoding: str = "utf-8") -> tuple[Outcome, Overlay]:
    """The script on an overlay, settled."""
    edit = Edit(disk)
    outcome = run_script(edit, text.encode(encoding), "article.cmd")
    edit.settle()
    return outcome, edit.overlay


def store(disk: BlockDevice) -> Store:
    image = Image(disk)
    found = read_boot_chain(image).store
    assert found is not None
    image.close()
    return found


def system(disk: BlockDevice) -> Hive:
    image = Image(disk)
    hive = find_windows(image, Given(Trust()))[0].system.hive
    image.close()
    return hive


def elements(found: Store, name: str) -> dict[str, str]:
    """Own elements as words, by bcdedit's names."""
    entry = found.object(name)
    assert entry is not None
    return {one.name: str(one).partition(" ")[2].lower() for one in entry.elements.values()}


@pytest.fixture(params=[1, 2], ids=["generation 1", "generation 2"])
def disk(request: pytest.FixtureRequest) -> Iterator[Overlay]:
    with broken(small_machine(request.param), "healthy") as (overlay, _):
        yield overlay


def test_enable_script(disk: Overlay) -> None:
    outcome, changed = run(disk, scripts()[ENABLE])
    assert outcome.letter == "F"
    assert [one.cure for one in outcome.wrong] == [Cure.MEANT, Cure.MEANT, Cure.SKIP, Cure.SKIP, Cure.SKIP]
    assert outcome.blocking(fix=True) == []
    before, after = store(disk), store(changed)
    manager = elements(after, "{bootmgr}")
    assert (manager["displaybootmenu"], manager["timeout"], manager["bootems"]) == ("yes", "10", "yes")
    assert elements(after, "{default}") == {**elements(before, "{default}"), "ems": "yes"}
    settings = after.objects[WELL_KNOWN["emssettings"]].elements
    assert settings[0x15000022].value == 1
    assert settings[0x15000023].value == 115200
    crash = system(changed).key(r"ControlSet001\Control\CrashControl")
    assert crash is not None
    values = {value.name: (value.type, value.data) for value in crash.values()}
    assert values["CrashDumpEnabled"] == (4, bytes([2, 0, 0, 0]))
    assert values["NMICrashDump"] == (4, bytes([1, 0, 0, 0]))
    assert values["DumpFile"] == (2, "%SystemRoot%\\MEMORY.DMP\0".encode("utf-16-le"))
    assert system(changed).key("ControlSet002") is None
    assert any("%SystemRoot%" in note for note in outcome.notes)


def test_safe_mode_lines(disk: Overlay) -> None:
    on, off = indented()[:NO_SAFE_MODE], indented()[NO_SAFE_MODE]
    for line in on:
        outcome, changed = run(disk, line)
        assert outcome.blocking(fix=True) == []
        assert outcome.wrong[0].meant == r"bcdedit /store F:\boot\bcd /set {default} safeboot minimal"
        assert elements(store(changed), "{default}")["safeboot"] == "minimal"
    outcome, again = run(changed, off)
    assert outcome.blocking(fix=True) == []
    assert "safeboot" not in elements(store(again), "{default}")
    assert store(again).objects == store(disk).objects


def test_debug_script_and_its_revert(disk: Overlay) -> None:
    outcome, changed = run(disk, scripts()[DEBUG])
    assert outcome.blocking(fix=True) == []
    assert len(outcome.wrong) == 9
    found = store(changed)
    assert found.default is not None
    assert elements(found, "{bootmgr}")["default"] == f"{{{found.default.id}}}"
    assert elements(found, "{bootmgr}")["nointegritychecks"] == "yes"
    assert elements(found, "{bootmgr}")["integrityservices"] == "disable"
    loader = elements(found, "{default}")
    wanted = {
        "bootlog": "yes",
        "bootstatuspolicy": "displayallfailures",
        "nointegritychecks": "yes",
        "testsigning": "no",
        "recoveryenabled": "no",
        "integrityservices": "disable",
    }
    assert wanted.items() <= loader.items()

    outcome, reverted = run(changed, scripts()[REVERT])
    assert outcome.blocking(fix=True) == []
    assert [one.cure for one in outcome.wrong] == [Cure.MEANT] * 8
    meant = {one.number: one for one in outcome.wrong}
    assert '"bcddit" should read "bcdedit".' in meant[10].what
    assert meant[11].meant.endswith("/set {default} integrityservices enable")
    manager, loader = elements(store(reverted), "{bootmgr}"), elements(store(reverted), "{default}")
    assert "nointegritychecks" not in manager
    assert manager["integrityservices"] == "enable"
    assert not {"bootlog", "nointegritychecks", "testsigning"} & set(loader)
    assert loader["bootstatuspolicy"] == "ignoreallfailures"
    assert loader["integrityservices"] == "enable"
    assert loader["recoveryenabled"] == "no"


def test_revert_alone_leaves_out_what_is_not_there(disk: Overlay) -> None:
    outcome, changed = run(disk, scripts()[REVERT])
    assert [one.number for one in outcome.wrong if one.cure is Cure.SKIP] == [2, 6, 8, 9]
    assert outcome.blocking(fix=True) == []
    assert elements(store(changed), "{default}")["integrityservices"] == "enable"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp949", "cp1252"])
def test_encodings(disk: Overlay, encoding: str) -> None:
    remark = {"cp949": "REM 직렬 콘솔을 사용하도록 설정\r\n", "cp1252": "REM Série activée\r\n"}.get(
        encoding, "REM x\r\n"
    )
    outcome, changed = run(disk, remark + scripts()[ENABLE], encoding=encoding)
    assert outcome.blocking(fix=True) == []
    assert elements(store(changed), "{bootmgr}")["timeout"] == "10"


def test_a_crashed_machine_is_replayed_first() -> None:
    with broken(small_machine(2), "crashed") as (disk, _):
        outcome, changed = run(disk, scripts()[ENABLE])
        assert outcome.blocking(fix=True) == []
        hive = system(changed)
        assert not hive.dirty
        session = hive.key(r"ControlSet001\Control\Session Manager")
        assert session is not None
        pending = session.value("LabBoots")
        assert pending is not None
        assert pending.number == 7
        crash = hive.key(r"ControlSet001\Control\CrashControl")
        assert crash is not None
        assert crash.value("NMICrashDump") is not None


def digest(path: Path) -> str:
    with open_disk(str(path)) as device:
        return data_digest(device)[0]


@pytest.mark.parametrize("generation", [1, 2])
def test_the_command_and_undo(generation: int, tmp_path: Path) -> None:
    disk = tmp_path / "os disk.raw"
    subprocess.run(["cp", "--sparse=always", str(small_machine(generation).path), str(disk)], check=True)
    before = digest(disk)
    cmd = tmp_path / "enable.cmd"
    cmd.write_bytes(scripts()[ENABLE].encode())
    stopped = command("script", disk, cmd)
    assert stopped.returncode == 2
    told = said(stopped)
    assert "line 1: reg load" in told
    assert r"meant: reg load HKLM\BROKENSYSTEM F:\windows\system32\config\SYSTEM" in told
    assert "line 15" in told
    assert "--fix" in told
    assert stopped.stdout == b""
    assert not Path(f"{disk}.bootmend").exists() or not any(Path(f"{disk}.bootmend").glob("*.journal"))
    assert digest(disk) == before

    dry = command("script", disk, cmd, "--fix", "--dry-run")
    assert dry.returncode == 0, said(dry)
    assert b"{bootmgr} timeout: 30 -> 10" in dry.stdout
    assert b"Nothing was written" in dry.stdout
    assert digest(disk) == before

    done = command("script", disk, cmd, "--fix")
    assert done.returncode == 0, said(done)
    assert b"line 15: left out" in done.stdout
    with open_disk(str(disk)) as device:
        assert elements(store(device), "{bootmgr}")["timeout"] == "10"
    listed = command("history", disk, "--json")
    assert b'"command": "script"' in listed.stdout
    assert listed.stdout.count(b'"journal"') == 1
    assert command("undo", disk).returncode == 0
    assert digest(disk) == before


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(("generation", "store_name"), [(1, "bios-win7-1"), (2, "uefi-b22621-1")])
def test_on_a_real_hive_and_store(generation: int, store_name: str, tmp_path: Path) -> None:
    """A Windows 7 SYSTEM hive has two control sets: there the article's lines for ControlSet002 are right."""
    hive = tmp_path / "SYSTEM"
    hive.write_bytes(unpacked("hives/system/win7-clean.SYSTEM.xz"))
    machine = create(
        tmp_path / "real.raw",
        generation=generation,
        container="raw",
        size=4 << 30,
        catalogs=10,
        system_hive=hive,
        bcd=need(f"bcd/{store_name}/BCD"),
    )
    with open_disk(str(machine.path)) as device:
        before = system(device)
        outcome, changed = run(device, scripts()[ENABLE])
        assert outcome.blocking(fix=True) == []
        for number in ("001", "002"):
            there = before.key(f"ControlSet{number}") is not None
            crash = system(changed).key(rf"ControlSet{number}\Control\CrashControl")
            assert (crash is not None) is there
            if crash is not None:
                value = crash.value("NMICrashDump")
                assert value is not None
                assert value.number == 1
        outcome, debug = run(changed, scripts()[DEBUG])
        assert outcome.blocking(fix=True) == []
        outcome, _ = run(debug, scripts()[REVERT])
        assert outcome.blocking(fix=True) == []
