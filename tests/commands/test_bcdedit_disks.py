"""bcdedit on whole disks of both generations: the right store, one commit and its undo, reading without writing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from bcdedit_desk import words_of
from small_machine import broken, small_machine

from bootmend.cli import main
from bootmend.commands.bcdedit import BcdSession, parse_line
from bootmend.disk.container import open_disk
from bootmend.disk.digest import data_digest
from bootmend.disk.overlay import Overlay
from bootmend.edit import Edit
from bootmend.errors import Missing, Refused
from bootmend.formats.bcd import Store
from bootmend.formats.hive import Hive
from bootmend.windows.desk import Desk
from bootmend.windows.image import Image

OEM_ID = 3
"""Offset of the file system's name in a boot sector."""
ESP_STORE, MBR_STORE = "\\EFI\\Microsoft\\Boot\\BCD", "\\Boot\\BCD"
RECOVERY_STORE = "\\EFI\\Microsoft\\Recovery\\BCD"


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(disk: Path, line: str, *options: str) -> Done:
    """The command line in this process: a hundred starts of Python take longer than all the work."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main._run(["bcdedit", str(disk), *options, "--", *words_of(line)], debug=False)
    return Done(code, out.getvalue(), err.getvalue())


def started(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line as another program starts it."""
    return subprocess.run(
        [sys.executable, "-m", "bootmend", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "BOOTMEND_LANG": "en"},
        check=False,
    )


def digest(disk: Path) -> str:
    with open_disk(str(disk)) as device:
        return data_digest(device)[0]


@pytest.fixture(params=[1, 2])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / f"generation {request.param}.raw"
    subprocess.run(["cp", "--sparse=always", str(small_machine(request.param).path), str(path)], check=True)
    yield path
    path.unlink()


def test_one_line_is_one_commit_and_undo_brings_the_bytes_back(disk: Path) -> None:
    before = digest(disk)
    done = started("bcdedit", str(disk), "--", *words_of("/store F:\\boot\\bcd /set {default} safeboot network"))
    assert (done.returncode, done.stdout) == (0, "The operation completed successfully.\n"), done.stderr
    assert "F:\\boot\\bcd: taken as the store this machine boots from" in done.stderr
    assert digest(disk) != before
    again = run(disk, "/set {default} safeboot network")
    assert (again.returncode, "nothing was written" in again.stderr) == (0, True)
    shown = run(disk, "/enum {default}")
    assert "safeboot                Network" in shown.stdout.splitlines()
    journals = disk.with_name(disk.name + ".bootmend")
    assert len(list(journals.glob("*.journal"))) == 1
    undone = started("undo", str(disk))
    assert undone.returncode == 0, undone.stderr
    assert digest(disk) == before


def test_reading_and_wrong_words_leave_the_disk_alone(disk: Path) -> None:
    before, stamp = digest(disk), disk.stat().st_mtime_ns
    for line, code in (
        ("", 0),
        ("/enum all /v", 0),
        ("/dbgsettings", 0),
        ("/?", 0),
        ("/set {current} safeboot minimal", 3),
        ("/set {default} safeboot minimum", 2),
        ("/deletevalue {default} safeboot", 4),
    ):
        done = run(disk, line)
        assert done.returncode == code, (line, done.stderr)
        assert bool(done.stdout) == (code == 0)
        assert "Traceback" not in done.stderr
    dry = run(disk, "/set {default} safeboot network", "--dry-run")
    assert dry.returncode == 0
    assert "nothing was written" in dry.stderr
    assert digest(disk) == before
    assert disk.stat().st_mtime_ns == stamp
    assert not disk.with_name(disk.name + ".bootmend").exists()


def test_documents_for_programs(disk: Path) -> None:
    told = json.loads(run(disk, "/enum osloader", "--json").stdout)
    assert told["schema"] == "bootmend.bcdedit/1"
    assert told["store"]["path"] in (ESP_STORE, MBR_STORE)
    assert [entry["kind"] for entry in told["entries"]] == ["Windows Boot Loader"]
    elements = {element["name"]: element for element in told["entries"][0]["elements"]}
    assert elements["osdevice"]["values"] == ["partition=C:"]
    assert elements["nx"] == {"id": "25000020", "name": "nx", "values": ["OptOut"], "raw": "0100000000000000"}
    told = json.loads(run(disk, "/timeout 7", "--json").stdout)
    assert told["commit"]["verified"] is True
    assert told["changed_bytes"] > 0
    told = json.loads(run(disk, "/timeout 7", "--json").stdout)
    assert (told["commit"], told["changed_bytes"]) == (None, 0)


def test_export_and_import_on_a_disk(disk: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved store"
    assert run(disk, f'/export "{saved}"').returncode == 0
    assert run(disk, f'/export "{saved}"').returncode == 3
    before = run(disk, "/enum all /v").stdout
    assert run(disk, "/copy {default} /d Another").returncode == 0
    assert run(disk, "/enum all /v").stdout != before
    assert run(disk, f'/import "{saved}"').returncode == 0
    assert run(disk, "/enum all /v").stdout == before
    spoilt = tmp_path / "spoilt"
    spoilt.write_bytes(saved.read_bytes()[:4096])
    assert run(disk, f"/import {spoilt}").returncode == 4
    assert run(disk, "/enum all /v").stdout == before


def test_without_dashes_and_with_both_stores(disk: Path) -> None:
    plain = started("bcdedit", str(disk), "/enum", "{bootmgr}")
    assert plain.returncode == 0
    assert "Windows Boot Manager" in plain.stdout
    assert run(disk, "/store F:\\boot\\bcd /enum", "--store", "\\Boot\\BCD").returncode == 2
    assert run(disk, "/enum", "--store", "S:\\EFI\\Microsoft\\Boot\\BCD").returncode == 0
    assert run(disk.with_name("absent"), "/enum").returncode == 4


def boot_store(device: Overlay) -> Store:
    image = Image(device)
    session = BcdSession(image)
    assert session.chain.store is not None
    image.close()
    return session.chain.store


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("mark", [b"-FVE-FS-", b"garbage!"])
def test_the_store_is_found_where_no_windows_volume_can_be_read(generation: int, mark: bytes) -> None:
    with broken(small_machine(generation), "healthy") as (overlay, _):
        image = Image(overlay)
        windows = next(number for number, volume in image.volumes() if volume.exists("\\Windows\\System32"))
        start = next(p.start for p in image.partitions if p.number == windows)
        image.close()
        overlay.write(start + OEM_ID, mark)
        edit = Edit(overlay)
        session = BcdSession(edit.image, edit.desk)
        answer = session.run(parse_line(["/set", "{default}", "safeboot", "network"]))
        assert any("BitLocker" in note for note in answer.notes) == (mark == b"-FVE-FS-")
        again = session.run(parse_line(["/enum", "{default}"]))
        assert "osdevice                partition=C:" in again.lines
        assert edit.settle() > 0
        default = boot_store(edit.overlay).default
        assert default is not None
        safeboot = default.element("safeboot")
        assert safeboot is not None
        assert safeboot.value == 1


def test_the_recovery_store_is_meant_only_where_it_is_named() -> None:
    with broken(small_machine(2), "healthy") as (overlay, _):
        image = Image(overlay)
        volume = BcdSession(image).run(parse_line([])).place
        assert volume is not None
        assert volume.path == ESP_STORE
        if not image.has_file(volume.volume, RECOVERY_STORE):
            image.make_folder(volume.volume, "\\EFI\\Microsoft\\Recovery")
            image.create_file(volume.volume, RECOVERY_STORE, image.read_file(volume.volume, ESP_STORE))
        image.close()
        edit = Edit(overlay)
        session = BcdSession(edit.image, edit.desk)
        for word in (
            RECOVERY_STORE,
            f"S:{RECOVERY_STORE}",
            f"{volume.volume}:{RECOVERY_STORE}",
            RECOVERY_STORE.lower(),
        ):
            answer = session.run(parse_line(["/store", word, "/timeout", "44"]))
            assert answer.place is not None
            assert answer.place.path.lower() == RECOVERY_STORE.lower()
        edit.settle()
        image = Image(edit.overlay)
        recovery = Store.parse(image.read_file(volume.volume, RECOVERY_STORE), "Recovery")
        own = Store.parse(image.read_file(volume.volume, ESP_STORE), "BCD")
        image.close()
        assert timeout(recovery) == 44
        assert timeout(own) == 30


def timeout(store: Store) -> object:
    assert store.boot_manager is not None
    element = store.boot_manager.element("timeout")
    return element.value if element else None


def spoil_store(overlay: Overlay, data: bytes) -> None:
    """Writes over the start of the store that the machine boots from, where it lies."""
    image = Image(overlay)
    hive = BcdSession(image).chain.hive
    assert hive is not None
    image.volume(hive.volume).write_in_place(hive.path, 0, data)
    image.close()


@pytest.mark.parametrize("generation", [1, 2])
def test_a_dirty_store_is_read_with_a_note_and_written_only_when_accepted(generation: int) -> None:
    with broken(small_machine(generation), "healthy") as (overlay, _):
        image = Image(overlay)
        hive = BcdSession(image).chain.hive
        assert hive is not None
        head = bytearray(hive.primary[:512])
        image.close()
        head[4] = head[4] + 1 & 0xFF
        checksum = 0
        for at in range(0, 508, 4):
            checksum ^= int.from_bytes(head[at : at + 4], "little")
        head[508:512] = checksum.to_bytes(4, "little")
        spoil_store(overlay, bytes(head))
        image = Image(overlay)
        answer = BcdSession(image).run(parse_line(["/enum", "all"]))
        assert any("dirty" in note for note in answer.notes)
        assert len(answer.entries) > 5
        with pytest.raises(Refused, match="unreplayed-hive"):
            BcdSession(image, Desk(image)).run(parse_line(["/timeout", "9"]))
        with pytest.raises(Refused, match="unreplayed-hive"):
            BcdSession(image).run(parse_line(["/export", "/nonexistent/file"]))
        image.close()
        accepted = frozenset({"unreplayed-hive"})
        edit = Edit(overlay, accepted)
        BcdSession(edit.image, edit.desk).run(parse_line(["/timeout", "9"]))
        edit.settle()
        image = Image(edit.overlay)
        after = image.read_file(hive.volume, hive.path)
        image.close()
        assert not Hive.parse(after, "BCD").dirty
        assert timeout(Store.parse(after, "BCD")) == 9


def test_a_disk_whose_store_is_broken_says_so() -> None:
    with broken(small_machine(2), "healthy") as (overlay, _):
        spoil_store(overlay, b"nonsense")
        image = Image(overlay)
        with pytest.raises(Missing, match=r"no boot configuration store that can be read.*regf"):
            BcdSession(image).run(parse_line([]))
        image.close()


def test_a_hibernated_windows_is_refused() -> None:
    with broken(small_machine(2), "healthy") as (overlay, _):
        image = Image(overlay)
        windows = next(number for number, volume in image.volumes() if volume.exists("\\Windows\\System32"))
        image.create_file(windows, "\\hiberfil.sys", b"HIBR" + bytes(8188))
        image.close()
        edit = Edit(overlay)
        session = BcdSession(edit.image, edit.desk)
        assert session.run(parse_line(["/enum"])).entries
        with pytest.raises(Refused, match="hibernated"):
            session.run(parse_line(["/set", "{default}", "safeboot", "network"]))


def test_letters_of_the_caller_and_of_windows() -> None:
    with broken(small_machine(2), "healthy") as (overlay, _):
        edit = Edit(overlay)
        partition = BcdSession(edit.image).partitions.number("C:")
        session = BcdSession(edit.image, edit.desk, {"f:": partition})
        session.run(parse_line(["/set", "{default}", "device", "partition=F:"]))
        answer = session.run(parse_line(["/enum", "{default}"]))
        assert "device                  partition=C:" in answer.lines
        with pytest.raises(Refused, match="Q:"):
            session.run(parse_line(["/set", "{default}", "device", "partition=Q:"]))


def test_lines_of_a_session_see_each_other() -> None:
    with broken(small_machine(1), "healthy") as (overlay, _):
        edit = Edit(overlay)
        session = BcdSession(edit.image, edit.desk)
        made = session.run(parse_line(words_of('/create /d "Second one" /application osloader'))).lines[-1]
        new = made[made.index("{") : made.index("}") + 1]
        for line in (
            f"/set {new} path \\Windows\\system32\\winload.exe",
            f"/set {new} osdevice partition=C:",
            f"/displayorder {new} /addlast",
            f"/default {new}",
        ):
            session.run(parse_line(words_of(line)))
        edit.settle()
        store = boot_store(edit.overlay)
        assert store.default is not None
        assert (store.default.title, f"{{{store.default.id}}}") == ("Second one", new)
        assert len(store.display_order) == 2
