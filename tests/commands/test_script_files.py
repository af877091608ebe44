"""The words for files in a script: what stands on the disk afterwards, as other readers and checkers see it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytsk3
from fat_images import fsck
from ntfs_check import faults
from small_machine import broken, small_machine

from bootmend.commands.script import Outcome, run_script
from bootmend.disk.device import Window
from bootmend.disk.overlay import Overlay
from bootmend.edit import Edit
from bootmend.formats.bcd import Store
from bootmend.formats.hive import Hive
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.volume import ARCHIVE, HIDDEN, READ_ONLY, SETTABLE, SYSTEM
from bootmend.windows.image import Image

CONFIG = r"\Windows\System32\config"


@pytest.fixture
def disk() -> Iterator[Overlay]:
    with broken(small_machine(2), "healthy") as (overlay, _):
        yield overlay


def run(disk: Overlay, *lines: str, drive: list[str] | None = None) -> tuple[Outcome, Image]:
    edit = Edit(disk)
    outcome = run_script(edit, "\r\n".join(lines).encode(), "x.cmd", drive=drive)
    edit.settle()
    return outcome, Image(edit.overlay)


def ran(disk: Overlay, *lines: str, drive: list[str] | None = None) -> Image:
    """The disk after a script that must be right."""
    outcome, image = run(disk, *lines, drive=drive)
    assert outcome.wrong == []
    return image


@contextmanager
def window(image: Image, number: int) -> Iterator[Window]:
    partition = next(one for one in image.partitions if one.number == number)
    yield Window(image.device, partition.start, partition.size)


def names(image: Image, volume: int, folder: str) -> set[str]:
    return {entry.name for entry in image.volume(volume).listdir(folder)}


def test_a_backup_as_the_article_asks_for_it(disk: Overlay) -> None:
    """Step 2 of its optional part: all files of config, before anything is changed."""
    before = Image(disk).volume(3).read(rf"{CONFIG}\SYSTEM")
    image = ran(
        disk,
        r"md F:\Backup",
        r"xcopy F:\Windows\System32\config\* F:\Backup\config\ /h /i /y",
        r"reg load HKLM\BROKENSYSTEM F:\Windows\System32\config\SYSTEM",
        r"reg add HKLM\BROKENSYSTEM\ControlSet001\Control\CrashControl /v AutoReboot /t REG_DWORD /d 0 /f",
        r"reg unload HKLM\BROKENSYSTEM",
        r"copy F:\Windows\System32\config\SYSTEM F:\Backup\after",
    )
    volume = image.volume(3)
    assert volume.read(r"\Backup\config\SYSTEM") == before
    after = volume.read(rf"{CONFIG}\SYSTEM")
    assert after != before
    assert volume.read(r"\Backup\after") == after
    files = {entry.name for entry in volume.listdir(CONFIG) if not entry.directory}
    assert names(image, 3, r"\Backup\config") == files
    with window(image, 3) as device:
        assert faults(device) == []


def test_a_hive_put_back_from_a_copy_is_the_one_that_is_loaded(disk: Overlay) -> None:
    value = r"HKLM\X\ControlSet001\Control\CrashControl /v AutoReboot /t REG_DWORD /d"
    image = ran(
        disk,
        r"copy F:\Windows\System32\config\SYSTEM F:\good",
        r"reg load HKLM\X F:\Windows\System32\config\SYSTEM",
        f"reg add {value} 0 /f",
        r"reg unload HKLM\X",
        r"copy /y F:\good F:\Windows\System32\config\SYSTEM",
        r"reg load HKLM\X F:\Windows\System32\config\SYSTEM",
        f"reg add {value.replace('AutoReboot', 'Other')} 7 /f",
    )
    crash = Hive.parse(image.volume(3).read(rf"{CONFIG}\SYSTEM"), "SYSTEM").key(r"ControlSet001\Control\CrashControl")
    good = Hive.parse(image.volume(3).read(r"\good"), "good").key(r"ControlSet001\Control\CrashControl")
    assert crash is not None
    assert good is not None
    here, there = crash.value("AutoReboot"), good.value("AutoReboot")
    assert (here.data if here else None) == (there.data if there else None)
    other = crash.value("Other")
    assert other is not None
    assert other.number == 7


@pytest.mark.parametrize("generation", [1, 2])
def test_the_store_is_copied_renamed_and_restored_wherever_it_is(generation: int) -> None:
    with broken(small_machine(generation), "healthy") as (disk, _):
        before = Image(disk)
        chain = Edit(disk).windows.chain
        assert chain.hive is not None
        folder = chain.hive.path.rpartition("\\")[0]
        original = before.volume(1).read(chain.hive.path)
        image = ran(
            disk,
            r"attrib -h -s -r F:\boot\bcd",
            r"copy F:\boot\bcd F:\boot\bcd.bak",
            r"bcdedit /store F:\boot\bcd /timeout 3",
            r"ren F:\boot\bcd.bak bcd.before",
            r"bcdedit /store F:\boot\bcd /export F:\boot\bcd.after",
            r"attrib +h +s F:\boot\bcd",
        )
        assert image.volume(1).read(rf"{folder}\bcd.before") == original
        after = image.volume(1).read(chain.hive.path)
        assert image.volume(1).read(rf"{folder}\bcd.after") == after
        manager = Store.parse(after, "BCD").boot_manager
        assert manager is not None
        timeout = manager.element("timeout")
        assert timeout is not None
        assert timeout.value == 3
        assert image.volume(1).stat(chain.hive.path).attributes & SETTABLE & ~ARCHIVE == HIDDEN | SYSTEM
        restored = ran(
            Overlay(image.device),
            rf"del /a F:{folder}\BCD" if generation == 2 else r"del /a F:\boot\bcd",
            r"move F:\boot\bcd.before F:\boot\bcd",
            r"bcdedit /store F:\boot\bcd /enum",
        )
        assert restored.volume(1).read(chain.hive.path) == original


def test_fat_stays_sound(disk: Overlay, tmp_path: Path) -> None:
    image = ran(
        disk,
        r"copy F:\Windows\System32\ntoskrnl.exe S:\EFI\kernel.exe",
        r"md S:\EFI\One\Two",
        r"xcopy S:\EFI\Microsoft\Boot S:\EFI\One\Two\Boot /e /i /h /q",
        r"attrib +r +h S:\EFI\kernel.exe",
        r"ren S:\EFI\kernel.exe k.exe",
        r"move S:\EFI\k.exe S:\EFI\One",
        r"rd /s /q S:\EFI\One\Two\Boot\Fonts",
        drive=["F", "S=1"],
    )
    with window(image, 1) as device:
        assert fsck(device, tmp_path) == ""
    assert image.volume(1).stat(r"\EFI\One\k.exe").attributes & SETTABLE == READ_ONLY | HIDDEN | ARCHIVE
    assert image.volume(1).read(r"\EFI\One\k.exe") == image.volume(3).read(r"\Windows\System32\ntoskrnl.exe")
    assert names(image, 1, r"\EFI\One\Two\Boot") == names(image, 1, r"\EFI\Microsoft\Boot") - {"Fonts"}


def test_copying_over_a_driver_keeps_its_owner_and_its_other_names(disk: Overlay, tmp_path: Path) -> None:
    truth = next(one for one in small_machine(2).manifest.binaries if one.name.lower() == "filecrypt.sys")
    security = Image(disk).volume(3)
    assert isinstance(security, NtfsVolume)
    before = security.security(truth.path)
    image = ran(disk, rf"copy /y F:\Windows\System32\drivers\null.sys F:{truth.path}")
    volume = image.volume(3)
    assert isinstance(volume, NtfsVolume)
    null = volume.read(r"\Windows\System32\drivers\null.sys")
    assert {volume.read(path) == null for path in truth.same_file} == {True}
    assert volume.security(truth.path) == before
    raw = tmp_path / "volume.raw"
    with window(image, 3) as device, raw.open("wb") as file:
        file.truncate(device.size)
        for low, high in device.data_extents():
            file.seek(low)
            file.write(device.read(low, high - low))
    theirs = pytsk3.FS_Info(pytsk3.Img_Info(str(raw))).open(truth.path.replace("\\", "/"))
    assert theirs.read_random(0, theirs.info.meta.size) == null
    subprocess.run(["rm", str(raw)], check=True)


def test_patterns_pass_hidden_files_by(disk: Overlay) -> None:
    image = ran(
        disk,
        r"md F:\p",
        r"copy F:\Windows\System32\hal.dll F:\p\one.dll",
        r"copy F:\Windows\System32\hal.dll F:\p\two.dll",
        r"copy F:\p\two.dll F:\p\three.sys",
        r"attrib +h F:\p\two.dll",
        r"del F:\p\*.dll",
        r"ren F:\p\*.sys *.old",
    )
    assert names(image, 3, r"\p") == {"two.dll", "three.old"}
    image = ran(Overlay(image.device), r"del /a F:\p\*.dll & copy F:\p\*.old F:\p\*.new")
    assert names(image, 3, r"\p") == {"three.old", "three.new"}
    image = ran(Overlay(image.device), r"del /s /q F:\p\*.*", r"rd F:\p")
    assert "p" not in names(image, 3, "\\")


def test_read_only_files_ask_for_force(disk: Overlay) -> None:
    base = (r"copy F:\Windows\System32\hal.dll F:\x.dll", r"attrib +r F:\x.dll")
    for line in (
        r"del F:\x.dll",
        r"copy F:\Windows\System32\kd.dll F:\x.dll",
        r"move F:\Windows\explorer.exe F:\x.dll",
    ):
        outcome, _ = run(disk, *base, line)
        assert [(one.number, one.exit_code) for one in outcome.wrong] == [(3, 3)], line
    image = ran(disk, *base, r"xcopy /r /y F:\Windows\System32\kd.dll F:\x.dll")
    assert image.volume(3).read(r"\x.dll") == image.volume(3).read(r"\Windows\System32\kd.dll")
    assert "x.dll" not in names(ran(disk, *base, r"del /f F:\x.dll"), 3, "\\")


def test_folders_and_the_current_one(disk: Overlay) -> None:
    image = ran(
        disk,
        "F:",
        r"cd \Windows",
        r"cd System32",
        r"copy hal.dll ..\hal.copy",
        r"pushd config & copy SYSTEM S1 & popd",
        r"copy hal.dll hal.two",
        r"cd /d S:\EFI",
        r"md New",
        drive=["F", "S=1"],
    )
    assert {"hal.copy"} <= names(image, 3, r"\Windows")
    assert {"hal.two"} <= names(image, 3, r"\Windows\System32")
    assert {"S1"} <= names(image, 3, CONFIG)
    assert {"New"} <= names(image, 1, r"\EFI")


@pytest.mark.parametrize(
    "line",
    [
        r"copy F:\Windows\explorer.exe F:\Windows\explorer.exe",
        r"copy F:\Windows\System32\hal.dll+F:\Windows\System32\kd.dll F:\x",
        r"copy F:\Windows\System32\*.dll F:\x.dll",
        r"xcopy F:\Windows\System32 F:\nowhere",
        r"xcopy F:\Windows F:\Windows\System32\again /e /i",
        r"ren F:\Windows\System32\hal.dll kd.dll",
        r"ren F:\Windows\System32\*.dll a?b*.x",
        r"move F:\Windows S:\Windows",
        r"attrib +x F:\Windows\explorer.exe",
        r"attrib",
        r"del",
        r"del /a:h F:\Windows\explorer.exe",
        r"md F:\Windows\explorer.exe\x",
        r"cd F:\Windows\explorer.exe",
        r"del F:\Win*\x",
        r"rd F:\Windows\explorer.exe",
        r"copy F:\Windows\explorer.exe F:\a\ ",
        r"reg load HKLM\X G:\SYSTEM",
        r"bcdedit /store F:\boot\bcd /import F:\Windows\explorer.exe",
    ],
)
def test_what_is_not_done(disk: Overlay, line: str) -> None:
    edit = Edit(disk)
    outcome = run_script(edit, line.encode(), "x.cmd", drive=["F", "S=1"])
    assert len(outcome.wrong) == 1
    assert all(outcome.wrong[0].what)
    assert outcome.wrong[0].exit_code in (2, 3, 4)
    assert outcome.blocking(fix=True) or line.startswith(("del F:\\Win*", "rd"))


def test_a_sleeping_windows_is_left_alone() -> None:
    with broken(small_machine(2), "healthy") as (disk, _):
        image = Image(disk)
        image.create_file(3, "\\hiberfil.sys", b"HIBR" + bytes(4092))
        image.close()
        outcome, _ = run(disk, r"copy S:\EFI\Microsoft\Boot\boot.stl S:\x", drive=["F", "S=1"])
        assert [one.exit_code for one in outcome.wrong] == [3]
